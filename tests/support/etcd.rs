//! Real etcd, as Debian packages it: one process, or a cluster of them. The variable `ETCD`
//! names another release's program.
//!
//! Every process has its own temporary directory and its own ports, so suites run
//! side by side, and it dies with the value that started it. All calls here block,
//! up to [`PATIENCE`]: an async test that calls them while its own tasks must go on
//! wants `#[tokio::test(flavor = "multi_thread")]`.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::{PATIENCE, eventually, free_addr, signal};

/// How often a start is tried again with other ports, when somebody took ours.
const START_ATTEMPTS: usize = 5;

/// How long one look at `/health` may take.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(2);

/// Stands for the address that clients connect to, in arguments of etcd's own.
pub(crate) const CLIENT: &str = "{client}";

/// One etcd process, its directory and its ports.
pub(crate) struct Etcd {
    /// The process; `None` while it is stopped.
    child: Option<Child>,
    /// What it is started with, first and again.
    plan: Plan,
    /// Its data and its log; removed at the end.
    dir: TempDir,
}

/// What one etcd is started with.
#[derive(Clone)]
struct Plan {
    /// The member's name in its cluster.
    name: String,
    /// Where it listens for clients.
    client: SocketAddr,
    /// Where it listens for other members.
    peer: SocketAddr,
    /// All members as `name=url,…`, the way etcd wants it.
    cluster: String,
    /// Arguments that one test asked for.
    extra: Vec<String>,
}

impl Etcd {
    /// Starts a cluster of one and waits until it is healthy.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a cluster of one with further arguments of etcd's own.
    pub(crate) fn start_with(extra: &[&str]) -> Self {
        let mut members = start_cluster(1, extra);
        members.remove(0)
    }

