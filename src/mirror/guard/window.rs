//! What happened within the guard's sliding window.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::registry::skydns::Entry;
use crate::registry::{Change, EntryChange, Instance, Update};

/// How long removals are counted together (contract section 9.5).
pub(super) const WINDOW: Duration = Duration::from_secs(10);

/// What happened within the window.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// Instances that were removed and did not come back, and when.
    pub(super) gone: HashMap<Spot, Instant, foldhash::fast::RandomState>,
    /// The same in the order of time; entries that came back stay until their time.
    pub(super) order: VecDeque<(Instant, Spot)>,
    /// How many instances were added, and when.
    pub(super) added: VecDeque<(Instant, usize)>,
}

/// An instance or an entry, told from others by its place alone.
#[derive(Debug, Clone)]
pub(super) enum Spot {
    /// An instance.
    Instance(Arc<Instance>),
    /// An entry of a SkyDNS zone.
    Entry(Arc<Entry>),
}

/// What a key is made of.
#[derive(PartialEq, Eq, Hash)]
enum Place<'s> {
    /// An instance's name and id, and whether a slash stands before them.
    Instance(&'s str, &'s str, bool),
    /// The key itself.
    Key(&'s str),
}

/// What is counted: the removal of most of it is a collapse.
pub(super) trait Counted: PartialEq + Sized {
    /// Its place.
    fn spot(of: &Arc<Self>) -> Spot;

    /// What stands at a place of its kind.
    fn of(spot: Spot) -> Option<Arc<Self>>;
}

impl Counted for Instance {
    fn spot(of: &Arc<Self>) -> Spot {
        Spot::Instance(Arc::clone(of))
    }

    fn of(spot: Spot) -> Option<Arc<Self>> {
        match spot {
            Spot::Instance(instance) => Some(instance),
            Spot::Entry(_) => None,
        }
    }
}

impl Counted for Entry {
    fn spot(of: &Arc<Self>) -> Spot {
        Spot::Entry(Arc::clone(of))
    }

    fn of(spot: Spot) -> Option<Arc<Self>> {
        match spot {
            Spot::Entry(entry) => Some(entry),
            Spot::Instance(_) => None,
        }
    }
}

impl Spot {
    /// What its key is made of.
    fn place(&self) -> Place<'_> {
        match self {
            Self::Instance(it) => Place::Instance(&it.name, &it.id, it.is_rooted),
            Self::Entry(it) => Place::Key(&it.key),
        }
    }
}

impl PartialEq for Spot {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl Eq for Spot {}

impl Hash for Spot {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.place().hash(state);
    }
}

/// What was and what is at each place that an update counts.
pub(super) fn ends(update: &Update) -> impl Iterator<Item = [Option<Spot>; 2]> {
    let instances = update.changes.iter().map(ends_of);
    instances.chain(update.entries.iter().map(ends_of))
}

/// What was and what is at the place of a change.
fn ends_of<T: Counted>(change: &Change<T>) -> [Option<Spot>; 2] {
    [&change.before, &change.after].map(|end| end.as_ref().map(T::spot))
}

/// The removals of what stood at places.
pub(super) fn removals(spots: impl Iterator<Item = Spot>) -> (Vec<Change>, Vec<EntryChange>) {
    let (mut instances, mut entries) = (Vec::new(), Vec::new());
    for spot in spots {
        match spot {
            Spot::Instance(it) => instances.push(Change { before: Some(it), after: None }),
            Spot::Entry(it) => entries.push(Change { before: Some(it), after: None }),
        }
    }
    (instances, entries)
}

impl Window {
    /// Forgets what is older than the window.
    pub(super) fn forget(&mut self, now: Instant) {
        let is_old = |at: Instant| now.saturating_duration_since(at) > WINDOW;
        while self.order.front().is_some_and(|(at, _)| is_old(*at)) {
            let Some((at, spot)) = self.order.pop_front() else { break };
            if self.gone.get(&spot) == Some(&at) {
                self.gone.remove(&spot);
            }
        }
        while self.added.front().is_some_and(|(at, _)| is_old(*at)) {
            self.added.pop_front();
        }
    }

    /// An instance was removed.
    pub(super) fn remove(&mut self, spot: Spot, now: Instant) {
        self.gone.insert(spot.clone(), now);
        self.order.push_back((now, spot));
    }

    /// An instance came, or came back.
    pub(super) fn add(&mut self, spot: &Spot, now: Instant) {
        if self.gone.remove(spot).is_some() {
            return;
        }
        match self.added.back_mut().filter(|(at, _)| *at == now) {
            Some((_, count)) => *count += 1,
            None => self.added.push_back((now, 1)),
        }
    }

    /// How many instances there were when the window began, of so many now.
    pub(super) fn at_start(&self, now: usize) -> usize {
        let added: usize = self.added.iter().map(|(_, count)| count).sum();
        (now + self.gone.len()).saturating_sub(added)
    }

    /// How many instances changes take away, and how many are gone within the window with
    /// them.
    pub(super) fn with(&self, changes: impl Iterator<Item = [Option<Spot>; 2]>) -> (usize, usize) {
        let mut vanished: HashSet<Spot, foldhash::fast::RandomState> = HashSet::default();
        let mut back: HashSet<Spot, foldhash::fast::RandomState> = HashSet::default();
        for change in changes {
            match change {
                [Some(spot), None] => {
                    back.remove(&spot);
                    vanished.insert(spot);
                }
                [None, Some(spot)] if !vanished.remove(&spot) && self.gone.contains_key(&spot) => {
                    back.insert(spot);
                }
                _ => {}
            }
        }
        let again = vanished.iter().filter(|spot| self.gone.contains_key(spot)).count();
        (vanished.len(), self.gone.len() - back.len() + vanished.len() - again)
    }
}
