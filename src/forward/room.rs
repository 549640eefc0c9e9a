//! Places that clients share: so many in all, not all of them of one client, and one for
//! whoever has fewest.
//!
//! While there is room everybody gets a place, up to a share. Where there is none, the oldest
//! of whoever has most makes room for a client that has less, as in BIND's `recursive-clients`
//! and Unbound's `jostle-timeout`; so places that some client holds are never lost to the rest.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// One client's share of all places is one of so many.
const SHARE: usize = 4;
/// How long a place is kept from clients that have as many but one: as long as Unbound's
/// `jostle-timeout`. It bounds how often places change hands where thousands have one each.
const JOSTLE: Duration = Duration::from_millis(200);

/// Places, each with what is done there.
#[derive(Debug)]
pub(super) struct Room<T> {
    /// How many there are.
    places: usize,
    /// How many are taken.
    taken: usize,
    /// Those of each client, by numbers that rise; clients without any are not there.
    clients: HashMap<IpAddr, BTreeMap<u64, (Instant, T)>>,
}

/// A place among those who wait: whose it is, and its number.
pub(super) type WaitSlot = (IpAddr, u64);

/// There is no place for a client.
#[derive(Debug, PartialEq)]
pub(super) struct Full;

impl<T> Room<T> {
    /// So many places.
    pub(super) fn of(places: usize) -> Self {
        Self { places, taken: 0, clients: HashMap::new() }
    }

    /// How many are taken.
    pub(super) const fn len(&self) -> usize {
        self.taken
    }

    /// How many a client has.
    pub(super) fn len_of(&self, client: IpAddr) -> usize {
        self.clients.get(&client).map_or(0, BTreeMap::len)
    }

    /// What must leave before a client may enter; none if there is room.
    ///
    /// # Errors
    /// [`Full`] where the client has its share.
    pub(super) fn in_the_way(
        &self,
        client: IpAddr,
        now: Instant,
    ) -> Result<Option<WaitSlot>, Full> {
        let own = self.len_of(client);
        if own >= self.places.div_ceil(SHARE) {
            return Err(Full);
        }
        if self.taken < self.places {
            return Ok(None);
        }
        let oldest = |held: &BTreeMap<u64, (Instant, T)>| {
            held.first_key_value().map(|(number, (since, _))| (*number, *since))
        };
        let fullest = self
            .clients
            .iter()
            .max_by_key(|(_, held)| (held.len(), Reverse(oldest(held).map(|(number, _)| number))));
        let (whose, held) = fullest.ok_or(Full)?;
        let (number, since) = oldest(held).ok_or(Full)?;
        let has_waited = now.saturating_duration_since(since) >= JOSTLE;
        let makes_room = held.len() > own + 1 || held.len() > own && has_waited;
        if makes_room { Ok(Some((*whose, number))) } else { Err(Full) }
    }

    /// Takes a place, of which nobody else has the number.
    pub(super) fn enter(&mut self, (client, number): WaitSlot, what: T, since: Instant) {
        self.taken += 1;
        self.clients.entry(client).or_default().insert(number, (since, what));
    }

    /// Gives a place back, if it still is that client's; what was done there.
    pub(super) fn leave(&mut self, (client, number): WaitSlot) -> Option<T> {
        let held = self.clients.get_mut(&client)?;
        let (_, what) = held.remove(&number)?;
        self.taken -= 1;
        if held.is_empty() {
            self.clients.remove(&client);
        }
        Some(what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Places of a test.
    const PLACES: usize = 100;

    /// An address.
    fn client(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    /// Lets a client in, whoever must leave; false where it may not.
    fn enter(room: &mut Room<()>, whose: IpAddr, number: u64, now: Instant) -> bool {
        let Ok(other) = room.in_the_way(whose, now) else { return false };
        other.into_iter().for_each(|other| assert_eq!(room.leave(other), Some(())));
        room.enter((whose, number), (), now);
        assert!(room.len() <= PLACES);
        true
    }

    #[test]
    fn there_is_room_for_somebody() {
        assert!(enter(&mut Room::of(1), client(1), 1, Instant::now()));
    }

    #[test]
    fn places_of_some_are_not_lost_to_others() {
        let (mut room, now) = (Room::of(PLACES), Instant::now());
        let mut numbers = 0..;
        let mut fill = |room: &mut Room<()>, last: u8| {
            let mut enter = || enter(room, client(last), numbers.next().unwrap(), now);
            (0..PLACES).filter(|_| enter()).count()
        };
        for first in 1..=4 {
            assert_eq!(fill(&mut room, first), PLACES / 4);
        }
        assert_eq!(fill(&mut room, 5), PLACES / 5);
        for last in 1..=5 {
            assert_eq!(room.len_of(client(last)), PLACES / 5);
        }
        // Equals take nothing from each other.
        assert_eq!((fill(&mut room, 1), room.len()), (0, PLACES));
    }

    #[test]
    fn where_all_have_one_the_oldest_makes_room_after_a_while() {
        let (mut room, now) = (Room::of(PLACES), Instant::now());
        for number in 0..PLACES as u64 {
            assert!(enter(&mut room, client(number as u8), number, now));
        }
        assert_eq!(room.in_the_way(client(200), now), Err(Full));
        assert_eq!(room.in_the_way(client(200), now + JOSTLE), Ok(Some((client(0), 0))));
        assert_eq!(room.in_the_way(client(7), now + JOSTLE), Err(Full));
        for number in 0..PLACES as u64 {
            assert_eq!(room.leave((client(number as u8), number)), Some(()));
        }
        assert!(room.clients.is_empty() && room.len() == 0);
    }
}
