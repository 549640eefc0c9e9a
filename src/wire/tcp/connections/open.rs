//! The open connections, the memory that they hold, and which of them must go.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use crate::connections::{ConnectionTable, OpenConnection};

/// The open connections and their memory.
#[derive(Debug, Default)]
pub(super) struct Open {
    /// The connections.
    pub(super) table: ConnectionTable<Usage>,
    /// Octets that those of each client hold, where they hold any.
    held: HashMap<IpAddr, usize>,
    /// Octets that all of them hold.
    pub(super) octets: usize,
}

/// The use of one connection.
#[derive(Debug)]
pub(super) struct Usage {
    /// When its last query came.
    active: Instant,
    /// Whether it can carry queries: under TLS, whether the handshake is done.
    has_begun: bool,
    /// Octets of memory that it holds.
    octets: usize,
}

impl Usage {
    /// Its place among connections of which the quietest goes.
    const fn quiet(&self) -> (bool, Instant) {
        (self.has_begun, self.active)
    }
}

impl Open {
    /// Adds a connection that holds nothing. Gives its number, and what is cancelled when it is
    /// to close.
    pub(super) fn add(&mut self, client: IpAddr) -> (u64, CancellationToken) {
        self.table.add(client, Usage { active: Instant::now(), has_begun: true, octets: 0 })
    }

    /// Gives a connection, which can carry queries now, to the client that it is of.
    pub(super) fn give(&mut self, number: u64, client: IpAddr) {
        let Some(it) = self.table.get_mut(number) else { return };
        it.state.has_begun = true;
        let (before, octets) = (it.client, it.state.octets);
        self.table.give(number, client);
        if octets > 0 {
            self.lower(before, octets);
            *self.held.entry(client).or_default() += octets;
        }
    }

    /// Takes a connection out, if it is still there.
    pub(super) fn remove(&mut self, number: u64) {
        if let Some(gone) = self.table.remove(number) {
            self.release(&gone);
        }
    }

    /// Octets that a client holds.
    pub(super) fn held_by(&self, client: IpAddr) -> usize {
        self.held.get(&client).copied().unwrap_or_default()
    }

    /// A query of a connection has come.
    pub(super) fn touch(&mut self, number: u64) {
        if let Some(it) = self.table.get_mut(number) {
            it.state.active = Instant::now();
        }
    }

    /// Takes down whether a connection can carry queries; those that cannot yet go first.
    pub(super) fn begin(&mut self, number: u64, has_begun: bool) {
        if let Some(it) = self.table.get_mut(number) {
            it.state.has_begun = has_begun;
        }
    }

    /// Takes down what a connection holds: more octets than until now, or less. Gives its
    /// client, if it is still there.
    pub(super) fn hold(&mut self, number: u64, more: isize) -> Option<IpAddr> {
        let OpenConnection { client, state, .. } = self.table.get_mut(number)?;
        let octets = state.octets.saturating_add_signed(more);
        let before = std::mem::replace(&mut state.octets, octets);
        let client = *client;
        self.octets = self.octets - before + octets;
        let held = self.held.entry(client).or_default();
        *held = *held - before + octets;
        Some(client)
    }

    /// Closes, of a client that holds the most connections, the one whose last query is the
    /// longest ago; false if there is none.
    pub(super) fn close_for_all(&mut self) -> bool {
        let most = self.table.most();
        let why = "too many connections: the quietest is closed";
        self.close(why, |table, it| (table.of(it.client) == most).then(|| it.state.quiet()))
    }

    /// Closes the quietest connection of a client.
    pub(super) fn close_of(&mut self, client: IpAddr) {
        let why = "too many connections: the quietest is closed";
        self.close(why, |_, it| (it.client == client).then(|| it.state.quiet()));
    }

    /// Closes, of a client or else of the one that holds the most memory, the connection that
    /// holds the most, and of such the quietest; false if there is none.
    pub(super) fn close_heaviest(&mut self, client: Option<IpAddr>) -> bool {
        let heaviest = || self.held.iter().max_by_key(|(_, octets)| **octets);
        let Some(client) = client.or_else(|| heaviest().map(|(client, _)| *client)) else {
            return false;
        };
        let why = "too much memory for connections: the one that holds most is closed";
        let order = |it: &Usage| (usize::MAX - it.octets, it.active);
        self.close(why, |_, it| (it.client == client).then(|| order(&it.state)))
    }

    /// Closes the first connection in some order; false if there is none.
    fn close<O: Ord>(
        &mut self,
        why: &str,
        order: impl Fn(&ConnectionTable<Usage>, &OpenConnection<Usage>) -> Option<O>,
    ) -> bool {
        let closed = self.table.close_first(order);
        if let Some(it) = &closed {
            tracing::debug!(client = %it.client, octets = it.state.octets, "{why}");
            self.release(it);
        }
        closed.is_some()
    }

    /// Takes down that a connection holds nothing any more.
    fn release(&mut self, gone: &OpenConnection<Usage>) {
        self.octets -= gone.state.octets;
        self.lower(gone.client, gone.state.octets);
    }

    /// Takes down that a client's connections hold so much less.
    fn lower(&mut self, client: IpAddr, octets: usize) {
        match self.held_by(client) - octets {
            0 => self.held.remove(&client),
            held => self.held.insert(client, held),
        };
    }

    /// Whether nothing is left.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.table.count() == 0 && self.held.is_empty()
    }
}
