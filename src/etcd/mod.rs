//! The etcd client, behind types of our own: endpoints, failover, authentication.
//!
//! # One endpoint at a time
//! etcd-client's own balancer goes on choosing dead and frozen members, so srvd gives it
//! one endpoint per client and rotates itself: an operation that fails on one endpoint is
//! tried on each of the others before it fails ([`Error::Unreachable`]). An answer that
//! says no (permission, unknown lease) is an answer, and is not tried elsewhere.
//!
//! # Connections
//! There is one per endpoint, made by whoever needs it first and shared; an endpoint that
//! failed is left alone for a moment, so that an outage brings no storm ([`endpoints`]).
//! Certificates and passwords are read again when their files change ([`access`]). A login
//! that has lapsed (its token expired, the password changed, authentication turned on) is
//! renewed once by the call that finds out, streams included.
//!
//! # Deadlines
//! Every attempt has one: a frozen member accepts connections and never answers. A
//! connection that takes longer than the attempt goes on being made, for the next one; one
//! that left too little time for the answer is kept.
//! HTTP/2 keepalive is there for streams only, and never more often than etcd allows.
//!
//! # Rooms
//! `mirror` reads through [`Etcd`], `join` and `etcd_v2` write through it; what its registrations share
//! (streams, batches, what is known of an outage) is [`SharedClient`]. Nobody else in the crate
//! knows etcd-client or tonic, so both can be replaced here; only [`embedded`], the registry
//! of `srvd dev`, speaks the same protocol from the other side.
//!
//! [`embedded`]: crate::embedded

mod access;
mod changes;
mod connect;
mod discovery;
mod endpoints;
mod error;
mod kv;
mod lease;
mod link;
mod members;
mod pages;
mod permission;
mod sameness;
mod shared;
mod transport;
mod txn;
mod watch;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use etcd_client::Client;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use self::discovery::Discovery;
use self::endpoints::{ConnectTask, Connecting, Endpoints};
use self::link::MemberConnection;
use crate::files::LOOK_EVERY;
use crate::registry::RegistryUrl;

pub use self::access::{Access, Files};
pub use self::changes::{Changed, Changes};
pub use self::discovery::FINDS_MEMBERS;
pub use self::error::Error;
pub use self::kv::{Claim, Expect, LeasedKey};
pub use self::lease::{Lease, Remaining};
pub use self::pages::{Page, PageSize};
pub use self::shared::{KeyWatch, SharedClient, Sighting};
pub use self::txn::{Operation, Pair, Range, Stamp, Transacted, TxnCondition};
pub use self::watch::{Message, MessageOrigin, Messages, Requests, Watch, WatchEvent};

/// Calls that one process has under way. A process may hold thousands of registrations:
/// all at once they would wait longer for each other than for etcd, and each that gave up
/// would try again. etcd writes what it gets together to its disk together, so that this
/// many are as fast as more.
const CALLS_MAX: usize = 128;
/// A login younger than this is not renewed: what refuses it would refuse the next.
const LOGIN_FRESH: Duration = Duration::from_millis(500);

/// A registry to talk to. Clones share connections and the choice of endpoint.
#[derive(Debug, Clone)]
pub struct Etcd {
    /// What the clones share.
    shared: Arc<Shared>,
}

/// The state that the clones of one [`Etcd`] share.
#[derive(Debug)]
struct Shared {
    /// The endpoints and their connections.
    endpoints: Endpoints,
    /// How we are let in.
    access: Access,
    /// Given to each attempt while it is under way.
    permits: Semaphore,
    /// Given to the one of the clones' users that keeps up with what changes.
    keeping: Semaphore,
    /// Where the registry is, as it was written.
    url: RegistryUrl,
    /// How its members are found, where DNS names them.
    discovery: Option<Discovery>,
}

/// A connection that a call is on.
struct Used {
    link: MemberConnection,
    /// How old it was when the call began.
    from: u64,
    /// What it took to make it, where the call waited for that.
    connecting: Option<Duration>,
}

