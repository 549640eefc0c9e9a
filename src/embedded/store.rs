//! The state of the registry and all that may be done to it.
//!
//! Nothing here waits or speaks gRPC: a request comes in, an answer whose header only
//! knows the revision goes out. Time is an argument, so tests need no clock.

use std::sync::Arc;

use etcd_client::proto::{
    PbDeleteRequest, PbDeleteResponse, PbPutRequest, PbPutResponse, PbTxnRequest, PbTxnResponse,
};
use tokio::time::Instant;

use super::draft::Draft;
use super::history::History;
use super::keys::Generation;
use super::leases::{Lease, Leases};
use super::limits::Limits;
use super::refusal::RequestRefusal;
use super::txn;

/// The keys with their history, and the leases.
pub(super) struct Store {
    /// The revisions; the newest has the live keys.
    history: History,
    /// The leases, each with its keys.
    leases: Leases,
    /// What may be kept.
    limits: Limits,
}

impl Store {
    /// A registry that holds nothing yet.
    pub(super) fn new(limits: Limits) -> Self {
        Self { history: History::new(), leases: Leases::default(), limits }
    }

    /// The number of the newest revision.
    pub(super) fn revision(&self) -> i64 {
        self.history.newest().revision
    }

    /// The bytes of all live keys and values.
    pub(super) fn bytes(&self) -> usize {
        self.history.newest().keys.bytes()
    }

    /// The revisions that are kept.
    pub(super) fn history(&self) -> &History {
        &self.history
    }

    /// The generation that a range is to be answered from. It never changes, so the
    /// answer is made without the store.
    pub(super) fn at(&self, revision: i64) -> Result<Arc<Generation>, RequestRefusal> {
        self.history.at(revision).cloned()
    }

    /// What may be kept.
    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Writes one key.
    pub(super) fn put(&mut self, request: &PbPutRequest) -> Result<PbPutResponse, RequestRefusal> {
        self.write(|draft| draft.put(request))
    }

    /// Deletes the keys of a range.
    pub(super) fn delete(
        &mut self,
        request: &PbDeleteRequest,
    ) -> Result<PbDeleteResponse, RequestRefusal> {
        self.write(|draft| draft.delete(request))
    }

    /// Does a transaction; all its writes are one revision.
    pub(super) fn txn(&mut self, request: &PbTxnRequest) -> Result<PbTxnResponse, RequestRefusal> {
        txn::check(request)?;
        self.write(|draft| txn::apply(draft, request))
    }

    /// Refuses reads and new watches before `revision` from now on.
    pub(super) fn compact(&mut self, revision: i64) -> Result<(), RequestRefusal> {
        self.history.compact(revision)
    }

    /// Grants a lease; see [`Leases::grant`].
    pub(super) fn grant(
        &mut self,
        id: i64,
        ttl: i64,
        now: Instant,
    ) -> Result<(i64, i64), RequestRefusal> {
        if self.leases.len() >= self.limits.leases {
            return Err(RequestRefusal::TooManyLeases(self.limits.leases));
        }
        self.leases.grant(id, ttl, now)
    }

    /// Removes a lease and deletes its keys in one revision.
    pub(super) fn revoke(&mut self, id: i64) -> Result<(), RequestRefusal> {
        let lease = self.leases.remove(id).ok_or(RequestRefusal::LeaseNotFound)?;
        self.write(|draft| {
            lease.keys.iter().for_each(|key| draft.delete_key(key));
            Ok(())
        })
    }

    /// Starts a lease's life again; see [`Leases::keep_alive`].
    pub(super) fn keep_alive(&mut self, id: i64, now: Instant) -> Option<i64> {
        self.leases.keep_alive(id, now)
    }

    /// The lease of this id.
    pub(super) fn lease(&self, id: i64) -> Option<&Lease> {
        self.leases.get(id)
    }

    /// The ids of all leases.
    pub(super) fn lease_ids(&self) -> impl Iterator<Item = i64> {
        self.leases.ids()
    }

    /// When the next lease runs out.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.leases.next_deadline().map(|(deadline, _)| deadline)
    }

    /// Revokes leases that have run out by `now`, at most `limit` of them, and each in
    /// its own revision as etcd does.
    pub(super) fn expire(&mut self, now: Instant, limit: usize) {
        for _ in 0..limit {
            match self.leases.next_deadline() {
                // It cannot be refused: the lease is there, and deleting needs no room.
                Some((deadline, id)) if deadline <= now => drop(self.revoke(id)),
                _ => return,
            }
        }
    }

    /// Lets `change` work on a draft, and makes it the next revision if it succeeds and
    /// changed anything.
    fn write<T>(
        &mut self,
        change: impl FnOnce(&mut Draft<'_>) -> Result<T, RequestRefusal>,
    ) -> Result<T, RequestRefusal> {
        let mut draft = Draft::new(&self.history, &self.leases, &self.limits);
        let answer = change(&mut draft)?;
        if let Some(generation) = draft.finish() {
            generation.events.iter().for_each(|event| self.leases.follow(event));
            self.history.push(generation, &self.limits);
        }
        Ok(answer)
    }
}
