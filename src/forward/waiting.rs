//! Questions that are being asked, who waits for each, and who makes room.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::IpAddr;
use std::time::Instant;

use tokio_util::sync::{CancellationToken, DropGuard};

use super::flights::{Done, FlightKey};
use super::room::{Full, Room, WaitSlot};

/// The questions and who waits.
#[derive(Debug)]
pub(super) struct WaitState {
    /// What is asked.
    pub(super) aloft: HashMap<FlightKey, Aloft>,
    /// The places of questions.
    pub(super) questions: Room<FlightKey>,
    /// The places of askers.
    pub(super) waiters: Room<FlightKey>,
    /// Numbers of places given so far.
    numbers: u64,
}

/// A question that is being asked.
#[derive(Debug)]
pub(super) struct Aloft {
    /// Its place.
    pub(super) place: WaitSlot,
    /// Which question it is, however its place changes hands.
    pub(super) number: u64,
    /// Who waits for the answer, by the number of their places.
    pub(super) askers: BTreeMap<u64, Asker>,
    /// Ends the task that asks.
    _task: DropGuard,
}

/// A client that asked.
pub(super) struct Asker {
    /// Whom it counts for.
    pub(super) client: IpAddr,
    /// What the answer is handed to.
    pub(super) done: Done,
}

impl WaitState {
    /// So many places of questions, and of askers.
    pub(super) fn of(questions: usize, waiters: usize) -> Self {
        let (questions, waiters) = (Room::of(questions), Room::of(waiters));
        Self { aloft: HashMap::new(), questions, waiters, numbers: 0 }
    }

    /// Adds a question, which is charged to a client: its number, and what says that it has to
    /// end.
    pub(super) fn launch(
        &mut self,
        key: FlightKey,
        client: IpAddr,
        now: Instant,
    ) -> (u64, CancellationToken) {
        let (number, ended) = (self.number(), CancellationToken::new());
        let (place, task) = ((client, number), ended.clone().drop_guard());
        self.questions.enter(place, key.clone(), now);
        self.aloft.insert(key, Aloft { place, number, askers: BTreeMap::new(), _task: task });
        (number, ended)
    }

    /// Lets an asker wait for the answer to a question that is asked.
    pub(super) fn wait(&mut self, key: FlightKey, asker: Asker, now: Instant) {
        let number = self.number();
        self.waiters.enter((asker.client, number), key.clone(), now);
        if let Some(aloft) = self.aloft.get_mut(&key) {
            aloft.askers.insert(number, asker);
        }
    }

    /// Makes room for a client that asks; what those who leave for it wait with is displaced.
    ///
    /// # Errors
    /// [`Full`] where nobody has more than the client.
    pub(super) fn make_room(
        &mut self,
        key: &FlightKey,
        client: IpAddr,
        now: Instant,
        displaced: &mut Vec<Done>,
    ) -> Result<(), Full> {
        while let Some(place) = self.waiters.in_the_way(client, now)? {
            let (key, number) = (self.waiters.leave(place), place.1);
            let aloft = key.and_then(|key| self.aloft.get_mut(&key));
            displaced.extend(aloft.and_then(|it| it.askers.remove(&number)).map(|it| it.done));
        }
        if self.aloft.contains_key(key) {
            return Ok(());
        }
        while let Some(place) = self.questions.in_the_way(client, now)? {
            self.give_up(place, now, displaced);
        }
        Ok(())
    }

    /// Takes a question from the client it is charged to: it is charged to another that waits
    /// for the answer as well, and has fewer; where there is none it ends.
    fn give_up(&mut self, place: WaitSlot, now: Instant, displaced: &mut Vec<Done>) {
        let most = self.questions.len_of(place.0);
        let Some(key) = self.questions.leave(place) else { return };
        let Some(aloft) = self.aloft.get_mut(&key) else { return };
        let has_fewer = |asker: &&Asker| self.questions.len_of(asker.client) + 1 < most;
        if let Some(other) = aloft.askers.values().find(has_fewer) {
            aloft.place = (other.client, place.1);
            return self.questions.enter(aloft.place, key, now);
        }
        let askers = self.aloft.remove(&key).map(|it| it.askers).unwrap_or_default();
        for (number, asker) in askers {
            self.waiters.leave((asker.client, number));
            displaced.push(asker.done);
        }
    }

    /// A number that no place has.
    const fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }
}

impl fmt::Debug for Asker {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Asker").field("client", &self.client).finish_non_exhaustive()
    }
}
