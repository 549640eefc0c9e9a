//! Whom HTTP lets in, and what it takes from those: tokens, TLS, browsers, broken requests.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;
use socket2::{Domain, Socket, Type};

use super::stream::Stream;
use super::{get, json, ready, serve};
use crate::serve::writer::{Writer, instances};
use crate::support::certificates::Authority;
use crate::support::etcd::Etcd;
use crate::support::srvd::Srvd;
use crate::support::{PATIENCE, eventually, free_addr};

/// Where a client registers.
const PLACE: &str = "/registrations/web/1/10.0.0.1/80";

/// What is answered to octets that may be a request; the client sends no more than these.
fn send(at: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // A server that has answered may close before it has read all.
    let _ = stream.write_all(request);
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply);
    String::from_utf8(reply).unwrap()
}

/// The status, and the code of the body if it is a refusal.
fn judged(reply: &str) -> (u16, String) {
    let status = reply.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or_default();
    let body = reply.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    assert!(status < 400 || body["message"].is_string() || body.is_null(), "{reply}");
    (status, body["code"].as_str().unwrap_or_default().to_owned())
}

/// What becomes of a request without a body.
fn ask(at: SocketAddr, line: &str, fields: &str) -> (u16, String) {
    let host = if fields.contains("Host:") { String::new() } else { format!("Host: {at}\r\n") };
    judged(&send(
        at,
        format!("{line} HTTP/1.1\r\n{host}Connection: close\r\n{fields}\r\n").as_bytes(),
    ))
}

