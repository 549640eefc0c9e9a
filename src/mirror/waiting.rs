//! Waiting and working: what a mirror does meanwhile, and how others go on.

use std::convert::Infallible;
use std::pin::pin;

use futures_util::FutureExt;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;
use tokio::time::{sleep, sleep_until, timeout};

use super::{Guard, SILENCE_LIMIT, STALE_AFTER, STALL};
use crate::etcd::{Error, Message, Messages};
use crate::metrics::{Condition, Freshness, Staleness, State, Vitals};
use crate::names::Span;
use crate::registry::Publish;

/// Does work of so many steps; if they are many, as blocking, so that the queries which
/// wait for this thread are answered by another, where there is one.
pub(super) fn without_stalling<T>(steps: usize, work: impl FnOnce() -> T) -> T {
    let has_others = || Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread;
    if steps > STALL && has_others() { block_in_place(work) } else { work() }
}

/// Does some work, and meanwhile publishes what the guard holds when its time has come.
pub(super) async fn releasing<P: Publish, T>(
    guard: &mut Guard<P>,
    work: impl Future<Output = T>,
) -> T {
    let mut work = pin!(work);
    loop {
        let Some(due) = guard.due() else { return work.await };
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = sleep_until(due.into()) => {
                without_stalling(usize::MAX, || guard.release_at(std::time::Instant::now()));
            }
        }
    }
}

/// Does some work to its end, and other work that has none beside it.
pub(super) async fn beside<T>(
    other: impl Future<Output = Infallible>,
    work: impl Future<Output = T>,
) -> T {
    tokio::select! {
        biased;
        done = work => done,
        never = other => match never {},
    }
}

/// The next message that belongs to a batch: one that is ready, or the rest of a revision.
pub(super) async fn next_of_batch(
    messages: &mut Messages,
    is_partial: bool,
) -> Option<Result<Message, Error>> {
    if !is_partial {
        return messages.next().now_or_never();
    }
    let rest = timeout(SILENCE_LIMIT, messages.next()).await;
    Some(rest.unwrap_or(Err(Error::Silent(SILENCE_LIMIT))))
}

/// Keeps the mark of staleness right, for ever, and says when it changes.
pub(super) async fn mark_stale(zone: &str, freshness: &Freshness, vitals: &Vitals) {
    let mut said = freshness.standing();
    loop {
        let wait = freshness.judge(STALE_AFTER);
        let standing = freshness.standing();
        if standing != said {
            say(zone, standing, &Condition::of(vitals.revision.get() > 0, freshness, vitals));
            said = standing;
        }
        sleep(wait).await;
    }
}

/// Says how the answers of a zone stand now.
fn say(zone: &str, standing: Staleness, condition: &Condition) {
    match standing {
        // That the first list is there is said with it.
        Staleness::Fresh if !condition.is_answered() => {}
        // Why it cannot be listed was said where that was found out.
        _ if matches!(condition.state(), State::NotReady { .. }) => {}
        _ if matches!(condition.state(), State::Starting { .. }) => {
            tracing::warn!(zone, "{condition}; queries get SERVFAIL until then");
        }
        Staleness::Fresh => tracing::info!(zone, "registry reachable again; answers are current"),
        Staleness::Stale => tracing::warn!(
            zone,
            "no word from the registry for {}; still answering, marked stale ({condition})",
            Span(STALE_AFTER)
        ),
        Staleness::Expired => tracing::error!(
            zone,
            "registry unconfirmed for longer than `max-stale`; answering SERVFAIL ({condition})"
        ),
    }
}
