//! A server on a core of its own, its figures, and its CPU time.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::load::saturate;
use crate::support::etcd::{Etcd, page};
use crate::support::eventually;
use crate::support::srvd::{Srvd, address_in, plain};

/// The server's core.
const SERVER: &str = "0";
/// The core of everybody else.
pub(crate) const CLIENTS: &str = "1";
/// What a UDP worker's thread is called.
const WORKER: &str = "udp-";

/// A server that runs.
pub(crate) struct Server {
    /// Its process.
    process: Srvd,
    /// Where it answers, IPv4 and IPv6.
    pub(crate) at: [SocketAddr; 2],
    /// Where it answers HTTP.
    http: SocketAddr,
}

impl Server {
    /// Starts a binary with one worker for each family.
    pub(crate) fn start(etcd: &Etcd, binary: &str) -> Self {
        let listen = ["--listen", "127.0.0.1:0,[::1]:0", "--workers", "1"];
        let url = etcd.url();
        let arguments = [&["serve", "--registry", &url][..], &listen].concat();
        let known = plain(&arguments);
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", SERVER, binary]).args(known.get_args());
        for (name, value) in known.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let process = Srvd::spawn(&mut command);
        process.prints("answering DNS on [::1]");
        let lines = process.out().all();
        let lines = lines.iter().filter(|line| line.starts_with("answering DNS on "));
        let addresses: Vec<_> = lines.map(|line| address_in(line)).collect();
        let (_, line) = process.prints("answering HTTP on ");
        let http = line.strip_prefix("answering HTTP on ").unwrap().parse().unwrap();
        let server = Self { process, at: addresses.try_into().unwrap(), http };
        assert!(eventually(|| page(http, "/readyz").is_ok_and(|it| it.contains(" 200 "))));
        server
    }

    /// Its figures: name and labels as they are written, and the value.
    pub(crate) fn figures(&self) -> BTreeMap<String, f64> {
        let text = page(self.http, "/metrics").unwrap();
        let (_, text) = text.split_once("\r\n\r\n").unwrap();
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        let pairs = samples.filter_map(|line| line.rsplit_once(' '));
        pairs.map(|(key, value)| (key.to_owned(), value.parse().unwrap())).collect()
    }

    /// Its figures once so many more queries are counted: a worker counts a batch after it is
    /// sent.
    pub(crate) fn settled(
        &self,
        before: &BTreeMap<String, f64>,
        more: u64,
    ) -> BTreeMap<String, f64> {
        let sum = |figures: &BTreeMap<String, f64>| {
            let of = |(key, _): &(&String, &f64)| key.starts_with("srvd_dns_queries_total");
            figures.iter().filter(of).map(|(_, value)| value).sum::<f64>()
        };
        let mut after = self.figures();
        eventually(|| {
            after = self.figures();
            sum(&after) - sum(before) >= more as f64
        });
        after
    }

    /// Nanoseconds that its UDP workers run for a query, while it is asked as fast as it
    /// answers for so long, and perhaps scraped so often in a second.
    pub(crate) fn cost(&self, time: Duration, scrapes: Option<u32>) -> f64 {
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            if let Some(rate) = scrapes {
                let is_over = &is_over;
                scope.spawn(move || {
                    while !is_over.load(Ordering::Relaxed) {
                        let next = Instant::now() + Duration::from_secs(1) / rate;
                        self.figures();
                        std::thread::sleep(next.saturating_duration_since(Instant::now()));
                    }
                });
            }
            let before = self.ran();
            let answered = saturate(self.at[0], time);
            let cost = (self.ran() - before) as f64 / answered as f64;
            is_over.store(true, Ordering::Relaxed);
            cost
        })
    }

    /// Nanoseconds that its UDP workers have run, as the kernel counts them.
    fn ran(&self) -> u64 {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.process.pid())).unwrap();
        let read = |task: std::io::Result<std::fs::DirEntry>| {
            let path = task.ok()?.path();
            let name = std::fs::read_to_string(path.join("comm")).ok()?;
            let times = std::fs::read_to_string(path.join("schedstat")).ok()?;
            let ran = times.split_whitespace().next()?.parse::<u64>().ok()?;
            name.starts_with(WORKER).then_some(ran)
        };
        tasks.filter_map(read).sum()
    }
}

/// Keeps a process on some cores, with all its threads.
pub(crate) fn pin(pid: u32, cores: &str) {
    let arguments = ["--all-tasks", "--pid", "--cpu-list", cores, &pid.to_string()];
    let mut command = Command::new("taskset");
    let output = command.args(arguments).output();
    assert!(output.expect("taskset is installed (Debian: util-linux)").status.success());
}
