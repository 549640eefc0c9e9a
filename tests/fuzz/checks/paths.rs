//! Both paths are asked, and held to the rules and to each other.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use hickory_proto::op::{Edns, Message, ResponseCode};
use hickory_proto::rr::Record;
use hickory_proto::rr::rdata::opt::EdnsCode;
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder};
use srvd::index::Index;
use srvd::wire::{
    Fast, Peer, Policies, Policy, READY_MAX, Replied, Responder, Transport, UDP_MAX, UDP_MOST,
    Verdict, View,
};

/// Who asks.
const CLIENT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 5353);

/// The flag TC, in the octet that it is in.
const TRUNCATED: u8 = 2;

/// The two paths to an answer.
pub(crate) struct Paths {
    index: Arc<Index>,
    full: Responder,
    fast: Fast,
    policy: Arc<Policy>,
}

impl Paths {
    /// The paths into an index, with nothing configured.
    pub(crate) fn of(index: &Arc<Index>) -> Self {
        Self::with(index, Arc::default())
    }

    /// The paths into an index, by a policy.
    pub(crate) fn with(index: &Arc<Index>, policy: Arc<Policy>) -> Self {
        let full = Responder::with(Arc::clone(index), Arc::new(Policies::new(Arc::clone(&policy))));
        // One that takes whatever can be made ready.
        Self { index: Arc::clone(index), full, fast: Fast::unbounded(), policy }
    }

    /// Asks both paths over all transports.
    pub(crate) fn check(&mut self, message: &[u8]) {
        let whole = self.check_over(message, Transport::Tcp, None);
        self.check_over(message, Transport::Tls, None);
        self.check_over(message, Transport::Https, None);
        self.check_over(message, Transport::Quic, None);
        self.check_over(message, Transport::Udp, whole.as_deref());
    }

    /// Asks both paths; `whole` is what the full path replies over TCP. Gives what it replies.
    fn check_over(
        &mut self,
        message: &[u8],
        transport: Transport,
        whole: Option<&[u8]>,
    ) -> Option<Vec<u8>> {
        let full = self.full(message, transport);
        let is_request = message.len() >= 12 && message[2] & 0x80 == 0;
        assert_eq!(full.is_some(), is_request, "silence is for what is no request");
        if let Some(reply) = &full {
            check_reply(message, reply, transport);
        }
        let Some(fast) = self.fast(message, transport) else { return full };
        let Some(slow) = &full else {
            assert!(fast.is_empty(), "the fast path answers what is no request");
            return full;
        };
        check_reply(message, &fast, transport);
        check_same(message, [&fast, slow, whole.unwrap_or(slow)]);
        full
    }

    /// Asks both paths. Gives the answer over TCP, as hickory reads it.
    pub(crate) fn ask(&mut self, message: &[u8]) -> Message {
        self.check(message);
        self.answer(message)
    }

    /// Asks the full path. Gives the answer over TCP, as hickory reads it.
    pub(crate) fn answer(&self, message: &[u8]) -> Message {
        let reply = self.full(message, Transport::Tcp).expect("a query is answered");
        parse(&reply).expect("a reply can be read")
    }

    /// What the full path replies.
    fn full(&self, message: &[u8], transport: Transport) -> Option<Vec<u8>> {
        let mut reply = b"what was there before".to_vec();
        self.full.respond(message, Peer { address: CLIENT, transport }, &mut reply).then_some(reply)
    }

    /// What the fast path replies, nothing for silence; none if it leaves the message to the
    /// full path.
    fn fast(&mut self, message: &[u8], transport: Transport) -> Option<Vec<u8>> {
        let room = if transport == Transport::Udp { usize::from(UDP_MOST) } else { READY_MAX };
        let mut reply = vec![0xff; room];
        let generation = self.index.load();
        let view = View { generation: &generation, policy: &self.policy };
        match self.fast.respond(view, message, Peer { address: CLIENT, transport }, &mut reply) {
            Verdict::Reply { octets, code, truncated, topic } => {
                reply.truncate(octets);
                assert_eq!((code, truncated), (reply[3] & 0x0f, reply[2] & 2 != 0));
                let read = Replied::read(view, CLIENT.ip(), &reply);
                assert_eq!(read.topic, topic);
                Some(reply)
            }
            Verdict::Silence => Some(Vec::new()),
            Verdict::Full | Verdict::Foreign | Verdict::Pattern => None,
        }
    }
}

/// A message as hickory reads it, if it reads all of it.
pub(crate) fn parse(octets: &[u8]) -> Option<Message> {
    let mut decoder = BinDecoder::new(octets);
    Message::read(&mut decoder).ok().filter(|_| decoder.is_empty())
}

