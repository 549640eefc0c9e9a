//! The state that all services share: the store, and who is speaking.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use etcd_client::proto::PbResponseHeader;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::limits::{Limits, STREAMS};
use super::refusal::RequestRefusal;
use super::store::Store;
use crate::lock::Lock;

/// The result of a service method.
pub(super) type RpcResult<T> = Result<tonic::Response<T>, Status>;

/// The stream that a streaming service method answers with.
pub(super) type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// The raft term, in which there was one election. etcd begins with 2 as well.
pub(super) const TERM: u64 = 2;

/// The store, and what belongs to every answer.
pub(super) struct Registry {
    /// The state. Held for one step of one request, never over an await.
    store: Lock<Store>,
    /// The newest revision: wakes the watch streams.
    revision: watch::Sender<i64>,
    /// Wakes the expiry: a granted lease may be the first to run out.
    pub(super) granted: Notify,
    /// Places for streams.
    streams: Arc<Semaphore>,
    /// Tells the streams to end.
    pub(super) closing: CancellationToken,
    /// A random number for this process, so that a restart is seen as another cluster.
    cluster_id: u64,
    /// A random number for its only member.
    pub(super) member_id: u64,
    /// Where clients connect.
    pub(super) addr: Option<SocketAddr>,
}

impl Registry {
    /// A registry that holds nothing yet.
    pub(super) fn new(addr: Option<SocketAddr>, closing: CancellationToken) -> Self {
        let store = Store::new(Limits::default());
        Self {
            revision: watch::Sender::new(store.revision()),
            store: Lock::new(store),
            granted: Notify::new(),
            streams: Arc::new(Semaphore::new(STREAMS)),
            closing,
            cluster_id: fastrand::u64(1..),
            member_id: fastrand::u64(1..),
            addr,
        }
    }

    /// Looks at the store.
    pub(super) fn read<T>(&self, look: impl FnOnce(&Store) -> T) -> T {
        // A panic cannot leave the store half changed: a draft becomes true in one step.
        look(&self.store.lock())
    }

    /// Changes the store, and wakes the watches if that made a revision.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Store) -> T) -> T {
        let mut store = self.store.lock();
        let answer = change(&mut store);
        let newest = store.revision();
        self.revision.send_if_modified(|known| std::mem::replace(known, newest) != newest);
        answer
    }

    /// The newest revision, and a wait for the next.
    pub(super) fn revisions(&self) -> watch::Receiver<i64> {
        self.revision.subscribe()
    }

    /// Says in a header that was given a revision who is speaking.
    pub(super) fn sign(&self, header: &mut Option<PbResponseHeader>) {
        let revision = header.take().map_or(0, |header| header.revision);
        *header = self.header(revision);
    }

    /// A header that tells `revision`.
    pub(super) fn header(&self, revision: i64) -> Option<PbResponseHeader> {
        let Self { cluster_id, member_id, .. } = *self;
        Some(PbResponseHeader { cluster_id, member_id, revision, raft_term: TERM })
    }

    /// A header that tells the newest revision.
    pub(super) fn header_now(&self) -> Option<PbResponseHeader> {
        self.header(*self.revision.borrow())
    }

    /// A place for one more stream; it is given back when it is dropped.
    pub(super) fn admit_stream(&self) -> Result<OwnedSemaphorePermit, RequestRefusal> {
        Arc::clone(&self.streams).try_acquire_owned().map_err(|_| RequestRefusal::TooManyStreams)
    }
}
