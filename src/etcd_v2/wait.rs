//! Long polls: the next change of a node, or all further ones, from a watch of etcd.
//!
//! A reply begins at once, with the index of this moment, and its body comes with the change.
//! After [`WAIT_MAX`] it ends without one, as etcd documents that a wait may end: the client asks
//! again. A member that goes is followed by another, from the revision that comes next.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CONNECTION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_stream::wrappers::ReceiverStream;

use super::changes::told;
use super::fault::{Code, KeysFault};
use super::memory::Told;
use super::path::NodePath;
use super::request::KeyRequest;
use super::{Served, reply};
use crate::etcd::{Changed, Changes, Error, Range, Stamp};
use crate::http::Place;
use crate::lock::Lock;
use crate::names::client;

/// Requests that wait at once, each with a watch of etcd's: as many as old fleets have watchers,
/// and a stream of one connection each.
const WAITS_MAX: usize = 1_024;
/// Requests of one client that wait at once; behind one address there may be many programs, on
/// loopback all of them.
const WAITS_PER_CLIENT: usize = WAITS_MAX / 4;
/// How long a request waits: whoever is gone without a word is forgotten after that.
const WAIT_MAX: Duration = Duration::from_secs(300);
/// How long is waited before the registry is asked again after it went away.
const RETRY: Duration = Duration::from_millis(500);
/// Events that are ready for a client, beside the one that is written.
const EVENTS_WAITING: usize = 1;

/// The requests that wait, by their clients. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Waits(Arc<Lock<HashMap<IpAddr, usize>>>);

/// The place of one request that waits.
#[derive(Debug)]
struct WaitingReader {
    /// Among which.
    waits: Waits,
    /// Whose it is.
    client: IpAddr,
}

/// One request that waits.
struct Wait {
    /// What is served.
    served: Served,
    /// The node.
    path: NodePath,
    /// Whether all below it is meant.
    recursive: bool,
    /// Whether it goes on after the first change.
    stream: bool,
    /// The keys that are watched.
    range: Range,
    /// The next revision.
    next: i64,
}

impl Waits {
    /// A place for a request of a client, if there is one left.
    fn place(&self, address: IpAddr) -> Option<WaitingReader> {
        let client = client(address);
        let mut waits = self.0.lock();
        let total: usize = waits.values().sum();
        let own = waits.get(&client).copied().unwrap_or_default();
        if total >= WAITS_MAX || own >= WAITS_PER_CLIENT {
            return None;
        }
        waits.insert(client, own + 1);
        Some(WaitingReader { waits: self.clone(), client })
    }
}

impl Drop for WaitingReader {
    fn drop(&mut self) {
        let mut waits = self.waits.0.lock();
        if let Some(own) = waits.get_mut(&self.client) {
            *own -= 1;
            if *own == 0 {
                waits.remove(&self.client);
            }
        }
    }
}

impl Served {
    /// Begins to wait for a change.
    ///
    /// # Errors
    /// [`KeysFault`]: what happened since is not known any more, too many wait, or the registry did
    /// not answer.
    pub(super) async fn wait(
        &self,
        request: &KeyRequest,
        place: &Place,
    ) -> Result<Response, KeysFault> {
        let waiting = self.waits.place(place.client()).ok_or_else(|| {
            KeysFault::busy(format!("{WAITS_PER_CLIENT} requests of one client wait, or {WAITS_MAX} in all; come back later"))
        })?;
        let Some(range) = self.scope.around(&request.path) else {
            return Err(self.outside(&request.path).await);
        };
        let from = i64::try_from(request.wait_index).unwrap_or(i64::MAX - 1);
        let (stamp, is_compacted) = self.upkeep.etcd().revision(&range.0, from).await?;
        let next = if from == 0 { stamp.revision + 1 } else { from };
        let mut changes = self.upkeep.etcd().changes(&range, next).await?;
        if is_compacted {
            return Err(cleared(&mut changes, next, stamp).await);
        }
        place.leave();
        let wait = Wait {
            served: self.clone(),
            path: request.path.clone(),
            recursive: request.recursive,
            stream: request.stream,
            range,
            next,
        };
        Ok(wait.begin(changes, waiting, stamp))
    }
}

