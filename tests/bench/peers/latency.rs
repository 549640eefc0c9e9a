//! Section: how long answers take at a steady rate, and the turns that `churn` compares.

use std::time::Duration;

use crate::Bench;
use crate::data;
use crate::pace::{Paced, RATE, pace};
use crate::questions::{Questions, Workload};
use crate::report::Table;
use crate::server::{Kind, Server};
use crate::statistics::{median, quantile};

/// What stands over a row.
pub(crate) const COLUMNS: [&str; 6] =
    ["p50 µs", "p90 µs", "p99 µs", "p99.9 µs", "queries/s sent", "lost ‰"];

/// Measures all that answer, and the echo.
pub(crate) fn measure(bench: &mut Bench) {
    let population = bench.small.data.population;
    let questions = Questions::of(Workload::Srv, population);
    let mut asked = bench.small.asked(&questions);
    let turns =
        bench.rounds.interleave(&mut asked, |(server, asked), time| turn(server, asked, time));
    let title = format!("Latency at {RATE} SRV queries a second, {}", data::title(population));
    let mut table = Table::new(title, &COLUMNS);
    for (kind, turns) in Kind::CONTESTANTS.iter().zip(&turns) {
        table.row(kind, row(turns).map(Some));
    }
    bench.report.add(&table);
}

/// One turn of one server: the figures of a row.
pub(crate) fn turn(server: &Server, questions: &Questions, time: Duration) -> [f64; 6] {
    let Paced { took, sent, rate } = pace(server.at, questions, time);
    let [half, tenth, hundredth, thousandth] =
        [0.5, 0.9, 0.99, 0.999].map(|part| quantile(&took, part).expect("some were answered"));
    let lost = (sent - took.len()) as f64 / sent as f64 * 1_000.0;
    [half, tenth, hundredth, thousandth, rate, lost]
}

/// The medians of several turns.
pub(crate) fn row(turns: &[[f64; 6]]) -> [f64; 6] {
    std::array::from_fn(|at| median(turns.iter().map(|turn| turn[at]).collect()))
}
