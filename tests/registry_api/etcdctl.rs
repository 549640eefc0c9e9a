//! etcd's own command line tool, and what it asks of members and status.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use crate::support::registry::Registry;

on_both! {
    put_get_and_del,
    txn_takes_its_branch,
    watch_prints_the_past_and_the_present,
    compaction_is_reported,
    lease_is_granted_listed_kept_and_revoked,
    member_list_names_the_address_that_was_used,
    endpoint_is_healthy_and_has_a_status,
}

/// What a command printed; panics if it failed.
fn ctl(registry: &Registry, args: &[&str]) -> String {
    let output = registry.etcdctl(args);
    assert!(output.status.success(), "etcdctl {args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What a failing command said.
fn ctl_fails(registry: &Registry, args: &[&str]) -> String {
    let output = registry.etcdctl(args);
    assert!(!output.status.success(), "etcdctl {args:?}: {output:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// What a command printed as JSON.
fn json(registry: &Registry, args: &[&str]) -> serde_json::Value {
    serde_json::from_str(&ctl(registry, args)).unwrap()
}

/// A running command that is killed in the end.
struct Running(Child);

impl Running {
    /// Starts the command with its output in a pipe.
    fn start(command: &mut Command) -> Self {
        Self(command.stdout(Stdio::piped()).spawn().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn put_get_and_del(registry: &Registry) {
    assert_eq!(ctl(registry, &["put", "a/1", "one"]), "OK\n");
    assert_eq!(ctl(registry, &["put", "--prev-kv", "a/1", "uno"]), "OK\na/1\none\n");
    ctl(registry, &["put", "a/2", "two"]);
    assert_eq!(ctl(registry, &["get", "--prefix", "a/"]), "a/1\nuno\na/2\ntwo\n");
    assert_eq!(ctl(registry, &["get", "--rev=2", "a/1"]), "a/1\none\n");
    let sorted = ["get", "--prefix", "a/", "--keys-only", "--sort-by=VALUE", "--order=DESCEND"];
    assert_eq!(ctl(registry, &sorted), "a/1\n\na/2\n\n");
    assert_eq!(ctl(registry, &["del", "--prefix", "a/"]), "2\n");
    assert_eq!(ctl(registry, &["get", "--prefix", ""]), "");
}

async fn txn_takes_its_branch(registry: &Registry) {
    let script = "create(\"a\") = \"0\"\n\nput a 1\nget a\n\nget a\n\n";
    for answer in ["SUCCESS\n\nOK\n\na\n1\n", "FAILURE\n\na\n1\n"] {
        let mut command = registry.etcdctl_command(&["txn"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), answer);
    }
}

async fn watch_prints_the_past_and_the_present(registry: &Registry) {
    ctl(registry, &["put", "a", "past"]);
    let watch = ["watch", "--prefix", "", "--rev=2"];
    let mut running = Running::start(&mut registry.etcdctl_command(&watch));
    let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
    let mut read = |n: usize| lines.by_ref().take(n).map(Result::unwrap).collect::<Vec<_>>();
    assert_eq!(read(3), ["PUT", "a", "past"]);
    ctl(registry, &["put", "b", "present"]);
    ctl(registry, &["del", "a"]);
    assert_eq!(read(5), ["PUT", "b", "present", "DELETE", "a"]);
}

async fn compaction_is_reported(registry: &Registry) {
    for value in ["1", "2", "3"] {
        ctl(registry, &["put", "a", value]);
    }
    assert_eq!(ctl(registry, &["compaction", "3"]), "compacted revision 3\n");
    let compacted = "required revision has been compacted";
    assert!(ctl_fails(registry, &["get", "--rev=2", "a"]).contains(compacted));
    assert!(ctl_fails(registry, &["compaction", "3"]).contains(compacted));
    assert!(ctl_fails(registry, &["watch", "--rev=2", "a"]).contains("watch is canceled"));
}

async fn lease_is_granted_listed_kept_and_revoked(registry: &Registry) {
    let granted = ctl(registry, &["lease", "grant", "60"]);
    let id = granted.split(' ').nth(1).unwrap().to_owned();
    assert_eq!(granted, format!("lease {id} granted with TTL(60s)\n"));
    assert_eq!(ctl(registry, &["lease", "list"]), format!("found 1 leases\n{id}\n"));
    ctl(registry, &["put", "a", "1", "--lease", &id]);
    let kept = ctl(registry, &["lease", "keep-alive", "--once", &id]);
    assert_eq!(kept, format!("lease {id} keepalived with TTL(60)\n"));
    let life = ctl(registry, &["lease", "timetolive", "--keys", &id]);
    assert!(
        life.contains("granted with TTL(60s)") && life.contains("attached keys([a])"),
        "{life}"
    );
    assert_eq!(ctl(registry, &["lease", "revoke", &id]), format!("lease {id} revoked\n"));
    assert_eq!(ctl(registry, &["get", "a"]), "");
    let life = ctl(registry, &["lease", "timetolive", &id]);
    assert_eq!(life, format!("lease {id} already expired\n"));
    assert!(ctl_fails(registry, &["lease", "revoke", &id]).contains("lease not found"));
}

async fn member_list_names_the_address_that_was_used(registry: &Registry) {
    let list = json(registry, &["member", "list", "-w", "json"]);
    let members = list["members"].as_array().unwrap();
    assert_eq!(members.len(), 1);
    assert_eq!(members[0]["ID"], list["header"]["member_id"]);
    assert_eq!(members[0]["clientURLs"], serde_json::json!([registry.url()]));
    assert!(ctl(registry, &["member", "list"]).contains("started"));
}

async fn endpoint_is_healthy_and_has_a_status(registry: &Registry) {
    let output = registry.etcdctl(&["endpoint", "health"]);
    assert!(output.status.success(), "{output:?}");
    let status = json(registry, &["endpoint", "status", "-w", "json"]);
    let status = &status[0]["Status"];
    assert_eq!(status["leader"], status["header"]["member_id"]);
    assert_eq!(status["header"]["revision"], 1);
    let version = status["version"].as_str().unwrap();
    let core = version.split('-').next().unwrap();
    assert_eq!(core.split('.').filter_map(|part| part.parse::<u32>().ok()).count(), 3, "{version}");
    assert!(ctl(registry, &["alarm", "list"]).is_empty());
}
