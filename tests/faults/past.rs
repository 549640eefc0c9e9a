//! The history is shortened, or is another one.

use std::time::{Duration, Instant};

use super::scene::Scene;

/// How long nothing is heard of etcd: longer than a session bears.
const AWAY: Duration = Duration::from_secs(6);

#[test]
fn compaction_while_disconnected() {
    let mut scene = Scene::behind_proxies(1);
    scene.change();
    scene.proxies[0].cut();
    scene.keep_changing(Duration::from_millis(50), AWAY);
    scene.history.read_on(&scene.hand);
    scene.hand.compact();
    scene.proxies[0].open();
    scene.right_again("compaction while disconnected", Instant::now());
}

#[test]
fn snapshot_restored_with_the_revision_going_back() {
    let mut scene = Scene::of(3);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("snapshot");
    scene.change();
    scene.cluster.members[0].save(&file);
    let saved = scene.hand.list().0;
    scene.keep_changing(Duration::from_millis(20), Duration::from_secs(3));
    let (question, mark) = scene.mark();
    scene.wait_for(&question, &mark);
    scene.history.read_on(&scene.hand);
    let restored = Instant::now();
    scene.cluster.restore(&file);
    assert!(scene.hand.list().0 <= saved + 1, "the revision did not go back");
    scene.history.begin_again(&scene.hand);
    scene.right_again("snapshot restored, revision back", restored);
    scene.srvd.logs("the registry's revision went back");
}
