//! The reading of a request without its answer: what its octets mean, or why they mean nothing.

use axum::http::{Method, Uri};

use super::fault::KeysFault;
use super::request::KeyRequest;
use super::{KEYS, path_of};

/// The meaning of a request about a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestReading {
    /// The node, as replies show it.
    pub node: String,
    /// Its key in etcd v3; empty for the root.
    pub key: Vec<u8>,
    /// What is to be written.
    pub value: String,
    /// After how many seconds the node ends.
    pub ttl: Option<u64>,
    /// Whether the reply waits for a change.
    pub waits: bool,
}

/// Reads a request by its method, its target (path and query) and its form. Nothing where these
/// are no request of HTTP about a key; the number of the fault where they are a wrong one.
#[must_use]
pub fn read_request(
    method: &[u8],
    target: &[u8],
    form: &[u8],
) -> Option<Result<RequestReading, u16>> {
    let (method, target) = (Method::from_bytes(method).ok()?, Uri::try_from(target).ok()?);
    let (path, query) = (target.path(), target.query().unwrap_or_default());
    path.starts_with(KEYS).then_some(())?;
    let read = || -> Result<Option<KeyRequest>, KeysFault> {
        let Some(path) = path_of(path)? else { return Ok(None) };
        KeyRequest::read(&method, path, query, form).map(Some)
    };
    let meant = |read: KeyRequest| RequestReading {
        node: read.path.shown().to_owned(),
        key: read.path.key(),
        value: read.value,
        ttl: read.ttl,
        waits: read.wait,
    };
    match read() {
        Ok(read) => read.map(meant).map(Ok),
        Err(fault) => Some(Err(fault.code.number())),
    }
}
