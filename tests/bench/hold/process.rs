//! What a process costs.

/// What a process has cost so far, and costs now.
pub(crate) struct Cost {
    /// CPU time in seconds: user and system.
    pub(crate) cpu: f64,
    /// Resident memory in MiB.
    pub(crate) resident: f64,
}

impl Cost {
    /// The cost of a process.
    pub(crate) fn of(pid: u32) -> Self {
        /// The kernel's ticks in a second.
        const TICKS: f64 = 100.0;
        let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let fields: Vec<_> = text.rsplit_once(") ").unwrap().1.split(' ').collect();
        let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        let kib: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        Self { cpu: (ticks(11) + ticks(12)) / TICKS, resident: kib / 1024.0 }
    }
}
