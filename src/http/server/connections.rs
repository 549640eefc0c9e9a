//! The open connections. Where no place is free, or a client has many, the connection that has
//! been silent for longest makes room: a client may always come back, and one that only holds
//! connections open must not keep others out.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::place::Place;
use crate::connections::ConnectionTable;
use crate::lock::Lock;
use crate::names::client;

/// Connections at once. Operators, scrapers and probes are few; clients that renew a
/// registration are many, and each is served in some milliseconds. The rest waits in the
/// system's queue.
pub(super) const CONNECTIONS_MAX: usize = 256;
/// Connections of one client from which on a new one of its own takes the place of a silent
/// one: a quarter, so that what it holds open leaves room for others. Those that work stay:
/// behind one address there may be many clients, on loopback all of them.
const PER_CLIENT: usize = CONNECTIONS_MAX / 4;
/// How long a connection must have been silent to be closed for another: what a client needs
/// to begin TLS, or to send a request once it is connected.
const SILENT_LEAST: Duration = Duration::from_millis(500);
/// How long is waited for a place before another look at who is silent.
const PATIENCE: Duration = Duration::from_millis(20);

/// The open connections.
#[derive(Debug)]
pub(super) struct Connections {
    /// Since when each has been silent; none while a request of it is worked on. The lock is
    /// held for a look at the table, never over an await.
    open: Lock<ConnectionTable<Option<Instant>>>,
    /// A permit for each that may be open.
    places: Arc<Semaphore>,
}

impl Connections {
    /// No connections yet, and room for so many.
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { open: Lock::default(), places: Arc::new(Semaphore::new(most)) })
    }

    /// Waits for a place, which may be one that another had.
    pub(super) async fn admit(self: &Arc<Self>, address: IpAddr) -> Place {
        let client = client(address);
        limit(&mut self.open.lock(), client);
        let mut places = Box::pin(Arc::clone(&self.places).acquire_owned());
        let permit = loop {
            match timeout(PATIENCE, &mut places).await {
                Ok(permit) => break permit.expect("the places are never closed"),
                Err(_) => close_silent(&mut self.open.lock(), None),
            }
        };
        let (number, close) = self.open.lock().add(client, Some(Instant::now()));
        Place::new(Arc::clone(self), (number, client), permit, close)
    }

    /// A connection says something, or takes something: it was silent until now. It may be
    /// closed already.
    pub(super) fn touch(&self, number: u64) {
        if let Some(since) = self.open.lock().get_mut(number).and_then(|it| it.state.as_mut()) {
            *since = Instant::now();
        }
    }

    /// Whether a request of a connection is worked on.
    pub(super) fn work(&self, number: u64, is_at_work: bool) {
        if let Some(it) = self.open.lock().get_mut(number) {
            it.state = (!is_at_work).then(Instant::now);
        }
    }

    /// Whether the next connection of the client of this one would cost it a silent one.
    pub(super) fn are_many(&self, number: u64) -> bool {
        let mut open = self.open.lock();
        let client = open.get_mut(number).map(|it| it.client);
        client.is_some_and(|client| open.of(client) >= PER_CLIENT)
    }

    /// A connection has no place any more.
    pub(super) fn remove(&self, number: u64) {
        self.open.lock().remove(number);
    }
}

/// Closes a silent connection of a client that has many.
fn limit(open: &mut ConnectionTable<Option<Instant>>, client: IpAddr) {
    if open.of(client) >= PER_CLIENT {
        close_silent(open, Some(client));
    }
}

/// Closes the connection, of all or of one client, that has been silent for longest, if that is
/// long enough.
fn close_silent(open: &mut ConnectionTable<Option<Instant>>, client: Option<IpAddr>) {
    let closed = open.close_first(|_, it| {
        let is_meant = client.is_none_or(|one| it.client == one);
        it.state.filter(|since| is_meant && since.elapsed() >= SILENT_LEAST)
    });
    if let Some(it) = closed {
        tracing::debug!(client = %it.client, "too many HTTP connections: a silent one is closed");
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    /// As many places of one client.
    async fn fill(connections: &Arc<Connections>, client: [u8; 4], places: usize) -> Vec<Place> {
        let mut all = Vec::new();
        for _ in 0..places {
            all.push(connections.admit(client.into()).await);
        }
        all
    }

    fn closed(places: &[Place]) -> Vec<usize> {
        (0..places.len()).filter(|at| places[*at].is_closed()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_with_many_closes_its_own_longest_silent_one() {
        let connections = Connections::new(PER_CLIENT * 2);
        let other = fill(&connections, [192, 0, 2, 1], 1).await;
        let many = fill(&connections, [192, 0, 2, 2], PER_CLIENT).await;
        // None of them has been silent for long enough.
        let more = fill(&connections, [192, 0, 2, 2], 1).await;
        assert_eq!((closed(&other), closed(&many), closed(&more)), (vec![], vec![], vec![]));
        many[0].work();
        sleep(SILENT_LEAST).await;
        many[1].touch();
        let _last = fill(&connections, [192, 0, 2, 2], 2).await;
        assert_eq!((closed(&other), closed(&many), closed(&more)), (vec![], vec![2, 3], vec![]));
    }

    #[tokio::test(start_paused = true)]
    async fn where_no_place_is_free_the_longest_silent_makes_room() {
        let connections = Connections::new(2);
        let mut places = fill(&connections, [192, 0, 2, 1], 2).await;
        places[0].work();
        let start = Instant::now();
        let silent = places.pop().unwrap();
        let leaves = tokio::spawn(async move { silent.closed().await });
        let _new = fill(&connections, [192, 0, 2, 2], 1).await;
        assert!(start.elapsed() >= SILENT_LEAST && start.elapsed() < SILENT_LEAST * 2);
        leaves.await.unwrap();
        assert_eq!(closed(&places), [0; 0]);
    }
}
