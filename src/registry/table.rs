//! The keys of one zone and what each holds; what changes when a key does.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::{Instance, KeyFault, Layout, Problem, document};

/// One instance that came, went or became another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What was there.
    pub before: Option<Arc<Instance>>,
    /// What is there now.
    pub after: Option<Arc<Instance>>,
}

/// What a reader of the registry learns at once: everything up to `revision`.
#[derive(Debug)]
pub struct Update {
    /// The registry's revision that is now known to be held whole.
    pub revision: i64,
    /// Instances that changed; none when only the revision was confirmed.
    pub changes: Vec<Change>,
}

/// Takes what is learned about the registry, in order.
pub trait Publish: Send {
    /// One update: to be shown whole or not at all.
    fn publish(&mut self, update: Update);
}

/// What one key holds.
#[derive(Debug)]
enum Content {
    /// A usable registration.
    Instance(Arc<Instance>),
    /// One that cannot be used, and why.
    Problem(Box<Problem>),
    /// Not of the form NAME/ID: counted only.
    Stray,
}

/// A key's content and the listing that last saw it.
#[derive(Debug)]
struct Entry {
    /// What it holds.
    content: Content,
    /// The number of the listing, or of the time since, that confirmed it.
    listing: u32,
}

/// Everything below one zone's prefix, by key. One task owns it.
#[derive(Debug)]
pub struct Table {
    /// How keys are read.
    layout: Layout,
    /// What is held, by key.
    entries: HashMap<Box<[u8]>, Entry, foldhash::fast::RandomState>,
    /// How many listings have begun.
    listing: u32,
    /// What the listing under way found different, not yet true.
    staged: Vec<(Box<[u8]>, Content)>,
    /// The keys of which something came while an audit is under way.
    touched: Option<HashSet<Box<[u8]>, foldhash::fast::RandomState>>,
}

/// What an audit found to be different, and set right.
#[derive(Debug, Default)]
pub struct Audited {
    /// How many keys.
    pub differences: usize,
    /// The first few of them.
    pub keys: Vec<Box<[u8]>>,
    /// The instances among them.
    pub changes: Vec<Change>,
}

/// Keys that an audit names: enough for a reader to see whose they are.
const AUDIT_SHOWN: usize = 5;

impl Table {
    /// An empty table.
    #[must_use]
    pub fn new(layout: Layout) -> Self {
        Self { layout, entries: HashMap::default(), listing: 0, staged: Vec::new(), touched: None }
    }

    /// How the table reads keys.
    #[must_use]
    pub const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// A key was put. Nothing changes when it still says the same.
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Option<Change> {
        self.touch(key);
        let Some(content) = self.content(key, value) else { return self.delete(key) };
        if self.entries.get(key).is_some_and(|entry| entry.content.equals(&content)) {
            return None;
        }
        self.set(key.into(), content)
    }

    /// A key was deleted.
    pub fn delete(&mut self, key: &[u8]) -> Option<Change> {
        self.touch(key);
        let before = self.entries.remove(key)?.content.instance();
        Change::between(before, None)
    }

    /// A complete listing begins: what the one before left unfinished is forgotten.
    pub fn begin_listing(&mut self) {
        self.listing += 1;
        self.staged.clear();
        self.touched = None;
    }

    /// Instances that were known before, as a snapshot holds them, are taken for true.
    pub fn seed(&mut self, instances: impl IntoIterator<Item = Arc<Instance>>) -> Vec<Change> {
        let seed = |instance: Arc<Instance>| {
            let key = self.layout.key_of(&instance).into_bytes().into_boxed_slice();
            self.set(key, Content::Instance(instance))
        };
        instances.into_iter().filter_map(seed).collect()
    }

