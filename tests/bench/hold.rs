//! Many registrations held by one `srvd join --from`, and an outage longer than their lease.
//!
//! `cargo bench --bench hold` holds 10,000, another number as an argument:
//! `cargo bench --bench hold -- 500 --quick` tries it in half a minute. A watch beside it
//! counts lapses: keys that went while etcd was well. Absolute times are the machine's; the
//! number of requests is ours.
//!
//! `cargo bench --bench hold -- --http` holds as many that clients of bender's interface
//! renew by POST, every five seconds, over connections that are kept and then over one each.
#![allow(clippy::unwrap_used, reason = "a bench that cannot go on has nothing to say")]

#[path = "../support/mod.rs"]
mod support;

/// What is said of many figures.
#[path = "statistics.rs"]
mod statistics;

/// What a process costs.
#[path = "hold/process.rs"]
mod process;

/// What etcd was asked.
#[path = "hold/requests.rs"]
mod requests;

/// What stands in etcd, as a watch sees it.
#[path = "hold/census.rs"]
mod census;

/// Clients that register over HTTP and renew by POST.
#[path = "hold/posts.rs"]
mod posts;

use std::time::{Duration, Instant};

use self::census::Census;
use self::posts::Clients;
use self::process::Cost;
use self::requests::Requests;
use self::statistics::{median, quantile};
use self::support::etcd::Etcd;
use self::support::srvd::Srvd;

/// Registrations that are held when no number is given.
const COUNT: usize = 10_000;
/// Their lease.
const TTL: Duration = Duration::from_secs(10);
/// How often clients renew them over HTTP.
const POST_EVERY: Duration = Duration::from_secs(5);
/// How long they are watched while nothing happens.
const STEADY: Duration = Duration::from_secs(60);
/// The same with `--quick`.
const STEADY_QUICK: Duration = Duration::from_secs(12);
/// How long etcd is away.
const AWAY: Duration = Duration::from_secs(30);
/// How long anything may take before the bench gives up.
const LIMIT: Duration = Duration::from_secs(300);

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    // Test runners start bench targets too, to see that they build.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let count = arguments.iter().find_map(|word| word.parse().ok()).unwrap_or(COUNT);
    let steady = if arguments.iter().any(|it| it == "--quick") { STEADY_QUICK } else { STEADY };
    if arguments.iter().any(|it| it == "--http") {
        return renew_by_post(count, steady);
    }
    println!(
        "\n{count} registrations in one `srvd join --from`, lease {} s, etcd on the same machine",
        TTL.as_secs()
    );
    let mut etcd = Etcd::start();
    let census = Census::of(&etcd.url());
    let srvd = register(&etcd, &census, count);
    // What the beginning left to do is no part of this.
    std::thread::sleep(TTL);
    stand(&etcd, &srvd, &census, steady);
    freeze(&etcd, &census, count);
    std::thread::sleep(TTL);
    stand(&etcd, &srvd, &census, steady / 2);
    drop(census);
    kill(&mut etcd, count);
    leave(srvd, &etcd);
}

/// Lets clients register over HTTP and renew by POST.
fn renew_by_post(count: usize, steady: Duration) {
    println!(
        "\n{count} registrations renewed by POST every {} s, lease {} s, all on one machine",
        POST_EVERY.as_secs(),
        TTL.as_secs()
    );
    let etcd = Etcd::start();
    let census = Census::of(&etcd.url());
    let ttl = format!("{}s", TTL.as_secs());
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--registration-ttl", &ttl];
    let srvd = Srvd::start(&etcd.url(), &arguments);
    let line = srvd.prints("answering HTTP on ").1;
    let at = line.strip_prefix("answering HTTP on ").unwrap().parse().unwrap();
    let clients = Clients::start(at, count, POST_EVERY);
    census.wait_for(count, LIMIT);
    println!("connections that are kept:");
    post(&etcd, &srvd, &census, &clients, steady);
    clients.stand_alone();
    println!("a connection for each POST:");
    post(&etcd, &srvd, &census, &clients, steady);
}

