//! What only a real etcd does: the embedded registry refuses it with a code, and a sentence
//! that says what to use instead.

use etcd_client::{AlarmAction, AlarmType, DowngradeOptions, Permission};
use tonic::Code;

use super::refusal;
use crate::support::registry::Registry;

/// Each was refused, with a sentence about this.
fn all_are_refused(refusals: &[((Code, String), &str)]) {
    for ((code, message), about) in refusals {
        assert_eq!(*code, Code::Unimplemented, "{message}");
        assert!(message.starts_with("the embedded registry does not "), "{message}");
        assert!(message.contains(about), "{message}, but not {about}");
        assert!(
            message.ends_with("it is one process without a disk, use etcd for it"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn users_roles_and_tokens() {
    let registry = Registry::embedded();
    let mut client = registry.client().await;
    let read = Permission::read("a");
    all_are_refused(&[
        (refusal(client.auth_enable().await), "users"),
        (refusal(client.auth_disable().await), "users"),
        (refusal(client.user_add("a", "b", None).await), "users"),
        (refusal(client.user_list().await), "users"),
        (refusal(client.user_grant_role("a", "b").await), "users"),
        (refusal(client.role_add("a").await), "roles"),
        (refusal(client.role_grant_permission("a", read).await), "roles"),
    ]);
}

/// Whoever brings a password is told that it is not asked for.
#[tokio::test]
async fn a_client_with_a_password() {
    let registry = Registry::embedded();
    let options = etcd_client::ConnectOptions::new().with_user("a", "b");
    let connected = etcd_client::Client::connect([registry.url()], Some(options)).await;
    all_are_refused(&[(refusal(connected), "connect without --user")]);
}

#[tokio::test]
async fn locks_and_elections() {
    let registry = Registry::embedded();
    let mut client = registry.client().await;
    all_are_refused(&[
        (refusal(client.lock("a", None).await), "create a key under a lease"),
        (refusal(client.unlock("a").await), "create a key under a lease"),
        (refusal(client.campaign("a", "b", 1).await), "create a key under a lease"),
        (refusal(client.leader("a").await), "create a key under a lease"),
        (refusal(client.observe("a").await), "create a key under a lease"),
        (refusal(client.resign(None).await), "create a key under a lease"),
    ]);
}

#[tokio::test]
async fn further_members() {
    let registry = Registry::embedded();
    let mut client = registry.client().await;
    let url = ["http://127.0.0.1:1".to_owned()];
    all_are_refused(&[
        (refusal(client.member_add(url.clone(), None).await), "members"),
        (refusal(client.member_remove(1).await), "member"),
        (refusal(client.member_update(1, url).await), "peers"),
        (refusal(client.member_promote(1).await), "learners"),
        (refusal(client.move_leader(1).await), "member"),
    ]);
}

#[tokio::test]
async fn what_maintains_a_disk() {
    let registry = Registry::embedded();
    let mut client = registry.client().await;
    let alarm = |action| (action, AlarmType::Nospace, None);
    let (raise, clear) = (alarm(AlarmAction::Activate), alarm(AlarmAction::Deactivate));
    all_are_refused(&[
        (refusal(client.snapshot().await), "snapshots"),
        (refusal(client.maintenance_client().downgrade(DowngradeOptions::Cancel).await), "version"),
        (refusal(client.defragment().await), "defragment"),
        (refusal(client.hash().await), "hash"),
        (refusal(client.hash_kv(0).await), "hash"),
        (refusal(client.alarm(raise.0, raise.1, raise.2).await), "alarms"),
        (refusal(client.alarm(clear.0, clear.1, clear.2).await), "alarms"),
    ]);
}

/// etcd's own tool shows the sentence to whoever tries.
#[test]
fn etcdctl_shows_the_sentence() {
    let registry = Registry::embedded();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("snapshot");
    let tries: [&[&str]; 5] = [
        &["auth", "enable"],
        &["user", "add", "a:b"],
        &["defrag"],
        &["member", "add", "m", "--peer-urls=http://127.0.0.1:1"],
        &["snapshot", "save", file.to_str().unwrap()],
    ];
    for args in tries {
        let output = registry.etcdctl(args);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && told.contains("use etcd for it"), "{args:?}: {told}");
    }
}

/// `etcdctl lock` asks no service for locks: it uses transactions, leases and watches, which
/// are here.
#[test]
fn etcdctl_locks_all_the_same() {
    for registry in [Registry::embedded(), Registry::real()] {
        let output = registry.etcdctl(&["lock", "a", "echo", "held"]);
        assert_eq!(String::from_utf8_lossy(&output.stdout), "held\n", "{output:?}");
    }
}
