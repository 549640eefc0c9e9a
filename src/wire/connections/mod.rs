//! Who is connected. Over a limit a connection is closed, and the new one served: of those of
//! the client that holds the most, the one that has been quiet for longest. A client may
//! always come back, and one that only holds connections open must neither keep others out
//! nor drive them out (RFC 7766 section 6.2.3, RFC 9210 section 5).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::Policies;
use super::counters::Counters;
use super::networks::client;

/// Connections that are closed for a new one, where limits fell and there are too many: so
/// they become fewer, and nobody waits long for the lock.
const CLOSED_MAX: usize = 8;

/// What connections may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcpLimits {
    /// Connections in all.
    pub connections: usize,
    /// Connections of one client.
    pub per_client: usize,
    /// How long a client may say nothing.
    pub idle: Duration,
}

/// The open connections of all listeners.
#[derive(Debug)]
pub(super) struct Connections {
    /// By number. The lock is held for a look at the map, never over an await.
    open: Mutex<Open>,
    /// How many there may be, of the moment.
    policies: Arc<Policies>,
    /// What is counted about them.
    counters: Arc<Counters>,
}

/// The open connections, numbered.
#[derive(Debug, Default)]
struct Open {
    /// How many there have ever been.
    count: u64,
    /// Those that are open.
    entries: HashMap<u64, Entry>,
    /// How many of them each client has.
    held: HashMap<IpAddr, usize>,
}

/// One connection, as the others see it.
#[derive(Debug)]
struct Entry {
    /// Whose it is.
    client: IpAddr,
    /// When its last query came.
    active: Instant,
    /// Closes it.
    close: CancellationToken,
}

/// A place among the connections, given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    /// Among which.
    connections: Arc<Connections>,
    /// Its number.
    number: u64,
    /// Cancelled when another takes the place.
    pub(super) close: CancellationToken,
}

impl Default for TcpLimits {
    /// In all below the 1,024 descriptors that most systems allow by default; a client has
    /// half of these, so that two do not starve each other, and a resolver with many users
    /// behind it still has enough. RFC 7766 section 6.2.3 wants some seconds of patience.
    fn default() -> Self {
        Self { connections: 900, per_client: 450, idle: Duration::from_secs(10) }
    }
}

impl Connections {
    /// No connections yet.
    pub(super) fn new(policies: Arc<Policies>, counters: Arc<Counters>) -> Self {
        Self { open: Mutex::default(), policies, counters }
    }

    /// Gives a new connection a place; it may be one that another had, or several where the
    /// limits fell.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Place {
        let client = client(address);
        self.counters.tcp.accept();
        let limits = self.policies.load().tcp;
        let mut open = self.lock();
        for _ in 0..CLOSED_MAX {
            let held = open.held.get(&client).copied().unwrap_or_default();
            if held >= limits.per_client {
                open.close_quietest(held, Some(client));
                self.counters.tcp.close_for_client();
            } else if open.entries.len() >= limits.connections {
                open.close_for_all();
                self.counters.tcp.close_for_room();
            } else {
                break;
            }
        }
        let close = CancellationToken::new();
        let number = open.add(Entry { client, active: Instant::now(), close: close.clone() });
        Place { connections: Arc::clone(self), number, close }
    }

    /// Closes a connection to have its descriptor.
    pub(super) fn make_room(&self) {
        if self.lock().close_for_all() {
            self.counters.tcp.close_for_room();
        }
    }

    /// The map. It is sound even if another thread panicked while it looked.
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Adds a connection, and gives its number.
    fn add(&mut self, entry: Entry) -> u64 {
        let number = self.count;
        self.count += 1;
        *self.held.entry(entry.client).or_default() += 1;
        self.entries.insert(number, entry);
        number
    }

    /// Takes a connection out, if it is still there.
    fn remove(&mut self, number: u64) -> Option<Entry> {
        let entry = self.entries.remove(&number)?;
        if let Some(held) = self.held.get_mut(&entry.client) {
            *held -= 1;
            if *held == 0 {
                self.held.remove(&entry.client);
            }
        }
        Some(entry)
    }

    /// Closes a connection of a client that holds the most; false if there is none.
    fn close_for_all(&mut self) -> bool {
        let most = self.held.values().copied().max().unwrap_or_default();
        self.close_quietest(most, None)
    }

    /// Closes, of one client or of all that hold so many, the connection whose last query is
    /// the longest ago; false if there is none.
    fn close_quietest(&mut self, held: usize, client: Option<IpAddr>) -> bool {
        let holds = |entry: &Entry| self.held.get(&entry.client) == Some(&held);
        let is_meant = |entry: &Entry| client.map_or(holds(entry), |it| entry.client == it);
        let some = self.entries.iter().filter(|(_, entry)| is_meant(entry));
        let quietest = some.min_by_key(|(_, entry)| entry.active).map(|(number, _)| *number);
        let quietest = quietest.and_then(|number| self.remove(number));
        if let Some(entry) = &quietest {
            tracing::debug!(client = %entry.client, "too many connections: the quietest is closed");
            entry.close.cancel();
        }
        quietest.is_some()
    }
}

