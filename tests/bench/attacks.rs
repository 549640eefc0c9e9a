//! What srvd does to others, and what others can do to it: three tables.
//!
//! `cargo bench --bench attacks` prints them, in about four minutes: how many octets are sent
//! to a forged address for each octet of a query, what a well-behaved client sees of a server
//! that is flooded, and for each bound what it costs to run into it, and whom.
//! `amplification`, `floods` or `bounds` chooses one, `--quick` is quick; `BENCH_BEFORE=FILE`
//! attacks another build of srvd instead.
//!
//! The server has core 0, with one worker, so that nothing escapes the flood; the flood, the
//! client and etcd share core 1. Clients that a limit knows apart have networks of their own
//! below 127.0.0.0/8. Absolute figures are the machine's.
#![allow(clippy::unwrap_used, reason = "a bench that cannot go on has nothing to say")]

#[path = "../support/mod.rs"]
mod support;

/// What is said of many figures.
#[path = "statistics.rs"]
#[allow(dead_code, reason = "each bench takes what it needs")]
mod statistics;

/// The system calls that std has not.
#[path = "peers/calls.rs"]
#[allow(dead_code, reason = "each bench takes what it needs")]
mod calls;

/// Processes on cores of their own.
#[path = "peers/process.rs"]
#[allow(dead_code, reason = "each bench takes what it needs")]
mod process;

/// Registrations, servers, and what these count.
#[path = "attacks/stage.rs"]
mod stage;

/// Queries.
#[path = "attacks/query.rs"]
mod query;

/// Table: octets sent for each octet received.
#[path = "attacks/amplification.rs"]
mod amplification;

/// Packets, and connections, as fast as they go.
#[path = "attacks/flood.rs"]
mod flood;

/// A well-behaved client.
#[path = "attacks/client.rs"]
mod client;

/// Table: what such a client sees meanwhile.
#[path = "attacks/floods.rs"]
mod floods;

/// Kinds of attack, one for each bound.
#[path = "attacks/kinds.rs"]
mod kinds;

/// Connections that ask as much as is taken.
#[path = "attacks/streams.rs"]
mod streams;

/// Table: what each costs the attacker, the server and a well-behaved client.
#[path = "attacks/bounds.rs"]
mod bounds;

use std::time::Duration;

use self::stage::Registered;

/// How long each flood lasts.
const LASTS: Duration = Duration::from_secs(4);
/// The same with `--quick`.
const LASTS_QUICK: Duration = Duration::from_secs(1);

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    // Test runners start bench targets too, to see that they build.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let words: Vec<_> = arguments.iter().filter(|word| !word.starts_with('-')).collect();
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| *word == name);
    let is_quick = arguments.iter().any(|argument| argument == "--quick");
    process::pin(std::process::id(), process::GENERATOR);
    let registered = Registered::new();
    if wanted("amplification") {
        amplification::measure(&registered);
    }
    if wanted("floods") {
        floods::measure(&registered, if is_quick { LASTS_QUICK } else { LASTS });
    }
    if wanted("bounds") {
        bounds::measure(&registered, if is_quick { LASTS_QUICK } else { LASTS });
    }
}
