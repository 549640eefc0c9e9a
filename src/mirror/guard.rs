//! The collapse guard: when most of a zone vanishes at once, the removals wait.
//!
//! A registry that was wiped, or whose leases all ended because it was too busy to renew
//! them, tells us that nobody is there while everybody is. Whoever believes it takes the
//! whole zone down; whoever waits half a minute sees the registrations come back. A zone
//! that really was emptied is answered half a minute longer, from instances that clients
//! cannot connect to.
//!
//! # When it holds
//! Within a sliding window of [`WINDOW`], instances that were removed and did not come back
//! are counted. An update by which they become at least [`LEAST`], and more than
//! [`SHARE`] hundredths of the instances there were when the window began, is a collapse:
//! its removals, and all that follow, are held. The first list of a zone is no growth: the
//! zone is taken to have been so before.
//!
//! # Meanwhile
//! Additions and changes go on. A held instance that is registered again is not held any
//! more; it becomes a change, or nothing at all. What is held is shown as it was.
//! Aliases are not counted, but what takes the instances away takes the names that lead to
//! them along: while removals are held, so are those of aliases.
//!
//! # How it ends
//! When all came back; or when the grace period since the first held removal is over: then
//! all are published together, and the window begins anew, so that the same removals start
//! nothing again. It never lasts for ever.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::registry::{Alias, AliasChange, Change, Instance, Publish, Resource, Update, Vitals};

/// How long removals are counted together (contract section 9.5).
const WINDOW: Duration = Duration::from_secs(10);
/// Fewer removals are never a collapse: small zones do come and go.
const LEAST: usize = 20;
/// Removals of more than so many hundredths of the zone are one.
const SHARE: usize = 80;

/// Stands before a publisher and holds removals back in a collapse.
#[derive(Debug)]
pub struct Guard<P> {
    /// Who is told.
    publisher: P,
    /// The zone, for the log.
    zone: String,
    /// How long removals are held; zero turns the guard off.
    grace: Duration,
    /// Where holding is counted.
    vitals: Arc<Vitals>,
    /// How many instances the publisher shows; nothing before its first update.
    shown: Option<usize>,
    /// The revision that was published last.
    revision: i64,
    /// What happened within the window.
    window: Window,
    /// Instances whose removal is held, as they are shown.
    held: HashSet<Spot, foldhash::fast::RandomState>,
    /// Aliases whose removal is held, as they are shown.
    held_aliases: HashMap<AliasPlace, Arc<Alias>>,
    /// Until when; nothing is held while this is none.
    until: Option<Instant>,
}

/// What an alias's key is made of.
type AliasPlace = (Resource, Box<str>, bool);

/// What happened within the window.
#[derive(Debug, Default)]
struct Window {
    /// Instances that were removed and did not come back, and when.
    gone: HashMap<Spot, Instant, foldhash::fast::RandomState>,
    /// The same in the order of time; entries that came back stay until their time.
    order: VecDeque<(Instant, Spot)>,
    /// How many instances were added, and when.
    added: VecDeque<(Instant, usize)>,
}

/// An instance, told from others by its place alone.
#[derive(Debug, Clone)]
struct Spot(Arc<Instance>);

