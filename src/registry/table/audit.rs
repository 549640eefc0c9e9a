//! Comparing a table with a listing while events go on.

use std::collections::HashSet;

use super::Table;
use crate::registry::Update;

/// Keys that an audit names: enough for a reader to see whose they are.
const SHOWN: usize = 5;

/// Keys that are told apart and not kept in order.
pub(super) type Keys = HashSet<Box<[u8]>, foldhash::fast::RandomState>;

/// The differences that an audit found, and set right.
#[derive(Debug, Default)]
pub struct Audited {
    /// How many keys.
    pub differences: usize,
    /// The first few of them.
    pub keys: Vec<Box<[u8]>>,
    /// What becomes different with them.
    pub update: Update,
}

impl Table {
    /// A listing begins that what is held is compared with, while events go on: it sets
    /// right only what no event has touched meanwhile. Its pairs come through
    /// [`Self::list`].
    pub fn begin_audit(&mut self) {
        self.begin_listing();
        self.touched = Some(Keys::default());
    }

    /// The audit is given up: what it found is forgotten.
    pub fn abandon_audit(&mut self) {
        self.touched = None;
        self.staged = Vec::new();
    }

    /// How many keys were touched since the audit began; none when there is no audit.
    #[must_use]
    pub fn touched(&self) -> Option<usize> {
        self.touched.as_ref().map(HashSet::len)
    }

    /// The audit's listing is complete, and all that happened up to its revision has come:
    /// what differs now is wrong, and is set right.
    pub fn finish_audit(&mut self) -> Audited {
        let Some(touched) = self.touched.take() else { return Audited::default() };
        let mut audited = Audited::default();
        let staged = std::mem::take(&mut self.staged);
        for (key, content) in staged.into_iter().filter(|(key, _)| !touched.contains(key)) {
            audited.note(&key);
            self.settle(key, content, &mut audited.update);
        }
        let listing = self.listing;
        let entries = &mut self.entries;
        let wrong =
            entries.extract_if(|key, entry| entry.listing != listing && !touched.contains(key));
        let wrong: Vec<_> = wrong.collect();
        for (key, entry) in wrong {
            audited.note(&key);
            self.part_with(&key, &entry.content, &mut audited.update);
        }
        audited
    }

    /// Something came of a key.
    pub(super) fn touch(&mut self, key: &[u8]) {
        if let Some(touched) = &mut self.touched
            && !touched.contains(key)
        {
            touched.insert(key.into());
        }
    }
}

impl Audited {
    /// Counts a key, and keeps it if it is one of the first.
    fn note(&mut self, key: &[u8]) {
        self.differences += 1;
        if self.keys.len() < SHOWN {
            self.keys.push(key.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Layout;

    fn table() -> Table {
        Table::new(Layout::new("/s", None).unwrap())
    }

    fn put(table: &mut Table, key: &str, value: &str) {
        table.put(key.as_bytes(), value.as_bytes(), &mut Update::default());
    }

    /// The keys and locations that are held.
    fn held(table: &Table) -> Vec<(Vec<u8>, String)> {
        let mut all: Vec<_> =
            table.instances().map(|(key, it)| (key.to_vec(), it.location())).collect();
        all.sort_unstable();
        all
    }

    /// An audit that lists these pairs.
    fn audit(
        table: &mut Table,
        pairs: &[(&[u8], &[u8])],
        meanwhile: impl FnOnce(&mut Table),
    ) -> Audited {
        table.begin_audit();
        pairs.iter().for_each(|(key, value)| table.list(key, *value));
        meanwhile(table);
        table.finish_audit()
    }

    #[test]
    fn an_audit_finds_what_was_missed_and_sets_it_right() {
        let mut table = table();
        put(&mut table, "/s/web/1", "10.0.0.1:80");
        put(&mut table, "/s/web/2", "10.0.0.2:80");
        put(&mut table, "/s/web/3", "10.0.0.3:80");
        let truth: [(&[u8], &[u8]); 3] = [
            (b"/s/web/1", b"10.0.0.1:80"),
            (b"/s/web/2", b"10.0.0.9:80"),
            (b"/s/web/4", b"10.0.0.4:80"),
        ];
        let audited = audit(&mut table, &truth, |_| ());
        assert_eq!((audited.differences, audited.update.changes.len()), (3, 3));
        assert!(audited.keys.contains(&b"/s/web/3"[..].into()));
        let held = held(&table);
        let wanted =
            truth.map(|(key, value)| (key.to_vec(), String::from_utf8_lossy(value).into()));
        assert_eq!(held, wanted);
        assert_eq!(audit(&mut table, &truth, |_| ()).differences, 0);
    }

    #[test]
    fn an_audit_leaves_alone_what_changes_meanwhile() {
        let mut table = table();
        put(&mut table, "/s/web/1", "10.0.0.1:80");
        put(&mut table, "/s/web/2", "10.0.0.2:80");
        let listed: [(&[u8], &[u8]); 2] =
            [(b"/s/web/1", b"10.0.0.1:80"), (b"/s/web/3", b"10.0.0.3:80")];
        let audited = audit(&mut table, &listed, |table| {
            // One that came and went since, one that came again just as it was.
            put(table, "/s/web/3", "10.0.0.3:80");
            table.delete(b"/s/web/3", &mut Update::default());
            put(table, "/s/web/2", "10.0.0.2:80");
            put(table, "/s/web/4", "10.0.0.4:80");
        });
        assert_eq!(audited.differences, 0);
        assert_eq!(held(&table).len(), 3);
    }

    #[test]
    fn an_audit_that_is_given_up_changes_nothing() {
        let mut table = table();
        put(&mut table, "/s/web/1", "10.0.0.1:80");
        table.begin_audit();
        table.list(b"/s/web/2", b"10.0.0.2:80");
        put(&mut table, "/s/web/3", "10.0.0.3:80");
        assert_eq!(table.touched(), Some(1));
        table.abandon_audit();
        put(&mut table, "/s/web/4", "10.0.0.4:80");
        assert_eq!((table.touched(), table.finish_audit().differences), (None, 0));
        assert_eq!(held(&table).len(), 3);
    }
}
