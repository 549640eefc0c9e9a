//! The endpoints of one registry, the one in use, and a client for each.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use etcd_client::Client;

/// The endpoints of one registry. The lock is held for a look, never over an await.
pub(super) struct Endpoints {
    /// What the lock guards.
    inner: Mutex<Inner>,
}

/// The list, the choice, the clients.
struct Inner {
    /// The addresses; the first `configured` of them stay for ever.
    addresses: Vec<String>,
    /// How many addresses the connection string names.
    configured: usize,
    /// Which one is in use.
    at: usize,
    /// A client per address that was used.
    clients: HashMap<String, Client>,
}

impl Endpoints {
    /// The endpoints of a connection string. The first choice is drawn, so that a fleet
    /// spreads over the members.
    pub(super) fn new(addresses: Vec<String>) -> Self {
        let at = fastrand::usize(..addresses.len().max(1));
        let configured = addresses.len();
        let inner = Inner { addresses, configured, at, clients: HashMap::new() };
        Self { inner: Mutex::new(inner) }
    }

    /// Every address once, the one in use first: the order in which one call tries them,
    /// whatever other calls find out meanwhile.
    pub(super) fn in_order(&self) -> Vec<String> {
        let inner = self.lock();
        let (before, after) = inner.addresses.split_at(inner.at);
        [after, before].concat()
    }

    /// The address in use.
    pub(super) fn current(&self) -> String {
        let inner = self.lock();
        inner.addresses[inner.at].clone()
    }

    /// Goes on to the next address.
    pub(super) fn rotate(&self) {
        let current = self.current();
        self.leave(&current);
    }

    /// An address failed: its client is dropped, and the next one is used, unless
    /// somebody else has already gone on.
    pub(super) fn leave(&self, address: &str) {
        let mut inner = self.lock();
        inner.clients.remove(address);
        if inner.addresses[inner.at] == address {
            inner.at = (inner.at + 1) % inner.addresses.len();
        }
    }

    /// The client of an address, if there is one.
    pub(super) fn client(&self, address: &str) -> Option<Client> {
        self.lock().clients.get(address).cloned()
    }

    /// Keeps a client for next time.
    pub(super) fn keep(&self, address: &str, client: Client) {
        self.lock().clients.insert(address.to_owned(), client);
    }

    /// The addresses that are known.
    pub(super) fn addresses(&self) -> Vec<String> {
        self.lock().addresses.clone()
    }

    /// Replaces the addresses that came from the member list; configured ones stay.
    pub(super) fn replace_listed(&self, listed: Vec<String>) {
        let mut inner = self.lock();
        let current = inner.addresses[inner.at].clone();
        let configured = inner.configured;
        inner.addresses.truncate(configured);
        for address in listed {
            if !inner.addresses.contains(&address) {
                inner.addresses.push(address);
            }
        }
        inner.at = inner.addresses.iter().position(|it| *it == current).unwrap_or(0);
        let Inner { addresses, clients, .. } = &mut *inner;
        clients.retain(|address, _| addresses.contains(address));
    }

    /// The lock. Nothing that holds it can panic half way, so poison says nothing.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Endpoints {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.addresses()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotation_and_the_member_list() {
        let endpoints = Endpoints::new(vec!["a".into(), "b".into()]);
        let first = endpoints.current();
        endpoints.leave("not the current one");
        assert_eq!(endpoints.current(), first);
        endpoints.rotate();
        assert_ne!(endpoints.current(), first);
        endpoints.replace_listed(vec!["b".into(), "c".into()]);
        assert_eq!(endpoints.addresses(), ["a", "b", "c"]);
        while endpoints.current() != "c" {
            endpoints.rotate();
        }
        endpoints.replace_listed(vec![]);
        assert_eq!(endpoints.in_order(), ["a", "b"]);
    }
}
