//! The keys of one zone and what each holds; what changes when a key does.

mod audit;
#[cfg(test)]
mod tests;

use std::collections::hash_map::Entry as MapEntry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::skydns::Entry as SkyDnsEntry;
use super::{
    Alias, Change, Grammar, Instance, KeyFault, Layout, Problem, ProblemChange, StrayChange,
    Update, document,
};

use self::audit::Keys;

pub use self::audit::Audited;

/// The content of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    /// A usable registration.
    Instance(Arc<Instance>),
    /// A usable alias.
    Alias(Arc<Alias>),
    /// A usable entry of a SkyDNS zone.
    Entry(Arc<SkyDnsEntry>),
    /// Something that cannot be used, and why.
    Problem(Arc<Problem>),
    /// Not of the form NAME/ID: counted only.
    Stray,
}

/// The value at a key in the registry.
#[derive(Debug, Clone, Copy)]
pub struct Stored<'s> {
    /// The value.
    pub value: &'s [u8],
    /// Whether the key has a lease.
    pub is_leased: bool,
}

/// A key's content and the listing that last saw it.
#[derive(Debug)]
struct KeyState {
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
    entries: HashMap<Box<[u8]>, KeyState, foldhash::fast::RandomState>,
    /// How many listings have begun.
    listing: u32,
    /// What the listing under way found different, not yet true.
    staged: Vec<(Box<[u8]>, Content)>,
    /// The keys of which something came while an audit is under way.
    touched: Option<Keys>,
}

impl Table {
    /// An empty table.
    #[must_use]
    pub fn new(layout: Layout) -> Self {
        let (entries, staged) = (HashMap::default(), Vec::new());
        Self { layout, entries, listing: 0, staged, touched: None }
    }

    /// How many keys it holds, usable or not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How the table reads keys.
    #[must_use]
    pub const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// A key was put. Nothing changes when it still says the same.
    pub fn put<'s>(&mut self, key: &[u8], stored: impl Into<Stored<'s>>, update: &mut Update) {
        self.touch(key);
        let Some(content) = self.content(key, stored.into()) else {
            return self.delete(key, update);
        };
        if self.entries.get(key).is_none_or(|entry| entry.content != content) {
            self.set(key.into(), content, update);
        }
    }

    /// A key was deleted.
    pub fn delete(&mut self, key: &[u8], update: &mut Update) {
        self.touch(key);
        if let Some(entry) = self.entries.remove(key) {
            note(&self.layout, key, [Some(&entry.content), None], update);
        }
    }

    /// A complete listing begins: what the one before left unfinished is forgotten.
    pub fn begin_listing(&mut self) {
        self.listing += 1;
        self.staged.clear();
        self.touched = None;
    }

    /// What was known before, as a snapshot holds it, is taken for true.
    pub fn seed(
        &mut self,
        instances: impl IntoIterator<Item = Arc<Instance>>,
        aliases: impl IntoIterator<Item = Arc<Alias>>,
        entries: impl IntoIterator<Item = Arc<SkyDnsEntry>>,
        update: &mut Update,
    ) {
        update.is_listed = true;
        for instance in instances {
            let key = self.layout.key_of(&instance).into_bytes().into_boxed_slice();
            self.set(key, Content::Instance(instance), update);
        }
        for alias in aliases {
            let key = self.layout.key_of_alias(&alias).into_bytes().into_boxed_slice();
            self.set(key, Content::Alias(alias), update);
        }
        for entry in entries {
            self.set(entry.key.as_bytes().into(), Content::Entry(entry), update);
        }
    }

    /// The listing holds this key. What differs is kept aside until it is complete.
    pub fn list<'s>(&mut self, key: &[u8], stored: impl Into<Stored<'s>>) {
        let Some(content) = self.content(key, stored.into()) else {
            return;
        };
        match self.entries.get_mut(key) {
            Some(entry) if entry.content == content => entry.listing = self.listing,
            _ => self.staged.push((key.into(), content)),
        }
    }

    /// The listing is complete: it becomes the truth, and the differences come out.
    pub fn finish_listing(&mut self, update: &mut Update) {
        update.is_listed = true;
        for (key, content) in std::mem::take(&mut self.staged) {
            self.set(key, content, update);
        }
        let Self { layout, entries, listing, .. } = self;
        for (key, entry) in entries.extract_if(|_, entry| entry.listing != *listing) {
            note(layout, &key, [Some(&entry.content), None], update);
        }
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

    /// The aliases, in no order.
    pub fn aliases(&self) -> impl Iterator<Item = &Arc<Alias>> {
        self.entries.values().filter_map(|entry| entry.content.alias())
    }

    /// The entries of a SkyDNS zone, in no order.
    pub fn entries(&self) -> impl Iterator<Item = &Arc<SkyDnsEntry>> {
        self.entries.values().filter_map(|entry| entry.content.entry())
    }

    /// Makes a key hold something.
    fn set(&mut self, key: Box<[u8]>, content: Content, update: &mut Update) {
        let after = content.clone();
        let entry = KeyState { content, listing: self.listing };
        match self.entries.entry(key) {
            MapEntry::Occupied(mut place) => {
                let before = place.insert(entry).content;
                note(&self.layout, place.key(), [Some(&before), Some(&after)], update);
            }
            MapEntry::Vacant(place) => {
                let place = place.insert_entry(entry);
                note(&self.layout, place.key(), [None, Some(&after)], update);
            }
        }
    }

    /// What a key and its value say; nothing where the key is none of our business, or where
    /// the value says that the instance is gone.
    fn content(&self, key: &[u8], Stored { value, is_leased }: Stored<'_>) -> Option<Content> {
        if let Grammar::Labels(_) = self.layout.grammar() {
            let read = SkyDnsEntry::read(&self.layout, key, (value, is_leased))?;
            let read = read.map(|entry| Content::Entry(entry.into()));
            return Some(read.unwrap_or_else(|problem| Content::Problem(problem.into())));
        }
        let place = match self.layout.read(key) {
            Ok(place) => place,
            Err(KeyFault::Foreign) => return None,
            Err(KeyFault::Stray { .. }) => return Some(Content::Stray),
            Err(fault) => return Some(Content::Problem(Arc::new(fault.into()))),
        };
        let read = match Alias::read(place, value) {
            Some(alias) => alias.map(|it| Content::Alias(it.into())),
            None => match document::read_at(place, value) {
                Ok(instance) => Ok(Content::Instance(Arc::new(instance?))),
                Err(fault) => Err(fault.into()),
            },
        };
        Some(read.unwrap_or_else(|problem| Content::Problem(problem.into())))
    }
}

