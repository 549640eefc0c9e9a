//! Watching many keys over one stream.
//!
//! Each key has a watch of its own, so that a busy registry tells us nothing that is not
//! ours; all of them share a stream. What they say is only a hint: whoever is called looks
//! at the key itself. So nothing is lost when the stream breaks, and a watch that begins
//! calls once, for it knows nothing of what was before.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use etcd_client::proto::PbWatchResponse;
use etcd_client::{Client, WatchOptions, WatchRequestSender, WatchResponseStream};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep, timeout};

use super::look;
use super::outage::Outage;
use crate::backoff::Backoff;
use crate::etcd::watch::cancelled;
use crate::etcd::{Error, Etcd};

/// The first wait before the stream is opened again, and the longest. It only hastens what
/// heartbeats find out anyway, and 10,000 watches are as many messages.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));
/// The part of that wait after which the return of a registry that was away ends it.
const HASTE: u32 = 10;
/// A stream that lasted so long was a good one: the next is opened without a long wait.
const GOOD_STREAM: Duration = Duration::from_secs(30);

/// The watches of all keys.
pub(super) struct Watches {
    /// Where they are.
    etcd: Etcd,
    /// What is known of an outage.
    outage: Arc<Outage>,
    /// The number of the next watch. Numbers begin at 1, for 0 lets etcd choose.
    next: AtomicI64,
    /// The task behind the stream, once it is needed. Who watches sends one order at its
    /// begin and one at its end, so there are never more than two for each.
    orders: OnceLock<mpsc::UnboundedSender<Order>>,
}

/// A key being watched, for as long as this is kept.
#[derive(Debug)]
pub struct KeyWatch {
    /// Its number.
    id: i64,
    /// What is called when it changes.
    changed: Arc<Notify>,
    /// Ends the watch.
    orders: mpsc::UnboundedSender<Order>,
}

/// An order to the task behind the stream.
#[derive(Debug)]
enum Order {
    /// Watch a key under this number.
    Begin(i64, Subscription),
    /// Stop watching it.
    End(i64),
}

/// A key, and what is called when it changes.
#[derive(Debug)]
struct Subscription {
    key: String,
    /// What is called.
    changed: Arc<Notify>,
}

/// The task behind the stream.
struct WatchTask {
    /// Where the keys are.
    etcd: Etcd,
    /// What is known of an outage.
    outage: Arc<Outage>,
    /// What is to be done.
    orders: mpsc::UnboundedReceiver<Order>,
    /// What is watched.
    entries: HashMap<i64, Subscription>,
    /// What etcd is still to be told: begin these, or end them where they are not watched
    /// any more.
    untold: VecDeque<i64>,
}

impl Watches {
    /// Nothing is opened until it is needed.
    pub(super) const fn new(etcd: Etcd, outage: Arc<Outage>) -> Self {
        Self { etcd, outage, next: AtomicI64::new(1), orders: OnceLock::new() }
    }

    /// Watches a key. [`KeyWatch::changed`] returns when it may have changed.
    pub(super) fn watch(&self, key: &str) -> KeyWatch {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (changed, orders) = (Arc::new(Notify::new()), self.orders().clone());
        let entry = Subscription { key: key.to_owned(), changed: Arc::clone(&changed) };
        // The task ends only with the runtime, and then nobody needs to be called.
        let _ = orders.send(Order::Begin(id, entry));
        KeyWatch { id, changed, orders }
    }

    /// The task behind the stream.
    fn orders(&self) -> &mpsc::UnboundedSender<Order> {
        self.orders.get_or_init(|| {
            let (sender, orders) = mpsc::unbounded_channel();
            let (etcd, outage) = (self.etcd.clone(), Arc::clone(&self.outage));
            let (entries, untold) = Default::default();
            tokio::spawn(WatchTask { etcd, outage, orders, entries, untold }.run());
            sender
        })
    }
}

impl KeyWatch {
    /// Waits until the key may have changed.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }
}

impl Drop for KeyWatch {
    fn drop(&mut self) {
        let _ = self.orders.send(Order::End(self.id));
    }
}

