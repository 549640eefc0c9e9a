//! The index alone: table and publisher as the mirror drives them, without etcd.

use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use hickory_proto::rr::Name;
use hickory_proto::rr::rdata::SOA;
use srvd::index::{Index, Publisher, Settings};
use srvd::registry::{Layout, Publish, Table, Update};

use crate::population::{Population, document};

/// The argument that asks a process for one row: instances and services follow.
pub(crate) const ROW: &str = "index-row";
/// Changes that are measured.
const CHANGES: usize = 50_000;

/// A zone with its table, as the mirror holds them.
struct Zone {
    /// What is held.
    table: Table,
    /// Who is told.
    publisher: Publisher,
    /// The revision.
    revision: i64,
}

/// Prints load, memory and cost per change at several sizes, each in a process of its own:
/// what an allocator kept of one size would hide the memory of the next.
pub(crate) fn print() {
    println!("\nThe index without etcd: native documents, one generation per change");
    println!(
        "| instances in services | load s | KiB per instance | µs CPU per change | of 100 at once |"
    );
    println!("| --- | --- | --- | --- | --- |");
    for population in [
        Population::of_tens(1_000),
        Population::of_tens(10_000),
        Population::of_tens(100_000),
        Population::of_tens(1_000_000),
        Population::of_ones(300_000),
        Population::in_one(100_000),
        Population::in_one(1_000_000),
    ] {
        let Population { instances, services } = population;
        let mut command = Command::new(std::env::current_exe().unwrap());
        let command = command.args(["--bench", ROW, &instances.to_string(), &services.to_string()]);
        assert!(command.status().unwrap().success());
    }
}

/// Measures one size.
pub(crate) fn row(population: Population) {
    let before = resident_octets();
    let begun = Instant::now();
    let mut zone = Zone::load(population);
    let (loaded, after) = (begun.elapsed(), resident_octets());
    let each = (after.saturating_sub(before)) as f64 / population.instances as f64 / 1024.0;
    let one = zone.cost(population, 1);
    let hundred = zone.cost(population, 100);
    println!(
        "| {} | {:.2} | {each:.2} | {one:.1} | {hundred:.1} |",
        population.title(),
        loaded.as_secs_f64()
    );
}

impl Zone {
    /// Lists a population, as a mirror that starts does.
    fn load(population: Population) -> Self {
        let index = Arc::new(Index::new(vec![Arc::new(settings())], true));
        let mut table = Table::new(Layout::new("/services", None).unwrap());
        table.begin_listing();
        for n in 0..population.instances {
            table.list(population.key(n).as_bytes(), document(population, n, 8080).as_bytes());
        }
        let mut publisher = Publisher::new(index, 0);
        let mut update = Update { revision: 1, ..Update::default() };
        table.finish_listing(&mut update);
        publisher.publish(update);
        Self { table, publisher, revision: 1 }
    }

    /// Microseconds of CPU per change, so many changes to a generation.
    fn cost(&mut self, population: Population, at_once: usize) -> f64 {
        let changes: Vec<_> = (0..CHANGES)
            .map(|_| {
                let n = fastrand::usize(..population.instances);
                (population.key(n), document(population, n, fastrand::u16(1..)))
            })
            .collect();
        let begun = thread_nanoseconds();
        for some in changes.chunks(at_once) {
            self.revision += 1;
            let mut update = Update { revision: self.revision, ..Update::default() };
            for (key, value) in some {
                self.table.put(key.as_bytes(), value.as_bytes(), &mut update);
            }
            self.publisher.publish(update);
        }
        (thread_nanoseconds() - begun) as f64 / CHANGES as f64 / 1_000.0
    }
}

/// The settings of the default zone.
fn settings() -> Settings {
    let name = |text: &str| Name::from_ascii(text).unwrap();
    let server = name("ns.dns.services.internal.");
    let soa =
        SOA::new(server.clone(), name("hostmaster.services.internal."), 0, 7200, 900, 86400, 5);
    Settings::new(name("services.internal."), (soa, 3600), (vec![server], 3600), 5).unwrap()
}

/// Octets of this process that are resident.
fn resident_octets() -> usize {
    /// The size of a page.
    const PAGE: usize = 4096;
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * PAGE
}

/// Nanoseconds that this thread has run.
fn thread_nanoseconds() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}
