use std::collections::HashMap;
use std::io::Read;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

use super::{Pending, Reply, Server, read, send};
use crate::support::etcd::Etcd;
use crate::support::eventually;

/// The requests.
const SCRIPT: &str = include_str!("script.txt");
/// Where the reasons of differences stand for people.
const DOCUMENT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/old-clients.md"));
/// Each reason of the script, and words of the document that tell it.
const REASONS: &[(&str, &str)] = &[
    ("created", "`createdIndex` stays"),
    ("implicit", "is gone with its last key"),
    ("expired", "`prevNode` of `expire`"),
    ("moved", "changes their `modifiedIndex`"),
    ("redirect", "answered without a redirect"),
    ("ttl0", "`ttl=0`"),
];
/// How much two TTLs may differ: they are asked for one after the other.
const TTL_SLACK: u64 = 2;
/// How long a wait has to begin.
const BEGIN: Duration = Duration::from_millis(200);

/// One of the two that are asked.
pub(super) struct Side {
    at: SocketAddr,
    /// The index of each node as it was told last.
    indexes: HashMap<String, u64>,
    /// The index of the last reply.
    index: u64,
    /// Waits that are not compared yet.
    waits: Vec<Pending>,
}

impl Side {
    pub(super) fn new(at: SocketAddr) -> Self {
        Self { at, indexes: HashMap::new(), index: 0, waits: Vec::new() }
    }

    /// A line with indexes in the place of names.
    fn filled(&self, line: &str) -> String {
        let mut filled = line.replace("{index+1}", &(self.index + 1).to_string());
        filled = filled.replace("{index}", &self.index.to_string());
        for (key, index) in &self.indexes {
            filled = filled.replace(&format!("{{{key}}}"), &index.to_string());
        }
        assert!(!filled.contains('{'), "{filled}");
        filled
    }

    /// Sends the request of a line.
    pub(super) fn send(&self, line: &str) -> Pending {
        let filled = self.filled(line);
        let mut words = filled.splitn(3, ' ');
        let mut word = || words.next().unwrap_or_default();
        let (method, path, form) = (word().to_owned(), word().to_owned(), word().to_owned());
        send_plain(self.at, &method, &path, &form)
    }

    /// Remembers the indexes of a reply.
    fn note(&mut self, reply: &Reply) {
        self.index =
            reply.header("x-etcd-index").and_then(|it| it.parse().ok()).unwrap_or(self.index);
        let Ok(body) = serde_json::from_str::<Value>(&reply.text) else { return };
        let (key, index) = (body["node"]["key"].as_str(), body["node"]["modifiedIndex"].as_u64());
        if let (Some(key), Some(index)) = (key, index) {
            self.indexes.insert(key.to_owned(), index);
        }
    }
}

impl Pending {
    /// The reply as far as it has come: a wait that has not ended is one without a body.
    fn reply_now(mut self) -> Reply {
        self.0.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        let (mut octets, mut part) = (Vec::new(), [0; 4096]);
        while let Ok(count @ 1..) = self.0.read(&mut part) {
            octets.extend_from_slice(&part[..count]);
        }
        read(&String::from_utf8(octets).unwrap())
    }
}

/// Sends a request; paths beside `/v2` are taken as they are.
fn send_plain(at: SocketAddr, method: &str, path: &str, form: &str) -> Pending {
    if ["/version", "/health"].contains(&path) {
        return super::send_to(at, method, path, form, "");
    }
    send(at, method, path, form, "")
}

/// What two replies must have in common, in one text.
pub(super) fn shape(reply: &Reply) -> String {
    let mut fields: Vec<_> =
        ["content-type", "x-etcd-index", "x-raft-index", "x-raft-term", "allow", "location"]
            .into_iter()
            .filter_map(|name| {
                let value = reply.header(name)?;
                let is_number = value.parse::<u64>().is_ok_and(|it| it > 0);
                let shown = if is_number { "N" } else { value };
                Some(format!("{name}: {}", shown.replace("; charset=utf-8", "")))
            })
            .collect();
    fields.sort();
    let lines: Vec<_> = reply.text.lines().map(body).collect();
    format!("{} {} {}", reply.status, fields.join(", "), lines.join("\n"))
}

/// A body, whose indexes are told only by whether a node is as it was made.
fn body(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(mut value) => {
            normalise(&mut value);
            value.to_string()
        }
        Err(_) => text.to_owned(),
    }
}

