//! The endpoints of one registry, the one in use, and a connection to each.
//!
//! # One connection at a time
//! Calls that find no connection share the one that is being made, and what it ends with:
//! ten thousand registrations that come back together make one. After a failure the
//! endpoint is left alone for a moment that doubles ([`UNREACHABLE`], [`REFUSED`]); who asks
//! meanwhile is told that failure.
//!
//! # Another edition of the credentials
//! When the files have changed, the next call begins another connection. The old one goes
//! on until the new one stands, and if the registry refuses the new one, beyond that.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use etcd_client::Client;
use tokio::sync::watch::{Receiver, Sender, channel};

use super::Error;
use super::link::MemberConnection;
use crate::backoff::Backoff;
use crate::lock::Lock;

/// How long an endpoint that cannot be reached is left alone, at first and at most. A
/// member that comes back is found within the latter.
const UNREACHABLE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// The same after a refused login: etcd spends 50 ms of CPU and more on each password.
const REFUSED: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));
/// A connection that breaks before this age counts as one that could not be made: what
/// accepts and then drops us is no better than what does not accept.
const GOOD_LINK: Duration = Duration::from_secs(5);

/// The endpoints of one registry. The lock is held for a look, never over an await.
pub(super) struct Endpoints {
    /// What the lock guards.
    inner: Lock<Inner>,
}

/// The list, the choice, the connections.
struct Inner {
    /// The addresses; the first `configured` of them stay for ever.
    addresses: Vec<String>,
    /// How many addresses the connection string names.
    configured: usize,
    /// Which one is in use.
    at: usize,
    /// What is known of each address that was used.
    doors: HashMap<String, EndpointState>,
    /// The number of the connection made last.
    serial: u64,
}

/// One address, and what is known of it.
struct EndpointState {
    link: Option<MemberConnection>,
    /// How the connection ends that is being made.
    opening: Option<Receiver<Option<Result<MemberConnection, Error>>>>,
    /// Why it is left alone, and how long.
    trouble: Option<Trouble>,
    /// Between tries to reach it.
    unreachable: Backoff,
    /// Between tries to log in.
    refused: Backoff,
    /// Whether it answers no request for progress, though it lives.
    is_mute: bool,
}

/// The reason why an address is left alone.
struct Trouble {
    /// What went wrong.
    error: Error,
    /// How long it is left alone.
    until: Instant,
    /// With which edition of the credentials.
    edition: u64,
}

/// A way to come by a connection.
pub(super) enum Connecting {
    /// There is one.
    Open(MemberConnection),
    /// Somebody makes one: wait for it.
    Opening(Receiver<Option<Result<MemberConnection, Error>>>),
    /// It failed a moment ago.
    Shut(Error),
}

/// The duty to make a connection: what it ends with goes to [`Endpoints::settle`].
pub(super) type ConnectTask = Sender<Option<Result<MemberConnection, Error>>>;

impl Endpoints {
    /// The endpoints of a connection string. The first choice is drawn, so that a fleet
    /// spreads over the members.
    pub(super) fn new(addresses: Vec<String>) -> Self {
        let at = fastrand::usize(..addresses.len().max(1));
        let configured = addresses.len();
        let inner = Inner { addresses, configured, at, doors: HashMap::new(), serial: 0 };
        Self { inner: Lock::new(inner) }
    }

    /// Every address once, the one in use first: the order in which one call tries them,
    /// whatever other calls find out meanwhile.
    pub(super) fn in_order(&self) -> Vec<String> {
        let inner = self.inner.lock();
        let (before, after) = inner.addresses.split_at(inner.at);
        [after, before].concat()
    }

    /// The address in use; an empty one where none is known yet.
    pub(super) fn current(&self) -> String {
        let inner = self.inner.lock();
        inner.addresses.get(inner.at).cloned().unwrap_or_default()
    }

    /// The addresses of the connection string, or those that DNS named in its place.
    pub(super) fn configured(&self) -> Vec<String> {
        let inner = self.inner.lock();
        inner.addresses[..inner.configured].to_vec()
    }

    /// Replaces the addresses that DNS named. Says whether that is news.
    pub(super) fn replace_configured(&self, found: &[String]) -> bool {
        let mut inner = self.inner.lock();
        let mut before = inner.addresses[..inner.configured].to_vec();
        let mut now = found.to_vec();
        before.sort_unstable();
        now.sort_unstable();
        if before == now {
            return false;
        }
        let listed = inner.addresses[inner.configured..].iter().filter(|it| !found.contains(it));
        let addresses = found.iter().chain(listed).cloned().collect();
        let first = fastrand::usize(..found.len().max(1));
        inner.configured = found.len();
        inner.set(addresses, first);
        true
    }

