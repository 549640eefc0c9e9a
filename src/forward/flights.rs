//! Questions that upstreams are being asked. Whoever asks the same meanwhile waits for the
//! same answer: so there is one question at a time that a forged answer may hit (RFC 5452
//! section 5), and a name that nobody answers for is asked for once.
//!
//! Two things are bounded, and shared by clients as `room` has it: questions, each of which
//! takes sockets and is charged to who asked first; and who waits for their answers, which
//! takes memory alone.

use std::collections::BTreeMap;
use std::mem::take;
use std::net::IpAddr;
use std::sync::{Arc, MutexGuard};
use std::time::Instant;

use rustix::process::{Resource, getrlimit};
use tokio::task::yield_now;
use tokio_util::sync::CancellationToken;

use super::Asked;
use super::waiting::{Aloft, Asker, WaitState};
use crate::authority::Answer;
use crate::lock::Lock;

/// Questions that upstreams are asked at once, where the system has descriptors enough.
const IN_FLIGHT: usize = 1000;
/// Descriptors that a question may take: one for each upstream that has not answered yet, and
/// in the time it has, [`DEADLINE`](super::DEADLINE), six are asked.
const DESCRIPTORS: u64 = 6;
/// One of so many descriptors may be a question's.
const OF_DESCRIPTORS: u64 = 2;
/// Askers that may wait for answers in all, sixteen for each question, as in Unbound. With
/// messages of usual size each takes about 1 KiB; with the largest that come over UDP, 4 KiB,
/// all of them 80 MiB.
const WAITERS: usize = 16 * IN_FLIGHT;
/// Askers that are answered before other tasks of the thread have their turn: a millisecond.
const AT_ONCE: usize = 64;

/// The receiver of an answer.
pub(super) type Done = Box<dyn FnOnce(Answer) + Send>;

/// A question, and of whom it is asked: of the upstreams of one edition.
pub(super) type FlightKey = (u64, Asked);

/// Questions in flight, and who waits for the answer of each.
#[derive(Debug)]
pub(super) struct InFlight {
    /// The lock is held for a look, and never while somebody is answered.
    state: Lock<WaitState>,
}

/// A question that is to be asked. When it is dropped, nobody waits for it any more.
pub(super) struct Flight {
    /// Among which.
    flights: Arc<InFlight>,
    /// The question.
    key: FlightKey,
    /// Which it is of those that were asked the same one after the other.
    number: u64,
    /// Says that it is over.
    ended: CancellationToken,
}

/// The fate of an asker: the first of a question asks, others wait.
pub(super) enum Joined {
    /// Upstreams must be asked.
    First(Flight),
    /// They are being asked.
    Waits,
    /// Too many wait already.
    Crowded(Done),
}

impl InFlight {
    /// As many as there are descriptors for.
    pub(super) fn new() -> Self {
        let for_questions = descriptors() / OF_DESCRIPTORS / DESCRIPTORS;
        let places = usize::try_from(for_questions).map_or(IN_FLIGHT, |it| it.clamp(1, IN_FLIGHT));
        Self::of(places, WAITERS)
    }

    /// So many questions, and askers.
    fn of(questions: usize, waiters: usize) -> Self {
        Self { state: Lock::new(WaitState::of(questions, waiters)) }
    }

    /// Adds an asker to those of the same question, spelt in whatever case. Others may have
    /// made room, whom the caller answers.
    pub(super) fn join(
        self: &Arc<Self>,
        key: FlightKey,
        client: IpAddr,
        done: Done,
    ) -> (Joined, Vec<Done>) {
        let (now, mut displaced) = (Instant::now(), Vec::new());
        let mut state = self.lock();
        if state.make_room(&key, client, now, &mut displaced).is_err() {
            return (Joined::Crowded(done), displaced);
        }
        let is_new = !state.aloft.contains_key(&key);
        let first = is_new.then(|| self.launch(&mut state, &key, client, now));
        state.wait(key, Asker { client, done }, now);
        (first.map_or(Joined::Waits, Joined::First), displaced)
    }

    /// Begins to ask something that nobody waits for, on behalf of a client; not where it is
    /// asked already, or others would have to make room.
    pub(super) fn refresh(self: &Arc<Self>, key: &FlightKey, client: IpAddr) -> Option<Flight> {
        let (mut state, now) = (self.lock(), Instant::now());
        let is_free = state.questions.in_the_way(client, now) == Ok(None);
        let may = is_free && !state.aloft.contains_key(key);
        may.then(|| self.launch(&mut state, key, client, now))
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.lock().waiters.len()
    }