/// Whether records are the same, in whatever order; names are compared without case.
pub(crate) fn check_records(some: &[Record], others: &[Record], what: &str) {
    assert!(some.len() == others.len() && are_in(some, others), "{what}: {some:#?} {others:#?}");
}

/// Whether all of some records are among others, each as often.
fn are_in(some: &[Record], others: &[Record]) -> bool {
    let mut others: Vec<_> = others.iter().collect();
    some.iter().all(|record| {
        let found = others.iter().position(|other| *other == record && other.ttl == record.ttl);
        found.map(|at| others.swap_remove(at)).is_some()
    })
}

/// Octets that a reply may have.
fn limit(message: &[u8], transport: Transport) -> usize {
    let size = |message: Message| message.edns.map_or(512, |edns| edns.max_payload());
    match transport {
        Transport::Tcp | Transport::Tls | Transport::Https | Transport::Quic => {
            usize::from(u16::MAX)
        }
        // hickory finds fault with options that mean nothing to us.
        Transport::Udp => usize::from(parse(message).map_or(UDP_MAX, size).clamp(512, UDP_MAX)),
    }
}

/// The EDNS part of a reply without its padding, which is as long as the reply is short.
fn unpadded(reply: &Message) -> Option<Edns> {
    let mut edns = reply.edns.clone()?;
    edns.options_mut().remove(EdnsCode::Padding);
    Some(edns)
}

/// What must hold of a reply, whoever made it.
fn check_reply(message: &[u8], reply: &[u8], transport: Transport) {
    let limit = limit(message, transport);
    assert!(reply.len() >= 12 && reply.len() <= limit, "{} octets of {limit}", reply.len());
    assert_eq!(reply[..2], message[..2], "the id");
    assert_eq!(reply[2] & 0xf8, 0x80 | message[2] & 0x78, "QR, and the opcode");
    let Some(parsed) = parse(reply) else {
        // A refusal of TSIG cannot be parsed without the feature that signs.
        return assert_eq!(reply[3] & 0x0f, 9, "it cannot be read: {reply:02x?}");
    };
    let code = parsed.metadata.response_code;
    assert_ne!(code, ResponseCode::ServFail, "all zones of these checks are ready");
    assert!(!parsed.metadata.truncation || transport.is_datagram(), "TC over TCP");
    let has_others = !parsed.authorities.is_empty() || !parsed.additionals.is_empty();
    assert!(!parsed.metadata.truncation || !has_others, "TC and more than answers");
    if parsed.queries.len() == 1 {
        let question = &reply[12..question_end(reply)];
        assert_eq!(message.get(12..12 + question.len()), Some(question), "the question");
    }
}

/// Where the question of a reply ends.
fn question_end(reply: &[u8]) -> usize {
    let mut at = 12;
    while reply[at] != 0 {
        at += 1 + usize::from(reply[at]);
    }
    at + 5
}

/// Whether the fast path says what the full path says; `whole` is that with all glue.
fn check_same(message: &[u8], [fast, full, whole]: [&[u8]; 3]) {
    // The full path compresses less where the case differs, and so names in what it says may not
    // fit there: those of a SOA even where the question is spelt as its zone is.
    let is_spelt = full[12..question_end(full)].iter().any(u8::is_ascii_uppercase);
    let is_negative = whole[7] == 0 && whole[9] == 1;
    if fast[2] ^ full[2] == TRUNCATED && (is_negative || is_spelt) {
        return;
    }
    assert_eq!(fast[..7], full[..7], "id, flags, code, QDCOUNT of {message:02x?}");
    let [quick, slow, whole] = [fast, full, whole].map(|it| parse(it).expect("it was read before"));
    assert_eq!(quick.queries, slow.queries, "the question");
    // Over TCP a keepalive option may be at fault that says nothing over UDP.
    let is_answered_whole = whole.metadata.response_code == slow.metadata.response_code;
    if !quick.metadata.truncation {
        check_records(&quick.answers, &slow.answers, "answers");
    } else if is_answered_whole {
        // Which of them fit is drawn.
        for reply in [&quick, &slow] {
            assert!(are_in(&reply.answers, &whole.answers), "{:#?}", reply.answers);
        }
    }
    check_records(&quick.authorities, &slow.authorities, "authority");
    assert_eq!(unpadded(&quick), unpadded(&slow), "EDNS");
    if is_answered_whole {
        let (glue, all) = (&quick.additionals, &whole.additionals);
        assert!(are_in(glue, all), "glue that the full path has not: {glue:#?}");
    }
}
