//! What srvd counts beside what its clients count, and what counting costs.
//!
//! `cargo bench --bench metrics` asks for names and types at random over UDP and TCP, IPv4 and
//! IPv6, scrapes before and after, and prints both columns; then it asks with and without
//! scrapes ten times a second. `-- --quick` is shorter. `-- --against FILE` asks another
//! binary as well, in turns, and says how much CPU time each takes for a query; `-- --binary
//! FILE` takes that one for srvd.
//!
//! The server has core 0, the clients share core 1; what is compared is CPU time of the
//! server's process, in ratios of the same round: absolute figures are the machine's.
#![allow(clippy::unwrap_used, reason = "a bench that cannot go on has nothing to say")]

#[path = "../support/mod.rs"]
mod support;

/// What is said of many figures.
#[path = "statistics.rs"]
mod statistics;

/// A server, its figures, its CPU time.
#[path = "metrics/server.rs"]
mod server;

/// Queries at random, and what became of them.
#[path = "metrics/load.rs"]
mod load;

use std::collections::BTreeMap;
use std::time::Duration;

use self::load::ask;
use self::server::Server;
use self::statistics::{median, quantile};
use self::support::etcd::Etcd;
use self::support::srvd::BINARY;

/// How far the two columns may be apart.
const TOLERANCE: f64 = 0.01;
/// Scrapes in a second while scraping is measured: a hundred times what Prometheus does.
const SCRAPES: u32 = 10;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    // Test runners start bench targets too, to see that they build.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let (rounds, time) = match arguments.iter().any(|it| it == "--quick") {
        true => (3, Duration::from_secs(1)),
        false => (15, Duration::from_secs(1)),
    };
    server::pin(std::process::id(), server::CLIENTS);
    let etcd = Etcd::start();
    server::pin(etcd.pid(), server::CLIENTS);
    for number in 0..3 {
        etcd.etcdctl(&["put", &format!("/services/web/{number}"), &format!("10.0.0.{number}:80")]);
    }
    let option = |name: &str| {
        let at = arguments.iter().position(|it| it == name)?;
        Some(arguments.get(at + 1).expect("a file is named").as_str())
    };
    let binary = option("--binary").unwrap_or(BINARY);
    let server = Server::start(&etcd, binary);
    compare(&server, time * 3);
    scraping(&server, rounds, time);
    if let Some(other) = option("--against") {
        drop(server);
        counting(&etcd, [binary, other], rounds, time);
    }
}

/// Prints both columns, and fails where they are too far apart.
fn compare(server: &Server, time: Duration) {
    let before = server.figures();
    let seen = ask(server, time);
    let after = server.settled(&before, seen.all());
    let rise = |key: &str| {
        let of = |figures: &BTreeMap<String, f64>| figures.get(key).copied().unwrap_or_default();
        of(&after) - of(&before)
    };
    println!("\n| figure | clients | srvd | difference % |\n| --- | ---: | ---: | ---: |");
    let mut worst = 0.0_f64;
    let mut row = |name: &str, own: u64, theirs: f64| {
        let apart = (theirs - own as f64).abs() / (own as f64).max(1.0);
        worst = worst.max(apart);
        println!("| `{name}` | {own} | {theirs} | {:.3} |", apart * 100.0);
    };
    for (key, own) in seen.rows() {
        row(&key, own, rise(&key));
    }
    for (proto, count, octets) in seen.by_protocol() {
        for (part, own) in [("count", count), ("sum", octets)] {
            let key = |path| {
                format!("srvd_dns_response_size_bytes_{part}{{proto=\"{proto}\",path=\"{path}\"}}")
            };
            let theirs = rise(&key("fast")) + rise(&key("full"));
            row(
                &format!("srvd_dns_response_size_bytes_{part}{{proto=\"{proto}\"}}, all paths"),
                own,
                theirs,
            );
        }
    }
    println!("\n{} queries; the columns are {:.3} % apart at most", seen.all(), worst * 100.0);
    assert!(worst <= TOLERANCE, "they are too far apart");
}

/// Prints what a query costs with and without scrapes.
fn scraping(server: &Server, rounds: usize, time: Duration) {
    let mut ratios = Vec::new();
    for round in 0..=rounds {
        let [quiet, scraped] = [None, Some(SCRAPES)].map(|rate| server.cost(time, rate));
        // The first is for caches.
        ratios.extend((round > 0).then_some(scraped / quiet));
    }
    ratios.sort_by(f64::total_cmp);
    let [least, most] = [0.0, 1.0].map(|part| quantile(&ratios, part).unwrap());
    println!(
        "\n{SCRAPES} scrapes a second: CPU time of a query's thread {:.3} of that without \
         ({least:.3} to {most:.3}, {rounds} rounds)",
        median(ratios)
    );
}

/// Prints what a query costs in one build and in another.
fn counting(etcd: &Etcd, binaries: [&str; 2], rounds: usize, time: Duration) {
    let servers = binaries.map(|binary| Server::start(etcd, binary));
    let (mut ratios, mut all) = (Vec::new(), [Vec::new(), Vec::new()]);
    for round in 0..=rounds {
        let costs = [&servers[0], &servers[1]].map(|server| server.cost(time, None));
        if round > 0 {
            ratios.push(costs[0] / costs[1]);
            all.iter_mut().zip(costs).for_each(|(all, cost)| all.push(cost));
        }
    }
    ratios.sort_by(f64::total_cmp);
    let [least, most] = [0.0, 1.0].map(|part| quantile(&ratios, part).unwrap());
    let [own, theirs] = all.map(median);
    println!(
        "\nCPU time of a query over UDP: {own:.0} ns here, {theirs:.0} ns in {}; {:.3} of it \
         ({least:.3} to {most:.3}, {rounds} rounds)",
        binaries[1],
        median(ratios)
    );
}
