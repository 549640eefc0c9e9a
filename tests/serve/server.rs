//! A server inside the test, and a client that asks it.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use hickory_proto::op::{Edns, Message, Query, ResponseCode};
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use hickory_proto::rr::{Name, RData, Record};
use srvd::app::App;
use srvd::config::Serve;
use srvd::index::{Index, Zone};
use srvd::options::{Common, File, HttpArgs, ServeArgs};
use tokio_util::sync::CancellationToken;

use crate::support::eventually;
use crate::support::runtime;

pub(super) use crate::support::dig;

/// How long one query may take. A query waits for nothing, so this is the machine's part.
const REPLY_TIMEOUT: Duration = Duration::from_secs(5);
/// The option code of extended errors (RFC 8914 section 2).
const EXTENDED_ERROR: u16 = 15;

/// A server in a runtime of its own; gone when it is dropped.
pub(super) struct Server {
    /// Where it answers.
    pub(super) at: SocketAddr,
    /// What it answers from.
    index: Arc<Index>,
    /// Ends it.
    shutdown: CancellationToken,
    /// The thread that runs it.
    thread: Option<JoinHandle<()>>,
}

/// A reply, as tests look at it: records as text, without their owners, sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    /// The response code.
    pub(super) code: ResponseCode,
    /// The code of the extended error, if there is one.
    pub(super) reason: Option<u16>,
    /// Whether it was truncated.
    pub(super) truncated: bool,
    /// The answer section.
    pub(super) answers: Vec<String>,
    /// The additional section, OPT apart.
    pub(super) additional: Vec<String>,
    /// The serial of the SOA in the answer or the authority section.
    pub(super) serial: Option<u32>,
}

impl Server {
    /// Serves the default zone from a registry. Tests remove on purpose, and all at once.
    pub(super) fn start(registry: &str) -> Self {
        Self::with_file(&format!("registry = {registry:?}\nhold-collapse = \"0s\""))
    }

    /// Serves what a configuration file says, on a port of its own.
    pub(super) fn with_file(text: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("srvd.toml");
        std::fs::write(&path, text).unwrap();
        Self::with_config(&path)
    }

    /// Serves what the configuration file at a path says, on a port of its own.
    pub(super) fn with_config(path: &Path) -> Self {
        let listen = Some(vec![(Ipv4Addr::LOCALHOST, 0).into()]);
        let http = Some(srvd::options::HttpAddress::Off);
        let http = HttpArgs { http, ..HttpArgs::default() };
        let args = ServeArgs { listen, http, ..ServeArgs::default() };
        let file = File::read(Some(path)).unwrap();
        let config = Serve::new(&Common::default(), &args, &file).unwrap();
        Self::run(App::build(config).unwrap())
    }

    /// Runs what was built.
    fn run(app: App) -> Self {
        let (at, index) = (app.addresses()[0], Arc::clone(app.index()));
        let shutdown = CancellationToken::new();
        let stopping = shutdown.clone();
        let thread = std::thread::spawn(move || {
            runtime().block_on(app.run(stopping)).unwrap();
        });
        Self { at, index, shutdown, thread: Some(thread) }
    }

    /// Waits for the first complete list of every zone.
    pub(super) fn ready(self) -> Self {
        assert!(eventually(|| self.index.load().zones().iter().all(|zone| zone.is_ready())));
        self
    }

    /// The number of the newest generation.
    pub(super) fn generation(&self) -> u64 {
        self.index.load().number()
    }

    /// The newest state of the first zone.
    pub(super) fn zone(&self) -> Arc<Zone> {
        Arc::clone(&self.index.load().zones()[0])
    }

    /// Asks over UDP, with EDNS: `SRV _web._tcp.services.internal`.
    pub(super) fn ask(&self, question: &str) -> Reply {
        ask(self.at, question)
    }

    /// Waits until a question has exactly these records in its answer.
    pub(super) fn wait_for(&self, question: &str, answers: &[&str]) {
        let mut last = None;
        let found = eventually(|| last.insert(self.ask(question)).answers == answers);
        assert!(found, "{question}: not {answers:?} but {last:?}");
    }

    /// What `dig` prints for its arguments.
    pub(super) fn dig(&self, arguments: &str) -> String {
        dig(self.at, arguments)
    }
}

impl Drop for Server {
    /// Ends the server, and says if it did not end well.
    fn drop(&mut self) {
        self.shutdown.cancel();
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(std::thread::panicking() || matches!(ended, Some(Ok(()))), "the server panicked");
    }
}

impl Reply {
    /// The code, with the extended error where there is one.
    pub(super) fn outcome(&self) -> (ResponseCode, Option<u16>) {
        (self.code, self.reason)
    }

    /// A reply's parts.
    fn read(octets: &[u8]) -> Self {
        let message = Message::from_vec(octets).unwrap();
        let mut all = message.answers.iter().chain(&message.authorities);
        let serial = all.find_map(|record| match &record.data {
            RData::SOA(soa) => Some(soa.serial),
            _ => None,
        });
        let option =
            message.edns.as_ref().and_then(|edns| edns.option(EdnsCode::from(EXTENDED_ERROR)));
        let reason = option.map(|option| match option {
            EdnsOption::Unknown(_, data) => u16::from_be_bytes([data[0], data[1]]),
            other => panic!("not an extended error: {other:?}"),
        });
        Self {
            code: message.metadata.response_code,
            reason,
            truncated: message.metadata.truncation,
            answers: texts(&message.answers),
            additional: texts(&message.additionals),
            serial,
        }
    }
}

/// The data of records, sorted.
fn texts(records: &[Record]) -> Vec<String> {
    let mut texts: Vec<_> = records.iter().map(|record| record.data.to_string()).collect();
    texts.sort_unstable();
    texts
}

/// Asks over UDP, once, with EDNS.
pub(super) fn ask(at: SocketAddr, question: &str) -> Reply {
    let (kind, name) = question.split_once(' ').unwrap();
    let mut message = Message::query();
    let name = Name::from_ascii(format!("{}.", name.trim_end_matches('.'))).unwrap();
    message.add_query(Query::query(name, kind.parse().unwrap()));
    let mut edns = Edns::new();
    edns.set_max_payload(1232);
    message.set_edns(edns);
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.connect(at).unwrap();
    socket.set_read_timeout(Some(REPLY_TIMEOUT)).unwrap();
    socket.send(&message.to_vec().unwrap()).unwrap();
    let mut octets = [0; 2048];
    let received = socket.recv(&mut octets).unwrap_or_else(|fault| panic!("{question}: {fault}"));
    assert_eq!(octets[..2], message.metadata.id.to_be_bytes(), "another query's reply");
    Reply::read(&octets[..received])
}
