//! The rules of the protocol, one test for each line of the table, named for the RFC. Every
//! query is asked in every way there is, and all must say the same: the fast path (where it
//! takes it), the full path, and real sockets; UDP, TCP, TLS, HTTPS and QUIC; IPv4 and IPv6.

mod amplification;
mod chaos;
mod cookies;
mod edns;
mod header;
mod options;
mod records;
mod streams;
mod unoffered;
mod unread;

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::Message;
use hickory_proto::rr::rdata::opt::EdnsCode;
use hickory_proto::rr::{Record, RecordType};
use srvd::wire::{
    DoqCode, Fast, Peer, Policies, Policy, READY_MAX, Replied, Responder, Transport, UDP_MOST,
    Verdict, View,
};

use super::messages::{Query, parse};
use super::{Server, example};
use crate::fixture::Fixture;
use crate::support::certificates::Authority;
use crate::support::quic::QuicClient;
use crate::support::tls::{TlsClient, certified};

/// RCODE NOTAUTH.
const NOTAUTH: u16 = 9;
/// The option code of padding.
const PADDING: u16 = 12;
/// How long a reply may take on a busy machine.
const WAIT: Duration = Duration::from_secs(5);

/// A zone, a policy, and a server of both.
struct World {
    fixture: Fixture,
    policy: Arc<Policy>,
    server: Server,
    /// Asks over TLS, and over HTTPS.
    client: TlsClient,
    browser: TlsClient,
    /// The same over QUIC.
    stub: QuicClient,
}

/// What is said to one query, in all ways.
struct Said {
    udp: Reply,
    tcp: Reply,
    tls: Reply,
    https: Reply,
    /// Whether the fast path took it, over UDP.
    is_fast: bool,
}

/// A reply.
pub(super) struct Reply {
    pub(super) octets: Vec<u8>,
    /// What hickory reads in it; it cannot read TSIG records.
    pub(super) message: Option<Message>,
}

impl World {
    /// The example, with nothing configured.
    fn new() -> Self {
        Self::with(example(), Policy::default())
    }

    /// The example by a policy.
    fn by(policy: Policy) -> Self {
        Self::with(example(), policy)
    }

    /// Any zones by a policy.
    fn with(fixture: Fixture, policy: Policy) -> Self {
        let authority = Authority::new("authority");
        let certificate = Some(certified(&authority.server()));
        let policy = Arc::new(Policy { certificate, ..policy });
        let server = Server::start_encrypted(&fixture, Arc::clone(&policy));
        let [client, browser] =
            ["dot", "http/1.1"].map(|protocol| TlsClient::new(&authority, Some(protocol)));
        let stub = QuicClient::new(&authority, "doq");
        Self { fixture, policy, server, client, browser, stub }
    }

    /// Asks in every way, and compares.
    fn ask(&self, query: &Query) -> Said {
        self.ask_octets(&query.bytes())
    }

    /// The same with any octets.
    fn ask_octets(&self, message: &[u8]) -> Said {
        let clients = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        let [said, other] = clients.map(|client| self.ask_as(client, message));
        assert_eq!(said.is_fast, other.is_fast);
        // Cookies depend on the client's address, and nothing else does.
        if said.udp.option(10).is_none() {
            check_same(&said.udp, &other.udp, "IPv4, IPv6");
            check_same(&said.tcp, &other.tcp, "IPv4, IPv6");
            check_same(&said.tls, &other.tls, "IPv4, IPv6");
            check_same(&said.https, &other.https, "IPv4, IPv6");
        }
        said
    }

    /// Asks as a client of one family.
    fn ask_as(&self, client: IpAddr, message: &[u8]) -> Said {
        let address = if client.is_ipv4() { self.server.v4 } else { self.server.v6 };
        let mut is_fast = [false; 2];
        let all = [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Https];
        let replies = all.map(|transport| {
            let from = Peer { address: SocketAddr::new(client, 5353), transport };
            let full = Reply::new(self.full(message, from).expect("a reply"));
            if let Some(fast) = self.fast(message, from) {
                check_same(&Reply::new(fast), &full, "fast, full");
                is_fast[usize::from(transport != Transport::Udp)] = true;
            }
            let reply = match transport {
                Transport::Udp => by_datagram(address, message),
                Transport::Tcp => by_stream(address, message),
                Transport::Tls => {
                    let at = self.server.tls[usize::from(client.is_ipv6())];
                    self.client.ask(at, message).unwrap()
                }
                Transport::Quic => unreachable!("its messages have another id"),
                Transport::Https => {
                    let at = self.server.https[usize::from(client.is_ipv6())];
                    self.browser.post(at, message).unwrap().1
                }
            };
            check_same(&Reply::new(reply), &full, "socket, full");
            full
        });
        let [udp, tcp, tls, https] = replies;
        // Padding is for those alone whom nobody can read.
        if tls.option(PADDING).is_none() && tls.option(10).is_none() {
            check_same(&tcp, &tls, "TCP, TLS");
        }
        // How long a connection is kept is not said over HTTP, nor is it read what a client says of it.
        let says_timeout = message.windows(4).any(|it| it[..3] == [0, 11, 0] && it[3] > 0);
        if tls.option(11).is_none() && tls.option(10).is_none() && !says_timeout {
            check_same(&tls, &https, "TLS, HTTPS");
        }
        self.ask_over_quic(client, message, &https);
        Said { udp, tcp, tls, https, is_fast: is_fast[0] }
    }

