//! The log of changes, in order, for those who follow.
//!
//! ```text
//!   Update ─→ Teller ─→ Publisher ─→ Index          first it is true,
//!                └────→ Events ────→ followers      then it is told
//! ```
//!
//! # Positions
//! [`Zone::changes`](crate::index::Zone::changes) numbers the states of a zone in this
//! process. Whoever has read a generation knows the number of what was read, and is told all
//! that came after it: nothing twice, nothing left out.
//!
//! # Ids
//! A follower that comes back, maybe to another server, names what it has seen last by an
//! [`Id`]: the registry's revision. That means the same to every server, as long as what was
//! shown was what the registry held at that revision. Where it was not, the id has a mark that
//! only the process knows which made it:
//!
//! | when | why the revision alone would not do |
//! | --- | --- |
//! | the collapse guard holds removals | the registry has less than was shown |
//! | changes at a revision that was shown before: an audit's | there are two states of that revision |
//! | before the first list, from a snapshot | it may have held removals, too |
//! | once the registry's history went back | a revision names two states for good |
//! | the zone is read from another registry or prefix than before, or is back after it was gone | the revision may be that of another registry |
//!
//! A watch leaves nothing out: a state is that of every revision up to the next one. A list
//! shows what there is, not what came and went since the state before: revisions between the
//! last that was confirmed and a list's own name no state, although another server may have
//! shown them.
//!
//! Whoever brings an id that is unknown, or older than what is remembered, begins anew.
//!
//! # Bounds
//! Per zone [`REMEMBERED`](log::REMEMBERED) changes are kept; a larger update is not kept at
//! all. Keeping shares the instances with the index, so publishing costs O(changes), and a
//! query nothing.

mod authors;
mod history;
mod id;
mod log;
mod seen;
mod teller;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

use self::log::{Head, Log};
use crate::index::Index;
use crate::lock::Lock;
use crate::registry::{Instance, Publish};

pub use self::authors::{Authors, PendingWrite};
pub use self::history::Happened;
pub use self::id::{Id, IdFault};
pub use self::log::{ChangeBatch, Forgotten};
pub use self::seen::Since;
pub use self::teller::RecordingPublisher;
pub use crate::index::ZoneId;

/// Followers at once: proxies and pages of a site. Each costs the work of telling it.
pub const FOLLOWERS_MAX: usize = 128;
/// Apexes of zones that are remembered to have been told of: more than are ever read at once.
const APEXES_MAX: usize = 10_000;

/// The recent events of every registry zone, and who waits for more.
#[derive(Debug)]
pub struct Events {
    /// What it happened to.
    index: Arc<Index>,
    /// What happened, zone by zone.
    logs: Lock<Logs>,
    /// Wakes followers: the value says nothing.
    news: watch::Sender<()>,
    /// Places of those who follow for as long as they like.
    places: Arc<Semaphore>,
    /// Whose tokens were shown for what was written here.
    authors: Authors,
}

/// The logs of zones, and which apexes were told of.
#[derive(Debug, Default)]
struct Logs {
    /// By zone.
    by_zone: HashMap<ZoneId, Arc<Lock<Log>>>,
    /// The apexes that a zone was ever told of, in wire form.
    apexes: HashSet<Box<[u8]>>,
}

impl Events {
    /// Events of an index's zones, none of which has happened yet.
    #[must_use]
    pub fn new(index: Arc<Index>) -> Self {
        let places = Arc::new(Semaphore::new(FOLLOWERS_MAX));
        let (logs, authors) = (Lock::default(), Authors::default());
        Self { index, logs, news: watch::Sender::new(()), places, authors }
    }

    /// What publishes the updates of a zone that is followed, and then tells of them; nothing
    /// if the zone is gone.
    pub fn telling<P: Publish>(
        self: &Arc<Self>,
        id: ZoneId,
        publisher: P,
    ) -> Option<RecordingPublisher<P>> {
        let zone = Arc::clone(self.index.load().followed(id)?);
        let mut logs = self.logs.lock();
        let is_again = logs.is_again(zone.settings().wire().as_wire());
        let log = Lock::new(Log::new(fastrand::u64(..), is_again));
        logs.by_zone.insert(id, Arc::new(log));
        drop(logs);
        let of = (id, Arc::clone(zone.vitals()));
        Some(RecordingPublisher::new(publisher, Arc::clone(self), of))
    }

    /// Forgets what happened in zones that are gone, and wakes followers, who may follow one.
    pub fn forget_gone(&self) {
        let generation = Arc::clone(&self.index.load());
        self.logs.lock().by_zone.retain(|id, _| generation.followed(*id).is_some());
        self.news.send_replace(());
    }

    /// A place among those who follow, if there is one left.
    #[must_use]
    pub fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// Whose tokens were shown for what was written here.
    #[must_use]
    pub const fn authors(&self) -> &Authors {
        &self.authors
    }

    /// How many follow.
    #[must_use]
    pub fn followers(&self) -> usize {
        FOLLOWERS_MAX - self.places.available_permits()
    }

    /// What wakes whenever something is told.
    #[must_use]
    pub fn news(&self) -> watch::Receiver<()> {
        self.news.subscribe()
    }

    /// The first batch after a state of a zone, and the id of what it makes; none while there
    /// is none.
    ///
    /// # Errors
    /// [`Forgotten`]: more has happened since than is remembered, or the zone is gone.
    pub fn after(
        &self,
        zone: ZoneId,
        state: u64,
    ) -> Result<Option<(Arc<ChangeBatch>, Id)>, Forgotten> {
        self.log(zone).ok_or(Forgotten)?.lock().after(state)
    }

