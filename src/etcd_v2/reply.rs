//! Replies: etcd's headers, and bodies that end with a line feed as etcd's do.

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::node::NodeEvent;
use crate::etcd::Stamp;

/// The index of the registry when it answered: its revision.
const ETCD_INDEX: HeaderName = HeaderName::from_static("x-etcd-index");
/// The index of etcd's log, which v3 tells to nobody but those who administer: the revision.
const RAFT_INDEX: HeaderName = HeaderName::from_static("x-raft-index");
/// The raft term.
const RAFT_TERM: HeaderName = HeaderName::from_static("x-raft-term");
/// The cluster.
const CLUSTER: HeaderName = HeaderName::from_static("x-etcd-cluster-id");

/// The header with an index.
pub(super) fn index(index: i64) -> (HeaderName, HeaderValue) {
    (ETCD_INDEX, index.into())
}

/// The headers of an answer of the registry.
pub(super) fn headers(stamp: Stamp) -> [(HeaderName, HeaderValue); 4] {
    let cluster = HeaderValue::try_from(format!("{:x}", stamp.cluster));
    [
        index(stamp.revision),
        (RAFT_INDEX, stamp.revision.into()),
        (RAFT_TERM, stamp.term.into()),
        (CLUSTER, cluster.expect("digits are a value")),
    ]
}

/// A value as a line of JSON.
pub(super) fn line(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string(value).expect("nodes have no keys but strings");
    text.push('\n');
    text
}

/// JSON.
pub(super) fn json(value: &impl Serialize) -> Response {
    ([(CONTENT_TYPE, "application/json")], line(value)).into_response()
}

/// The reply to a read or a write.
pub(super) fn of_event(event: &NodeEvent, stamp: Stamp) -> Response {
    let is_new = event.action == "create" || (event.action == "set" && event.prev_node.is_none());
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    (status, headers(stamp), json(event)).into_response()
}
