//! The latest history of one zone: the states it went through, and what led from one to the
//! next.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;

use super::Seen;
use super::id::{Id, Mark};
use crate::registry::{AliasChange, Change, Instance};

/// Changes that are remembered of a zone: a follower that comes back after half a minute of
/// 2,000 changes a second finds all it missed. What went is kept with them, some hundred
/// octets each.
pub(super) const REMEMBERED: usize = 1 << 16;

/// What one update changed.
#[derive(Debug, Default)]
pub struct Batch {
    /// The number of the state that it led to.
    pub state: u64,
    /// The revision of the registry.
    pub revision: i64,
    /// Instances that changed, in order.
    pub changes: Vec<Change>,
    /// Aliases that changed, in order.
    pub aliases: Vec<AliasChange>,
}

/// More has happened than is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forgotten;

/// How what is shown after an update stands to what the registry has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    /// Whether it is the same.
    pub(super) is_exact: bool,
    /// How often the registry's history went back.
    pub(super) histories: u64,
}

/// What happened lately in one zone.
#[derive(Debug)]
pub(super) struct Log {
    /// What marks ids of this process.
    process: u64,
    /// The states, the oldest first; never empty. Of what led to the oldest nothing is
    /// remembered.
    states: VecDeque<State>,
    /// How much is remembered, by [`State::weight`].
    remembered: usize,
    /// How often the registry's history had gone back when the first state was told.
    histories: Option<u64>,
    /// Whether it has gone back since: revisions alone do not say enough any more.
    went_back: bool,
}

/// A state of the zone, for as long as the same could be said of it.
#[derive(Debug)]
struct State {
    /// Its number; that of the state before it, where only its standing is another.
    number: u64,
    /// The revision that it came with.
    revision: i64,
    /// The last revision that it was known to be true at.
    through: i64,
    /// Whether it is what the registry held from one to the other.
    is_exact: bool,
    /// The highest revision that names an earlier state: a higher one names this.
    taken: i64,
    /// When it was told.
    at: SystemTime,
    /// What led to it.
    batch: Arc<Batch>,
}

impl Log {
    /// A zone of which nothing was told.
    pub(super) fn new(process: u64) -> Self {
        let standing = Standing { is_exact: false, histories: 0 };
        let states = VecDeque::from([State::new(Batch::default(), standing, 0)]);
        Self { process, states, remembered: 0, histories: None, went_back: false }
    }

    /// Takes an update that was published. History begins with the first, and anew with one
    /// that comes without its changes, because they are too many.
    pub(super) fn take(&mut self, batch: Batch, standing: Standing) {
        let Standing { is_exact, histories } = standing;
        let is_first = self.histories.is_none();
        self.went_back |= histories > *self.histories.get_or_insert(histories);
        let last = self.last();
        let is_same = batch.state == last.number;
        if is_same && is_exact == last.is_exact && !is_first {
            last.through = batch.revision;
            return;
        }
        let taken = if last.is_exact { last.through } else { last.taken };
        let begins = is_first || !is_same && batch.is_empty();
        let state = State::new(batch, standing, taken);
        self.remembered += state.weight();
        self.states.push_back(state);
        self.forget(if begins { 0 } else { REMEMBERED });
    }

    /// The first batch after a state, and the id of the state that it led to.
    ///
    /// # Errors
    /// [`Forgotten`]: what came right after that state is not remembered.
    pub(super) fn after(&self, state: u64) -> Result<Option<(Arc<Batch>, Id)>, Forgotten> {
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

    /// When instances came, as far as that is remembered: those that are wanted.
    pub(super) fn seen(&self, is_wanted: impl Fn(&Instance) -> bool) -> Seen {
        let mut seen = Seen::since(self.states[0].at);
        for state in &self.states {
            let all = state.batch.changes.iter().filter_map(Change::event);
            for event in all.filter(|event| is_wanted(event.instance)) {
                seen.take(event, state.at);
            }
        }
        seen
    }

    /// The first state that was what the registry held at a revision.
    fn state_at(&self, revision: i64) -> Option<u64> {
        let next = self.states.iter().skip(1).map(|it| Some(it.revision)).chain([None]);
        let has = |(state, next): &(&State, Option<i64>)| {
            let end = next.map_or(state.through, |next| state.through.max(next - 1));
            state.is_exact && (state.revision..=end).contains(&revision)
        };
        self.states.iter().zip(next).find(has).map(|(state, _)| state.number)
    }

    /// The id of a state as of a revision that it was true at.
    fn id_at(&self, state: &State, revision: i64) -> Id {
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
            self.remembered -= oldest.weight();
            oldest.batch = Arc::default();
        }
    }

    /// The newest state.
    fn last(&mut self) -> &mut State {
        self.states.back_mut().expect("there always is a state")
    }
}

impl State {
    /// What a batch led to.
    fn new(batch: Batch, standing: Standing, taken: i64) -> Self {
        Self {
            number: batch.state,
            revision: batch.revision,
            through: batch.revision,
            is_exact: standing.is_exact,
            taken,
            at: SystemTime::now(),
            batch: Arc::new(batch),
        }
    }

    /// What it takes to remember it, in changes; a state without any takes something too.
    fn weight(&self) -> usize {
        1 + self.batch.len()
    }
}

impl Batch {
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{Place, document};

    const EXACT: Standing = Standing { is_exact: true, histories: 0 };
    const HOLDS: Standing = Standing { is_exact: false, histories: 0 };

    /// A change that brings an instance.
    fn online(id: &str) -> Change {
        let document = document::read(b"10.0.0.1:80").unwrap().unwrap();
        let instance = document.into_instance(Place { name: "web", id, is_rooted: false });
        Change { before: None, after: Some(Arc::new(instance)) }
    }