    /// The URL that clients connect to.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.plan.client)
    }

    /// The address that clients connect to.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.plan.client
    }

    /// The process id. Panics while the process is stopped.
    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().expect("etcd is stopped").id()
    }

    /// Whether there is a process, frozen or not.
    pub(crate) const fn is_running(&self) -> bool {
        self.child.is_some()
    }

    /// Ends the process at once, as a crash does; the data stays.
    pub(crate) fn kill9(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself; there is nothing else to fail.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Ends the process the polite way (SIGTERM) and waits for it; the data stays.
    pub(crate) fn stop(&mut self) {
        let Some(mut child) = self.child.take() else {
            return;
        };
        signal(child.id(), "TERM");
        if !eventually(|| child.try_wait().unwrap().is_some()) {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("etcd {} ignored SIGTERM for {PATIENCE:?}", self.plan.name);
        }
    }

    /// Stops the process from running (SIGSTOP): its sockets stay open and silent.
    pub(crate) fn freeze(&self) {
        signal(self.pid(), "STOP");
        let stat = format!("/proc/{}/stat", self.pid());
        let is_stopped = || std::fs::read_to_string(&stat).is_ok_and(|it| it.contains(") T "));
        assert!(eventually(is_stopped), "etcd goes on running");
    }

    /// Lets a frozen process run again (SIGCONT).
    pub(crate) fn thaw(&self) {
        signal(self.pid(), "CONT");
    }

    /// Starts the process again with the same data and ports, and waits until it is
    /// healthy. One that still runs is killed first.
    pub(crate) fn restart(&mut self) {
        self.spawn();
        self.wait_healthy();
    }

    /// Starts the process again with further arguments of etcd's own, and waits until it
    /// is healthy.
    pub(crate) fn restart_with(&mut self, extra: &[&str]) {
        self.plan.extra.extend(extra.iter().map(ToString::to_string));
        self.restart();
    }

    /// Starts the process again without waiting: for a member that has no quorum yet.
    pub(crate) fn spawn(&mut self) {
        self.kill9();
        self.child = Some(self.plan.spawn(&self.dir));
    }

    /// Loses all data and starts again with the same ports and cluster id: only the
    /// revision tells. Not for one of several; see [`EtcdCluster::wipe_and_restart`].
    pub(crate) fn wipe_and_restart(&mut self) {
        self.wipe();
        self.restart();
    }

    /// Saves what it holds to a file.
    pub(crate) fn save(&self, file: &Path) {
        let done = self.etcdctl(&["snapshot", "save", file.to_str().unwrap()]);
        assert!(done.status.success(), "{done:?}");
    }

    /// Runs `etcdctl` against this process.
    pub(crate) fn etcdctl(&self, args: &[&str]) -> Output {
        etcdctl(&self.url(), args).output().expect("etcdctl is installed (Debian: etcd-client)")
    }

    /// Tells whether the process answers as healthy: it has a leader and can commit.
    pub(crate) fn is_healthy(&self) -> bool {
        page(self.plan.client, "/health").is_ok_and(|page| page.contains(r#""health":"true""#))
    }

    /// Blocks until the process is healthy; panics with its log if it never is.
    pub(crate) fn wait_healthy(&mut self) {
        let healthy = eventually(|| self.is_healthy() || self.exited().is_some());
        assert!(healthy && self.exited().is_none(), "etcd is not healthy:\n{}", self.log());
    }

    /// What the process has been sent of a gRPC method: calls, and the messages of streams.
    pub(crate) fn messages(&self, method: &str) -> u64 {
        self.counted("grpc_server_msg_received_total", method)
    }

    /// How often the process has been asked a gRPC method.
    pub(crate) fn calls(&self, method: &str) -> u64 {
        self.counted("grpc_server_handled_total", method)
    }

    /// The sum of one of its counters over a gRPC method.
    fn counted(&self, counter: &str, method: &str) -> u64 {
        let page = page(self.plan.client, "/metrics").unwrap_or_default();
        let of_method = format!("grpc_method=\"{method}\"");
        let lines =
            page.lines().filter(|line| line.starts_with(counter) && line.contains(&of_method));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
    }

    /// What the process wrote to its log.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// How the process ended, if it did so by itself.
    fn exited(&mut self) -> Option<ExitStatus> {
        self.child.as_mut().and_then(|child| child.try_wait().unwrap())
    }

    /// Puts what a file holds in the place of its data; it must not run. The cluster is
    /// named as before, so that only the revision tells.
    fn load(&self, file: &Path) {
        let peer = format!("http://{}", self.plan.peer);
        let data = self.dir.path().join("data");
        let args = ["snapshot", "restore", file.to_str().unwrap(), "--name", &self.plan.name];
        let done = etcdctl(&self.url(), &args)
            .args(["--initial-cluster", &self.plan.cluster])
            .args(["--initial-cluster-token", &self.plan.cluster])
            .args(["--initial-advertise-peer-urls", &peer])
            .arg("--data-dir")
            .arg(data)
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
    }

    /// Ends the process and removes its data.
    fn wipe(&mut self) {
        self.kill9();
        std::fs::remove_dir_all(self.dir.path().join("data")).unwrap();
    }
}

impl Drop for Etcd {
    /// Kills the process, frozen or not: nothing of a test outlives it.
    fn drop(&mut self) {
        self.kill9();
    }
}

/// Several etcd members that form one cluster.
pub(crate) struct EtcdCluster {
    /// The members; each has all the controls of a single process.
    pub(crate) members: Vec<Etcd>,
}

impl EtcdCluster {
    /// Starts `size` members and waits until all of them are healthy.
    pub(crate) fn start(size: usize) -> Self {
        Self { members: start_cluster(size, &[]) }
    }

    /// The URLs that clients connect to, in the order of the members.
    pub(crate) fn urls(&self) -> Vec<String> {
        self.members.iter().map(Etcd::url).collect()
    }

    /// The index of the member that leads now; waits while there is none.
    pub(crate) fn leader(&self) -> usize {
        let mut leader = None;
        eventually(|| {
            leader = self.members.iter().position(is_leader);
            leader.is_some()
        });
        leader.expect("no member became the leader")
    }

    /// Adds a member, and waits until it is healthy. Gives its index.
    pub(crate) fn join(&mut self) -> usize {
        let (client, peer) = (free_addr(), free_addr());
        let (name, url) = (format!("m{}", client.port()), format!("http://{peer}"));
        let living = self.members.iter().rfind(|it| it.child.is_some()).expect("one runs");
        let mut said = String::new();
        // Right after another change of members etcd may refuse.
        let added = eventually(|| {
            let output = living.etcdctl(&["member", "add", &name, "--peer-urls", &url]);
            said = String::from_utf8(output.stdout).unwrap();
            output.status.success()
        });
        assert!(added, "etcd takes no new member");
        let cluster = said.split_once("ETCD_INITIAL_CLUSTER=\"").unwrap().1;
        let cluster = cluster.split_once('"').unwrap().0.to_owned();
        let extra = ["--initial-cluster-state", "existing"].map(str::to_owned).to_vec();
        let (plan, dir) = (Plan { name, client, peer, cluster, extra }, TempDir::new().unwrap());
        let mut member = Etcd { child: Some(plan.spawn(&dir)), plan, dir };
        member.wait_healthy();
        self.members.push(member);
        self.members.len() - 1
    }

    /// Loses the data of all members and starts them again on their ports.
    pub(crate) fn wipe_and_restart(&mut self) {
        self.members.iter_mut().for_each(Etcd::wipe);
        self.start_all();
    }

    /// Takes all members back to what a file holds, and starts them on their ports.
    pub(crate) fn restore(&mut self, file: &Path) {
        self.members.iter_mut().for_each(Etcd::wipe);
        self.members.iter().for_each(|member| member.load(file));
        self.start_all();
    }

    /// Starts all members, and waits until they are healthy.
    pub(crate) fn start_all(&mut self) {
        self.members.iter_mut().for_each(Etcd::spawn);
        self.members.iter_mut().for_each(Etcd::wait_healthy);
    }
}

/// The command `etcdctl`, API version 3, against `url`.
pub(crate) fn etcdctl(url: &str, args: &[&str]) -> Command {
    let mut command = Command::new("etcdctl");
    command.env("ETCDCTL_API", "3").args(["--endpoints", url]).args(args).stdin(Stdio::null());
    command
}

impl Plan {
    /// Starts the process, its log going to a file beside the data.
    fn spawn(&self, dir: &TempDir) -> Child {
        let log = File::options().create(true).append(true).open(dir.path().join("log")).unwrap();
        self.command(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("etcd is installed (Debian: etcd-server)")
    }

    /// The command line. The short election makes a failover quick to test, and is
    /// still ten heartbeats long.
    fn command(&self, dir: &TempDir) -> Command {
        let client = format!("http://{}", self.client);
        let peer = format!("http://{}", self.peer);
        let mut command = Command::new(binary());
        command
            .args(["--name", &self.name])
            .arg("--data-dir")
            .arg(dir.path().join("data"))
            .args(["--listen-client-urls", &client, "--advertise-client-urls", &client])
            .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
            .args(["--initial-cluster", &self.cluster, "--initial-cluster-token", &self.cluster])
            .args(["--heartbeat-interval", "50", "--election-timeout", "500"])
            .args(["--logger", "zap", "--log-level", "warn"])
            .args(&self.extra);
        command
    }
}

/// The program that is run as etcd.
pub(crate) fn binary() -> OsString {
    std::env::var_os("ETCD").unwrap_or_else(|| "etcd".into())
}

/// Starts `size` members and waits for their health, with other ports when somebody
/// was quicker to bind the ones we chose.
fn start_cluster(size: usize, extra: &[&str]) -> Vec<Etcd> {
    for attempt in 1.. {
        let mut members = spawn_cluster(size, extra);
        let settled = eventually(|| {
            members.iter().all(Etcd::is_healthy)
                || members.iter_mut().any(|member| member.exited().is_some())
        });
        if settled && members.iter_mut().all(|member| member.exited().is_none()) {
            return members;
        }
        assert!(attempt < START_ATTEMPTS, "etcd does not start:\n{}", members[0].log());
    }
    unreachable!("the loop ends by returning or by the assertion")
}

/// Starts `size` members on fresh ports without waiting for them.
fn spawn_cluster(size: usize, extra: &[&str]) -> Vec<Etcd> {
    let plans = plans(size, extra);
    let start = |plan: Plan| {
        let dir = TempDir::new().unwrap();
        Etcd { child: Some(plan.spawn(&dir)), plan, dir }
    };
    plans.into_iter().map(start).collect()
}

/// What each of `size` members is started with.
fn plans(size: usize, extra: &[&str]) -> Vec<Plan> {
    let ports: Vec<_> = (0..size).map(|_| (free_addr(), free_addr())).collect();
    let named = |(i, (_, peer)): (usize, &(SocketAddr, SocketAddr))| format!("m{i}=http://{peer}");
    let cluster = ports.iter().enumerate().map(named).collect::<Vec<_>>().join(",");
    let plan = |(i, (client, peer))| Plan {
        name: format!("m{i}"),
        client,
        peer,
        cluster: cluster.clone(),
        extra: extra.iter().map(|it| it.replace(CLIENT, &client.to_string())).collect(),
    };
    ports.into_iter().enumerate().map(plan).collect()
}

/// Reads a page of the server at `addr`, with the head of the response before it.
pub(crate) fn page(addr: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&addr, HEALTH_TIMEOUT)?;
    stream.set_read_timeout(Some(HEALTH_TIMEOUT))?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes())?;
    let mut page = String::new();
    stream.read_to_string(&mut page)?;
    Ok(page)
}

/// Tells whether this running member says of itself that it leads.
fn is_leader(member: &Etcd) -> bool {
    if member.child.is_none() {
        return false;
    }
    let args = ["--command-timeout=2s", "endpoint", "status", "-w", "json"];
    let status: serde_json::Value =
        serde_json::from_slice(&member.etcdctl(&args).stdout).unwrap_or_default();
    let status = &status[0]["Status"];
    !status["leader"].is_null() && status["leader"] == status["header"]["member_id"]
}