impl WatchTask {
    /// Opens the stream and follows it, again and again, while anything is watched.
    async fn run(mut self) {
        let mut backoff = Backoff::new(RETRY.0, RETRY.1);
        while self.is_needed().await {
            let begun = Instant::now();
            let end = self.follow().await;
            if begun.elapsed() > GOOD_STREAM {
                backoff.reset();
            }
            let wait = backoff.wait();
            match end {
                Err(error) if error.is_away() => {
                    tracing::debug!("keys are not watched for a while: {error}");
                    sleep(wait / HASTE).await;
                    let back = self.outage.is_over(|| look(&self.etcd));
                    let _ = timeout(wait, back).await;
                }
                end => {
                    tracing::debug!("keys are not watched for a moment: {end:?}");
                    sleep(wait).await;
                }
            }
        }
    }

    /// Waits for something to watch; false when nobody can ask any more.
    async fn is_needed(&mut self) -> bool {
        while let Ok(order) = self.orders.try_recv() {
            self.obey(order);
        }
        while self.entries.is_empty() {
            let Some(order) = self.orders.recv().await else { return false };
            self.obey(order);
        }
        true
    }

    /// Follows one stream to its end.
    async fn follow(&mut self) -> Result<(), Error> {
        let Some(first) = self.entries.keys().next().copied() else { return Ok(()) };
        self.untold = self.entries.keys().copied().filter(|id| *id != first).collect();
        let open = open(&self.etcd, first, &self.entries[&first].key);
        let (mut requests, mut answers) = self.outage.guard(open).await?;
        self.entries[&first].changed.notify_one();
        loop {
            tokio::select! {
                order = self.orders.recv() => match order {
                    Some(order) => self.obey(order),
                    None => return Ok(()),
                },
                told = tell(&mut requests, self.untold.front().copied(), &self.entries) => {
                    told?;
                    self.untold.pop_front();
                }
                answer = answers.message() => match answer? {
                    Some(answer) => self.hear(&answer.0)?,
                    None => return Err(Error::Ended("the member closed it".to_owned())),
                },
            }
        }
    }

    /// Takes an order.
    fn obey(&mut self, order: Order) {
        match order {
            Order::Begin(id, entry) => {
                self.entries.insert(id, entry);
                self.untold.push_back(id);
            }
            Order::End(id) => {
                self.entries.remove(&id);
                self.untold.push_back(id);
            }
        }
    }

    /// Calls whom a message is about. One that ends a watch that we want ends the stream: a
    /// login may have run out, and the call that opens the next one renews it.
    fn hear(&self, message: &PbWatchResponse) -> Result<(), Error> {
        let Some(entry) = self.entries.get(&message.watch_id) else { return Ok(()) };
        if message.created || message.canceled || !message.events.is_empty() {
            entry.changed.notify_one();
        }
        if message.canceled { Err(cancelled(&message.cancel_reason, 0, 0)) } else { Ok(()) }
    }
}

/// What one watch asks for: one key, from now on.
fn options(id: i64) -> Option<WatchOptions> {
    Some(WatchOptions::new().with_watch_id(id))
}

/// Opens the stream with its first watch.
async fn open(
    etcd: &Etcd,
    id: i64,
    key: &str,
) -> Result<(WatchRequestSender, WatchResponseStream), Error> {
    let open = |client: Client| {
        let mut watch = client.watch_client();
        async move {
            let (requests, mut answers) = watch.watch(key, options(id)).await?.split();
            // A refusal comes in the place of the word that it was created.
            match answers.message().await? {
                Some(answer) if answer.canceled() => Err(cancelled(answer.cancel_reason(), 0, 0)),
                _ => Ok((requests, answers)),
            }
        }
    };
    etcd.call(etcd.timeout(), open).await
}

/// Tells etcd of one watch that begins, or that ended. Waits for ever when there is none.
async fn tell(
    requests: &mut WatchRequestSender,
    id: Option<i64>,
    entries: &HashMap<i64, Subscription>,
) -> Result<(), Error> {
    let Some(id) = id else { return std::future::pending().await };
    let told = match entries.get(&id) {
        Some(entry) => requests.watch(entry.key.as_str(), options(id)).await,
        None => requests.cancel(id).await,
    };
    told.map_err(Error::from)
}
