//! A snapshot and a restart from it.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use etcd_client::Client;

use crate::population::{Population, fill};
use crate::process::Server;
use crate::statistics::median;
use crate::support::etcd::Etcd;

/// How many instances there are, where no number says so.
const INSTANCES: [usize; 3] = [10_000, 100_000, 1_000_000];
/// Runs, of which the median is shown.
const RUNS: usize = 3;
/// How often the directory is looked at.
const GLANCE: Duration = Duration::from_millis(1);
/// How long a snapshot may take to appear.
const PATIENCE: Duration = Duration::from_secs(120);
/// The name that is asked for, in bare form.
const NAME: &str = "_ready._tcp.";

/// Prints what a snapshot costs, and how soon a restart answers from it with etcd away.
pub(crate) fn print(instances: &[usize]) {
    println!("\nSnapshots, and a restart from one with etcd away; medians of {RUNS} runs");
    println!(
        "| instances in services | MiB on disk | octets an instance | written in s | MiB resident before | at most while writing | first answer after a restart s | MiB resident then |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let chosen = if instances.is_empty() { &INSTANCES[..] } else { instances };
    for population in chosen.iter().map(|count| Population::of_tens(*count)) {
        row(&runtime, population);
    }
}

/// Measures one size.
fn row(runtime: &tokio::runtime::Runtime, population: Population) {
    let mut etcd = Etcd::start();
    let client = runtime.block_on(Client::connect([etcd.url()], None)).unwrap();
    runtime.block_on(fill(&client, population));
    runtime.block_on(client.kv_client().put("/services/ready/1", "10.0.0.1:80", None)).unwrap();
    let mut figures: [Vec<f64>; 6] = Default::default();
    for _ in 0..RUNS {
        for (all, figure) in figures.iter_mut().zip(run(&mut etcd)) {
            all.push(figure);
        }
        etcd.restart();
    }
    let [octets, written, before, writing, answer, then] = figures.map(median);
    let (size, each) = (octets / f64::from(1 << 20), octets / population.instances as f64);
    println!(
        "| {} | {size:.1} | {each:.0} | {written:.2} | {before:.0} | {writing:.0} | {answer:.2} | {then:.0} |",
        population.title()
    );
}

/// One run: octets, seconds to write, MiB before and while writing, seconds to the first
/// answer after a restart, MiB then. etcd is away after it.
fn run(etcd: &mut Etcd) -> [f64; 6] {
    let directory = tempfile::tempdir().unwrap();
    let arguments = ["--state", directory.path().to_str().unwrap()];
    let server = Server::start_with(&etcd.url(), &arguments);
    server.wait_ready(NAME);
    let before = server.status("VmRSS");
    let (octets, written, writing) = watch(&server, directory.path());
    drop(server);
    etcd.kill9();
    let begun = Instant::now();
    let server = Server::start_with(&etcd.url(), &arguments);
    server.wait_ready(NAME);
    let answer = begun.elapsed().as_secs_f64();
    [octets as f64, written, before, writing, answer, server.status("VmRSS")]
}

/// Waits for a snapshot: its octets, how long its file was unfinished, and the most that was
/// resident meanwhile.
fn watch(server: &Server, directory: &Path) -> (u64, f64, f64) {
    let (mut begun, mut most, deadline) = (None, 0_f64, Instant::now() + PATIENCE);
    loop {
        assert!(Instant::now() < deadline, "no snapshot within {PATIENCE:?}");
        std::thread::sleep(GLANCE);
        let found = fs::read_dir(directory).unwrap().flatten().next();
        let Some(found) = found.filter(|it| it.metadata().is_ok()) else { continue };
        let begun = *begun.get_or_insert_with(Instant::now);
        most = most.max(server.status("VmRSS"));
        if found.file_name().to_string_lossy().ends_with(".snapshot") {
            return (found.metadata().unwrap().len(), begun.elapsed().as_secs_f64(), most);
        }
    }
}