impl Etcd {
    /// A handle on a registry. Nothing is connected until it is used.
    #[must_use]
    pub fn new(url: &RegistryUrl, access: &Access) -> Self {
        let shared = Shared {
            endpoints: Endpoints::new(url.addresses()),
            access: access.clone(),
            permits: Semaphore::new(CALLS_MAX),
            keeping: Semaphore::new(1),
            url: url.clone(),
            discovery: Discovery::of(url),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Where the registry is, as it was written.
    #[must_use]
    pub fn url(&self) -> &RegistryUrl {
        &self.shared.url
    }

    /// How long one attempt may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.shared.url.timeout
    }

    /// Leaves an endpoint for the next, as one does when its stream fell silent, unless
    /// another one is in use already.
    pub fn leave(&self, address: &str) {
        self.shared.endpoints.leave(address);
    }

    /// The address that is used now.
    #[must_use]
    pub fn endpoint(&self) -> String {
        self.shared.endpoints.current()
    }

    /// The addresses that are known: those of the connection string, then members that were
    /// listed and may be used.
    #[must_use]
    pub fn endpoints(&self) -> Vec<String> {
        self.shared.endpoints.addresses()
    }

    /// Keeps up with what changes while a registry is used for long, for as long as it is
    /// polled: the member list, and the files of certificates and password. Listed members
    /// are used if they show the same keys of a range. Where clones are used side by side, one
    /// does so for all; another takes over when its future is dropped.
    pub async fn keep_up(&self, range: &(Vec<u8>, Vec<u8>)) -> Infallible {
        let _turn = self.shared.keeping.acquire().await.expect("it is never closed");
        tokio::select! {
            never = self.follow_members(range) => never,
            never = self.follow_files() => never,
            never = self.follow_discovery() => never,
        }
    }

    /// Reads the files again and again.
    async fn follow_files(&self) -> Infallible {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            self.shared.access.look().await;
        }
    }

