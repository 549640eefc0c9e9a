//! Section: four workloads over UDP, one worker on its own core.

use std::process::Command;

use crate::Bench;
use crate::data;
use crate::process::SERVER;
use crate::questions::{Questions, Workload};
use crate::report::{Bound, Goal, Table};
use crate::rounds::Figures;
use crate::same;
use crate::server::{Kind, Server, Stage};

/// The workloads, each with the same goals.
const WORKLOADS: [Workload; 4] =
    [Workload::Srv, Workload::SrvEdns, Workload::Nxdomain, Workload::Mix];
/// What one build may take for another's CPU time and still be as fast: the spread of runs.
const NOT_SLOWER: f64 = 1.03;
/// What stands over a row.
const COLUMNS: [&str; 7] =
    ["µs CPU/query", "× echo", "× NSD", "× Knot", "kq/s", "cores busy", "lost ‰"];

/// Measures every workload.
pub(crate) fn measure(bench: &mut Bench) {
    let note = note(bench);
    for workload in WORKLOADS {
        one(bench, workload, note.as_ref());
    }
}

/// BIND, where it is installed: to see the others in proportion.
fn note(bench: &Bench) -> Option<Server> {
    let is_there = Command::new("named").arg("-v").output().is_ok();
    is_there.then(|| {
        let Stage { data, .. } = &*bench.small;
        let server = Server::start(Kind::Bind, data, 1, SERVER);
        same::check([bench.small.server(Kind::Srvd), &server], data.population);
        server
    })
}

/// Measures one workload.
fn one(bench: &mut Bench, workload: Workload, note: Option<&Server>) {
    let population = bench.small.data.population;
    let questions = Questions::of(workload, population);
    let mut asked = bench.small.asked(&questions);
    asked.extend(note.filter(|_| workload == Workload::Srv).map(|server| (server, &questions)));
    let kinds: Vec<_> = asked.iter().map(|(server, _)| server.kind).collect();
    let figures = bench.rounds.saturate(asked);
    let title = format!("{} over UDP, {}", workload.title(), data::title(population));
    let mut table = Table::new(title, &COLUMNS);
    let [echo, srvd, nsd, knot] = [0, 1, 2, 3].map(|at| &figures[at]);
    for (kind, own) in kinds.iter().zip(&figures) {
        table.row(kind, row(own, [echo, nsd, knot]));
    }
    let ratios = [("echo's", echo, 1.2), ("NSD's", nsd, 0.65), ("Knot's", knot, 0.65)];
    for (whose, other, most) in ratios {
        let what = format!("{}: srvd's CPU per query for one of {whose}", workload.title());
        table.goal(Goal::new(what, srvd.cpu_ratio(other), Bound::AtMost(most)));
    }
    if let Some(at) = kinds.iter().position(|kind| *kind == Kind::Before) {
        let what =
            format!("{}: srvd's CPU per query for one of the build before", workload.title());
        table.goal(Goal::new(what, srvd.cpu_ratio(&figures[at]), Bound::AtMost(NOT_SLOWER)));
    }
    bench.report.add(&table);
}

/// The figures of one server, beside those of others.
fn row(own: &Figures, others: [&Figures; 3]) -> Vec<Option<f64>> {
    let mut row = vec![own.cpu()];
    row.extend(others.map(|other| own.cpu_ratio(other)));
    row.extend([own.median(|it| it.rate), own.median(|it| it.busy), own.median(|it| it.lost)]);
    row.into_iter().map(Some).collect()
}