/// A status with a code.
fn told(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[test]
fn writes_need_a_token_where_one_is_configured_or_others_can_come() {
    let (etcd, directory) = (Etcd::start(), tempfile::tempdir().unwrap());
    let post = format!("POST {PLACE}");
    let (_open, at) = serve(&etcd.url(), &["--http", "0.0.0.0:0"]);
    let local = SocketAddr::from(([127, 0, 0, 1], at.port()));
    assert_eq!(ask(local, &post, ""), told(403, "FORBIDDEN"));
    assert_eq!(ask(local, "GET /v1/services", "").0, 200);

    let file = directory.path().join("tokens");
    std::fs::write(&file, "0123456789abcdef\nci fedcba9876543210\n").unwrap();
    let arguments = ["--http", "0.0.0.0:0", "--http-token-file", file.to_str().unwrap()];
    let (_guarded, at) = serve(&etcd.url(), &arguments);
    let local = SocketAddr::from(([127, 0, 0, 1], at.port()));
    assert_eq!(ask(local, &post, ""), told(401, "UNAUTHORIZED"));
    assert_eq!(ask(local, &post, "Authorization: Bearer wrong\r\n"), told(401, "UNAUTHORIZED"));
    assert_eq!(ask(local, &post, "Authorization: Basic MDEyMw==\r\n"), told(401, "UNAUTHORIZED"));
    assert!(etcd.etcdctl(&["get", "--prefix", "/"]).stdout.is_empty());
    for token in ["0123456789abcdef", "fedcba9876543210"] {
        assert_eq!(ask(local, &post, &format!("Authorization: Bearer {token}\r\n")).0, 200);
    }
    assert_eq!(ask(local, "GET /v1/services", "").0, 200);
}

#[test]
fn who_wrote_is_logged_and_told() {
    let (etcd, directory) = (Etcd::start(), tempfile::tempdir().unwrap());
    let file = directory.path().join("tokens");
    std::fs::write(&file, "0123456789abcdef\nci-2 fedcba9876543210\n").unwrap();
    let (serving, at) = ready(&etcd.url(), &["--http-token-file", file.to_str().unwrap()]);
    let mut stream = Stream::open(at, "", None);
    let field = "Authorization: Bearer fedcba9876543210\r\n";
    for request in [format!("POST {PLACE}"), format!("POST {PLACE}"), format!("DELETE {PLACE}")] {
        let status = ask(at, &request, field).0;
        assert!(matches!(status, 200 | 204), "{request}: {status}");
    }
    let nameless = "Authorization: Bearer 0123456789abcdef\r\n";
    assert_eq!(ask(at, &format!("POST {PLACE}"), nameless).0, 200);
    Writer::new(&etcd.url()).put("/services/web/2", "10.0.0.2:80");
    let mut told = Vec::new();
    while told.len() < 4 {
        let event = stream.event();
        if !event.name.is_empty() {
            told.push((event.name, event.data["by"].as_str().map(str::to_owned)));
        }
    }
    let by = |event: &str, name: Option<&str>| (event.to_owned(), name.map(str::to_owned));
    let named = Some("ci-2");
    let expected =
        [by("online", named), by("offline", named), by("online", None), by("online", None)];
    assert_eq!(told, expected);
    let (_, changes) = json(at, "/v1/changes?event=offline");
    assert_eq!(changes["changes"][0]["by"], "ci-2", "{changes}");
    serving.logs("token=ci-2 key=/services/web/10-0-0-1-80");
    // A renewal writes nothing.
    assert_eq!(serving.log().count("written over HTTP"), 2, "{:?}", serving.log().all());
}

#[test]
fn the_root_of_the_api_lists_what_there_is() {
    let etcd = Etcd::start();
    let (_serving, at) = serve(&etcd.url(), &[]);
    let (status, contents) = json(at, "/v1");
    let has = |method: &str, path: &str| {
        let paths = contents["paths"].as_array().unwrap().iter();
        let mut found = paths.filter(|it| it["path"] == path && it["method"] == method);
        found.next().is_some_and(|it| it["summary"].as_str().is_some_and(|it| !it.is_empty()))
    };
    assert!(status == 200 && contents["openapi"] == "/v1/openapi.json", "{contents}");
    for (method, path) in [
        ("GET", "/v1/services/{name}"),
        ("GET", "/v1/events"),
        ("POST", "/registrations"),
        ("DELETE", "/registrations/{app}/{version}/{host}/{port}"),
        ("PUT", "/backends/{name}"),
        ("GET", "/readyz"),
    ] {
        assert!(has(method, path), "{method} {path}: {contents}");
    }
}

#[test]
fn browsers_write_from_pages_of_this_server_only() {
    let etcd = Etcd::start();
    let (_serving, at) = serve(&etcd.url(), &[]);
    let post = format!("POST {PLACE}");
    for strange in [
        "Sec-Fetch-Site: cross-site\r\n".to_owned(),
        "Sec-Fetch-Site: same-site\r\n".to_owned(),
        "Origin: http://evil.example\r\n".to_owned(),
        "Origin: null\r\n".to_owned(),
        format!("Origin: http://{}\r\n", free_addr()),
    ] {
        assert_eq!(ask(at, &post, &strange), told(403, "FORBIDDEN"), "{strange}");
    }
    let rebound = "Host: evil.example:5380\r\nOrigin: http://evil.example:5380\r\n";
    assert_eq!(ask(at, &post, rebound), told(421, "MISDIRECTED"));
    assert_eq!(
        ask(at, "GET /v1/services", "Host: evil.example:5380\r\n"),
        told(421, "MISDIRECTED")
    );
    assert!(etcd.etcdctl(&["get", "--prefix", "/"]).stdout.is_empty());
    assert_eq!(
        ask(at, &post, &format!("Origin: http://{at}\r\nSec-Fetch-Site: same-origin\r\n")).0,
        200
    );
    let reply =
        send(at, format!("GET / HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n").as_bytes());
    for field in ["content-security-policy: default-src 'none'", "x-content-type-options: nosniff"]
    {
        assert!(reply.contains(field), "{reply}");
    }
    assert!(!reply.to_lowercase().contains("access-control-allow"), "{reply}");
}

#[test]
fn broken_requests_are_answered_and_harm_nobody() {
    let (_serving, at) = serve(&format!("http://{}", free_addr()), &[]);
    let long = "a".repeat(70_000);
    let many = "X: y\r\n".repeat(100);
    for (line, fields, expected) in [
        ("GET /nothing", "", told(404, "NOT_FOUND")),
        ("GET /%ff%00", "", told(404, "NOT_FOUND")),
        ("GET /../../etc/passwd", "", told(404, "NOT_FOUND")),
        ("DELETE /readyz", "", told(405, "METHOD_NOT_ALLOWED")),
        ("POST /", "Content-Length: 0\r\n", told(405, "METHOD_NOT_ALLOWED")),
        ("BREW /healthz", "", told(405, "METHOD_NOT_ALLOWED")),
        ("GET http://other.example/healthz", "", told(421, "MISDIRECTED")),
        (&format!("GET /{long}"), "", told(431, "")),
        ("GET /healthz", &format!("X: {long}\r\n"), told(431, "")),
        ("GET /healthz", &many, told(431, "")),
        ("GET /healthz", "Content-Length: -1\r\n", told(400, "")),
        ("GET /healthz", "Content-Length: 1\r\nContent-Length: 2\r\n", told(400, "")),
        ("GET /heal\0thz", "", told(400, "")),
    ] {
        assert_eq!(ask(at, line, fields), expected, "{:.60} {:.60}", line, fields);
    }
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\r\n\r\n\r\n\0",
    ] {
        let reply = send(at, garbage);
        assert!(reply.is_empty() || reply.starts_with("HTTP/1.1 4"), "{reply}");
    }
    let reply = send(
        at,
        format!("DELETE /readyz HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n").as_bytes(),
    );
    assert!(reply.to_lowercase().contains("\r\nallow: get"), "{reply}");
    assert_eq!(ask(at, "GET /healthz", "").0, 200);
}