    /// Adds a question, which is charged to a client.
    fn launch(
        self: &Arc<Self>,
        state: &mut WaitState,
        key: &FlightKey,
        client: IpAddr,
        now: Instant,
    ) -> Flight {
        let (number, ended) = state.launch(key.clone(), client, now);
        Flight { flights: Arc::clone(self), key: key.clone(), number, ended }
    }

    /// The state. It is sound even if another thread panicked while it looked.
    fn lock(&self) -> MutexGuard<'_, WaitState> {
        self.state.lock()
    }
}

impl Flight {
    /// The question.
    pub(super) const fn asked(&self) -> &Asked {
        &self.key.1
    }

    /// Waits until it has made room for another.
    pub(super) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Hands an answer to all that wait for it now; how many these are.
    pub(super) async fn answer(&self, answer: &Answer) -> u64 {
        let askers = self.aloft(&mut self.flights.lock(), |aloft| take(&mut aloft.askers));
        self.hand(askers.unwrap_or_default(), answer).await
    }

    /// The same, with which it is over: the next to ask the same begins anew.
    pub(super) async fn land(self, answer: &Answer) -> u64 {
        let askers = self.leave();
        self.hand(askers, answer).await
    }

    /// Answers some askers, each of which then gives its place back.
    async fn hand(&self, askers: BTreeMap<u64, Asker>, answer: &Answer) -> u64 {
        let count = askers.len();
        for (at, (number, Asker { client, done })) in askers.into_iter().enumerate() {
            done(answer.clone());
            self.flights.lock().waiters.leave((client, number));
            if at % AT_ONCE == AT_ONCE - 1 {
                yield_now().await;
            }
        }
        count as u64
    }

    /// Takes it out, with its askers. There are none the second time.
    fn leave(&self) -> BTreeMap<u64, Asker> {
        let mut state = self.flights.lock();
        let Some(place) = self.aloft(&mut state, |aloft| aloft.place) else {
            return BTreeMap::new();
        };
        state.questions.leave(place);
        state.aloft.remove(&self.key).map(|it| it.askers).unwrap_or_default()
    }

    /// Looks at it, if it still is asked: another may ask the same by now.
    fn aloft<T>(&self, state: &mut WaitState, look: impl FnOnce(&mut Aloft) -> T) -> Option<T> {
        let aloft = state.aloft.get_mut(&self.key).filter(|aloft| aloft.number == self.number);
        aloft.map(look)
    }
}

impl Drop for Flight {
    /// Where a fault ended it, nobody is answered, and nobody waits any more.
    fn drop(&mut self) {
        let askers = self.leave();
        let mut state = self.flights.lock();
        for (number, asker) in &askers {
            state.waiters.leave((asker.client, *number));
        }
    }
}

