//! Limits of the registry: each number with its reason.
//!
//! The registry lives inside a process that has other things to do, so whatever a
//! client can make it keep has a bound. Past one of them a request is refused with
//! `ResourceExhausted` and a sentence; nothing that is already kept suffers.

use std::time::Duration;

/// Bytes of one request: the default of etcd's `--max-request-bytes`, so that what
/// fits here also fits there.
pub(super) const REQUEST_BYTES: usize = 3 * 512 * 1024;

/// Bytes that are read before a request is refused unread: etcd's allowance above
/// [`REQUEST_BYTES`], so that a request slightly too large still gets the true reason.
pub(super) const READ_BYTES: usize = REQUEST_BYTES + 512 * 1024;

/// Bytes of one key. A key is held in several places at once (history, leases,
/// watches), and the longest key of srvd, a DNS name under a prefix, is far shorter.
pub(super) const KEY_BYTES: usize = 8 * 1024;

/// Bytes of all live keys and values: hundreds of bytes for each of [`KEYS`].
pub(super) const STORED_BYTES: usize = 128 * 1024 * 1024;

/// Live keys: five times the 100,000 that must be comfortable.
pub(super) const KEYS: usize = 500_000;

/// Bytes of keys and values in one answer. One transaction could ask for everything
/// a hundred times; a client that needs more than this asks in pages.
pub(super) const ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// Revisions that can be read back and watched from: some minutes of a busy
/// development machine, and enough for 10,000 leases that all run out together.
pub(super) const HISTORY_REVISIONS: usize = 20_000;

/// Bytes of the events that are kept, for revisions that are large rather than many.
pub(super) const HISTORY_BYTES: usize = 128 * 1024 * 1024;

/// What one event costs besides its key and values: the tree nodes that its revision
/// does not share with the one before (measured at 100,000 keys, rounded up).
pub(super) const EVENT_OVERHEAD_BYTES: usize = 3 * 1024;

/// Operations in one list of a transaction: the default of etcd's `--max-txn-ops`.
pub(super) const TXN_OPS: usize = 128;

/// Operations and compares in all nested lists of a transaction together. etcd has no
/// such bound; the check for doubly written keys compares each with each.
pub(super) const TXN_TREE_OPS: usize = 1_024;

/// Leases: ten times the 10,000 registrations that must be comfortable.
pub(super) const LEASES: usize = 100_000;

/// The shortest life of a lease. etcd takes 1.5 election timeouts; there is no
/// election here, and a shorter lease would only test the scheduler.
pub(super) const MIN_TTL_SECS: i64 = 1;

/// The longest life of a lease: etcd's own limit.
pub(super) const MAX_TTL_SECS: i64 = 9_000_000_000;

/// Leases that are revoked before others may have the store again.
pub(super) const EXPIRIES_AT_ONCE: usize = 100;

/// Watches in one stream: a mirror needs one, etcdctl a handful.
pub(super) const WATCHES_PER_STREAM: usize = 1_000;

/// Bytes of events that are prepared for a stream ahead of its client. A slow client
/// makes nothing grow: its stream stops here and goes on from the history later.
pub(super) const OUTBOX_BYTES: usize = 1024 * 1024;

/// Revisions that a watch takes from the history in one turn.
pub(super) const CATCH_UP_REVISIONS: usize = 1_000;

/// Bytes above which a response is split for a watch that asked for fragments; etcd
/// splits at the same size.
pub(super) const FRAGMENT_BYTES: usize = READ_BYTES;

/// How long a watch with `progress_notify` is quiet before it is told the revision.
/// etcd waits ten minutes; here nobody is spared by waiting.
pub(super) const PROGRESS_INTERVAL: Duration = Duration::from_secs(2);

/// Connections: below the 1,024 files that a process may open by default, which
/// leaves some to the rest of it. Further ones wait to be accepted.
pub(super) const CONNECTIONS: usize = 768;

/// Streams in one connection: one client may keep 10,000 leases alive, each with a
/// stream of its own.
pub(super) const STREAMS_PER_CONNECTION: u32 = 16_384;

/// Watch and keepalive streams in the whole process.
pub(super) const STREAMS: usize = 32_768;

/// Requests of one connection that are in work at the same time.
pub(super) const REQUESTS_PER_CONNECTION: usize = 64;

/// How often a silent connection is asked whether it still lives; a laptop that went
/// to sleep gives its place back.
pub(super) const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);

/// How long the answer to that may take.
pub(super) const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// How long connections may take to close once the registry shuts down.
pub(super) const CLOSING_TIME: Duration = Duration::from_secs(2);

/// How long accepting pauses after it failed, as it does while no file is left.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The limits of the store, as a value: tests take smaller ones.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    /// See [`KEYS`].
    pub(super) keys: usize,
    /// See [`STORED_BYTES`].
    pub(super) stored_bytes: usize,
    /// See [`ANSWER_BYTES`].
    pub(super) answer_bytes: usize,
    /// See [`HISTORY_REVISIONS`].
    pub(super) history_revisions: usize,
    /// See [`HISTORY_BYTES`].
    pub(super) history_bytes: usize,
    /// See [`LEASES`].
    pub(super) leases: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            keys: KEYS,
            stored_bytes: STORED_BYTES,
            answer_bytes: ANSWER_BYTES,
            history_revisions: HISTORY_REVISIONS,
            history_bytes: HISTORY_BYTES,
            leases: LEASES,
        }
    }
}
