//! The table of connections. Over a limit one is closed, and the new one served: of those of
//! the client that holds the most, the one that has been quiet for longest. A client may
//! always come back, and one that only holds connections open must neither keep others out
//! nor drive them out (RFC 7766 section 6.2.3, RFC 9210 section 5).
//!
//! What connections hold of our memory is counted by their client, too: whoever asks for large
//! replies and takes none of them has them lie here. Over a limit, the one that holds the most
//! is closed.

mod open;

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use rustix::process::{Resource, getrlimit};

use self::open::Open;
use crate::lock::Lock;
use crate::names::client;
use crate::wire::Policies;
use crate::wire::counters::Counters;

/// Connections that are closed for a new one, where limits fell and there are too many, or the
/// system has no descriptor left: so they become fewer, and nobody waits long for the lock.
const CLOSED_MAX: usize = 8;
/// Octets that all connections together hold: queries that are not whole yet, replies that are
/// not taken yet, here and in buffers of the kernel. A server of the default size then stays
/// below 128 MiB whatever is asked of it.
const OCTETS_MAX: usize = 32 * 1024 * 1024;
/// Octets that those of one client hold. A resolver with all the connections that it may have
/// stays below it, unless it takes no replies.
const OCTETS_CLIENT_MAX: usize = OCTETS_MAX / 4;
/// The places of which one may be had by who may not be the client it says.
const UNSURE: usize = 2;
/// Descriptors that are kept for other things than connections, where there are few: sockets of
/// workers, registries, HTTP, files. Of very few it is the half.
const DESCRIPTORS_KEPT: usize = 124;

/// The limits of connections.
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
pub(in crate::wire) struct Connections {
    /// By number. The lock is held for a look at the map, never over an await.
    open: Lock<Open>,
    /// How many there may be, of the moment.
    policies: Arc<Policies>,
    /// How many the system has descriptors for.
    most: usize,
    /// What is counted about them.
    counters: Arc<Counters>,
}

/// A place among the connections, given back when dropped.
#[derive(Debug)]
pub(in crate::wire) struct ConnectionSlot {
    /// Among which.
    connections: Arc<Connections>,
    number: u64,
    /// Octets that were taken down for it, but for those of [`Account`]s.
    octets: usize,
    /// Cancelled when another takes the place.
    pub(in crate::wire) close: CancellationToken,
}

/// The memory account of a connection, for those who hold something for it elsewhere.
#[derive(Debug, Clone)]
pub(in crate::wire) struct Account {
    /// Among which.
    connections: Arc<Connections>,
    number: u64,
}

/// Octets that are taken down for a connection while they are here, wherever that is.
#[derive(Debug)]
pub(in crate::wire) struct HeldOctets {
    octets: Vec<u8>,
    /// Where.
    account: Account,
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
    pub(in crate::wire) fn new(policies: Arc<Policies>, counters: Arc<Counters>) -> Self {
        Self { open: Lock::default(), policies, most: most_connections(), counters }
    }

    /// Gives a new connection a place; it may be one that another had, or several where the
    /// limits fell.
    pub(in crate::wire) fn admit(self: &Arc<Self>, address: IpAddr) -> ConnectionSlot {
        let client = client(address);
        self.counters.tcp.accept();
        let limits = self.policies.load().tcp;
        let mut open = self.open.lock();
        for _ in 0..CLOSED_MAX {
            if open.table.of(client) >= limits.per_client {
                open.close_of(client);
                self.counters.tcp.close_for_client();
            } else if open.table.count() >= limits.connections.min(self.most) {
                open.close_for_all();
                self.counters.tcp.close_for_room();
            } else {
                break;
            }
        }
        let (number, close) = open.add(client);
        ConnectionSlot { connections: Arc::clone(self), number, octets: 0, close }
    }

    /// Whether so many places are taken, in all or by a client, that who may not be the client it
    /// says should not have one.
    pub(in crate::wire) fn is_busy(&self, address: IpAddr) -> bool {
        let (limits, open) = (self.policies.load().tcp, self.open.lock());
        open.table.of(client(address)) >= limits.per_client / UNSURE
            || open.table.count() >= limits.connections.min(self.most) / UNSURE
    }

