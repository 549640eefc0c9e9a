//! Who waits for upstreams: so many in all, and not all of them of one client.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Questions that wait for upstreams. Each holds a socket, so with as many TCP connections
/// as there may be this stays below the descriptors that systemd allows (`LimitNOFILE`
/// 524,288) by far; and where there are fewer, questions fail, and nothing else does.
const IN_FLIGHT: usize = 1000;
/// Of these, the ones of one client: with upstreams that say nothing one client alone
/// must not keep all others out.
const CLIENT_IN_FLIGHT: usize = 250;

/// Who waits.
#[derive(Debug, Default)]
pub(super) struct Room {
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
    /// A place for a client's question, if there is any.
    pub(super) fn enter(self: &Arc<Self>, client: IpAddr) -> Option<Place> {
        let (client, mut waiting) = (network(client), self.lock());
        let of_client = waiting.clients.get(&client).copied().unwrap_or(0);
        if waiting.all >= IN_FLIGHT || of_client >= CLIENT_IN_FLIGHT {
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

/// Who an address belongs to: one host of IPv4, one network of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX)).into(),
        ip @ IpAddr::V4(_) => ip,
    }
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
    fn no_client_has_all_places() {
        let room = Arc::default();
        let first = fill(&room, "192.0.2.1");
        assert_eq!((first.len(), fill(&room, "::ffff:192.0.2.1").len()), (CLIENT_IN_FLIGHT, 0));
        let others: Vec<_> = (2..9).map(|it| fill(&room, &format!("2001:db8:{it}::1"))).collect();
        assert_eq!(others.iter().map(Vec::len).sum::<usize>(), IN_FLIGHT - CLIENT_IN_FLIGHT);
        assert_eq!((fill(&room, "192.0.2.9").len(), room.len()), (0, IN_FLIGHT));
        drop(first);
        assert_eq!(fill(&room, "2001:db8:99:0:1::").len(), CLIENT_IN_FLIGHT);
        drop(others);
        assert!(room.lock().clients.is_empty() && room.len() == 0);
    }
}
