//! What is written to the registry and is of no use to anybody.

use std::time::Instant;

use super::dns::{Question, Said};
use super::scene::Scene;

/// Values of no use, each for another reason.
const GARBAGE: [&[u8]; 8] = [
    b"",
    b"of no use",
    b"\xff\xfe\0",
    b"{",
    b"{\"host\":7}",
    b"10.0.0.1:0",
    b"{\"host\":\"10.0.0.1:80\",\"weight\":65536}",
    b"{\"host\":\"0.0.0.0:80\"}",
];
/// Octets of a large value: far above what is read, below what etcd takes.
const LARGE: usize = 1 << 20;

/// What the good ones say while others go bad.
fn is_undisturbed(scene: &Scene, key: &str) {
    scene.srvd.logs(key);
    assert!(matches!(scene.says(&Question::srv("stable")), Said::Records(all) if all.len() == 3));
}

#[test]
fn garbage_values() {
    let mut scene = Scene::of(1);
    for (n, value) in GARBAGE.into_iter().enumerate() {
        scene.hand.put(&format!("/services/stable/bad{n}"), value);
        // One that was good goes bad, and is good again.
        scene.hand.put("/services/change/x", value);
        scene.change();
    }
    let since = Instant::now();
    is_undisturbed(&scene, "/services/stable/bad7");
    scene.right_again("garbage values", since);
}

#[test]
fn a_value_of_a_mebibyte() {
    let mut scene = Scene::of(1);
    scene.hand.put("/services/stable/large", vec![b'x'; LARGE]);
    let document = format!(r#"{{"host":"10.0.0.1:80","padding":"{}"}}"#, "x".repeat(LARGE));
    scene.hand.put("/services/change/x", document);
    let since = Instant::now();
    is_undisturbed(&scene, "/services/change/x");
    scene.right_again("a value of 1 MiB", since);
}

#[test]
fn keys_outside_the_grammar() {
    let mut scene = Scene::of(1);
    for key in ["", "stable", "stable/", "/1", "stable/1/2", "stable//1", "../1/2"] {
        scene.hand.put(&format!("/services/{key}"), "http://10.6.0.1:80");
        scene.change();
    }
    scene.hand.put("/services2/stable/1", "http://10.6.0.2:80");
    scene.hand.put("/services", "http://10.6.0.3:80");
    let since = Instant::now();
    scene.right_again("keys outside the grammar", since);
}
