//! ANSWER → BYTES: sockets, and what goes over them. The only room that knows them.
//!
//! ```text
//!   udp ─→ fast ─┬─→ silence
//!   (batch)      ├─→ reply, from ready-made answers
//!                └─→ queue ─→ full ─→ reply, from `authority`'s answer
//!   tcp, tls, https, quic ─→ fast, or full ─→ reply
//! ```
//!
//! `fast` and `full` are functions from octets to octets, and say the same: the fast path
//! takes the usual queries, the full path everything there is. The loops around them do
//! nothing but move octets; they take no lock and never wait for an answer.
//!
//! | threads | how many | what they do |
//! | --- | --- | --- |
//! | `udp-0` … | `workers` for each address | wait in the kernel for datagrams, up to 64 at once |
//! | `full-0` … | one for two workers | answer datagrams that take more than a ready-made answer |
//! | `full-foreign`, `full-patterns` | one each | the same for names that others are asked for, and for those that can mean much of a zone |
//! | `tcp` | one for two workers | all connections, those of QUIC as well |
//!
//! Sockets that somebody else has bound, and keeps for the next process, are shared by their workers;
//! those of our own are one for each.
//!
//! Each kind may be as busy as it likes: a worker never waits for another, what does not
//! fit the bounded queue of the full path is lost and counted, and a client asks again. Queues
//! and turns are shared out by client network (`fair`).
//! Every thread counts in a block of its own ([`Counters`]).
//!
//! | RFC | what of it | status |
//! | --- | --- | --- |
//! | 1035 s4.2.1, 6891 s6.2.5, 9715 | UDP replies of at most min(client, `udp-size`, 1232 by default), 512 without EDNS | done |
//! | 2181 s9 | TC only where the answer itself does not fit; then as many whole records of it as do, and nothing else | done |
//! | 8906 | every request with a whole header is answered, unknown opcodes too | done |
//! | 6891 | OPT if and only if asked, in errors too; BADVERS; two OPT are FORMERR | done; options: see `edns` |
//! | 6840 s5.7, 3225 | AD clear; DO and CD copied | done |
//! | 7766, 9210 | pipelining, one write, timeouts, limits by client | done |
//! | 4892 | CHAOS: `id.server.`, `version.server.` and their BIND names | done, if configured |
//! | 7858, 8310 | DNS over TLS 1.3 and 1.2, ALPN `dot`, session tickets | done, if `listen-tls` is set |
//! | 8484 | DNS over HTTPS: HTTP/2 and HTTP/1.1, GET and POST, the age of what may be kept | done, if `listen-https` is set |
//! | 9250 | DNS over QUIC: see `quic` | done, if `listen-quic` is set |
//! | 9461, 9462 | `_dns.ns.dns.Z`, `_dns.resolver.arpa`: where encrypted DNS is answered | done, if there is a certificate; the latter if `forward` is set |
//! | 8490 | DSO | not offered: NOTIMP |
//! | 8945 s5.2.1 | TSIG | not offered: NOTAUTH, BADKEY |
//! | 9619 | QDCOUNT other than 1 is FORMERR | done |
//!
//! Of a query nothing but header, question, OPT and TSIG is read; other records are stepped
//! over, and whoever may not ask is refused before.
//!
//! Of hickory-server the full path takes the reading of questions, and neither its sockets (a
//! task per datagram, no limit on connections) nor its `RequestHandler`: the reply that a
//! handler hands over can only be written by hickory's own encoder, which drops OPT from
//! truncated messages, sets TC for mere additionals, and compresses 120 names at most, so
//! that the SRV records of a thousand instances would not fit TCP. `handler` is what such
//! a handler would be, a function from a request and a generation to a reply.
//!
//! All unsafe code of srvd is in `udp/batch/linux.rs`, which moves datagrams.

mod counters;
mod edns;
mod fair;
mod fast;
mod full;
mod https;
mod limiter;
mod listen;
mod policy;
mod proxy;
mod query_handler;
mod quic;
mod tcp;
mod udp;

