//! Many registrations in one process: those of `--from`.
//!
//! Each is held by a task of its own, as a single one would be; streams, requests and
//! turns are shared below, in `etcd`. What many go through together is said in few lines.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::Membership;
use super::signals::Signals;
use crate::error::Failure;
use crate::join::{Event, Fault, LoopWatchdog, Registrant};
use crate::lock::Lock;
use crate::systemd;
use crate::telemetry::say;

/// How often systemd is told how many are registered, if that changed.
const TELL_INTERVAL: Duration = Duration::from_secs(1);
/// Log lines about single registrations in one window; what comes beyond is counted.
const LINES_MAX: usize = 20;
/// The window.
const WINDOW: Duration = Duration::from_secs(10);

/// The status of all registrations together.
struct FleetStatus {
    /// Which file they are from.
    origin: String,
    /// How many there are.
    total: usize,
    /// The numbers. The lock is held for a look, never over an await.
    tally: Lock<Tally>,
}

/// The numbers of a [`FleetStatus`].
#[derive(Default)]
struct Tally {
    /// Those that are in the registry, as far as we know.
    registered: HashSet<usize>,
    /// Those of which it is known: registered once, or their check fails.
    settled: HashSet<usize>,
    /// Those that cannot be renewed.
    troubled: HashSet<usize>,
    /// How many have left.
    left: usize,
    /// Whether it was told that all are settled.
    is_told: bool,
    /// Whether it was told that the registry is slow.
    is_slow_told: bool,
    /// Lines in this window, and events that got none.
    lines: (usize, usize),
}

/// Holds all until a signal, then leaves. A second signal does not wait for etcd.
///
/// # Errors
/// [`Failure::Failed`]: one of them was refused before its first registration; all others
/// have left.
pub(super) async fn run(
    origin: String,
    members: Vec<(Arc<Registrant>, Membership)>,
    pulse: &LoopWatchdog,
    mut signals: Signals,
) -> Result<u8, Failure> {
    let (total, tally) = (members.len(), Lock::default());
    let roll = Arc::new(FleetStatus { origin, total, tally });
    let stop = CancellationToken::new();
    let stopped = async {
        signals.next().await;
        systemd::stopping();
        stop.cancel();
        signals.next().await
    };
    let end = tokio::select! {
        end = hold(members, &roll, &stop) => end,
        _ = stopped => Ok(()),
        never = roll.report() => match never {},
        never = systemd::watchdog(|| pulse.is_alive()) => match never {},
    };
    roll.close_window();
    roll.tell_left();
    end.map_err(Failure::from).map(|()| 0)
}

/// Holds all. The first that is refused ends all others.
async fn hold(
    members: Vec<(Arc<Registrant>, Membership)>,
    roll: &Arc<FleetStatus>,
    stop: &CancellationToken,
) -> Result<(), Fault> {
    let mut tasks = JoinSet::new();
    for (number, (registrant, member)) in members.into_iter().enumerate() {
        let roll = Arc::clone(roll);
        tasks.spawn(member.hold(move |event| roll.take(number, &registrant, &event), stop.clone()));
    }
    let mut first = Ok(());
    while let Some(end) = tasks.join_next().await {
        let end = end.unwrap_or_else(|error| {
            // A fault of ours must not take the others along.
            tracing::error!("a registration was given up: {error}");
            Ok(())
        });
        if end.is_err() && first.is_ok() {
            stop.cancel();
            first = end;
        }
    }
    first
}

impl FleetStatus {
    /// Takes in what one registration went through.
    fn take(&self, number: usize, registrant: &Registrant, event: &Event) {
        let mut tally = self.tally.lock();
        let (before, after) = tally.take(number, event);
        if after.1 != before.1 && (after.1 == 0 || before.1 == 0) {
            self.tell_trouble(event);
        } else if !matches!(event, Event::Trouble(_) | Event::Recovered) {
            tally.log(registrant, event);
        }
        if tally.settled.len() == self.total && !std::mem::replace(&mut tally.is_told, true) {
            let text = format!("registered {} of {} instances", after.0, self.total);
            say(format_args!("{text} from {}", self.origin));
            systemd::ready(&text);
        }
    }

    /// The registry's absence is one event, however many feel it.
    fn tell_trouble(&self, event: &Event) {
        let total = self.total;
        match event {
            Event::Trouble(error) => tracing::warn!("still trying for {total} instances: {error}"),
            _ => tracing::info!("the registry answers again"),
        }
    }

    /// Tells systemd and the log how many are registered, for as long as it is polled.
    async fn report(&self) -> std::convert::Infallible {
        let (mut told, mut window) = ((0, 0), Instant::now());
        loop {
            sleep(TELL_INTERVAL).await;
            let numbers = self.numbers();
            if numbers != told {
                systemd::status(&self.summary());
                told = numbers;
            }
            if window.elapsed() >= WINDOW {
                window = Instant::now();
                self.close_window();
            }
        }
    }

    /// Says how many events got no line of their own.
    fn close_window(&self) {
        let (_, unsaid) = std::mem::take(&mut self.tally.lock().lines);
        if unsaid > 0 {
            tracing::info!("{unsaid} more events suppressed; {}", self.summary());
        }
    }

    /// Says how many have left.
    fn tell_left(&self) {
        let left = self.tally.lock().left;
        say(format_args!("left {left} of {} instances from {}", self.total, self.origin));
    }

    /// How many are registered, in words.
    fn summary(&self) -> String {
        let (registered, troubled) = self.numbers();
        let away = if troubled == 0 { "" } else { "; the registry does not answer" };
        format!("{registered} of {} instances registered{away}", self.total)
    }

    /// How many are registered, and how many cannot be renewed.
    fn numbers(&self) -> (usize, usize) {
        self.tally.lock().numbers()
    }
}

impl Tally {
    /// Takes in an event. Gives the numbers before and after it.
    fn take(&mut self, number: usize, event: &Event) -> ((usize, usize), (usize, usize)) {
        let before = self.numbers();
        match event {
            Event::Registered(_) | Event::Regained(_) => {
                self.registered.insert(number);
                self.settled.insert(number);
                self.troubled.remove(&number);
            }
            Event::Lost(_) => _ = self.registered.remove(&number),
            Event::Unhealthy(_) => {
                self.registered.remove(&number);
                self.settled.insert(number);
            }
            Event::Trouble(_) => _ = self.troubled.insert(number),
            Event::Recovered => _ = self.troubled.remove(&number),
            Event::Left => self.left += 1,
            Event::Healthy
            | Event::Contested(_)
            | Event::Aside(_)
            | Event::Slow { .. }
            | Event::NotLeft(_) => (),
        }
        (before, self.numbers())
    }

    /// Writes a line about one registration, unless there were many just now.
    fn log(&mut self, registrant: &Registrant, event: &Event) {
        // To be slow is the registry's, and the same for all.
        if matches!(event, Event::Slow { .. }) && std::mem::replace(&mut self.is_slow_told, true) {
            return;
        }
        // What is told of one registration at this level is told of none here.
        let is_said = matches!(event, Event::Registered(_) | Event::Left);
        if is_said || self.lines.0 < LINES_MAX {
            self.lines.0 += usize::from(!is_said);
            event.log(&registrant.key);
        } else {
            self.lines.1 += 1;
        }
    }

    /// How many are registered, and how many cannot be renewed.
    fn numbers(&self) -> (usize, usize) {
        (self.registered.len(), self.troubled.len())
    }
}
