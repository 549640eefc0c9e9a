//! The instructions that a query of each kind of name takes in srvd's own code, counted by
//! valgrind: a figure that does not depend on what else the machine does. No socket, no etcd.
//!
//! `cargo bench --bench instructions` counts those of every row of `tests/bench/run.sh names`;
//! words behind `--` choose rows by their titles. Without valgrind it prints the time that each
//! takes, which only a quiet machine tells well.
#![allow(clippy::unwrap_used, reason = "a bench that cannot go on has nothing to say")]

#[path = "../fixture/mod.rs"]
#[allow(dead_code, reason = "it is there for the tests too")]
mod fixture;

/// Registrations in bulk.
#[path = "mirror/population.rs"]
mod population;

/// What is asked.
#[path = "peers/questions.rs"]
#[allow(dead_code, reason = "each bench takes what it needs")]
mod questions;

/// What is registered, and the same in lines of zone files.
#[path = "peers/names/said.rs"]
#[allow(dead_code, reason = "each bench takes what it needs")]
mod said;

/// What is asked, row by row.
#[path = "peers/names/rows.rs"]
#[allow(dead_code, reason = "each bench takes what it needs")]
mod rows;

/// All that is asked, as it is served.
#[path = "instructions/world.rs"]
mod world;

/// The count by valgrind.
#[path = "instructions/counted.rs"]
mod counted;

/// The names by which `questions` and `said` know the population.
mod data {
    use crate::population::Population;

    /// The zone.
    pub(crate) const ZONE: &str = "services.internal";
    /// 10,000 services of three instances.
    pub(crate) const SMALL: Population = Population { instances: 30_000, services: 10_000 };
}

use std::time::Instant;

use crate::questions::Questions;
use crate::rows::{ROWS, Row};
use crate::world::World;

/// The server's own allocator: much of the cost of what is not ready depends on it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Questions of a row that are asked before it is measured: of each name some two.
const ASKED: usize = 60_000;
/// Questions that are measured.
const MEASURED: usize = 2_000;
/// The argument by which this program is told that it is being counted.
const COUNTED: &str = "--counted";

fn main() {
    // Test runners start bench targets too, to see that they build.
    let words: Vec<_> = std::env::args().skip(1).collect();
    let is = |wanted: &str| words.iter().any(|word| word == wanted);
    let chosen: Vec<_> = words.iter().filter(|it| !it.starts_with("--")).cloned().collect();
    match () {
        () if is(COUNTED) => ask(&chosen),
        () if is("--bench") && counted::is_possible() => counted::count(&chosen),
        () if is("--bench") => ask(&chosen),
        () => {}
    }
}

/// Whether a row is chosen.
fn is_chosen(row: &Row, chosen: &[String]) -> bool {
    chosen.is_empty() || chosen.iter().any(|word| row.title.contains(word.as_str()))
}

/// Asks each row, and says how long a query took.
fn ask(chosen: &[String]) {
    let mut world = World::new();
    for row in ROWS.iter().filter(|row| is_chosen(row, chosen)) {
        let questions = Questions::gather(ASKED, row.opt, row.is_cut, row.ask);
        for _ in 0..ASKED {
            world.warm(questions.next().octets);
        }
        counted::pause();
        let start = Instant::now();
        (0..MEASURED).for_each(|_| world.ask(questions.next().octets));
        let taken = start.elapsed().as_nanos() as f64 / MEASURED as f64;
        counted::pause();
        println!("{taken:9.0} ns  {:5.1} % ready  {}", world.ready(), row.title);
    }
}
