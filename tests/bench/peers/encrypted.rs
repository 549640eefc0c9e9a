//! Section: DNS over TLS and over HTTPS, pipelined, beside TCP and beside BIND's, and over QUIC, which
//! BIND does not speak. What is judged is
//! the CPU time of the server per query: encryption at the other end costs the load as much, so
//! that a rate would be that of dnsperf.

use crate::Bench;
use crate::data::title;
use crate::dnsperf::{CONNECTIONS, OUTSTANDING, Transport, turn};
use crate::process::{SERVER, directory};
use crate::questions::{Questions, Workload, write};
use crate::quic;
use crate::report::{Bound, Goal, Table};
use crate::rounds::Figures;
use crate::server::{Doors, Kind, Server};
use crate::support::certificates::Authority;
use crate::support::quic::QuicClient;

/// The servers that have all transports.
const SERVERS: [Kind; 2] = [Kind::Srvd, Kind::Bind];
/// The transports, that which others are compared with first.
const TRANSPORTS: [Transport; 3] = [Transport::Tcp, Transport::Tls, Transport::Https];
/// What stands over a row.
const COLUMNS: [&str; 5] = ["kq/s", "µs CPU/query", "× its TCP", "cores busy", "lost ‰"];

/// Measures what answers over TLS and HTTPS.
pub(crate) fn measure(bench: &mut Bench) {
    let data = &bench.small.data;
    let dir = directory();
    let file = dir.path().join("questions");
    write(&file, Workload::Srv, data.population).unwrap();
    let authority = Authority::new("bench");
    let pair = authority.server().write(dir.path(), "server");
    let servers =
        SERVERS.map(|kind| Server::start_with(kind, data, 1, SERVER, Some(Doors::new(&pair))));
    let pairs = |server| TRANSPORTS.map(|transport| (server, transport));
    let mut asked: Vec<_> = servers.iter().flat_map(pairs).collect();
    let turns = bench
        .rounds
        .interleave(&mut asked, |(server, transport), time| turn(server, *transport, &file, time));
    let figures: Vec<_> = turns.into_iter().map(Figures).collect();
    let client = QuicClient::new(&authority, "doq");
    let questions = Questions::of(Workload::Srv, data.population);
    let quic = bench.rounds.interleave(&mut [&servers[0]], |server, time| {
        quic::turn(server, &client, &questions, time)
    });
    let quic = quic.into_iter().map(Figures).next().expect("of one server");
    let mut table = table(&title(data.population), &figures);
    row(&mut table, format!("{}, QUIC", SERVERS[0]), &quic, &figures[0]);
    bench.report.add(&table);
}

/// Adds a row, of what is compared with TCP.
fn row(table: &mut Table, title: String, own: &Figures, tcp: &Figures) {
    let row = [own.median(|it| it.rate), own.cpu(), own.cpu_ratio(tcp)];
    let rest = [own.median(|it| it.busy), own.median(|it| it.lost)];
    table.row(title, row.into_iter().chain(rest).map(Some).collect::<Vec<_>>());
}

/// The table of all servers, one after the other, and what is to be reached.
fn table(what: &str, figures: &[Figures]) -> Table {
    let title = format!(
        "SRV over TLS and HTTPS, {what}: dnsperf, {CONNECTIONS} connections, {OUTSTANDING} queries under way"
    );
    let mut table = Table::new(title, &COLUMNS);
    for (kind, all) in SERVERS.iter().zip(figures.chunks(TRANSPORTS.len())) {
        for (transport, own) in TRANSPORTS.iter().zip(all) {
            row(&mut table, format!("{kind}, {}", transport.title()), own, &all[0]);
        }
    }
    let [tcp, tls, https, _, bind_tls, bind_https] = figures else { unreachable!("all of two") };
    let goals = [
        (
            "TLS: BIND's CPU per query for one of srvd's",
            bind_tls.cpu_ratio(tls),
            Bound::AtLeast(2.0),
        ),
        ("TLS: CPU per query for one over TCP", tls.cpu_ratio(tcp), Bound::AtMost(1.6)),
        (
            "HTTPS: BIND's CPU per query for one of srvd's",
            bind_https.cpu_ratio(https),
            Bound::AtLeast(1.0),
        ),
    ];
    goals.into_iter().for_each(|(what, is, bound)| table.goal(Goal::new(what, is, bound)));
    table
}