    /// Gives a connection to the client that a proxy names. Its bounds hold for it from now on,
    /// and those of the proxy do no more.
    fn give(&self, number: u64, address: IpAddr) {
        let (client, limits) = (client(address), self.policies.load().tcp);
        let mut open = self.open.lock();
        if open.table.get_mut(number).is_none_or(|it| it.client != client) {
            for _ in 0..CLOSED_MAX {
                if open.table.of(client) < limits.per_client {
                    break;
                }
                open.close_of(client);
                self.counters.tcp.close_for_client();
            }
        }
        open.give(number, client);
    }

    /// Closes some connections to have their descriptors; false if there was none.
    pub(super) fn make_room(&self) -> bool {
        let mut open = self.open.lock();
        let closed = (0..CLOSED_MAX).take_while(|_| open.close_for_all()).count();
        (0..closed).for_each(|_| self.counters.tcp.close_for_descriptors());
        closed > 0
    }

    /// A connection was accepted and closed at once, for lack of descriptors.
    pub(super) fn turn_away(&self) {
        self.counters.tcp.accept();
        self.counters.tcp.end();
        self.counters.tcp.close_for_descriptors();
    }

    /// Takes down that a connection holds more octets than until now, or fewer, and closes
    /// those that hold the most where it is too much.
    fn hold(&self, number: u64, more: isize) {
        let mut open = self.open.lock();
        let Some(client) = open.hold(number, more) else { return };
        while open.held_by(client) > OCTETS_CLIENT_MAX && open.close_heaviest(Some(client)) {
            self.counters.tcp.close_for_octets();
        }
        while open.octets > OCTETS_MAX && open.close_heaviest(None) {
            self.counters.tcp.close_for_octets();
        }
        self.counters.tcp.hold(open.octets);
    }
}

impl ConnectionSlot {
    /// The connection holds so many octets.
    pub(super) fn hold(&mut self, octets: usize) {
        let before = std::mem::replace(&mut self.octets, octets);
        if octets != before {
            self.connections.hold(self.number, octets as isize - before as isize);
        }
    }

    /// Where others can take down what the connection holds of theirs.
    pub(in crate::wire) fn account(&self) -> Account {
        Account { connections: Arc::clone(&self.connections), number: self.number }
    }

    /// Queries were answered.
    pub(in crate::wire) fn count(&self, queries: usize) {
        self.connections.counters.tcp.answer(queries);
    }

    /// A turn ended because it took too long.
    pub(in crate::wire) fn cut_turn(&self) {
        self.connections.counters.tcp.cut_turn();
    }

    /// The client said nothing, or took nothing, for too long.
    pub(in crate::wire) fn time_out(&self) {
        self.connections.counters.tcp.time_out();
    }

    /// Whether it can carry queries: under TLS not until the handshake is done, and until then it
    /// makes room before those that do.
    pub(in crate::wire) fn begin(&self, has_begun: bool) {
        self.connections.open.lock().begin(self.number, has_begun);
    }

    /// A proxy has said for whom it is, and it can carry queries: its place is one of that client's.
    pub(super) fn give(&self, client: IpAddr) {
        self.connections.give(self.number, client);
    }

    /// A query has come.
    pub(in crate::wire) fn touch(&self) {
        self.connections.open.lock().touch(self.number);
    }
}

impl Account {
    /// The connection holds so many octets more, or fewer.
    fn change(&self, octets: isize) {
        if octets != 0 {
            self.connections.hold(self.number, octets);
        }
    }
}

impl HeldOctets {
    /// Octets that a connection holds from now on.
    pub(in crate::wire) fn new(octets: Vec<u8>, account: Account) -> Self {
        account.change(octets.capacity() as isize);
        Self { octets, account }
    }

    /// Appends octets.
    pub(in crate::wire) fn extend(&mut self, more: &[u8]) {
        let before = self.octets.capacity();
        self.octets.extend_from_slice(more);
        self.account.change((self.octets.capacity() - before) as isize);
    }
}

impl Deref for HeldOctets {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.octets
    }
}

impl AsRef<[u8]> for HeldOctets {
    fn as_ref(&self) -> &[u8] {
        &self.octets
    }
}

impl Drop for HeldOctets {
    fn drop(&mut self) {
        self.account.change(-(self.octets.capacity() as isize));
    }
}

/// How many connections the system has descriptors for.
fn most_connections() -> usize {
    let allowed = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let allowed = usize::try_from(allowed).unwrap_or(usize::MAX);
    (allowed - DESCRIPTORS_KEPT.min(allowed / 2)).max(1)
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock();
        open.remove(self.number);
        self.connections.counters.tcp.hold(open.octets);
        self.connections.counters.tcp.end();
    }
}

#[cfg(test)]
mod tests;
