//! The HTTP interface for operators: health, readiness, metrics, the API, the page.
//!
//! | path | answers |
//! | --- | --- |
//! | `GET /` | a page for people |
//! | `GET /healthz` | 200 while the process runs |
//! | `GET /readyz` | 200 once every zone has a list or a snapshot, and through outages; 503 before, past `max-stale`, and while draining. Lines say how the server and each zone stand |
//! | `GET /metrics` | metrics, in Prometheus' text format |
//! | `/registrations`, `/backends`, `/frontends` | bender's interface: [`bender`] |
//! | `/v1`, `/v1/…` | what there is; problems, services, events, explanations, status: [`v1`] |
//!
//! All of it is read from the newest generation and from counters that are kept anyway,
//! when somebody asks: it costs a query nothing. What is written goes to the registry by
//! way of `join`, and is shown when the mirror has seen it. It runs beside the answering of DNS and
//! is told from outside when to end; a client that is slow is cut by [`server`].

mod bender;
mod metrics;
mod page;
mod probes;
mod report;
mod server;
mod v1;

use std::io::{Error, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwapOption;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::middleware::{Next, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use tokio_util::sync::CancellationToken;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::server::samples::Samples;
use self::server::{guards, refusal};
use self::v1::root::{self, Contents};
use crate::etcd;
use crate::events::Events;
use crate::index::Index;
use crate::metrics::{OldClients, ReloadHistory};
use crate::processes::sockets::{Occupant, Protocol, occupant};
use crate::wire::{Counters, Policies};

pub use self::bender::Bender;
pub use self::server::access::{Access, Author, Rules};
pub use self::server::extract::BODY_TIMEOUT;
pub use self::server::heavy::Heavy;
pub use self::server::place::Place;
pub use self::server::refusal::Refusal;

/// The largest body that is read: a registration has some hundred octets, and the registry
/// takes no value over 64 KiB.
const BODY_OCTETS: usize = 64 << 10;

/// A listener that is bound and answers nobody yet.
#[derive(Debug)]
pub struct Http {
    /// The socket.
    listener: TcpListener,
    /// Its address.
    address: SocketAddr,
    /// Whom it lets in.
    access: Arc<Access>,
}

/// The state that endpoints read.
#[derive(Debug, Clone)]
pub struct Subject {
    /// What is answered from.
    pub index: Arc<Index>,
    /// What happened to it lately.
    pub events: Arc<Events>,
    /// What the answering counts.
    pub counters: Arc<Counters>,
    /// Cancelled when the server begins to drain.
    pub draining: CancellationToken,
    /// How messages are answered, which names whom others are asked of.
    pub policies: Arc<Policies>,
    /// Where it answers.
    pub listeners: Arc<[AnsweringAddress]>,
    /// When the process began to answer.
    pub started: SystemTime,
    /// Places of replies that take more than a moment.
    pub heavy: Heavy,
    /// What came of reading everything again.
    pub reloads: Arc<ReloadHistory>,
    /// Where bender's interface registers, if there is a zone of services.
    pub bender: Arc<ArcSwapOption<Bender>>,
    /// Whom HTTP lets in, where it is on: its certificate ends some day.
    pub access: Option<Arc<Access>>,
    /// How registries let us in: by a certificate that ends some day.
    pub registry: etcd::Access,
    /// What etcd's v2 API counts, where it is on.
    pub old_clients: Option<Arc<OldClients>>,
}

/// A place where this server answers.
#[derive(Debug, Clone, Copy)]
pub struct AnsweringAddress {
    /// What is spoken there: `dns`, `http`, `https` or `etcd-v2`.
    pub protocol: &'static str,
    /// The address.
    pub address: SocketAddr,
}

/// The address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot answer {what} on {address}: {reason}{}; {remedy}",
    occupant.as_ref().map(|it| format!(", {} listens there", it.name)).unwrap_or_default()
)]
pub struct BindError {
    /// What would be answered there.
    what: &'static str,
    /// What to do.
    remedy: &'static str,
    /// The address.
    address: SocketAddr,
    /// The system's reason.
    reason: Error,
    /// Who has it, where that can be seen.
    occupant: Option<Occupant>,
}

impl Http {
    /// Binds the address. Port 0 takes a free one.
    ///
    /// # Errors
    /// [`BindError`]: somebody else has it, or it is not this machine's.
    pub fn bind(address: SocketAddr) -> Result<Self, BindError> {
        let remedy = "name another address with --http, or `off`";
        let fault = |reason| BindError::new("HTTP", remedy, address, reason);
        let (listener, address) = bound(address).map_err(fault)?;
        Ok(Self { listener, address, access: Arc::new(Access::new(address.ip())) })
    }

    /// Binds the address of etcd's v2 API, whose clients send tokens as passwords.
    ///
    /// # Errors
    /// As [`Self::bind`].
    pub fn bind_etcd_v2(address: SocketAddr) -> Result<Self, BindError> {
        let remedy = "name another address with --etcd-v2, or leave it out";
        let fault = |reason| BindError::new("etcd's v2 API", remedy, address, reason);
        let (listener, address) = bound(address).map_err(fault)?;
        Ok(Self { listener, address, access: Arc::new(Access::taking_passwords(address.ip())) })
    }

