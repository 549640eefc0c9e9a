//! Section: srvd while 1,000 registrations a second come, and as many go. They are spread
//! over all services, which are those that are asked for.
//!
//! etcd and the writer share the load's core, so that the load itself is slower while they
//! work: the echo, which hears of no registration, tells by how much. What srvd could
//! answer is therefore judged by its CPU, all that the registrations cost it included: a
//! core answers as many queries as it has time for.

use std::time::Duration;

use crate::Bench;
use crate::latency;
use crate::questions::{Questions, Workload};
use crate::report::{Bound, Goal, Table};
use crate::rounds::{Figures, Sample};
use crate::server::{Kind, Server, Stage};
use crate::statistics::median;
use crate::writer::Writer;

/// What stands over a row.
const COLUMNS: [&str; 4] = ["kq/s a core has time for", "kq/s", "cores busy", "registrations/s"];

/// A server, with or without churn.
type Contestant<'s> = (&'s Server, bool);

/// Measures throughput, then latency.
pub(crate) fn measure(bench: &mut Bench) {
    for workload in [Workload::Srv, Workload::Address, Workload::Ptr] {
        throughput(bench, workload);
    }
    let questions = Questions::of(Workload::Srv, bench.small.data.population);
    latency(bench, &questions);
}

/// The echo and srvd, each quiet and not.
fn contestants(stage: &Stage) -> [Contestant<'_>; 4] {
    let [echo, srvd] = [Kind::Echo, Kind::Srvd].map(|kind| stage.server(kind));
    [(echo, false), (echo, true), (srvd, false), (srvd, true)]
}

/// What a contestant is called.
fn title((server, is_churned): &Contestant<'_>) -> String {
    format!("{}, {}", server.kind, if *is_churned { "churn" } else { "quiet" })
}

/// Measures what is answered.
fn throughput(bench: &mut Bench, workload: Workload) {
    let stage = &bench.small;
    let questions = &Questions::of(workload, stage.data.population);
    let mut all = contestants(stage);
    let turns = bench.rounds.interleave(&mut all, |(server, is_churned), time| {
        under(stage, *is_churned, || Sample::take(server, questions, time))
    });
    let asked = workload.title();
    let heading = format!("Throughput while registrations come and go, {asked} over UDP");
    let mut table = Table::new(heading, &COLUMNS);
    let (mut figures, mut came) = (Vec::new(), 0.0);
    for (contestant, turns) in all.iter().zip(turns) {
        let (samples, rates): (Vec<_>, Vec<_>) = turns.into_iter().unzip();
        let own = Figures(samples);
        let capacity = own.median(capacity);
        let [rate, busy] = [own.median(|it| it.rate), own.median(|it| it.busy)];
        // The last one's: srvd's with churn.
        came = median(rates);
        table.row(title(contestant), [capacity, rate, busy, came].map(Some));
        figures.push(own);
    }
    let what = "churn: registrations a second, without which the next says nothing";
    table.goal(Goal::new(what, came, Bound::AtLeast(950.0)));
    let is = figures[3].ratio(&figures[2], capacity);
    let what =
        format!("churn, {asked}: what a core of srvd's has time for, for one of when it is quiet");
    table.goal(Goal::new(what, is, Bound::AtLeast(0.9)));
    bench.report.add(&table);
}

/// Thousands of queries a second that a core has time for.
fn capacity(sample: &Sample) -> f64 {
    1_000.0 / sample.cpu
}

/// Measures how long answers take.
fn latency(bench: &mut Bench, questions: &Questions) {
    let stage = &bench.small;
    let mut all = contestants(stage);
    let turns = bench.rounds.interleave(&mut all, |(server, is_churned), time| {
        under(stage, *is_churned, || latency::turn(server, questions, time)).0
    });
    let mut table = Table::new("Latency while registrations come and go", &latency::COLUMNS);
    let rows = all.iter().zip(&turns).map(|(it, turns)| (title(it), latency::row(turns)));
    rows.for_each(|(title, row)| table.row(title, row.map(Some)));
    let [quiet, churned] = [2, 3].map(|at| latency::row(&turns[at])[2]);
    let what = "churn: srvd's p99 for one of when it is quiet";
    table.goal(Goal::new(what, churned / quiet, Bound::AtMost(2.0)));
    bench.report.add(&table);
}

/// Does something, perhaps while registrations come and go; also how many came a second.
fn under<T>(stage: &Stage, is_churned: bool, work: impl FnOnce() -> T) -> (T, f64) {
    if !is_churned {
        return (work(), 0.0);
    }
    let writer = Writer::start(&stage.data.etcd.url(), stage.data.population);
    let done = work();
    let rate = writer.stop();
    // What went last is seen before the next turn.
    std::thread::sleep(Duration::from_millis(300));
    (done, rate)
}
