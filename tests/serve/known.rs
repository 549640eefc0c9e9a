//! A restart while etcd is away answers from what was kept on disk, or says why not.

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hickory_proto::op::ResponseCode;
use tempfile::TempDir;

use super::process;
use super::server::{Server, ask, dig};
use super::writer::{Writer, instances};
use crate::support::etcd::Etcd;
use crate::support::srvd::{self, Srvd};
use crate::support::{eventually, free_addr};
use crate::wire::messages::{A, Query};

/// How many instances there are: so few that all their addresses fit an answer.
const INSTANCES: usize = 8;
/// A document with everything in it.
const FULL: &str = r#"{"host":"[2001:db8::7]:53","proto":"udp","protocol":"dns","priority":3,"weight":4,"ttl":60,"version":"1.2","tags":["a"],"meta":{"k":"v"},"text":"t"}"#;
/// A name that stands for another.
const BACKEND: &str = r#"{"resource":"Backend","name":"blue","app":"web"}"#;
/// An instance that listens in two places.
const SEVERAL: &str = r#"{"id":"1","name":"kratos","version":"v1","metadata":{},"endpoints":["http://10.8.0.1:8000","grpc://10.8.0.1:9000"]}"#;
/// What shows every part of what is registered.
const QUESTIONS: [&str; 8] = [
    "SRV _blue._tcp",
    "SRV _grpc._tcp.kratos.services.internal",
    "SRV _web._tcp",
    "A web.services.internal",
    "A 3.web.services.internal",
    "SRV _dns._udp.full.services.internal",
    "TXT 1.full.services.internal",
    "AAAA full.services.internal",
];

/// A registry with registrations, and a directory for snapshots that is not there yet.
struct Rig {
    etcd: Etcd,
    directory: TempDir,
}

impl Rig {
    fn new() -> Self {
        let etcd = Etcd::start();
        let writer = Writer::new(&etcd.url());
        writer.put_all(&instances("web", INSTANCES));
        writer.put("/services/full/1", FULL);
        writer.put("/services/_backends/blue", BACKEND);
        writer.put("/services/kratos/1", SEVERAL);
        Self { etcd, directory: tempfile::tempdir().unwrap() }
    }

    /// Where snapshots are kept.
    fn state(&self) -> PathBuf {
        self.directory.path().join("kept/here")
    }

    /// The one snapshot.
    fn snapshot(&self) -> PathBuf {
        self.state().join("services.internal.snapshot")
    }

    /// A server on it, as a process.
    fn serve(&self, query: &str) -> (Srvd, SocketAddr) {
        let state = self.state();
        let url = format!("{}{query}", self.etcd.url());
        process::serve(&url, &["--state", state.to_str().unwrap()])
    }

    /// A server inside the test.
    fn server(&self, more: &str) -> Server {
        let (url, state) = (self.etcd.url(), self.state());
        Server::with_file(&format!("registry = {url:?}\nstate = {state:?}\n{more}"))
    }

    /// A snapshot of the registrations, made by a server that came and went.
    fn keep(&self) {
        let (mut process, at) = self.serve("");
        assert!(eventually(|| shows(at, "SRV _web._tcp")));
        end(&mut process);
        assert!(self.snapshot().is_file());
    }
}

/// Ends a process the polite way.
fn end(process: &mut Srvd) {
    process.signal("TERM");
    assert_eq!(process.exits(), 0, "{:?}", process.log().all());
}

/// Whether a question has an answer.
fn shows(at: SocketAddr, question: &str) -> bool {
    !ask(at, question).answers.is_empty()
}

