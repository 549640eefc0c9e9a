use std::time::{Duration, Instant};

use serde_json::Value;

use super::oracle::{Side, shape};
use super::{Reply, Server};
use crate::support::etcd::Etcd;

/// Requests of one run.
const REQUESTS: usize = 1_500;
/// How long a run goes on at most; a busy machine sends fewer.
const LIMIT: Duration = Duration::from_secs(40);
/// Nodes that are written: few, so that they meet.
const NODES: &[&str] = &["a", "b", "a/x", "a/y", "b/x", "_h"];

/// One of some texts.
fn one<'t>(chance: &mut fastrand::Rng, texts: &[&'t str]) -> &'t str {
    texts[chance.usize(..texts.len())]
}

/// A request as a line of the script. Keys in a directory are written once the directory was made
/// by itself: one that was not is gone here with its last key.
fn request(chance: &mut fastrand::Rng) -> Vec<String> {
    let node = one(chance, NODES);
    let path = format!("/services/r/{node}");
    let value = one(chance, &["value=1", "value=2", "value=", "dir=true", "dir=true&value=1"]);
    let exist = one(chance, &["", "", "&prevExist=true", "&prevExist=false"]);
    let compare = one(chance, &["", "", "&prevValue=1", "&prevValue=2", "&prevIndex=1"]);
    let ttl = one(chance, &["", "", "&ttl=900", "&ttl="]);
    // What ends with its directory has no end of its own here: only a value keeps off those.
    let ttl = if matches!(value, "value=1" | "value=2") { ttl } else { "" };
    let short = one(chance, &["", "", "&noValueOnSuccess=true"]);
    let line = match chance.u8(..10) {
        0..4 => format!("PUT {path} {value}{exist}{compare}{ttl}{short}"),
        // With a value that it must have, so that it is no directory.
        4 => format!("PUT {path} ttl=900&refresh=true&prevValue=1{exist}"),
        5..7 => {
            let how = one(chance, &["dir=false", "dir=true", "recursive=true", "recursive=false"]);
            format!("DELETE {path}?{how}{compare}")
        }
        7 => format!("POST {path} {value}{ttl}"),
        _ => {
            let how = one(chance, &["", "?recursive=true", "?sorted=true&quorum=true"]);
            format!(
                "GET {} ",
                one(chance, &[&format!("{path}{how}"), &format!("/services/r{how}")])
            )
        }
    };
    let is_write = line.starts_with("PUT") || line.starts_with("POST");
    let inside = node.split_once('/').map(|(above, _)| format!("/services/r/{above}"));
    let itself = line.starts_with("POST").then_some(path);
    let made = inside.into_iter().chain(itself).filter(|_| is_write);
    let mkdir = made.map(|path| format!("PUT {path} dir=true&prevExist=false"));
    mkdir.chain([line.trim_end().to_owned()]).collect()
}

/// What two replies must have in common, but whether a node is a new one, since v3 keeps the
/// create revision, and the exact TTL.
fn common(reply: &Reply) -> String {
    let mut shape = shape(reply);
    // Tens of seconds, of which no more than LIMIT passes between what two servers are sent.
    for left in 80..90 {
        shape = shape.replace(&format!("\"ttl\":{left}"), "\"ttl\":90");
    }
    for is_new in ["\"isNew\":true", "\"isNew\":false"] {
        shape = shape.replace(&format!(",{is_new}"), "").replace(&format!("{is_new},"), "");
    }
    shape
}

#[test]
fn requests_by_chance_are_answered_alike() {
    let seed = std::env::var("SEED").map_or_else(|_| fastrand::u64(..), |it| it.parse().unwrap());
    println!("SEED={seed}");
    let mut chance = fastrand::Rng::with_seed(seed);
    let (oracle, registry) = (Etcd::start_with(&["--enable-v2"]), Etcd::start());
    let server = Server::start(&registry, &[]);
    let sides = [Side::new(oracle.addr()), Side::new(server.at)];
    let (start, mut sent) = (Instant::now(), Vec::new());
    let mut send = |line: String| {
        sent.push(line.clone());
        let [etcd, ours] = sides.each_ref().map(|side| side.send(&line).reply());
        let last = sent.iter().rev().take(12).rev().cloned().collect::<Vec<_>>().join("\n");
        assert_eq!(common(&etcd), common(&ours), "SEED={seed}, request {}:\n{last}", sent.len());
        ours
    };
    send("PUT /services/r dir=true".to_owned());
    let mut count = 0;
    while count < REQUESTS && start.elapsed() < LIMIT {
        for line in request(&mut chance) {
            send(line);
            count += 1;
        }
    }
    let listed: Value = send("GET /services/r?recursive=true".to_owned()).json();
    println!(
        "{count} requests, {} nodes at last",
        listed["node"]["nodes"].as_array().map_or(0, Vec::len)
    );
}
