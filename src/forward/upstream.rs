//! One upstream: its connections, and how it has been doing.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hickory_proto::op::{DnsRequest, DnsRequestOptions, Edns, Message, Query, ResponseCode};
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolverOpts, ServerOrderingStrategy,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::xfer::{DnsHandle, FirstAnswer};
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::{NameServerPool, PoolContext, TlsConfig};

use super::{Asked, DEADLINE};

/// Octets of a datagram that upstreams may send (RFC 9715 appendix A).
const PAYLOAD: u16 = 1232;
/// How long an upstream that failed comes after those that did not.
const AILING: Duration = Duration::from_secs(30);
/// Questions that one connection over TCP carries at once: all there are.
const ON_ONE_CONNECTION: usize = 1000;

/// A server that answers for names that are not ours.
pub(super) struct Upstream {
    /// Where it is.
    address: SocketAddr,
    /// Its sockets. It is a pool of one server.
    pool: NameServerPool<TokioRuntimeProvider>,
    /// When it failed last.
    failed: Mutex<Option<Instant>>,
    /// Whether it asks us what it is asked.
    is_looping: AtomicBool,
}

/// What an upstream says: a message, or [`DnsError::NoRecordsFound`] where there are no
/// answers in it. It is what the cache takes.
pub(super) type Said = Result<Message, NetError>;

/// Why an upstream gave no answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fault {
    /// There is none that may be asked.
    Nobody,
    /// It said nothing.
    Silent,
    /// It refused, or said that others should be asked.
    Refused,
    /// It could not be talked to, or not be understood.
    Broken,
    /// It could not answer either.
    Code(ResponseCode),
}

impl Upstream {
    /// An upstream that nothing was asked of.
    pub(super) fn new(address: SocketAddr) -> Self {
        let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
        connections.iter_mut().for_each(|connection| connection.port = address.port());
        let server = NameServerConfig::new(address.ip(), true, connections);
        let context = PoolContext::new(options(), TlsConfig::new().expect("it is empty"));
        let pool =
            NameServerPool::from_config([server], Arc::new(context), TokioRuntimeProvider::new());
        Self { address, pool, failed: Mutex::default(), is_looping: AtomicBool::new(false) }
    }

    /// Where it is.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Asks it. There is no need to hear more than one answer.
    pub(super) async fn ask(&self, asked: &Asked) -> Result<Said, Fault> {
        let response = self.pool.send(request(asked)).first_answer().await;
        let said = understand(response.map(|response| response.into_message()))?;
        let query = match &said {
            Ok(message) => message.queries.first(),
            Err(NetError::Dns(DnsError::NoRecordsFound(none))) => Some(&*none.query),
            Err(_) => None,
        };
        // Over TCP nobody has compared the question yet.
        if query.is_some_and(|it| *it == asked.query()) { Ok(said) } else { Err(Fault::Broken) }
    }

    /// Remembers whether it answered.
    pub(super) fn did_answer(&self, did: bool) {
        let now = (!did).then(Instant::now);
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// Whether it failed not long ago.
    pub(super) fn is_ailing(&self) -> bool {
        let failed = *self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.is_some_and(|at| at.elapsed() < AILING)
    }

    /// Remembers whether it asks us what it is asked. True if that is news.
    pub(super) fn does_loop(&self, does: bool) -> bool {
        self.is_looping.swap(does, Ordering::Relaxed) != does
    }

    /// Whether it asks us what it is asked.
    pub(super) fn is_looping(&self) -> bool {
        self.is_looping.load(Ordering::Relaxed)
    }
}

impl Fault {
    /// How much it says beside others: a code is the answer to the question, whatever else
    /// went wrong.
    pub(super) const fn weight(self) -> u8 {
        match self {
            Self::Nobody => 0,
            Self::Silent => 1,
            Self::Refused => 2,
            Self::Broken => 3,
            Self::Code(_) => 4,
        }
    }
}

impl Asked {
    /// The question, as hickory writes it.
    pub(super) fn query(&self) -> Query {
        Query::query(self.name.clone(), self.kind)
    }
}

/// A message with a question. Its id is random.
fn request(asked: &Asked) -> DnsRequest {
    let mut message = Message::query();
    message.queries.push(asked.query());
    message.metadata.recursion_desired = true;
    message.metadata.checking_disabled = asked.checking_disabled;
    message.edns.get_or_insert_with(Edns::new).set_max_payload(PAYLOAD);
    DnsRequest::new(message, DnsRequestOptions::default())
}

/// What a response amounts to. NOERROR with nothing but name servers is no answer: the
/// server does not resolve for us (RFC 2308 section 2.2).
fn understand(response: Said) -> Result<Said, Fault> {
    match response {
        Ok(message) => match message.metadata.response_code {
            ResponseCode::NoError | ResponseCode::NXDomain => Ok(Ok(message)),
            code => Err(Fault::Code(code)),
        },
        Err(NetError::Dns(DnsError::NoRecordsFound(none))) => {
            let is_referral = none.soa.is_none() && none.ns.is_some();
            if is_referral { Err(Fault::Refused) } else { Ok(Err(none.into())) }
        }
        Err(NetError::Dns(DnsError::ResponseCode(ResponseCode::Refused))) => Err(Fault::Refused),
        Err(NetError::Dns(DnsError::ResponseCode(code))) => Err(Fault::Code(code)),
        Err(NetError::Timeout) => Err(Fault::Silent),
        Err(_) => Err(Fault::Broken),
    }
}

/// How hickory is to ask. Ports are the system's choice: random, too, and none that an
/// administrator has reserved.
fn options() -> ResolverOpts {
    let mut options = ResolverOpts::default();
    options.timeout = DEADLINE;
    options.num_concurrent_reqs = 1;
    options.max_active_requests = ON_ONE_CONNECTION;
    options.server_ordering_strategy = ServerOrderingStrategy::UserProvidedOrder;
    options.os_port_selection = true;
    options
}