#[test]
fn a_restart_with_etcd_away_answers_as_before_and_says_so() {
    let mut rig = Rig::new();
    let (mut process, at) = rig.serve("");
    assert!(eventually(|| QUESTIONS.iter().all(|question| shows(at, question))));
    let before = QUESTIONS.map(|question| ask(at, question));
    let serial = ask(at, "SOA services.internal").serial.unwrap();
    end(&mut process);
    rig.etcd.kill9();

    let (process, at) = rig.serve("");
    process::wait_for_log(&process, &["serving snapshot", "until the registry is reachable"]);
    assert!(eventually(|| shows(at, "SRV _web._tcp")));
    for (question, before) in QUESTIONS.iter().zip(&before) {
        let reply = ask(at, question);
        assert_eq!(reply.outcome(), (ResponseCode::NoError, Some(3)), "{question}");
        assert_eq!((&reply.answers, &reply.additional), (&before.answers, &before.additional));
    }
    let missing = ask(at, "A nothing.services.internal");
    assert_eq!(missing.outcome(), (ResponseCode::NXDomain, Some(19)));
    assert_eq!(ask(at, "SOA services.internal").serial, Some(serial));
    let text = dig(at, "A web.services.internal");
    assert!(text.contains("EDE: 3 (Stale Answer)"), "{text}");

    rig.etcd.restart();
    Writer::new(&rig.etcd.url()).put("/services/new/1", "10.9.9.9:80");
    assert!(eventually(|| shows(at, "A new.services.internal")));
    assert!(eventually(|| ask(at, "A web.services.internal").reason.is_none()));
    assert_eq!(ask(at, "A web.services.internal").answers, before[3].answers);
}

#[test]
fn snapshots_are_read_before_anything_is_bound() {
    let mut rig = Rig::new();
    rig.keep();
    rig.etcd.kill9();
    // What cannot be bound was not asked before it knew what to answer.
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (at, state) = (taken.local_addr().unwrap().to_string(), rig.state());
    let state = state.to_str().unwrap();
    let output = srvd::run(&rig.etcd.url(), &["serve", "--state", state, "--listen", &at]);
    let log = String::from_utf8(output.stderr).unwrap();
    let order = ["serving snapshot", &at].map(|part| log.find(part));
    assert!(order[0].is_some() && order[0] < order[1], "{log}");
    assert_eq!(output.status.code(), Some(1), "{log}");
}

#[test]
fn the_first_list_after_a_restart_is_one_generation_of_differences() {
    let rig = Rig::new();
    rig.keep();
    let writer = Writer::new(&rig.etcd.url());
    writer.put("/services/new/1", "10.9.9.9:80");
    writer.delete("/services/web/0");
    let server = rig.server("").ready();
    server.wait_for("A new.services.internal", &["10.9.9.9"]);
    writer.expect_shown_by(&server);
    // The serial, the snapshot, and the list: had it begun anew, all would have changed twice.
    assert_eq!(server.generation(), 3);
    assert_eq!(server.zone().changes(), INSTANCES as u64 + 3 + 2);
    let vitals = server.zone().vitals().clone();
    assert!(vitals.snapshot.restored.get() && vitals.snapshot.octets.get() > 0);
}

#[test]
fn a_crash_loses_nothing_that_was_quiet_for_a_while() {
    let mut rig = Rig::new();
    let (mut process, at) = rig.serve("");
    assert!(eventually(|| shows(at, "SRV _web._tcp") && rig.snapshot().is_file()));
    process.kill9();
    fs::write(rig.state().join("services.internal.snapshot.1.new"), "half").unwrap();
    rig.etcd.kill9();
    let (_process, at) = rig.serve("");
    assert!(eventually(|| ask(at, "A web.services.internal").answers.len() == INSTANCES));
    assert_eq!(fs::read_dir(rig.state()).unwrap().count(), 1, "something was left over");
}

/// A server on what stands there now, with etcd away: it says why it does not use it, and
/// answers nothing.
fn expect_refused(rig: &Rig, query: &str, reason: &str) {
    let (mut process, at) = rig.serve(query);
    process::wait_for_log(&process, &["services.internal.snapshot: it ", reason]);
    let reply = ask(at, "A web.services.internal");
    assert_eq!(reply.outcome(), (ResponseCode::ServFail, Some(14)), "{reason}");
    end(&mut process);
}

/// Puts octets in the place of the snapshot.
fn forge(path: &Path, octets: &[u8]) {
    fs::write(path, octets).unwrap();
}

