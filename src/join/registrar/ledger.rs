//! The ledger of keys: it spares reads of the registry, and is never needed.

use std::collections::HashMap;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::lock::Lock;

/// Registrations that one server remembers: some 300 octets each, and renewed every five
/// seconds they are 20,000 requests a second, more than it answers.
pub(super) const REGISTRATIONS_MAX: usize = 100_000;
/// How often it is looked for what was not renewed any more; a look walks over all.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// The ledger, by key.
#[derive(Debug)]
pub(super) struct Ledger {
    /// How long a registration outlives its last renewal.
    ttl: Duration,
    /// The keys. The lock is held for a look, never over an await.
    slots: Lock<Slots>,
}

/// The keys, and when they were last swept.
#[derive(Debug)]
struct Slots {
    /// What is remembered of each.
    by_key: HashMap<Box<str>, Arc<LedgerSlot>>,
    /// When what is over was last forgotten.
    swept: Instant,
}

/// The entry of one key.
#[derive(Debug)]
pub(super) struct LedgerSlot {
    /// Given to the one request that works on the key.
    turn: Semaphore,
    /// What it left behind.
    held: Lock<Option<LedgerEntry>>,
}

/// A registration as it was left in the registry.
#[derive(Debug, Clone)]
pub(super) struct LedgerEntry {
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
        Self { ttl, slots: Lock::new(slots) }
    }

    /// The place of a key; none when there is no room for another.
    pub(super) fn slot(&self, key: &str) -> Option<Arc<LedgerSlot>> {
        self.slot_within(key, REGISTRATIONS_MAX, Instant::now())
    }

    /// The same at a moment, where so many are remembered.
    fn slot_within(&self, key: &str, most: usize, now: Instant) -> Option<Arc<LedgerSlot>> {
        let mut slots = self.lock();
        if let Some(slot) = slots.by_key.get(key) {
            return Some(Arc::clone(slot));
        }
        if now.saturating_duration_since(slots.swept) >= SWEEP_EVERY {
            slots.sweep(self.ttl, now);
        }
        (slots.by_key.len() < most).then(|| {
            let slot = Arc::<LedgerSlot>::default();
            slots.by_key.insert(key.into(), Arc::clone(&slot));
            slot
        })
    }

    /// How many registrations were renewed within their TTL. What was not is forgotten.
    pub(super) fn held(&self) -> usize {
        self.held_at(Instant::now())
    }

    /// The same at a moment.
    fn held_at(&self, now: Instant) -> usize {
        let mut slots = self.lock();
        slots.sweep(self.ttl, now);
        slots.by_key.values().filter(|slot| slot.is_fresh(self.ttl, now)).count()
    }

    /// The lock. Nothing that holds it can panic half way, so poison says nothing.
    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock()
    }
}

impl Slots {
    /// Forgets what was not renewed within the TTL, unless somebody works on it.
    fn sweep(&mut self, ttl: Duration, now: Instant) {
        self.swept = now;
        self.by_key.retain(|_, slot| Arc::strong_count(slot) > 1 || slot.is_fresh(ttl, now));
    }
}

impl LedgerSlot {
    /// Waits until nobody else works on the key.
    pub(super) async fn turn(&self) -> SemaphorePermit<'_> {
        self.turn.acquire().await.expect("turns are never closed")
    }

    /// What was left behind.
    pub(super) fn held(&self) -> Option<LedgerEntry> {
        self.lock().clone()
    }

    /// Remembers what is left behind, or that it is not known.
    pub(super) fn keep(&self, held: Option<LedgerEntry>) {
        *self.lock() = held;
    }

    /// Whether it was renewed within the TTL.
    fn is_fresh(&self, ttl: Duration, now: Instant) -> bool {
        let age = |held: &LedgerEntry| now.saturating_duration_since(held.begun);
        self.lock().as_ref().is_some_and(|held| age(held) < ttl)
    }

    /// The lock. Nothing that holds it can panic half way, so poison says nothing.
    fn lock(&self) -> MutexGuard<'_, Option<LedgerEntry>> {
        self.held.lock()
    }
}

impl Default for LedgerSlot {
    fn default() -> Self {
        Self { turn: Semaphore::new(1), held: Lock::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The TTL.
    const TTL: Duration = Duration::from_secs(10);

    fn held(begun: Instant) -> Option<LedgerEntry> {
        Some(LedgerEntry { value: "{}".into(), lease: 1, revision: 1, begun })
    }

    #[test]
    fn what_is_not_renewed_is_forgotten() {
        let (ledger, begun) = (Ledger::new(TTL), Instant::now());
        ledger.slot("a").unwrap().keep(held(begun));
        ledger.slot("b").unwrap().keep(held(begun));
        let busy = ledger.slot("busy").unwrap();
        assert_eq!(ledger.held_at(begun), 2);
        ledger.slot("a").unwrap().keep(held(begun + TTL / 2));
        assert_eq!(ledger.held_at(begun + TTL), 1);
        assert_eq!(ledger.lock().by_key.len(), 2, "somebody works on one");
        drop(busy);
        assert_eq!(ledger.held_at(begun + TTL * 2), 0);
        assert!(ledger.lock().by_key.is_empty());
    }

    #[test]
    fn there_is_room_for_so_many() {
        let (ledger, begun) = (Ledger::new(TTL), Instant::now());
        let slot = |key, now| ledger.slot_within(key, 2, now);
        slot("a", begun).unwrap().keep(held(begun));
        slot("b", begun).unwrap().keep(held(begun));
        assert!(slot("c", begun + TTL / 2).is_none());
        assert!(slot("a", begun + TTL / 2).is_some(), "who is held is renewed");
        assert!(slot("c", begun + TTL).is_some());
    }
}
