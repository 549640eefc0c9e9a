//! Fair places for what is costly: a few for all, of which each client has one at a time, so
//! that who asks for much waits for its own and not others for it. And the requests of each
//! client, which are counted and bounded.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::lock::Lock;
use crate::names::client;

/// The requests that are here, by their clients, and what those of one client share. Clones share
/// them.
#[derive(Debug, Clone)]
pub(super) struct ClientRequests<T = ()> {
    /// In all, at most.
    most: usize,
    /// Of one client, at most.
    each: usize,
    /// Those that are here.
    here: Arc<Lock<Here<T>>>,
}

/// The requests that are here.
#[derive(Debug)]
struct Here<T> {
    /// How many.
    count: usize,
    /// How many of each client that has any, with what they share.
    clients: HashMap<IpAddr, (usize, T)>,
}

/// A request among those that are here, for as long as this is kept.
#[derive(Debug)]
pub(super) struct ClientRequest<T: Clone = ()> {
    /// Among which.
    requests: ClientRequests<T>,
    /// Whose it is.
    client: IpAddr,
    /// What those of its client share.
    shared: T,
}

/// The places. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct FairPlaces {
    /// Those of all.
    all: Arc<Semaphore>,
    /// Who has one or waits for one; those of one client share its turn.
    requests: ClientRequests<Arc<Semaphore>>,
}

/// A place. It is given back when this is dropped: the client's turn last.
#[derive(Debug)]
pub(super) struct FairPlace {
    /// The place.
    _place: OwnedSemaphorePermit,
    /// The client's turn.
    _turn: OwnedSemaphorePermit,
    /// The request among those of its client.
    _request: ClientRequest<Arc<Semaphore>>,
}

impl<T: Clone> ClientRequests<T> {
    /// None yet, and room for so many in all and of one client.
    pub(super) fn new(most: usize, each: usize) -> Self {
        let here = Here { count: 0, clients: HashMap::new() };
        Self { most, each, here: Arc::new(Lock::new(here)) }
    }

    /// Counts a request of a client, if there is room; `shared` makes what its client's share.
    pub(super) fn enter(
        &self,
        address: IpAddr,
        shared: impl FnOnce() -> T,
    ) -> Option<ClientRequest<T>> {
        let (client, mut here) = (client(address), self.here.lock());
        let own = here.clients.get(&client).map_or(0, |(count, _)| *count);
        if here.count >= self.most || own >= self.each {
            return None;
        }
        here.count += 1;
        let (count, shared) = here.clients.entry(client).or_insert_with(|| (0, shared()));
        *count += 1;
        Some(ClientRequest { requests: self.clone(), client, shared: shared.clone() })
    }

    /// Whether there is none.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        let here = self.here.lock();
        here.count == 0 && here.clients.is_empty()
    }
}

impl<T: Clone> Drop for ClientRequest<T> {
    fn drop(&mut self) {
        let mut here = self.requests.here.lock();
        here.count -= 1;
        if let Some((count, _)) = here.clients.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                here.clients.remove(&self.client);
            }
        }
    }
}

impl FairPlaces {
    /// So many places; `each` requests of one client have one or wait for it.
    pub(super) fn new(places: usize, each: usize) -> Self {
        let requests = ClientRequests::new(usize::MAX, each);
        Self { all: Arc::new(Semaphore::new(places)), requests }
    }

    /// Waits for a place for a client; none where too many of its requests are here already.
    pub(super) async fn place(&self, address: IpAddr) -> Option<FairPlace> {
        let request = self.requests.enter(address, || Arc::new(Semaphore::new(1)))?;
        let turn = Arc::clone(&request.shared).acquire_owned().await;
        let turn = turn.expect("turns are never closed");
        let place = Arc::clone(&self.all).acquire_owned().await.expect("places are never closed");
        Some(FairPlace { _place: place, _turn: turn, _request: request })
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
        let enter = || places.requests.enter(one, || unreachable!("its turn is there")).unwrap();
        let (two, three) = (enter(), enter());
        assert!(at_once(one).unwrap().is_none(), "so many may wait");
        drop((first, second, two, three));
        assert!(places.requests.is_empty());
    }
}