#[test]
fn what_is_torn_damaged_or_of_others_is_refused_and_then_replaced() {
    let mut rig = Rig::new();
    rig.keep();
    rig.etcd.kill9();
    let (path, whole) = (rig.snapshot(), fs::read(rig.snapshot()).unwrap());
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 0x10;
    for (octets, reason) in [
        (&whole[..whole.len() - 7], "is torn"),
        (&whole[..0], "is torn"),
        (&flipped, "is damaged: its checksum does not match"),
        (b"registry = \"http://127.0.0.1:2379\"", "is no snapshot of srvd"),
    ] {
        forge(&path, octets);
        expect_refused(&rig, "", reason);
        assert_eq!(fs::read(&path).unwrap(), octets, "it was not left as it was: {reason}");
    }
    forge(&path, &whole);
    let reason = "is of prefix and namespace `/services/`, and `/other/` is configured";
    expect_refused(&rig, "?prefix=/other", reason);
    expect_refused(&rig, "/team", "and `/services/team/` is configured");

    forge(&path, &flipped);
    let (mut process, at) = rig.serve("");
    process::wait_for_log(&process, &["ignoring snapshot", "replaced"]);
    rig.etcd.restart();
    assert!(eventually(|| shows(at, "SRV _web._tcp")));
    assert!(eventually(|| fs::read(&path).unwrap() != flipped), "it is never replaced");
    end(&mut process);
    rig.etcd.kill9();
    let (_process, at) = rig.serve("");
    assert!(eventually(|| shows(at, "SRV _web._tcp")));
}

#[test]
fn a_snapshot_that_was_taken_away_is_written_again() {
    let rig = Rig::new();
    rig.keep();
    let (mut process, at) = rig.serve("");
    assert!(eventually(|| ask(at, "SRV _web._tcp").outcome() == (ResponseCode::NoError, None)));
    fs::remove_file(rig.snapshot()).unwrap();
    end(&mut process);
    assert!(rig.snapshot().is_file(), "{:?}", process.log().all());
}

#[test]
fn a_disk_that_cannot_be_written_harms_no_answer_and_is_said_once() {
    let rig = Rig::new();
    fs::create_dir_all(rig.snapshot().join("something")).unwrap();
    let (mut process, at) = rig.serve("");
    process::wait_for_log(&process, &["services.internal.snapshot: it "]);
    process::wait_for_log(&process, &["cannot be written", "move the directory away"]);
    assert_eq!(ask(at, "A web.services.internal").answers.len(), INSTANCES);
    end(&mut process);
    assert_eq!(process.log().count("cannot be written"), 1, "{:?}", process.log().all());
}

#[test]
fn a_state_that_is_no_directory_is_wrong_usage() {
    let output = process::run(&["serve", "--state", "/dev/null/kept"]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("--state /dev/null/kept: cannot be made"), "{text}");
}

#[test]
fn a_snapshot_too_old_is_not_answered_from() {
    let mut rig = Rig::new();
    rig.keep();
    rig.etcd.kill9();
    // Past the limit, whatever the machine does; its own time counts across the restart.
    std::thread::sleep(Duration::from_secs(3));
    let server = rig.server("max-stale = \"2s\"").ready();
    for _ in 0..3 {
        let reply = server.ask("A web.services.internal");
        assert_eq!(reply.outcome(), (ResponseCode::ServFail, Some(14)));
    }
    let patient = rig.server("max-stale = \"1h\"").ready();
    let reply = patient.ask("A web.services.internal");
    assert_eq!((reply.answers.len(), reply.reason), (INSTANCES, Some(3)));
    rig.etcd.restart();
    assert!(eventually(
        || server.ask("A web.services.internal").outcome() == (ResponseCode::NoError, None)
    ));
}

#[test]
fn dev_has_nothing_to_come_back_to_and_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join("kept");
    let arguments = ["dev", "--listen", "127.0.0.1:0", "--state", state.to_str().unwrap()];
    let process = process::start(&arguments);
    process.prints("`state` is left aside");
    process.prints("answering DNS on ");
    assert!(!state.exists());
}