    /// A log, told of states in order: number, revision, standing. A state's number is how
    /// many changes made it.
    fn told(states: &[(u64, i64, Standing)]) -> Log {
        let (mut log, mut last) = (Log::new(0xfeed), 0);
        for (state, revision, standing) in states {
            let changes = (last..*state).map(|it| online(&it.to_string())).collect();
            let (state, revision) = (*state, *revision);
            log.take(Batch { state, revision, changes, aliases: vec![] }, *standing);
            last = state;
        }
        log
    }

    /// The id of a state, as it is written.
    fn id(log: &Log, state: u64) -> String {
        log.id(state).unwrap().to_string()
    }

    /// What an id names.
    fn state(log: &Log, id: &str) -> Option<u64> {
        log.state(&id.parse().unwrap())
    }

    #[test]
    fn a_state_is_named_by_every_revision_it_was_true_at() {
        let log = told(&[(3, 100, EXACT), (3, 107, EXACT), (5, 110, EXACT), (6, 120, EXACT)]);
        assert_eq!(id(&log, 3), "107");
        for (revision, named) in [("100", 3), ("109", 3), ("110", 5), ("119", 5), ("120", 6)] {
            assert_eq!(state(&log, revision), Some(named), "{revision}");
        }
        assert_eq!((state(&log, "99"), state(&log, "121")), (None, None));
        let (batch, id) = log.after(3).unwrap().unwrap();
        assert_eq!((batch.state, batch.len(), id.to_string().as_str()), (5, 2, "110"));
        assert_eq!(log.after(6).map(|it| it.is_none()), Ok(true));
        assert_eq!(log.after(2).map(|it| it.is_none()), Err(Forgotten));
    }

    #[test]
    fn what_is_held_back_is_no_state_of_the_registry() {
        let log = told(&[(3, 100, EXACT), (4, 105, HOLDS), (5, 106, HOLDS), (9, 106, EXACT)]);
        assert_eq!(id(&log, 4), "105.000000000000feed-4");
        assert_eq!(id(&log, 9), "106");
        assert_eq!(
            (state(&log, "104"), state(&log, "105"), state(&log, "106")),
            (Some(3), None, Some(9))
        );
        assert_eq!(state(&log, &id(&log, 5)), Some(5));
        assert_eq!(state(&log, "106.000000000000beef-5"), None);
    }

    #[test]
    fn holding_begins_without_a_change_and_ends_so() {
        let log = told(&[(3, 100, EXACT), (3, 105, HOLDS), (3, 106, HOLDS), (3, 108, EXACT)]);
        assert_eq!(
            ["104", "105", "107", "108"].map(|it| state(&log, it)),
            [Some(3), None, None, Some(3)]
        );
        assert_eq!(id(&log, 3), "108");
    }

    #[test]
    fn a_revision_names_one_state_however_often_it_is_shown() {
        let log = told(&[(3, 100, EXACT), (3, 110, EXACT), (4, 110, EXACT), (4, 115, EXACT)]);
        let (batch, named) = log.after(3).unwrap().unwrap();
        assert_eq!((batch.state, named.to_string().as_str()), (4, "110.000000000000feed-4"));
        assert_eq!((state(&log, "110"), id(&log, 4)), (Some(3), "115".to_owned()));
        assert_eq!(state(&log, &named.to_string()), Some(4));
    }

    #[test]
    fn once_history_went_back_revisions_say_nothing() {
        let other = Standing { histories: 1, ..EXACT };
        let log = told(&[(3, 100, EXACT), (5, 50, other), (6, 101, other)]);
        assert_eq!(log.after(3).unwrap().unwrap().0.state, 5);
        assert_eq!(["50", "100", "101"].map(|it| state(&log, it)), [None; 3]);
        assert_eq!(state(&log, &id(&log, 5)), Some(5));
        assert_eq!(log.revision(), 101);
    }

    #[test]
    fn the_oldest_is_forgotten_first() {
        let mut log = told(&[(1, 1, EXACT)]);
        let count = REMEMBERED as u64;
        for number in 2..=count {
            let changes = vec![online("x")];
            let revision = number as i64;
            log.take(Batch { state: number, revision, changes, aliases: vec![] }, EXACT);
        }
        assert!(log.remembered <= REMEMBERED && log.remembered >= REMEMBERED - 2);
        let oldest = log.states[0].number;
        assert!(oldest > count / 2 - 2 && log.after(oldest).is_ok(), "{oldest}");
        assert!(log.after(oldest - 1).is_err() && state(&log, "1").is_none());
        log.take(Batch { state: 2 * count, revision: 2, ..Batch::default() }, EXACT);
        assert_eq!((log.states.len(), log.remembered), (1, 0));
        assert_eq!(log.after(count).map(|it| it.is_none()), Err(Forgotten));
    }

    #[test]
    fn who_came_is_known_as_long_as_it_is_remembered() {
        let mut log = told(&[(1, 1, EXACT), (2, 2, EXACT)]);
        let begun = log.states[0].at;
        let changed = Change { before: online("1").after, after: online("1").after };
        let gone = Change { before: online("2").after, after: None };
        let changes = vec![online("2"), gone, changed];
        log.take(Batch { state: 5, revision: 3, changes, aliases: vec![] }, EXACT);
        let seen = log.seen(|_| true);
        let of = |id: &str| seen.of(&online(id).after.unwrap());
        use super::super::Since;
        assert_eq!(of("0"), Since::Before(begun));
        assert_eq!(of("1"), Since::At(log.states[1].at));
        assert_eq!(of("2"), Since::Before(begun));
        assert_eq!(log.seen(|_| false).of(&online("1").after.unwrap()), Since::Before(begun));
    }
}
