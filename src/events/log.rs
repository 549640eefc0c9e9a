//! The latest history of one zone: the states it went through, and what led from one to the
//! next.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;

use super::id::{Id, Mark};
use super::seen::{Coming, FirstSeen, InstanceKey, Since};
use crate::registry::{Alias, AliasChange, Change, Instance};

/// Changes that are remembered of a zone: a follower that comes back after half a minute of
/// 2,000 changes a second finds all it missed. What went is kept with them, some hundred
/// octets each; a larger document counts as several changes ([`OCTETS_OF_ONE`]), so that
/// history takes some 64 MiB at most, whatever is registered.
pub(super) const REMEMBERED: usize = 1 << 16;
/// Octets of a document that count as a change more: ordinary ones have fewer, the largest
/// that are read (64 KiB, of many short words) over a thousand times as many.
const OCTETS_OF_ONE: usize = 512;

/// The changes of one update.
#[derive(Debug, Default)]
pub struct ChangeBatch {
    /// The number of the state that it led to.
    pub state: u64,
    /// The revision of the registry.
    pub revision: i64,
    /// Instances that changed, in order.
    pub changes: Vec<Change>,
    /// Aliases that changed, in order.
    pub aliases: Vec<AliasChange>,
    /// Whether it is the difference to a list, which knows nothing of the revisions between.
    pub is_listed: bool,
}

/// More has happened than is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forgotten;

/// The state of what is shown after an update, beside what the registry has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    /// Whether it is the same.
    pub(super) is_exact: bool,
    /// How often the registry's history went back.
    pub(super) histories: u64,
}

/// The latest changes of one zone.
#[derive(Debug)]
pub(super) struct Log {
    /// What marks its ids.
    process: u64,
    /// The states, the oldest first; never empty. Of what led to the oldest nothing is
    /// remembered.
    pub(super) states: VecDeque<ZoneState>,
    /// How much is remembered: the states' weights, but for the oldest's.
    remembered: usize,
    /// When instances came, as far as that is remembered.
    comings: FirstSeen,
    /// How often the registry's history had gone back when the first state was told.
    histories: Option<u64>,
    /// Whether it has gone back since, or is of another zone than was told of before:
    /// revisions alone do not say enough any more.
    went_back: bool,
}

/// A state of the zone, for as long as the same could be said of it.
#[derive(Debug)]
pub(super) struct ZoneState {
    /// Its number; that of the state before it, where only its standing is another, or where
    /// a list knows of no difference but not of all that was between.
    pub(super) number: u64,
    /// The revision that it came with.
    revision: i64,
    /// Whether that was a list's: what was true right before is not known.
    is_listed: bool,
    /// The last revision that it was known to be true at.
    through: i64,
    /// Whether it is what the registry held from one to the other.
    is_exact: bool,
    /// The highest revision that names an earlier state: a higher one names this.
    taken: i64,
    /// When it was told.
    pub(super) at: SystemTime,
    /// What it takes to remember what led to it; something also where nothing changed.
    weight: usize,
    /// What led to it.
    pub(super) batch: Arc<ChangeBatch>,
}

impl Log {
    /// A zone of which nothing was told. Another one may have been told of by its name: then
    /// a revision alone may be that one's.
    pub(super) fn new(process: u64, is_again: bool) -> Self {
        let standing = Head { is_exact: false, histories: 0 };
        let states = VecDeque::from([ZoneState::new(ChangeBatch::default(), standing, 0)]);
        let comings = FirstSeen::default();
        Self { process, states, remembered: 0, comings, histories: None, went_back: is_again }
    }

    /// Takes an update that was published. History begins with the first, and anew with one
    /// that comes without its changes, because they are too many.
    pub(super) fn take(&mut self, batch: ChangeBatch, standing: Head) {
        let Head { is_exact, histories } = standing;
        let is_first = self.histories.is_none();
        self.went_back |= histories > *self.histories.get_or_insert(histories);
        let last = self.last();
        let is_same = batch.state == last.number;
        let is_gap = batch.is_listed && batch.revision != last.through;
        if is_same && is_exact == last.is_exact && !is_first && !is_gap {
            last.through = batch.revision;
            return;
        }
        let taken = if last.is_exact { last.through } else { last.taken };
        let begins = is_first || !is_same && batch.is_empty();
        let mut state = ZoneState::new(batch, standing, taken);
        // The clock may have been set back; what is told is in the order in which it happened.
        state.at = state.at.max(self.last().at);
        self.remembered += state.weight;
        if !begins {
            let coming = Coming { state: state.number, at: state.at };
            self.comings.take(&state.batch.changes, coming);
        }
        self.states.push_back(state);
        self.forget(if begins { 0 } else { REMEMBERED });
    }

