//! Requests, read from JSON.

use data_encoding::BASE64;
use etcd_client::proto::{
    PbCompactionRequest, PbCompare, PbDeleteRequest, PbLeaseGrantRequest, PbLeaseRevokeRequest,
    PbLeaseTimeToLiveRequest, PbPutRequest, PbRangeRequest, PbTargetUnion, PbTxnOpRequest,
    PbTxnRequest, PbTxnRequestOp, PbWatchRequest, PbWatchRequestUnion,
};
use serde_json::{Map, Value};
use tonic::Status;

use super::super::limits::TXN_OPS;
use super::super::refusal::RequestRefusal;

/// Orders, fields to order by, targets and results of compares, filters, in etcd's words.
const ORDERS: &[&str] = &["NONE", "ASCEND", "DESCEND"];
/// Fields that keys are sorted by.
const SORTED_BY: &[&str] = &["KEY", "VERSION", "CREATE", "MOD", "VALUE"];
/// Fields that are compared.
const TARGETS: &[&str] = &["VERSION", "CREATE", "MOD", "VALUE", "LEASE"];
/// Results of comparisons.
const RESULTS: &[&str] = &["EQUAL", "GREATER", "LESS", "NOT_EQUAL"];
/// Events that are left out.
const FILTERS: &[&str] = &["NOPUT", "NODELETE"];
/// How deep transactions may stand in each other: the service has a bound of its own for
/// operations, this one is for the reading.
const DEPTH_MAX: usize = 8;

/// The result of reading a member.
type MemberResult<T> = Result<T, Status>;

/// The members of an object, by names with `_` or in camel case.
#[derive(Clone)]
pub(super) struct ReadMembers(Map<String, Value>);

impl ReadMembers {
    /// The object of a body; an empty one has no members.
    pub(super) fn of_body(body: &[u8]) -> MemberResult<Self> {
        if body.trim_ascii().is_empty() {
            return Ok(Self(Map::new()));
        }
        let read = serde_json::from_slice(body);
        read.map(Self).map_err(|fault| Status::invalid_argument(fault.to_string()))
    }

    /// A range.
    pub(super) fn range(&self) -> MemberResult<PbRangeRequest> {
        Ok(PbRangeRequest {
            key: self.octets("key")?,
            range_end: self.octets("range_end")?,
            limit: self.number("limit")?,
            revision: self.number("revision")?,
            sort_order: self.choice("sort_order", ORDERS)?,
            sort_target: self.choice("sort_target", SORTED_BY)?,
            serializable: self.truth("serializable")?,
            keys_only: self.truth("keys_only")?,
            count_only: self.truth("count_only")?,
            min_mod_revision: self.number("min_mod_revision")?,
            max_mod_revision: self.number("max_mod_revision")?,
            min_create_revision: self.number("min_create_revision")?,
            max_create_revision: self.number("max_create_revision")?,
        })
    }

    /// A put.
    pub(super) fn put(&self) -> MemberResult<PbPutRequest> {
        Ok(PbPutRequest {
            key: self.octets("key")?,
            value: self.octets("value")?,
            lease: self.number("lease")?,
            prev_kv: self.truth("prev_kv")?,
            ignore_value: self.truth("ignore_value")?,
            ignore_lease: self.truth("ignore_lease")?,
        })
    }

    /// A deletion.
    pub(super) fn delete(&self) -> MemberResult<PbDeleteRequest> {
        Ok(PbDeleteRequest {
            key: self.octets("key")?,
            range_end: self.octets("range_end")?,
            prev_kv: self.truth("prev_kv")?,
        })
    }

    /// A compaction.
    pub(super) fn compaction(&self) -> MemberResult<PbCompactionRequest> {
        let (revision, physical) = (self.number("revision")?, self.truth("physical")?);
        Ok(PbCompactionRequest { revision, physical })
    }

    /// A transaction.
    pub(super) fn txn(&self) -> MemberResult<PbTxnRequest> {
        self.txn_within(DEPTH_MAX)
    }

