//! The registry's API as JSON over HTTP, as etcd's own gateway has it, with `/health` and
//! `/version` beside it: for `curl` and for clients that speak no gRPC.
//!
//! Requests are POSTs of JSON to `/v3/…`: octets in base64, numbers of 64 bits as texts or numbers,
//! names with `_` or in camel case. Streams answer line by line with `{"result":…}`. A request that a
//! web page sends is refused: the registry asks nobody who they are, and a browser carries pages
//! of strangers.

mod read;
mod write;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{CONTENT_TYPE, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use etcd_client::proto::{PbKvService, PbLeaseService, PbWatchRequest};
use futures_util::{Stream, StreamExt, stream};
use serde_json::{Value, json};
use tonic::{Code, Status};

use self::read::ReadMembers;
use super::kv::Kv;
use super::lease::{LeaseService, keep_alive};
use super::limits::READ_BYTES;
use super::maintenance::VERSION;
use super::registry::Registry;
use super::watch::follow;

/// The release of the cluster, which has one member.
const CLUSTER_VERSION: &str = "3.5.0";
/// Octets of a body: those of a request, which base64 makes a third longer.
const BODY_OCTETS: usize = READ_BYTES / 3 * 4;

/// The result of a call: JSON, or a refusal.
type Answered = Result<Value, Status>;

/// The paths.
pub(super) fn routes(registry: &Arc<Registry>) -> Router {
    let lease = |router: Router<Arc<Registry>>, above: &str| {
        router
            .route(&format!("/v3/{above}lease/revoke"), post(revoke))
            .route(&format!("/v3/{above}lease/timetolive"), post(time_to_live))
            .route(&format!("/v3/{above}lease/leases"), post(leases))
    };
    let router = Router::new()
        .route("/health", get(async || json!({ "health": "true" }).to_string()))
        .route("/version", get(version))
        .route("/v3/kv/range", post(range))
        .route("/v3/kv/put", post(put))
        .route("/v3/kv/deleterange", post(delete))
        .route("/v3/kv/txn", post(txn))
        .route("/v3/kv/compaction", post(compact))
        .route("/v3/lease/grant", post(grant))
        .route("/v3/lease/keepalive", post(renew))
        .route("/v3/watch", post(watch));
    // Both spellings are etcd's.
    let router = lease(lease(router, ""), "kv/");
    let limits = DefaultBodyLimit::max(BODY_OCTETS);
    router.layer(limits).layer(from_fn(refuse_pages)).with_state(Arc::clone(registry))
}

/// Refuses what a web page sends; programs say nothing of an origin.
async fn refuse_pages(request: Request, next: Next) -> Response {
    if request.headers().contains_key(ORIGIN) {
        let status = Status::permission_denied("requests from web pages are refused");
        return refused(&status);
    }
    next.run(request).await
}

/// Which release this is.
async fn version() -> Response {
    json_reply(&json!({ "etcdserver": VERSION, "etcdcluster": CLUSTER_VERSION }))
}

/// Reads keys.
async fn range(State(registry): State<Arc<Registry>>, body: Bytes) -> Response {
    let call = async {
        let request = ReadMembers::of_body(&body)?.range()?;
        Ok(write::range(&Kv(registry).range(tonic::Request::new(request)).await?.into_inner()))
    };
    answer(call.await)
}

/// Puts a key.
async fn put(State(registry): State<Arc<Registry>>, body: Bytes) -> Response {
    let call = async {
        let request = ReadMembers::of_body(&body)?.put()?;
        Ok(write::put(&Kv(registry).put(tonic::Request::new(request)).await?.into_inner()))
    };
    answer(call.await)
}

/// Deletes keys.
async fn delete(State(registry): State<Arc<Registry>>, body: Bytes) -> Response {
    let call = async {
        let request = ReadMembers::of_body(&body)?.delete()?;
        Ok(write::delete(
            &Kv(registry).delete_range(tonic::Request::new(request)).await?.into_inner(),
        ))
    };
    answer(call.await)
}

/// Runs a transaction.
async fn txn(State(registry): State<Arc<Registry>>, body: Bytes) -> Response {
    let call = async {
        let request = ReadMembers::of_body(&body)?.txn()?;
        Ok(write::txn(&Kv(registry).txn(tonic::Request::new(request)).await?.into_inner()))
    };
    answer(call.await)
}

/// Forbids the past.
async fn compact(State(registry): State<Arc<Registry>>, body: Bytes) -> Response {
    let call = async {
        let request = ReadMembers::of_body(&body)?.compaction()?;
        let compacted = Kv(registry).compact(tonic::Request::new(request)).await?.into_inner();
        Ok(write::header_alone(compacted.header.as_ref()))
    };
    answer(call.await)
}

/// Grants a lease.
async fn grant(State(registry): State<Arc<Registry>>, body: Bytes) -> Response {
    let call = async {
        let request = ReadMembers::of_body(&body)?.grant()?;
        let granted =
            LeaseService(registry).lease_grant(tonic::Request::new(request)).await?.into_inner();
        Ok(write::grant(&granted))
    };
    answer(call.await)
}

/// Ends a lease.
async fn revoke(State(registry): State<Arc<Registry>>, body: Bytes) -> Response {
    let call = async {
        let request = ReadMembers::of_body(&body)?.revoke()?;
        let revoked =
            LeaseService(registry).lease_revoke(tonic::Request::new(request)).await?.into_inner();
        Ok(write::header_alone(revoked.header.as_ref()))
    };
    answer(call.await)
}

/// Says what is left of a lease.
async fn time_to_live(State(registry): State<Arc<Registry>>, body: Bytes) -> Response {
    let call = async {
        let request = ReadMembers::of_body(&body)?.time_to_live()?;
        let left = LeaseService(registry)
            .lease_time_to_live(tonic::Request::new(request))
            .await?
            .into_inner();
        Ok(write::time_to_live(&left))
    };
    answer(call.await)
}

/// Lists the leases.
async fn leases(State(registry): State<Arc<Registry>>) -> Response {
    let call = async {
        let request = etcd_client::proto::PbLeaseLeasesRequest {};
        let listed =
            LeaseService(registry).lease_leases(tonic::Request::new(request)).await?.into_inner();
        Ok(write::leases(&listed))
    };
    answer(call.await)
}

/// Renews a lease, once.
async fn renew(State(registry): State<Arc<Registry>>, body: Bytes) -> Response {
    let call = || {
        let id = ReadMembers::of_body(&body)?.id()?;
        Ok(json!({ "result": write::keep_alive(&keep_alive(&registry, id)) }))
    };
    answer(call())
}

/// Follows keys, until the client goes.
async fn watch(State(registry): State<Arc<Registry>>, body: Bytes) -> Response {
    let call = || {
        let request = ReadMembers::of_body(&body)?.watch()?;
        follow(registry, requests(request))
    };
    let messages = match call() {
        Ok(messages) => messages,
        Err(status) => return refused(&status),
    };
    let lines = messages.map(|message| {
        let line = match message {
            Ok(message) => json!({ "result": write::watch(&message) }),
            Err(status) => json!({ "error": write::status(&status) }),
        };
        Ok::<_, std::convert::Infallible>(format!("{line}\n"))
    });
    ([(CONTENT_TYPE, "application/json")], Body::from_stream(lines)).into_response()
}

/// The requests of a stream that asks once and stays.
fn requests(
    request: PbWatchRequest,
) -> impl Stream<Item = Result<PbWatchRequest, Status>> + Send + 'static {
    stream::iter([Ok(request)]).chain(stream::pending())
}

/// The reply to a call.
fn answer(answered: Answered) -> Response {
    match answered {
        Ok(value) => json_reply(&value),
        Err(status) => refused(&status),
    }
}

/// JSON.
fn json_reply(value: &Value) -> Response {
    ([(CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

/// A refusal, with the status of HTTP that goes with its code.
fn refused(status: &Status) -> Response {
    let code = match status.code() {
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => {
            StatusCode::BAD_REQUEST
        }
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (code, json_reply(&write::status(status))).into_response()
}

/// What is said to a path that there is not, by whoever asks: gRPC has a status of its own.
pub(super) async fn no_such_path(headers: HeaderMap) -> Response {
    let kind = headers.get(CONTENT_TYPE).map(|kind| kind.as_bytes()).unwrap_or_default();
    if kind.starts_with(b"application/grpc") {
        return Status::unimplemented("").into_http::<Body>();
    }
    (StatusCode::NOT_FOUND, "Not Found\n").into_response()
}
