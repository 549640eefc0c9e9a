use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use crate::support::PATIENCE;
use crate::support::registry::Registry;

on_both!(
    keys_are_put_read_and_deleted,
    transactions_compare_and_branch,
    leases_are_granted_renewed_and_revoked,
    watches_tell_line_by_line,
    what_cannot_be_read_is_refused,
    health_and_version_are_told,
);

/// Sends a request, and gives the status and the rest of the connection behind the head.
fn send(at: SocketAddr, method: &str, path: &str, body: &str) -> (u16, BufReader<TcpStream>) {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.0\r\nHost: {at}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let status = line.split(' ').nth(1).unwrap().parse().unwrap();
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).unwrap();
    }
    (status, reader)
}

/// The status of a POST, and its body without what no two registries have in common.
fn post(registry: &Registry, path: &str, body: &str) -> (u16, String) {
    let (status, mut reader) = send(registry.addr(), "POST", &format!("/v3/{path}"), body);
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    (status, shown(&text))
}

/// JSON without ids of cluster and member.
fn shown(text: &str) -> String {
    let Ok(mut value) = serde_json::from_str::<Value>(text) else { return text.to_owned() };
    let result = if value["result"].is_object() { &mut value["result"] } else { &mut value };
    if let Some(header) = result.get_mut("header").and_then(Value::as_object_mut) {
        let ids: Vec<_> = ["cluster_id", "member_id"].map(|id| header.remove(id)).into();
        assert!(ids.iter().all(|id| id.as_ref().is_some_and(Value::is_string)), "{text}");
    }
    value.to_string()
}

/// Whether a reply is JSON with these members, a header aside.
fn has(registry: &Registry, path: &str, body: &str, expected: &str) {
    let (status, text) = post(registry, path, body);
    let mut value: Value = serde_json::from_str(&text).unwrap();
    assert!(status == 200 && value["header"].is_object(), "{path} {body}: {status} {text}");
    value.as_object_mut().unwrap().remove("header");
    assert_eq!(value, serde_json::from_str::<Value>(expected).unwrap(), "{path} {body}");
}

/// The status, and the number of the refusal. Newer etcd tells it once.
fn refusal(registry: &Registry, path: &str, body: &str) -> (u16, i64) {
    let (status, text) = post(registry, path, body);
    let value: Value = serde_json::from_str(&text).unwrap_or_default();
    let is_told = value["error"].is_null() || value["error"] == value["message"];
    assert!(value["message"].is_string() && is_told, "{path}: {text}");
    (status, value["code"].as_i64().unwrap())
}