    /// An address failed: its connection is dropped, and the next address is used, unless
    /// somebody else has already gone on.
    pub(super) fn leave(&self, address: &str) {
        let mut inner = self.inner.lock();
        if let Some(door) = inner.doors.get_mut(address) {
            door.give_up(|_| true);
        }
        inner.pass(address);
    }

    /// A call on an address failed: the next address is used, unless somebody else has
    /// already gone on. The connection it was on is dropped, if there was one; another one
    /// may have been made meanwhile.
    pub(super) fn fail(&self, address: &str, broken: Option<&MemberConnection>) {
        let mut inner = self.inner.lock();
        if let (Some(door), Some(broken)) = (inner.doors.get_mut(address), broken) {
            door.give_up(|link| link.serial == broken.serial);
        }
        inner.pass(address);
    }

    /// Drops a connection whose login has lapsed, if it is still the one in use. Another
    /// one can be made at once.
    pub(super) fn log_out(&self, address: &str, lapsed: &MemberConnection) {
        if let Some(door) = self.inner.lock().doors.get_mut(address) {
            door.link.take_if(|link| link.serial == lapsed.serial);
        }
    }

    /// How to come by a connection made with this edition of the credentials, and the duty
    /// to make one, if it falls to the caller.
    pub(super) fn way(&self, address: &str, edition: u64) -> (Connecting, Option<ConnectTask>) {
        let mut inner = self.inner.lock();
        let door = inner.doors.entry(address.to_owned()).or_default();
        if let Some(link) = door.link.as_ref().filter(|link| link.edition == edition) {
            return (Connecting::Open(link.clone()), None);
        }
        let trouble = door.trouble.as_ref();
        let trouble = trouble.filter(|it| it.edition == edition && Instant::now() < it.until);
        // Whoever was to make one may have ended without a word.
        let opening = door.opening.as_ref().filter(|opening| opening.has_changed().is_ok());
        let (way, duty) = match (opening, trouble) {
            (Some(opening), _) => (Connecting::Opening(opening.clone()), None),
            (None, Some(trouble)) => (Connecting::Shut(trouble.error.clone()), None),
            (None, None) => {
                let (duty, opening) = channel(None);
                door.opening = Some(opening.clone());
                (Connecting::Opening(opening), Some(duty))
            }
        };
        (door.link.clone().map_or(way, Connecting::Open), duty)
    }

    /// A connection was made, or could not be: from now on this is known of the address.
    pub(super) fn settle(
        &self,
        address: &str,
        edition: u64,
        end: Result<Client, Error>,
        duty: &ConnectTask,
    ) {
        let mut inner = self.inner.lock();
        inner.serial += 1;
        let serial = inner.serial;
        let end = end.map(|client| MemberConnection::new(client, serial, edition));
        let door = inner.doors.entry(address.to_owned()).or_default();
        door.opening = None;
        door.learn(address, edition, &end);
        // Nobody may be waiting any more.
        let _ = duty.send(Some(end));
    }

    /// Whether an address is known to answer no request for progress.
    pub(super) fn is_mute(&self, address: &str) -> bool {
        self.inner.lock().doors.get(address).is_some_and(|door| door.is_mute)
    }

    /// Notes whether an address answers requests for progress. Says whether that is news.
    pub(super) fn set_mute(&self, address: &str, is_mute: bool) -> bool {
        let mut inner = self.inner.lock();
        let door = inner.doors.entry(address.to_owned()).or_default();
        std::mem::replace(&mut door.is_mute, is_mute) != is_mute
    }

    /// Whether an address is one of the connection string's.
    pub(super) fn is_configured(&self, address: &str) -> bool {
        let inner = self.inner.lock();
        inner.addresses[..inner.configured].iter().any(|it| it == address)
    }

    /// The addresses that are known.
    pub(super) fn addresses(&self) -> Vec<String> {
        self.inner.lock().addresses.clone()
    }

    /// Replaces the addresses that came from the member list; configured ones stay.
    pub(super) fn replace_listed(&self, listed: Vec<String>) {
        let mut inner = self.inner.lock();
        let mut addresses = inner.addresses[..inner.configured].to_vec();
        for address in listed {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        inner.set(addresses, 0);
    }
}

impl Inner {
    /// Replaces all addresses. The one in use stays, or the one at a place takes over.
    fn set(&mut self, addresses: Vec<String>, otherwise: usize) {
        let current = self.addresses.get(self.at);
        self.at = addresses.iter().position(|it| Some(it) == current).unwrap_or(otherwise);
        self.doors.retain(|address, _| addresses.contains(address));
        self.addresses = addresses;
    }

