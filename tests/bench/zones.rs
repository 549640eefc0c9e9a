//! A reload that adds a large zone while another answers: nothing may be lost.
//!
//! `cargo bench --bench zones` asks a small zone 100,000 times a second over UDP, adds a zone of
//! 100,000 instances by a reload, and removes it again, some times over. `-- 1000 2000` adds 1,000
//! instances while 2,000 queries a second are asked. It prints what was asked and lost, how late
//! replies were before and during, and how long it took until the zone was answered; it fails if
//! a query was lost or answered otherwise.
#![allow(clippy::unwrap_used, reason = "a bench that cannot go on has nothing to say")]

#[path = "../support/mod.rs"]
mod support;

/// What is said of many figures.
#[path = "statistics.rs"]
mod statistics;

/// Registrations in bulk.
#[path = "mirror/population.rs"]
mod population;

/// Queries at a pace, and what became of them.
#[path = "zones/load.rs"]
mod load;

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use self::load::Askers;
use self::population::{Population, asker, fill, srv_ports};
use self::support::etcd::Etcd;
use self::support::eventually;
use self::support::srvd::{Srvd, plain};

/// Instances of the zone that comes, unless another number is given.
const INSTANCES: usize = 100_000;
/// Queries a second, unless another number is given.
const RATE: usize = 100_000;
/// How often the zone comes and goes.
const ROUNDS: usize = 5;
/// How long is asked before and after each step.
const AROUND: Duration = Duration::from_secs(1);
/// The zone that is asked.
const SMALL: &str = "[[zone]]\nname = \"a.test\"\nprefix = \"/a\"\n";
/// The zone that comes and goes.
const LARGE: &str = "[[zone]]\nname = \"b.test\"\nprefix = \"/services\"\n";

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    // Test runners start bench targets too, to see that they build.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let numbers: Vec<usize> = arguments.iter().filter_map(|it| it.parse().ok()).collect();
    let instances = numbers.first().copied().unwrap_or(INSTANCES);
    let rate = numbers.get(1).copied().unwrap_or(RATE);
    let (etcd, directory) = (Etcd::start(), tempfile::tempdir().unwrap());
    populate(&etcd, instances);
    let path = directory.path().join("srvd.toml");
    configure(&path, &etcd, SMALL);
    let (process, at) = start(&path);
    println!(
        "\n| round | answered after s | asked | lost | wrong | median ms | p99 ms | most ms |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let mut is_sound = true;
    for round in 0..=ROUNDS {
        let askers = Askers::start(at, "web.a.test", rate);
        std::thread::sleep(AROUND);
        let title = if round == 0 { "no reload".to_owned() } else { round.to_string() };
        let took = (round > 0).then(|| come_and_go(&process, (&path, &etcd), at, instances));
        std::thread::sleep(AROUND);
        let seen = askers.stop();
        let took = took.map_or("–".to_owned(), |took| format!("{:.2}", took.as_secs_f64()));
        println!("| {title} | {took} | {seen} |");
        is_sound &= seen.is_sound();
    }
    assert!(is_sound, "a query was lost, or answered otherwise");
}

/// Adds the zone, waits until it is answered, and removes it. Gives how long the first took.
fn come_and_go(
    process: &Srvd,
    (path, etcd): (&Path, &Etcd),
    at: SocketAddr,
    instances: usize,
) -> Duration {
    let socket = asker(at);
    configure(path, etcd, &format!("{SMALL}{LARGE}"));
    let begun = Instant::now();
    process.signal("HUP");
    let last = (instances / 10).max(1) - 1;
    let name = format!("_service-{last}._tcp.b.test");
    assert!(eventually(|| !srv_ports(&socket, &name).is_empty()), "{name} is not answered");
    let took = begun.elapsed();
    configure(path, etcd, SMALL);
    process.signal("HUP");
    assert!(eventually(|| srv_ports(&socket, &name).is_empty()), "{name} does not go");
    took
}

/// Puts what both zones have.
fn populate(etcd: &Etcd, instances: usize) {
    let runtime = support::runtime();
    runtime.block_on(async {
        let client = etcd_client::Client::connect([etcd.url()], None).await.unwrap();
        fill(&client, Population::of_tens(instances)).await;
        for number in 0..3 {
            let (key, value) = (format!("/a/web/{number}"), format!("10.0.0.{number}:80"));
            client.kv_client().put(key, value, None).await.unwrap();
        }
    });
}

/// Writes the configuration.
fn configure(path: &Path, etcd: &Etcd, zones: &str) {
    let head = format!("registry = \"{}\"\nwatch-files = false\n", etcd.url());
    std::fs::write(path, format!("{head}{zones}")).unwrap();
}

/// Starts the server. Gives where it answers.
fn start(path: &Path) -> (Srvd, SocketAddr) {
    let path = path.to_str().unwrap();
    let arguments = ["serve", "--config", path, "--listen", "127.0.0.1:0"];
    let process = Srvd::spawn(&mut plain(&arguments));
    let at = process.answers_at();
    let socket = asker(at);
    assert!(eventually(|| !srv_ports(&socket, "_web._tcp.a.test").is_empty()));
    (process, at)
}
