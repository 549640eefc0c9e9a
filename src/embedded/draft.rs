//! A revision in the making: changes to a copy of the keys, all or nothing.
//!
//! Copying the keys costs nothing, so a request simply works on its own copy. When
//! one of its operations is refused the draft is dropped, and nothing has happened.

use std::sync::Arc;

use etcd_client::proto::{
    PbDeleteRequest, PbDeleteResponse, PbKeyValue, PbPutRequest, PbPutResponse, PbRangeRequest,
    PbRangeResponse, PbResponseHeader,
};

use super::history::History;
use super::interval::Interval;
use super::keys::{Generation, KeyChange, Keys, StoredKey, size};
use super::leases::Leases;
use super::limits::{self, Limits};
use super::range::{self, Budget};
use super::refusal::RequestRefusal;

/// A revision in the making.
pub(super) struct Draft<'a> {
    /// What was: for reads of earlier revisions.
    history: &'a History,
    /// The leases that keys may be attached to.
    leases: &'a Leases,
    /// What may be stored.
    limits: &'a Limits,
    /// The keys as this draft changes them.
    keys: Keys,
    /// What it changed.
    events: Vec<KeyChange>,
    /// What its answers may still carry.
    budget: Budget,
}

impl<'a> Draft<'a> {
    /// A draft that starts from the newest revision.
    pub(super) fn new(history: &'a History, leases: &'a Leases, limits: &'a Limits) -> Self {
        let keys = history.newest().keys.clone();
        let budget = Budget::new(limits.answer_bytes);
        Self { history, leases, limits, keys, events: Vec::new(), budget }
    }

    /// The new revision; `None` if nothing changed, which makes none.
    pub(super) fn finish(self) -> Option<Generation> {
        let revision = self.next_revision();
        let Self { keys, events, .. } = self;
        (!events.is_empty()).then_some(Generation { revision, keys, events })
    }

    /// The keys as they were before the draft.
    pub(super) fn before(&self) -> &Keys {
        &self.history.newest().keys
    }

    /// The revision as it is now: the next one as soon as something changed.
    pub(super) fn revision(&self) -> i64 {
        let unchanged = self.events.is_empty();
        if unchanged { self.history.newest().revision } else { self.next_revision() }
    }

    /// Answers a range, from the draft itself unless an earlier revision is asked for.
    pub(super) fn range(
        &mut self,
        request: &PbRangeRequest,
    ) -> Result<PbRangeResponse, RequestRefusal> {
        range::check(request)?;
        let earlier = match request.revision {
            ..=0 => None,
            revision => Some(self.history.at(revision)?),
        };
        let keys = earlier.map_or(&self.keys, |generation| &generation.keys);
        let mut response = range::answer(keys, request, &mut self.budget)?;
        response.header = header(self.revision());
        Ok(response)
    }

    /// Writes one key.
    pub(super) fn put(&mut self, request: &PbPutRequest) -> Result<PbPutResponse, RequestRefusal> {
        check_put(request)?;
        let previous = self.keys.get(&request.key).cloned();
        let entry = Arc::new(self.entry(request, previous.as_deref())?);
        self.keys.insert(Arc::clone(&entry));
        self.check_room()?;
        let prev_kv = match &previous {
            Some(previous) if request.prev_kv => Some(self.answered(previous)?),
            _ => None,
        };
        self.events.push(KeyChange { entry, previous });
        Ok(PbPutResponse { header: header(self.revision()), prev_kv })
    }

    /// Deletes the keys of a range.
    pub(super) fn delete(
        &mut self,
        request: &PbDeleteRequest,
    ) -> Result<PbDeleteResponse, RequestRefusal> {
        check_key(&request.key)?;
        let interval = Interval::new(&request.key, &request.range_end);
        let doomed: Vec<StoredKey> = self.keys.range(&interval).cloned().collect();
        let mut prev_kvs = Vec::new();
        for entry in &doomed {
            self.delete_key(&entry.key);
            if request.prev_kv {
                prev_kvs.push(self.answered(entry)?);
            }
        }
        let deleted = i64::try_from(doomed.len()).unwrap_or(i64::MAX);
        Ok(PbDeleteResponse { header: header(self.revision()), deleted, prev_kvs })
    }

    /// Deletes one key, if it is there.
    pub(super) fn delete_key(&mut self, key: &[u8]) {
        let mod_revision = self.next_revision();
        let Some(previous) = self.keys.remove(key) else {
            return;
        };
        let entry = PbKeyValue { key: key.to_vec(), mod_revision, ..Default::default() };
        self.events.push(KeyChange { entry: Arc::new(entry), previous: Some(previous) });
    }

    /// The number that the new revision will have.
    fn next_revision(&self) -> i64 {
        self.history.newest().revision + 1
    }

    /// What a put makes of its key.
    fn entry(
        &self,
        request: &PbPutRequest,
        previous: Option<&PbKeyValue>,
    ) -> Result<PbKeyValue, RequestRefusal> {
        let kept = if request.ignore_value || request.ignore_lease {
            Some(previous.ok_or(RequestRefusal::KeyNotFound)?)
        } else {
            None
        };
        let lease = kept.filter(|_| request.ignore_lease).map_or(request.lease, |kept| kept.lease);
        if lease != 0 && !self.leases.contains(lease) {
            return Err(RequestRefusal::LeaseNotFound);
        }
        let value =
            kept.filter(|_| request.ignore_value).map_or(&request.value, |kept| &kept.value);
        let revision = self.next_revision();
        Ok(PbKeyValue {
            key: request.key.clone(),
            value: value.clone(),
            lease,
            mod_revision: revision,
            create_revision: previous.map_or(revision, |previous| previous.create_revision),
            version: previous.map_or(1, |previous| previous.version + 1),
        })
    }

    /// Refuses when the keys have become too many or too large.
    fn check_room(&self) -> Result<(), RequestRefusal> {
        if self.keys.len() > self.limits.keys {
            return Err(RequestRefusal::TooManyKeys(self.limits.keys));
        }
        if self.keys.bytes() > self.limits.stored_bytes {
            return Err(RequestRefusal::StoreFull(self.limits.stored_bytes));
        }
        Ok(())
    }

    /// A copy of an entry for the answer, if the answer still has room.
    fn answered(&mut self, entry: &StoredKey) -> Result<PbKeyValue, RequestRefusal> {
        self.budget.take(size(entry))?;
        Ok(PbKeyValue::clone(entry))
    }
}

/// Refuses a put that is too large or contradicts itself.
pub(super) fn check_put(request: &PbPutRequest) -> Result<(), RequestRefusal> {
    check_key(&request.key)?;
    if request.key.len() + request.value.len() > limits::REQUEST_BYTES {
        return Err(RequestRefusal::RequestTooLarge);
    }
    if request.ignore_value && !request.value.is_empty() {
        return Err(RequestRefusal::ValueProvided);
    }
    if request.ignore_lease && request.lease != 0 {
        return Err(RequestRefusal::LeaseProvided);
    }
    Ok(())
}

/// Refuses an empty key and one that is too long.
pub(super) fn check_key(key: &[u8]) -> Result<(), RequestRefusal> {
    match key.len() {
        0 => Err(RequestRefusal::EmptyKey),
        1..=limits::KEY_BYTES => Ok(()),
        _ => Err(RequestRefusal::KeyTooLong),
    }
}

/// A header that tells the revision; the service adds who is speaking.
pub(super) fn header(revision: i64) -> Option<PbResponseHeader> {
    Some(PbResponseHeader { revision, ..Default::default() })
}