    /// Goes on to the next address if this one is in use.
    fn pass(&mut self, address: &str) {
        if self.addresses.get(self.at).is_some_and(|it| it == address) {
            self.at = (self.at + 1) % self.addresses.len();
        }
    }
}

impl EndpointState {
    /// Takes in how an attempt to connect ended.
    fn learn(&mut self, address: &str, edition: u64, end: &Result<MemberConnection, Error>) {
        let error = match end {
            Ok(link) => {
                self.link = Some(link.clone());
                self.trouble = None;
                self.refused.reset();
                return;
            }
            Err(error) => error.clone(),
        };
        let is_news = self.trouble.as_ref().is_none_or(|it| it.edition != edition);
        if self.link.is_some() && is_news {
            tracing::warn!(
                "{address}: the new certificates or password do not work; keeping the connection made \
                 with the old ones: {error}"
            );
        }
        let backoff = if error.is_refusal() { &mut self.refused } else { &mut self.unreachable };
        let until = Instant::now() + backoff.wait();
        self.trouble = Some(Trouble { error, until, edition });
    }

    /// Drops the connection, if it is the one that is meant.
    fn give_up(&mut self, is_meant: impl FnOnce(&mut MemberConnection) -> bool) {
        let Some(link) = self.link.take_if(is_meant) else { return };
        if link.since.elapsed() > GOOD_LINK {
            self.unreachable.reset();
            return;
        }
        let error = Error::Transport("the connection broke soon after it was made".to_owned());
        let until = Instant::now() + self.unreachable.wait();
        self.trouble = Some(Trouble { error, until, edition: link.edition });
    }
}

impl Default for EndpointState {
    fn default() -> Self {
        Self {
            link: None,
            opening: None,
            trouble: None,
            unreachable: Backoff::new(UNREACHABLE.0, UNREACHABLE.1),
            refused: Backoff::new(REFUSED.0, REFUSED.1),
            is_mute: false,
        }
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
        endpoints.leave(&first);
        assert_ne!(endpoints.current(), first);
        endpoints.replace_listed(vec!["b".into(), "c".into()]);
        assert_eq!(endpoints.addresses(), ["a", "b", "c"]);
        while endpoints.current() != "c" {
            endpoints.leave(&endpoints.current());
        }
        endpoints.replace_listed(vec![]);
        assert_eq!(endpoints.in_order(), ["a", "b"]);
    }

    #[test]
    fn one_connects_the_others_wait_and_a_failure_is_remembered() {
        let endpoints = Endpoints::new(vec!["a".into()]);
        let (way, duty) = endpoints.way("a", 0);
        let duty = duty.expect("the first is to connect");
        assert!(matches!(way, Connecting::Opening(_)));
        assert!(matches!(endpoints.way("a", 0), (Connecting::Opening(_), None)));
        endpoints.settle("a", 0, Err(Error::Transport("refused".into())), &duty);
        assert!(matches!(endpoints.way("a", 0), (Connecting::Shut(Error::Transport(_)), None)));
        // Other credentials are tried at once.
        assert!(matches!(endpoints.way("a", 1), (Connecting::Opening(_), Some(_))));
    }

    #[tokio::test]
    async fn a_connection_that_breaks_at_once_is_not_made_again_at_once() {
        let channel = tonic::transport::Endpoint::from_static("http://127.0.0.1:1").connect_lazy();
        let client = Client::from_channel(etcd_client::Channel::Tonic(channel), None).await;
        let endpoints = Endpoints::new(vec!["a".into()]);
        let duty = endpoints.way("a", 0).1.expect("the first is to connect");
        endpoints.settle("a", 0, Ok(client.unwrap()), &duty);
        let (Connecting::Open(link), None) = endpoints.way("a", 0) else {
            panic!("it is connected")
        };
        endpoints.log_out("a", &link);
        let duty = endpoints.way("a", 0).1.expect("a lapsed login is renewed at once");
        endpoints.settle("a", 0, Ok(Client::clone(&link.client)), &duty);
        endpoints.fail("a", Some(&link));
        let (Connecting::Open(link), None) = endpoints.way("a", 0) else {
            panic!("another was meant")
        };
        endpoints.fail("a", Some(&link));
        assert!(matches!(endpoints.way("a", 0), (Connecting::Shut(_), None)));
    }
}
