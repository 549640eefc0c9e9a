//! srvd beside its peers: a UDP echo as the floor, NSD, Knot and BIND, in one run.
//!
//! `tests/bench/run.sh` sets up what it needs and prints all; words choose: `udp` (four
//! workloads), `names` (every kind of name; further words choose rows by their titles),
//! `workers` (two beside one), `large` (1,000,000 instances), `churn`
//! (registrations that come and go), `latency` (at a steady rate), `tcp` (pipelined),
//! `encrypted` (TLS, HTTPS and QUIC beside it);
//! `--quick` takes fewer and shorter rounds; `BENCH_BEFORE=FILE` measures another build of srvd
//! beside this one. The tables are Markdown, and all of it is in
//! `target/bench/peers.json` (of chosen sections in `peers-udp.json` and so on).
//!
//! A server has core 0 for itself; the load, etcd and whoever writes to it share core 1.
//! All servers are up at once and asked in turns, so that a machine that grows slower does
//! so for all of them. What is judged is the CPU time of the server's process per answered
//! query, as the kernel counts it (user and system, softirq work of its own sends
//! included), in ratios of the same round: absolute figures are the machine's.
#![allow(clippy::unwrap_used, reason = "a bench that cannot go on has nothing to say")]

#[path = "../support/mod.rs"]
mod support;

/// What is said of many figures.
#[path = "statistics.rs"]
mod statistics;

/// Registrations in bulk.
#[path = "mirror/population.rs"]
mod population;

/// The system calls that std has not.
#[path = "peers/calls.rs"]
mod calls;

/// The floor: datagrams back and forth.
#[path = "peers/echo.rs"]
mod echo;

/// Processes on cores of their own.
#[path = "peers/process.rs"]
#[allow(dead_code, reason = "each bench takes what it needs")]
mod process;

/// The same registrations in etcd and in a zone file.
#[path = "peers/data.rs"]
mod data;

/// How each server is configured and started.
#[path = "peers/server.rs"]
mod server;

/// What is asked.
#[path = "peers/questions.rs"]
mod questions;

/// Whether all servers say the same.
#[path = "peers/same.rs"]
mod same;

/// Queries as fast as they are answered.
#[path = "peers/generator.rs"]
mod generator;

/// Queries at a steady rate.
#[path = "peers/pace.rs"]
mod pace;

/// Servers in turns, and medians.
#[path = "peers/rounds.rs"]
mod rounds;

/// Tables, goals, JSON.
#[path = "peers/report.rs"]
mod report;

/// Registrations that come and go.
#[path = "peers/writer.rs"]
mod writer;

/// Section: SRV, SRV with EDNS, NXDOMAIN, and a mix.
#[path = "peers/udp.rs"]
mod udp;

/// Section: two workers beside one.
#[path = "peers/workers.rs"]
mod workers;

/// Section: 1,000,000 instances.
#[path = "peers/large.rs"]
mod large;

/// Section: under registrations that come and go.
#[path = "peers/churn.rs"]
mod churn;

/// Section: p99 at a steady rate.
#[path = "peers/latency.rs"]
mod latency;

/// Section: every kind of name.
#[path = "peers/names.rs"]
mod names;

/// Load over streams.
#[path = "peers/dnsperf.rs"]
mod dnsperf;

/// Section: TCP, pipelined.
#[path = "peers/tcp.rs"]
mod tcp;

/// Load over QUIC.
#[path = "peers/quic.rs"]
mod quic;

/// Section: TLS, HTTPS and QUIC, pipelined.
#[path = "peers/encrypted.rs"]
mod encrypted;

use std::cell::LazyCell;

use crate::process::{GENERATOR, pin};
use crate::report::Report;
use crate::rounds::Rounds;
use crate::server::Stage;

/// What a section needs.
struct Bench {
    /// The servers with the small population, one worker each, from the first use.
    small: LazyCell<Stage>,
    /// How often and how long.
    rounds: Rounds,
    /// Whether they are few and short.
    is_quick: bool,
    /// Words that choose rows of `names`.
    words: Vec<String>,
    /// What was found.
    report: Report,
}

/// A section's name, and what prints it.
type Section = (&'static str, fn(&mut Bench));

/// The sections, in the order they run.
const SECTIONS: [Section; 8] = [
    ("udp", udp::measure),
    ("names", names::measure),
    ("workers", workers::measure),
    ("latency", latency::measure),
    ("tcp", tcp::measure),
    ("encrypted", encrypted::measure),
    ("churn", churn::measure),
    ("large", large::measure),
];

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if let [word, at, workers] = &arguments[..]
        && word == echo::WORD
    {
        return echo::serve(at.parse().unwrap(), workers.parse().unwrap());
    }
    // Test runners start bench targets too, to see that they build.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let sections = chosen(&arguments);
    let cores = std::thread::available_parallelism().unwrap().get();
    assert!(cores >= 2, "this needs two cores: one for a server, one for the load");
    pin(std::process::id(), GENERATOR);
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let names: Vec<_> = sections.iter().map(|(name, _)| *name).collect();
    let report = Report::begin(quick, if names.len() < SECTIONS.len() { &names } else { &[] });
    let small: LazyCell<Stage> =
        LazyCell::new(|| Stage::start(data::SMALL, &server::Kind::contestants()));
    let (rounds, words) = (Rounds::new(quick), words(&arguments));
    let mut bench = Bench { small, rounds, is_quick: quick, words, report };
    sections.iter().for_each(|(_, measure)| measure(&mut bench));
    bench.report.end();
}

/// The sections that words choose; without words all. Words that are no section's choose rows of
/// `names`, where that is chosen.
fn chosen(arguments: &[String]) -> Vec<Section> {
    let is_given = |section: &Section| arguments.iter().any(|word| word == section.0);
    let given: Vec<_> = SECTIONS.into_iter().filter(is_given).collect();
    let words = words(arguments);
    if let Some(word) = words.first().filter(|_| given.iter().all(|(name, _)| *name != "names")) {
        let names = SECTIONS.map(|(name, _)| name).join(", ");
        panic!("there is no section {word}; choose of: {names}");
    }
    if given.is_empty() { SECTIONS.to_vec() } else { given }
}

/// The words that are no section's.
fn words(arguments: &[String]) -> Vec<String> {
    let is_section = |word: &str| SECTIONS.iter().any(|(name, _)| *name == word);
    let words = arguments.iter().filter(|word| !word.starts_with('-') && !is_section(word));
    words.cloned().collect()
}
