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

use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

use self::log::{Head, Log};
use crate::index::{Index, Schema, Zone};
use crate::lock::Lock;
use crate::registry::{Instance, Publish};

pub use self::authors::Authors;
pub use self::history::Happened;
pub use self::id::{Id, IdFault};
pub use self::log::{ChangeBatch, Forgotten};
pub use self::seen::Since;
pub use self::teller::RecordingPublisher;

/// Followers at once: proxies and pages of a site. Each costs the work of telling it.
pub const FOLLOWERS_MAX: usize = 128;

/// The recent events of every registry zone, which are the first of the index, and who
/// waits for more.
#[derive(Debug)]
pub struct Events {
    /// What it happened to.
    index: Arc<Index>,
    /// What happened, by the zones' places in the index.
    logs: Box<[Lock<Log>]>,
    /// Wakes followers: the value says nothing.
    news: watch::Sender<()>,
    /// Places of those who follow for as long as they like.
    places: Arc<Semaphore>,
    /// Whose tokens were shown for what was written here.
    authors: Authors,
}

impl Events {
    /// Events of an index's zones, none of which has happened yet.
    #[must_use]
    pub fn new(index: Arc<Index>) -> Self {
        let process = fastrand::u64(..);
        let generation = Arc::clone(&index.load());
        let of_registry = |zone: &&Arc<Zone>| zone.settings().schema() != Schema::Static;
        let zones = generation.zones().iter().filter(of_registry);
        let logs = zones.map(|_| Lock::new(Log::new(process))).collect();
        let places = Arc::new(Semaphore::new(FOLLOWERS_MAX));
        Self { index, logs, news: watch::Sender::new(()), places, authors: Authors::default() }
    }

    /// What publishes the updates of the zone at a place, and then tells of them.
    pub fn telling<P: Publish>(self: &Arc<Self>, at: usize, publisher: P) -> RecordingPublisher<P> {
        RecordingPublisher::new(publisher, Arc::clone(self), at)
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

    /// The first batch after a state of the zone at a place, and the id of what it makes; none
    /// while there is none.
    ///
    /// # Errors
    /// [`Forgotten`]: more has happened since than is remembered.
    pub fn after(
        &self,
        at: usize,
        state: u64,
    ) -> Result<Option<(Arc<ChangeBatch>, Id)>, Forgotten> {
        self.log(at).after(state)
    }

    /// The id of a state of the zone at a place, as of now; none while it was not told of, or
    /// not any more.
    #[must_use]
    pub fn id(&self, at: usize, state: u64) -> Option<Id> {
        self.log(at).id(state)
    }

    /// The state that an id names, if it is one that is known and remembered.
    #[must_use]
    pub fn state(&self, at: usize, id: &Id) -> Option<u64> {
        self.log(at).state(id)
    }

    /// Whether the zone at a place shows all up to a revision of the registry; waits for that
    /// for a while. What has just been written is then seen by every query.
    pub async fn reached(&self, at: usize, revision: i64, patience: Duration) -> bool {
        let mut news = self.news();
        let reached = async {
            while self.log(at).revision() < revision {
                // The sender is ours and lives as long as this.
                let _ = news.changed().await;
            }
        };
        timeout(patience, reached).await.is_ok()
    }

    /// Since when instances of the zone at a place are there, in the order of the instances.
    #[must_use]
    pub fn since<'i>(
        &self,
        at: usize,
        instances: impl IntoIterator<Item = &'i Instance>,
    ) -> Vec<Since> {
        let spots: Vec<_> = instances.into_iter().map(seen::spot).collect();
        self.log(at).since(&spots)
    }

    /// Tells of what was published.
    fn tell(&self, at: usize, batch: ChangeBatch, standing: Head) {
        self.log(at).take(batch, standing);
        self.news.send_replace(());
    }

    /// What happened in a zone, locked for a look: a short one, for the mirror waits for it
    /// before it can go on.
    fn log(&self, at: usize) -> MutexGuard<'_, Log> {
        self.logs[at].lock()
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
        let teller = events.telling(0, Publisher::new(index, 0));
        (events, teller, Table::new(Layout::default()))
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
        assert_eq!(events.id(0, read).unwrap().to_string(), "7");
        put(&mut teller, &mut table, "/services/web/2", 9);
        let (batch, id) = events.after(0, read).unwrap().unwrap();
        let came: Vec<_> =
            batch.changes.iter().map(|it| it.after.as_ref().unwrap().id.as_ref()).collect();
        assert_eq!((came, id.to_string().as_str()), (vec!["2"], "9"));
        assert_eq!(batch.state, events.index.load().zones()[0].changes());
    }

    #[tokio::test]
    async fn a_revision_is_waited_for() {
        let (events, mut teller, mut table) = told();
        put(&mut teller, &mut table, "/services/web/1", 7);
        assert!(events.reached(0, 7, Duration::ZERO).await);
        assert!(!events.reached(0, 9, Duration::ZERO).await);
        let waiting = Arc::clone(&events);
        let reached =
            tokio::spawn(async move { waiting.reached(0, 9, Duration::from_secs(60)).await });
        put(&mut teller, &mut table, "/services/web/2", 8);
        teller.publish(Update { revision: 9, ..Update::default() });
        assert!(reached.await.unwrap());
    }
}
