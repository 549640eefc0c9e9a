//! Figures of the process, by the names that every Prometheus client gives them.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use rustix::process::{Resource, getrlimit};

use super::write::single;
use crate::names::COMMIT;

/// In what Linux counts the time of processes, a second of it (USER_HZ): 100 to programs,
/// whatever the kernel itself counts in.
const TICKS: f64 = 100.0;

/// Writes what is built, and since when it runs.
pub(super) fn encode(encoder: &mut DescriptorEncoder, started: SystemTime) -> fmt::Result {
    let labels = [("version", env!("CARGO_PKG_VERSION")), ("commit", COMMIT.unwrap_or("unknown"))];
    single(encoder, "srvd_build", "What was built", &Info::new(labels.to_vec()))?;
    let since = started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let (name, help) =
        ("process_start_time_seconds", "Start time of the process since the Unix epoch");
    single(encoder, name, help, &ConstGauge::new(since))?;
    let most = getrlimit(Resource::Nofile).current.map_or(f64::INFINITY, |most| most as f64);
    single(encoder, "process_max_fds", "Descriptors that may be open", &ConstGauge::new(most))?;
    if let Some(seconds) = cpu_seconds() {
        let help = "CPU time of the process, user and system";
        single(encoder, "process_cpu_seconds", help, &ConstCounter::new(seconds))?;
    }
    if let Some(octets) = resident() {
        let help = "Memory of the process that is resident";
        single(encoder, "process_resident_memory_bytes", help, &ConstGauge::new(octets))?;
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        let open = ConstGauge::new(open.count() as i64);
        single(encoder, "process_open_fds", "Descriptors that are open", &open)?;
    }
    Ok(())
}

/// CPU time (proc(5), `stat`: fields 14 and 15); none where there is no such file.
fn cpu_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is a name in brackets, with anything in it.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<f64>().ok();
    Some((next()? + next()?) / TICKS)
}

/// Octets that are resident (proc(5), `status`); none where there is no such file.
fn resident() -> Option<i64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<i64>().ok()? * 1024)
}
