//! What cannot be asked: each has its status, its code and a sentence, and does no harm.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use super::{json, ready};
use crate::serve::writer::Writer;
use crate::support::etcd::Etcd;

/// Every path of the JSON API.
const PATHS: [&str; 6] = [
    "/v1/services",
    "/v1/services/web",
    "/v1/problems",
    "/v1/status",
    "/v1/events",
    "/v1/explain?name=web.services.internal",
];

/// What octets are answered with: the status, the head, and the body as JSON if it is any.
fn ask(at: SocketAddr, request: &[u8]) -> (u16, String, Value) {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(crate::support::PATIENCE)).unwrap();
    stream.write_all(request).unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).unwrap();
    let reply = String::from_utf8(reply).unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    let code = head.split(' ').nth(1).unwrap().parse().unwrap();
    (code, head.to_owned(), serde_json::from_str(body).unwrap_or_default())
}

/// A server with one service.
fn server(etcd: &Etcd) -> (crate::support::srvd::Srvd, SocketAddr) {
    Writer::new(&etcd.url()).put("/services/web/1", "10.0.0.1:80");
    ready(&etcd.url(), &[])
}

#[test]
fn parameters_that_cannot_be_are_told() {
    let etcd = Etcd::start();
    let (_serving, at) = server(&etcd);
    let (long, deep) = ("a".repeat(3000), "a.".repeat(200));
    for (path, code, word, part) in [
        ("/v1/services?limit=x", 400, "INVALID", "limit"),
        ("/v1/services?limit=-1", 400, "INVALID", "limit"),
        ("/v1/services?limit=0", 400, "INVALID", "1 to 1000"),
        ("/v1/services?limit=1001", 400, "INVALID", "1 to 1000"),
        ("/v1/services?limit=99999999999999999999", 400, "INVALID", "limit"),
        ("/v1/services?limit=1&limit=2", 400, "INVALID", "duplicate field `limit`"),
        ("/v1/services?color=red", 400, "INVALID", "unknown field `color`"),
        ("/v1/services?after=x", 400, "INVALID", "`after` is no `next`"),
        ("/v1/services?after=nozone/x", 400, "INVALID", "`after` is no `next`"),
        ("/v1/services?zone=other", 404, "NOT_FOUND", "there is services.internal"),
        ("/v1/services?zone=%ff%00", 404, "NOT_FOUND", "there is no zone"),
        ("/v1/services/web?limit=0", 400, "INVALID", "1 to 1000"),
        ("/v1/services/web?q=x", 400, "INVALID", "unknown field `q`"),
        ("/v1/services/web?after=%00", 400, "INVALID", "`after` is no `next`"),
        ("/v1/services/web?after=services.internal/x", 400, "INVALID", "`after` is no `next`"),
        ("/v1/services/web?after=services.internal/W10", 400, "INVALID", "`after` is no `next`"),
        ("/v1/services/%ff", 400, "INVALID", "UTF-8"),
        ("/v1/services/%00%1b[2J", 404, "NOT_FOUND", r"no instance of `\x00\x1b[2J`"),
        ("/v1/services/%C3%A9%F0%9F%98%80", 404, "NOT_FOUND", "no instance of `é😀`"),
        (&format!("/v1/services/{long}"), 404, "NOT_FOUND", "aaa…`"),
        ("/v1/services/", 404, "NOT_FOUND", "there is nothing at"),
        ("/v1/services/a/b", 404, "NOT_FOUND", "there is nothing at"),
        ("/v1/problems?limit=0", 400, "INVALID", "1 to 10000"),
        ("/v1/problems?limit=many", 400, "INVALID", "limit"),
        ("/v1/problems?zone=other", 404, "NOT_FOUND", "there is services.internal"),
        ("/v1/problems?since=1", 400, "INVALID", "unknown field `since`"),
        ("/v1/events?since=yesterday", 400, "INVALID", "`since` is no `id`"),
        ("/v1/events?since=", 400, "INVALID", "`since` is no `id`"),
        (&format!("/v1/events?since={long}"), 400, "INVALID", "`since` is no `id`"),
        ("/v1/events?zone=other", 404, "NOT_FOUND", "there is services.internal"),
        ("/v1/events?names=web", 400, "INVALID", "unknown field `names`"),
        ("/v1/explain", 400, "INVALID", "missing field `name`"),
        ("/v1/explain?name=", 400, "INVALID", "the name is empty"),
        ("/v1/explain?name=a..b", 400, "INVALID", "is no domain name"),
        (&format!("/v1/explain?name={long}"), 400, "INVALID", "is longer than a domain name"),
        (&format!("/v1/explain?name={deep}"), 400, "INVALID", "name"),
        ("/v1/explain?name=web&type=NONE", 400, "INVALID", "`NONE` is no record type"),
        ("/v1/explain?name=web&type=TYPE99999", 400, "INVALID", "is no record type"),
        ("/v1/explain?name=web&type=%00", 400, "INVALID", "is no record type"),
        ("/v1/explain?name=web&class=CH", 400, "INVALID", "unknown field `class`"),
        ("/v2/services", 404, "NOT_FOUND", "there is nothing at /v2/services"),
    ] {
        let (status, refusal) = json(at, path);
        let path = &path[..path.len().min(60)];
        assert_eq!((status, refusal["code"].as_str()), (code, Some(word)), "{path}: {refusal}");
        let message = refusal["message"].as_str().unwrap();
        assert!(message.contains(part) && message.len() < 400, "{path}: {message}");
        assert!(!message.chars().any(char::is_control), "{path}: {message:?}");
    }
    assert_eq!(json(at, "/v1/services/web").1["total"], 1, "something was lost");
}

