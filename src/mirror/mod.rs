//! The mirror: etcd into the registry's table. The only reader of etcd that stays.
//!
//! # Sessions
//! A session is one complete list and the watch that follows it. The list is linearizable,
//! paged at one revision R; the watch begins at R + 1. Whatever ends a session, there is
//! one way on: the next session, on the next endpoint (on the same one where the registry
//! itself said no), which begins with a list. Resuming a watch would be cheaper, but a registry restored or wiped behind our back cannot be
//! told from one that went on, and the cost of a list (0.2 s for 100,000 keys) is paid
//! once per failure of a member.
//!
//! # What ends a session
//! The member dies or closes (an error, or the end of the stream). The watch is cancelled,
//! by compaction or permission: etcd says so in band and leaves the stream open. A member
//! is frozen or cut off: nothing says so, therefore a silence of [`PROGRESS_AFTER`] asks
//! for a report of progress and a silence of [`SILENCE_LIMIT`] ends the session. The
//! revision or the cluster goes back to another history.
//!
//! # Truth
//! A linearizable list is the truth, whatever its revision. While it is read nothing
//! changes; once complete, all differences are published as one generation. Events are
//! applied in batches of what is ready, never by a timer, and a revision whose events come
//! in fragments is published only when its last fragment is here. Events of a revision
//! that is held already are left out.
//!
//! # Revisions
//! What is held is confirmed by lists, by events, and by reports of progress where the
//! server's release never lets those overtake events ([`Etcd::orders_progress`]);
//! elsewhere they only prove that the member lives.
//!
//! # Outages
//! Nothing is ever removed because etcd is away. After [`STALE_AFTER`] without a word the
//! answers say that they may be old; they go on for ever.

mod listing;

use std::collections::BTreeMap;
use std::mem::{Discriminant, discriminant};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::{Instant, sleep, timeout};

use crate::backoff::Backoff;
use crate::etcd::{Error, Etcd, Message, Messages, Requests};
use crate::registry::{Change, Freshness, Layout, Publish, Table, Update};

pub use self::listing::list;

/// After this silence a report of progress is asked for. etcd answers within
/// milliseconds; one small message every other second is no load.
const PROGRESS_AFTER: Duration = Duration::from_secs(2);
/// After this silence the member is given up: two requests went unanswered.
const SILENCE_LIMIT: Duration = Duration::from_secs(5);
/// After this silence answers are marked stale (contract: 10 s).
const STALE_AFTER: Duration = Duration::from_secs(10);
/// The first wait before another session, and the longest. A mirror is one client per
/// server, so trying every second storms nobody.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// A session that lived this long was a good one: the next begins without a long wait.
const GOOD_SESSION: Duration = Duration::from_secs(10);
/// An outage is logged again after this time.
const LOG_AGAIN: Duration = Duration::from_secs(60);
/// Messages taken into one generation at the most, so that a steady stream of events is
/// shown as it comes.
const BATCH_MESSAGES: usize = 1_000;
/// Keys or changes above which work is announced to the runtime as blocking, so that the
/// other tasks of the thread go elsewhere: some milliseconds, at 2 to 20 µs each.
const STALL: usize = 256;

/// Follows the keys of one zone and tells a publisher what changes.
#[derive(Debug)]
pub struct Mirror<P> {
    /// Where the registry is.
    etcd: Etcd,
    /// What is held.
    table: Table,
    /// Who is told.
    publisher: P,
    /// When something was last heard.
    freshness: Arc<Freshness>,
    /// The endpoint that the session stands on.
    endpoint: String,
    /// The revision and cluster of what is held, once something is.
    held: Option<(i64, u64)>,
    /// When a failure was last logged, and which kind, while there is nothing but failures.
    logged: Option<(Instant, Discriminant<Error>)>,
    /// What the table knows and the publisher was not told yet: a revision whose events
    /// are not complete. Should the session end so, it goes with the next list.
    untold: Vec<Change>,
}

impl<P: Publish> Mirror<P> {
    /// A mirror that holds nothing yet.
    pub fn new(etcd: Etcd, layout: Layout, publisher: P, freshness: Arc<Freshness>) -> Self {
        Self {
            endpoint: etcd.endpoint(),
            etcd,
            table: Table::new(layout),
            publisher,
            freshness,
            held: None,
            logged: None,
            untold: Vec::new(),
        }
    }

