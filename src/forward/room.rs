//! Who waits for upstreams: so many in all, and not all of them of one client.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::process::{Resource, getrlimit};

/// Questions that wait for upstreams, where the system has descriptors enough.
const IN_FLIGHT: usize = 1000;
/// Descriptors that a question may take: hickory sends it up to three times, each by a
/// socket of its own, to one upstream and perhaps to the next as well.
const DESCRIPTORS: u64 = 6;
/// The share of descriptors that questions may take, and the share of all places that one
/// client may: the rest is for others.
const SHARE: (u64, usize) = (2, 4);

/// Who waits.
#[derive(Debug)]
pub(super) struct Room {
    /// How many may.
    places: usize,
    /// How many of each client. The lock is held for a look at the map.
    waiting: Mutex<Waiting>,
}

/// Who waits, counted.
#[derive(Debug, Default)]
struct Waiting {
    /// In all.
    all: usize,
    /// By client; those without any are not there.
    clients: HashMap<IpAddr, usize>,
}

/// A place, given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    /// Among whom.
    room: Arc<Room>,
    /// Whose.
    client: IpAddr,
}

impl Room {
    /// Room for as many as there are descriptors for.
    pub(super) fn new() -> Self {
        let for_questions = descriptors() / SHARE.0 / DESCRIPTORS;
        Self::of(usize::try_from(for_questions).map_or(IN_FLIGHT, |it| it.clamp(1, IN_FLIGHT)))
    }

    /// Room for so many.
    fn of(places: usize) -> Self {
        Self { places, waiting: Mutex::default() }
    }

    /// A place for a client's question, if there is any.
    pub(super) fn enter(self: &Arc<Self>, client: IpAddr) -> Option<Place> {
        let mut waiting = self.lock();
        let of_client = waiting.clients.get(&client).copied().unwrap_or(0);
        if waiting.all >= self.places || of_client >= self.places.div_ceil(SHARE.1) {
            return None;
        }
        waiting.all += 1;
        waiting.clients.insert(client, of_client + 1);
        Some(Place { room: Arc::clone(self), client })
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.lock().all
    }

    /// The numbers. They are sound even if another thread panicked while it looked.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = self.room.lock();
        waiting.all -= 1;
        match waiting.clients.get_mut(&self.client) {
            Some(count) if *count > 1 => *count -= 1,
            _ => _ = waiting.clients.remove(&self.client),
        }
    }
}

/// How many descriptors this process may have.
fn descriptors() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As many places as a client gets.
    fn fill(room: &Arc<Room>, client: &str) -> Vec<Place> {
        let client = client.parse().unwrap();
        std::iter::from_fn(|| room.enter(client)).collect()
    }

    #[test]
    fn there_is_room_for_somebody() {
        let places = Room::new().places;
        assert!((1..=IN_FLIGHT).contains(&places), "{places}");
        assert_eq!(fill(&Arc::new(Room::of(1)), "192.0.2.1").len(), 1);
    }

    #[test]
    fn no_client_has_all_places() {
        let room = Arc::new(Room::of(IN_FLIGHT));
        let first = fill(&room, "192.0.2.1");
        assert_eq!((first.len(), fill(&room, "192.0.2.1").len()), (IN_FLIGHT / 4, 0));
        let others: Vec<_> = (2..9).map(|it| fill(&room, &format!("2001:db8:{it}::1"))).collect();
        assert_eq!(others.iter().map(Vec::len).sum::<usize>(), IN_FLIGHT - IN_FLIGHT / 4);
        assert_eq!((fill(&room, "192.0.2.9").len(), room.len()), (0, IN_FLIGHT));
        drop(first);
        assert_eq!(fill(&room, "2001:db8:99:0:1::").len(), IN_FLIGHT / 4);
        drop(others);
        assert!(room.lock().clients.is_empty() && room.len() == 0);
    }
}