    /// A listing begins that what is held is compared with, while events go on: it sets
    /// right only what no event has touched meanwhile. Its pairs come through
    /// [`Self::list`].
    pub fn begin_audit(&mut self) {
        self.begin_listing();
        self.touched = Some(HashSet::default());
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
            audited.changes.extend(self.set(key, content));
        }
        let listing = self.listing;
        let wrong = self
            .entries
            .extract_if(|key, entry| entry.listing != listing && !touched.contains(key));
        for (key, entry) in wrong {
            audited.note(&key);
            audited.changes.extend(Change::between(entry.content.instance(), None));
        }
        audited
    }

    /// The listing holds this key. What differs is kept aside until it is complete.
    pub fn list(&mut self, key: &[u8], value: &[u8]) {
        let Some(content) = self.content(key, value) else {
            return;
        };
        match self.entries.get_mut(key) {
            Some(entry) if entry.content.equals(&content) => entry.listing = self.listing,
            _ => self.staged.push((key.into(), content)),
        }
    }

    /// The listing is complete: it becomes the truth, and the differences come out.
    pub fn finish_listing(&mut self) -> Vec<Change> {
        let staged = std::mem::take(&mut self.staged);
        let mut changes: Vec<_> =
            staged.into_iter().filter_map(|(key, content)| self.set(key, content)).collect();
        let listing = self.listing;
        let gone = self.entries.extract_if(|_, entry| entry.listing != listing);
        changes
            .extend(gone.filter_map(|(_, entry)| Change::between(entry.content.instance(), None)));
        changes
    }

    /// The keys that cannot be used, in no order. A key outside the grammar stands for
    /// its kind: only its number counts, see [`Self::strays`].
    pub fn problems(&self) -> impl Iterator<Item = (&[u8], &Problem)> {
        self.entries.iter().filter_map(|(key, entry)| match &entry.content {
            Content::Problem(problem) => Some((&**key, &**problem)),
            _ => None,
        })
    }

    /// How many keys stand below the prefix but are not of the form NAME/ID, by their
    /// first segment.
    #[must_use]
    pub fn strays(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        let strays =
            self.entries.iter().filter(|(_, entry)| matches!(entry.content, Content::Stray));
        for (key, _) in strays {
            *counts.entry(self.layout.first_segment(key)).or_default() += 1;
        }
        counts
    }

    /// The instances, in no order, each with its key.
    pub fn instances(&self) -> impl Iterator<Item = (&[u8], &Arc<Instance>)> {
        self.entries.iter().filter_map(|(key, entry)| match &entry.content {
            Content::Instance(instance) => Some((&**key, instance)),
            _ => None,
        })
    }

    /// Something came of a key.
    fn touch(&mut self, key: &[u8]) {
        if let Some(touched) = &mut self.touched
            && !touched.contains(key)
        {
            touched.insert(key.into());
        }
    }

    /// Makes a key hold something.
    fn set(&mut self, key: Box<[u8]>, content: Content) -> Option<Change> {
        if let Content::Problem(problem) = &content {
            report(&key, problem);
        }
        let after = content.instance();
        let entry = Entry { content, listing: self.listing };
        let before = self.entries.insert(key, entry).and_then(|entry| entry.content.instance());
        Change::between(before, after)
    }

    /// What a key and its value say; nothing where the key is none of our business.
    fn content(&self, key: &[u8], value: &[u8]) -> Option<Content> {
        let place = match self.layout.read(key) {
            Ok(place) => place,
            Err(KeyFault::Foreign) => return None,
            Err(KeyFault::Stray { .. }) => return Some(Content::Stray),
            Err(fault) => return Some(Content::Problem(Box::new(fault.into()))),
        };
        Some(match document::read(value) {
            Ok(document) => Content::Instance(Arc::new(document.into_instance(place))),
            Err(fault) => Content::Problem(Box::new(fault.into())),
        })
    }
}

/// One line per unusable key and change of it. etcd's keys may be as long as its requests.
fn report(key: &[u8], problem: &Problem) {
    /// Octets that tell a reader which key is meant.
    const SHOWN: usize = 200;
    let (shown, more) = match key.get(..SHOWN) {
        Some(shown) => (shown, "…"),
        None => (key, ""),
    };
    tracing::warn!(key = %format_args!("{}{more}", shown.escape_ascii()), "registration not served: {problem}");
}

impl Content {
    /// The instance, if it is one.
    fn instance(&self) -> Option<Arc<Instance>> {
        match self {
            Self::Instance(instance) => Some(Arc::clone(instance)),
            _ => None,
        }
    }

