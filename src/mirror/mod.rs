//! The mirror: etcd into the registry's table. The only reader of etcd that stays.
//!
//! # Sessions
//! A session is one complete list and the watch that follows it. The list is linearizable,
//! paged at one revision R; the watch begins at R too, and what it says of R is left out:
//! etcd from 3.5.22 and 3.6.2 on answers no request for progress to a watch that begins in
//! the future, and where nothing changes R + 1 is the future for ever. Whatever ends a
//! session, there is one way on: the next session, on the next endpoint (on the same one
//! where the registry itself said no), which begins with a list. Resuming a watch would be
//! cheaper, but a registry restored or wiped behind our back cannot be told from one that
//! went on, and the cost of a list (0.2 s for 100,000 keys) is paid once per failure of a
//! member.
//!
//! # What ends a session
//! The member dies or closes (an error, or the end of the stream). The watch is cancelled,
//! by compaction or permission: etcd says so in band and leaves the stream open. A member
//! is frozen or cut off: nothing says so, therefore a silence of [`PROGRESS_AFTER`] asks
//! for a report of progress and a silence of [`SILENCE_LIMIT`] ends the session. Where no
//! report is to be had ([`silence`]) a read of one key takes its place. The revision or the
//! cluster goes back to another history. What should end does not: the pages of a list, the
//! fragments of a message.
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
//! elsewhere they only prove that the member lives, and so does a read in their place.
//!
//! # Outages
//! Nothing is ever removed because etcd is away. After [`STALE_AFTER`] without a word the
//! answers say that they may be old; they go on for ever, or as long as `max-stale` says.
//!
//! # Beside the sessions
//! What was held before this process began ([`Mirror::restore`]) is published at once; the
//! first list then finds differences only. Removals that would empty a zone at once wait
//! in the [`Guard`], whose time runs whether a session stands or not. Every few minutes an
//! `audit` lists the registry beside the watch, and sets right what the watch lost.

mod audit;
mod batch;
mod end;
mod guard;
mod listing;
mod options;
mod session;
mod silence;
mod since;
mod waiting;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::backoff::Backoff;
use crate::etcd::{Error, Etcd};
use crate::metrics::{Cause, Condition, Freshness, Vitals};
use crate::registry::{
    Audited, Layout, ProblemChange, Publish, Standing, Table, Update, shown_key,
};

use self::audit::{Auditor, Progress};
use self::batch::Pieces;
use self::end::{End, OutageLog};
use self::listing::in_words;
use self::session::{HistoryPoint, Session};
use self::silence::Listener;
use self::since::Listed;
use self::waiting::{beside, mark_stale, releasing, without_stalling};

pub use self::audit::AUDIT_EVERY;
pub use self::guard::Guard;
pub use self::listing::{list, ranges_of};
pub use self::options::{Known, MirrorOptions, Patience, Waits};

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
/// When a mirror that lists one service would audit: longer than anybody watches.
const NO_AUDIT: Duration = Duration::from_secs(365 * 86_400);
/// Keys or changes above which work is announced to the runtime as blocking, so that the
/// other tasks of the thread go elsewhere: some milliseconds, at 2 to 20 µs each.
const STALL: usize = 256;

/// Follows the keys of one zone and tells a publisher what changes.
#[derive(Debug)]
pub struct Mirror<P> {
    /// Where the registry is.
    etcd: Etcd,
    /// The one service that is listed; all of them when absent.
    name: Option<String>,
    /// What is held.
    table: Table,
    /// Who is told, through the guard.
    guard: Guard<P>,
    /// What compares the table with the registry.
    auditor: Auditor,
    /// How long it waits.
    patience: Arc<Patience>,
    /// Where things are counted.
    vitals: Arc<Vitals>,
    /// When something was last heard.
    freshness: Arc<Freshness>,
    /// The endpoint that the session stands on.
    endpoint: String,
    /// Where in the registry's history what is held is true, once something is.
    held: Option<HistoryPoint>,
    /// What was said of failures, while there is nothing else.
    complaints: OutageLog,
    /// What the table knows and the publisher was not told yet: a revision whose events
    /// are not complete. Should the session end so, it goes with the next list.
    untold: Update,
    /// How much of a message has come whose rest is to come.
    pieces: Pieces,
}

