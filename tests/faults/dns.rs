//! A client of DNS: what was asked, and what was said.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use hickory_proto::op::{Edns, Message, Query, ResponseCode};
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use hickory_proto::rr::{Name, RecordType};

/// The zone that all faults are about.
pub(super) const ZONE: &str = "services.internal.";
/// The option code of extended errors (RFC 8914 section 2).
const EXTENDED_ERROR: u16 = 15;
/// The reason of an answer before the first list (RFC 8914 section 4.15).
const NOT_READY: u16 = 14;
/// How long one datagram's answer is waited for, and how often it is asked again: what a
/// stub resolver does, so that a datagram lost in a flood is no fault of the server.
const PATIENCE: Duration = Duration::from_secs(2);
/// See [`PATIENCE`].
const TRIES: usize = 3;
/// How long a connection may be silent.
const TCP_PATIENCE: Duration = Duration::from_secs(10);

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Question {
    /// SRV, A or AAAA.
    pub(super) kind: Kind,
    /// The name, absolute, in lower case.
    pub(super) name: String,
}

/// The types that are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Where a service runs.
    Srv,
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
}

/// What an answer says, whatever its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// These records.
    Records(BTreeSet<String>),
    /// The name is there, records of this type are not.
    NoData,
    /// The name is not there.
    Absent,
    /// Ask later: SERVFAIL with "Not Ready".
    NotReady,
    /// Nothing at all, at every try.
    Silence,
    /// What must never be said.
    Other(String),
}

/// An answer.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    /// What it says.
    pub(super) said: Said,
    /// The code of the extended error, if there is one.
    pub(super) reason: Option<u16>,
}

impl Question {
    /// Asks for the instances of a service over tcp.
    pub(super) fn srv(service: &str) -> Self {
        Self { kind: Kind::Srv, name: format!("_{service}._tcp.{ZONE}") }
    }

    /// Asks for the IPv4 addresses of a service, or of `ADDR.SERVICE`.
    pub(super) fn a(service: &str) -> Self {
        Self { kind: Kind::A, name: format!("{service}.{ZONE}") }
    }

    /// Asks for the IPv6 addresses of a service, or of `ADDR.SERVICE`.
    pub(super) fn aaaa(service: &str) -> Self {
        Self { kind: Kind::Aaaa, name: format!("{service}.{ZONE}") }
    }

    /// All that is asked of one service.
    pub(super) fn all_of(service: &str) -> [Self; 3] {
        [Self::srv(service), Self::a(service), Self::aaaa(service)]
    }

    /// The message that asks it, with a random id.
    fn message(&self, has_edns: bool) -> Message {
        let mut message = Message::query();
        let kind = match self.kind {
            Kind::Srv => RecordType::SRV,
            Kind::A => RecordType::A,
            Kind::Aaaa => RecordType::AAAA,
        };
        message.add_query(Query::query(Name::from_ascii(&self.name).unwrap(), kind));
        if has_edns {
            let mut edns = Edns::new();
            edns.set_max_payload(1232);
            message.set_edns(edns);
        }
        message
    }
}

impl Reply {
    /// No answer.
    const SILENCE: Self = Self { said: Said::Silence, reason: None };

    /// Reads a message.
    fn read(message: &Message) -> Self {
        let option =
            message.edns.as_ref().and_then(|edns| edns.option(EdnsCode::from(EXTENDED_ERROR)));
        let reason = option.and_then(|option| match option {
            EdnsOption::Unknown(_, data) => {
                Some(u16::from_be_bytes([*data.first()?, *data.get(1)?]))
            }
            _ => None,
        });
        Self { said: said(message, reason), reason }
    }
}

/// What a message says.
fn said(message: &Message, reason: Option<u16>) -> Said {
    let records: BTreeSet<_> =
        message.answers.iter().map(|record| record.data.to_string()).collect();
    let (code, metadata) = (message.metadata.response_code, &message.metadata);
    match code {
        _ if metadata.truncation || !metadata.authoritative && code != ResponseCode::ServFail => {
            Said::Other(format!("{metadata:?}"))
        }
        ResponseCode::NoError if records.len() != message.answers.len() => {
            Said::Other(format!("a record twice: {:?}", message.answers))
        }
        ResponseCode::NoError if records.is_empty() => Said::NoData,
        ResponseCode::NoError => Said::Records(records),
        ResponseCode::NXDomain => Said::Absent,
        // Without EDNS there is no reason to tell this from another failure.
        ResponseCode::ServFail if matches!(reason, None | Some(NOT_READY)) => Said::NotReady,
        code => Said::Other(format!("{code}, reason {reason:?}")),
    }
}

/// Asks over UDP.
pub(super) struct Udp(UdpSocket);

impl Udp {
    /// A client of a server.
    pub(super) fn new(server: SocketAddr) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.connect(server).unwrap();
        Self(socket)
    }

    /// Asks, as often as a stub resolver does.
    pub(super) fn ask(&self, question: &Question, has_edns: bool) -> Reply {
        let replies = (0..TRIES).find_map(|_| self.ask_once(question, has_edns));
        replies.unwrap_or(Reply::SILENCE)
    }

    /// Asks once. Late answers to earlier questions are passed over.
    fn ask_once(&self, question: &Question, has_edns: bool) -> Option<Reply> {
        let message = question.message(has_edns);
        let (asked, mut octets) = (Instant::now(), [0; 4096]);
        // A server that is not there is as silent as one that does not answer.
        let sent = self.0.send(&message.to_vec().unwrap());
        loop {
            let left = PATIENCE.checked_sub(asked.elapsed()).filter(|left| !left.is_zero())?;
            if sent.is_err() {
                std::thread::sleep(left);
                return None;
            }
            self.0.set_read_timeout(Some(left)).unwrap();
            let Ok(length) = self.0.recv(&mut octets) else { continue };
            let reply = Message::from_vec(&octets[..length]).unwrap();
            if reply.metadata.id == message.metadata.id {
                return Some(Reply::read(&reply));
            }
        }
    }
}

/// Asks over one TCP connection, one question after the other.
pub(super) struct Tcp(TcpStream);

impl Tcp {
    /// A connection to a server.
    pub(super) fn new(server: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect_timeout(&server, TCP_PATIENCE)?;
        stream.set_read_timeout(Some(TCP_PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self(stream))
    }

    /// Asks.
    pub(super) fn ask(&mut self, question: &Question) -> std::io::Result<Reply> {
        let query = question.message(true).to_vec().unwrap();
        let length = u16::try_from(query.len()).unwrap().to_be_bytes();
        self.0.write_all(&[&length[..], &query].concat())?;
        let mut length = [0; 2];
        self.0.read_exact(&mut length)?;
        let mut octets = vec![0; usize::from(u16::from_be_bytes(length))];
        self.0.read_exact(&mut octets)?;
        Ok(Reply::read(&Message::from_vec(&octets).unwrap()))
    }
}