/// Notes what becomes different when a key holds another content.
fn note(layout: &Layout, key: &[u8], of: [Option<&Content>; 2], update: &mut Update) {
    update.changes.extend(change(of, Content::instance));
    update.aliases.extend(change(of, Content::alias));
    update.entries.extend(change(of, Content::entry));
    let [before, after] = of.map(|it| it.and_then(Content::problem).cloned());
    if before != after {
        update.problems.push(ProblemChange { key: key.into(), after });
    }
    let [before, after] = of.map(|it| matches!(it, Some(Content::Stray)));
    if before != after {
        let segment = layout.first_segment(key).into();
        update.strays.push(StrayChange { segment, came: after });
    }
}

/// What becomes different of one kind.
fn change<T: PartialEq>(
    of: [Option<&Content>; 2],
    kind: fn(&Content) -> Option<&Arc<T>>,
) -> Option<Change<T>> {
    let [before, after] = of.map(|it| it.and_then(kind).cloned());
    (before != after).then_some(Change { before, after })
}

impl Content {
    /// The instance, if it is one.
    const fn instance(&self) -> Option<&Arc<Instance>> {
        match self {
            Self::Instance(instance) => Some(instance),
            _ => None,
        }
    }

    /// The alias, if it is one.
    const fn alias(&self) -> Option<&Arc<Alias>> {
        match self {
            Self::Alias(alias) => Some(alias),
            _ => None,
        }
    }

    /// The entry, if it is one.
    const fn entry(&self) -> Option<&Arc<SkyDnsEntry>> {
        match self {
            Self::Entry(entry) => Some(entry),
            _ => None,
        }
    }

    /// The problem, if it is one.
    const fn problem(&self) -> Option<&Arc<Problem>> {
        match self {
            Self::Problem(problem) => Some(problem),
            _ => None,
        }
    }
}

impl<'s> From<&'s [u8]> for Stored<'s> {
    /// A value at a key without a lease.
    fn from(value: &'s [u8]) -> Self {
        Self { value, is_leased: false }
    }
}

impl<'s, const N: usize> From<&'s [u8; N]> for Stored<'s> {
    fn from(value: &'s [u8; N]) -> Self {
        value.as_slice().into()
    }
}