impl Spot {
    /// What its key is made of.
    fn place(&self) -> (&str, &str, bool) {
        (&self.0.name, &self.0.id, self.0.is_rooted)
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

impl<P: Publish> Publish for Guard<P> {
    fn publish(&mut self, update: Update) {
        self.publish_at(update, Instant::now());
    }
}

impl<P: Publish> Guard<P> {
    /// A guard that holds removals for so long; zero holds nothing.
    pub fn new(publisher: P, zone: String, grace: Duration, vitals: Arc<Vitals>) -> Self {
        Self {
            publisher,
            zone,
            grace,
            vitals,
            shown: None,
            revision: 0,
            window: Window::default(),
            held: HashSet::default(),
            held_aliases: HashMap::new(),
            until: None,
        }
    }

    /// The zone, for the log.
    pub(super) fn zone(&self) -> &str {
        &self.zone
    }

    /// Publishes what may be shown at this moment. Problems go through.
    pub fn publish_at(&mut self, mut update: Update, now: Instant) {
        self.revision = update.revision;
        if !self.grace.is_zero() {
            self.release_at(now);
            self.begin_if_collapse(&update.changes, now);
            let changes = std::mem::take(&mut update.changes);
            let is_first = self.shown.is_none();
            let pass = |change| self.pass(change, now);
            update.changes = changes.into_iter().filter_map(pass).collect();
            let aliases = std::mem::take(&mut update.aliases);
            let pass = |change| self.pass_alias(change);
            update.aliases = aliases.into_iter().filter_map(pass).collect();
            if is_first {
                self.shown.get_or_insert_default();
                self.window.added.clear();
            }
            self.end_if_all_came_back();
            self.vitals.held.set(self.held.len() as u64);
        }
        self.publisher.publish(update);
    }

    /// When the guard wants to be looked after, if it does: held removals are to be
    /// published, or a window is over whose instances need not be kept.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        self.until.or_else(|| self.window.order.front().map(|(at, _)| *at + 2 * WINDOW))
    }

    /// Publishes what is held, if it is time, and forgets what is older than the window.
    pub fn release_at(&mut self, now: Instant) {
        self.window.forget(now);
        if self.until.is_none_or(|until| now < until) {
            return;
        }
        let gone = |spot: Spot| Change { before: Some(spot.0), after: None };
        let changes: Vec<_> = self.held.drain().map(gone).collect();
        let gone = |(_, alias)| AliasChange { before: Some(alias), after: None };
        let aliases = self.held_aliases.drain().map(gone).collect();
        self.until = None;
        self.shown = self.shown.map(|shown| shown.saturating_sub(changes.len()));
        self.window = Window::default();
        self.vitals.held.set(0);
        tracing::warn!(
            zone = self.zone,
            removed = changes.len(),
            "the collapse was held for {:?}, its removals are published now",
            self.grace
        );
        let revision = self.revision;
        self.publisher.publish(Update { revision, changes, aliases, ..Update::default() });
    }

    /// Begins to hold if an update takes too much away.
    fn begin_if_collapse(&mut self, changes: &[Change], now: Instant) {
        let removals = changes.iter().filter(|change| change.after.is_none()).count();
        if self.until.is_some() || self.window.gone.len() + removals < LEAST {
            return;
        }
        let (vanished, gone) = self.window.with(changes);
        let before = self.window.at_start(self.shown.unwrap_or_default());
        if vanished == 0 || gone < LEAST || gone * 100 <= before * SHARE {
            return;
        }
        self.until = Some(now + self.grace);
        self.vitals.collapses.add(1);
        tracing::error!(
            zone = self.zone,
            gone,
            of = before,
            "the zone collapses: {gone} of {before} instances were removed within {WINDOW:?}; \
             further removals are held for {:?} (hold-collapse = \"0s\" turns this off)",
            self.grace
        );
    }

    /// What of a change is to be shown.
    fn pass(&mut self, change: Change, now: Instant) -> Option<Change> {
        match (&change.before, &change.after) {
            (Some(before), None) => {
                let spot = Spot(Arc::clone(before));
                if self.until.is_some() {
                    self.held.insert(spot);
                    return None;
                }
                self.count(-1);
                self.window.remove(spot, now);
            }
            (None, Some(after)) => {
                let spot = Spot(Arc::clone(after));
                if let Some(Spot(shown)) = self.held.take(&spot) {
                    let after = change.after.filter(|after| *after != shown)?;
                    return Some(Change { before: Some(shown), after: Some(after) });
                }
                self.count(1);
                self.window.add(&spot, now);
            }
            _ => {}
        }
        Some(change)
    }

    /// What of a change of an alias is to be shown.
    fn pass_alias(&mut self, change: AliasChange) -> Option<AliasChange> {
        let place = |it: &Alias| (it.resource(), it.name.clone(), it.is_rooted);
        match (&change.before, &change.after) {
            (Some(before), None) if self.until.is_some() => {
                self.held_aliases.insert(place(before), Arc::clone(before));
                None
            }
            (None, Some(after)) => match self.held_aliases.remove(&place(after)) {
                Some(shown) if shown == *after => None,
                before => Some(AliasChange { before, ..change }),
            },
            _ => Some(change),
        }
    }

    /// Counts an instance that is shown, or not any more.
    fn count(&mut self, by: isize) {
        self.shown = Some(self.shown.unwrap_or_default().saturating_add_signed(by));
    }

    /// Ends holding when there is nothing left to hold.
    fn end_if_all_came_back(&mut self) {
        if self.until.is_some() && self.held.is_empty() && self.held_aliases.is_empty() {
            self.until = None;
            tracing::info!(zone = self.zone, "all held instances were registered again");
        }
    }
}

impl Window {
    /// Forgets what is older than the window.
    fn forget(&mut self, now: Instant) {
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
    fn remove(&mut self, spot: Spot, now: Instant) {
        self.gone.insert(spot.clone(), now);
        self.order.push_back((now, spot));
    }

    /// An instance came, or came back.
    fn add(&mut self, spot: &Spot, now: Instant) {
        if self.gone.remove(spot).is_some() {
            return;
        }
        match self.added.back_mut().filter(|(at, _)| *at == now) {
            Some((_, count)) => *count += 1,
            None => self.added.push_back((now, 1)),
        }
    }

    /// How many instances there were when the window began, of so many now.
    fn at_start(&self, now: usize) -> usize {
        let added: usize = self.added.iter().map(|(_, count)| count).sum();
        (now + self.gone.len()).saturating_sub(added)
    }

    /// How many instances changes take away, and how many are gone within the window with
    /// them.
    fn with(&self, changes: &[Change]) -> (usize, usize) {
        let mut vanished: HashSet<Spot, foldhash::fast::RandomState> = HashSet::default();
        let mut back: HashSet<Spot, foldhash::fast::RandomState> = HashSet::default();
        for change in changes {
            match (&change.before, &change.after) {
                (Some(before), None) => {
                    let spot = Spot(Arc::clone(before));
                    back.remove(&spot);
                    vanished.insert(spot);
                }
                (None, Some(after)) => {
                    let spot = Spot(Arc::clone(after));
                    if !vanished.remove(&spot) && self.gone.contains_key(&spot) {
                        back.insert(spot);
                    }
                }
                _ => {}
            }
        }
        let again = vanished.iter().filter(|spot| self.gone.contains_key(spot)).count();
        (vanished.len(), self.gone.len() - back.len() + vanished.len() - again)
    }
}

#[cfg(test)]
mod tests;
