//! A guard with a table before it, a publisher behind it and a clock that is set by hand.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::mirror::Waits;
use crate::registry::Instance;

/// A publisher's state by key: it accepts only changes of what it shows.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// The instances.
    pub(super) instances: BTreeMap<String, Arc<Instance>>,
    /// The aliases by name.
    pub(super) aliases: BTreeMap<String, Arc<Alias>>,
    /// The updates that came, by their revisions.
    pub(super) revisions: Vec<i64>,
}

impl Publish for Shown {
    fn publish(&mut self, update: Update) {
        self.revisions.push(update.revision);
        for AliasChange { before, after } in update.aliases {
            let name = before.as_ref().or(after.as_ref()).unwrap().name.to_string();
            assert_eq!(self.aliases.get(&name), before.as_ref(), "{name}");
            match after {
                Some(after) => self.aliases.insert(name, after),
                None => self.aliases.remove(&name),
            };
        }
        for Change { before, after } in update.changes {
            let key = key(before.as_ref().or(after.as_ref()).unwrap());
            assert_eq!(self.instances.get(&key), before.as_ref(), "{key}");
            match after {
                Some(after) => self.instances.insert(key, after),
                None => self.instances.remove(&key),
            };
        }
    }
}

/// An instance's key.
pub(super) fn key(instance: &Arc<Instance>) -> String {
    format!("/s/{}/{}", instance.name, instance.id)
}

/// A guard, the table before it, and a clock.
pub(super) struct Rig {
    pub(super) guard: Guard<Shown>,
    pub(super) table: Table,
    pub(super) now: Instant,
    pub(super) revision: i64,
    pub(super) vitals: Arc<Vitals>,
}

/// Removals are held for so long.
pub(super) fn patient(hold_collapse: Duration) -> Arc<Patience> {
    Arc::new(Patience::new(Waits { hold_collapse, ..Waits::default() }))
}

impl Rig {
    /// A zone of so many instances, listed long ago.
    pub(super) fn of(instances: usize, grace: Duration) -> Self {
        let vitals = Arc::new(Vitals::default());
        let guard =
            Guard::new(Shown::default(), "z".to_owned(), patient(grace), Arc::clone(&vitals));
        let table = Table::new(Layout::new("/s", None).unwrap());
        let mut rig = Self { guard, table, now: Instant::now(), revision: 0, vitals };
        let mut update = Update::default();
        (0..instances).for_each(|n| rig.table.put(&id(n), b"10.0.0.1:80", &mut update));
        rig.publish(update);
        rig
    }

    pub(super) fn publish(&mut self, update: Update) {
        self.revision += 1;
        self.guard.publish_at(Update { revision: self.revision, ..update }, self.now);
    }

    /// Instances go, each in an update of its own.
    pub(super) fn delete(&mut self, numbers: std::ops::Range<usize>) {
        for n in numbers {
            self.delete_at_once(n..n + 1);
        }
    }

    /// Instances go, all in one update.
    pub(super) fn delete_at_once(&mut self, numbers: std::ops::Range<usize>) {
        let mut update = Update::default();
        numbers.for_each(|n| self.table.delete(&id(n), &mut update));
        self.publish(update);
    }

    pub(super) fn put(&mut self, n: usize, value: &str) {
        let mut update = Update::default();
        self.table.put(&id(n), value.as_bytes(), &mut update);
        self.publish(update);
    }

    /// Time passes, and the guard is looked after when it says so.
    pub(super) fn pass(&mut self, time: Duration) {
        self.now += time;
        self.guard.release_at(self.now);
    }

    pub(super) fn shown(&self) -> usize {
        self.guard.publisher.instances.len()
    }
}

pub(super) fn id(n: usize) -> Vec<u8> {
    format!("/s/web/{n}").into_bytes()
}
