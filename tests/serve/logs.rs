//! The log: queries by sampling, repeats by their number, lines that nobody can forge.

use std::net::{SocketAddr, UdpSocket};
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::writer::Writer;
use crate::support::etcd::{Etcd, page};
use crate::support::srvd::{BINARY, Srvd, plain};
use crate::support::{eventually, free_addr};
use crate::wire::messages::{A, Query};

/// `srvd serve`, and where it answers DNS and HTTP, once it is ready.
fn serve(etcd: &Etcd, arguments: &[&str]) -> (Srvd, SocketAddr, SocketAddr) {
    let all = [&["serve", "--listen", "127.0.0.1:0"], arguments].concat();
    let process = Srvd::start(&etcd.url(), &all);
    let dns = process.answers_at();
    let (_, line) = process.prints("answering HTTP on ");
    let http = line.strip_prefix("answering HTTP on ").unwrap().parse().unwrap();
    let is_ready = || page(http, "/readyz").is_ok_and(|it| it.contains(" 200 "));
    assert!(eventually(is_ready), "{:?}", process.log().all());
    (process, dns, http)
}

/// Asks for a name of these labels, whatever is in them, and waits for the reply.
fn ask(socket: &UdpSocket, at: SocketAddr, labels: &[&[u8]]) {
    let mut query = Query::new("", A);
    query.question.clear();
    labels.iter().for_each(|it| query.question.extend([&[it.len() as u8], *it].concat()));
    query.question.extend([0, 0, 1, 0, 1]);
    socket.send_to(&query.bytes(), at).unwrap();
    socket.recv(&mut [0; 1232]).unwrap();
}

/// A client.
fn client() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    socket
}

/// Labels that would end a line, colour a terminal, or look like another field.
const HOSTILE: [&[u8]; 5] = [
    b"a\n2026-01-01T00:00:00Z ERROR forged",
    b"\x1b[2J\x1b]0;x\x07",
    b"\" rcode=\"NOERROR",
    b"}{\"level\":\"ERROR\"",
    b"\x9b31m\xff\x00\r\x7f",
];

#[test]
fn every_query_is_one_json_object_when_all_are_logged() {
    let etcd = Etcd::start();
    etcd.etcdctl(&["put", "/services/web/1", "10.0.0.1:80"]);
    let arguments = ["--log-format", "json", "--query-log", "1"];
    let (process, dns, _) = serve(&etcd, &arguments);
    let socket = client();
    ask(&socket, dns, &[b"web", b"services", b"internal"]);
    HOSTILE.iter().for_each(|label| ask(&socket, dns, &[label, b"services", b"internal"]));
    let read = || {
        let lines = process.log().all();
        let object = |line: &String| serde_json::from_str::<Value>(line);
        let objects: Vec<_> = lines.iter().map(|line| object(line).expect(line)).collect();
        let of_query = |it: &Value| it["target"] == "srvd::query";
        objects.into_iter().filter(of_query).collect::<Vec<_>>()
    };
    assert!(eventually(|| read().len() > HOSTILE.len()), "{:?}", process.log().all());
    let lines = read();
    assert_eq!(lines.len(), HOSTILE.len() + 1);
    let first = &lines[0];
    assert_eq!(first["client"], socket.local_addr().unwrap().to_string());
    for (member, value) in [
        ("level", "INFO"),
        ("proto", "udp"),
        ("name", "web.services.internal."),
        ("type", "A"),
        ("rcode", "NOERROR"),
    ] {
        assert_eq!(first[member], value, "{first}");
    }
    assert!(first["octets"].as_u64().unwrap() > 12 && first["micros"].is_u64(), "{first}");
    for line in &lines[1..] {
        let name = line["name"].as_str().unwrap();
        assert!(name.bytes().all(|it| it.is_ascii_graphic() || it == b' '), "{name:?}");
        assert_eq!((&line["rcode"], &line["level"]), (&"NXDOMAIN".into(), &"INFO".into()));
    }
}

#[test]
fn no_name_forges_a_line_of_text() {
    let etcd = Etcd::start();
    let (process, dns, _) = serve(&etcd, &["--query-log", "1"]);
    let (socket, before) = (client(), process.log().all().len());
    HOSTILE.iter().for_each(|label| ask(&socket, dns, &[label, b"services", b"internal"]));
    assert!(eventually(|| process.log().count("query client=") == HOSTILE.len()));
    let lines = process.log().all();
    for line in &lines[before..] {
        assert!(line.bytes().all(|it| it == b' ' || it.is_ascii_graphic()), "{line:?}");
        assert!(line.contains(" INFO "), "{line:?}");
        // What a name says of a code stands in its quotes.
        assert_eq!(line.matches(" rcode=\"NXDOMAIN\"").count(), 1, "{line:?}");
        assert_eq!(line.matches(" rcode=\"NOERROR").count(), 0, "{line:?}");
    }
}

