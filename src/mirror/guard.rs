//! The collapse guard: when most of a zone vanishes at once, the removals wait.
//!
//! A registry that was wiped, or whose leases all ended because it was too busy to renew
//! them, tells us that nobody is there while everybody is. Whoever believes it takes the
//! whole zone down; whoever waits half a minute sees the registrations come back. A zone
//! that really was emptied is answered half a minute longer, from instances that clients
//! cannot connect to.
//!
//! # When it holds
//! Within a sliding window of [`WINDOW`], instances that were there when it began and are
//! gone now are counted; what came within it and went again is not. An update by which they
//! become at least [`LEAST`], and more than [`SHARE`] hundredths of the instances there were
//! when the window began, is a collapse: its removals, and all that follow, are held. The
//! first list of a zone is no growth: the zone is taken to have been so before.
//!
//! # Meanwhile
//! Entries of a SkyDNS zone are counted and held like instances.
//! Additions and changes go on. A held instance that is registered again is not held any
//! more; it becomes a change, or nothing at all. What is held is shown as it was.
//! Aliases are not counted, but what takes the instances away takes the names that lead to
//! them along: while removals are held, so are those of aliases.
//!
//! # How it ends
//! When all came back; or when the grace period since the first held removal is over: then
//! all are published together, and the window begins anew, so that the same removals start
//! nothing again. It never lasts for ever. An operator who knows that they are meant ends it at
//! once, by a reload in which `hold-collapse` is zero.

mod window;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::Patience;
use crate::metrics::Vitals;
use crate::names::Span;
use crate::registry::{Alias, AliasChange, Change, Publish, Resource, Standing, Update};

use self::window::{Counted, Spot, WINDOW, Window, ends};

/// Fewer removals are never a collapse: small zones do come and go.
const LEAST: usize = 20;
/// Removals of more than so many hundredths of the zone are one.
const SHARE: usize = 80;

/// How often it is looked whether an operator ended the delay.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A publisher before another, which holds removals back in a collapse.
#[derive(Debug)]
pub struct Guard<P> {
    /// Who is told.
    publisher: P,
    /// The zone, for the log.
    zone: String,
    /// How long removals are held; zero turns the guard off.
    patience: Arc<Patience>,
    /// Where holding is counted.
    vitals: Arc<Vitals>,
    /// How many instances the publisher shows; nothing before its first update.
    shown: Option<usize>,
    /// The revision that was published last.
    revision: i64,
    /// That of the last change, since removals are held back.
    changed: Option<i64>,
    /// What happened within the window.
    window: Window,
    /// Instances whose removal is held, as they are shown.
    held: HashSet<Spot, foldhash::fast::RandomState>,
    /// Aliases whose removal is held, as they are shown.
    held_aliases: HashMap<AliasPlace, Arc<Alias>>,
    /// Until when; nothing is held while this is none.
    until: Option<Instant>,
    /// When it was last looked whether that is over.
    looked: Option<Instant>,
    /// How long that is in all.
    grace: Duration,
}

/// The parts of an alias's key.
type AliasPlace = (Resource, Box<str>, bool);

impl<P: Publish> Publish for Guard<P> {
    fn publish(&mut self, update: Update) {
        self.publish_at(update, Instant::now());
    }
}

impl<P: Publish> Guard<P> {
    /// A guard that holds removals for so long.
    pub fn new(publisher: P, zone: String, patience: Arc<Patience>, vitals: Arc<Vitals>) -> Self {
        Self {
            publisher,
            zone,
            patience,
            vitals,
            shown: None,
            revision: 0,
            changed: None,
            window: Window::default(),
            held: HashSet::default(),
            held_aliases: HashMap::new(),
            until: None,
            looked: None,
            grace: Duration::ZERO,
        }
    }

    /// The zone, for the log.
    pub(super) fn zone(&self) -> &str {
        &self.zone
    }

    /// Publishes what may be shown at this moment. Problems go through.
    pub fn publish_at(&mut self, mut update: Update, now: Instant) {
        // What is released stands for what was known before this.
        self.release_at(now);
        self.revision = update.revision;
        self.changed = update.last_change().or(self.changed);
        self.begin_if_collapse(&update, now);
        let is_first = self.shown.is_none();
        update.changes = self.pass_all(std::mem::take(&mut update.changes), now);
        update.entries = self.pass_all(std::mem::take(&mut update.entries), now);
        let aliases = std::mem::take(&mut update.aliases);
        let pass = |change| self.pass_alias(change);
        update.aliases = aliases.into_iter().filter_map(pass).collect();
        if is_first {
            self.shown.get_or_insert_default();
            self.window = Window::default();
        }
        self.end_if_all_came_back();
        self.count_held();
        update.changed = self.changed;
        if self.until.is_some() {
            update.standing = Standing::Withheld;
        } else {
            self.changed = None;
        }
        self.publisher.publish(update);
    }