#[test]
fn other_methods_are_named() {
    let etcd = Etcd::start();
    let (_serving, at) = server(&etcd);
    for path in PATHS {
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"] {
            let request = format!("{method} {path} HTTP/1.0\r\nContent-Length: 2\r\n\r\n{{}}");
            let (status, head, refusal) = ask(at, request.as_bytes());
            let code = refusal["code"].as_str();
            assert_eq!(
                (status, code),
                (405, Some("METHOD_NOT_ALLOWED")),
                "{method} {path}: {head}"
            );
            assert!(head.to_ascii_lowercase().contains("allow: get"), "{method} {path}: {head}");
        }
    }
    assert_eq!(json(at, "/v1/services/web").1["total"], 1, "something was lost");
}

/// Octets that are no request, or too much of one.
#[test]
fn what_is_no_request_ends_the_connection() {
    let etcd = Etcd::start();
    let (_serving, at) = server(&etcd);
    let huge = format!("GET /v1/services HTTP/1.1\r\nX: {}\r\n\r\n", "y".repeat(100_000));
    let many = format!("GET / HTTP/1.0\r\n{}\r\n", "A: b\r\n".repeat(500));
    for octets in [
        &b"\x16\x03\x01\x02\x00"[..],
        b"GET\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
        huge.as_bytes(),
        many.as_bytes(),
    ] {
        let mut stream = TcpStream::connect(at).unwrap();
        stream.set_read_timeout(Some(crate::support::PATIENCE)).unwrap();
        let _ = stream.write_all(octets);
        let mut reply = Vec::new();
        let _ = stream.read_to_end(&mut reply);
        let is_refusal = reply.is_empty() || reply.starts_with(b"HTTP/1.1 4");
        assert!(is_refusal, "{}", String::from_utf8_lossy(&reply));
    }
    assert_eq!(json(at, "/v1/services/web").0, 200);
}

#[test]
fn what_documents_say_is_text_and_nothing_else() {
    let etcd = Etcd::start();
    let text = "</script><script>alert(1)</script>\u{1b}[2J\u{0}\u{2028}é";
    let document = serde_json::json!({
        "host": "10.0.0.1:80", "text": text, "version": text, "meta": { text: text }, "tags": [text],
    });
    let writer = Writer::new(&etcd.url());
    writer.put("/services/web/<img src=x>", document.to_string());
    let (_serving, at) = ready(&etcd.url(), &[]);
    let (status, head, shown) = ask(at, b"GET /v1/services/web HTTP/1.0\r\n\r\n");
    assert_eq!(status, 200);
    assert!(head.to_ascii_lowercase().contains("content-type: application/json"), "{head}");
    let instance = &shown["instances"][0];
    assert_eq!(
        (&instance["text"], &instance["meta"][text]),
        (&Value::from(text), &Value::from(text))
    );
    assert_eq!(instance["id"], "<img src=x>");
    let (_, raw) = super::get(at, "/v1/services/web");
    assert!(!raw.chars().any(|it| it.is_control()), "{raw:?}");
}
