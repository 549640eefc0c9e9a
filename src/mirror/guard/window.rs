//! The guard's sliding window.

use std::collections::hash_map::Entry as KeyParts;
use std::collections::{HashMap, VecDeque};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::registry::skydns::Entry;
use crate::registry::{Change, EntryChange, Instance, Update};

/// How long removals are counted together (contract section 9.5).
pub(super) const WINDOW: Duration = Duration::from_secs(10);

/// The changes within the window.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// What came or went within it.
    touched: HashMap<Spot, Touched, foldhash::fast::RandomState>,
    /// Each time that something came or went, in the order of time.
    order: VecDeque<(Instant, Spot)>,
    /// How many were there when the window began and are gone now.
    gone: usize,
    /// How many were not there when it began and are now.
    added: usize,
}

/// An instance or entry that came or went within the window.
#[derive(Debug, Clone, Copy)]
struct Touched {
    /// Whether it was there when the window began.
    was_there: bool,
    /// Whether it is there now.
    is_there: bool,
    /// How often it came or went since.
    times: u32,
}

/// An instance or an entry, told from others by its place alone.
#[derive(Debug, Clone)]
pub(super) enum Spot {
    /// An instance.
    Instance(Arc<Instance>),
    /// An entry of a SkyDNS zone.
    Entry(Arc<Entry>),
}

/// The parts of a key.
#[derive(PartialEq, Eq, Hash)]
enum WindowKey<'s> {
    /// An instance's place.
    Instance((&'s str, &'s str, bool)),
    /// The key itself.
    Entry(&'s str),
}

/// Registrations that are counted: the removal of most of them is a collapse.
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
    fn key(&self) -> WindowKey<'_> {
        match self {
            Self::Instance(it) => WindowKey::Instance(it.place()),
            Self::Entry(it) => WindowKey::Entry(&it.key),
        }
    }
}

impl PartialEq for Spot {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Spot {}

impl Hash for Spot {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
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
    /// Forgets what is older than the window: it begins later, and what was there then is
    /// what came until then.
    pub(super) fn forget(&mut self, now: Instant) {
        let is_old = |at: Instant| now.saturating_duration_since(at) > WINDOW;
        while self.order.front().is_some_and(|(at, _)| is_old(*at)) {
            let Some((_, spot)) = self.order.pop_front() else { break };
            self.change(spot, |it| Touched { was_there: !it.was_there, times: it.times - 1, ..it });
        }
    }

    /// Something came, or went.
    pub(super) fn note(&mut self, spot: Spot, is_there: bool, now: Instant) {
        self.order.push_back((now, spot.clone()));
        self.change(spot, |it| Touched { is_there, times: it.times + 1, ..it });
    }

    /// When something came or went first, of what is remembered.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.order.front().map(|(at, _)| *at)
    }

    /// How many there were when the window began, of so many now.
    pub(super) const fn at_start(&self, now: usize) -> usize {
        (now + self.gone).saturating_sub(self.added)
    }

    /// How many are gone of those that were there when the window began.
    pub(super) const fn gone(&self) -> usize {
        self.gone
    }

    /// How many of those that were there when the window began changes take away, and how
    /// many are gone with them.
    pub(super) fn with(&self, changes: impl Iterator<Item = [Option<Spot>; 2]>) -> (usize, usize) {
        let mut then: HashMap<Spot, Touched, foldhash::fast::RandomState> = HashMap::default();
        for [before, after] in changes {
            let (was_there, is_there) = (before.is_some(), after.is_some());
            let Some(spot) = before.or(after) else { continue };
            let known = self.touched.get(&spot).copied();
            let first = known.unwrap_or(Touched { was_there, is_there, times: 0 });
            then.entry(spot).or_insert(first).is_there = is_there;
        }
        let gone_before = |spot: &Spot| self.touched.get(spot).is_some_and(Touched::is_gone);
        let now_gone = then.iter().filter(|(_, it)| it.is_gone());
        let vanished = now_gone.filter(|(spot, _)| !gone_before(spot)).count();
        let back = then.iter().filter(|(spot, it)| !it.is_gone() && gone_before(spot)).count();
        (vanished, self.gone + vanished - back)
    }