/// A flip of one document is a change like any other: a crash after it does not bring the
/// old backend back.
#[test]
fn a_flipped_alias_is_kept() {
    let mut rig = Rig::new();
    let writer = Writer::new(&rig.etcd.url());
    writer.put("/services/other/1", "10.9.9.9:80");
    let point = |app: &str| {
        let value = format!(r#"{{"resource":"Backend","name":"blue","app":"{app}"}}"#);
        writer.put("/services/_backends/blue", value);
    };
    point("web");
    rig.keep();
    let (mut process, at) = rig.serve("");
    assert!(eventually(|| ask(at, "A blue.services.internal").answers.len() == INSTANCES));
    let before = fs::read(rig.snapshot()).unwrap();
    point("other");
    assert!(eventually(|| fs::read(rig.snapshot()).unwrap() != before), "it is never written");
    process.kill9();
    rig.etcd.kill9();
    let (_process, at) = rig.serve("");
    assert!(eventually(|| ask(at, "A blue.services.internal").answers == ["10.9.9.9"]));
}

/// Makes a named pipe, which nobody writes to: whoever waits for that does so for ever.
pub(super) fn pipe(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn a_pipe_in_the_place_of_a_snapshot_is_not_waited_for() {
    let mut rig = Rig::new();
    let path = rig.state().join("services.internal.snapshot");
    pipe(&path);
    let (mut process, at) = rig.serve("");
    process.logs("it is a named pipe");
    assert!(eventually(|| shows(at, "SRV _web._tcp")));
    assert!(eventually(|| path.is_file()), "{:?}", process.log().all());
    end(&mut process);
    fs::remove_file(&path).unwrap();
    pipe(&path);
    rig.etcd.kill9();
    let (mut process, _) = rig.serve("");
    process.logs("it is a named pipe");
    end(&mut process);
}

#[test]
fn links_in_the_directory_of_snapshots_lead_nowhere() {
    let rig = Rig::new();
    let path = rig.state().join("services.internal.snapshot");
    let foreign = rig.directory.path().join("foreign");
    fs::create_dir_all(rig.state()).unwrap();
    fs::write(&foreign, "theirs").unwrap();
    std::os::unix::fs::symlink(&foreign, &path).unwrap();
    fs::set_permissions(rig.state(), fs::Permissions::from_mode(0o777)).unwrap();
    let (mut process, at) = rig.serve("");
    process.logs("everybody may write to the directory");
    process.logs("it is a link, which is not followed");
    assert!(eventually(|| shows(at, "SRV _web._tcp")));
    let is_written = || fs::symlink_metadata(&path).is_ok_and(|it| it.is_file());
    assert!(eventually(is_written), "{:?}", process.log().all());
    end(&mut process);
    assert_eq!(fs::read_to_string(&foreign).unwrap(), "theirs");
}

/// Instances that take a while to load.
const MANY: usize = 20_000;

#[test]
fn whoever_asks_during_a_start_gets_an_answer() {
    let mut rig = Rig::new();
    Writer::new(&rig.etcd.url()).put_all(&instances("many", MANY));
    rig.keep();
    rig.etcd.kill9();
    let (at, state, url) = (free_addr(), rig.state(), rig.etcd.url());
    let (stop, codes) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        scope.spawn(|| ask_on(at, &stop, &codes));
        let state = state.to_str().unwrap();
        let arguments = ["serve", "--registry", &url, "--state", state, "--listen"];
        let listen = at.to_string();
        let mut process = process::start(&[&arguments[..], &[&listen]].concat());
        process.answers_at();
        let count = || codes.lock().unwrap().len();
        assert!(eventually(|| count() > 200), "{:?}", process.log().all());
        stop.store(true, Ordering::Relaxed);
        end(&mut process);
    });
    let codes = codes.into_inner().unwrap();
    assert!(codes.iter().all(|code| *code == 0), "{codes:?}");
}

/// Asks on, whether somebody answers or not, and keeps the codes of what is answered.
fn ask_on(at: SocketAddr, stop: &AtomicBool, codes: &Mutex<Vec<u8>>) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(2))).unwrap();
    let query = Query::new("web.services.internal", A).bytes();
    let mut reply = [0; 1232];
    while !stop.load(Ordering::Relaxed) {
        // Before anybody listens there is nobody to answer.
        let _ = socket.send_to(&query, at);
        if socket.recv(&mut reply).is_ok() {
            codes.lock().unwrap().push(reply[3] & 15);
        }
    }
}