/// Watches while clients renew.
fn post(etcd: &Etcd, srvd: &Srvd, census: &Census, clients: &Clients, time: Duration) {
    std::thread::sleep(TTL);
    clients.take();
    stand(etcd, srvd, census, time);
    let (took, failed) = clients.take();
    println!(
        "  {:.0} POSTs a second, {failed} failed so far; from due to answered: half within {:.1} ms, 99 % within {:.1} ms, all within {:.1} ms",
        took.len() as f64 / time.as_secs_f64(),
        median(took.clone()),
        quantile(&took, 0.99).unwrap_or_default(),
        took.last().copied().unwrap_or_default(),
    );
}

/// Registers all.
fn register(etcd: &Etcd, census: &Census, count: usize) -> Srvd {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), documents(count)).unwrap();
    let before = Requests::of(etcd);
    let begun = Instant::now();
    let ttl = format!("{}s", TTL.as_secs());
    let path = file.path().to_str().unwrap();
    let srvd = Srvd::start(&etcd.url(), &["join", "--from", path, "--ttl", &ttl]);
    census.wait_for(count, LIMIT);
    println!("registered after {:.1} s", begun.elapsed().as_secs_f64());
    Requests::of(etcd).print_since(&before, "requests to register", None);
    srvd
}

/// Watches while nothing happens.
fn stand(etcd: &Etcd, srvd: &Srvd, census: &Census, time: Duration) {
    let (lapses, requests) = (census.lapses(), Requests::of(etcd));
    let (join, registry) = (Cost::of(srvd.pid()), Cost::of(etcd.pid()));
    std::thread::sleep(time);
    let seconds = time.as_secs_f64();
    let share = |cost: &Cost, pid| (Cost::of(pid).cpu - cost.cpu) / seconds * 100.0;
    println!(
        "standing for {seconds} s: {} lapses; srvd {:.1} % of a core, {:.1} MiB resident; etcd {:.1} % of a core",
        census.lapses() - lapses,
        share(&join, srvd.pid()),
        Cost::of(srvd.pid()).resident,
        share(&registry, etcd.pid()),
    );
    Requests::of(etcd).print_since(&requests, "requests a second", Some(time));
}

/// Freezes etcd for longer than the lease: its clock goes on, so it ends leases when it is back.
fn freeze(etcd: &Etcd, census: &Census, count: usize) {
    let before = Requests::of(etcd);
    etcd.freeze();
    std::thread::sleep(AWAY);
    etcd.thaw();
    let back = Instant::now();
    census.wait_for_peace(count, TTL, LIMIT);
    let took = census.last_put().saturating_duration_since(back);
    println!(
        "etcd frozen for {} s: all back {:.1} s after it; {} keys had gone",
        AWAY.as_secs(),
        took.as_secs_f64(),
        census.lapses(),
    );
    Requests::of(etcd).print_since(&before, "requests in all", None);
}

/// Kills etcd and starts it again without its data: all must be put anew.
fn kill(etcd: &mut Etcd, count: usize) {
    etcd.kill9();
    std::thread::sleep(AWAY);
    etcd.wipe_and_restart();
    let back = Instant::now();
    Census::of(&etcd.url()).wait_for(count, LIMIT);
    println!(
        "etcd killed for {} s and wiped: all back {:.1} s after it",
        AWAY.as_secs(),
        back.elapsed().as_secs_f64()
    );
    Requests::of(etcd).print("requests in all");
}

/// Leaves.
fn leave(mut srvd: Srvd, etcd: &Etcd) {
    let begun = srvd.signal("TERM");
    let code = srvd.exits();
    let left = Census::of(&etcd.url()).standing();
    println!(
        "left after {:.1} s (exit code {code}), {left} keys remain",
        begun.elapsed().as_secs_f64()
    );
}

/// Documents of services of ten, at addresses of their own.
fn documents(count: usize) -> String {
    let one = |n: usize| {
        let (a, b, c) = (n >> 16 & 0xff, n >> 8 & 0xff, n & 0xff);
        format!(r#"{{"name":"service-{}","hostname":"10.{a}.{b}.{c}","port":8080}}"#, n / 10)
    };
    format!("[{}]", (0..count).map(one).collect::<Vec<_>>().join(",\n"))
}