/// How many descriptors this process may have.
fn descriptors() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use hickory_proto::op::ResponseCode;
    use hickory_proto::rr::{Name, RecordType};

    use super::*;

    /// Flights, and what becomes of who asked: the client, and the code.
    struct Scene {
        flights: Arc<InFlight>,
        sender: Sender<(IpAddr, ResponseCode)>,
        answered: Receiver<(IpAddr, ResponseCode)>,
    }

    impl Scene {
        /// So many places.
        fn of(questions: usize, waiters: usize) -> Self {
            let (sender, answered) = channel();
            Self { flights: Arc::new(InFlight::of(questions, waiters)), sender, answered }
        }

        /// A client asks for a name; those who make room get SERVFAIL.
        fn ask(&self, client: IpAddr, name: &str) -> Joined {
            let sender = self.sender.clone();
            let done = move |answer: Answer| sender.send((client, answer.code)).unwrap();
            let (joined, displaced) = self.flights.join(key(name), client, Box::new(done));
            let answer = Answer::foreign(ResponseCode::ServFail, None);
            displaced.into_iter().for_each(|done| done(answer.clone()));
            joined
        }

        /// The same by whom it must be asked.
        fn first(&self, client: IpAddr, name: &str) -> Flight {
            match self.ask(client, name) {
                Joined::First(flight) => flight,
                _ => panic!("{name} is asked already, or too many wait"),
            }
        }

        /// Who was answered since, with what.
        fn answered(&self) -> Vec<(IpAddr, ResponseCode)> {
            self.answered.try_iter().collect()
        }

        /// Nothing is left.
        fn is_empty(&self) -> bool {
            let state = self.flights.lock();
            state.aloft.is_empty() && state.questions.len() == 0 && state.waiters.len() == 0
        }
    }

    /// A question.
    fn key(name: &str) -> FlightKey {
        let name = Name::from_ascii(name).unwrap();
        (0, Asked { name, kind: RecordType::A, checking_disabled: false })
    }

    /// An address.
    fn client(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    #[tokio::test]
    async fn a_flight_that_ends_makes_room_for_the_next_and_leaves_that_alone() {
        let scene = Scene::of(100, 100);
        let first = || scene.first(client(1), "a.test.");
        // Nobody is answered where a fault ends it.
        drop(first());
        assert!(scene.answered().is_empty() && scene.is_empty());
        let flight = first();
        assert!(matches!(scene.ask(client(1), "A.test."), Joined::Waits));
        let askers = flight.leave();
        let next = first();
        assert_eq!(askers.len(), 2);
        drop(flight);
        assert!(matches!(scene.ask(client(2), "a.test."), Joined::Waits));
        next.land(&Answer::foreign(ResponseCode::NXDomain, None)).await;
        let expected = [client(1), client(2)].map(|it| (it, ResponseCode::NXDomain));
        assert_eq!(scene.answered(), expected);
    }

    #[tokio::test]
    async fn who_waits_for_one_question_takes_no_place_of_others() {
        let scene = Scene::of(1, 4 * 600);
        let flight = scene.first(client(1), "a.test.");
        for _ in 1..600 {
            assert!(matches!(scene.ask(client(1), "a.test."), Joined::Waits));
        }
        assert!(matches!(scene.ask(client(1), "a.test."), Joined::Crowded(_)));
        assert!(matches!(scene.ask(client(2), "a.test."), Joined::Waits));
        assert_eq!(flight.land(&Answer::foreign(ResponseCode::NoError, None)).await, 601);
        assert!(scene.is_empty());
    }

    #[tokio::test]
    async fn the_fullest_makes_room() {
        let scene = Scene::of(8, 100);
        let mut held = Vec::new();
        for whose in 0..4 {
            for number in 0..2 {
                held.push(scene.first(client(whose), &format!("n{number}.c{whose}.test.")));
            }
        }
        let other = scene.first(client(9), "other.test.");
        assert_eq!(scene.answered(), [(client(0), ResponseCode::ServFail)]);
        held[0].ended().await;
        assert_eq!(held[0].answer(&Answer::foreign(ResponseCode::NoError, None)).await, 0);
        // Who makes room for nobody goes on.
        held.drain(..);
        other.land(&Answer::foreign(ResponseCode::NoError, None)).await;
        assert!(scene.is_empty());
    }

    #[tokio::test]
    async fn what_others_wait_for_too_is_charged_to_them() {
        let scene = Scene::of(8, 100);
        let mut held = vec![scene.first(client(0), "popular.test.")];
        held.push(scene.first(client(0), "n1.test."));
        for whose in 1..4 {
            for number in 0..2 {
                held.push(scene.first(client(whose), &format!("n{number}.c{whose}.test.")));
            }
        }
        assert!(matches!(scene.ask(client(8), "popular.test."), Joined::Waits));
        let other = scene.first(client(9), "other.test.");
        // The next fullest made room instead.
        assert_eq!(scene.answered(), [(client(1), ResponseCode::ServFail)]);
        let popular = held.remove(0);
        assert_eq!(popular.land(&Answer::foreign(ResponseCode::NoError, None)).await, 2);
        drop((held, other));
        assert!(scene.is_empty());
    }

    #[test]
    fn what_nobody_waits_for_takes_no_place_of_anybody() {
        let scene = Scene::of(1, 100);
        let refresh = scene.flights.refresh(&key("a.test."), client(1));
        assert!(refresh.is_some() && scene.flights.refresh(&key("a.test."), client(1)).is_none());
        assert!(scene.flights.refresh(&key("b.test."), client(2)).is_none());
        drop(refresh);
        assert!(scene.is_empty());
    }
}
