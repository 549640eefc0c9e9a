//! The audit: the registry is listed again while it is followed, and what is held is
//! compared with it.
//!
//! A watch that lost an event says nothing of it, and the table would be wrong until the
//! next session. So every few minutes a list is read beside the watch, page by page, each
//! page in small pieces between events. Its revision R is ahead of some of what is held
//! and behind the rest: a key that an event touches meanwhile is left out, and nothing is
//! judged before the watch has shown that all up to R has come.

use std::convert::Infallible;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep_until};

use crate::backoff::drawn;
use crate::etcd::{Error, Etcd, Message, MessageOrigin, Page, PageSize};
use crate::registry::{Audited, Stored, Table};

/// How often what is held is compared with the registry.
pub const AUDIT_EVERY: Duration = Duration::from_secs(300);
/// Between which parts of that each time is drawn, so that the servers of one registry do
/// not list it together.
const EARLIEST: f64 = 0.75;
/// The latest.
const LATEST: f64 = 1.25;
/// Keys of a page that are compared at once: a fraction of a millisecond, after which
/// events have their turn.
const PIECE: usize = 256;
/// How long after the list the watch must have gone on before anything is judged. Before
/// etcd 3.4.25 and 3.5.8 a report of progress may overtake events by some milliseconds.
const SETTLE: Duration = Duration::from_secs(2);
/// The same where nothing but a read says how far the registry is. What the watch has not
/// told until then is taken for lost.
const SETTLE_BY_READ: Duration = Duration::from_secs(10);
/// Keys that may be touched during one audit: above that it is given up, since it would
/// remember more than it checks.
const TOUCHED_MAX: usize = 1 << 18;

/// The progress of the registry, as a message without events reports it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    revision: i64,
    /// How long after a list the watch must have gone on before this is believed.
    settle: Duration,
}

/// The audits beside a watch.
pub(super) struct Auditor {
    /// What is listed.
    etcd: Etcd,
    /// How often.
    every: Duration,
    /// When the next begins.
    due: Instant,
    /// The one under way.
    audit: Option<Audit>,
}

/// One audit.
struct Audit {
    /// The revision and cluster of its list, once a page is here.
    of: Option<(i64, u64)>,
    /// Pages to come, pairs to compare, or the end.
    stage: Stage,
    /// How large its pages are.
    size: PageSize,
}

/// The stage of an audit.
enum Stage {
    /// A page is asked for.
    Asking(BoxFuture<'static, (Result<Page, Error>, PageSize)>),
    /// The pairs of a page are compared.
    Comparing(Box<Page>),
    /// The list is complete since a moment.
    Settling(Instant),
}

impl std::fmt::Debug for Auditor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Auditor").field("every", &self.every).finish_non_exhaustive()
    }
}

impl Auditor {
    /// An auditor whose first audit is due after the usual time.
    pub(super) fn new(etcd: Etcd, every: Duration) -> Self {
        Self { etcd, every, due: Instant::now() + drawn(every, EARLIEST, LATEST), audit: None }
    }

    /// Begins anew, as a session does: its list was as good as an audit.
    pub(super) fn restart(&mut self) {
        self.audit = None;
        self.due = Instant::now() + drawn(self.every, EARLIEST, LATEST);
    }

    /// Goes on for as long as it is polled. It can be dropped at any time, and goes on
    /// where it was.
    pub(super) async fn work(&mut self, table: &mut Table, cluster: u64) -> Infallible {
        loop {
            let Some(audit) = &mut self.audit else {
                sleep_until(self.due).await;
                table.begin_audit();
                let size = PageSize::default();
                let stage = ask(&self.etcd, table.layout().range(), None, size);
                self.audit = Some(Audit { of: None, stage, size });
                continue;
            };
            if let Err(why) = audit.step(&self.etcd, table, cluster).await {
                self.give_up(table, &why);
            }
        }
    }

    /// Gives up an audit under which too much changes.
    pub(super) fn bound(&mut self, table: &mut Table) {
        if table.touched().is_some_and(|touched| touched > TOUCHED_MAX) {
            self.give_up(table, &format!("more than {TOUCHED_MAX} keys changed meanwhile"));
        }
    }

    /// Gives up an audit.
    fn give_up(&mut self, table: &mut Table, why: &str) {
        tracing::info!("audit aborted, will retry: {why}");
        table.abandon_audit();
        self.restart();
    }

    /// Whether an audit waits for the watch only.
    pub(super) fn is_settling(&self) -> bool {
        matches!(&self.audit, Some(Audit { stage: Stage::Settling(_), .. }))
    }

    /// Ends an audit whose time has come, after a message that was applied whole: `held` is
    /// the revision held with it. Gives what was wrong.
    pub(super) fn judge(
        &mut self,
        table: &mut Table,
        held: i64,
        progress: Option<Progress>,
    ) -> Option<Audited> {
        let audit = self.audit.as_ref()?;
        let (Stage::Settling(since), Some((revision, _))) = (&audit.stage, audit.of) else {
            return None;
        };
        let settle = if held >= revision {
            SETTLE
        } else {
            progress.filter(|it| it.revision >= revision)?.settle
        };
        if since.elapsed() < settle {
            return None;
        }
        self.restart();
        Some(table.finish_audit())
    }
}

impl Progress {
    /// What a message reports, if it has no events.
    pub(super) fn of(message: &Message) -> Option<Self> {
        let settle = if message.origin == MessageOrigin::Read { SETTLE_BY_READ } else { SETTLE };
        message.events.is_empty().then_some(Self { revision: message.revision, settle })
    }
}

impl Audit {
    /// One step: a page comes, or some pairs of it are compared. A complete list waits. The
    /// pages must be of the cluster that is held.
    async fn step(&mut self, etcd: &Etcd, table: &mut Table, held: u64) -> Result<(), String> {
        match &mut self.stage {
            Stage::Asking(page) => {
                let (page, size) = page.await;
                let page = page.map_err(|fault| fault.to_string())?;
                self.size = size;
                let (_, cluster) = *self.of.get_or_insert((page.revision, page.cluster));
                if [cluster, page.cluster] != [held; 2] {
                    return Err("another cluster answers".to_owned());
                }
                self.stage = Stage::Comparing(Box::new(page));
            }
            Stage::Comparing(page) => {
                tokio::task::yield_now().await;
                let from = page.pairs.len().saturating_sub(PIECE);
                for pair in page.pairs.drain(from..) {
                    let stored = Stored { value: pair.value(), is_leased: pair.lease() != 0 };
                    table.list(pair.key(), stored);
                }
                if page.pairs.is_empty() {
                    self.stage = self.next_stage(etcd, table);
                }
            }
            Stage::Settling(_) => std::future::pending().await,
        }
        Ok(())
    }

    /// What comes after a page.
    fn next_stage(&mut self, etcd: &Etcd, table: &Table) -> Stage {
        let Stage::Comparing(page) = &mut self.stage else {
            return Stage::Settling(Instant::now());
        };
        match page.next.take() {
            None => Stage::Settling(Instant::now()),
            Some(next) => {
                let range = (next, table.layout().range().1);
                ask(etcd, range, self.of.map(|(revision, _)| revision), self.size)
            }
        }
    }
}

/// Asks for a page.
fn ask(etcd: &Etcd, range: (Vec<u8>, Vec<u8>), at: Option<i64>, mut size: PageSize) -> Stage {
    let etcd = etcd.clone();
    Stage::Asking(Box::pin(async move {
        let page = etcd.list_page(&range, at, &mut size).await;
        (page, size)
    }))
}