    /// Asks the same over QUIC, where the id is 0. But for that the reply is that over HTTPS; to whoever
    /// says how long a connection may be idle there is none.
    fn ask_over_quic(&self, client: IpAddr, message: &[u8], https: &Reply) {
        let message = [&[0, 0], &message[2..]].concat();
        let at = self.server.quic[usize::from(client.is_ipv6())];
        let from = Peer::quic(SocketAddr::new(client, 5353));
        match self.stub.ask(at, &message) {
            Ok(reply) => {
                let full = Reply::new(self.full(&message, from).expect("a reply"));
                check_same(&Reply::new(reply), &full, "QUIC, full");
                let mut octets = https.octets.clone();
                octets[..2].fill(0);
                // A TSIG record repeats the id.
                if https.option(10).is_none() && https.code() != NOTAUTH {
                    check_same(&Reply::new(octets), &full, "HTTPS, QUIC");
                }
            }
            Err(code) => {
                assert_eq!(code, DoqCode::ProtocolError);
                assert!(message.windows(2).any(|it| it == [0, 11]), "{message:?}");
            }
        }
    }

    /// What the full path replies.
    fn full(&self, message: &[u8], from: Peer) -> Option<Vec<u8>> {
        let policies = Arc::new(Policies::new(Arc::clone(&self.policy)));
        let responder = Responder::with(Arc::clone(&self.fixture.index), policies);
        let mut reply = Vec::new();
        responder.respond(message, from, &mut reply).then_some(reply)
    }

    /// What the fast path replies, if it takes the message.
    fn fast(&self, message: &[u8], from: Peer) -> Option<Vec<u8>> {
        let room = if from.transport == Transport::Udp { usize::from(UDP_MOST) } else { READY_MAX };
        let mut reply = vec![0xff; room];
        let (mut fast, generation) = (Fast::unbounded(), self.fixture.index.load());
        let view = View { generation: &generation, policy: &self.policy };
        match fast.respond(view, message, from, &mut reply) {
            Verdict::Reply { octets, code, truncated, topic } => {
                assert_eq!((code, truncated), (reply[3] & 0x0f, reply[2] & 2 != 0));
                reply.truncate(octets);
                let read = Replied::read(view, from.ip(), &reply);
                assert_eq!(read.topic, topic);
                Some(reply)
            }
            Verdict::Silence => Some(Vec::new()),
            Verdict::Full | Verdict::Foreign | Verdict::Pattern => None,
        }
    }

    /// Sends what must not be answered, and then a query, whose reply must come first.
    fn check_silence(&self, message: &[u8]) {
        let query = Query::new("web.services.internal", 1).bytes();
        let probe = [&[0x77, 0x77], &query[2..]].concat();
        for (client, address) in [("127.0.0.1", self.server.v4), ("::1", self.server.v6)] {
            for transport in Transport::ALL {
                let from =
                    Peer { address: SocketAddr::new(client.parse().unwrap(), 5353), transport };
                assert_eq!(self.full(message, from), None);
                assert_eq!(self.fast(message, from).unwrap_or_default(), [0; 0]);
            }
            let socket = udp(address);
            socket.send(message).unwrap();
            socket.send(&probe).unwrap();
            assert_eq!(receive(&socket).unwrap()[..2], probe[..2]);
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(&[framed(message), framed(&probe)].concat()).unwrap();
            assert_eq!(read_reply(&mut stream)[..2], probe[..2]);
        }
    }
}

impl Said {
    /// The reply, which is the same over UDP and TCP.
    fn same(self) -> Reply {
        check_same(&self.udp, &self.tcp, "UDP, TCP");
        self.udp
    }
}

impl Reply {
    pub(super) fn new(octets: Vec<u8>) -> Self {
        let message = parse(&octets);
        Self { octets, message }
    }

    /// The code, with its upper bits.
    pub(super) fn code(&self) -> u16 {
        let low = u16::from(self.octets[3] & 0x0f);
        let edns = self.message.as_ref().and_then(|message| message.edns.as_ref());
        edns.map_or(0, |edns| u16::from(edns.rcode_high())) << 4 | low
    }

