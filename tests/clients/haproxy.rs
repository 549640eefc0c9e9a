//! HAProxy's `server-template`: backends that come and go with the SRV records of a name.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

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