    /// A transaction that stands in others.
    fn txn_within(&self, depth: usize) -> MemberResult<PbTxnRequest> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(Status::invalid_argument("the transactions stand too deep in each other"));
        };
        let operations = |name| {
            self.all(name)?
                .iter()
                .map(|operation| operation.operation(depth))
                .collect::<MemberResult<_>>()
        };
        Ok(PbTxnRequest {
            compare: self.all("compare")?.iter().map(Self::compare).collect::<MemberResult<_>>()?,
            success: operations("success")?,
            failure: operations("failure")?,
        })
    }

    /// An operation of a transaction; one that says nothing is left to the service to refuse.
    fn operation(&self, depth: usize) -> MemberResult<PbTxnRequestOp> {
        let request = if let Some(range) = self.inner("request_range")? {
            Some(PbTxnOpRequest::RequestRange(range.range()?))
        } else if let Some(put) = self.inner("request_put")? {
            Some(PbTxnOpRequest::RequestPut(put.put()?))
        } else if let Some(delete) = self.inner("request_delete_range")? {
            Some(PbTxnOpRequest::RequestDeleteRange(delete.delete()?))
        } else if let Some(txn) = self.inner("request_txn")? {
            Some(PbTxnOpRequest::RequestTxn(txn.txn_within(depth)?))
        } else {
            None
        };
        Ok(PbTxnRequestOp { request })
    }

    /// A comparison.
    fn compare(&self) -> MemberResult<PbCompare> {
        let wanted = if self.get("value").is_some() {
            Some(PbTargetUnion::Value(self.octets("value")?))
        } else if self.get("version").is_some() {
            Some(PbTargetUnion::Version(self.number("version")?))
        } else if self.get("create_revision").is_some() {
            Some(PbTargetUnion::CreateRevision(self.number("create_revision")?))
        } else if self.get("mod_revision").is_some() {
            Some(PbTargetUnion::ModRevision(self.number("mod_revision")?))
        } else if self.get("lease").is_some() {
            Some(PbTargetUnion::Lease(self.number("lease")?))
        } else {
            None
        };
        Ok(PbCompare {
            result: self.choice("result", RESULTS)?,
            target: self.choice("target", TARGETS)?,
            key: self.octets("key")?,
            range_end: self.octets("range_end")?,
            target_union: wanted,
        })
    }

    /// A grant.
    pub(super) fn grant(&self) -> MemberResult<PbLeaseGrantRequest> {
        Ok(PbLeaseGrantRequest { id: self.id()?, ttl: self.number("TTL")? })
    }

    /// The end of a lease.
    pub(super) fn revoke(&self) -> MemberResult<PbLeaseRevokeRequest> {
        Ok(PbLeaseRevokeRequest { id: self.id()? })
    }

    /// A question after a lease.
    pub(super) fn time_to_live(&self) -> MemberResult<PbLeaseTimeToLiveRequest> {
        Ok(PbLeaseTimeToLiveRequest { id: self.id()?, keys: self.truth("keys")? })
    }

    /// The id of a lease.
    pub(super) fn id(&self) -> MemberResult<i64> {
        self.number("ID")
    }

    /// A watch.
    pub(super) fn watch(&self) -> MemberResult<PbWatchRequest> {
        let Some(asked) = self.inner("create_request")? else {
            return Err(Status::invalid_argument("a watch needs a create_request"));
        };
        // The type of the inside has no name outside etcd-client.
        let mut request = PbWatchRequestUnion::CreateRequest(Default::default());
        if let PbWatchRequestUnion::CreateRequest(create) = &mut request {
            create.key = asked.octets("key")?;
            create.range_end = asked.octets("range_end")?;
            create.start_revision = asked.number("start_revision")?;
            create.progress_notify = asked.truth("progress_notify")?;
            create.filters = asked.filters()?;
            create.prev_kv = asked.truth("prev_kv")?;
            create.watch_id = asked.number("watch_id")?;
            create.fragment = asked.truth("fragment")?;
        }
        Ok(PbWatchRequest { request_union: Some(request) })
    }

    /// The events that a watch leaves out.
    fn filters(&self) -> MemberResult<Vec<i32>> {
        let Some(Value::Array(filters)) = self.get("filters") else { return Ok(Vec::new()) };
        filters.iter().map(|filter| chosen("filters", filter, FILTERS)).collect()
    }

    /// A member.
    fn get(&self, name: &str) -> Option<&Value> {
        let member = self.0.get(name).or_else(|| self.0.get(&camel_case(name)));
        member.filter(|value| !value.is_null())
    }

    /// Octets, in base64.
    fn octets(&self, name: &str) -> MemberResult<Vec<u8>> {
        let Some(value) = self.get(name) else { return Ok(Vec::new()) };
        let decoded = value.as_str().and_then(|text| BASE64.decode(text.as_bytes()).ok());
        decoded.ok_or_else(|| wrong(name, "base64"))
    }

    /// A number, also as a text.
    fn number(&self, name: &str) -> MemberResult<i64> {
        let Some(value) = self.get(name) else { return Ok(0) };
        let text = value.as_str().and_then(|text| text.parse().ok());
        value.as_i64().or(text).ok_or_else(|| wrong(name, "a number"))
    }

    /// A truth value.
    fn truth(&self, name: &str) -> MemberResult<bool> {
        let Some(value) = self.get(name) else { return Ok(false) };
        value.as_bool().ok_or_else(|| wrong(name, "true or false"))
    }

    /// One of some words, or its number.
    fn choice(&self, name: &str, words: &[&str]) -> MemberResult<i32> {
        self.get(name).map_or(Ok(0), |value| chosen(name, value, words))
    }

    /// An object.
    fn inner(&self, name: &str) -> MemberResult<Option<Self>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let members = value.as_object().cloned().ok_or_else(|| wrong(name, "an object"))?;
        Ok(Some(Self(members)))
    }

    /// A list of objects.
    fn all(&self, name: &str) -> MemberResult<Vec<Self>> {
        let Some(value) = self.get(name) else { return Ok(Vec::new()) };
        // Before they are copied; the transaction's own bounds come after.
        if value.as_array().is_some_and(|list| list.len() > TXN_OPS) {
            return Err(RequestRefusal::TooManyOps.into());
        }
        let objects = value.as_array().into_iter().flatten();
        let objects = objects.map(|object| object.as_object().cloned().map(Self));
        let objects: Option<Vec<_>> = objects.collect();
        objects.filter(|_| value.is_array()).ok_or_else(|| wrong(name, "a list of objects"))
    }
}

