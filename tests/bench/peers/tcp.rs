//! Section: TCP, pipelined, by dnsperf: it is where this bench needs no generator of its
//! own, and what other people measure with.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::Bench;
use crate::data;
use crate::process::directory;
use crate::questions::{Workload, write};
use crate::report::{Bound, Goal, Table};
use crate::rounds::{Figures, Sample};
use crate::server::{Kind, Server};

/// Connections.
const CONNECTIONS: &str = "10";
/// Queries under way, over all of them.
const OUTSTANDING: &str = "500";
/// What stands over a row.
const COLUMNS: [&str; 5] = ["kq/s", "× Knot's", "µs CPU/query", "cores busy", "lost ‰"];

/// Measures what answers over TCP.
pub(crate) fn measure(bench: &mut Bench) {
    let population = bench.small.data.population;
    let dir = directory();
    let file = dir.path().join("questions");
    write(&file, Workload::Srv, population).unwrap();
    let mut servers = Kind::ANSWERING.map(|kind| bench.small.server(kind));
    let turns = bench.rounds.interleave(&mut servers, |server, time| turn(server, &file, time));
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

/// One turn of one server.
fn turn(server: &Server, questions: &Path, time: Duration) -> Sample {
    let before = server.process.nanoseconds();
    let text = dnsperf(server, questions, time);
    let nanoseconds = server.process.nanoseconds() - before;
    let figure = |name: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(name));
        let figure = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        figure.unwrap_or_else(|| panic!("dnsperf does not say {name:?}:\n{text}"))
    };
    let [answered, lost] = ["Queries completed:", "Queries lost:"].map(|name| figure(name) as u64);
    Sample::new(nanoseconds, answered, lost, figure("Run time (s):"))
}

/// Runs dnsperf against a server, and gives what it prints.
fn dnsperf(server: &Server, questions: &Path, time: Duration) -> String {
    // It takes whole seconds.
    let seconds = time.as_secs().max(1).to_string();
    let (address, port) = (server.at.ip().to_string(), server.at.port().to_string());
    let mut command = Command::new("dnsperf");
    command.args(["-m", "tcp", "-s", &address, "-p", &port, "-l", &seconds]);
    command.args(["-c", CONNECTIONS, "-q", OUTSTANDING, "-d"]).arg(questions);
    let output = command.stdin(Stdio::null()).output();
    let output = output.expect("dnsperf is installed (Debian: dnsperf)");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
