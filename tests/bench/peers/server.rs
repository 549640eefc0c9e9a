//! How each server is configured and started: with what a reasonable operator of that
//! server would set for this, no more.

use std::fmt::{Display, Formatter, Result};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::data::{Data, ZONE};
use crate::dnsperf::Transport;
use crate::echo;
use crate::population::Population;
use crate::process::{Process, SERVER, directory};
use crate::questions::{Questions, Workload};
use crate::same;
use crate::support::certificates::PairFiles;
use crate::support::free_addr;

/// How long a server may take to load: 1,000,000 instances are millions of records.
const LOADING: Duration = Duration::from_secs(180);
/// The variable that names another build of srvd, to be measured in the same run.
pub(crate) const BEFORE: &str = "BENCH_BEFORE";
/// How often it is asked meanwhile.
const GLANCE: Duration = Duration::from_millis(50);

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The floor.
    Echo,
    /// The one this is about.
    Srvd,
    /// Another build of it, where [`BEFORE`] names one.
    Before,
    /// NLnet Labs' authoritative server.
    Nsd,
    /// CZ.NIC's.
    Knot,
    /// ISC's, as a note.
    Bind,
}

impl Kind {
    /// Those that goals speak of, in the order of the tables.
    pub(crate) const CONTESTANTS: [Self; 4] = [Self::Echo, Self::Srvd, Self::Nsd, Self::Knot];
    /// Those that answer.
    pub(crate) const ANSWERING: [Self; 3] = [Self::Srvd, Self::Nsd, Self::Knot];

    /// The contestants, and another build of srvd where one is named.
    pub(crate) fn contestants() -> Vec<Self> {
        let mut kinds = Self::CONTESTANTS.to_vec();
        kinds.extend(std::env::var_os(BEFORE).map(|_| Self::Before));
        kinds
    }

    /// Whether replies are the queries as they came.
    pub(crate) fn is_echo(self) -> bool {
        self == Self::Echo
    }
}

impl Display for Kind {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        formatter.pad(match self {
            Self::Echo => "echo",
            Self::Srvd => "srvd",
            Self::Before => "srvd before",
            Self::Nsd => "NSD",
            Self::Knot => "Knot",
            Self::Bind => "BIND",
        })
    }
}

/// A running server.
pub(crate) struct Server {
    /// Which one.
    pub(crate) kind: Kind,
    /// Where it answers, over UDP and TCP.
    pub(crate) at: SocketAddr,
    /// Where it answers over TLS, HTTPS and QUIC, where it does.
    doors: Option<Doors>,
    /// Its process.
    pub(crate) process: Process,
    /// Its configuration, state and log; removed at the end.
    _dir: TempDir,
}

/// Where a server answers over TLS, HTTPS and (srvd) QUIC, and what it proves itself with.
pub(crate) struct Doors {
    /// DNS over TLS.
    tls: SocketAddr,
    /// DNS over HTTPS.
    https: SocketAddr,
    /// DNS over QUIC.
    quic: SocketAddr,
    /// Its certificate.
    certificate: PathBuf,
    /// The key of it.
    key: PathBuf,
}

impl Doors {
    /// Free ports.
    pub(crate) fn new(pair: &PairFiles) -> Self {
        let (certificate, key) = (pair.certificate.clone(), pair.key.clone());
        Self { tls: free_addr(), https: free_addr(), quic: free_addr(), certificate, key }
    }

    /// The flags of srvd.
    fn flags(&self) -> String {
        let (certificate, key) = (self.certificate.display(), self.key.display());
        let (tls, https, quic) = (self.tls, self.https, self.quic);
        format!(
            " --listen-tls {tls} --listen-https {https} --listen-quic {quic} --tls-cert {certificate} \
             --tls-key {key}"
        )
    }

