//! What stands in etcd, as a watch sees it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use etcd_client::{Client, EventType, GetOptions, WatchOptions};
use tokio::runtime::Runtime;

use crate::support::runtime;

/// The keys that are counted.
const PREFIX: &str = "/services/";
/// How often the count is looked at.
const GLANCE: Duration = Duration::from_millis(20);

/// A count that follows etcd for as long as it is kept.
pub(crate) struct Census {
    /// What was seen.
    seen: Arc<Mutex<Seen>>,
    /// Where the watch runs.
    _runtime: Runtime,
}

/// What was seen.
struct Seen {
    /// The keys that stand.
    keys: HashSet<Vec<u8>>,
    /// How many went.
    lapses: usize,
    /// When the last was put.
    last_put: Instant,
}

impl Census {
    /// Lists the keys, and follows them from there.
    pub(crate) fn of(url: &str) -> Self {
        let runtime = runtime();
        let keys = HashSet::new();
        let seen = Arc::new(Mutex::new(Seen { keys, lapses: 0, last_put: Instant::now() }));
        let mut client = runtime.block_on(Client::connect([url], None)).unwrap();
        let options = GetOptions::new().with_prefix().with_keys_only();
        let list = runtime.block_on(client.get(PREFIX, Some(options))).unwrap();
        lock(&seen).keys.extend(list.kvs().iter().map(|pair| pair.key().to_vec()));
        let from = list.header().unwrap().revision() + 1;
        runtime.spawn(follow(client, from, Arc::clone(&seen)));
        Self { seen, _runtime: runtime }
    }

    /// How many keys stand.
    pub(crate) fn standing(&self) -> usize {
        lock(&self.seen).keys.len()
    }

    /// How many keys went so far.
    pub(crate) fn lapses(&self) -> usize {
        lock(&self.seen).lapses
    }

    /// When a key was put last.
    pub(crate) fn last_put(&self) -> Instant {
        lock(&self.seen).last_put
    }

    /// Waits until so many stand.
    pub(crate) fn wait_for(&self, count: usize, limit: Duration) {
        let begun = Instant::now();
        while self.standing() != count {
            assert!(begun.elapsed() < limit, "{} of {count} stand", self.standing());
            std::thread::sleep(GLANCE);
        }
    }

    /// Waits until so many stand, and none has gone or come for some time.
    pub(crate) fn wait_for_peace(&self, count: usize, quiet: Duration, limit: Duration) {
        let (begun, mut calm) = (Instant::now(), (Instant::now(), self.lapses()));
        while self.standing() != count || calm.0.elapsed() < quiet {
            if self.lapses() != calm.1 || self.standing() != count {
                calm = (Instant::now(), self.lapses());
            }
            assert!(begun.elapsed() < limit, "{} of {count} stand", self.standing());
            std::thread::sleep(GLANCE);
        }
    }
}

/// Follows the keys until etcd is gone.
async fn follow(mut client: Client, from: i64, seen: Arc<Mutex<Seen>>) {
    let options = WatchOptions::new().with_prefix().with_start_revision(from);
    let mut watch = client.watch(PREFIX, Some(options)).await.unwrap();
    while let Ok(Some(message)) = watch.message().await {
        let mut seen = lock(&seen);
        for event in message.events() {
            let key = event.kv().unwrap().key();
            if event.event_type() == EventType::Put {
                seen.keys.insert(key.to_vec());
                seen.last_put = Instant::now();
            } else if seen.keys.remove(key) {
                seen.lapses += 1;
            }
        }
    }
}

/// The lock. Nothing that holds it can panic half way, so poison says nothing.
fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
