//! The pace of serials: those of zones that changed move at most once an interval.
//!
//! A change that comes when nothing moved for so long has its serial in its own generation, and so
//! have all that wait. Else these move together when the interval is over, though nothing else
//! changes: that is one generation more, which shares all but these numbers with the one before. A task that is
//! woken by whoever publishes or reloads sees to it; where nothing changed it publishes nothing.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::index::{Index, Publisher};
use crate::lock::Lock;
use crate::registry::{Publish, Standing, Update};

/// How often it is looked whether a reload made the interval another.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The pace of serials, shared by all zones.
#[derive(Debug, Default)]
pub(super) struct SerialPace {
    /// Woken by whatever may have changed a zone.
    changed: Notify,
    /// The turns.
    turns: Lock<SerialTurns>,
}

/// The times at which serials may move.
#[derive(Debug, Default)]
struct SerialTurns {
    /// The least time from one to the next.
    interval: Duration,
    /// When the last was.
    last: Option<Instant>,
}

/// A publisher that has serials move at that pace.
#[derive(Debug)]
pub(super) struct PacedPublisher {
    publisher: Publisher,
    pace: Arc<SerialPace>,
    /// Whether something was published before.
    has_begun: bool,
}

impl PacedPublisher {
    /// A publisher by whom nothing was published yet.
    pub(super) const fn new(publisher: Publisher, pace: Arc<SerialPace>) -> Self {
        Self { publisher, pace, has_begun: false }
    }
}

impl Publish for PacedPublisher {
    fn publish(&mut self, update: Update) {
        let moves = update.standing == Standing::Exact && update.last_change().is_some();
        if std::mem::replace(&mut self.has_begun, true) && moves && self.pace.take_turn() {
            return self.publisher.publish_minted(&update);
        }
        self.publisher.publish(update);
        self.pace.wake();
    }
}

impl SerialPace {
    /// Something may have changed.
    pub(super) fn wake(&self) {
        self.changed.notify_one();
    }

    /// Another interval from now on.
    pub(super) fn replace(&self, interval: Duration) {
        self.turns.lock().interval = interval;
    }

    /// Moves the serials of an index, for as long as it is polled.
    pub(super) async fn mint(&self, index: &Index) -> Infallible {
        loop {
            self.changed.notified().await;
            while index.has_due_serials() {
                if self.take_turn() {
                    index.mint_serials();
                } else {
                    sleep(self.left().min(LOOK_EVERY)).await;
                }
            }
        }
    }

    /// Takes a turn, if it is time.
    fn take_turn(&self) -> bool {
        let mut turns = self.turns.lock();
        let is_time = turns.left().is_zero();
        if is_time {
            turns.last = Some(Instant::now());
        }
        is_time
    }

    /// How long it is until the next turn.
    fn left(&self) -> Duration {
        self.turns.lock().left()
    }
}

impl SerialTurns {
    /// How long it is until the next.
    fn left(&self) -> Duration {
        self.last.map_or(Duration::ZERO, |last| self.interval.saturating_sub(last.elapsed()))
    }
}

#[cfg(test)]
mod tests {
    use hickory_proto::rr::Name;
    use hickory_proto::rr::rdata::SOA;

    use super::*;
    use crate::index::Settings;
    use crate::registry::{Layout, Table};

    /// A publisher of the only zone of an index.
    fn publisher() -> (Arc<Index>, PacedPublisher) {
        let name = |text: &str| Name::from_ascii(text).unwrap();
        let soa = SOA::new(name("ns.z."), name("admin.z."), 0, 1, 1, 1, 5);
        let settings = Settings::new(name("z."), (soa, 60), (vec![name("ns.z.")], 60), 5).unwrap();
        let index = Arc::new(Index::new(vec![Arc::new(settings)], true));
        let publisher = Publisher::new(Arc::clone(&index), 0);
        (index, PacedPublisher::new(publisher, Arc::default()))
    }

    /// Publishes an update of a revision in which an instance came, or nothing did.
    fn publish(publisher: &mut PacedPublisher, revision: i64, is_change: bool) {
        let mut update = Update { revision, ..Update::default() };
        if is_change {
            let mut table = Table::new(Layout::default());
            table.put(format!("/services/a/{revision}").as_bytes(), b"10.0.0.1", &mut update);
        }
        publisher.publish(update);
    }

    #[tokio::test(start_paused = true)]
    async fn serials_move_at_once_and_then_once_an_interval() {
        let (index, mut publisher) = publisher();
        let pace = Arc::clone(&publisher.pace);
        pace.replace(Duration::from_secs(5));
        let minted = Arc::clone(&index);
        let minting = tokio::spawn(async move { pace.mint(&minted).await });
        let shown = || (index.load().zones()[0].serial(), index.load().number());
        publish(&mut publisher, 3, true);
        assert_eq!(shown(), (3, 1), "the first content has its serial");
        publish(&mut publisher, 4, true);
        assert_eq!(shown(), (4, 2), "so has the first change, in one generation");
        for revision in 5..9 {
            publish(&mut publisher, revision, true);
            sleep(Duration::from_secs(1)).await;
            assert_eq!(shown().0, 4, "within the interval");
        }
        sleep(Duration::from_secs(2)).await;
        assert_eq!(shown(), (8, 7), "though nothing else changed");
        publish(&mut publisher, 20, false);
        sleep(Duration::from_secs(60)).await;
        assert_eq!(shown(), (8, 8), "nothing of the zone changed");
        publish(&mut publisher, 21, true);
        assert_eq!(shown(), (21, 9));
        minting.abort();
    }
}
