//! Section: 1,000,000 instances beside 30,000. The answers of ten instances are larger than
//! those of three, so that a small index with such answers stands between the two, and the
//! one address of an instance is asked for too: its answer is the same everywhere.

use std::time::Duration;

use crate::Bench;
use crate::data::{LARGE, MIDDLE, title};
use crate::population::Population;
use crate::questions::{Questions, Workload};
use crate::report::{Bound, Goal, Table};
use crate::rounds::Figures;
use crate::server::{Kind, Stage};

/// How long each server is asked before the first round: until nearly all was asked for.
const WARM: Duration = Duration::from_secs(4);
/// What the large index may cost for one of the small.
const LARGER: f64 = 1.35;
/// What stands over a row.
const COLUMNS: [&str; 5] = [
    "30,000 in 10,000: µs CPU/query",
    "100,000 in 10,000",
    "1,000,000 in 100,000",
    "largest / smallest",
    "largest / same answers",
];

/// Measures what is large.
pub(crate) fn measure(bench: &mut Bench) {
    let begin = |population: Population| {
        eprintln!("loading {} …", title(population));
        Stage::start(population, &Kind::CONTESTANTS)
    };
    let (middle, large) = (begin(MIDDLE), begin(LARGE));
    for workload in [Workload::SrvEdns, Workload::Address, Workload::Ptr, Workload::Nxdomain] {
        one(bench, [&middle, &large], workload);
    }
}

/// Measures one workload.
fn one(bench: &mut Bench, others: [&Stage; 2], workload: Workload) {
    let stages = [&*bench.small, others[0], others[1]];
    let questions = stages.map(|stage| Questions::of(workload, stage.data.population));
    // What peers do not know is asked of the echo and srvd.
    let count = if workload == Workload::Ptr { 2 } else { Kind::CONTESTANTS.len() };
    let asked = (0..count).flat_map(|at| {
        stages.iter().zip(&questions).map(move |(stage, asked)| (&stage.servers[at], asked))
    });
    let figures = bench.rounds.warmed(WARM).saturate(asked.collect());
    let mut table = Table::new(format!("The large index: {} over UDP", workload.title()), &COLUMNS);
    for (kind, figures) in Kind::CONTESTANTS.iter().zip(figures.chunks(stages.len())) {
        let [small, middle, large] = figures else { unreachable!("three stages") };
        let ratios = [large.cpu_ratio(small), large.cpu_ratio(middle)];
        let row = [small, middle, large].map(|own: &Figures| Some(own.cpu()));
        table.row(kind, [&row[..], &ratios.map(Some)].concat());
        if *kind == Kind::Srvd {
            let what =
                format!("{}: srvd's CPU per query for one of the small index", workload.title());
            table.goal(Goal::new(what, ratios[0], Bound::AtMost(LARGER)));
        }
    }
    bench.report.add(&table);
}