    /// Statements of BIND: of its configuration, and of its options.
    fn statements(&self) -> [String; 2] {
        let (certificate, key) = (self.certificate.display(), self.key.display());
        let listen = |at: SocketAddr, how: &str| {
            format!("    listen-on port {} {how} {{ {}; }};\n", at.port(), at.ip())
        };
        let all = format!(
            "tls own {{ cert-file \"{certificate}\"; key-file \"{key}\"; }};\nhttp own {{ endpoints {{ \"/dns-query\"; }}; }};\n"
        );
        [all, listen(self.tls, "tls own") + &listen(self.https, "tls own http own")]
    }
}

impl Server {
    /// Starts a server on some cores and waits for its first answer.
    pub(crate) fn start(kind: Kind, data: &Data, workers: usize, cores: &str) -> Self {
        Self::start_with(kind, data, workers, cores, None)
    }

    /// The same of a server that answers over TLS and HTTPS, too.
    pub(crate) fn start_with(
        kind: Kind,
        data: &Data,
        workers: usize,
        cores: &str,
        doors: Option<Doors>,
    ) -> Self {
        let (at, dir) = (free_addr(), directory());
        let command = command(kind, at, workers, data, dir.path(), doors.as_ref());
        let command: Vec<_> = command.iter().map(String::as_str).collect();
        let process = Process::start(cores, &command, dir.path());
        let mut server = Self { kind, at, doors, process, _dir: dir };
        server.wait(data.population);
        server
    }

    /// Where it answers over a transport.
    pub(crate) fn door(&self, transport: Transport) -> SocketAddr {
        let doors = || self.doors.as_ref().expect("it was started with them");
        match transport {
            Transport::Tcp => self.at,
            Transport::Tls => doors().tls,
            Transport::Https => doors().https,
            Transport::Quic => doors().quic,
        }
    }

    /// Waits for the answer to a question that has one.
    fn wait(&mut self, population: Population) {
        let questions = Questions::draw(Workload::SrvEdns, population, 1);
        let begun = Instant::now();
        while !same::answers(self, questions.next()) {
            let gone = self.process.has_ended() || begun.elapsed() > LOADING;
            assert!(!gone, "{} does not start:\n{}", self.kind, self.process.log());
            std::thread::sleep(GLANCE);
        }
    }
}

/// Servers of one population, and the population.
pub(crate) struct Stage {
    /// The servers, one worker each, all on the servers' core.
    pub(crate) servers: Vec<Server>,
    /// What they serve.
    pub(crate) data: Data,
}

impl Stage {
    /// Starts servers one after the other, and holds them to the same answers.
    pub(crate) fn start(population: Population, kinds: &[Kind]) -> Self {
        Self::of(Data::new(population), kinds)
    }

    /// The same of a population that is there.
    pub(crate) fn of(data: Data, kinds: &[Kind]) -> Self {
        let start = |kind: &Kind| Server::start(*kind, &data, 1, SERVER);
        let servers: Vec<_> = kinds.iter().map(start).collect();
        same::check(&servers, data.population);
        Self { servers, data }
    }

    /// Questions of a kind, and every server beside them.
    pub(crate) fn asked<'s>(
        &'s self,
        questions: &'s Questions,
    ) -> Vec<(&'s Server, &'s Questions)> {
        self.servers.iter().map(|server| (server, questions)).collect()
    }

    /// The server of a kind.
    pub(crate) fn server(&self, kind: Kind) -> &Server {
        self.servers.iter().find(|server| server.kind == kind).unwrap()
    }
}

