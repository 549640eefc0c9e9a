//! What is remembered of each key: it spares looks at the registry, and is never needed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// Registrations that one server remembers: some 300 octets each, and renewed every five
/// seconds they are 20,000 requests a second, more than it answers.
pub(super) const REGISTRATIONS_MAX: usize = 100_000;
/// How often it is looked for what was not renewed any more; a look walks over all.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// What is remembered, by key.
#[derive(Debug)]
pub(super) struct Ledger {
    /// How long a registration outlives its last renewal.
    ttl: Duration,
    /// The keys. The lock is held for a look, never over an await.
    slots: Mutex<Slots>,
}

/// The keys, and when they were last swept.
#[derive(Debug)]
struct Slots {
    /// What is remembered of each.
    by_key: HashMap<Box<str>, Arc<Slot>>,
    /// When what is over was last forgotten.
    swept: Instant,
}

/// What is remembered of one key.
#[derive(Debug)]
pub(super) struct Slot {
    /// Given to the one request that works on the key.
    turn: Semaphore,
    /// What it left behind.
    held: Mutex<Option<Held>>,
}

/// A registration as it was left in the registry.
#[derive(Debug, Clone)]
pub(super) struct Held {
    /// The document.
    pub(super) value: Box<str>,
    /// The lease on the key.
    pub(super) lease: i64,
    /// The revision at which the key was put.
    pub(super) revision: i64,
    /// When the last renewal began.
    pub(super) begun: Instant,
}

impl Ledger {
    /// An empty one.
    pub(super) fn new(ttl: Duration) -> Self {
        let slots = Slots { by_key: HashMap::new(), swept: Instant::now() };
        Self { ttl, slots: Mutex::new(slots) }
    }

    /// The place of a key; none when there is no room for another.
    pub(super) fn slot(&self, key: &str) -> Option<Arc<Slot>> {
        self.slot_within(key, REGISTRATIONS_MAX)
    }

    /// The same where so many are remembered.
    fn slot_within(&self, key: &str, most: usize) -> Option<Arc<Slot>> {
        let mut slots = self.lock();
        if let Some(slot) = slots.by_key.get(key) {
            return Some(Arc::clone(slot));
        }
        if slots.swept.elapsed() >= SWEEP_EVERY {
            slots.sweep(self.ttl);
        }
        (slots.by_key.len() < most).then(|| {
            let slot = Arc::<Slot>::default();
            slots.by_key.insert(key.into(), Arc::clone(&slot));
            slot
        })
    }

    /// How many registrations were renewed within their TTL. What was not is forgotten.
    pub(super) fn held(&self) -> usize {
        let mut slots = self.lock();
        slots.sweep(self.ttl);
        slots.by_key.values().filter(|slot| slot.is_fresh(self.ttl)).count()
    }

    /// The lock. Nothing that holds it can panic half way, so poison says nothing.
    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slots {
    /// Forgets what was not renewed within the TTL, unless somebody works on it.
    fn sweep(&mut self, ttl: Duration) {
        self.swept = Instant::now();
        self.by_key.retain(|_, slot| Arc::strong_count(slot) > 1 || slot.is_fresh(ttl));
    }
}

impl Slot {
    /// Waits until nobody else works on the key.
    pub(super) async fn turn(&self) -> SemaphorePermit<'_> {
        self.turn.acquire().await.expect("turns are never closed")
    }

    /// What was left behind.
    pub(super) fn held(&self) -> Option<Held> {
        self.lock().clone()
    }

    /// Remembers what is left behind, or that it is not known.
    pub(super) fn keep(&self, held: Option<Held>) {
        *self.lock() = held;
    }

    /// Whether it was renewed within the TTL.
    fn is_fresh(&self, ttl: Duration) -> bool {
        self.lock().as_ref().is_some_and(|held| held.begun.elapsed() < ttl)
    }

    /// The lock. Nothing that holds it can panic half way, so poison says nothing.
    fn lock(&self) -> MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Slot {
    fn default() -> Self {
        Self { turn: Semaphore::new(1), held: Mutex::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The TTL.
    const TTL: Duration = Duration::from_secs(10);

    fn held() -> Option<Held> {
        Some(Held { value: "{}".into(), lease: 1, revision: 1, begun: Instant::now() })
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_renewed_is_forgotten() {
        let ledger = Ledger::new(TTL);
        ledger.slot("a").unwrap().keep(held());
        ledger.slot("b").unwrap().keep(held());
        let busy = ledger.slot("busy").unwrap();
        assert_eq!(ledger.held(), 2);
        tokio::time::advance(TTL / 2).await;
        ledger.slot("a").unwrap().keep(held());
        tokio::time::advance(TTL / 2).await;
        assert_eq!(ledger.held(), 1);
        assert_eq!(ledger.lock().by_key.len(), 2, "somebody works on one");
        drop(busy);
        tokio::time::advance(TTL).await;
        assert_eq!(ledger.held(), 0);
        assert!(ledger.lock().by_key.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn there_is_room_for_so_many() {
        let ledger = Ledger::new(TTL);
        ledger.slot_within("a", 2).unwrap().keep(held());
        ledger.slot_within("b", 2).unwrap().keep(held());
        assert!(ledger.slot_within("c", 2).is_none());
        assert!(ledger.slot_within("a", 2).is_some(), "who is held is renewed");
        tokio::time::advance(TTL).await;
        assert!(ledger.slot_within("c", 2).is_some());
    }
}
