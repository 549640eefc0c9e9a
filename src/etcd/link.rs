//! One connection to one member.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use etcd_client::Client;

/// A connection that has been answered on.
#[derive(Clone)]
pub(super) struct MemberConnection {
    /// The client, logged in.
    pub(super) client: Arc<Client>,
    /// Its number.
    pub(super) serial: u64,
    /// The edition of the credentials it was made with.
    pub(super) edition: u64,
    /// When it was made.
    pub(super) since: Instant,
    /// When it was last answered on, in microseconds after it was made.
    answered: Arc<AtomicU64>,
}

impl MemberConnection {
    /// A connection that has just been made.
    pub(super) fn new(client: Client, serial: u64, edition: u64) -> Self {
        let (client, answered) = (Arc::new(client), Arc::default());
        Self { client, serial, edition, since: Instant::now(), answered }
    }

    /// It was answered on.
    pub(super) fn hear(&self) {
        self.answered.fetch_max(self.age(), Ordering::Relaxed);
    }

    /// Whether it was answered on after a moment, given as its age then.
    pub(super) fn is_heard_since(&self, age: u64) -> bool {
        self.answered.load(Ordering::Relaxed) > age
    }

    /// How old it is, in microseconds.
    pub(super) fn age(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}