    /// Takes a socket that listens already.
    ///
    /// # Errors
    /// [`Error`] of the system.
    pub fn on(listener: TcpListener) -> std::io::Result<Self> {
        let address = ready(&listener)?;
        Ok(Self { listener, address, access: Arc::new(Access::new(address.ip())) })
    }

    /// The same for etcd's v2 API.
    ///
    /// # Errors
    /// [`Error`] of the system.
    pub fn etcd_v2_on(listener: TcpListener) -> std::io::Result<Self> {
        let address = ready(&listener)?;
        Ok(Self { listener, address, access: Arc::new(Access::taking_passwords(address.ip())) })
    }

    /// The address that is listened on.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it speaks TLS.
    #[must_use]
    pub fn speaks_tls(&self) -> bool {
        self.access.rules().certificate.is_some()
    }

    /// Whom it lets in; the rules may be replaced.
    #[must_use]
    pub const fn access(&self) -> &Arc<Access> {
        &self.access
    }

    /// Answers for as long as it is polled.
    ///
    /// # Errors
    /// The runtime cannot take the socket.
    pub async fn serve(self, subject: Subject) -> std::io::Result<std::convert::Infallible> {
        let listener = tokio::net::TcpListener::from_std(self.listener)?;
        let samples = Arc::new(Samples::new());
        let routes = routes(subject.clone()).layer(Extension(Arc::clone(&samples)));
        let routes = routes.layer(from_fn_with_state(Arc::clone(&self.access), guard));
        let routes = routes.layer(map_response(page::confine));
        tokio::select! {
            never = server::run(listener, routes, self.access) => Ok(never),
            never = samples.run(&subject) => Ok(never),
        }
    }
}

impl Http {
    /// Answers by other routes than those of the operator's window, for as long as it is polled.
    /// Whoever they let in is theirs to say.
    ///
    /// # Errors
    /// The runtime cannot take the socket.
    pub async fn serve_routes(self, routes: Router) -> std::io::Result<std::convert::Infallible> {
        let listener = tokio::net::TcpListener::from_std(self.listener)?;
        Ok(server::run(listener, routes, self.access).await)
    }
}

/// A socket that listens on an address, and which that is.
fn bound(address: SocketAddr) -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address)?;
    let address = ready(&listener)?;
    Ok((listener, address))
}

/// Makes a socket fit for a runtime. Gives its address.
fn ready(listener: &TcpListener) -> std::io::Result<SocketAddr> {
    listener.set_nonblocking(true)?;
    listener.local_addr()
}

impl BindError {
    /// That an address cannot be listened on, and who has it.
    fn new(what: &'static str, remedy: &'static str, address: SocketAddr, reason: Error) -> Self {
        let is_in_use = reason.kind() == ErrorKind::AddrInUse;
        let occupant = is_in_use.then(|| occupant(Protocol::Tcp, address)).flatten();
        Self { what, remedy, address, reason, occupant }
    }

    /// Whether somebody else listens there.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        self.reason.kind() == ErrorKind::AddrInUse
    }
}

/// Lets a request through if the rules do.
async fn guard(State(access): State<Arc<Access>>, request: Request, next: Next) -> Response {
    let (mut head, body) = request.into_parts();
    match access.judge(&head) {
        Ok(author) => {
            head.extensions.insert(author);
            next.run(Request::from_parts(head, body)).await
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// Every path, and the document that describes them.
fn routes(subject: Subject) -> Router {
    let (routes, document) = OpenApiRouter::with_openapi(Described::openapi())
        .routes(routes!(probes::health))
        .routes(routes!(probes::readiness))
        .routes(routes!(metrics::show))
        .merge(bender::routes())
        .merge(v1::routes())
        .split_for_parts();
    let document = guards::described(document);
    let contents = Contents::of(&document);
    let document = document.to_json().expect("the document has no keys but strings");
    routes
        .merge(page::routes())
        .route("/v1/openapi.json", get(async || json(document)))
        .route("/v1", get(root::show).layer(Extension(contents)))
        .fallback(refusal::no_such_path)
        .method_not_allowed_fallback(refusal::no_such_method)
        .layer(DefaultBodyLimit::max(BODY_OCTETS))
        .with_state(subject)
}

/// The head of the document, beside paths and types.
#[derive(OpenApi)]
#[openapi(info(title = "srvd", description = "DNS service discovery: the operator's window"))]
struct Described;

/// A reply of JSON that is text already.
fn json(text: impl IntoResponse) -> Response {
    ([(CONTENT_TYPE, "application/json")], text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_bound_once() {
        let first = Http::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let second = Http::bind(first.address()).unwrap_err();
        assert!(second.is_in_use() && second.to_string().contains("--http"), "{second}");
    }
}
