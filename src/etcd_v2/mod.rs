//! etcd's v2 keys API over the v3 registry, so that programs that speak only v2 register and
//! look up as they are.
//!
//! # Nodes
//! The node `/a/b` is the key `/a/b` of v3; a v3 client sees what a v2 client wrote, and the
//! other way round. v3 has no directories: one is there while a key lies below it, or its marker
//! ([`around`]). Only keys below the prefixes of zones are read and written, in the registry of
//! the first zone that has one; the directories on the way to them are there, and read only.
//!
//! # Ends
//! A TTL is a lease ([`lives`]). What is put into a directory with a TTL hangs on the lease of
//! the directory, and goes with it. `refresh=true` renews the lease, and nothing else happens:
//! no revision, no event.
//!
//! # Indexes
//! They are revisions: `X-Etcd-Index` that of the registry, `modifiedIndex` and `createdIndex`
//! those of the key. `createdIndex` stays when a node is set again, where v2 makes a new node.
//!
//! # Writes
//! A write reads what is around the node ([`around`]), decides ([`decide`]) and changes it in one
//! transaction ([`steps`]), whose conditions say that what was read is still so; else it begins
//! again. The reply waits until this server's own mirror has seen it, so that whoever registers
//! is found by DNS.
//!
//! # Waits
//! A wait is a watch of etcd ([`wait`]). What this server did itself is told in v2's words from
//! its [`memory`]; what others did as far as keys and leases show it ([`changes`]).
//!
//! # Who may
//! The rules are those of writes over HTTP; a token comes as a bearer's, or as the password of
//! basic authentication, which old clients know.

mod about;
mod around;
mod changes;
mod decide;
mod fair;
mod fates;
mod fault;
mod listing;
mod lives;
mod memory;
mod node;
mod path;
mod read;
mod reading;
mod reply;
mod request;
mod scope;
mod steps;
mod turns;
mod wait;
mod write;

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::SystemTime;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use self::fair::{ClientRequests, FairPlaces};
use self::fates::Fates;
use self::fault::{Code, KeysFault};
use self::lives::Leases;
use self::memory::Memory;
use self::node::NodeEvent;
use self::path::NodePath;
use self::request::KeyRequest;
use self::scope::Scope;
use self::turns::Turns;
use self::write::Write;

pub use self::scope::ServedZones;
use crate::etcd::{Etcd, SharedClient};
use crate::events::Events;
use crate::http::{Access, Author, BODY_TIMEOUT, Http, Place};
use crate::metrics::OldClients;

pub use self::reading::{RequestReading, read_request};

/// Where the keys are.
const KEYS: &str = "/v2/keys";
/// The largest body that is read: that of a value, each octet of which may take three.
const BODY_OCTETS: usize = 3 * request::VALUE_OCTETS_MAX + (4 << 10);
/// The methods that keys have.
const METHODS: &str = "HEAD,GET,PUT,POST,DELETE";
/// The methods of everything else.
const ABOUT_METHODS: &str = "GET,HEAD";
/// The form that parameters come in.
const FORM: &[u8] = b"application/x-www-form-urlencoded";

/// The part of a registry that is served.
#[derive(Debug, Clone)]
pub struct KeysSubject {
    /// The registry.
    pub etcd: Etcd,
    /// Its zones, each with the keys that it reads, as they are now.
    pub zones: Arc<ServedZones>,
    /// What happens in the zones.
    pub events: Arc<Events>,
    /// Cancelled when the server begins to drain.
    pub draining: CancellationToken,
    /// What is counted.
    pub counts: Arc<OldClients>,
}

/// The state of the server. Clones share it.
#[derive(Clone)]
struct Served(Arc<Shared>);

/// The state that clones share.
struct Shared {
    /// The registry, and what all share there.
    upkeep: SharedClient,
    /// The zones that they are of.
    zones: Arc<ServedZones>,
    /// The leases of nodes.
    leases: Leases,
    /// What became of the leases of changes.
    fates: Fates,
    /// What this server did.
    memory: Memory,
    /// The turns of writes.
    turns: Turns,
    /// The requests that wait.
    waits: ClientRequests,
    /// Given to each wait that is told of what happened before.
    replays: FairPlaces,
    /// Given to each listing of a directory.
    listings: FairPlaces,
    /// What happens in the zones.
    events: Arc<Events>,
    /// Cancelled when the server begins to drain.
    draining: CancellationToken,
    /// What is counted.
    counts: Arc<OldClients>,
    /// Who may do what.
    access: Arc<Access>,
    /// Where it listens.
    address: SocketAddr,
    /// Whether over TLS.
    speaks_tls: bool,
    /// When it began.
    started: SystemTime,
}

impl Shared {
    /// The keys that are served now.
    fn scope(&self) -> Arc<Scope> {
        self.zones.scope()
    }
}