    /// The id of a state of a zone, as of now; none while it was not told of, or not any more.
    #[must_use]
    pub fn id(&self, zone: ZoneId, state: u64) -> Option<Id> {
        self.log(zone)?.lock().id(state)
    }

    /// The state that an id names, if it is one that is known and remembered.
    #[must_use]
    pub fn state(&self, zone: ZoneId, id: &Id) -> Option<u64> {
        self.log(zone)?.lock().state(id)
    }

    /// Whether a zone shows all up to a revision of the registry; waits for that for a while.
    /// What has just been written is then seen by every query.
    pub async fn reached(&self, zone: ZoneId, revision: i64, patience: Duration) -> bool {
        let mut news = self.news();
        let shown = || self.log(zone).map(|log| log.lock().revision());
        let reached = async {
            while shown().is_some_and(|shown| shown < revision) {
                // The sender is ours and lives as long as this.
                let _ = news.changed().await;
            }
        };
        timeout(patience, reached).await.is_ok() && shown().is_some()
    }

    /// Since when instances of a zone are there, in the order of the instances.
    #[must_use]
    pub fn since<'i>(
        &self,
        zone: ZoneId,
        instances: impl IntoIterator<Item = &'i Instance>,
    ) -> Vec<Since> {
        let spots: Vec<_> = instances.into_iter().map(seen::spot).collect();
        match self.log(zone) {
            Some(log) => log.lock().since(&spots),
            None => spots.iter().map(|_| Since::Before(SystemTime::now())).collect(),
        }
    }

    /// Tells of what was published.
    fn tell(&self, zone: ZoneId, batch: ChangeBatch, standing: Head) {
        if let Some(log) = self.log(zone) {
            log.lock().take(batch, standing);
        }
        self.news.send_replace(());
    }

    /// The number of the state that a zone is in, if it is shown.
    fn changes(&self, zone: ZoneId) -> Option<u64> {
        self.index.load().shown(zone).map(|zone| zone.changes())
    }

    /// What happened in a zone, to be locked for a look: a short one, for the mirror waits for
    /// it before it can go on.
    fn log(&self, zone: ZoneId) -> Option<Arc<Lock<Log>>> {
        self.logs.lock().by_zone.get(&zone).cloned()
    }
}

impl Logs {
    /// Whether a zone of an apex was told of before. Of more zones than can be remembered each
    /// is taken for one that was.
    fn is_again(&mut self, apex: &[u8]) -> bool {
        if self.apexes.len() >= APEXES_MAX && !self.apexes.contains(apex) {
            return true;
        }
        !self.apexes.insert(apex.into())
    }
}

#[cfg(test)]
mod tests {
    use hickory_proto::rr::Name;
    use hickory_proto::rr::rdata::SOA;

    use super::*;
    use crate::index::{Publisher, Settings};
    use crate::registry::{Layout, Table, Update};

    /// A zone, what tells of it, and the table that feeds it.
    fn told() -> (Arc<Events>, RecordingPublisher<Publisher>, Table) {
        let name = |text: &str| Name::from_ascii(text).unwrap();
        let soa = SOA::new(name("ns.example."), name("admin.example."), 0, 1, 1, 1, 5);
        let ns = vec![name("ns.example.")];
        let settings = Settings::new(name("z."), (soa, 60), (ns, 60), 5).unwrap();
        let index = Arc::new(Index::new(vec![Arc::new(settings)], true));
        let events = Arc::new(Events::new(Arc::clone(&index)));
        let id = index.load().zones()[0].id();
        let teller = events.telling(id, Publisher::of(index, id)).unwrap();
        (events, teller, Table::new(Layout::default()))
    }

    /// The zone that is told of.
    fn zone(events: &Events) -> ZoneId {
        events.index.load().zones()[0].id()
    }

    /// Publishes that a key was put.
    fn put(
        teller: &mut RecordingPublisher<Publisher>,
        table: &mut Table,
        key: &str,
        revision: i64,
    ) {
        let mut update = Update { revision, ..Update::default() };
        table.put(key.as_bytes(), b"10.0.0.1:80", &mut update);
        teller.publish(update);
    }

    #[test]
    fn what_is_told_can_be_asked_for() {
        let (events, mut teller, mut table) = told();
        put(&mut teller, &mut table, "/services/web/1", 7);
        let read = events.index.load().zones()[0].changes();
        assert_eq!(events.id(zone(&events), read).unwrap().to_string(), "7");
        put(&mut teller, &mut table, "/services/web/2", 9);
        let (batch, id) = events.after(zone(&events), read).unwrap().unwrap();
        let came: Vec<_> =
            batch.changes.iter().map(|it| it.after.as_ref().unwrap().id.as_ref()).collect();
        assert_eq!((came, id.to_string().as_str()), (vec!["2"], "9"));
        assert_eq!(batch.state, events.index.load().zones()[0].changes());
    }

    #[tokio::test]
    async fn a_revision_is_waited_for() {
        let (events, mut teller, mut table) = told();
        put(&mut teller, &mut table, "/services/web/1", 7);
        assert!(events.reached(zone(&events), 7, Duration::ZERO).await);
        assert!(!events.reached(zone(&events), 9, Duration::ZERO).await);
        let waiting = Arc::clone(&events);
        let reached = tokio::spawn(async move {
            waiting.reached(zone(&waiting), 9, Duration::from_secs(60)).await
        });
        put(&mut teller, &mut table, "/services/web/2", 8);
        teller.publish(Update { revision: 9, ..Update::default() });
        assert!(reached.await.unwrap());
    }
}
