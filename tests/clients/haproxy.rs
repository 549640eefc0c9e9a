//! HAProxy's `server-template`: backends that come and go with the SRV records of a name.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::{Scene, is_there};
use crate::support::srvd::Srvd;
use crate::support::{eventually, free_addr};

/// A server that says its name to whoever comes. Gives its address.
fn backend(name: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 1024];
            let _ = stream.read(&mut request);
            let _ = write!(stream, "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n{name}");
        }
    });
    at
}

/// The status and the body that a request through the proxy gets.
fn get(proxy: SocketAddr) -> Option<String> {
    let mut stream = TcpStream::connect(proxy).ok()?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    let status = text.split_whitespace().nth(1)?.to_owned();
    Some(if status == "200" { text[text.len() - 3..].to_owned() } else { status })
}

/// Whether all requests are answered by these, and each of them answers some.
fn is_answered_by(proxy: SocketAddr, names: &[&str]) -> bool {
    let answers: Vec<_> = (0..20).filter_map(|_| get(proxy)).collect();
    let from = |name: &&str| answers.iter().any(|answer| answer == name);
    names.iter().all(from) && answers.iter().all(|answer| names.contains(&answer.as_str()))
}

#[test]
fn backends_come_and_go() {
    if !is_there("haproxy", "Debian: haproxy") {
        return;
    }
    let (scene, proxy) = (Scene::start(), free_addr());
    let config = format!(
        "defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
resolvers srvd
  nameserver one {}
  accepted_payload_size 1232
  timeout resolve 100ms
  timeout retry 100ms
  hold valid 100ms
  hold obsolete 100ms
  hold nx 100ms
frontend all
  bind {proxy}
  default_backend web
backend web
  balance roundrobin
  server-template web 4 _web._tcp.services.internal resolvers srvd init-addr none
",
        scene.at
    );
    let config = scene.write("haproxy.cfg", &config);
    let _haproxy = Srvd::spawn(std::process::Command::new("haproxy").args(["-db", "-f", &config]));
    assert!(eventually(|| is_answered_by(proxy, &["503"])), "nobody is there yet");
    let (one, two) = (backend("one"), backend("two"));
    scene.put("web/1", &one.to_string());
    assert!(eventually(|| is_answered_by(proxy, &["one"])));
    scene.put("web/2", &two.to_string());
    assert!(eventually(|| is_answered_by(proxy, &["one", "two"])));
    scene.delete("web/1");
    assert!(eventually(|| is_answered_by(proxy, &["two"])));
    scene.delete("web/2");
    assert!(eventually(|| is_answered_by(proxy, &["503"])), "nobody is there any more");
}

/// A proxy with places for so many servers, which asks ten times a second.
struct Proxy {
    _process: Srvd,
    /// Where it tells its state.
    socket: String,
}

impl Proxy {
    /// One whose `resolvers` have a name server, written as HAProxy writes it, and more lines.
    fn start(scene: &Scene, server: &str, more: &str) -> Self {
        let socket = scene.directory.path().join("haproxy.sock").to_str().unwrap().to_owned();
        let config = format!(
            "global
  stats socket {socket}
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
resolvers srvd
  nameserver one {server}
  {more}
  timeout resolve 100ms
  timeout retry 100ms
  hold valid 100ms
  hold obsolete 1s
  hold nx 1s
backend web
  server-template web 70 _web._tcp.services.internal resolvers srvd init-addr none
"
        );
        let config = scene.write("haproxy.cfg", &config);
        let mut command = std::process::Command::new("haproxy");
        Self { _process: Srvd::spawn(command.args(["-db", "-f", &config])), socket }
    }

