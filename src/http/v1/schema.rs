//! Schemas of the objects that are shown everywhere alike, for the OpenAPI document.
//! They are made where the values are ([`crate::registry`]); a test holds what is answered to
//! what is described here.
#![expect(dead_code, reason = "these describe what is made elsewhere")]

use std::collections::BTreeMap;

use serde::Deserialize;
use utoipa::ToSchema;

/// One place where a service runs.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Instance {
    /// The zone it is served in, without the last dot
    zone: String,
    /// The service, as the key spells it
    name: String,
    /// The instance, as the key spells it
    id: String,
    /// The key in the registry
    key: String,
    /// An address, or a host name
    hostname: String,
    /// `HOST:PORT`; the host alone without a port
    host: String,
    /// `tcp` or `udp`
    proto: String,
    /// The lowest is asked first (RFC 2782)
    priority: u16,
    /// The part of clients it gets, within a priority
    weight: u16,
    /// The port, if it has one
    port: Option<u16>,
    /// `PROTOCOL://HOST:PORT`, if it has a port
    url: Option<String>,
    /// TTL of its records in seconds, if it says one
    ttl: Option<u32>,
    /// The name of its port
    protocol: Option<String>,
    /// The version that runs there
    version: Option<String>,
    /// Free text
    text: Option<String>,
    /// Free words to select by
    tags: Option<Vec<String>>,
    /// Free pairs
    meta: Option<BTreeMap<String, String>>,
    /// All ways to it, where there are more than one
    endpoints: Option<Vec<String>>,
    /// Whether its key has a lease, and so an end; else it stays until it is deleted. Shown by
    /// `/v1/services/{name}` only
    leased: Option<bool>,
    /// When this server saw it come (RFC 3339). Shown by `/v1/services/{name}` only, as is
    /// `since_before`
    since: Option<String>,
    /// It was there already when this server began to remember, at this time (RFC 3339);
    /// stands in the place of `since`
    since_before: Option<String>,
}

/// A name that stands for instances of another.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Alias {
    /// The zone it is served in, without the last dot
    zone: String,
    /// The name, as the key spells it
    name: String,
    /// The key in the registry
    key: String,
    /// `Frontend` or `Backend`
    resource: String,
    /// Of a frontend: the backend it leads to, if it is named yet
    backend: Option<String>,
    /// Of a backend: the service whose instances it has
    app: Option<String>,
    /// Of a backend: the version of these; all of them when absent
    version: Option<String>,
}

/// Something that cannot be served, and what to do about it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Problem {
    /// The zone, without the last dot
    zone: String,
    /// The key, what several keys begin with, or the place in a file
    key: String,
    /// What is wrong
    problem: String,
    /// What to do
    remedy: String,
}

/// The answer to a name, and the reasons for it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Explanation {
    /// The name that was asked, absolute
    name: String,
    /// The type that was asked
    r#type: String,
    /// The zone that it is in, without the last dot; none where that is no zone of ours
    zone: Option<String>,
    /// Which rule leads to what stands there, in words
    rule: String,
    /// The response code, as `dig` writes it
    rcode: String,
    /// The INFO-CODE of an extended error (RFC 8914)
    extended_error: Option<u16>,
    /// The answer section: records as zone files write them, the first hundred
    answers: Vec<String>,
    /// The authority section, likewise
    authority: Vec<String>,
    /// The additional section, likewise
    additional: Vec<String>,
    /// How many records there are beside those
    more: usize,
    /// What the answer is made of, the first hundred
    documents: Vec<Document>,
    /// How many there are beside those
    more_documents: usize,
    /// Where an alias leads that leaves our zones
    leaves: Option<String>,
    /// Why there is no record of that type; none where there is one
    why: Option<String>,
    /// What else is to be known
    notes: Vec<String>,
}

/// Something that an answer is made of.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    /// Its key in the registry
    key: String,
}
