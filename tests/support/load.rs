//! What a process takes of the machine: CPU, memory, descriptors, threads (proc(5)).

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::fs::DirEntry;
use std::time::{Duration, Instant};

/// Ticks of CPU time in a second (USER_HZ, which is the same on every Linux).
const TICKS: f64 = 100.0;
/// How often a second a process may wake while nothing happens: timers of sessions, heartbeats
/// and looks at files. Counted, because CPU time says as much about the machine as about us.
const IDLE_WAKEUPS: f64 = 40.0;
/// The same while it tries something again and again, at several places at once.
const TRYING_WAKEUPS: f64 = 100.0;
/// The part of a core that only a loop without a wait takes: a debug build on the slowest machine
/// takes a tenth of it.
const SPINNING_CORE: f64 = 0.25;
/// The shortest time that says something about an average.
const MEASURE_MIN: Duration = Duration::from_secs(5);

/// What a process takes now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Its resident memory, in KiB.
    pub(crate) resident: u64,
    /// Open descriptors.
    pub(crate) descriptors: usize,
    /// Threads.
    pub(crate) threads: u64,
}

/// What a process does from some moment on.
#[derive(Debug, Clone)]
pub(crate) struct Doing {
    /// The process.
    pid: u32,
    /// CPU time that it had used, in seconds.
    used: f64,
    /// How often each of its threads had slept.
    slept: BTreeMap<u32, u64>,
    /// When.
    since: Instant,
}

/// What a process did, on average.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Did {
    /// The part of a core that it used.
    pub(crate) core: f64,
    /// How often a second a thread of it woke.
    pub(crate) wakeups: f64,
}

impl Load {
    /// What a process takes now.
    pub(crate) fn of(pid: u32) -> Self {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let field = |name: &str| {
            let rest = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            rest.split_whitespace().next().unwrap().parse::<u64>().unwrap()
        };
        let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
        Self { resident: field("VmRSS:"), descriptors, threads: field("Threads:") }
    }
}

impl Doing {
    /// Looks from now on.
    pub(crate) fn of(pid: u32) -> Self {
        Self { pid, used: used(pid), slept: slept(pid), since: Instant::now() }
    }

    /// What it did since. A thread that ended takes what it did with it.
    pub(crate) fn so_far(&self) -> Did {
        let seconds = self.since.elapsed().as_secs_f64();
        let before = |thread| self.slept.get(thread).copied().unwrap_or(0);
        let slept = slept(self.pid);
        let woke = slept.iter().map(|(thread, now)| now.saturating_sub(before(thread)));
        let wakeups = woke.sum::<u64>() as f64 / seconds;
        Did { core: (used(self.pid) - self.used) / seconds, wakeups }
    }

    /// Whether it is looked at for so short a time that an average says nothing.
    pub(crate) fn is_short(&self) -> bool {
        self.since.elapsed() < MEASURE_MIN
    }

    /// What a process does over some time from now on.
    pub(crate) fn over(pid: u32, time: Duration) -> Did {
        let doing = Self::of(pid);
        std::thread::sleep(time);
        doing.so_far()
    }
}

impl Did {
    /// Whether it did next to nothing.
    pub(crate) fn is_idle(&self) -> bool {
        self.wakeups <= IDLE_WAKEUPS && self.core <= SPINNING_CORE
    }

    /// Whether it waited between one try and the next.
    pub(crate) fn is_patient(&self) -> bool {
        self.wakeups <= TRYING_WAKEUPS && self.core <= SPINNING_CORE
    }
}

impl Display for Did {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} % of a core, {:.0} wakeups/s", self.core * 100.0, self.wakeups)
    }
}

/// How often each thread of a process slept (`voluntary_ctxt_switches`, proc(5)).
fn slept(pid: u32) -> BTreeMap<u32, u64> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let of_thread = |thread: DirEntry| {
        let status = std::fs::read_to_string(thread.path().join("status")).ok()?;
        let line = status.lines().find_map(|it| it.strip_prefix("voluntary_ctxt_switches:"))?;
        Some((thread.file_name().to_str()?.parse().ok()?, line.trim().parse().ok()?))
    };
    threads.filter_map(of_thread).collect()
}

/// Seconds of CPU time that a process has used; 0 where it is gone.
fn used(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name may have spaces and brackets in it; user and system time are the 12th and
    // 13th field after it.
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let ticks = after.split_whitespace().skip(11).take(2);
    ticks.filter_map(|it| it.parse::<f64>().ok()).sum::<f64>() / TICKS
}
