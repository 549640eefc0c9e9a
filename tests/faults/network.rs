//! The way to etcd swallows everything, closes, is slow, or works in one direction.

use std::process::Command;
use std::time::{Duration, Instant};

use super::scene::Scene;
use super::setup::Permit;
use crate::support::namespace::run_in_network;
use crate::support::proxy::{Direction, Proxy};

/// How long a black hole lasts.
const BLACK_HOLE: Duration = Duration::from_secs(30);
/// How long lesser troubles last: longer than a session bears silence.
const TROUBLE: Duration = Duration::from_secs(7);
/// How slow a slow way is: a call takes a multiple of it, and must not take its deadline.
const SLOW: Duration = Duration::from_millis(100);
/// How often the registry changes meanwhile.
const CHANGE: Duration = Duration::from_millis(200);

/// While the hole is there the registry changes, answers stand, and are marked stale.
fn fall_into(scene: &mut Scene) {
    let begun = Instant::now();
    scene.keep_changing(CHANGE, BLACK_HOLE / 3);
    scene.wait_until_stale();
    scene.remark(format!("stale after {:.1} s", begun.elapsed().as_secs_f64()));
    scene.keep_changing(CHANGE, BLACK_HOLE.saturating_sub(begun.elapsed()));
}

#[test]
fn black_hole_of_a_proxy() {
    let mut scene = Scene::behind_proxies(3);
    scene.proxies.iter().for_each(Proxy::silence);
    fall_into(&mut scene);
    scene.proxies.iter().for_each(Proxy::open);
    scene.right_again("black hole for 30 s (proxy)", Instant::now());
}

#[test]
fn cut_and_refused() {
    let mut scene = Scene::behind_proxies(3);
    scene.proxies.iter().for_each(Proxy::cut);
    scene.keep_changing(CHANGE, TROUBLE);
    scene.proxies.iter().for_each(Proxy::open);
    scene.right_again("connections cut and refused", Instant::now());
}

#[test]
fn only_what_goes_to_etcd_is_lost() {
    one_direction_is_lost("requests lost, answers not", Direction::ToEtcd);
}

#[test]
fn only_what_comes_from_etcd_is_lost() {
    one_direction_is_lost("answers lost, requests not", Direction::FromEtcd);
}

/// One direction of the only way is a black hole.
fn one_direction_is_lost(fault: &str, direction: Direction) {
    let mut scene = Scene::behind_proxies(1);
    scene.proxies[0].silence_only(direction);
    scene.keep_changing(CHANGE, TROUBLE);
    scene.proxies[0].open();
    scene.right_again(fault, Instant::now());
}

/// Slow is no fault: what happens meanwhile is shown meanwhile.
#[test]
fn slow_for_a_while() {
    let mut scene = Scene::behind_proxies(1);
    scene.proxies[0].delay(SLOW);
    scene.keep_changing(CHANGE, TROUBLE);
    scene.right_again("every message 100 ms late", Instant::now());
    assert_eq!(scene.srvd.log().count("watch ended, relisting"), 0);
}

/// The same by the kernel: packets are dropped, none is answered with a reset, and new
/// connections are not even accepted. It takes a network namespace of its own, where the
/// whole test runs again, so that no rule ever touches this machine.
#[test]
fn black_hole_of_nftables() {
    let _permit = Permit::take();
    let Some(output) = run_in_network("faults::network::inside_a_namespace", "nft list ruleset")
    else {
        println!(
            "fault black hole for 30 s (nftables): skipped, no network namespaces or no nft here"
        );
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find(|line| line.starts_with("fault "));
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    println!("{}", line.expect("it prints its line"));
}

#[test]
#[ignore = "black_hole_of_nftables runs it in a namespace of its own"]
fn inside_a_namespace() {
    let mut scene = Scene::behind_proxies(3);
    let ports: Vec<_> = scene.proxies.iter().map(|it| it.addr().port().to_string()).collect();
    let ports = ports.join(", ");
    nft(&format!(
        "table inet hole {{
           chain input {{
             type filter hook input priority 0;
             tcp dport {{ {ports} }} counter drop
             tcp sport {{ {ports} }} counter drop
           }}
         }}"
    ));
    fall_into(&mut scene);
    let rules = nft("list ruleset");
    assert!(!rules.contains("packets 0 "), "nothing fell into the hole: {rules}");
    nft("delete table inet hole");
    scene.right_again("black hole for 30 s (nftables)", Instant::now());
}

/// Runs `nft`, which must succeed. Gives what it printed.
fn nft(rules: &str) -> String {
    let output = Command::new("nft").arg(rules).output().expect("nft is installed");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}
