//! Responses, written as JSON: what is zero, empty or false is left out, as etcd does.

use data_encoding::BASE64;
use etcd_client::proto::{
    PbDeleteResponse, PbEvent, PbKeyValue, PbLeaseGrantResponse, PbLeaseKeepAliveResponse,
    PbLeaseLeasesResponse, PbLeaseTimeToLiveResponse, PbPutResponse, PbRangeResponse,
    PbResponseHeader, PbTxnOpResponse, PbTxnResponse, PbWatchResponse,
};
use serde_json::{Map, Value, json};
use tonic::Status;

/// The members of an object, without those that say nothing.
#[derive(Default)]
struct WriteMembers(Map<String, Value>);

impl WriteMembers {
    /// An object that begins with a header.
    fn headed(header: Option<&PbResponseHeader>) -> Self {
        Self::default().part("header", header.map(shown_header))
    }

    /// A member, unless it says nothing.
    fn member(mut self, name: &str, value: Value) -> Self {
        let is_nothing = match &value {
            Value::Null | Value::Bool(false) => true,
            Value::Array(values) => values.is_empty(),
            Value::String(text) => text.is_empty(),
            _ => false,
        };
        if !is_nothing {
            self.0.insert(name.to_owned(), value);
        }
        self
    }

    /// A number, as a text.
    fn number(self, name: &str, number: impl Into<i128>) -> Self {
        let number: i128 = number.into();
        let text = if number == 0 { String::new() } else { number.to_string() };
        self.member(name, text.into())
    }

    /// Octets, in base64.
    fn octets(self, name: &str, octets: &[u8]) -> Self {
        self.member(name, BASE64.encode(octets).into())
    }

    /// An object, which may be empty.
    fn part(mut self, name: &str, value: Option<Value>) -> Self {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value);
        }
        self
    }

    /// The object.
    fn done(self) -> Value {
        Value::Object(self.0)
    }
}

/// A header.
fn shown_header(header: &PbResponseHeader) -> Value {
    WriteMembers::default()
        .number("cluster_id", header.cluster_id)
        .number("member_id", header.member_id)
        .number("revision", header.revision)
        .number("raft_term", header.raft_term)
        .done()
}

/// A key with its value.
fn pair(kv: &PbKeyValue) -> Value {
    WriteMembers::default()
        .octets("key", &kv.key)
        .number("create_revision", kv.create_revision)
        .number("mod_revision", kv.mod_revision)
        .number("version", kv.version)
        .octets("value", &kv.value)
        .number("lease", kv.lease)
        .done()
}

/// Keys with their values.
fn pairs(kvs: &[PbKeyValue]) -> Value {
    kvs.iter().map(pair).collect()
}

/// A response that is a header.
pub(super) fn header_alone(header: Option<&PbResponseHeader>) -> Value {
    WriteMembers::headed(header).done()
}

/// The response to a range.
pub(super) fn range(response: &PbRangeResponse) -> Value {
    WriteMembers::headed(response.header.as_ref())
        .member("kvs", pairs(&response.kvs))
        .member("more", response.more.into())
        .number("count", response.count)
        .done()
}

/// The response to a put.
pub(super) fn put(response: &PbPutResponse) -> Value {
    let previous = response.prev_kv.as_ref().map(pair);
    WriteMembers::headed(response.header.as_ref()).part("prev_kv", previous).done()
}

/// The response to a deletion.
pub(super) fn delete(response: &PbDeleteResponse) -> Value {
    WriteMembers::headed(response.header.as_ref())
        .number("deleted", response.deleted)
        .member("prev_kvs", pairs(&response.prev_kvs))
        .done()
}

/// The response to a transaction.
pub(super) fn txn(response: &PbTxnResponse) -> Value {
    let operation = |response: &PbTxnOpResponse| match response {
        PbTxnOpResponse::ResponseRange(it) => json!({ "response_range": range(it) }),
        PbTxnOpResponse::ResponsePut(it) => json!({ "response_put": put(it) }),
        PbTxnOpResponse::ResponseDeleteRange(it) => json!({ "response_delete_range": delete(it) }),
        PbTxnOpResponse::ResponseTxn(it) => json!({ "response_txn": txn(it) }),
    };
    let responses = response.responses.iter();
    let responses = responses.map(|it| it.response.as_ref().map_or(json!({}), operation));
    WriteMembers::headed(response.header.as_ref())
        .member("succeeded", response.succeeded.into())
        .member("responses", responses.collect())
        .done()
}

/// The response to a grant.
pub(super) fn grant(response: &PbLeaseGrantResponse) -> Value {
    let members = WriteMembers::headed(response.header.as_ref()).number("ID", response.id);
    members.number("TTL", response.ttl).done()
}

/// The response to a renewal.
pub(super) fn keep_alive(response: &PbLeaseKeepAliveResponse) -> Value {
    let members = WriteMembers::headed(response.header.as_ref()).number("ID", response.id);
    members.number("TTL", response.ttl).done()
}

/// What is left of a lease.
pub(super) fn time_to_live(response: &PbLeaseTimeToLiveResponse) -> Value {
    let keys: Value = response.keys.iter().map(|key| BASE64.encode(key)).collect();
    WriteMembers::headed(response.header.as_ref())
        .number("ID", response.id)
        .number("TTL", response.ttl)
        .number("grantedTTL", response.granted_ttl)
        .member("keys", keys)
        .done()
}

/// All leases.
pub(super) fn leases(response: &PbLeaseLeasesResponse) -> Value {
    let leases = response.leases.iter();
    let leases = leases.map(|it| WriteMembers::default().number("ID", it.id).done());
    WriteMembers::headed(response.header.as_ref()).member("leases", leases.collect()).done()
}

/// A message of a watch.
pub(super) fn watch(response: &PbWatchResponse) -> Value {
    WriteMembers::headed(response.header.as_ref())
        .number("watch_id", response.watch_id)
        .member("created", response.created.into())
        .member("canceled", response.canceled.into())
        .number("compact_revision", response.compact_revision)
        .member("cancel_reason", response.cancel_reason.clone().into())
        .member("fragment", response.fragment.into())
        .member("events", response.events.iter().map(event).collect())
        .done()
}

/// An event.
fn event(event: &PbEvent) -> Value {
    let kind = if event.r#type == 1 { "DELETE" } else { "" };
    WriteMembers::default()
        .member("type", kind.into())
        .part("kv", event.kv.as_ref().map(pair))
        .part("prev_kv", event.prev_kv.as_ref().map(pair))
        .done()
}

/// A refusal.
pub(super) fn status(status: &Status) -> Value {
    let message = status.message();
    json!({ "error": message, "message": message, "code": status.code() as i32 })
}
