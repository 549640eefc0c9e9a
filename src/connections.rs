//! The table of a server's open connections: whose they are, and which is closed for another.
//!
//! What a server knows of each (since when it is quiet, what memory it holds) is the server's
//! own, and so are its limits; over a limit it says in which order they are to go.

use std::collections::HashMap;
use std::net::IpAddr;

use tokio_util::sync::CancellationToken;

/// The open connections, numbered.
#[derive(Debug)]
pub struct ConnectionTable<S> {
    /// How many there have ever been.
    count: u64,
    /// Those that are open.
    open: HashMap<u64, OpenConnection<S>>,
    /// How many each client has of them.
    clients: HashMap<IpAddr, usize>,
}

/// One connection, as the others see it.
#[derive(Debug)]
pub struct OpenConnection<S> {
    /// Whose it is.
    pub client: IpAddr,
    /// What the server knows of it.
    pub state: S,
    /// Closes it.
    close: CancellationToken,
}

impl<S> Default for ConnectionTable<S> {
    fn default() -> Self {
        Self { count: 0, open: HashMap::new(), clients: HashMap::new() }
    }
}

impl<S> ConnectionTable<S> {
    /// Adds a connection. Gives its number, and what is cancelled when it is to close.
    pub fn add(&mut self, client: IpAddr, state: S) -> (u64, CancellationToken) {
        self.count += 1;
        let close = CancellationToken::new();
        *self.clients.entry(client).or_default() += 1;
        self.open.insert(self.count, OpenConnection { client, state, close: close.clone() });
        (self.count, close)
    }

    /// Gives a connection to another client than it seemed to be of.
    pub fn give(&mut self, number: u64, client: IpAddr) {
        let Some(it) = self.open.get_mut(&number) else { return };
        let before = std::mem::replace(&mut it.client, client);
        *self.clients.entry(client).or_default() += 1;
        self.leave(before);
    }

    /// Takes a connection out, if it is still there.
    pub fn remove(&mut self, number: u64) -> Option<OpenConnection<S>> {
        let gone = self.open.remove(&number)?;
        self.leave(gone.client);
        Some(gone)
    }

    /// A client has one less.
    fn leave(&mut self, client: IpAddr) {
        if let Some(count) = self.clients.get_mut(&client) {
            *count -= 1;
            if *count == 0 {
                self.clients.remove(&client);
            }
        }
    }

    /// A connection, if it is still there.
    pub fn get_mut(&mut self, number: u64) -> Option<&mut OpenConnection<S>> {
        self.open.get_mut(&number)
    }

    /// How many are open.
    #[must_use]
    pub fn count(&self) -> usize {
        self.open.len()
    }

    /// How many a client has.
    #[must_use]
    pub fn of(&self, client: IpAddr) -> usize {
        self.clients.get(&client).copied().unwrap_or_default()
    }

    /// How many the client has that has the most.
    #[must_use]
    pub fn most(&self) -> usize {
        self.clients.values().copied().max().unwrap_or_default()
    }

    /// Closes the connection that comes first, and takes it out; those without an order stay.
    pub fn close_first<O: Ord>(
        &mut self,
        order: impl Fn(&Self, &OpenConnection<S>) -> Option<O>,
    ) -> Option<OpenConnection<S>> {
        let ordered = self.open.iter().filter_map(|(number, it)| Some((order(self, it)?, *number)));
        let (_, first) = ordered.min()?;
        let closed = self.remove(first)?;
        closed.close.cancel();
        Some(closed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_given_to_another_client_counts_as_its() {
        let (one, two) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let mut table = ConnectionTable::default();
        let (number, _) = table.add(one, ());
        for client in [two, two, one, two] {
            table.give(number, client);
        }
        assert_eq!((table.of(one), table.of(two), table.count()), (0, 1, 1));
        table.give(number + 1, one);
        assert_eq!(table.remove(number).map(|it| it.client), Some(two));
        assert_eq!((table.of(one), table.of(two), table.count()), (0, 0, 0));
    }

    #[test]
    fn the_first_in_order_is_closed_and_counted_no_more() {
        let (one, two) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let mut table = ConnectionTable::default();
        let [first, second, third] =
            [(one, 3), (one, 1), (two, 2)].map(|(it, of)| table.add(it, of));
        assert_eq!((table.count(), table.of(one), table.most()), (3, 2, 2));
        let closed = table.close_first(|_, it| Some(it.state)).unwrap();
        assert_eq!((closed.client, closed.state), (one, 1));
        let cancelled = [&first, &second, &third].map(|(_, close)| close.is_cancelled());
        assert_eq!(cancelled, [false, true, false]);
        assert!(table.remove(second.0).is_none() && table.get_mut(second.0).is_none());
        assert!(
            table
                .close_first(|_, it| (it.client != one && it.client != two).then_some(0))
                .is_none()
        );
        assert!(table.remove(third.0).is_some());
        assert_eq!((table.count(), table.of(two), table.most()), (1, 0, 1));
    }
}
