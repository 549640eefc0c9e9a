//! Processes on cores of their own, and what they cost.

use std::fs::{File, read_dir, read_to_string};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// The core of a server with one worker.
pub(crate) const SERVER: &str = "0";
/// The core of the load, of etcd and of whoever writes to it.
pub(crate) const GENERATOR: &str = "1";
/// Both, where two workers are measured.
pub(crate) const BOTH: &str = "0-1";
/// The most generations of children that a server has: NSD has two.
const DEPTH: usize = 4;

/// Hundredths of a second in user and in kernel mode, as the kernel's clock (250 ticks a second
/// on Debian) happened to find the process: exact in the long run only.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Modes {
    /// In its own code.
    pub(crate) user: u64,
    /// In the kernel's.
    pub(crate) system: u64,
}

/// A server's process; killed with its children when dropped.
pub(crate) struct Process {
    /// The process that was started.
    child: Child,
    /// Where it logs.
    log: PathBuf,
}

impl Process {
    /// Starts a program on some cores, its log in a directory. It knows nothing of srvd's
    /// variables of whoever runs the bench.
    pub(crate) fn start(cores: &str, command: &[&str], dir: &Path) -> Self {
        let log = dir.join("log");
        let file = File::create(&log).unwrap();
        let mut taskset = Command::new("taskset");
        let names = std::env::vars_os().map(|(name, _)| name);
        for name in names.filter(|name| name.to_string_lossy().starts_with("SRVD_")) {
            taskset.env_remove(name);
        }
        let child = taskset
            .args(["--cpu-list", cores])
            .args(command)
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .expect("taskset is installed (Debian: util-linux)");
        Self { child, log }
    }

    /// What it logged.
    pub(crate) fn log(&self) -> String {
        read_to_string(&self.log).unwrap_or_default()
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Nanoseconds that all its threads, and those of its children, have run.
    pub(crate) fn nanoseconds(&self) -> u64 {
        let times = |pid: &u32| tasks(*pid).iter().map(|task| ran(task)).sum::<u64>();
        self.tree().iter().map(times).sum()
    }

    /// The time that its processes have run so far, split by the mode they ran in.
    pub(crate) fn modes(&self) -> Modes {
        let of = self.tree().into_iter().map(modes);
        of.fold(Modes::default(), |sum, one| Modes {
            user: sum.user + one.user,
            system: sum.system + one.system,
        })
    }

    /// MiB that it has resident.
    pub(crate) fn resident(&self) -> f64 {
        let text = read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        kibibytes.unwrap_or(0.0) / 1024.0
    }

    /// Its id and those of its children, theirs and so on.
    fn tree(&self) -> Vec<u32> {
        let mut all = vec![self.child.id()];
        let mut newest = all.clone();
        for _ in 0..DEPTH {
            newest = newest.iter().flat_map(|pid| children(*pid)).collect();
            all.extend(&newest);
        }
        all
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let ids: Vec<_> = self.tree().iter().map(ToString::to_string).collect();
        // Children may have ended with their parent; nothing is left to do then.
        let _ = Command::new("kill").arg("-KILL").args(ids).stderr(Stdio::null()).status();
        let _ = self.child.wait();
    }
}

/// The directories of a process's threads.
fn tasks(pid: u32) -> Vec<PathBuf> {
    let entries = read_dir(format!("/proc/{pid}/task")).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

/// Nanoseconds that a thread has run: the first field of its scheduler statistics.
fn ran(task: &Path) -> u64 {
    let text = read_to_string(task.join("schedstat")).unwrap_or_default();
    text.split(' ').next().and_then(|field| field.parse().ok()).unwrap_or(0)
}

/// What the kernel's clock counted for a process: fields 14 and 15 of its statistics, behind the
/// name, which may have spaces.
fn modes(pid: u32) -> Modes {
    let text = read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = text.rsplit(')').next().unwrap_or_default();
    let mut fields = fields.split_whitespace().skip(11).map(|field| field.parse().unwrap_or(0));
    Modes { user: fields.next().unwrap_or(0), system: fields.next().unwrap_or(0) }
}

/// The children of a process.
fn children(pid: u32) -> Vec<u32> {
    let text = |task: &PathBuf| read_to_string(task.join("children")).unwrap_or_default();
    let ids: String = tasks(pid).iter().map(text).collect();
    ids.split_whitespace().filter_map(|id| id.parse().ok()).collect()
}

/// Keeps a process that runs, and all it starts from now on, on some cores.
pub(crate) fn pin(pid: u32, cores: &str) {
    let mut command = Command::new("taskset");
    command.args(["--all-tasks", "--cpu-list", "--pid", cores, &pid.to_string()]);
    let status = command.stdout(Stdio::null()).status();
    assert!(status.is_ok_and(|status| status.success()), "cannot pin {pid} to core {cores}");
}

/// A directory that goes when it is dropped, below the build's own.
pub(crate) fn directory() -> TempDir {
    TempDir::with_prefix_in("peers-", env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// Where the build puts what is kept.
pub(crate) fn target() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap()
}