impl Wait {
    /// Begins the reply; its connection ends with it.
    fn begin(self, changes: Changes, waiting: WaitingReader, stamp: Stamp) -> Response {
        let (to, from) = mpsc::channel(EVENTS_WAITING);
        let draining = self.served.draining.clone();
        tokio::spawn(async move {
            let _waiting = waiting;
            tokio::select! {
                _ended = timeout(WAIT_MAX, self.run(changes, &to)) => (),
                () = to.closed() => (),
                () = draining.cancelled() => (),
            }
        });
        let body = ReceiverStream::new(from).map(Ok::<_, std::convert::Infallible>);
        let fields = [(CONTENT_TYPE, "application/json"), (CONNECTION, "close")];
        (reply::headers(stamp), fields, Body::from_stream(body)).into_response()
    }

    /// Tells what happens, until the client is gone or has what it waits for.
    async fn run(mut self, mut changes: Changes, to: &mpsc::Sender<Bytes>) {
        loop {
            match changes.next().await {
                Ok(batch) => match self.tell(batch, to).await {
                    Some(()) => (),
                    None => return,
                },
                Err(error) => match self.reopen(&error).await {
                    Some(again) => changes = again,
                    None => return,
                },
            }
        }
    }

    /// Follows another member, or the same again; none where that is in vain.
    async fn reopen(&self, error: &Error) -> Option<Changes> {
        tracing::debug!("a wait lost its watch: {error}");
        let mut error = error.clone();
        loop {
            if error.is_refusal() || matches!(error, Error::Compacted { .. }) {
                return None;
            }
            sleep(RETRY).await;
            match self.served.upkeep.etcd().changes(&self.range, self.next).await {
                Ok(changes) => return Some(changes),
                Err(again) => error = again,
            }
        }
    }

    /// Tells of some changes, revision by revision. None once nothing more is to be told.
    async fn tell(&mut self, mut batch: Vec<Changed>, to: &mpsc::Sender<Bytes>) -> Option<()> {
        while let Some(first) = batch.first() {
            let revision = first.pair.modified;
            let end = batch.iter().take_while(|it| it.pair.modified == revision).count();
            let rest = batch.split_off(end);
            for event in self.events(revision, batch).await {
                to.send(reply::line(&event.event).into()).await.ok()?;
                if !self.stream {
                    return None;
                }
            }
            self.next = revision + 1;
            batch = rest;
        }
        Some(())
    }

    /// What happened at a revision, as far as it is waited for.
    async fn events(&self, revision: i64, mut changes: Vec<Changed>) -> Vec<Arc<Told>> {
        // The range reaches from the first zone to the last: what lies between is nobody's.
        changes.retain(|change| self.served.scope.has(&change.pair.key));
        if changes.is_empty() {
            return Vec::new();
        }
        let mut events = match self.served.memory.recall(revision).await {
            Some(own) => vec![own],
            None => told(&self.served.leases, &changes).await,
        };
        events.retain(|told| self.is_of(told));
        events
    }

    /// Whether an event is waited for: one of the node, of what is below it where that is meant,
    /// or of a directory that it went with.
    fn is_of(&self, told: &Told) -> bool {
        let is_below = self.recursive && self.path.holds(&told.path);
        let is_seen = is_below && !self.path.hides(&told.path);
        let goes_along = told.takes_all && told.path.holds(&self.path);
        let is_meant = told.path == self.path || is_seen || goes_along;
        !told.is_quiet && is_meant && self.served.scope.shows(&told.path)
    }
}

/// The fault of an index that is not remembered, with the oldest that is.
async fn cleared(changes: &mut Changes, wanted: i64, stamp: Stamp) -> KeysFault {
    let oldest = match changes.next().await {
        Err(Error::Compacted { oldest, .. }) => oldest,
        Err(error) => return error.into(),
        Ok(_) => stamp.revision,
    };
    let cause = format!("the requested history has been cleared [{oldest}/{wanted}]");
    KeysFault { code: Code::EventIndexCleared, cause, index: stamp.revision }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_has_so_many_places() {
        let waits = Waits::default();
        let [one, other] = [[192, 0, 2, 1], [192, 0, 2, 2]].map(IpAddr::from);
        let mut held: Vec<_> = (0..WAITS_PER_CLIENT).map(|_| waits.place(one).unwrap()).collect();
        assert!(waits.place(one).is_none() && waits.place(other).is_some());
        held.pop();
        assert!(waits.place(one).is_some());
        drop(held);
        assert!(waits.0.lock().is_empty());
    }
}
