//! Fair places for what is costly: a few for all, of which each client has one at a time, so
//! that who asks for much waits for its own and not others for it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::lock::Lock;
use crate::names::client;

/// The turn of a client, and how many of its requests are here.
type FairTurn = (Arc<Semaphore>, usize);

/// The places. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct FairPlaces {
    /// Those of all.
    all: Arc<Semaphore>,
    /// The requests of one client that have a place or wait for one, at most.
    each: usize,
    /// The clients that have requests here.
    clients: Arc<Lock<HashMap<IpAddr, FairTurn>>>,
}

/// A place. It is given back when this is dropped: the client's turn last.
#[derive(Debug)]
pub(super) struct FairPlace {
    /// The place.
    _place: OwnedSemaphorePermit,
    /// The client's turn.
    _turn: OwnedSemaphorePermit,
    /// The request among those of its client.
    _member: FairMember,
}

/// A request among those of its client.
#[derive(Debug)]
struct FairMember {
    /// Among which.
    places: FairPlaces,
    /// Whose it is.
    client: IpAddr,
}

impl FairPlaces {
    /// So many places; `each` requests of one client have one or wait for it.
    pub(super) fn new(places: usize, each: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(places)), each, clients: Arc::default() }
    }

    /// Waits for a place for a client; none where too many of its requests are here already.
    pub(super) async fn place(&self, address: IpAddr) -> Option<FairPlace> {
        let (turn, member) = self.member(client(address))?;
        let turn = turn.acquire_owned().await.expect("turns are never closed");
        let place = Arc::clone(&self.all).acquire_owned().await.expect("places are never closed");
        Some(FairPlace { _place: place, _turn: turn, _member: member })
    }

    /// Counts a request of a client. Gives its turn.
    fn member(&self, client: IpAddr) -> Option<(Arc<Semaphore>, FairMember)> {
        let mut clients = self.clients.lock();
        let (turn, count) =
            clients.entry(client).or_insert_with(|| (Arc::new(Semaphore::new(1)), 0));
        if *count >= self.each {
            return None;
        }
        *count += 1;
        Some((Arc::clone(turn), FairMember { places: self.clone(), client }))
    }
}

impl Drop for FairMember {
    fn drop(&mut self) {
        let mut clients = self.places.clients.lock();
        if let Some((_, count)) = clients.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                clients.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_client_has_one_place_and_others_have_theirs() {
        let places = FairPlaces::new(2, 3);
        let [one, other, third] = [1, 2, 3].map(|last| IpAddr::from([192, 0, 2, last]));
        let at_once = |client| places.place(client).now_or_never();
        let first = at_once(one).unwrap().unwrap();
        assert!(at_once(one).is_none(), "the client waits for its own");
        let second = at_once(other).unwrap().unwrap();
        assert!(at_once(third).is_none(), "all places are taken");
        drop(first);
        let first = at_once(one).unwrap().unwrap();
        let (two, three) = (places.member(one).unwrap(), places.member(one).unwrap());
        assert!(at_once(one).unwrap().is_none(), "so many may wait");
        drop((first, second, two, three));
        assert!(places.clients.lock().is_empty());
    }
}
