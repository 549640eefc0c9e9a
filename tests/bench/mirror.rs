//! Figures of the data path, etcd → mirror → index → DNS, as tables.
//!
//! `cargo bench --bench mirror` prints them all; words behind `--` choose: `index` (no
//! etcd: load, memory and cost per change), `process` (a real `srvd serve`: time to ready,
//! memory, CPU per change), `snapshot` (size, time and memory of a snapshot, and a restart
//! from it; numbers choose how many instances), `visible` (from put to DNS, beside a bare
//! watcher). Absolute
//! numbers are the machine's; how they grow with the number of instances is ours.
#![allow(clippy::unwrap_used, reason = "a bench that cannot go on has nothing to say")]

#[path = "../support/mod.rs"]
mod support;

/// The index alone.
#[path = "mirror/index.rs"]
mod index;

/// A real process and what it costs.
#[path = "mirror/process.rs"]
mod process;

/// Registrations in bulk.
#[path = "mirror/population.rs"]
mod population;

/// A snapshot and a restart from it.
#[path = "mirror/snapshot.rs"]
mod snapshot;

/// What is said of many figures.
#[path = "statistics.rs"]
mod statistics;

/// From put to DNS.
#[path = "mirror/visible.rs"]
mod visible;

/// The server's own allocator: memory and cost depend on it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    // Test runners start bench targets too, to see that they build.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    if let [_, word, instances, services] = &arguments[..]
        && word == index::ROW
    {
        let [instances, services] = [instances, services].map(|text| text.parse().unwrap());
        return index::row(population::Population { instances, services });
    }
    let chosen = |section: &str| {
        let is_word = |argument: &&String| argument.starts_with(char::is_alphabetic);
        let mut words = arguments.iter().filter(is_word).peekable();
        words.peek().is_none() || words.any(|word| word == section)
    };
    if chosen("index") {
        index::print();
    }
    if chosen("process") {
        process::print();
    }
    if chosen("snapshot") {
        let numbers = arguments.iter().filter_map(|argument| argument.parse().ok());
        snapshot::print(&numbers.collect::<Vec<_>>());
    }
    if chosen("visible") {
        visible::print();
    }
}