    /// The first batch after a state, and the id of the state that it led to.
    ///
    /// # Errors
    /// [`Forgotten`]: what came right after that state is not remembered.
    pub(super) fn after(&self, state: u64) -> Result<Option<(Arc<ChangeBatch>, Id)>, Forgotten> {
        if state < self.states[0].number {
            return Err(Forgotten);
        }
        let next = self.states.get(self.place_after(state));
        Ok(next.map(|it| (Arc::clone(&it.batch), self.id_at(it, it.revision))))
    }

    /// The id of a state as of now, if it is remembered.
    pub(super) fn id(&self, state: u64) -> Option<Id> {
        let last = self.states.get(self.place_after(state).checked_sub(1)?)?;
        (last.number == state).then(|| self.id_at(last, last.through))
    }

    /// The state that an id names. What came after it is remembered.
    pub(super) fn state(&self, id: &Id) -> Option<u64> {
        match id.mark {
            Some(mark) => self.id(mark.state).filter(|_| mark.process == self.process)?,
            None => return self.state_at(id.revision).filter(|_| !self.went_back),
        };
        id.mark.map(|mark| mark.state)
    }

    /// The revision that was told last.
    pub(super) fn revision(&self) -> i64 {
        self.states.back().map_or(0, |last| last.through)
    }

    /// Since when instances are there.
    pub(super) fn since(&self, spots: &[InstanceKey]) -> Vec<Since> {
        let begun = Since::Before(self.states[0].at);
        spots.iter().map(|spot| self.comings.of(spot).map_or(begun, Since::At)).collect()
    }

    /// The first state that was what the registry held at a revision.
    fn state_at(&self, revision: i64) -> Option<u64> {
        let next = self.states.iter().skip(1).map(Some).chain([None]);
        let has = |(state, next): &(&ZoneState, Option<&ZoneState>)| {
            let end = next.map_or(state.through, |next| state.end_before(next));
            state.is_exact && (state.revision..=end).contains(&revision)
        };
        self.states.iter().zip(next).find(has).map(|(state, _)| state.number)
    }

    /// The id of a state as of a revision that it was true at.
    fn id_at(&self, state: &ZoneState, revision: i64) -> Id {
        let is_enough = state.is_exact && revision > state.taken && !self.went_back;
        let mark = Mark { process: self.process, state: state.number };
        Id { revision, mark: (!is_enough).then_some(mark) }
    }

    /// The place of the first state with a higher number.
    fn place_after(&self, state: u64) -> usize {
        self.states.partition_point(|it| it.number <= state)
    }

    /// Forgets the oldest until so much is remembered at most.
    fn forget(&mut self, most: usize) {
        while self.remembered > most {
            self.states.pop_front();
            let Some(oldest) = self.states.front_mut() else { break };
            self.remembered -= oldest.weight;
            let batch = std::mem::take(&mut oldest.batch);
            self.comings.forget(&batch.changes, oldest.number);
        }
    }

    /// The newest state.
    fn last(&mut self) -> &mut ZoneState {
        self.states.back_mut().expect("there always is a state")
    }
}

impl ZoneState {
    /// What a batch led to.
    fn new(batch: ChangeBatch, standing: Head, taken: i64) -> Self {
        Self {
            number: batch.state,
            revision: batch.revision,
            is_listed: batch.is_listed,
            through: batch.revision,
            is_exact: standing.is_exact,
            taken,
            at: SystemTime::now(),
            weight: 1 + batch.weight(),
            batch: Arc::new(batch),
        }
    }

    /// The last revision that it was true at, where this came next: by a watch, which leaves
    /// nothing out, or by a list.
    fn end_before(&self, next: &Self) -> i64 {
        if next.is_listed { self.through } else { self.through.max(next.revision - 1) }
    }
}

impl ChangeBatch {
    /// How many changes there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.changes.len() + self.aliases.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What it takes to remember it, in changes. What is there now is the index's, too; what
    /// was there before is kept for this alone.
    fn weight(&self) -> usize {
        let instances = self.changes.iter().filter_map(|change| change.before.as_deref());
        let aliases = self.aliases.iter().filter_map(|change| change.before.as_deref());
        let octets = instances.map(Instance::octets).chain(aliases.map(Alias::octets));
        self.len() + octets.map(|octets| octets / OCTETS_OF_ONE).sum::<usize>()
    }
}

#[cfg(test)]
mod tests;