/// Takes out of a value what two servers cannot have in common.
fn normalise(value: &mut Value) {
    let Value::Object(members) = value else { return };
    let is_dir = members.get("dir").is_some();
    if let (Some(created), Some(modified)) =
        (members.remove("createdIndex"), members.remove("modifiedIndex"))
    {
        let is_new = created == modified;
        // The indexes of directories without a mark are those of what is in them.
        members.insert("isNew".to_owned(), (is_new || is_dir).into());
    }
    if members.remove("expiration").is_some() {
        members.insert("hasEnd".to_owned(), true.into());
    }
    if let Some(ttl) = members.get("ttl").and_then(Value::as_u64) {
        members.insert("ttl".to_owned(), ((ttl + TTL_SLACK) / 10).into());
    }
    if members.remove("index").is_some_and(|index| index != 0) {
        members.insert("hasIndex".to_owned(), true.into());
    }
    if let Some(cause) = members.get("cause").and_then(Value::as_str) {
        let cause: String =
            cause.chars().map(|it| if it.is_ascii_digit() { '9' } else { it }).collect();
        let cause = cause.replace("99", "9").replace("99", "9");
        members.insert("cause".to_owned(), cause.into());
    }
    if let Some(key) = members.get("key").and_then(Value::as_str) {
        let (above, name) = key.rsplit_once('/').unwrap_or_default();
        let is_made = name.len() == 20 && name.bytes().all(|it| it.is_ascii_digit());
        let key = if is_made { format!("{above}/#") } else { key.to_owned() };
        members.insert("key".to_owned(), key.into());
    }
    if let Some(Value::Array(nodes)) = members.get_mut("nodes") {
        nodes.sort_by_key(|node| node["key"].as_str().unwrap_or_default().to_owned());
    }
    for member in ["etcdserver", "etcdcluster", "members", "leader"] {
        if let Some(value) = members.get_mut(member) {
            *value = Value::Null;
        }
    }
    for member in members.values_mut() {
        match member {
            Value::Array(values) => values.iter_mut().for_each(normalise),
            other => normalise(other),
        }
    }
}

/// What is wrong with a pair of replies, if anything is.
fn judge(number: usize, line: &str, replies: [&Reply; 2], reason: Option<&str>) -> Option<String> {
    let [etcd, ours] = replies.map(shape);
    match (etcd == ours, reason) {
        (true, None) | (false, Some(_)) => None,
        (true, Some(reason)) => {
            Some(format!("{number}: {line}\n  does not differ any more ({reason})"))
        }
        (false, None) => Some(format!("{number}: {line}\n  etcd: {etcd}\n  srvd: {ours}")),
    }
}

#[test]
fn replies_are_those_of_etcd_or_there_is_a_reason() {
    let (oracle, registry) = (Etcd::start_with(&["--enable-v2"]), Etcd::start());
    let server = Server::start(&registry, &[]);
    let mut sides = [Side::new(oracle.addr()), Side::new(server.at)];
    let (mut faults, mut reason, mut waits, mut count) = (Vec::new(), None, Vec::new(), 0);
    for (number, line) in SCRIPT.lines().enumerate().map(|(at, line)| (at + 1, line.trim_end())) {
        if line.is_empty() || line.starts_with('#') || line.starts_with("==") {
            continue;
        }
        if let Some(word) = line.strip_prefix("! ") {
            assert!(REASONS.iter().any(|(known, _)| *known == word), "{number}: {word}");
            reason = Some(word);
        } else if let Some(seconds) = line.strip_prefix("sleep ") {
            std::thread::sleep(Duration::from_secs(seconds.parse().unwrap()));
        } else if let Some(line) = line.strip_prefix("& ") {
            sides.iter_mut().for_each(|side| side.waits.push(side.send(line)));
            waits.push((number, line, reason.take()));
            std::thread::sleep(BEGIN);
        } else if line == "join" {
            for (number, line, reason) in waits.drain(..) {
                let replies = sides.each_mut().map(|side| side.waits.remove(0).reply_now());
                faults.extend(judge(number, line, replies.each_ref(), reason));
                count += 1;
            }
        } else {
            let replies = sides.each_ref().map(|side| side.send(line).reply());
            sides.iter_mut().zip(&replies).for_each(|(side, reply)| side.note(reply));
            faults.extend(judge(number, line, replies.each_ref(), reason.take()));
            count += 1;
        }
    }
    println!("{count} requests");
    assert!(
        count > 200 && faults.is_empty(),
        "{} of {count}:\n{}",
        faults.len(),
        faults.join("\n")
    );
    for (word, told) in REASONS {
        assert!(SCRIPT.contains(&format!("\n! {word}\n")) && DOCUMENT.contains(told), "{word}");
    }
    assert!(eventually(|| server.dig("SRV _web._tcp.services.internal").is_empty()));
}