    /// Mirrors until dropped.
    pub async fn run(mut self) {
        let (etcd, freshness) = (self.etcd.clone(), Arc::clone(&self.freshness));
        tokio::select! {
            () = self.sessions() => (),
            never = etcd.upkeep() => match never {},
            () = mark_stale(&freshness) => (),
        }
    }

    /// One session after the other, for ever.
    async fn sessions(&mut self) {
        let mut backoff = Backoff::new(RETRY.0, RETRY.1);
        loop {
            let begun = Instant::now();
            self.endpoint = self.etcd.endpoint();
            let Err(end) = self.session().await;
            self.log(&end);
            // Another call may have left it already, for one that works. What the registry
            // itself refuses, it refuses everywhere.
            if !end.is_answer() {
                self.etcd.leave(&self.endpoint);
            }
            if begun.elapsed() > GOOD_SESSION {
                backoff.reset();
            }
            sleep(backoff.wait()).await;
        }
    }

    /// Says why a session ended; in an outage not at every try, unless the reason has become
    /// one that somebody must do something about.
    fn log(&mut self, end: &Error) {
        let kind = discriminant(end);
        let is_known = |of| of == kind || !end.needs_somebody();
        if self.logged.is_some_and(|(at, of)| at.elapsed() < LOG_AGAIN && is_known(of)) {
            tracing::debug!("the registry is still away: {end}");
            return;
        }
        self.logged = Some((Instant::now(), kind));
        let endpoint = &self.endpoint;
        tracing::warn!(%endpoint, "following the registry ended, it is listed again: {end}");
    }

    /// One list and the watch that follows it.
    async fn session(&mut self) -> Result<std::convert::Infallible, Error> {
        let (revision, cluster) = self.list().await?;
        let orders_progress = self.etcd.orders_progress().await?;
        let range = self.table.layout().range();
        let (mut requests, mut messages) = self.etcd.watch(&range, revision + 1).await?;
        self.endpoint = self.etcd.endpoint();
        let mut held = revision;
        loop {
            let message = self.next_message(&mut requests, &mut messages).await?;
            check_history(&message, held, cluster)?;
            held = self.take_batch(message, &mut messages, held, orders_progress).await?;
            self.held = Some((held, cluster));
        }
    }

    /// Reads a complete list and publishes what differs.
    async fn list(&mut self) -> Result<(i64, u64), Error> {
        let (revision, cluster) =
            listing::into_table(&self.etcd, &mut self.table, &self.freshness).await?;
        self.note_other_history(revision, cluster);
        self.logged = None;
        // A list of a million keys takes seconds to apply.
        without_stalling(usize::MAX, || {
            let mut changes = std::mem::take(&mut self.untold);
            changes.extend(self.table.finish_listing());
            tracing::info!(
                endpoint = %self.etcd.endpoint(), revision, changes = changes.len(),
                problems = self.table.problems().count(), strays = %in_words(&self.table.strays()),
                "the registry was listed"
            );
            self.publisher.publish(Update { revision, changes });
        });
        self.held = Some((revision, cluster));
        Ok((revision, cluster))
    }

    /// Says aloud that the registry's history is not the one that was followed.
    fn note_other_history(&self, revision: i64, cluster: u64) {
        match self.held {
            Some((held, of)) if of != cluster => {
                tracing::error!(
                    held,
                    revision,
                    "the registry is another cluster now ({of:x} became {cluster:x})"
                );
            }
            Some((held, _)) if revision < held => {
                tracing::error!(
                    held,
                    revision,
                    "the registry's revision went back: restored or wiped"
                );
            }
            _ => (),
        }
    }

    /// Waits for a message; asks for progress in a silence, and ends a long one.
    async fn next_message(
        &self,
        requests: &mut Requests,
        messages: &mut Messages,
    ) -> Result<Message, Error> {
        let message = match timeout(PROGRESS_AFTER, messages.next()).await {
            Ok(message) => message?,
            Err(_) => {
                requests.progress().await?;
                let left = SILENCE_LIMIT - PROGRESS_AFTER;
                timeout(left, messages.next()).await.map_err(|_| Error::Silent(SILENCE_LIMIT))??
            }
        };
        self.freshness.heard();
        Ok(message)
    }