    /// Changes what is known of a spot, and keeps the counts right. What did not come or go
    /// within the window is not remembered.
    fn change(&mut self, spot: Spot, to: impl FnOnce(Touched) -> Touched) {
        match self.touched.entry(spot) {
            KeyParts::Occupied(mut known) => {
                let (old, new) = (*known.get(), to(*known.get()));
                self.gone = self.gone + usize::from(new.is_gone()) - usize::from(old.is_gone());
                self.added = self.added + usize::from(new.is_new()) - usize::from(old.is_new());
                if new.times == 0 {
                    known.remove();
                } else {
                    known.insert(new);
                }
            }
            KeyParts::Vacant(unknown) => {
                let new = to(Touched { was_there: false, is_there: false, times: 0 });
                // What comes was away, what goes was there.
                let new = Touched { was_there: !new.is_there, ..new };
                self.gone += usize::from(new.is_gone());
                self.added += usize::from(new.is_new());
                unknown.insert(new);
            }
        }
    }
}

impl Touched {
    /// Whether it was there when the window began, and is gone.
    const fn is_gone(&self) -> bool {
        self.was_there && !self.is_there
    }

    /// Whether it was not there when the window began, and is now.
    const fn is_new(&self) -> bool {
        !self.was_there && self.is_there
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::registry::{Layout, Table};

    /// A place to come and go at.
    fn spot(n: usize) -> Spot {
        let mut update = Update::default();
        let mut table = Table::new(Layout::new("/s", None).unwrap());
        table.put(format!("/s/web/{n}").as_bytes(), b"10.0.0.1:80", &mut update);
        Spot::Instance(update.changes[0].after.clone().unwrap())
    }

    proptest! {
        /// What a window counts is what a list of everything that came and went says, and never
        /// more are gone than there were.
        #[test]
        fn a_window_counts_what_was_there_and_is_gone(
            events in prop::collection::vec((0usize..12, any::<bool>(), 0u64..6_000), 0..80),
        ) {
            let mut window = Window::default();
            let spots: Vec<_> = (0..12).map(spot).collect();
            let (mut there, mut history) = (vec![false; 12], Vec::new());
            let mut now = Instant::now();
            // All that is there at an even number was so before the first event.
            (0..12).step_by(2).for_each(|n| there[n] = true);
            let first = there.clone();
            for (n, update, millis) in events {
                now += Duration::from_millis(millis);
                window.forget(now);
                let shown = there.iter().filter(|it| **it).count();
                let begin = |history: &[(Instant, usize)]| {
                    let mut then = first.clone();
                    let old = history.iter().filter(|(at, _)| now - *at > WINDOW);
                    old.for_each(|(_, n)| then[*n] = !then[*n]);
                    then
                };
                let then = begin(&history);
                let gone = |there: &[bool]| then.iter().zip(there).filter(|(a, b)| **a && !**b).count();
                prop_assert_eq!(window.gone(), gone(&there));
                prop_assert_eq!(window.at_start(shown), then.iter().filter(|it| **it).count());
                // What an update would do is what it does.
                let places = if update { vec![n, (n + 1) % 12, n] } else { vec![n] };
                let mut after = there.clone();
                let change = |n: &usize| {
                    after[*n] = !after[*n];
                    let end = |is_there: bool| is_there.then(|| spots[*n].clone());
                    [end(!after[*n]), end(after[*n])]
                };
                let changes: Vec<_> = places.iter().map(change).collect();
                prop_assert_eq!(window.with(changes.into_iter()).1, gone(&after));
                for n in places {
                    there[n] = !there[n];
                    window.note(spots[n].clone(), there[n], now);
                    history.push((now, n));
                }
                prop_assert_eq!(window.gone(), gone(&there));
            }
            window.forget(now + WINDOW * 2);
            prop_assert_eq!((window.gone(), window.oldest()), (0, None));
        }
    }
}