/// A client of TLS that believes one authority.
fn client(authority: &Authority, at: SocketAddr) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), stream)
}

/// Whether a client that believes an authority is answered over TLS.
fn is_served(authority: &Authority, at: SocketAddr) -> bool {
    let mut stream = client(authority, at);
    let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let mut reply = String::new();
    let _ = stream.write_all(request).and_then(|()| stream.read_to_string(&mut reply));
    reply.starts_with("HTTP/1.1 200")
}

#[test]
fn tls_is_spoken_with_the_configured_certificate() {
    let directory = tempfile::tempdir().unwrap();
    let [authority, other] = ["one", "two"].map(Authority::new);
    let files = authority.server().write(directory.path(), "http");
    let [certificate, key] = [&files.certificate, &files.key].map(|it| it.to_str().unwrap());
    let arguments = ["--http-cert", certificate, "--http-key", key];
    let nowhere = format!("http://{}", free_addr());
    let serving =
        Srvd::start(&nowhere, &[&["serve", "--listen", "127.0.0.1:0"], &arguments[..]].concat());
    let (_, line) = serving.prints("answering HTTPS on ");
    let at = line.strip_prefix("answering HTTPS on ").unwrap().parse().unwrap();
    assert!(eventually(|| is_served(&authority, at)));
    assert!(!is_served(&other, at));
    // Who speaks no TLS, or nothing at all, is cut, and keeps nobody out.
    let quiet: Vec<_> = (0..200).map(|_| TcpStream::connect(at).unwrap()).collect();
    assert!(!send(at, b"GET /healthz HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 200"));
    assert!(eventually(|| is_served(&authority, at)));
    std::thread::sleep(Duration::from_millis(10));
    drop(quiet);
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let (_serving, at) = serve(&format!("http://{}", free_addr()), &[]);
    let head = format!(
        "POST /registrations HTTP/1.1\r\nHost: {at}\r\nContent-Type: application/json\r\n\
         Content-Length: 60000\r\n\r\n{{"
    );
    let mut slow: Vec<_> = (0..300).map(|_| TcpStream::connect(at).unwrap()).collect();
    // Those beyond what may be open at once may be closed before they are read.
    slow.iter_mut().for_each(|it| drop(it.write_all(head.as_bytes())));
    assert_eq!(ask(at, "GET /readyz", "").0, 503);
    drop(slow);
    let reply = send(at, head.as_bytes());
    assert_eq!(judged(&reply), told(408, "TIMEOUT"));
    assert!(reply.to_lowercase().contains("\r\nconnection: close"), "{reply}");
}

#[test]
fn silent_connections_make_room_long_before_they_are_cut() {
    let (_serving, at) = serve(&format!("http://{}", free_addr()), &[]);
    let start = Instant::now();
    let silent: Vec<_> = (0..400).map(|_| TcpStream::connect(at).unwrap()).collect();
    assert_eq!(ask(at, "GET /healthz", "").0, 200);
    // They are cut after five seconds each; 256 of them at once, and then the rest.
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    drop(silent);
}

/// A connection that takes in very little of what is sent to it.
fn narrow(at: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(&at.into()).unwrap();
    socket.into()
}

#[test]
fn long_lists_that_are_not_read_do_not_pile_up() {
    let etcd = Etcd::start();
    let count = 60_000;
    Writer::new(&etcd.url()).put_all(&instances("web", count));
    let (_serving, at) = ready(&etcd.url(), &[]);
    let request = format!("GET /registrations HTTP/1.1\r\nHost: {at}\r\n\r\n");
    let mut unread: Vec<_> = (0..40).map(|_| narrow(at)).collect();
    unread.iter_mut().for_each(|it| it.write_all(request.as_bytes()).unwrap());
    let mut status = [0; 12];
    let begun = unread.iter_mut().filter_map(|it| {
        it.set_read_timeout(Some(PATIENCE)).unwrap();
        it.read_exact(&mut status).unwrap();
        [b"HTTP/1.1 200", b"HTTP/1.1 503"].iter().position(|begin| **begin == status)
    });
    let refused: usize = begun.sum();
    assert!((32..40).contains(&refused), "{refused} of 40 were refused");
    assert_eq!(ask(at, "GET /v1/status", "").0, 200);
    assert_eq!(ask(at, "GET /v1/services", "").0, 200);
    drop(unread);
    assert!(eventually(|| get(at, "/registrations").0.contains("200")));
    let whole = json(at, "/registrations").1;
    assert_eq!(whole.as_array().unwrap().len(), count);
}