pub use self::counters::{
    Answered, Code, CodeCounts, Counters, Counts, Family, HandshakeOutcome, HttpCounts, Kind,
    Origin, Path, ProxyCounts, ProxyOutcome, QueryLog, QuicCounts, RefusalCause, Replied,
    TcpCounts, TlsCounts, Topic, Totals, Truncation,
};
pub use self::edns::{AMPLIFICATION_MAX, Cookies, NSID_MAX};
pub use self::fast::{Fast, Verdict};
pub use self::full::Responder;
pub use self::limiter::{Limiter, RATE_MAX, RateLimit};
pub use self::listen::{BindError, Listeners, Strictness};
pub use self::policy::{Policies, Policy, UdpSize};
pub use self::proxy::{HEADER_MAX, HeaderFault, ProxyHeader};
pub use self::quic::DoqCode;
pub use self::tcp::TcpLimits;

use std::net::{IpAddr, SocketAddr};

use crate::index::Generation;
use crate::names::DATAGRAM_MAX;

/// The state that a message is answered from, which stays as it is until the reply is made.
#[derive(Debug, Clone, Copy)]
pub struct View<'v> {
    /// The data.
    pub generation: &'v Generation,
    /// The rules.
    pub policy: &'v Policy,
}

/// The sender of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// The transport that the message came by.
    pub transport: Transport,
}

/// The transport of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Replies are small, and may ask to come back over TCP.
    Udp,
    /// Replies are of any size.
    Tcp,
    /// TCP under TLS (RFC 7858): nobody reads along.
    Tls,
    /// HTTP under TLS (RFC 8484).
    Https,
    /// Streams of QUIC, a message on each (RFC 9250).
    Quic,
}

impl Peer {
    /// One that sent a datagram.
    #[must_use]
    pub const fn udp(address: SocketAddr) -> Self {
        Self { address, transport: Transport::Udp }
    }

    /// One behind a connection.
    #[must_use]
    pub const fn tcp(address: SocketAddr) -> Self {
        Self { address, transport: Transport::Tcp }
    }

    /// One behind a connection under TLS.
    #[must_use]
    pub const fn tls(address: SocketAddr) -> Self {
        Self { address, transport: Transport::Tls }
    }

    /// One behind a connection of HTTPS.
    #[must_use]
    pub const fn https(address: SocketAddr) -> Self {
        Self { address, transport: Transport::Https }
    }

    /// One behind a connection of QUIC.
    #[must_use]
    pub const fn quic(address: SocketAddr) -> Self {
        Self { address, transport: Transport::Quic }
    }

    /// Its address without the port.
    #[must_use]
    pub const fn ip(&self) -> IpAddr {
        self.address.ip()
    }
}

impl Transport {
    /// All of them, by their places.
    pub const ALL: [Self; 5] = [Self::Udp, Self::Tcp, Self::Tls, Self::Https, Self::Quic];

    /// Whether it is one of datagrams, whose sender may be forged and whose replies are small.
    #[must_use]
    pub const fn is_datagram(self) -> bool {
        matches!(self, Self::Udp)
    }

    /// Whether nobody else can read what goes over it.
    #[must_use]
    pub const fn is_encrypted(self) -> bool {
        matches!(self, Self::Tls | Self::Https | Self::Quic)
    }

    /// Whether it is a stream of messages, which DNS itself may say how to keep open.
    #[must_use]
    pub const fn is_stream(self) -> bool {
        matches!(self, Self::Tcp | Self::Tls)
    }

    /// The protocol as a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Https => "https",
            Self::Quic => "quic",
        }
    }
}

/// The UDP payload size that is advertised, and the most that is sent unless more is
/// configured: what fits an IPv6 packet of 1,280 octets, so that nothing is fragmented (RFC
/// 9715 appendix A).
pub const UDP_MAX: u16 = 1232;
/// The most that can be configured to be sent over UDP.
pub const UDP_MOST: u16 = DATAGRAM_MAX as u16;
/// What a client without EDNS takes over UDP (RFC 1035 section 4.2.1).
const PLAIN_MAX: u16 = 512;
/// What the length before a message over TCP can say (RFC 1035 section 4.2.2).
const TCP_MAX: u16 = u16::MAX;
/// Octets of a message's header.
const HEADER: usize = 12;
/// Flags copied from a query: RD, and CD in the octet after it (RFC 6895 section 2).
const COPIED: [u8; 2] = [0x01, 0x10];
/// Octets of a buffer that holds any reply from ready-made answers with all its glue, and is
/// larger than any datagram: the glue of a record is never larger than the record, which has
/// the same name in it; and a header, the longest question and OPT record take some 500.
pub const READY_MAX: usize = 2 * DATAGRAM_MAX + 1024;
