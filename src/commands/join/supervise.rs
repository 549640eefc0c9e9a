//! Signals, COMMAND and registration, brought into one order.

use std::convert::Infallible;
use std::time::Duration;

use rustix::process::Signal;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::command::{self, Command, Group};
use super::holder::Claimant;
use super::options::Options;
use super::signals::Signals;
use super::tenant::Tenant;
use crate::error::Failure;
use crate::join::Fault;
use crate::probe::Family;
use crate::systemd;

/// How long COMMAND may take to end when it gets the signal only because a second one came.
/// Who signals twice is in a hurry, but a server needs a moment to close its files.
const HURRIED_END: Duration = Duration::from_secs(1);

/// The progress of leaving.
#[derive(Debug, Default)]
struct Leave {
    /// We are to leave.
    wanted: CancellationToken,
    /// We have left, or could not.
    done: CancellationToken,
}

/// Holds the registration until a signal, or as long as COMMAND runs. Gives the exit code.
///
/// # Errors
/// [`Failure::Failed`]: the registration was refused, or COMMAND cannot be started.
pub(super) async fn run(
    options: &Options,
    tenant: Tenant<'_>,
    signals: Signals,
    family: &Family,
) -> Result<u8, Failure> {
    if options.command.is_empty() {
        return alone(tenant, signals).await;
    }
    let command = Command::start(options, &tenant.registrant, family)?;
    beside(command, options, tenant, signals).await
}

/// Holds the registration until a signal. A second one does not wait for etcd.
async fn alone(tenant: Tenant<'_>, mut signals: Signals) -> Result<u8, Failure> {
    let stop = CancellationToken::new();
    let held = tenant.hold(stop.clone());
    let stopped = async {
        signals.next().await;
        systemd::stopping();
        stop.cancel();
        signals.next().await
    };
    tokio::select! {
        end = held => end?,
        _ = stopped => (),
    }
    Ok(0)
}

/// Holds the registration while COMMAND runs and listens.
async fn beside(
    mut command: Command,
    options: &Options,
    tenant: Tenant<'_>,
    signals: Signals,
) -> Result<u8, Failure> {
    let leave = Leave::default();
    let (group, claimant) = (command.group(), command.claimant());
    let mut membership = std::pin::pin!(membership(options, tenant, claimant, &leave));
    let mut parting = std::pin::pin!(part(options, signals, group, &leave));
    let code = loop {
        tokio::select! {
            code = command.wait() => break code?,
            end = &mut membership, if !leave.done.is_cancelled() => {
                if let Err(fault) = end {
                    tokio::select! {
                        () = command.end() => return Err(fault.into()),
                        never = &mut parting => match never {},
                    }
                }
            }
            never = &mut parting => match never {},
        }
    };
    leave.wanted.cancel();
    if !leave.done.is_cancelled() {
        // It is bounded by the registry's timeout, and how it ends was logged.
        let _ = membership.await;
    }
    Ok(code)
}

/// Registers once COMMAND listens, or while its check passes, and holds that until we are
/// to leave.
async fn membership(
    options: &Options,
    tenant: Tenant<'_>,
    claimant: Claimant,
    leave: &Leave,
) -> Result<(), Fault> {
    let listens = async {
        if !tenant.is_checked() {
            command::listens(&tenant.registrant, options.proto, claimant).await;
        }
    };
    let end = match leave.wanted.run_until_cancelled(listens).await {
        Some(()) => tenant.hold(leave.wanted.clone()).await,
        None => Ok(()),
    };
    leave.done.cancel();
    end
}

/// Sees COMMAND out: the first signal begins the waits and is passed on after them. The
/// second ends it now: it kills where the first was passed on already, else it is passed
/// on at once, and what has not ended soon after (or gets a third one) is killed.
async fn part(options: &Options, mut signals: Signals, group: Group, leave: &Leave) -> Infallible {
    let first = signals.next().await;
    systemd::stopping();
    tokio::select! {
        () = waits(options.wait, options.slack, leave) => {
            group.signal(first);
            signals.next().await;
        }
        second = signals.next() => {
            leave.wanted.cancel();
            group.signal(second);
            let _ = timeout(HURRIED_END, signals.next()).await;
        }
    }
    group.signal(Signal::KILL);
    std::future::pending().await
}

/// Waits, leaves, and waits again so that clients' caches drain.
async fn waits(wait: Duration, slack: Duration, leave: &Leave) {
    sleep(wait).await;
    leave.wanted.cancel();
    leave.done.cancelled().await;
    sleep(slack).await;
}