#[test]
fn by_default_no_query_is_logged_and_one_of_ten_when_it_is_wanted() {
    let etcd = Etcd::start();
    let (silent, dns, _) = serve(&etcd, &[]);
    let socket = client();
    (0..100).for_each(|_| ask(&socket, dns, &[b"services", b"internal"]));
    assert_eq!(silent.log().count("query"), 0);

    let (process, dns, http) = serve(&etcd, &["--query-log", "10"]);
    (0..3000).for_each(|_| ask(&socket, dns, &[b"services", b"internal"]));
    process.signal("TERM");
    process.logs("ended; ");
    let lost = page(http, "/metrics").is_ok_and(|it| !it.contains("log_dropped_total 0"));
    let count = process.log().count("query client=");
    // 300 are expected; by chance it is as far off once in a thousand million times.
    assert!((200..=400).contains(&count) && !lost, "{count}");
}

#[test]
fn thousands_of_unusable_values_are_some_lines_and_a_number() {
    const COUNT: usize = 3000;
    let etcd = Etcd::start();
    let (process, _, http) = serve(&etcd, &[]);
    let pair = |number| (format!("/services/web/{number}"), "nonsense".to_owned());
    Writer::new(&etcd.url()).put_all(&(0..COUNT).map(pair).collect::<Vec<_>>());
    let all = format!("kind=\"unusable\"}} {COUNT}");
    assert!(eventually(|| page(http, "/metrics").is_ok_and(|it| it.contains(&all))));
    process.logs("similar lines suppressed: registration not served");
    process.signal("TERM");
    process.logs("ended; ");
    let lines = process.log().all();
    let own = process.log().count(" registration not served: ")
        - process.log().count("similar lines suppressed");
    let left_out =
        lines.iter().filter_map(|line| line.split_once(" lines=")?.1.parse::<usize>().ok());
    let left_out = left_out.sum::<usize>();
    assert_eq!(own + left_out, COUNT, "{own} {left_out}");
    assert!(own <= 60, "{own} lines of their own");
    assert!(lines.iter().any(|line| line.contains("key=/services/web/")), "{lines:?}");
}

#[test]
fn what_happens_to_a_registry_is_said_once() {
    let mut etcd = Etcd::start();
    let (process, ..) = serve(&etcd, &[]);
    assert_eq!(process.log().count("answering"), 1);
    etcd.kill9();
    process.logs("no word from the registry for 10s; still answering, marked stale");
    etcd.restart();
    process.logs("registry reachable again; answers are current");
    process.signal("TERM");
    process.logs("SIGTERM: draining");
    for part in ["no word from the registry", "reachable again", "SIGTERM"] {
        assert_eq!(process.log().count(part), 1, "{:?}", process.log().all());
    }
}

#[test]
fn the_journal_is_told_priorities_and_no_time() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal");
    let log = || std::fs::read_to_string(&path).unwrap();
    let run = |arguments: &[&str], stream: &str| {
        let file = std::fs::File::create(&path).unwrap();
        let about = file.metadata().unwrap();
        let stream = stream.replace("HERE", &format!("{}:{}", about.dev(), about.ino()));
        let mut command = plain(arguments);
        command.env("JOURNAL_STREAM", stream).stdout(Stdio::null()).stderr(file).spawn().unwrap()
    };
    let nowhere = format!("http://{}", free_addr());
    let serve = ["serve", "--listen", "127.0.0.1:0", "--http", "off", "--registry", &nowhere];
    let mut child = run(&serve, "HERE");
    assert!(eventually(|| log().contains("<4>") && log().contains("<6>answering version=")));
    assert!(log().lines().all(|line| line.starts_with('<')), "{}", log());
    child.kill().unwrap();
    child.wait().unwrap();
    let mut elsewhere = run(&serve, "1:2");
    assert!(eventually(|| log().contains(" INFO answering version=")), "{}", log());
    elsewhere.kill().unwrap();
    elsewhere.wait().unwrap();
    run(&["serve", "--workers", "9999"], "HERE").wait().unwrap();
    assert!(log().starts_with("<3>srvd: "), "{}", log());
}

#[test]
fn a_signal_makes_a_server_say_everything_for_a_while() {
    let etcd = Etcd::start();
    let (process, dns, http) = serve(&etcd, &[]);
    let debug = || process.log().all().iter().filter(|line| line.contains("DEBUG")).count();
    assert_eq!(debug(), 0);
    process.signal("USR1");
    process.logs("SIGUSR1: log level debug now; SIGUSR1 again for info");
    process.signal("USR1");
    process.logs("SIGUSR1: log level info again");
    ask(&client(), dns, &[b"a"]);
    assert!(page(http, "/healthz").is_ok_and(|it| it.contains(" 200 ")));
}

#[test]
fn a_terminal_gets_colours_unless_its_user_wants_none() {
    if Command::new("script").arg("--version").output().is_err() {
        return println!("script is not installed (Debian: bsdutils): its check is left out");
    }
    let serve = format!("exec {BINARY} serve --registry http://127.0.0.1:1 --listen 127.0.0.1:0");
    for (no_color, has_colours) in [("", true), ("1", false)] {
        let mut command = Command::new("script");
        command.args(["--quiet", "--flush", "--command", &serve, "/dev/null"]);
        command.env("SRVD_HTTP", "off").env_remove("RUST_LOG").env_remove("NOTIFY_SOCKET");
        let process = Srvd::spawn(command.env("NO_COLOR", no_color).stdin(Stdio::null()));
        let (_, line) = process.prints("INFO");
        assert_eq!(line.contains("\x1b["), has_colours, "NO_COLOR={no_color}: {line:?}");
    }
}