impl<P: Publish> Mirror<P> {
    /// A mirror that holds nothing yet, and believes every removal at once.
    pub fn new(etcd: Etcd, layout: Layout, publisher: P, freshness: Arc<Freshness>) -> Self {
        Self::with(MirrorOptions::default(), etcd, layout, publisher, freshness)
    }

    /// A mirror that holds nothing yet.
    pub fn with(
        options: MirrorOptions,
        etcd: Etcd,
        layout: Layout,
        publisher: P,
        freshness: Arc<Freshness>,
    ) -> Self {
        let MirrorOptions { zone, name, patience, audit_every, vitals } = options;
        let audit_every = if name.is_some() { NO_AUDIT } else { audit_every };
        Self {
            endpoint: etcd.endpoint(),
            name,
            auditor: Auditor::new(etcd.clone(), audit_every),
            etcd,
            table: Table::new(layout),
            guard: Guard::new(publisher, zone, Arc::clone(&patience), Arc::clone(&vitals)),
            patience,
            vitals,
            freshness,
            held: None,
            complaints: OutageLog::default(),
            untold: Update::default(),
            pieces: Pieces::default(),
        }
    }

    /// Publishes what was known before, marked as stale until the registry is heard of.
    /// It is work of seconds where a million instances are known.
    pub fn restore(&mut self, known: Known) {
        let Known { instances, aliases, entries, revision, cluster, age } = known;
        self.freshness.restored(age);
        let standing = Standing::Remembered;
        let mut update = Update { revision, standing, ..Update::default() };
        self.table.seed(instances, aliases, entries, &mut update);
        self.guard.publish(update);
        self.hold(HistoryPoint { revision, cluster });
    }

    /// Notes what is held.
    fn hold(&mut self, held: HistoryPoint) {
        self.held = Some(held);
        self.vitals.revision.set(held.revision);
        self.vitals.cluster.set(held.cluster);
    }

    /// Mirrors until dropped.
    pub async fn run(mut self) {
        let (etcd, freshness) = (self.etcd.clone(), Arc::clone(&self.freshness));
        let (zone, range) = (self.guard.zone().to_owned(), self.table.layout().range());
        let vitals = Arc::clone(&self.vitals);
        tokio::select! {
            () = self.sessions() => (),
            never = etcd.keep_up(&range) => match never {},
            () = mark_stale(&zone, &freshness, &vitals) => (),
        }
    }

    /// One session after the other, for ever.
    async fn sessions(&mut self) {
        let mut backoff = Backoff::new(RETRY.0, RETRY.1);
        loop {
            let begun = Instant::now();
            self.endpoint = self.etcd.endpoint();
            self.vitals.endpoint.set(Some(self.endpoint.clone()));
            let Err(end) = self.session().await;
            self.vitals.resyncs(end.cause).add(1);
            self.vitals.failed(&self.endpoint, &end.error);
            self.complain(&end.error);
            // Another call may have left it already, for one that works. What the registry
            // itself refuses, it refuses everywhere.
            if !end.error.is_answer() {
                self.etcd.leave(&self.endpoint);
            }
            if begun.elapsed() > GOOD_SESSION {
                backoff.reset();
            }
            releasing(&mut self.guard, sleep(backoff.wait())).await;
        }
    }

    /// Says why a session ended.
    fn complain(&mut self, error: &Error) {
        // Where it is of a zone that moves, the earlier one is answered.
        let is_held = self.vitals.revision.get() > 0;
        let condition = Condition::of(is_held, &self.freshness, &self.vitals);
        self.complaints.say(self.guard.zone(), &self.endpoint, error, &condition);
    }

    /// One list and the watch that follows it.
    async fn session(&mut self) -> Result<Infallible, End> {
        let held = self.list().await?;
        self.follow(held).await
    }