async fn keys_are_put_read_and_deleted(registry: &Registry) {
    has(registry, "kv/put", r#"{"key":"L2E=","value":"MQ=="}"#, "{}");
    let one =
        r#"{"key":"L2E=","create_revision":"2","mod_revision":"2","version":"1","value":"MQ=="}"#;
    let listed = format!(r#"{{"kvs":[{one}],"count":"1"}}"#);
    has(registry, "kv/range", r#"{"key":"L2E="}"#, &listed);
    has(registry, "kv/range", r#"{"key":"AA==","rangeEnd":"AA==","sortOrder":"DESCEND"}"#, &listed);
    has(registry, "kv/range", r#"{"key":"L2E=","count_only":true}"#, r#"{"count":"1"}"#);
    has(registry, "kv/range", r#"{"key":"L2I="}"#, "{}");
    let previous = format!(r#"{{"prev_kv":{one}}}"#);
    has(registry, "kv/put", r#"{"key":"L2E=","value":"Mg==","prev_kv":true}"#, &previous);
    has(registry, "kv/put", r#"{"key":"L2I=","value":""}"#, "{}");
    let first = r#"{"key":"L2E=","range_end":"L2M=","limit":"1","keys_only":true}"#;
    let more = r#"{"kvs":[{"key":"L2E=","create_revision":"2","mod_revision":"3","version":"2"}],"more":true,"count":"2"}"#;
    has(registry, "kv/range", first, more);
    has(registry, "kv/range", r#"{"key":"L2E=","revision":"2"}"#, &listed);
    has(registry, "kv/deleterange", r#"{"key":"L2E=","range_end":"L2M="}"#, r#"{"deleted":"2"}"#);
    has(registry, "kv/deleterange", r#"{"key":"L2E="}"#, "{}");
    has(registry, "kv/compaction", r#"{"revision":"4"}"#, "{}");
    assert_eq!(refusal(registry, "kv/range", r#"{"key":"L2E=","revision":"2"}"#), (400, 11));
}

async fn transactions_compare_and_branch(registry: &Registry) {
    let create = r#"{"compare":[{"key":"L2E=","target":"CREATE","create_revision":"0"}],
        "success":[{"request_put":{"key":"L2E=","value":"MQ=="}}],
        "failure":[{"requestRange":{"key":"L2E="}}]}"#;
    let put = r#"{"succeeded":true,"responses":[{"response_put":{"header":{"revision":"2"}}}]}"#;
    has(registry, "kv/txn", create, put);
    let (status, text) = post(registry, "kv/txn", create);
    assert!(
        status == 200 && text.contains("response_range") && !text.contains("succeeded"),
        "{text}"
    );
    let value = r#"{"compare":[{"key":"L2E=","target":"VALUE","result":"EQUAL","value":"MQ=="}],
        "success":[{"request_delete_range":{"key":"L2E=","prev_kv":true}},{"request_txn":{}}]}"#;
    let (_, text) = post(registry, "kv/txn", value);
    let all: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(all["responses"][0]["response_delete_range"]["deleted"], "1", "{text}");
    assert!(all["responses"][1]["response_txn"]["succeeded"] == true, "{text}");
}

async fn leases_are_granted_renewed_and_revoked(registry: &Registry) {
    has(registry, "lease/grant", r#"{"TTL":100,"ID":"77"}"#, r#"{"ID":"77","TTL":"100"}"#);
    has(registry, "kv/put", r#"{"key":"L2E=","value":"MQ==","lease":77}"#, "{}");
    let (_, text) = post(registry, "kv/range", r#"{"key":"L2E="}"#);
    assert!(text.contains(r#""lease":"77""#), "{text}");
    let (_, text) = post(registry, "lease/keepalive", r#"{"ID":"77"}"#);
    let renewed: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&renewed["result"]["ID"], &renewed["result"]["TTL"]),
        (&"77".into(), &"100".into())
    );
    for path in ["lease/timetolive", "kv/lease/timetolive"] {
        let (_, text) = post(registry, path, r#"{"ID":77,"keys":true}"#);
        let left: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&left["grantedTTL"], &left["keys"][0]), (&"100".into(), &"L2E=".into()));
    }
    has(registry, "lease/leases", "{}", r#"{"leases":[{"ID":"77"}]}"#);
    has(registry, "lease/revoke", r#"{"ID":"77"}"#, "{}");
    assert_eq!(refusal(registry, "kv/lease/revoke", r#"{"ID":"77"}"#), (404, 5));
    has(registry, "lease/timetolive", r#"{"ID":"77"}"#, r#"{"ID":"77","TTL":"-1"}"#);
    has(registry, "kv/range", r#"{"key":"L2E="}"#, "{}");
}

async fn watches_tell_line_by_line(registry: &Registry) {
    has(registry, "kv/put", r#"{"key":"L2E=","value":"MQ=="}"#, "{}");
    let create = r#"{"create_request":{"key":"L2E=","start_revision":"2","prev_kv":true}}"#;
    let (status, mut lines) = send(registry.addr(), "POST", "/v3/watch", create);
    assert_eq!(status, 200);
    let mut next = || {
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        let mut value: Value = serde_json::from_str(&shown(&line)).unwrap();
        value["result"].as_object_mut().unwrap().remove("header");
        value["result"].take()
    };
    assert_eq!(next()["created"], true);
    let put = next();
    assert_eq!(
        (&put["events"][0]["kv"]["value"], put["events"][0].get("type")),
        (&"MQ==".into(), None)
    );
    has(registry, "kv/deleterange", r#"{"key":"L2E="}"#, r#"{"deleted":"1"}"#);
    let deleted = next();
    assert_eq!(deleted["events"][0]["type"], "DELETE");
    assert_eq!(deleted["events"][0]["prev_kv"]["value"], "MQ==");
}

async fn what_cannot_be_read_is_refused(registry: &Registry) {
    for (path, body) in [
        ("kv/range", r#"{"key":"!!"}"#),
        ("kv/range", "{}"),
        ("kv/range", "nonsense"),
        ("kv/put", r#"{"key":"L2E=","lease":"x"}"#),
        (
            "kv/txn",
            r#"{"success":[{"request_put":{"key":"L2E="}},{"request_put":{"key":"L2E="}}]}"#,
        ),
    ] {
        assert_eq!(refusal(registry, path, body), (400, 3), "{path} {body}");
    }
    let missing = r#"{"key":"L2E=","value":"MQ==","lease":"5"}"#;
    assert_eq!(refusal(registry, "kv/put", missing), (404, 5));
    assert_eq!(post(registry, "kv/nothing", "{}").0, 404);
    // 405 up to etcd 3.4, 501 later.
    assert!([405, 501].contains(&send(registry.addr(), "GET", "/v3/kv/range", "").0));
}

async fn health_and_version_are_told(registry: &Registry) {
    let get = |path: &str| -> Value {
        let (status, mut reader) = send(registry.addr(), "GET", path, "");
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).unwrap()
    };
    assert_eq!(get("/health")["health"], "true");
    let version = get("/version");
    let members: BTreeSet<_> = version.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, BTreeSet::from(["etcdcluster", "etcdserver"]));
}

/// Browsers say where a page comes from; etcd itself does not mind.
#[tokio::test]
async fn pages_of_the_web_are_refused() {
    let registry = Registry::embedded();
    let mut stream = TcpStream::connect(registry.addr()).unwrap();
    let body = r#"{"key":"L2E=","value":"MQ=="}"#;
    let head = format!(
        "POST /v3/kv/put HTTP/1.0\r\nOrigin: http://evil.example\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.0 403"), "{reply}");
    has(&registry, "kv/range", r#"{"key":"L2E="}"#, "{}");
}