    /// Applies a message and all that are ready behind it, and publishes them together.
    /// Gives the revision that is held then.
    async fn take_batch(
        &mut self,
        first: Message,
        messages: &mut Messages,
        held: i64,
        orders_progress: bool,
    ) -> Result<i64, Error> {
        let mut is_partial = first.is_fragment;
        let mut revision = self.apply(&first, held, orders_progress);
        for _ in 1..BATCH_MESSAGES {
            let next = match next_of_batch(messages, is_partial).await {
                Some(Ok(message)) => message,
                Some(Err(error)) if is_partial => return Err(error),
                Some(Err(error)) => {
                    self.publish(revision, held);
                    return Err(error);
                }
                None => break,
            };
            is_partial = next.is_fragment;
            revision = self.apply(&next, revision, orders_progress);
        }
        if is_partial {
            return Ok(revision);
        }
        self.publish(revision, held);
        Ok(revision)
    }

    /// Tells the publisher what is new, if anything is.
    fn publish(&mut self, revision: i64, held: i64) {
        if revision > held || !self.untold.is_empty() {
            let changes = std::mem::take(&mut self.untold);
            let publisher = &mut self.publisher;
            without_stalling(changes.len(), || publisher.publish(Update { revision, changes }));
        }
    }

    /// Applies a message. Gives the revision that is held with it.
    fn apply(&mut self, message: &Message, held: i64, orders_progress: bool) -> i64 {
        if message.events.is_empty() && orders_progress {
            return held.max(message.revision);
        }
        let news = message.events.iter().filter(|event| event.revision > held);
        let mut revision = held;
        without_stalling(message.events.len(), || {
            for event in news {
                let change = match &event.value {
                    Some(value) => self.table.put(&event.key, value),
                    None => self.table.delete(&event.key),
                };
                self.untold.extend(change);
                revision = event.revision;
            }
        });
        // While the rest of its last revision is to come, that one is not held yet.
        if message.is_fragment { held } else { revision }
    }
}

/// Counts by segment, the first few of them: `3 (too: 2, web: 1)`.
fn in_words(counts: &BTreeMap<String, usize>) -> String {
    /// Segments that tell a reader whose keys they are.
    const SHOWN: usize = 8;
    let total: usize = counts.values().sum();
    let shown: Vec<_> =
        counts.iter().take(SHOWN).map(|(segment, count)| format!("{segment}: {count}")).collect();
    let more = if counts.len() > SHOWN { ", …" } else { "" };
    if shown.is_empty() {
        total.to_string()
    } else {
        format!("{total} ({}{more})", shown.join(", "))
    }
}

/// Does work of so many steps; if they are many, as blocking, so that the queries which
/// wait for this thread are answered by another.
fn without_stalling<T>(steps: usize, work: impl FnOnce() -> T) -> T {
    if steps > STALL { tokio::task::block_in_place(work) } else { work() }
}

/// The next message that belongs to a batch: one that is ready, or the rest of a revision.
async fn next_of_batch(
    messages: &mut Messages,
    is_partial: bool,
) -> Option<Result<Message, Error>> {
    if !is_partial {
        return messages.next().now_or_never();
    }
    let rest = timeout(SILENCE_LIMIT, messages.next()).await;
    Some(rest.unwrap_or(Err(Error::Silent(SILENCE_LIMIT))))
}

/// Ends the session when a message belongs to another history than the list did.
fn check_history(message: &Message, held: i64, cluster: u64) -> Result<(), Error> {
    if message.cluster != cluster {
        return Err(Error::Ended("another cluster answers".to_owned()));
    }
    if message.revision < held {
        let text = format!("the revision went back from {held} to {}", message.revision);
        return Err(Error::Ended(text));
    }
    Ok(())
}

/// Keeps the mark of staleness right, for ever.
async fn mark_stale(freshness: &Freshness) {
    loop {
        sleep(freshness.judge(STALE_AFTER)).await;
    }
}
