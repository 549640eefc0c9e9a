//! The keys of one zone and what each holds; what changes when a key does.

mod audit;
mod clusters;
mod content;
#[cfg(test)]
mod tests;

use std::collections::hash_map::Entry as MapEntry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::skydns::Entry as SkyDnsEntry;
use super::{Alias, Instance, Layout, Problem, Update};

use self::audit::Keys;
use self::clusters::Clusters;
use self::content::{Content, note};

pub use self::audit::Audited;

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
    /// What keys say of the instances beside them.
    clusters: Clusters,
}

impl Table {
    /// An empty table.
    #[must_use]
    pub fn new(layout: Layout) -> Self {
        let (entries, staged) = (HashMap::default(), Vec::new());
        let clusters = Clusters::default();
        Self { layout, entries, listing: 0, staged, touched: None, clusters }
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
            self.part_with(key, &entry.content, update);
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
            let known = self.entries.get(&key).map(|entry| &entry.content);
            self.hold(key, Content::beside(known, instance), update);
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
            self.settle(key, content, update);
        }
        let listing = self.listing;
        let gone: Vec<_> = self.entries.extract_if(|_, entry| entry.listing != listing).collect();
        gone.iter().for_each(|(key, entry)| self.part_with(key, &entry.content, update));
    }

    /// The keys that cannot be used, in no order. A key outside the grammar stands for
    /// its kind: only its number counts, see [`Self::strays`].
    pub fn problems(&self) -> impl Iterator<Item = (&[u8], &Problem)> {
        self.entries.iter().filter_map(|(key, entry)| match &entry.content {
            Content::Problem(problem) => Some((&**key, &**problem)),
            _ => None,
        })
    }

    /// How many keys stand below the prefix but are of no form that is read, by their
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
        self.entries.iter().flat_map(|(key, entry)| {
            entry.content.instances().iter().map(move |instance| (&**key, instance))
        })
    }

    /// The aliases, in no order.
    pub fn aliases(&self) -> impl Iterator<Item = &Arc<Alias>> {
        self.entries.values().filter_map(|entry| entry.content.alias())
    }

    /// The aliases that the listing under way has found so far, in no order.
    pub fn listed_aliases(&self) -> impl Iterator<Item = &Arc<Alias>> {
        let known = self.entries.values().filter(|entry| entry.listing == self.listing);
        let staged = self.staged.iter().map(|(_, content)| content);
        known.map(|entry| &entry.content).chain(staged).filter_map(Content::alias)
    }

    /// The entries of a SkyDNS zone, in no order.
    pub fn entries(&self) -> impl Iterator<Item = &Arc<SkyDnsEntry>> {
        self.entries.values().filter_map(|entry| entry.content.entry())
    }

    /// Makes a key hold something, and those beside it what that says of them.
    fn set(&mut self, key: Box<[u8]>, content: Content, update: &mut Update) {
        let after = content.mark().is_some().then(|| content.clone());
        let before = self.hold(key, content, update);
        self.follow([before.as_ref(), after.as_ref()], update);
    }

    /// The same of what was kept aside: others may say something else of it by now.
    fn settle(&mut self, key: Box<[u8]>, content: Content, update: &mut Update) {
        let content = self.clusters.with_roles(&self.layout, content);
        self.set(key, content, update);
    }

    /// A key is gone, and what it said of those beside it.
    fn part_with(&mut self, key: &[u8], content: &Content, update: &mut Update) {
        note(&self.layout, key, [Some(content), None], update);
        self.follow([Some(content), None], update);
    }

    /// Makes a key hold something. Gives what it held.
    fn hold(&mut self, key: Box<[u8]>, content: Content, update: &mut Update) -> Option<Content> {
        let after = content.clone();
        let entry = KeyState { content, listing: self.listing };
        match self.entries.entry(key) {
            MapEntry::Occupied(mut place) => {
                let before = place.insert(entry).content;
                note(&self.layout, place.key(), [Some(&before), Some(&after)], update);
                Some(before)
            }
            MapEntry::Vacant(place) => {
                let place = place.insert_entry(entry);
                note(&self.layout, place.key(), [None, Some(&after)], update);
                None
            }
        }
    }

    /// What a key and its value say, together with what others say of it.
    fn content(&self, key: &[u8], stored: Stored<'_>) -> Option<Content> {
        Some(self.clusters.with_roles(&self.layout, Content::read(&self.layout, key, stored)?))
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