    /// Watches from a list on.
    async fn follow(&mut self, held: HistoryPoint) -> Result<Infallible, End> {
        let range = self.table.layout().range();
        let etcd = self.etcd.clone();
        let opening = etcd.watch(&range, held.revision);
        let watch = releasing(&mut self.guard, opening).await?;
        self.endpoint.clone_from(&watch.address);
        let asking = etcd.orders_progress(&watch.address);
        let orders_progress = releasing(&mut self.guard, asking).await?;
        let mut session = Session { held, orders_progress };
        let mut listener = Listener::new(self.etcd.clone(), watch, range.0);
        self.auditor.restart();
        self.pieces = Pieces::default();
        loop {
            let next = listener.next(self.patience.progress_after());
            let auditing = self.auditor.work(&mut self.table, held.cluster);
            let message = releasing(&mut self.guard, beside(auditing, next)).await?;
            session.check(&message)?;
            // What is to come of a revision may take it back.
            let confirm = if message.is_fragment { Freshness::heard } else { Freshness::confirmed };
            confirm(&self.freshness);
            self.vitals.newest.set(message.revision.max(self.vitals.newest.get()));
            let progress = Progress::of(&message);
            self.take_batch(&mut session, message, &mut listener.messages).await?;
            self.hold(session.held);
            self.auditor.bound(&mut self.table);
            let is_whole = self.untold.is_empty();
            if is_whole && self.repair(session.held.revision, progress) && listener.is_mute() {
                return Err(Error::Ended(
                    "it lost changes, and cannot be asked how far it is".into(),
                )
                .into());
            }
        }
    }

    /// Reads a complete list and publishes what differs.
    async fn list(&mut self) -> Result<HistoryPoint, End> {
        let Self { etcd, table, guard, freshness, vitals, name, .. } = &mut *self;
        let listing = listing::into_table(etcd, table, freshness, &vitals.listing, name.as_deref());
        let listed = releasing(guard, listing).await;
        self.vitals.listing.set(None);
        let listed = listed.map_err(|error| End { cause: Cause::ListFailed, error })?;
        let Listed { revision, cluster, .. } = listed;
        let point = HistoryPoint { revision, cluster };
        if point.departs_from(self.held) {
            self.vitals.resyncs(Cause::HistoryWentBack).add(1);
        }
        self.complaints.is_listed();
        // A list of a million keys takes seconds to apply.
        let mut update = Update { revision, ..std::mem::take(&mut self.untold) };
        without_stalling(usize::MAX, || {
            self.table.finish_listing(&mut update);
            tracing::info!(
                zone = self.guard.zone(), endpoint = %self.etcd.endpoint(), revision,
                changes = update.changes.len() + update.entries.len(), problems = self.table.problems().count(),
                strays = %in_words(&self.table.strays()),
                "the registry was listed"
            );
        });
        update.changed = self.last_change(&update, listed).await;
        without_stalling(usize::MAX, || tell(&mut self.guard, update));
        self.freshness.confirmed();
        self.vitals.trouble.set(None);
        // It may have gone back.
        self.vitals.newest.set(revision);
        self.hold(point);
        Ok(point)
    }

    /// The revision of the last change that a list shows, if it shows any.
    async fn last_change(&mut self, update: &Update, listed: Listed) -> Option<i64> {
        let is_change = self.held.is_none() || update.shown() > 0;
        // A list of one service is counted nowhere.
        if !is_change || self.name.is_some() {
            return None;
        }
        let range = self.table.layout().range();
        Some(releasing(&mut self.guard, listed.since(&self.etcd, &range)).await)
    }

    /// Sets right what an audit found wrong, if one has come to its end. Says whether there
    /// was anything.
    fn repair(&mut self, held: i64, progress: Option<Progress>) -> bool {
        let Self { auditor, table, guard, vitals, .. } = self;
        if !auditor.is_settling() {
            return false;
        }
        // Every entry is looked at once more.
        let audited = without_stalling(usize::MAX, || auditor.judge(table, held, progress));
        let Some(Audited { differences, keys, update }) = audited else { return false };
        vitals.audits.add(1);
        vitals.repaired.add(differences as u64);
        tracing::debug!(differences, "the registry was audited");
        if differences > 0 {
            let keys: Vec<_> = keys.iter().map(|key| key.escape_ascii().to_string()).collect();
            tracing::error!(
                zone = guard.zone(),
                differences,
                "audit found and repaired {differences} differences: {}{}",
                keys.join(", "),
                if differences > keys.len() { ", …" } else { "" }
            );
            tell(guard, Update { revision: held, ..update });
        }
        differences > 0
    }
}

/// Publishes an update, and says of each key in it that cannot be used why that is.
fn tell<P: Publish>(guard: &mut Guard<P>, update: Update) {
    for ProblemChange { key, after } in &update.problems {
        if let Some(problem) = after {
            tracing::warn!(key = %shown_key(key), "registration not served: {problem}");
        }
    }
    guard.publish(update);
}

#[cfg(test)]
mod tests;