/// One of some words, or its number.
fn chosen(name: &str, value: &Value, words: &[&str]) -> MemberResult<i32> {
    let number = value.as_i64().and_then(|number| i32::try_from(number).ok());
    let word = || words.iter().position(|word| value.as_str() == Some(word));
    let word = || word().and_then(|at| i32::try_from(at).ok());
    number.or_else(word).ok_or_else(|| wrong(name, &words.join(", ")))
}

/// A name in camel case.
fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut name, word| {
        name.push_str(&word[..1].to_ascii_uppercase());
        name.push_str(&word[1..]);
        name
    })
}

/// A member of a wrong kind.
fn wrong(name: &str, wanted: &str) -> Status {
    Status::invalid_argument(format!("{name} is not {wanted}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what it needs by failing there")]

    use super::*;

    #[test]
    fn names_come_in_two_spellings_and_numbers_as_texts() {
        let read = |text: &str| ReadMembers::of_body(text.as_bytes()).unwrap().range().unwrap();
        let one = read(r#"{"key":"YQ==","range_end":"Yg==","limit":"7","sort_target":"MOD"}"#);
        assert_eq!(one, read(r#"{"key":"YQ==","rangeEnd":"Yg==","limit":7,"sortTarget":3}"#));
        assert_eq!((&*one.key, one.limit, one.sort_target), (&b"a"[..], 7, 3));
    }

    #[test]
    fn what_stands_too_deep_is_refused() {
        let mut text = "{}".to_owned();
        for _ in 0..20 {
            text = format!(r#"{{"success":[{{"request_txn":{text}}}]}}"#);
        }
        assert!(ReadMembers::of_body(text.as_bytes()).unwrap().txn().is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_body_is_survived(body: Vec<u8>) {
            if let Ok(members) = ReadMembers::of_body(&body) {
                let _ = (members.txn(), members.watch(), members.range());
            }
        }
    }

    #[test]
    fn more_operations_than_a_transaction_has_are_not_copied() {
        let list = |count: usize| format!(r#"{{"success":[{}]}}"#, vec!["{}"; count].join(","));
        let all = |count| ReadMembers::of_body(list(count).as_bytes()).unwrap().all("success");
        assert_eq!(all(TXN_OPS).unwrap().len(), TXN_OPS);
        assert!(all(TXN_OPS + 1).err().unwrap().message().contains("too many operations"));
    }
}