impl std::ops::Deref for Served {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// Answers for as long as it is polled.
///
/// # Errors
/// The runtime cannot take the socket.
pub async fn serve(http: Http, subject: KeysSubject) -> std::io::Result<Infallible> {
    let KeysSubject { etcd, zones, events, draining, counts } = subject;
    let upkeep = SharedClient::in_haste(etcd);
    let leases = Leases::new(upkeep.clone());
    let served = Served(Arc::new(Shared {
        fates: Fates::new(leases.clone()),
        leases,
        memory: Memory::default(),
        turns: Turns::default(),
        waits: wait::waits(),
        replays: wait::replays(),
        listings: read::listings(),
        access: Arc::clone(http.access()),
        address: http.address(),
        speaks_tls: http.speaks_tls(),
        started: SystemTime::now(),
        upkeep,
        zones,
        events,
        draining,
        counts,
    }));
    http.serve_routes(Router::new().fallback(answer).with_state(served)).await
}

/// Answers a request, and counts it.
async fn answer(State(served): State<Served>, request: Request) -> Response {
    let method = request.method().clone();
    let reply = answered(&served, request).await;
    served.counts.replied(method.as_str(), reply.status().as_u16());
    reply
}

/// Answers a request, if the rules let it through.
async fn answered(served: &Served, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let author = match served.access.judge(&head) {
        Ok(author) => author,
        Err(refusal) => return refused(refusal.status(), refusal.message()),
    };
    let path = head.uri.path();
    if path == KEYS || path.starts_with("/v2/keys/") {
        let reply = served.answer_keys(&head, body, &author).await;
        let bound = reply.as_ref().err().and_then(|fault| fault.code.bound());
        bound.iter().for_each(|bound| served.counts.refused(*bound));
        return reply.unwrap_or_else(KeysFault::into_response);
    }
    let about = served.about(path, &head.headers).await;
    match about {
        Some(reply) if matches!(head.method, Method::GET | Method::HEAD) => reply,
        Some(_) => not_allowed(ABOUT_METHODS),
        None => (StatusCode::NOT_FOUND, "404 page not found\n").into_response(),
    }
}

/// The refusal of a request that the rules do not let through.
fn refused(status: StatusCode, cause: &str) -> Response {
    let mut reply = KeysFault::of_request(Code::Unauthorized, cause).into_response();
    *reply.status_mut() = status;
    if status == StatusCode::UNAUTHORIZED {
        let schemes = "Basic realm=\"srvd\", Bearer".parse();
        reply.headers_mut().insert(WWW_AUTHENTICATE, schemes.expect("the literal is a value"));
    }
    reply
}

/// The reply to a method that there is not.
fn not_allowed(methods: &'static str) -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, methods)], "Method Not Allowed\n").into_response()
}

impl Served {
    /// Answers a request about a key.
    async fn answer_keys(
        &self,
        head: &Parts,
        body: Body,
        author: &Author,
    ) -> Result<Response, KeysFault> {
        let write = match head.method {
            Method::GET | Method::HEAD => None,
            Method::PUT => Some(Write::Put),
            Method::POST => Some(Write::Post),
            Method::DELETE => Some(Write::Delete),
            _ => return Ok(not_allowed(METHODS)),
        };
        let place = head.extensions.get::<Place>();
        let Some(path) = path_of(head.uri.path())? else {
            return Ok((StatusCode::BAD_REQUEST, "400 Bad Request").into_response());
        };
        let form = match write {
            Some(Write::Put | Write::Post) if has_form(head) => form(body, place).await?,
            _ => Vec::new(),
        };
        let query = head.uri.query().unwrap_or_default();
        let request = KeyRequest::read(&head.method, path, query, &form)?;
        match (write, place) {
            (Some(write), _) => self.written(write, &request, author).await,
            (None, Some(place)) if request.wait => self.wait(&request, place).await,
            (None, _) => {
                let client = place.map_or(Ipv4Addr::UNSPECIFIED.into(), Place::client);
                let (event, stamp) = self.read(&request, client).await?;
                Ok(reply::of_event(&event, stamp))
            }
        }
    }

    /// The reply to a write.
    async fn written(
        &self,
        write: Write,
        request: &KeyRequest,
        author: &Author,
    ) -> Result<Response, KeysFault> {
        let write::Written { event, stamp, .. } = self.write(write, request, author).await?;
        let mut reply = reply::of_event(&event, stamp);
        if request.no_value && write != Write::Delete {
            let short = NodeEvent { action: event.action, ..NodeEvent::default() };
            *reply.body_mut() = reply::line(&short).into();
        }
        Ok(reply)
    }
}

/// The node that the path of a request means; none where that is no text.
fn path_of(path: &str) -> Result<Option<NodePath>, KeysFault> {
    let encoded = path.strip_prefix(KEYS).unwrap_or_default();
    let Ok(text) = percent_decode_str(encoded).decode_utf8() else { return Ok(None) };
    NodePath::of(&text).map(Some).ok_or_else(KeysFault::of_long_path)
}

/// Whether the body of a request is a form.
fn has_form(head: &Parts) -> bool {
    let kind = head.headers.get(CONTENT_TYPE).map(|kind| kind.as_bytes()).unwrap_or_default();
    let kind = kind.split(|octet| *octet == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(FORM)
}

/// Reads a body. A client that dawdles is silent, also in the middle of a request.
async fn form(body: Body, place: Option<&Place>) -> Result<Vec<u8>, KeysFault> {
    place.iter().for_each(|place| place.rest());
    let read = timeout(BODY_TIMEOUT, to_bytes(body, BODY_OCTETS)).await;
    place.iter().for_each(|place| place.work());
    let fault = |cause: String| KeysFault::of_request(Code::LargeForm, cause);
    let read =
        read.map_err(|_| fault("the form did not come in time; send it at once".to_owned()))?;
    let read = read.map_err(|_| fault(format!("a form has at most {BODY_OCTETS} octets")))?;
    Ok(read.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_named_by_paths() {
        let shown = |path| path_of(path).unwrap().map(|it| it.shown().to_owned());
        assert_eq!(shown("/v2/keys"), Some("/".to_owned()));
        assert_eq!(shown("/v2/keys//a%20b/%C3%A4/"), Some("/a b/ä".to_owned()));
        assert_eq!(shown("/v2/keys/%ff"), None);
        assert!(path_of(&format!("/v2/keys/{}", "x".repeat(3_000))).is_err());
    }
}