    /// The flags: QR, opcode, AA, TC, RD; and RA, Z, AD, CD.
    fn flags(&self) -> [u8; 2] {
        [self.octets[2], self.octets[3] & 0xf0]
    }

    /// How many questions, answers, authority and additional records there are.
    fn counts(&self) -> [u16; 4] {
        std::array::from_fn(|at| {
            u16::from_be_bytes([self.octets[4 + 2 * at], self.octets[5 + 2 * at]])
        })
    }

    /// Whether it asks to come back over TCP.
    pub(super) fn is_truncated(&self) -> bool {
        self.octets[2] & 2 != 0
    }

    /// The data of an option.
    pub(super) fn option(&self, code: u16) -> Option<Vec<u8>> {
        let option = self.message.as_ref()?.edns.as_ref()?.option(EdnsCode::from(code))?;
        Some(Vec::try_from(option).unwrap())
    }

    /// How many options there are; none without an OPT record.
    fn options(&self) -> Option<usize> {
        Some(self.message.as_ref()?.edns.as_ref()?.options().as_ref().len())
    }

    /// The info code of its extended error.
    fn reason(&self) -> Option<u16> {
        self.option(15).map(|data| u16::from_be_bytes(data.try_into().unwrap()))
    }
}

/// Checks that two replies mean the same: octet by octet, but for the order of records and
/// the compression of names; and for addresses of targets, of which those of the first
/// targets are given as far as they fit, and who is first is drawn.
pub(super) fn check_same(one: &Reply, other: &Reply, which: &str) {
    // All but how many records there are.
    assert_eq!(one.octets.get(..6), other.octets.get(..6), "{which}: header");
    let (Some(left), Some(right)) = (&one.message, &other.message) else {
        return assert_eq!(one.octets, other.octets, "{which}");
    };
    assert_eq!(left.queries, right.queries, "{which}");
    if left.metadata.truncation {
        // Which of the records are there is drawn; the suite `cut` holds them to the rules.
        assert_eq!(left.edns, right.edns, "{which}");
        for of in [left, right] {
            assert!(of.authorities.is_empty() && of.additionals.is_empty(), "{which}: {of}");
        }
        let several = left.answers.len().abs_diff(right.answers.len());
        return assert!(several <= 1, "{which}: {left} {right}");
    }
    assert_eq!(sorted(&left.answers), sorted(&right.answers), "{which}");
    assert_eq!(sorted(&left.authorities), sorted(&right.authorities), "{which}");
    if ![left, right].into_iter().any(lacks_addresses) {
        assert_eq!(sorted(&left.additionals), sorted(&right.additionals), "{which}");
    }
    assert_eq!(left.edns, right.edns, "{which}");
}

/// Whether there are fewer addresses than targets.
fn lacks_addresses(message: &Message) -> bool {
    let targets = message.answers.iter().filter(|it| it.record_type() == RecordType::SRV);
    message.additionals.len() < targets.count()
}

/// Records in an order of their own.
fn sorted(records: &[Record]) -> Vec<String> {
    let mut lines: Vec<_> = records.iter().map(ToString::to_string).collect();
    lines.sort();
    lines
}

/// A UDP client.
fn udp(server: SocketAddr) -> UdpSocket {
    let own = if server.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
    let socket = UdpSocket::bind(own).unwrap();
    socket.connect(server).unwrap();
    socket.set_read_timeout(Some(WAIT)).unwrap();
    socket
}

/// One datagram.
fn receive(socket: &UdpSocket) -> std::io::Result<Vec<u8>> {
    let mut reply = vec![0; 4096];
    let octets = socket.recv(&mut reply)?;
    reply.truncate(octets);
    Ok(reply)
}

/// One reply over UDP. A busy machine may lose a datagram.
fn by_datagram(server: SocketAddr, message: &[u8]) -> Vec<u8> {
    let socket = udp(server);
    let reply = (0..3).find_map(|_| {
        socket.send(message).unwrap();
        receive(&socket).ok()
    });
    reply.expect("a reply to a datagram")
}

/// One reply over TCP.
fn by_stream(server: SocketAddr, message: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(server).unwrap();
    stream.write_all(&framed(message)).unwrap();
    read_reply(&mut stream)
}

/// A message with its length before it.
fn framed(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u16).to_be_bytes()[..], message].concat()
}

/// The next reply of a stream.
fn read_reply(stream: &mut TcpStream) -> Vec<u8> {
    stream.set_read_timeout(Some(WAIT)).unwrap();
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut reply = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut reply).unwrap();
    reply
}