    /// Whether two contents say the same.
    fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Instance(one), Self::Instance(other)) => one == other,
            (Self::Problem(one), Self::Problem(other)) => one == other,
            (Self::Stray, Self::Stray) => true,
            _ => false,
        }
    }
}

impl Audited {
    /// Counts a key, and keeps it if it is one of the first.
    fn note(&mut self, key: &[u8]) {
        self.differences += 1;
        if self.keys.len() < AUDIT_SHOWN {
            self.keys.push(key.into());
        }
    }
}

impl Change {
    /// The change from one state to another, if there is any.
    fn between(before: Option<Arc<Instance>>, after: Option<Arc<Instance>>) -> Option<Self> {
        (before != after).then_some(Self { before, after })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn table() -> Table {
        Table::new(Layout::new("/s", None).unwrap())
    }

    fn ids(table: &Table) -> Vec<(Vec<u8>, Instance)> {
        let mut all: Vec<_> =
            table.instances().map(|(key, it)| (key.to_vec(), Instance::clone(it))).collect();
        all.sort_by(|one, other| one.0.cmp(&other.0));
        all
    }

    #[test]
    fn a_bad_value_harms_itself_alone() {
        let mut table = table();
        assert!(table.put(b"/s/web/1", b"10.0.0.1:80").is_some());
        assert!(table.put(b"/s/web/2", b"\xff").is_none());
        assert!(table.put(b"/s/web/2/3", b"10.0.0.1:80").is_none());
        assert_eq!((table.instances().count(), table.problems().count()), (1, 1));
        assert_eq!(table.strays(), BTreeMap::from([("web".to_owned(), 1)]));
        let change = table.put(b"/s/web/1", b"nonsense").unwrap();
        assert!(change.before.is_some() && change.after.is_none());
        assert!(table.delete(b"/s/web/2").is_none());
        assert_eq!(table.problems().count(), 1);
    }

    #[test]
    fn the_same_again_is_no_change() {
        let mut table = table();
        assert!(table.put(b"/s/web/1", b"10.0.0.1:80").is_some());
        assert!(table.put(b"/s/web/1", b"10.0.0.1:80").is_none());
    }

    #[test]
    fn an_unfinished_listing_changes_nothing() {
        let mut table = table();
        table.put(b"/s/web/1", b"10.0.0.1:80");
        table.begin_listing();
        table.list(b"/s/web/2", b"10.0.0.2:80");
        assert_eq!(ids(&table).len(), 1);
        table.begin_listing();
        table.list(b"/s/web/3", b"10.0.0.3:80");
        assert_eq!(table.finish_listing().len(), 2);
        assert_eq!(ids(&table)[0].0, b"/s/web/3");
    }

    /// An audit that lists these pairs.
    fn audit(
        table: &mut Table,
        pairs: &[(&[u8], &[u8])],
        meanwhile: impl FnOnce(&mut Table),
    ) -> Audited {
        table.begin_audit();
        pairs.iter().for_each(|(key, value)| table.list(key, value));
        meanwhile(table);
        table.finish_audit()
    }

    #[test]
    fn an_audit_finds_what_was_missed_and_sets_it_right() {
        let mut table = table();
        table.put(b"/s/web/1", b"10.0.0.1:80");
        table.put(b"/s/web/2", b"10.0.0.2:80");
        table.put(b"/s/web/3", b"10.0.0.3:80");
        let truth: [(&[u8], &[u8]); 3] = [
            (b"/s/web/1", b"10.0.0.1:80"),
            (b"/s/web/2", b"10.0.0.9:80"),
            (b"/s/web/4", b"10.0.0.4:80"),
        ];
        let audited = audit(&mut table, &truth, |_| ());
        assert_eq!((audited.differences, audited.changes.len()), (3, 3));
        assert!(audited.keys.contains(&b"/s/web/3"[..].into()));
        let held: Vec<_> = ids(&table).into_iter().map(|(key, it)| (key, it.location())).collect();
        let wanted =
            truth.map(|(key, value)| (key.to_vec(), String::from_utf8_lossy(value).into()));
        assert_eq!(held, wanted);
        assert_eq!(audit(&mut table, &truth, |_| ()).differences, 0);
    }

    #[test]
    fn an_audit_leaves_alone_what_changes_meanwhile() {
        let mut table = table();
        table.put(b"/s/web/1", b"10.0.0.1:80");
        table.put(b"/s/web/2", b"10.0.0.2:80");
        let listed: [(&[u8], &[u8]); 2] =
            [(b"/s/web/1", b"10.0.0.1:80"), (b"/s/web/3", b"10.0.0.3:80")];
        let audited = audit(&mut table, &listed, |table| {
            // One that came and went since, one that came again just as it was.
            table.put(b"/s/web/3", b"10.0.0.3:80");
            table.delete(b"/s/web/3");
            table.put(b"/s/web/2", b"10.0.0.2:80");
            table.put(b"/s/web/4", b"10.0.0.4:80");
        });
        assert_eq!(audited.differences, 0);
        assert_eq!(ids(&table).len(), 3);
    }

    #[test]
    fn an_audit_that_is_given_up_changes_nothing() {
        let mut table = table();
        table.put(b"/s/web/1", b"10.0.0.1:80");
        table.begin_audit();
        table.list(b"/s/web/2", b"10.0.0.2:80");
        table.put(b"/s/web/3", b"10.0.0.3:80");
        assert_eq!(table.touched(), Some(1));
        table.abandon_audit();
        table.put(b"/s/web/4", b"10.0.0.4:80");
        assert_eq!((table.touched(), table.finish_audit().differences), (None, 0));
        assert_eq!(ids(&table).len(), 3);
    }

    #[test]
    fn a_seeded_table_lists_differences_only() {
        let mut before = table();
        before.put(b"/s/web/1", b"10.0.0.1:80");
        before.put(b"/s/web/2", b"10.0.0.2:80");
        let mut table = table();
        let known: Vec<_> = before.instances().map(|(_, it)| Arc::clone(it)).collect();
        assert_eq!(table.seed(known).len(), 2);
        table.begin_listing();
        table.list(b"/s/web/1", b"10.0.0.1:80");
        table.list(b"/s/web/2", b"10.0.0.7:80");
        assert_eq!(table.finish_listing().len(), 1);
    }

    proptest! {
        /// apply(events) == list(at the end), from whatever was there before.
        #[test]
        fn events_and_listing_agree(
            before in proptest::collection::vec((0u8..9, 0u8..5), 0..20),
            events in proptest::collection::vec((0u8..9, 0u8..5), 0..40),
        ) {
            let key = |n: u8| format!("/s/web/{n}").into_bytes();
            let value = |n: u8| if n == 3 { "bad value".to_owned() } else { format!("10.0.0.{n}:80") };
            let mut followed = table();
            let mut truth = std::collections::BTreeMap::new();
            for (k, v) in &events {
                if *v == 4 {
                    followed.delete(&key(*k));
                    truth.remove(&key(*k));
                } else {
                    followed.put(&key(*k), value(*v).as_bytes());
                    truth.insert(key(*k), value(*v));
                }
            }
            let mut listed = table();
            for (k, v) in &before {
                listed.put(&key(*k), value(*v).as_bytes());
            }
            let mut shown: std::collections::BTreeMap<_, _> =
                listed.instances().map(|(_, it)| (it.id.clone(), Arc::clone(it))).collect();
            listed.begin_listing();
            for (k, v) in &truth {
                listed.list(k, v.as_bytes());
            }
            for change in listed.finish_listing() {
                if let Some(before) = change.before { shown.remove(&before.id); }
                if let Some(after) = change.after { shown.insert(after.id.clone(), after); }
            }
            prop_assert_eq!(ids(&listed), ids(&followed));
            let shown: Vec<_> = shown.into_values().map(|it| Instance::clone(&it)).collect();
            let held: Vec<_> = ids(&listed).into_iter().map(|(_, it)| it).collect();
            prop_assert_eq!(shown, held);
        }
    }
}
