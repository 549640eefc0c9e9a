//! A real process and what it costs.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use etcd_client::Client;

use crate::population::{Population, asker, document, fill, srv_ports};
use crate::statistics::median;
use crate::support::etcd::Etcd;

/// Changes that are measured in one run.
const CHANGES: usize = 20_000;
/// Puts under way at once.
const AT_ONCE: usize = 32;
/// Runs, of which the median is shown.
const RUNS: usize = 3;

/// A running `srvd serve`; killed when it is dropped.
pub(crate) struct Server {
    /// The process.
    child: Child,
    /// Where it answers.
    pub(crate) at: SocketAddr,
}

impl Server {
    /// Starts the release binary on a free port.
    pub(crate) fn start(registry: &str) -> Self {
        Self::start_with(registry, &[])
    }

    /// The same with further arguments.
    pub(crate) fn start_with(registry: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_srvd"))
            .args(["serve", "--listen", "127.0.0.1:0", "--http", "off", "--registry", registry])
            .args(arguments)
            .env("RUST_LOG", "error")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let place = line.strip_prefix("answering DNS on ").unwrap().split_once(',').unwrap().0;
        Self { child, at: place.parse().unwrap() }
    }

    /// Waits for the first answer.
    pub(crate) fn wait_ready(&self, name: &str) {
        let socket = asker(self.at);
        while srv_ports(&socket, name).is_empty() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Its CPU time in microseconds: user and system.
    fn cpu(&self) -> f64 {
        /// Microseconds in one of the kernel's ticks.
        const TICK: f64 = 10_000.0;
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<_> = text.rsplit_once(") ").unwrap().1.split(' ').collect();
        (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) * TICK
    }

    /// A line of its status, in MiB.
    pub(crate) fn status(&self, field: &str) -> f64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = text.lines().find(|line| line.starts_with(field)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Prints what a process costs at several sizes.
pub(crate) fn print() {
    println!("\n`srvd serve` and etcd: {CHANGES} puts, one to a revision; medians of {RUNS} runs");
    println!(
        "| instances in services | ready after s | MiB resident | MiB after the changes | MiB at most | µs CPU per change | puts/s |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for population in [
        Population::of_tens(1_000),
        Population::of_tens(10_000),
        Population::of_tens(100_000),
        Population::of_tens(1_000_000),
        Population::in_one(1_000),
        Population::in_one(100_000),
    ] {
        row(&runtime, population);
    }
}

/// Measures one size.
fn row(runtime: &tokio::runtime::Runtime, population: Population) {
    let etcd = Etcd::start();
    let client = runtime.block_on(Client::connect([etcd.url()], None)).unwrap();
    runtime.block_on(fill(&client, population));
    let mut figures: [Vec<f64>; 6] = Default::default();
    for _ in 0..RUNS {
        for (all, figure) in figures.iter_mut().zip(run(runtime, &etcd, &client, population)) {
            all.push(figure);
        }
    }
    let [ready, resident, later, peak, cpu, rate] = figures.map(median);
    let title = population.title();
    println!(
        "| {title} | {ready:.2} | {resident:.0} | {later:.0} | {peak:.0} | {cpu:.0} | {rate:.0} |"
    );
}

/// One run: ready, resident, resident after the changes, at most, µs per change, puts/s.
fn run(
    runtime: &tokio::runtime::Runtime,
    etcd: &Etcd,
    client: &Client,
    population: Population,
) -> [f64; 6] {
    runtime.block_on(client.kv_client().put("/services/ready/1", "10.0.0.1:80", None)).unwrap();
    let begun = Instant::now();
    let server = Server::start(&etcd.url());
    server.wait_ready("_ready._tcp.");
    let ready = begun.elapsed().as_secs_f64();
    std::thread::sleep(Duration::from_secs(1));
    let resident = server.status("VmRSS");
    let quiet = per_second(&server, Duration::from_secs(3));
    let (before, begun) = (server.cpu(), Instant::now());
    runtime.block_on(change(client, population));
    wait_for_last(runtime, client, &server);
    let took = begun.elapsed().as_secs_f64();
    let cpu = (server.cpu() - before - quiet * took) / CHANGES as f64;
    let (later, peak) = (server.status("VmRSS"), server.status("VmHWM"));
    [ready, resident, later, peak, cpu, CHANGES as f64 / took]
}

/// Microseconds of CPU that a server takes in a second of doing nothing.
fn per_second(server: &Server, time: Duration) -> f64 {
    let before = server.cpu();
    std::thread::sleep(time);
    (server.cpu() - before) / time.as_secs_f64()
}

/// Changes instances at random, one put each.
async fn change(client: &Client, population: Population) {
    let one_after_the_other = || async {
        let mut kv = client.kv_client();
        for _ in 0..CHANGES / AT_ONCE {
            let n = fastrand::usize(..population.instances);
            let value = document(population, n, fastrand::u16(1..));
            kv.put(population.key(n), value, None).await.unwrap();
        }
    };
    futures_util::future::join_all((0..AT_ONCE).map(|_| one_after_the_other())).await;
}

/// Puts one more, and waits until it is shown.
fn wait_for_last(runtime: &tokio::runtime::Runtime, client: &Client, server: &Server) {
    let (socket, port) = (asker(server.at), fastrand::u16(1..));
    let value = format!("10.0.0.1:{port}");
    runtime.block_on(client.kv_client().put("/services/ready/1", value, None)).unwrap();
    while srv_ports(&socket, "_ready._tcp.") != [port] {
        std::thread::sleep(Duration::from_millis(1));
    }
}
