//! Questions that upstreams are being asked. Whoever asks the same meanwhile waits for the
//! same answer: so there is one question at a time that a forged answer may hit (RFC 5452
//! section 5), and a name that nobody answers for is asked for once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::mem::replace;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Asked;
use super::room::Place;
use crate::authority::Answer;

/// Askers that may wait for the answer to the question of another. It is a quarter of the
/// places of one client, so that no name takes all of them.
const WAITERS: usize = 62;

/// Who asked.
pub(super) struct Asker {
    /// What the answer is handed to.
    pub(super) done: Box<dyn FnOnce(Answer) + Send>,
    /// The place that is taken meanwhile.
    pub(super) place: Place,
}

/// Who waits for which answer. There are no more of them than places.
#[derive(Default)]
pub(super) struct Flights {
    /// By question; the first asker is the one it was asked for. The lock is held for a look
    /// at the map.
    askers: Mutex<HashMap<Asked, Vec<Asker>>>,
}

/// A question that is to be asked. When it is dropped, nobody waits for it any more.
pub(super) struct Flight {
    /// Among which.
    flights: Arc<Flights>,
    /// The question.
    asked: Asked,
    /// Whether it is no longer among them.
    has_landed: bool,
}

/// What becomes of an asker.
pub(super) enum Joined {
    /// Upstreams must be asked.
    First(Flight),
    /// They are being asked.
    Waits,
    /// Too many wait for the same already.
    Crowded(Asker),
}

impl Flights {
    /// Adds an asker to those of the same question, spelt in whatever case.
    pub(super) fn join(self: &Arc<Self>, asked: &Asked, asker: Asker) -> Joined {
        match self.lock().entry(asked.clone()) {
            Entry::Vacant(entry) => {
                entry.insert(vec![asker]);
                let (flights, asked) = (Arc::clone(self), asked.clone());
                Joined::First(Flight { flights, asked, has_landed: false })
            }
            Entry::Occupied(entry) if entry.get().len() > WAITERS => Joined::Crowded(asker),
            Entry::Occupied(mut entry) => {
                entry.get_mut().push(asker);
                Joined::Waits
            }
        }
    }

    /// The map. It is sound even if another thread panicked while it looked.
    fn lock(&self) -> MutexGuard<'_, HashMap<Asked, Vec<Asker>>> {
        self.askers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight {
    /// Hands the answer to all that wait for it.
    pub(super) fn land(mut self, answer: &Answer) {
        for Asker { done, place } in self.leave() {
            done(answer.clone());
            drop(place);
        }
    }

    /// Takes the askers out, once: the next to ask the same begins anew.
    fn leave(&mut self) -> Vec<Asker> {
        if replace(&mut self.has_landed, true) {
            return Vec::new();
        }
        self.flights.lock().remove(&self.asked).unwrap_or_default()
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use hickory_proto::op::ResponseCode;
    use hickory_proto::rr::{Name, RecordType};

    use super::*;
    use crate::forward::room::Room;

    /// An asker that says so when it is answered.
    fn asker(room: &Arc<Room>, answered: &Sender<ResponseCode>) -> Asker {
        let (place, answered) = (room.enter([192, 0, 2, 1].into()).unwrap(), answered.clone());
        Asker { done: Box::new(move |answer| answered.send(answer.code).unwrap()), place }
    }

    #[test]
    fn a_flight_that_ends_makes_room_for_the_next_and_leaves_that_alone() {
        let (flights, room) = (Arc::<Flights>::default(), Arc::new(Room::new()));
        let (sender, answered) = channel();
        let name = Name::from_ascii("a.test.").unwrap();
        let asked = Asked { name, kind: RecordType::A, checking_disabled: false };
        let join = || flights.join(&asked, asker(&room, &sender));
        let first = || match join() {
            Joined::First(flight) => flight,
            _ => panic!("nobody else asks"),
        };
        // Nobody is answered where a fault ends it.
        drop(first());
        assert_eq!((answered.try_iter().count(), room.len()), (0, 0));
        let mut flight = first();
        assert!(matches!(join(), Joined::Waits));
        let askers = flight.leave();
        let next = first();
        drop((askers, flight));
        assert!(matches!(join(), Joined::Waits));
        next.land(&Answer::foreign(ResponseCode::NXDomain, None));
        assert!(answered.try_iter().eq([ResponseCode::NXDomain; 2]));
        assert!(room.len() == 0 && flights.lock().is_empty());
    }
}
