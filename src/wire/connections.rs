//! Who is connected. Over a limit the connection that has been quiet for longest is
//! closed, and the new one served: a client may always come back, and one that only holds
//! connections open must not keep others out (RFC 7766 section 6.2.3, RFC 9210 section 5).

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::counters::Counters;

/// What connections may take.
#[derive(Debug, Clone, Copy)]
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
    /// How many there may be.
    limits: TcpLimits,
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
    pub(super) fn new(limits: TcpLimits, counters: Arc<Counters>) -> Self {
        Self { open: Mutex::default(), limits, counters }
    }

    /// Gives a new connection a place; it may be the one of the connection that has been
    /// quiet for longest.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Place {
        let client = client(address);
        self.counters.tcp.accept();
        let mut open = self.lock();
        let same = open.entries.values().filter(|entry| entry.client == client).count();
        if same >= self.limits.per_client {
            open.close_quietest(|entry| entry.client == client);
            self.counters.tcp.close_for_client();
        } else if open.entries.len() >= self.limits.connections {
            open.close_quietest(|_| true);
            self.counters.tcp.close_for_room();
        }
        let (number, close) = (open.count, CancellationToken::new());
        let entry = Entry { client, active: Instant::now(), close: close.clone() };
        open.count += 1;
        open.entries.insert(number, entry);
        Place { connections: Arc::clone(self), number, close }
    }

    /// Closes the connection that has been quiet for longest, to have its descriptor.
    pub(super) fn make_room(&self) {
        if self.lock().close_quietest(|_| true) {
            self.counters.tcp.close_for_room();
        }
    }

    /// The map. It is sound even if another thread panicked while it looked.
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Closes, of some connections, the one whose last query is the longest ago; false if
    /// there is none.
    fn close_quietest(&mut self, of: impl Fn(&Entry) -> bool) -> bool {
        let some = self.entries.iter().filter(|(_, entry)| of(entry));
        let quietest = some.min_by_key(|(_, entry)| entry.active).map(|(number, _)| *number);
        let quietest = quietest.and_then(|number| self.entries.remove(&number));
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
        self.connections.lock().entries.remove(&self.number);
        self.connections.counters.tcp.end();
    }
}

/// Who an address belongs to: one host of IPv4, one network of IPv6, since whoever has
/// one address there has 2^64 of them.
fn client(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Room for ten connections, five of one client.
    fn connections() -> Arc<Connections> {
        let limits = TcpLimits { connections: 10, per_client: 5, ..TcpLimits::default() };
        Arc::new(Connections::new(limits, Arc::default()))
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
    fn over_the_limit_in_all_the_quietest_goes() {
        let connections = connections();
        let first = fill(&connections, "192.0.2.1", 1);
        let half = fill(&connections, "192.0.2.2", 5);
        let rest = fill(&connections, "192.0.2.3", 4);
        let last = fill(&connections, "192.0.2.4", 1);
        assert_eq!((closed(&first), closed(&half), closed(&rest)), (vec![0], vec![], vec![]));
        assert_eq!(connections.counters.total().tcp.closed_for_room, 1);
        drop((half, rest, last));
        assert!(connections.lock().entries.is_empty());
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
