//! `--check`: while it fails, an instance is not in the registry.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::{ctl, held, ms};
use crate::support::etcd::Etcd;
use crate::support::srvd::Srvd;
use crate::support::{PATIENCE, eventually, free_addr};

/// The key of what is registered here.
const KEY: &str = "/services/web/one";

/// Starts `join` for [`KEY`] at this port with a check, tried often.
fn join(etcd: &Etcd, port: u16, check: &str, args: &[&str]) -> Srvd {
    let port = port.to_string();
    let plain = ["join", "web", "--host", "127.0.0.1", "--port", &port, "--id", "one"];
    let often = [["--check-interval", "100ms"], ["--check-timeout", "400ms"]];
    let often = often.iter().filter(|option| !args.contains(&option[0])).flatten().copied();
    let often: Vec<_> = ["--check", check].into_iter().chain(often).collect();
    Srvd::start(&etcd.url(), &[&plain, &often[..], args].concat())
}

/// Waits until the key is there, or is not.
fn is_there(etcd: &Etcd, wanted: bool) -> bool {
    eventually(|| held(etcd, KEY).is_some() == wanted)
}

/// A server that answers every request with what a number says: a status, 0 for silence.
struct Page {
    /// Where it listens.
    at: SocketAddr,
    /// The status.
    status: Arc<AtomicUsize>,
}

impl Page {
    /// Serves from a thread of its own, for as long as the test runs.
    fn serve() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (at, status) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(200)));
        let shown = Arc::clone(&status);
        std::thread::spawn(move || {
            let mut silent = Vec::new();
            for mut stream in listener.incoming().map_while(Result::ok) {
                let mut request = [0; 1_024];
                let _ = stream.read(&mut request);
                match shown.load(Ordering::SeqCst) {
                    0 => silent.push(stream),
                    status => {
                        _ = write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n");
                    }
                }
            }
        });
        Self { at, status }
    }

    /// From now on it answers with this.
    fn answers(&self, status: usize) {
        self.status.store(status, Ordering::SeqCst);
    }
}

#[test]
fn tcp_goes_with_the_port_and_comes_back_with_it() {
    let etcd = Etcd::start();
    let at = free_addr();
    let mut srvd = join(&etcd, at.port(), "tcp", &[]);
    srvd.logs("check failed; not registered until it passes: 127.0.0.1:");
    assert_eq!(held(&etcd, KEY), None);
    let listener = TcpListener::bind(at).unwrap();
    srvd.prints("registered web");
    let gone = Instant::now();
    drop(listener);
    assert!(is_there(&etcd, false));
    println!("tcp: out of the registry after {} ms", ms(gone, Instant::now()));
    assert_eq!(ctl(&etcd, &["lease", "list"]).lines().count(), 1, "its lease is revoked");
    let _listener = TcpListener::bind(at).unwrap();
    assert!(is_there(&etcd, true));
    srvd.logs("the check passes");
    srvd.logs("registered again");
    assert_eq!(srvd.out().count("registered"), 1, "only the first is printed");
    assert_eq!(srvd.log().count("check failed"), 2, "{:?}", srvd.log().all());
    srvd.signal("TERM");
    assert_eq!(srvd.exits(), 0);
    assert_eq!(held(&etcd, KEY), None);
}

#[test]
fn tcp_takes_nothing_here_for_what_is_elsewhere() {
    let etcd = Etcd::start();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    // An address set aside for documentation (RFC 5737): nobody is there.
    let place = ["join", "web", "--host", "192.0.2.1", "--port", &port, "--id", "one"];
    let check = ["--check", "tcp", "--check-interval", "100ms", "--check-timeout", "200ms"];
    let alone = Srvd::start(&etcd.url(), &[&place[..], &check].concat());
    alone.logs("check failed; not registered until it passes: ");
    assert_eq!(held(&etcd, KEY), None);
    drop(alone);
    let command = Srvd::start(&etcd.url(), &[&place[..], &check, &["--", "sleep", "60"]].concat());
    command.prints("registered web");
}

#[test]
fn http_is_well_with_2xx_and_3xx_and_ill_with_errors_and_silence() {
    let (etcd, page) = (Etcd::start(), Page::serve());
    let srvd = join(&etcd, page.at.port(), "http://$HOST:$PORT/health?x=1", &[]);
    srvd.prints("registered web");
    for (status, reason) in [(500, "/health?x=1 answers 500"), (0, "no answer within 400ms")] {
        page.answers(status);
        srvd.logs(reason);
        assert!(is_there(&etcd, false));
        page.answers(if status == 0 { 302 } else { 204 });
        assert!(is_there(&etcd, true));
    }
    page.answers(404);
    assert!(is_there(&etcd, false));
}

#[test]
fn exec_is_well_with_exit_code_0_and_knows_the_instance() {
    let etcd = Etcd::start();
    let directory = tempfile::tempdir().unwrap();
    let flag = directory.path().join("well");
    std::fs::write(&flag, "").unwrap();
    let seen = directory.path().join("seen");
    let check = format!(
        "exec:echo \"$HOST $PORT $SRVD_NAME $SRVD_ID\" > {}; test -e {}",
        seen.display(),
        flag.display()
    );
    let srvd = join(&etcd, 7, &check, &[]);
    srvd.prints("registered web");
    assert_eq!(std::fs::read_to_string(&seen).unwrap(), "127.0.0.1 7 web one\n");
    std::fs::remove_file(&flag).unwrap();
    assert!(is_there(&etcd, false));
    srvd.logs("ended with exit status: 1");
    std::fs::write(&flag, "").unwrap();
    assert!(is_there(&etcd, true));
}

