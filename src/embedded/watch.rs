//! The service of watches. A stream is a [`WatchStream`]: it makes its next message when
//! the connection asks for one, so a client that does not read makes nothing grow.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use etcd_client::proto::{
    PbEvent, PbWatchRequest, PbWatchRequestUnion, PbWatchResponse, PbWatchService,
};
use futures_util::stream::unfold;
use futures_util::{FutureExt, Stream, StreamExt};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Interval as Clock, MissedTickBehavior, interval};
use tonic::{Request, Response, Status, Streaming};

use super::interval::Interval;
use super::limits::{CATCH_UP_REVISIONS, KEY_BYTES, PROGRESS_INTERVAL, WATCHES_PER_STREAM};
use super::registry::{Answers, Registry, RpcResult};
use super::watcher::Watcher;

/// The watch id of what belongs to no watch: a refusal, and requested progress.
const NO_WATCH: i64 = -1;

/// The service of watches.
pub(super) struct Watches(pub(super) Arc<Registry>);

#[tonic::async_trait]
impl PbWatchService for Watches {
    type WatchStream = Answers<PbWatchResponse>;

    async fn watch(
        &self,
        request: Request<Streaming<PbWatchRequest>>,
    ) -> RpcResult<Self::WatchStream> {
        follow(Arc::clone(&self.0), request.into_inner()).map(Response::new)
    }
}

/// The messages of a stream that some requests make.
pub(super) fn follow(
    registry: Arc<Registry>,
    requests: impl Stream<Item = Result<PbWatchRequest, Status>> + Send + 'static,
) -> Result<Answers<PbWatchResponse>, Status> {
    let place = registry.admit_stream()?;
    let stream = WatchStream::new(registry, Box::pin(requests), place);
    Ok(Box::pin(unfold(Some(stream), |stream| async {
        let mut stream = stream?;
        match stream.next().await {
            Ok(message) => Some((Ok(message), Some(stream))),
            Err(End::Quiet) => None,
            Err(End::Failed(status)) => Some((Err(status), None)),
        }
    })))
}

/// The end of a stream.
enum End {
    /// The client is done, or the registry shuts down.
    Quiet,
    /// The client sent something that cannot be read, or its connection broke.
    Failed(Status),
}

/// One stream with its watches.
struct WatchStream {
    /// The store.
    registry: Arc<Registry>,
    /// What the client asks.
    requests: Answers<PbWatchRequest>,
    /// The newest revision, and a wait for the next.
    revisions: watch::Receiver<i64>,
    /// The watches by id.
    watches: BTreeMap<i64, Watcher>,
    /// The watch that had its turn last.
    last_turn: i64,
    /// The next id for a watch that brings none.
    next_id: i64,
    /// Messages that are ready: what one turn or one request made.
    outbox: VecDeque<PbWatchResponse>,
    /// Whether the client waits for the progress it asked for.
    progress_asked: bool,
    /// When quiet watches are told the revision.
    clock: Clock,
    /// The stream's place, given back when it ends.
    _place: OwnedSemaphorePermit,
}

