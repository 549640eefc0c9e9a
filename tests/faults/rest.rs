//! Nothing is asked, nothing changes, and maybe nothing can be done: then next to nothing is
//! done. A loop that does not wait shows here.

use std::time::{Duration, Instant};

use super::dns::{Question, Said, Udp};
use super::scene::Scene;
use super::setup::Permit;
use crate::access::enable_auth;
use crate::support::etcd::Etcd;
use crate::support::eventually;
use crate::support::load::{Did, Doing};
use crate::support::proxy::Proxy;
use crate::support::srvd::Srvd;

/// How long `serve` and `join` are looked at.
const LOOK: Duration = Duration::from_secs(8);

#[test]
fn nothing_is_wrong() {
    let mut scene = Scene::of(3);
    scene.rest(Did::is_idle);
    scene.right_again("none: nothing happens", Instant::now());
}

#[test]
fn every_member_refuses_connections() {
    let mut scene = Scene::of(3);
    (0..3).for_each(|member| scene.kill(member));
    scene.rest(Did::is_patient);
    let mended = Instant::now();
    scene.mend();
    scene.right_again("every member refuses connections", mended);
}

#[test]
fn every_member_is_frozen() {
    let mut scene = Scene::of(3);
    (0..3).for_each(|member| scene.freeze(member));
    scene.rest(Did::is_patient);
    let mended = Instant::now();
    scene.mend();
    scene.right_again("every member frozen", mended);
}

#[test]
fn the_only_member_is_frozen() {
    let mut scene = Scene::of(1);
    scene.freeze(0);
    scene.rest(Did::is_patient);
    let mended = Instant::now();
    scene.mend();
    scene.right_again("the only member frozen", mended);
}

#[test]
fn everything_falls_into_a_black_hole() {
    let mut scene = Scene::behind_proxies(3);
    scene.proxies.iter().for_each(Proxy::silence);
    scene.rest(Did::is_patient);
    scene.proxies.iter().for_each(Proxy::open);
    scene.right_again("black hole, nothing asked", Instant::now());
}

#[test]
fn every_connection_is_closed_at_once() {
    let mut scene = Scene::behind_proxies(3);
    scene.proxies.iter().for_each(Proxy::cut);
    scene.rest(Did::is_patient);
    scene.proxies.iter().for_each(Proxy::open);
    scene.right_again("connections closed at once, nothing asked", Instant::now());
}

#[test]
fn roles_are_revoked() {
    let change = |etcd: &Etcd, verb: &str| {
        for user in ["reader", "writer"] {
            as_root(etcd, &["user", verb, user, user]);
        }
    };
    let take = |etcd: &mut Etcd| change(etcd, "revoke-role");
    refused("roles revoked", take, |etcd| change(etcd, "grant-role"));
}

#[test]
fn users_are_deleted() {
    let take = |etcd: &mut Etcd| {
        ["reader", "writer"].iter().for_each(|user| as_root(etcd, &["user", "delete", user]));
        // Some releases of etcd go on with a login of before; none is left after a restart.
        etcd.restart();
    };
    refused("users deleted", take, |etcd| {
        for user in ["reader", "writer"] {
            as_root(etcd, &["user", "add", &format!("{user}:{user}")]);
            as_root(etcd, &["user", "grant-role", user, user]);
        }
    });
}

/// Runs `etcdctl` as root, which must succeed.
fn as_root(etcd: &Etcd, arguments: &[&str]) {
    let output = etcd.etcdctl(&[&["--user", "root:root"], arguments].concat());
    assert!(output.status.success(), "etcdctl {arguments:?}: {output:?}");
}

/// `serve` and `join` with a login that is refused for a while.
fn refused(fault: &str, take: impl Fn(&mut Etcd), give: impl Fn(&Etcd)) {
    let _permit = Permit::take();
    let (mut etcd, directory) = (Etcd::start(), tempfile::tempdir().unwrap());
    enable_auth(&etcd);
    let start = |user: &str, args: &[&str]| {
        let file = directory.path().join(user);
        std::fs::write(&file, user).unwrap();
        let login = ["--user", user, "--password-file", file.to_str().unwrap()];
        Srvd::start(&etcd.url(), &[args, &login].concat())
    };
    let serve = start("reader", &["serve", "--listen", "127.0.0.1:0"]);
    let joining = ["join", "joined", "--host", "10.3.0.1", "--port", "80"];
    let join = start("writer", &joining);
    let (client, question) = (Udp::new(serve.answers_at()), Question::a("joined"));
    let shown = || client.ask(&question, true).said == Said::Records(["10.3.0.1".into()].into());
    assert!(eventually(shown));
    take(&mut etcd);
    join.logs("still trying");
    std::thread::sleep(LOOK / 2);
    let doing = [&serve, &join].map(|it| Doing::of(it.pid()));
    std::thread::sleep(LOOK);
    let did = doing.map(|it| it.so_far());
    let wrong = u32::from(!shown());
    let given = Instant::now();
    give(&etcd);
    let is_back = || join.log().count("answers again") + join.log().count("registered again") > 0;
    assert!(eventually(|| is_back() && shown()), "{:#?}", join.log().all());
    let took = given.elapsed().as_secs_f64();
    let [serving, joining] = did;
    println!(
        "fault {fault}: wrong answers {wrong}, right again after {took:.1} s, serve {serving}, \
         join {joining} (at rest)"
    );
    let logs = [&serve, &join].map(|it| it.log().all());
    assert!(wrong == 0 && did.iter().all(Did::is_patient), "{logs:#?}");
}
