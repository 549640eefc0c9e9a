//! The keys of one zone and what each holds; what changes when a key does.

use std::collections::{BTreeMap, HashMap};
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
}

impl Table {
    /// An empty table.
    #[must_use]
    pub fn new(layout: Layout) -> Self {
        Self { layout, entries: HashMap::default(), listing: 0, staged: Vec::new() }
    }

    /// How the table reads keys.
    #[must_use]
    pub const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// A key was put. Nothing changes when it still says the same.
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Option<Change> {
        let Some(content) = self.content(key, value) else { return self.delete(key) };
        if self.entries.get(key).is_some_and(|entry| entry.content.equals(&content)) {
            return None;
        }
        self.set(key.into(), content)
    }

    /// A key was deleted.
    pub fn delete(&mut self, key: &[u8]) -> Option<Change> {
        let before = self.entries.remove(key)?.content.instance();
        Change::between(before, None)
    }

    /// A complete listing begins: what the one before left unfinished is forgotten.
    pub fn begin_listing(&mut self) {
        self.listing += 1;
        self.staged.clear();
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

    /// What a key and its value say; nothing where the key is none of our business, or where
    /// the value says that the instance is gone.
    fn content(&self, key: &[u8], value: &[u8]) -> Option<Content> {
        let place = match self.layout.read(key) {
            Ok(place) => place,
            Err(KeyFault::Foreign) => return None,
            Err(KeyFault::Stray { .. }) => return Some(Content::Stray),
            Err(fault) => return Some(Content::Problem(Box::new(fault.into()))),
        };
        Some(match document::read(value) {
            Ok(document) => Content::Instance(Arc::new(document?.into_instance(place))),
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
    fn what_says_that_it_is_gone_is_absent() {
        let (mut table, gone) = (table(), br#"{"Op":1,"Addr":"10.0.0.1:80"}"#);
        assert!(table.put(b"/s/web/1", gone).is_none());
        table.put(b"/s/web/1", b"10.0.0.1:80");
        let change = table.put(b"/s/web/1", gone).unwrap();
        assert!(change.before.is_some() && change.after.is_none());
        table.put(b"/s/web/1", b"10.0.0.1:80");
        table.begin_listing();
        table.list(b"/s/web/1", gone);
        assert_eq!(table.finish_listing().len(), 1);
        assert_eq!((table.instances().count(), table.problems().count()), (0, 0));
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
