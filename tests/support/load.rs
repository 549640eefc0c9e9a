//! What a process takes of the machine: CPU, memory, descriptors, threads (proc(5)).

use std::time::{Duration, Instant};

/// Ticks of CPU time in a second (USER_HZ, which is the same on every Linux).
const TICKS: f64 = 100.0;
/// The part of a core above which a process does something while nothing happens.
pub(crate) const IDLE_CORE: f64 = 0.02;

/// The shortest time that says something: 10 ticks of 500 are the part above.
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

/// CPU time from some moment on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cpu {
    /// The process.
    pid: u32,
    /// What it had used.
    used: f64,
    /// When.
    since: Instant,
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

impl Cpu {
    /// Measures from now on.
    pub(crate) fn of(pid: u32) -> Self {
        Self { pid, used: used(pid), since: Instant::now() }
    }

    /// The part of a core that it used on average.
    pub(crate) fn core(&self) -> f64 {
        (used(self.pid) - self.used) / self.since.elapsed().as_secs_f64()
    }

    /// Whether it is measured for so short a time that a tick or two decide.
    pub(crate) fn is_short(&self) -> bool {
        self.since.elapsed() < MEASURE_MIN
    }

    /// The same over some time from now on.
    pub(crate) fn core_over(pid: u32, time: Duration) -> f64 {
        let cpu = Self::of(pid);
        std::thread::sleep(time);
        cpu.core()
    }
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
