//! Section: two workers beside one. The load shares both cores with two workers, so that
//! CPU per query is compared and not throughput; the echo tells what of it the kernel's.

use crate::Bench;
use crate::data::title;
use crate::process::{BOTH, GENERATOR, pin};
use crate::questions::{Questions, Workload};
use crate::report::{Bound, Goal, Table};
use crate::same;
use crate::server::{Kind, Server};

/// What stands over a row.
const COLUMNS: [&str; 5] = [
    "one worker, own core: µs CPU/query",
    "one worker, shared cores",
    "two workers, shared cores",
    "two / one on its own core",
    "two / one on shared cores",
];

/// Measures one and two workers.
pub(crate) fn measure(bench: &mut Bench) {
    let data = &bench.small.data;
    let start = |workers: usize| {
        let start = |kind| Server::start(kind, data, workers, BOTH);
        let servers = Kind::CONTESTANTS.map(start);
        same::check(&servers, data.population);
        servers
    };
    let (one, two) = (start(1), start(2));
    for workload in [Workload::Srv, Workload::Address] {
        compare(bench, workload, [&one, &two]);
    }
}

/// Measures one workload.
fn compare(bench: &mut Bench, workload: Workload, [one, two]: [&[Server]; 2]) {
    let data = &bench.small.data;
    let questions = Questions::of(workload, data.population);
    let own = bench.rounds.saturate(bench.small.asked(&questions));
    pin(std::process::id(), BOTH);
    let asked = one.iter().chain(two).map(|server| (server, &questions)).collect();
    let shared = bench.rounds.saturate(asked);
    pin(std::process::id(), GENERATOR);
    let (one, two) = shared.split_at(one.len());

    let heading = format!("Two workers: {} over UDP, {}", workload.title(), title(data.population));
    let mut table = Table::new(heading, &COLUMNS);
    for (at, kind) in Kind::CONTESTANTS.into_iter().enumerate() {
        let (own, one, two) = (&own[at], &one[at], &two[at]);
        let ratios = [two.cpu_ratio(own), two.cpu_ratio(one)];
        table.row(kind, [own.cpu(), one.cpu(), two.cpu(), ratios[0], ratios[1]].map(Some));
        if kind == Kind::Srvd {
            let kind = workload.title();
            let what = format!("two workers, {kind}: srvd's CPU per query for one of one worker's");
            table.goal(Goal::new(what, ratios[0], Bound::AtMost(1.11)));
        }
    }
    bench.report.add(&table);
}
