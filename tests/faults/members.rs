//! Members that are not there, die, or freeze.

use std::time::{Duration, Instant};

use super::dns::{Question, Said};
use super::scene::Scene;
use super::setup::Setup;

/// How long etcd stays away at the start: longer than answers wait to be marked stale, and
/// than any wait between two tries.
const ABSENT: Duration = Duration::from_secs(12);
/// How long a frozen member may be waited for: a silence of 5 s ends a session, and the
/// keepalive of the connection would take 15 s.
const FROZEN_MAX: Duration = Duration::from_secs(12);
/// How long there is no quorum.
const WITHOUT_QUORUM: Duration = Duration::from_secs(60);

#[test]
fn absent_at_start() {
    let mut scene = Setup { members: 3, is_absent: true, ..Setup::default() }.ready();
    let begun = Instant::now();
    while begun.elapsed() < ABSENT {
        assert_eq!(scene.says(&Question::srv("stable")), Said::NotReady);
        assert_eq!(scene.reason(), Some(14));
        std::thread::sleep(Duration::from_millis(200));
    }
    let started = Instant::now();
    scene.cluster.start_all();
    scene.right_again("etcd absent at start", started);
}

#[test]
fn one_member_killed() {
    let mut scene = Scene::of(3);
    let member = scene.session_member();
    scene.kill(member);
    let killed = Instant::now();
    scene.right_again("member in use killed", killed);
    scene.srvd.logs("watch ended, relisting");
    scene.mend();
}

#[test]
fn the_leader_killed() {
    let mut scene = Scene::of(3);
    let leader = scene.cluster.leader();
    scene.kill(leader);
    let killed = Instant::now();
    scene.right_again("leader killed", killed);
    scene.mend();
}

#[test]
fn the_member_under_our_watch_frozen() {
    let mut scene = Scene::of(3);
    let member = scene.session_member();
    scene.freeze(member);
    let frozen = Instant::now();
    let took = scene.right_again("member in use frozen", frozen);
    assert!(took < FROZEN_MAX, "the silence was not noticed, only the dead connection");
    scene.srvd.logs("watch ended, relisting");
    assert_ne!(scene.session_member(), member, "it was another member");
    scene.mend();
}

#[test]
fn no_quorum_for_a_minute() {
    let mut scene = Scene::of(3);
    let in_use = scene.session_member();
    // What is left answers, but has no leader.
    scene.freeze(in_use);
    scene.kill((in_use + 1) % 3);
    let lost = Instant::now();
    scene.wait_until_stale();
    let stale_after = lost.elapsed().as_secs_f64();
    std::thread::sleep(WITHOUT_QUORUM.saturating_sub(lost.elapsed()));
    assert_eq!(scene.reason(), Some(3));
    assert_ne!(scene.says(&Question::srv("stable")), Said::NotReady);
    let mended = Instant::now();
    scene.mend();
    scene.remark(format!("stale after {stale_after:.1} s"));
    scene.right_again("quorum lost for 60 s", mended);
}