#[test]
fn exec_that_takes_too_long_is_killed_with_all_it_started() {
    let etcd = Etcd::start();
    let directory = tempfile::tempdir().unwrap();
    let pids = directory.path().join("pids");
    let check = format!("exec:sleep 1000 & echo $! >> {}; wait", pids.display());
    let _srvd = join(&etcd, 7, &check, &["--check-failures", "1"]);
    let mut started = Vec::new();
    assert!(eventually(|| {
        let text = std::fs::read_to_string(&pids).unwrap_or_default();
        started = text.lines().map(str::to_owned).collect();
        started.len() >= 3
    }));
    let is_gone = |pid: &String| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // One that nobody has waited for yet is dead all the same.
        stat.is_empty() || stat.contains(") Z ")
    };
    assert!(eventually(|| started[..2].iter().all(is_gone)), "{started:?}");
    assert_eq!(held(&etcd, KEY), None);
}

#[test]
fn a_running_check_ends_with_join() {
    let etcd = Etcd::start();
    let directory = tempfile::tempdir().unwrap();
    let pid = directory.path().join("pid");
    let check = format!("exec:echo $$ > {}; sleep 1000", pid.display());
    let mut srvd = join(&etcd, 7, &check, &["--check-timeout", "1h"]);
    let mut number = String::new();
    assert!(eventually(|| {
        number = std::fs::read_to_string(&pid).unwrap_or_default().trim().to_owned();
        !number.is_empty()
    }));
    srvd.signal("TERM");
    assert_eq!(srvd.exits(), 0);
    assert!(eventually(|| !std::path::Path::new(&format!("/proc/{number}")).exists()));
}

#[test]
fn what_it_prints_without_end_does_no_harm() {
    let etcd = Etcd::start();
    let srvd = join(&etcd, 7, "exec:head -c 3000000 /dev/zero | tr '\\0' x", &[]);
    srvd.prints("registered web");
}

#[test]
fn what_a_passing_check_leaves_running_is_ended() {
    let (etcd, directory) = (Etcd::start(), tempfile::tempdir().unwrap());
    let pids = directory.path().join("pids");
    let check = format!("exec:sleep 1000 & echo $! >> {}", pids.display());
    let srvd = join(&etcd, 7, &check, &[]);
    srvd.prints("registered web");
    let left = std::fs::read_to_string(&pids).unwrap();
    let is_gone = |pid: &str| !std::path::Path::new("/proc").join(pid).exists();
    assert!(eventually(|| left.lines().all(is_gone)), "{left}");
    assert_eq!(srvd.log().count("check failed"), 0);
}

#[test]
fn one_failure_is_not_enough() {
    let (etcd, page) = (Etcd::start(), Page::serve());
    let args = ["--check-failures", "1000"];
    let srvd = join(&etcd, page.at.port(), "http://$HOST:$PORT/", &args);
    srvd.prints("registered web");
    page.answers(503);
    std::thread::sleep(Duration::from_secs(1));
    assert!(held(&etcd, KEY).is_some());
    assert_eq!(srvd.log().count("check failed"), 0);
}

#[test]
fn a_command_is_registered_when_its_check_passes() {
    let etcd = Etcd::start();
    let directory = tempfile::tempdir().unwrap();
    let flag = directory.path().join("well");
    let check = format!("exec:test -e {}", flag.display());
    let plain = ["join", "web", "--host", "127.0.0.1", "--id", "one", "--proto", "udp"];
    let script = ["--", "sh", "-c", "echo started; read line"];
    let args = [&plain[..], &["--check", &check, "--check-interval", "100ms"], &script].concat();
    let mut command = crate::support::srvd::command(&etcd.url(), &args);
    let mut srvd = Srvd::spawn(command.stdin(std::process::Stdio::piped()));
    srvd.prints("started");
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(held(&etcd, KEY), None);
    std::fs::write(&flag, "").unwrap();
    srvd.prints("registered web");
    srvd.writes("go on\n");
    assert_eq!(srvd.exits(), 0);
    assert_eq!(held(&etcd, KEY), None);
}

#[test]
fn ill_while_etcd_is_away_it_is_not_there_when_etcd_is_back() {
    let (mut etcd, page) = (Etcd::start(), Page::serve());
    let srvd = join(&etcd, page.at.port(), "http://$HOST:$PORT/", &["--ttl", "1h"]);
    srvd.prints("registered web");
    etcd.kill9();
    page.answers(500);
    srvd.logs("check failed");
    etcd.restart();
    let begun = Instant::now();
    assert!(is_there(&etcd, false), "its lease of an hour has not ended by itself");
    assert!(begun.elapsed() < PATIENCE);
    page.answers(200);
    assert!(is_there(&etcd, true));
}
