//! From put to DNS, beside a bare watcher of the same etcd.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use etcd_client::{Client, WatchOptions};

use crate::population::{Population, asker, fill, srv_ports};
use crate::process::Server;
use crate::statistics::quantile;
use crate::support::etcd::Etcd;

/// Puts that are measured.
const PUTS: usize = 2_000;
/// The time between two of them.
const INTERVAL: Duration = Duration::from_millis(2);
/// The time between two queries: finer would measure how busy the machine is.
const GLANCE: Duration = Duration::from_micros(100);
/// The key that is put; its port counts the puts.
const KEY: &str = "/services/probe/1";

/// When each put was seen, in nanoseconds from a common start; 0 is never.
type Times = Arc<[AtomicU64]>;

/// Prints how long a put takes to be seen.
pub(crate) fn print() {
    println!("\nFrom put to visible, {PUTS} puts, one every {INTERVAL:?}; ms");
    println!(
        "| instances in services | watcher p50 | p99 | DNS p50 | p99 | DNS after watcher p50 | p99 | max | puts/s |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for population in
        [Population::of_tens(1_000), Population::of_tens(100_000), Population::of_tens(1_000_000)]
    {
        row(&runtime, population);
    }
}

/// Measures one size.
fn row(runtime: &tokio::runtime::Runtime, population: Population) {
    let etcd = Etcd::start();
    let client = runtime.block_on(Client::connect([etcd.url()], None)).unwrap();
    runtime.block_on(fill(&client, population));
    runtime.block_on(client.kv_client().put(KEY, "10.0.0.1:1", None)).unwrap();
    let server = Server::start(&etcd.url());
    server.wait_ready("_probe._tcp.");

    let start = Instant::now();
    let [put, watched, shown] = [0; 3].map(|_| times());
    let watcher = runtime.spawn(watch(client.clone(), start, Arc::clone(&watched)));
    let asking = {
        let (shown, socket) = (Arc::clone(&shown), asker(server.at));
        std::thread::spawn(move || {
            while shown[PUTS].load(Ordering::Relaxed) == 0 {
                for port in srv_ports(&socket, "_probe._tcp.") {
                    mark(&shown, port, start);
                }
                std::thread::sleep(GLANCE);
            }
        })
    };
    // The watch is open before the first put.
    std::thread::sleep(Duration::from_millis(500));
    let begun = Instant::now();
    runtime.block_on(put_all(&client, start, &put));
    let rate = PUTS as f64 / begun.elapsed().as_secs_f64();
    asking.join().unwrap();
    runtime.block_on(watcher).unwrap();

    let (to_watcher, to_dns) = (between(&put, &watched), between(&put, &shown));
    let after = between(&watched, &shown);
    let of = |all: &[f64], part| quantile(all, part).expect("some were seen");
    let pair = |all: &[f64]| format!("{:.2} | {:.2}", of(all, 0.5), of(all, 0.99));
    println!(
        "| {} | {} | {} | {} | {:.2} | {rate:.0} |",
        population.title(),
        pair(&to_watcher),
        pair(&to_dns),
        pair(&after),
        of(&after, 1.0)
    );
}

/// Times that have not come.
fn times() -> Times {
    (0..=PUTS).map(|_| AtomicU64::new(0)).collect()
}

/// Marks the put that a port stands for, and those before it, as seen now.
fn mark(times: &Times, port: u16, start: Instant) {
    let number = usize::from(port).saturating_sub(1);
    let now = start.elapsed().as_nanos() as u64;
    for time in times[..=number].iter().rev() {
        if time.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            break;
        }
    }
}

/// Puts with ports from 2 on, at a steady rate.
async fn put_all(client: &Client, start: Instant, times: &Times) {
    let mut kv = client.kv_client();
    let mut clock = tokio::time::interval(INTERVAL);
    for number in 1..=PUTS {
        clock.tick().await;
        times[number].store(start.elapsed().as_nanos() as u64, Ordering::Relaxed);
        kv.put(KEY, format!("10.0.0.1:{}", number + 1), None).await.unwrap();
    }
}

/// A bare watcher: it reads the port and nothing else.
async fn watch(client: Client, start: Instant, times: Times) {
    let options = WatchOptions::new();
    let mut stream = client.watch_client().watch(KEY, Some(options)).await.unwrap();
    while times[PUTS].load(Ordering::Relaxed) == 0 {
        let response = stream.message().await.unwrap().unwrap();
        for event in response.events() {
            let value = event.kv().unwrap().value_str().unwrap();
            mark(&times, value.rsplit(':').next().unwrap().parse().unwrap(), start);
        }
    }
}

/// Milliseconds between two marks of each put, sorted.
fn between(from: &Times, to: &Times) -> Vec<f64> {
    let time = |time: &AtomicU64| time.load(Ordering::Relaxed) as f64 / 1e6;
    let mut all: Vec<_> =
        from.iter().zip(to.iter()).skip(1).map(|(from, to)| time(to) - time(from)).collect();
    all.sort_by(f64::total_cmp);
    all
}