    /// Runs an operation on the endpoint in use, and on each other one if it fails. Each
    /// attempt may take `patience`, once it is its turn. An endpoint that could not be
    /// reached a moment ago counts as tried.
    async fn call<T, E, F>(
        &self,
        patience: Duration,
        operation: impl Fn(Client) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, E>>,
        E: Into<Error>,
    {
        self.call_anywhere(patience, operation).await.map(|(_, done)| done)
    }

    /// The same, and says at which endpoint it was done.
    async fn call_anywhere<T, E, F>(
        &self,
        patience: Duration,
        operation: impl Fn(Client) -> F,
    ) -> Result<(String, T), Error>
    where
        F: Future<Output = Result<T, E>>,
        E: Into<Error>,
    {
        let mut attempts = Vec::new();
        let mut left: VecDeque<_> = self.in_order().await?.into();
        let mut may_find = self.shared.discovery.is_some();
        loop {
            if left.is_empty() && std::mem::take(&mut may_find) {
                left = self.found_since(&attempts).await.into();
            }
            let Some(address) = left.pop_front() else { break };
            let _permit = self.shared.permits.acquire().await.expect("permits are never closed");
            let mut used = None;
            let attempt = self.attempt(&address, &operation, &mut used);
            let error = match timeout(patience, attempt).await {
                Ok(Ok(done)) => return Ok((address, done)),
                Ok(Err(error)) => error,
                Err(_) => overdue(patience, used.as_ref()),
            };
            if error.is_answer() {
                return Err(error);
            }
            let broken = used.filter(|used| !used.is_alive() && !error.is_spoken());
            self.shared.endpoints.fail(&address, broken.as_ref().map(|used| &used.link));
            attempts.push((address, error));
        }
        Err(unreachable(&attempts))
    }

    /// Runs an operation on one endpoint and nowhere else. It may take `patience`.
    async fn call_at<T, E, F>(
        &self,
        address: &str,
        patience: Duration,
        operation: impl Fn(Client) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, E>>,
        E: Into<Error>,
    {
        let mut used = None;
        let attempt = self.attempt(address, &operation, &mut used);
        timeout(patience, attempt).await.unwrap_or(Err(Error::Silent(patience)))
    }

    /// Runs an operation on one endpoint; again, if the login had lapsed. `used` says which
    /// connection it was on.
    async fn attempt<T, E, F>(
        &self,
        address: &str,
        operation: impl Fn(Client) -> F,
        used: &mut Option<Used>,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, E>>,
        E: Into<Error>,
    {
        let asked = Instant::now();
        let link = self.link(address).await?;
        let connecting = (link.since > asked).then(|| asked.elapsed());
        let link = used.insert(Used { connecting, ..Used::new(link) }).link.clone();
        let end = heard(&link, operation(Client::clone(&link.client)).await);
        if !matches!(end, Err(Error::LoggedOut(_))) || link.since.elapsed() < LOGIN_FRESH {
            return end;
        }
        self.shared.endpoints.log_out(address, &link);
        let link = used.insert(Used::new(self.link(address).await?)).link.clone();
        heard(&link, operation(Client::clone(&link.client)).await)
    }

    /// A connection to an address; made when there is none, or none with the newest
    /// credentials.
    async fn link(&self, address: &str) -> Result<MemberConnection, Error> {
        let edition = self.shared.access.now().edition;
        let (way, duty) = self.shared.endpoints.way(address, edition);
        if let Some(duty) = duty {
            // It goes on when this call gives up, for the next one.
            tokio::spawn(open(Arc::clone(&self.shared), address.to_owned(), duty));
        }
        match way {
            Connecting::Open(link) => Ok(link),
            Connecting::Shut(error) => Err(error),
            Connecting::Opening(mut opening) => match opening.wait_for(Option::is_some).await {
                Ok(end) => end.clone().expect("it was waited for"),
                Err(_) => Err(Error::Ended("the connection was not made".to_owned())),
            },
        }
    }
}

/// Notes on a connection that a call was answered on it, if it was.
fn heard<T, E: Into<Error>>(link: &MemberConnection, end: Result<T, E>) -> Result<T, Error> {
    let end = end.map_err(Into::into);
    if end.as_ref().map_or_else(Error::is_spoken, |_| true) {
        link.hear();
    }
    end
}

impl Used {
    /// A connection that a call is about to go out on.
    fn new(link: MemberConnection) -> Self {
        Self { from: link.age(), link, connecting: None }
    }

    /// Whether it was answered on meanwhile: then the call is slow or was refused for the
    /// moment, and the connection is a good one.
    fn is_alive(&self) -> bool {
        self.link.is_heard_since(self.from)
    }
}

/// Makes a connection with what the files say now.
async fn open(shared: Arc<Shared>, address: String, duty: ConnectTask) {
    shared.access.look().await;
    let mut credentials = shared.access.now();
    if !address.starts_with("https://") && !shared.endpoints.is_configured(&address) {
        // What is only listed is told no password where anybody may listen.
        Arc::make_mut(&mut credentials).user = None;
    }
    let end = connect::connect(&address, &credentials, shared.url.timeout).await;
    shared.endpoints.settle(&address, credentials.edition, end, &duty);
}

/// What became of an attempt that took longer than its patience. Connecting may have taken
/// most of it: then the member is slow, and the connection good for the next attempt.
fn overdue(patience: Duration, used: Option<&Used>) -> Error {
    match used.and_then(|used| used.connecting) {
        Some(connecting) => Error::Late { connecting, patience },
        None => Error::Silent(patience),
    }
}

/// Every attempt in words, and what to do, where they do not say so themselves.
fn unreachable(attempts: &[(String, Error)]) -> Error {
    let each = attempts.iter().map(|(address, error)| format!("{address}: {error}"));
    let text = each.collect::<Vec<_>>().join("; ");
    if attempts.iter().any(|(_, error)| matches!(error, Error::Tls(_))) {
        return Error::Misfit(text);
    }
    if attempts.iter().any(|(_, error)| matches!(error, Error::Late { .. })) {
        return Error::Slow(text);
    }
    Error::Unreachable(format!("{text}; check --registry, and that etcd runs there"))
}