    /// The addresses of the servers that are up.
    fn up(&self) -> BTreeSet<String> {
        let Ok(mut stream) = UnixStream::connect(&self.socket) else { return BTreeSet::new() };
        let mut text = String::new();
        stream.write_all(b"show stat\n").unwrap();
        stream.read_to_string(&mut text).unwrap();
        let header = text.lines().next().unwrap_or_default().trim_start_matches("# ");
        let place = |name: &str| header.split(',').position(|it| it == name).unwrap();
        let (status, address) = (place("status"), place("addr"));
        let servers = text.lines().filter(|line| line.starts_with("web,web"));
        let fields = servers.map(|line| line.split(',').collect::<Vec<_>>());
        let up = fields.filter(|it| !it[status].starts_with("MAINT"));
        up.map(|it| it[address].to_owned()).filter(|it| !it.is_empty()).collect()
    }
}

/// How many instances come and go, one number after the other.
const NUMBERS: [usize; 8] = [5, 8, 9, 25, 30, 60, 12, 5];

/// Lets instances come and go, and looks all the while: none of them is ever up that is not
/// there for long, and some always are. Gives the most that were up.
fn come_and_go(scene: &Scene, proxy: &Proxy) -> usize {
    let value = |n: usize| format!("10.1.0.{n}:8080");
    let (mut there, mut most) = (0, 0);
    for number in NUMBERS {
        (there..number).for_each(|n| scene.put(&format!("web/{n}"), &value(n)));
        (number..there).for_each(|n| scene.delete(&format!("web/{n}")));
        let first = there == 0;
        there = number;
        if first {
            assert!(eventually(|| !proxy.up().is_empty()), "the first are up");
        }
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(1500) {
            let up = proxy.up();
            assert!(!up.is_empty(), "of {number} none is up");
            most = most.max(up.len());
            std::thread::sleep(Duration::from_millis(20));
        }
        let is_there = |up: &String| (0..number).any(|n| up.starts_with(&value(n)));
        assert!(eventually(|| proxy.up().iter().all(is_there)), "of {number}: {:?}", proxy.up());
    }
    most
}

#[test]
fn never_are_all_servers_lost() {
    if !is_there("haproxy", "Debian: haproxy") {
        return;
    }
    for (before, tcp, more, least) in [
        // Eight records fit the 512 octets that it takes by default.
        ("", "", "", 8),
        ("", "", "accepted_payload_size 8192", 20),
        ("udp-size = 4096\n", "", "accepted_payload_size 8192", 60),
        // It ignores larger replies over TCP too.
        ("", "tcp@", "accepted_payload_size 65535", 60),
    ] {
        let scene = Scene::configured("127.0.0.1:0", before, "");
        let proxy = Proxy::start(&scene, &format!("{tcp}{}", scene.at), more);
        let most = come_and_go(&scene, &proxy);
        assert!(most >= least, "{before}{tcp}{more}: {most} at most");
    }
}

#[test]
fn a_stable_choice_does_not_flap() {
    if !is_there("haproxy", "Debian: haproxy") {
        return;
    }
    let first = "max-answers = 6\nmax-answers-order = \"stable\"\n";
    let scene = Scene::configured("127.0.0.1:0", "", first);
    let entries: Vec<_> =
        (0..40).map(|n| (format!("web/{n}"), format!("10.1.0.{n}:8080"))).collect();
    let entries: Vec<_> = entries.iter().map(|(key, value)| (&**key, &**value)).collect();
    scene.put_all(&entries, "SRV _web._tcp.services.internal", 6);
    let proxy = Proxy::start(&scene, &scene.at.to_string(), "");
    assert!(eventually(|| proxy.up().len() == 6), "{:?}", proxy.up());
    let up = proxy.up();
    // It asks ten times a second.
    for _ in 0..30 {
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(proxy.up(), up);
    }
    // Of those that are not up, none is missed.
    let others = (0..40).filter(|n| !up.iter().any(|it| it.starts_with(&format!("10.1.0.{n}:"))));
    others.take(5).for_each(|n| scene.delete(&format!("web/{n}")));
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(proxy.up(), up);
}