impl WatchStream {
    /// A stream without watches.
    fn new(
        registry: Arc<Registry>,
        requests: Answers<PbWatchRequest>,
        place: OwnedSemaphorePermit,
    ) -> Self {
        let mut clock = interval(PROGRESS_INTERVAL);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            revisions: registry.revisions(),
            registry,
            requests,
            watches: BTreeMap::new(),
            last_turn: 0,
            next_id: 0,
            outbox: VecDeque::new(),
            progress_asked: false,
            clock,
            _place: place,
        }
    }

    /// The next message. Requests are looked at between any two turns of the watches,
    /// so neither can starve the other; progress is told when nobody is behind.
    async fn next(&mut self) -> Result<PbWatchResponse, End> {
        loop {
            if let Some(message) = self.outbox.pop_front() {
                return Ok(message);
            }
            self.handle_waiting_request()?;
            tokio::task::consume_budget().await;
            let reached = *self.revisions.borrow_and_update();
            match self.next_behind(reached) {
                Some(id) => self.advance(id),
                None if self.progress_asked => self.tell_progress(reached),
                None if self.outbox.is_empty() => self.wait(reached).await?,
                None => {}
            }
        }
    }

    /// Waits until there is something to do. Nobody is behind `reached`.
    async fn wait(&mut self, reached: i64) -> Result<(), End> {
        let watched_closely = self.watches.values().any(|watcher| watcher.progress_notify);
        tokio::select! {
            () = self.registry.closing.cancelled() => Err(End::Quiet),
            request = self.requests.next() => self.handle(request.transpose()),
            _ = self.revisions.changed() => Ok(()),
            _ = self.clock.tick(), if watched_closely => {
                self.tell_quiet_watches(reached);
                Ok(())
            }
        }
    }

    /// Handles a request if one has come.
    fn handle_waiting_request(&mut self) -> Result<(), End> {
        if self.registry.closing.is_cancelled() {
            return Err(End::Quiet);
        }
        let request = self.requests.next().now_or_never();
        request.map_or(Ok(()), |request| self.handle(request.transpose()))
    }

    /// Handles a request, or the end of them. One that asks for nothing is ignored.
    fn handle(&mut self, request: Result<Option<PbWatchRequest>, Status>) -> Result<(), End> {
        let request = request.map_err(End::Failed)?.ok_or(End::Quiet)?;
        match request.request_union {
            Some(PbWatchRequestUnion::CreateRequest(create)) => {
                let watcher = Watcher {
                    interval: interval_of(&create.key, &create.range_end),
                    next: create.start_revision,
                    prev_kv: create.prev_kv,
                    fragment: create.fragment,
                    filters: create.filters,
                    progress_notify: create.progress_notify,
                    quiet: false,
                };
                let bytes = create.key.len().max(create.range_end.len());
                self.create(create.watch_id, watcher, bytes);
            }
            Some(PbWatchRequestUnion::CancelRequest(cancel)) => self.cancel(cancel.watch_id),
            Some(PbWatchRequestUnion::ProgressRequest(_)) => self.progress_asked = true,
            None => {}
        }
        Ok(())
    }

    /// Adds a watch, or says why not. As in etcd a refusal is a watch that is created
    /// and cancelled, and so is one that begins in the compacted past.
    fn create(&mut self, wanted_id: i64, mut watcher: Watcher, bytes: usize) {
        let revision = self.registry.read(|store| store.revision());
        let created = PbWatchResponse { created: true, ..self.message(NO_WATCH, revision) };
        if let Some(reason) = self.refuse(wanted_id, &watcher, bytes) {
            let cancel_reason = reason.to_owned();
            self.outbox.push_back(PbWatchResponse { canceled: true, cancel_reason, ..created });
            return;
        }
        let id = if wanted_id == 0 { self.fresh_id() } else { wanted_id };
        self.outbox.push_back(PbWatchResponse { watch_id: id, ..created });
        let compacted = self.registry.read(|store| store.history().compacted());
        if watcher.next <= 0 {
            watcher.next = revision + 1;
        }
        if watcher.next < compacted {
            self.tell_compacted(id);
        } else {
            self.watches.insert(id, watcher);
        }
    }

    /// Why a watch cannot be added.
    fn refuse(&self, id: i64, watcher: &Watcher, bytes: usize) -> Option<&'static str> {
        if self.watches.len() >= WATCHES_PER_STREAM {
            return Some("the embedded registry takes no further watches in this stream");
        }
        if bytes > KEY_BYTES {
            return Some("the embedded registry takes no keys of this length");
        }
        if watcher.interval.is_empty() {
            return Some("mvcc: watcher range is empty");
        }
        if id < 0 {
            return Some("the embedded registry takes no negative watch ids");
        }
        let taken = id != 0 && self.watches.contains_key(&id);
        taken.then_some("mvcc: duplicate watch ID provided on the WatchStream")
    }

    /// An id that no watch of this stream has.
    fn fresh_id(&mut self) -> i64 {
        while self.watches.contains_key(&self.next_id) {
            self.next_id += 1;
        }
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// Removes a watch; one that is not there is not worth a message.
    fn cancel(&mut self, id: i64) {
        if self.watches.remove(&id).is_none() {
            return;
        }
        let message = self.message(id, *self.revisions.borrow());
        self.outbox.push_back(PbWatchResponse { canceled: true, ..message });
    }

    /// A watch that has not come as far as `reached`. They take turns, so that a busy
    /// one does not keep the others waiting.
    fn next_behind(&self, reached: i64) -> Option<i64> {
        let after = (Bound::Excluded(self.last_turn), Bound::Unbounded);
        let later = self.watches.range(after);
        let mut turns = later.chain(self.watches.range(..=self.last_turn));
        turns.find(|(_, watcher)| watcher.next <= reached).map(|(id, _)| *id)
    }

    /// Hands out the next revisions to one watch.
    fn advance(&mut self, id: i64) {
        self.last_turn = id;
        let Some(watcher) = self.watches.get_mut(&id) else {
            return;
        };
        let next = watcher.next;
        let found = self.registry.read(|store| store.history().since(next, CATCH_UP_REVISIONS));
        let Some(generations) = found else {
            self.watches.remove(&id);
            return self.tell_compacted(id);
        };
        let events = watcher.take(&generations);
        if events.is_empty() {
            return;
        }
        watcher.quiet = false;
        let complete = watcher.next - 1;
        let parts = watcher.split(events);
        self.tell_events(id, complete, parts);
    }

    /// Hands out events; all parts but the last are marked as fragments.
    fn tell_events(&mut self, id: i64, complete: i64, parts: Vec<Vec<PbEvent>>) {
        let last = parts.len().saturating_sub(1);
        for (i, events) in parts.into_iter().enumerate() {
            let message = self.message(id, complete);
            self.outbox.push_back(PbWatchResponse { events, fragment: i < last, ..message });
        }
    }

    /// Says that a watch wants revisions that are gone.
    fn tell_compacted(&mut self, id: i64) {
        let compact_revision = self.registry.read(|store| store.history().compacted());
        let cancel_reason = "etcdserver: mvcc: required revision has been compacted".to_owned();
        let message = self.message(id, *self.revisions.borrow());
        self.outbox.push_back(PbWatchResponse {
            canceled: true,
            compact_revision,
            cancel_reason,
            ..message
        });
    }

    /// Answers a request for progress: every event up to `reached` has been handed out.
    fn tell_progress(&mut self, reached: i64) {
        self.progress_asked = false;
        self.outbox.push_back(self.message(NO_WATCH, reached));
    }

    /// Tells the revision to the watches that want to know and saw nothing lately.
    fn tell_quiet_watches(&mut self, reached: i64) {
        let watches = self.watches.iter_mut().filter(|(_, watcher)| watcher.progress_notify);
        let quiet = watches
            .filter_map(|(id, watcher)| std::mem::replace(&mut watcher.quiet, true).then_some(*id));
        let quiet: Vec<_> = quiet.collect();
        self.outbox.extend(quiet.into_iter().map(|id| PbWatchResponse {
            watch_id: id,
            header: self.registry.header(reached),
            ..Default::default()
        }));
    }

    /// A message of one watch that tells a revision.
    fn message(&self, watch_id: i64, revision: i64) -> PbWatchResponse {
        PbWatchResponse { watch_id, header: self.registry.header(revision), ..Default::default() }
    }
}

/// The keys to watch; as in etcd, no key means to begin with the first there may be.
fn interval_of(key: &[u8], range_end: &[u8]) -> Interval {
    let key = if key.is_empty() { &[0] } else { key };
    Interval::new(key, range_end)
}
