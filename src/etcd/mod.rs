//! The etcd client, behind types of our own: endpoints, failover, authentication.
//!
//! # One endpoint at a time
//! etcd-client's own balancer goes on choosing dead and frozen members, so srvd gives it
//! one endpoint per client and rotates itself: an operation that fails on one endpoint is
//! tried on each of the others before it fails ([`Error::Unreachable`]). An answer that
//! says no (permission, unknown lease) is an answer, and is not tried elsewhere.
//!
//! # Deadlines
//! Every attempt has one: a frozen member accepts connections and never answers.
//! HTTP/2 keepalive is there for streams only, and never more often than etcd allows.
//!
//! # Rooms
//! `mirror` reads through [`Etcd`], `join` writes through it; what its registrations share
//! (streams, batches, what is known of an outage) is [`Upkeep`]. Nobody else in the crate
//! knows etcd-client or tonic, so both can be replaced here. The embedded registry of
//! `srvd dev` stands beside the client, on the same protocol.

pub mod embedded;
mod endpoints;
mod error;
mod keeper;
mod kv;
mod lease;
mod members;
mod outage;
mod upkeep;
mod verify;
mod watch;
mod watches;

use std::sync::Arc;
use std::time::Duration;

use etcd_client::{Certificate, Client, ConnectOptions, Identity, TlsOptions};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use self::endpoints::Endpoints;
use crate::registry::RegistryUrl;

pub use self::error::Error;
pub use self::kv::{Claim, Expect, Held, Page, PageSize};
pub use self::lease::{Lease, Remaining};
pub use self::upkeep::Upkeep;
pub use self::verify::Sighting;
pub use self::watch::{Event, Message, Messages, Requests};
pub use self::watches::Watched;

/// How often an open connection is pinged. etcd closes connections that ping more often
/// than every 5 s (`--grpc-keepalive-min-time`).
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// How long an answer to a ping may take.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(5);

/// Calls that one process has under way. A process may hold thousands of registrations:
/// all at once they would wait longer for each other than for etcd, and each that gave up
/// would try again. etcd writes what it gets together to its disk together, so that this
/// many are as fast as more.
const CALLS_MAX: usize = 128;

/// How to be let in. Secrets stay out of `Debug`.
#[derive(Clone, Default)]
pub struct Access {
    /// PEM of the authorities that sign etcd's certificates; the system's when absent.
    pub ca: Option<Vec<u8>>,
    /// PEM of a client certificate and its key.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
    /// User and password.
    pub user: Option<(String, String)>,
}

/// A registry to talk to. Clones share connections and the choice of endpoint.
#[derive(Debug, Clone)]
pub struct Etcd {
    /// What the clones share.
    shared: Arc<Shared>,
}

/// What the clones of one [`Etcd`] share.
#[derive(Debug)]
struct Shared {
    /// The endpoints and their clients.
    endpoints: Endpoints,
    /// How clients are made.
    options: Options,
    /// The same without user, for members that have not shown whose they are.
    bare_options: Options,
    /// How long one attempt may take.
    timeout: Duration,
    /// Given to each attempt while it is under way.
    permits: Semaphore,
    /// Where the registry is, as it was written.
    url: RegistryUrl,
}

/// Connection options that say nothing when printed.
struct Options(ConnectOptions);

impl Etcd {
    /// A handle on a registry. Nothing is connected until it is used.
    #[must_use]
    pub fn new(url: &RegistryUrl, access: &Access) -> Self {
        let shared = Shared {
            endpoints: Endpoints::new(url.addresses()),
            options: Options(connect_options(url, access)),
            bare_options: Options(connect_options(url, &Access { user: None, ..access.clone() })),
            timeout: url.timeout,
            permits: Semaphore::new(CALLS_MAX),
            url: url.clone(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// How long one attempt may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.shared.timeout
    }

    /// Leaves the endpoint in use for the next.
    pub fn rotate(&self) {
        self.shared.endpoints.rotate();
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

    /// Runs an operation on the endpoint in use, and on each other one if it fails. Each
    /// attempt may take `patience`, once it is its turn.
    async fn call<T, F>(
        &self,
        patience: Duration,
        operation: impl Fn(Client) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, etcd_client::Error>>,
    {
        let mut attempts = Vec::new();
        for address in self.shared.endpoints.in_order() {
            let _permit = self.shared.permits.acquire().await.expect("permits are never closed");
            let attempt = async { operation(self.client(&address).await?).await };
            let error = match timeout(patience, attempt).await {
                Ok(Ok(done)) => return Ok(done),
                Ok(Err(error)) => Error::from(error),
                Err(_) => Error::Silent(patience),
            };
            if error.is_answer() {
                return Err(error);
            }
            self.shared.endpoints.leave(&address);
            attempts.push(format!("{address}: {error}"));
        }
        Err(Error::Unreachable(attempts.join("; ")))
    }

    /// The client of an endpoint, made when first needed.
    async fn client(&self, address: &str) -> Result<Client, etcd_client::Error> {
        if let Some(client) = self.shared.endpoints.client(address) {
            return Ok(client);
        }
        let client = Client::connect([address], Some(self.shared.options.0.clone())).await?;
        self.shared.endpoints.keep(address, client.clone());
        Ok(client)
    }
}

/// The options every client is made with.
fn connect_options(url: &RegistryUrl, access: &Access) -> ConnectOptions {
    let mut options = ConnectOptions::new()
        .with_connect_timeout(url.timeout)
        .with_keep_alive(KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT)
        // etcd does not permit pings without a stream.
        .with_keep_alive_while_idle(false)
        // A member cut off from its leader must say so, not stay silent.
        .with_require_leader(true)
        .with_auto_token_refresh(true);
    if url.tls {
        options = options.with_tls(tls_options(access));
    }
    match &access.user {
        Some((user, password)) => options.with_user(user, password),
        None => options,
    }
}

/// What TLS needs to know.
fn tls_options(access: &Access) -> TlsOptions {
    let mut tls = match &access.ca {
        Some(ca) => TlsOptions::new().ca_certificate(Certificate::from_pem(ca)),
        None => TlsOptions::new().with_native_roots(),
    };
    if let Some((certificate, key)) = &access.identity {
        tls = tls.identity(Identity::from_pem(certificate, key));
    }
    tls
}

impl std::fmt::Debug for Access {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let user = self.user.as_ref().map(|(user, _)| user);
        formatter.debug_struct("Access").field("user", &user).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Options")
    }
}
