//! A machine of its own for a test: a network in which nothing but the test is, where port 53
//! is free, and a resolv.conf that leads there.

use std::process::{Command, Output};

use super::Scene;

/// Set for the test inside.
const INSIDE: &str = "TEST_IN_A_NAMESPACE";
/// The first domain has no such names: a resolver must go on. What nobody has is asked for as
/// a name of the root at last, and refused; musl waits for another answer then.
const RESOLV_CONF: &str = "nameserver 127.0.0.1
search empty.internal services.internal
options timeout:2 attempts:1
";

/// The scene of a test that runs in a namespace. Outside of it there is none: the test is run
/// once more inside, and must succeed there.
pub(super) fn enter(test: &str) -> Option<Scene> {
    if std::env::var_os(INSIDE).is_some() {
        return Some(Scene::listening("127.0.0.1:53"));
    }
    match run_inside(test) {
        Some(output) => {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let log = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success() && text.contains("1 passed"), "{text}{log}");
            text.lines().filter(|it| it.starts_with("client ")).for_each(|it| println!("{it}"));
        }
        None => println!("client {test}: left out, namespaces are not permitted here"),
    }
    None
}

/// Runs a test as root of namespaces that end with it. Nothing where that is not permitted.
fn run_inside(test: &str) -> Option<Output> {
    /// Ways to get there.
    const WAYS: [&[&str]; 2] = [&["--net", "--mount"], &["--net", "--mount", "--map-root-user"]];
    /// The machine.
    const PREPARE: &str = "ip link set lo up && mount --bind \"$0\" /etc/resolv.conf";
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("resolv.conf");
    std::fs::write(&file, RESOLV_CONF).unwrap();
    let enter = |way: &[&str], script: &str| {
        let mut command = Command::new("unshare");
        command.args(way).args(["sh", "-c", script]).arg(&file).env(INSIDE, "1");
        command
    };
    let works = |way: &&&[&str]| enter(way, PREPARE).output().is_ok_and(|it| it.status.success());
    let way = WAYS.iter().find(works)?;
    let mut command = enter(way, &format!("{PREPARE} && exec \"$@\""));
    command.arg(std::env::current_exe().unwrap()).args(["--exact", test, "--nocapture"]);
    Some(command.output().unwrap())
}
