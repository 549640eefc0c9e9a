//! Long polls: the next change of a node, or all further ones, from a watch of etcd.
//!
//! A reply begins at once, with the index of this moment, and its body comes with the change.
//! After [`WAIT_MAX`] it ends without one, as etcd documents that a wait may end: the client asks
//! again. A member that goes is followed by another, from the revision that comes next.

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
use super::fair::{ClientRequest, ClientRequests, FairPlaces};
use super::fault::{Code, KeysFault};
use super::memory::Told;
use super::path::NodePath;
use super::request::KeyRequest;
use super::{Served, reply};
use crate::etcd::{Changed, Changes, Error, Range, Stamp};
use crate::http::Place;

/// Requests that wait at once, each with a watch of etcd's: as many as old fleets have watchers,
/// and a stream of one connection each.
const WAITS_MAX: usize = 1_024;
/// Requests of one client that wait at once; behind one address there may be many programs, on
/// loopback all of them.
const WAITS_PER_CLIENT: usize = WAITS_MAX / 4;
/// How long a request waits: whoever is gone without a word is forgotten after that.
const WAIT_MAX: Duration = Duration::from_secs(300);
/// Waits that are told of what happened before at once, one of each client: for each of them etcd
/// sends some MiB as fast as it can.
const REPLAYS_MAX: usize = 4;
/// Revisions that are no such history: who asks again after an event is as far behind.
const NEAR: i64 = 8;
/// Silence that says that all is told which happened before: etcd sends 1,000 revisions ten times
/// a second.
const REPLAY_QUIET: Duration = Duration::from_millis(250);
/// How long that may take. The reply of a client that reads more slowly ends then, and it asks
/// again for the rest.
const REPLAY_MAX: Duration = Duration::from_secs(30);
/// How long is waited before the registry is asked again after it went away.
const RETRY: Duration = Duration::from_millis(500);
/// Events that are ready for a client, beside the one that is written.
const EVENTS_WAITING: usize = 1;

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
    /// The revision at which it began.
    began: i64,
    /// The last revision that was told from memory.
    own: i64,
    /// Whose it is.
    client: IpAddr,
}

/// The requests that wait.
pub(super) fn waits() -> ClientRequests {
    ClientRequests::new(WAITS_MAX, WAITS_PER_CLIENT)
}

/// The places of waits that are told of what happened before.
pub(super) fn replays() -> FairPlaces {
    FairPlaces::new(REPLAYS_MAX, WAITS_PER_CLIENT)
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
        let waiting = self.waits.enter(place.client(), || ()).ok_or_else(|| {
            KeysFault::busy(format!("{WAITS_PER_CLIENT} requests of one client wait, or {WAITS_MAX} in all; come back later"))
        })?;
        let Some(range) = self.scope().around(&request.path) else {
            return Err(self.outside(&request.path).await);
        };
        let from = i64::try_from(request.wait_index).unwrap_or(i64::MAX - 1);
        let (stamp, is_compacted) = self.upkeep.etcd().revision(&range.0, from).await?;
        let next = if from == 0 { stamp.revision + 1 } else { from };
        let is_near = is_compacted || next > stamp.revision - NEAR;
        let mut changes = match is_near {
            true => Some(self.upkeep.etcd().changes(&range, next).await?),
            false => None,
        };
        if let Some(changes) = changes.as_mut().filter(|_| is_compacted) {
            return Err(cleared(changes, next, stamp).await);
        }
        place.leave();
        let wait = Wait {
            served: self.clone(),
            path: request.path.clone(),
            recursive: request.recursive,
            stream: request.stream,
            range,
            next,
            began: stamp.revision,
            own: 0,
            client: place.client(),
        };
        Ok(wait.begin(changes, waiting, stamp))
    }
}

impl Wait {
    /// Begins the reply; its connection ends with it.
    fn begin(self, changes: Option<Changes>, waiting: ClientRequest, stamp: Stamp) -> Response {
        let (to, from) = mpsc::channel(EVENTS_WAITING);
        let draining = self.served.draining.clone();
        let waiting = (waiting, self.served.counts.waiting());
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
    async fn run(mut self, changes: Option<Changes>, to: &mpsc::Sender<Bytes>) -> Option<()> {
        let mut changes = match changes {
            Some(changes) => changes,
            None => self.replay(to).await?,
        };
        loop {
            let next = changes.next().await;
            self.follow(&mut changes, next, to).await?;
        }
    }

    /// Tells what happened up to the beginning, in turn with other waits. Gives what follows.
    async fn replay(&mut self, to: &mpsc::Sender<Bytes>) -> Option<Changes> {
        let _place = self.served.replays.place(self.client).await?;
        timeout(REPLAY_MAX, self.catch_up(to)).await.ok().flatten()
    }

    /// Tells what happened up to the beginning.
    async fn catch_up(&mut self, to: &mpsc::Sender<Bytes>) -> Option<Changes> {
        let opened = self.served.upkeep.etcd().changes(&self.range, self.next).await;
        let mut changes = match opened {
            Ok(changes) => changes,
            Err(error) => self.reopen(&error).await?,
        };
        while self.next <= self.began
            && let Ok(next) = timeout(REPLAY_QUIET, changes.next()).await
        {
            self.follow(&mut changes, next, to).await?;
        }
        Some(changes)
    }

    /// Tells of some changes, or follows others where these ended.
    async fn follow(
        &mut self,
        changes: &mut Changes,
        next: Result<Vec<Changed>, Error>,
        to: &mpsc::Sender<Bytes>,
    ) -> Option<()> {
        match next {
            Ok(batch) => self.tell(batch, to).await?,
            Err(error) => *changes = self.reopen(&error).await?,
        }
        Some(())
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
    async fn events(&mut self, revision: i64, mut changes: Vec<Changed>) -> Vec<Arc<Told>> {
        // The range reaches from the first zone to the last: what lies between is nobody's.
        changes.retain(|change| self.served.scope().has(&change.pair.key));
        let Some(first) = changes.first() else { return Vec::new() };
        // A revision that comes in parts is told from memory once.
        if revision == self.own {
            return Vec::new();
        }
        let most = if self.stream { usize::MAX } else { 1 };
        let is_meant = |path: &NodePath, takes_all| self.is_meant(path, takes_all);
        let Some(own) = self.served.memory.recall(revision, &first.pair.key).await else {
            return told(&self.served.fates, &changes, is_meant, most).await;
        };
        let is_told = !own.is_quiet && is_meant(&own.path, own.takes_all);
        self.own = revision;
        if is_told { vec![own] } else { Vec::new() }
    }

    /// Whether an event of a node is waited for: one of the node, of what is below it where that
    /// is meant, or of a directory that it went with.
    fn is_meant(&self, path: &NodePath, takes_all: bool) -> bool {
        let is_below = self.recursive && self.path.holds(path);
        let is_seen = is_below && !self.path.hides(path);
        let goes_along = takes_all && path.holds(&self.path);
        (*path == self.path || is_seen || goes_along) && self.served.scope().shows(path)
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
        let waits = waits();
        let [one, other] = [[192, 0, 2, 1], [192, 0, 2, 2]].map(IpAddr::from);
        let enter = |client| waits.enter(client, || ());
        let mut held: Vec<_> = (0..WAITS_PER_CLIENT).map(|_| enter(one).unwrap()).collect();
        assert!(enter(one).is_none() && enter(other).is_some());
        held.pop();
        assert!(enter(one).is_some());
        drop(held);
        assert!(waits.is_empty());
    }
}