/// What a server is started with; its configuration is written to a directory.
fn command(
    kind: Kind,
    at: SocketAddr,
    workers: usize,
    data: &Data,
    dir: &Path,
    doors: Option<&Doors>,
) -> Vec<String> {
    let path = dir.display();
    let file = dir.join("configuration");
    let write = |text: String| std::fs::write(&file, text).unwrap();
    let file = file.display();
    let line = match kind {
        Kind::Echo => {
            let bench = std::env::current_exe().unwrap();
            format!("{} {} {at} {workers}", bench.display(), echo::WORD)
        }
        Kind::Srvd | Kind::Before => {
            let before = std::env::var(BEFORE).ok().filter(|_| kind == Kind::Before);
            let program = before.as_deref().unwrap_or(env!("CARGO_BIN_EXE_srvd"));
            let (registry, more) = (data.etcd.url(), &data.arguments);
            let doors = doors.map(Doors::flags).unwrap_or_default();
            format!(
                "{program} serve --listen {at} --workers {workers} --http off --registry {registry}{more}{doors}"
            )
        }
        Kind::Nsd => {
            write(nsd(at, workers, data, &path));
            format!("nsd -d -c {file}")
        }
        Kind::Knot => {
            write(knot(at, workers, data, &path));
            format!("knotd -c {file}")
        }
        Kind::Bind => {
            write(bind(at, data, dir, doors));
            format!("named -f -n {workers} -c {file}")
        }
    };
    line.split(' ').map(ToOwned::to_owned).collect()
}

/// NSD: no limit of responses, no database, a socket for each worker. Its minimal responses would leave out the
/// addresses of SRV targets, so they stay off, as they are by default.
fn nsd(at: SocketAddr, workers: usize, data: &Data, dir: &dyn Display) -> String {
    let (address, port) = (at.ip(), at.port());
    let zone = |(apex, file): &(_, PathBuf)| {
        format!("zone:\n  name: {apex}\n  zonefile: \"{}\"\n", file.display())
    };
    let zones: String = data.zones.iter().map(zone).collect();
    format!(
        r#"server:
  ip-address: {address}@{port}
  server-count: {workers}
  reuseport: yes
  username: ""
  chroot: ""
  database: ""
  zonesdir: "{dir}"
  zonelistfile: "{dir}/zone.list"
  xfrdfile: "{dir}/xfrd.state"
  xfrdir: "{dir}"
  pidfile: ""
  rrl-ratelimit: 0
  verbosity: 0
remote-control:
  control-enable: no
{zones}"#
    )
}

/// Knot: so many workers over UDP and TCP, no journal.
fn knot(at: SocketAddr, workers: usize, data: &Data, dir: &dyn Display) -> String {
    let (address, port) = (at.ip(), at.port());
    let zone = |(apex, file): &(_, PathBuf)| {
        let file = file.display();
        format!(
            "  - domain: {apex}\n    file: {file}\n    storage: {dir}\n    zonefile-sync: -1\n    zonefile-load: whole\n    journal-content: none\n"
        )
    };
    let zones: String = data.zones.iter().map(zone).collect();
    format!(
        r"server:
    listen: {address}@{port}
    rundir: {dir}
    udp-workers: {workers}
    tcp-workers: {workers}
    background-workers: 1
log:
  - target: stderr
    any: error
database:
    storage: {dir}
zone:
{zones}"
    )
}

/// BIND: no recursion, no name servers in positive answers. It insists on an address of
/// the zone's name server, so it has a zone file with one, which nobody asks for.
fn bind(at: SocketAddr, data: &Data, dir: &Path, doors: Option<&Doors>) -> String {
    let [all, listen] = doors.map(Doors::statements).unwrap_or_default();
    let own = dir.join("zone");
    let mut text = std::fs::read_to_string(&data.zones[0].1).unwrap();
    text.push_str("ns.dns 5 IN A 127.0.0.1\n");
    std::fs::write(&own, text).unwrap();
    let (address, port, zone, dir) = (at.ip(), at.port(), own.display(), dir.display());
    format!(
        r#"{all}options {{
    directory "{dir}";
    listen-on port {port} {{ {address}; }};
{listen}    listen-on-v6 {{ none; }};
    recursion no;
    dnssec-validation no;
    notify no;
    minimal-responses no-auth;
    pid-file none;
    session-keyfile none;
}};
controls {{ }};
zone "{ZONE}" {{ type primary; file "{zone}"; }};
"#
    )
}
