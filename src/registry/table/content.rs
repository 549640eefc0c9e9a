//! The content of one key, and what becomes different when a key holds another.

use std::sync::Arc;

use super::Stored;
use crate::registry::key::is_directory;
use crate::registry::paths::{self, Mark, Said};
use crate::registry::skydns::Entry as SkyDnsEntry;
use crate::registry::{
    Alias, Change, Grammar, Instance, KeyFault, KeyParts, Layout, Problem, ProblemChange,
    StrayChange, Template, Update, document,
};

/// The content of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    /// A usable registration.
    Instance(Arc<Instance>),
    /// Several of them, whose ids differ; rare, and so behind one word.
    Instances(Arc<Vec<Arc<Instance>>>),
    /// A usable alias.
    Alias(Arc<Alias>),
    /// A usable entry of a SkyDNS zone.
    Entry(Arc<SkyDnsEntry>),
    /// Something that cannot be used, and why.
    Problem(Arc<Problem>),
    /// What it says of the instances beside it.
    Mark(Arc<Mark>),
    /// Of no form that is read: counted only.
    Stray,
}

impl Content {
    /// What a key and its value say; nothing where the key is none of our business, or where
    /// the value says that the instance is gone.
    pub(super) fn read(layout: &Layout, key: &[u8], stored: Stored<'_>) -> Option<Self> {
        Self::said(layout, key, stored).map(|content| content.leased(stored.is_leased))
    }

    /// The same where that a key has a lease is said of entries alone.
    fn said(layout: &Layout, key: &[u8], stored: Stored<'_>) -> Option<Self> {
        let Stored { value, is_leased } = stored;
        if is_directory(key, value) {
            return None;
        }
        if let Grammar::Labels(_) = layout.grammar() {
            let read = SkyDnsEntry::read(layout, key, (value, is_leased))?;
            return Some(read.map_or_else(Self::problem_of, |entry| Self::Entry(entry.into())));
        }
        if let Some(template) = layout.template() {
            return Self::by(template, layout, key, value);
        }
        match layout.read(key) {
            Ok(place) => Self::at(layout, place, value),
            Err(fault @ (KeyFault::Foreign | KeyFault::Stray { .. })) => {
                match paths::read(layout, key, value) {
                    Some(reading) => Self::of_reading(reading),
                    None => (fault != KeyFault::Foreign).then_some(Self::Stray),
                }
            }
            Err(fault) => Some(Self::problem_of(fault.into())),
        }
    }

    /// The same of a key that has a lease, or none.
    fn leased(mut self, is_leased: bool) -> Self {
        match &mut self {
            Self::Instance(instance) => Arc::make_mut(instance).is_leased = is_leased,
            Self::Instances(all) => {
                let all = Arc::make_mut(all).iter_mut();
                all.for_each(|it| Arc::make_mut(it).is_leased = is_leased);
            }
            _ => {}
        }
        self
    }

    /// What a key and its value say by a template.
    fn by(template: &Template, layout: &Layout, key: &[u8], value: &[u8]) -> Option<Self> {
        let read = template.read((layout.below_base(key)?, layout.is_rooted(key)), value);
        let of = |read: Result<Instance, Problem>| {
            read.map_or_else(Self::problem_of, |it| Self::Instance(it.into()))
        };
        Some(read.map_or(Self::Stray, of))
    }

    /// What the value at NAME/ID says: an alias is one whatever it is called.
    fn at(layout: &Layout, place: KeyParts<'_>, value: &[u8]) -> Option<Self> {
        if let Some(alias) = Alias::read(place, value) {
            return Some(alias.map_or_else(Self::problem_of, |it| Self::Alias(it.into())));
        }
        if let Some(reading) = paths::beside(layout, place, value) {
            return Self::of_reading(reading);
        }
        match document::read_at(place, value) {
            Ok(instance) => Some(Self::Instance(Arc::new(instance?))),
            Err(fault) => Some(Self::problem_of(fault.into())),
        }
    }

    /// What a writer's key says.
    fn of_reading(reading: paths::Reading) -> Option<Self> {
        match reading {
            Ok(said) => Self::of(said),
            Err(problem) => Some(Self::problem_of(problem)),
        }
    }

    /// What is said of instances.
    fn of(said: Said) -> Option<Self> {
        match said {
            Said::Nothing => None,
            Said::Mark(mark) => Some(Self::Mark(mark.into())),
            Said::Instances(mut instances) if instances.len() < 2 => {
                instances.pop().map(|it| Self::Instance(it.into()))
            }
            Said::Instances(instances) => {
                let all: Vec<_> = instances.into_iter().map(Arc::new).collect();
                Some(Self::Instances(all.into()))
            }
        }
    }

    /// A problem.
    fn problem_of(problem: Problem) -> Self {
        Self::Problem(problem.into())
    }

    /// An instance at a key that may hold others.
    pub(super) fn beside(known: Option<&Self>, instance: Arc<Instance>) -> Self {
        let others = known.map_or(&[][..], Self::instances);
        let mut all: Vec<_> = others.iter().filter(|it| it.id != instance.id).cloned().collect();
        if all.is_empty() {
            return Self::Instance(instance);
        }
        all.push(instance);
        Self::Instances(all.into())
    }

    /// The instances, if it is any.
    pub(super) fn instances(&self) -> &[Arc<Instance>] {
        match self {
            Self::Instance(instance) => std::slice::from_ref(instance),
            Self::Instances(instances) => instances,
            _ => &[],
        }
    }

    /// The alias, if it is one.
    pub(super) const fn alias(&self) -> Option<&Arc<Alias>> {
        match self {
            Self::Alias(alias) => Some(alias),
            _ => None,
        }
    }

    /// The entry, if it is one.
    pub(super) const fn entry(&self) -> Option<&Arc<SkyDnsEntry>> {
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

    /// What it says of others, if it does.
    pub(super) const fn mark(&self) -> Option<&Arc<Mark>> {
        match self {
            Self::Mark(mark) => Some(mark),
            _ => None,
        }
    }
}

// A million of them are held.
const _: () = assert!(size_of::<Content>() == 16);

/// Notes what becomes different when a key holds another content.
pub(super) fn note(layout: &Layout, key: &[u8], of: [Option<&Content>; 2], update: &mut Update) {
    note_instances(of, update);
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

/// Notes the instances that become different, each beside the one that it was.
fn note_instances(of: [Option<&Content>; 2], update: &mut Update) {
    let [before, after] = of.map(|it| it.map_or(&[][..], Content::instances));
    if let ([], [one]) | ([one], []) = (before, after) {
        let [before, after] = [before, after].map(|it| it.first().map(|_| Arc::clone(one)));
        return update.changes.push(Change { before, after });
    }
    // The ids of a key's instances are a handful.
    let gone = before.iter().filter(|it| after.iter().all(|other| other.id != it.id));
    update.changes.extend(gone.map(|it| Change { before: Some(Arc::clone(it)), after: None }));
    for now in after {
        let was = before.iter().find(|it| it.id == now.id);
        if was != Some(now) {
            update.changes.push(Change { before: was.cloned(), after: Some(Arc::clone(now)) });
        }
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
