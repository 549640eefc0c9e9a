//! The progress of what takes a while, for somebody who waits for it at a terminal.

use std::io::{IsTerminal, Write, stderr};
use std::pin::pin;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval_at};

use crate::names::Shown;

/// After how long it is told that something takes a while, and how often it is told anew.
const EVERY: Duration = Duration::from_secs(1);
/// What takes a line of a terminal away (ECMA-48: carriage return, erase in line).
const CLEAR: &str = "\r\x1b[K";

/// Does some work. Where standard error is a terminal, a line there says after a second how far
/// it is, and goes when the work is done.
pub async fn progress<T>(words: impl Fn() -> String, work: impl Future<Output = T>) -> T {
    if !stderr().is_terminal() {
        return work.await;
    }
    let (mut work, mut is_shown) = (pin!(work), false);
    let mut ticks = interval_at(tokio::time::Instant::now() + EVERY, EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            biased;
            done = &mut work => {
                if is_shown {
                    // It says nothing that is missed.
                    let _ = write!(stderr(), "{CLEAR}");
                }
                return done;
            }
            _ = ticks.tick() => {
                is_shown = true;
                let _ = write!(stderr(), "{CLEAR}{}…", Shown(words()));
            }
        }
    }
}
