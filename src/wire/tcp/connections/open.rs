//! The open connections, and which of them must go.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Instant;

use tokio_util::sync::CancellationToken;

/// The open connections, numbered.
#[derive(Debug, Default)]
pub(super) struct Open {
    /// How many there have ever been.
    count: u64,
    /// Those that are open.
    pub(super) entries: HashMap<u64, Entry>,
    /// What each client has of them.
    pub(super) held: HashMap<IpAddr, ClientUsage>,
    /// Octets of memory that all of them hold.
    pub(super) octets: usize,
}

/// One connection, as the others see it.
#[derive(Debug)]
pub(super) struct Entry {
    /// Whose it is.
    client: IpAddr,
    /// When its last query came.
    active: Instant,
    /// Octets of memory that it holds.
    octets: usize,
    /// Closes it.
    close: CancellationToken,
}

/// The slots and octets that a client holds.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct ClientUsage {
    /// How many connections.
    pub(super) places: usize,
    /// Octets of memory that they hold.
    pub(super) octets: usize,
}

impl Entry {
    /// A connection that has just come, and holds nothing.
    pub(super) fn new(client: IpAddr, close: CancellationToken) -> Self {
        Self { client, active: Instant::now(), octets: 0, close }
    }
}

impl Open {
    /// Adds a connection, and gives its number.
    pub(super) fn add(&mut self, entry: Entry) -> u64 {
        let number = self.count;
        self.count += 1;
        self.held.entry(entry.client).or_default().places += 1;
        self.entries.insert(number, entry);
        number
    }

    /// Takes a connection out, if it is still there.
    pub(super) fn remove(&mut self, number: u64) -> Option<Entry> {
        let entry = self.entries.remove(&number)?;
        self.octets -= entry.octets;
        if let Some(held) = self.held.get_mut(&entry.client) {
            held.places -= 1;
            held.octets -= entry.octets;
            if held.places == 0 {
                self.held.remove(&entry.client);
            }
        }
        Some(entry)
    }

    /// What a client has.
    pub(super) fn of(&self, client: IpAddr) -> ClientUsage {
        self.held.get(&client).copied().unwrap_or_default()
    }

    /// A query of a connection has come.
    pub(super) fn touch(&mut self, number: u64) {
        if let Some(entry) = self.entries.get_mut(&number) {
            entry.active = Instant::now();
        }
    }

    /// Takes down what a connection holds: more octets than until now, or less. Gives its
    /// client, if it is still there.
    pub(super) fn hold(&mut self, number: u64, more: isize) -> Option<IpAddr> {
        let entry = self.entries.get_mut(&number)?;
        let octets = entry.octets.saturating_add_signed(more);
        let before = std::mem::replace(&mut entry.octets, octets);
        self.octets = self.octets - before + octets;
        if let Some(held) = self.held.get_mut(&entry.client) {
            held.octets = held.octets - before + octets;
        }
        Some(entry.client)
    }

    /// Closes, of a client that holds the most connections, the one whose last query is the
    /// longest ago; false if there is none.
    pub(super) fn close_for_all(&mut self) -> bool {
        let most = self.held.values().map(|held| held.places).max().unwrap_or_default();
        let holds = |open: &Self, entry: &Entry| open.of(entry.client).places == most;
        self.close("too many connections: the quietest is closed", holds, |it| (0, it.active))
    }

    /// Closes the quietest connection of a client.
    pub(super) fn close_of(&mut self, client: IpAddr) {
        let is_its = |_: &Self, entry: &Entry| entry.client == client;
        self.close("too many connections: the quietest is closed", is_its, |it| (0, it.active));
    }

    /// Closes, of a client or else of the one that holds the most memory, the connection that
    /// holds the most, and of such the quietest; false if there is none.
    pub(super) fn close_heaviest(&mut self, client: Option<IpAddr>) -> bool {
        let heaviest = || self.held.iter().max_by_key(|(_, held)| held.octets);
        let Some(client) = client.or_else(|| heaviest().map(|(client, _)| *client)) else {
            return false;
        };
        let is_its = |_: &Self, entry: &Entry| entry.client == client;
        let text = "too much memory for connections: the one that holds most is closed";
        self.close(text, is_its, |it| (usize::MAX - it.octets, it.active))
    }

    /// Closes the first connection, in some order, of those that are meant; false if there is
    /// none.
    fn close(
        &mut self,
        why: &str,
        is_meant: impl Fn(&Self, &Entry) -> bool,
        order: impl Fn(&Entry) -> (usize, Instant),
    ) -> bool {
        let meant = self.entries.iter().filter(|(_, entry)| is_meant(self, entry));
        let first = meant.max_by_key(|(_, entry)| Reverse(order(entry)));
        let closed = first.map(|(number, _)| *number).and_then(|number| self.remove(number));
        if let Some(entry) = &closed {
            tracing::debug!(client = %entry.client, octets = entry.octets, "{why}");
            entry.close.cancel();
        }
        closed.is_some()
    }
}