impl Place {
    /// Queries were answered.
    pub(super) fn count(&self, queries: usize) {
        self.connections.counters.tcp.answer(queries);
    }

    /// The client said nothing, or took nothing, for too long.
    pub(super) fn time_out(&self) {
        self.connections.counters.tcp.time_out();
    }

    /// A query has come.
    pub(super) fn touch(&self) {
        if let Some(entry) = self.connections.lock().entries.get_mut(&self.number) {
            entry.active = Instant::now();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.lock().remove(self.number);
        self.connections.counters.tcp.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Policy;

    /// Room for ten connections, five of one client.
    fn connections() -> Arc<Connections> {
        let policies = Arc::new(Policies::new(Arc::new(policy(10, 5))));
        Arc::new(Connections::new(policies, Arc::default()))
    }

    /// A policy of limits.
    fn policy(connections: usize, per_client: usize) -> Policy {
        let tcp = TcpLimits { connections, per_client, ..TcpLimits::default() };
        Policy { tcp, ..Policy::default() }
    }

    /// As many places of one client.
    fn fill(connections: &Arc<Connections>, client: &str, places: usize) -> Vec<Place> {
        let client = client.parse().unwrap();
        (0..places).map(|_| connections.admit(client)).collect()
    }

    fn closed(places: &[Place]) -> Vec<usize> {
        (0..places.len()).filter(|at| places[*at].close.is_cancelled()).collect()
    }

    #[test]
    fn a_client_over_its_limit_closes_its_own_quietest() {
        let connections = connections();
        let other = fill(&connections, "192.0.2.1", 1);
        let places = fill(&connections, "192.0.2.2", 5);
        places[0].touch();
        assert_eq!(closed(&places), [0; 0]);
        let more = fill(&connections, "192.0.2.2", 2);
        assert_eq!((closed(&other), closed(&places)), (vec![], vec![1, 2]));
        let counts = || connections.counters.total().tcp;
        assert_eq!((counts().accepted, counts().closed_for_client, counts().open), (8, 2, 8));
        drop((other, places, more));
        assert_eq!((counts().closed_for_room, counts().open), (0, 0));
    }

    #[test]
    fn where_limits_fall_more_than_one_is_closed_for_each_that_comes() {
        let connections = connections();
        let places = [fill(&connections, "192.0.2.1", 5), fill(&connections, "192.0.2.2", 5)];
        connections.policies.replace(policy(4, 2));
        let more = fill(&connections, "192.0.2.3", 1);
        assert_eq!(places.iter().map(|it| closed(it).len()).sum::<usize>(), 7);
        let last = fill(&connections, "192.0.2.3", 2);
        assert_eq!((closed(&more), closed(&last)), (vec![0], vec![]));
        assert_eq!(connections.lock().entries.len(), 4);
    }

    #[test]
    fn over_the_limit_in_all_who_holds_the_most_loses_the_quietest() {
        let connections = connections();
        let first = fill(&connections, "192.0.2.1", 1);
        let half = fill(&connections, "192.0.2.2", 5);
        let rest = fill(&connections, "192.0.2.3", 4);
        half[0].touch();
        let last = fill(&connections, "192.0.2.4", 1);
        assert_eq!((closed(&first), closed(&half), closed(&rest)), (vec![], vec![1], vec![]));
        // Of clients that hold as many, whichever has been quiet for longest.
        let more = fill(&connections, "192.0.2.5", 1);
        assert_eq!((closed(&half), closed(&rest), closed(&last)), (vec![1, 2], vec![], vec![]));
        assert_eq!(connections.counters.total().tcp.closed_for_room, 2);
        drop((first, half, rest, last, more));
        let open = connections.lock();
        assert!(open.entries.is_empty() && open.held.is_empty());
    }

    #[test]
    fn ipv4_inside_ipv6_is_the_same_client() {
        let connections = connections();
        let one = fill(&connections, "192.0.2.1", 4);
        let mapped = fill(&connections, "::ffff:192.0.2.1", 2);
        let other = fill(&connections, "::ffff:192.0.2.2", 2);
        assert_eq!((closed(&one), closed(&mapped), closed(&other)), (vec![0], vec![], vec![]));
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let connections = connections();
        let _places = fill(&connections, "2001:db8::1", 4);
        let one = fill(&connections, "2001:db8::2", 1);
        let _other = fill(&connections, "2001:db8:0:1::1", 4);
        let same = fill(&connections, "2001:db8::3", 5);
        assert_eq!((closed(&one), closed(&same)), (vec![0], vec![]));
    }
}
