//! Section: TCP, pipelined.

use crate::Bench;
use crate::data;
use crate::dnsperf::{CONNECTIONS, OUTSTANDING, Transport, turn};
use crate::process::directory;
use crate::questions::{Workload, write};
use crate::report::{Bound, Goal, Table};
use crate::rounds::Figures;
use crate::server::Kind;

/// What stands over a row.
const COLUMNS: [&str; 5] = ["kq/s", "× Knot's", "µs CPU/query", "cores busy", "lost ‰"];

/// Measures what answers over TCP.
pub(crate) fn measure(bench: &mut Bench) {
    let population = bench.small.data.population;
    let dir = directory();
    let file = dir.path().join("questions");
    write(&file, Workload::Srv, population).unwrap();
    let mut servers = Kind::ANSWERING.map(|kind| bench.small.server(kind));
    let tcp = Transport::Tcp;
    let turns =
        bench.rounds.interleave(&mut servers, |server, time| turn(server, tcp, &file, time));
    let figures: Vec<_> = turns.into_iter().map(Figures).collect();

    let title = format!(
        "SRV over TCP, {}: dnsperf, {CONNECTIONS} connections, {OUTSTANDING} queries under way",
        data::title(population)
    );
    let mut table = Table::new(title, &COLUMNS);
    let [srvd, _, knot] = &figures[..] else { unreachable!("three servers") };
    for (kind, own) in Kind::ANSWERING.iter().zip(&figures) {
        let ratio = own.ratio(knot, |it| it.rate);
        let [rate, cpu] = [own.median(|it| it.rate), own.cpu()];
        let [busy, lost] = [own.median(|it| it.busy), own.median(|it| it.lost)];
        table.row(kind, [rate, ratio, cpu, busy, lost].map(Some));
    }
    let is = srvd.ratio(knot, |it| it.rate);
    table.goal(Goal::new(
        "TCP: srvd's queries a second for one of Knot's",
        is,
        Bound::AtLeast(1.0),
    ));
    bench.report.add(&table);
}