    /// When the guard wants to be looked after, if it does: held removals are to be
    /// published, or a window is over whose instances need not be kept.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        let look = self.looked.map(|at| at + LOOK_EVERY);
        let held = self.until.map(|until| look.map_or(until, |look| look.min(until)));
        held.or_else(|| self.window.oldest().map(|at| at + 2 * WINDOW))
    }

    /// Publishes what is held, if it is time, and forgets what is older than the window.
    pub fn release_at(&mut self, now: Instant) {
        self.window.forget(now);
        self.looked = Some(now);
        let Some(until) = self.until else { return };
        let is_ended = self.patience.hold_collapse().is_zero();
        if now < until && !is_ended {
            return;
        }
        let removed = self.held.len();
        let (changes, entries) = window::removals(self.held.drain());
        let gone = |(_, alias)| AliasChange { before: Some(alias), after: None };
        let aliases = self.held_aliases.drain().map(gone).collect();
        self.until = None;
        self.vitals.collapse.set(None);
        self.shown = self.shown.map(|shown| shown.saturating_sub(removed));
        self.window = Window::default();
        self.count_held();
        tracing::warn!(
            zone = self.zone,
            removed,
            "mass removal delayed for {}{}; publishing it now",
            Span(self.grace),
            if is_ended { ", ended by a reload" } else { "" }
        );
        let (revision, changed) = (self.revision, self.changed.take());
        let update = Update { revision, changed, changes, aliases, entries, ..Update::default() };
        self.publisher.publish(update);
    }

    /// Begins to hold if an update takes too much away.
    fn begin_if_collapse(&mut self, update: &Update, now: Instant) {
        let removals = ends(update).filter(|[_, after]| after.is_none()).count();
        let grace = self.patience.hold_collapse();
        if grace.is_zero() || self.until.is_some() || self.window.gone() + removals < LEAST {
            return;
        }
        let (vanished, gone) = self.window.with(ends(update));
        let before = self.window.at_start(self.shown.unwrap_or_default());
        if vanished == 0 || gone < LEAST || gone * 100 <= before * SHARE {
            return;
        }
        (self.until, self.grace) = (Some(now + grace), grace);
        self.vitals.collapse.set(Some((before as u64, SystemTime::now() + grace)));
        self.vitals.collapses.add(1);
        tracing::error!(
            zone = self.zone,
            gone,
            of = before,
            "mass removal: {gone} of {before} instances were removed within {}; \
             delaying these and further removals for {} (to publish them now, set hold-collapse \
             to \"0s\" and reload)",
            Span(WINDOW),
            Span(grace)
        );
    }

    /// What of changes is to be shown.
    fn pass_all<T: Counted>(&mut self, changes: Vec<Change<T>>, now: Instant) -> Vec<Change<T>> {
        changes.into_iter().filter_map(|change| self.pass(change, now)).collect()
    }

    /// What of a change is to be shown.
    fn pass<T: Counted>(&mut self, change: Change<T>, now: Instant) -> Option<Change<T>> {
        match (&change.before, &change.after) {
            (Some(before), None) => {
                let spot = T::spot(before);
                if self.until.is_some() {
                    self.held.insert(spot);
                    return None;
                }
                self.count(-1);
                self.window.note(spot, false, now);
            }
            (None, Some(after)) => {
                let spot = T::spot(after);
                if let Some(shown) = self.held.take(&spot).and_then(T::of) {
                    let after = change.after.filter(|after| *after != shown)?;
                    return Some(Change { before: Some(shown), after: Some(after) });
                }
                self.count(1);
                self.window.note(spot, true, now);
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

    /// Says how much is held.
    fn count_held(&self) {
        self.vitals.held.set(self.held.len() as u64);
        self.vitals.held_aliases.set(self.held_aliases.len() as u64);
    }

    /// Ends holding when there is nothing left to hold.
    fn end_if_all_came_back(&mut self) {
        if self.until.is_some() && self.held.is_empty() && self.held_aliases.is_empty() {
            self.until = None;
            self.vitals.collapse.set(None);
            tracing::info!(
                zone = self.zone,
                "mass removal over: every held instance is registered again"
            );
        }
    }
}

#[cfg(test)]
mod tests;
