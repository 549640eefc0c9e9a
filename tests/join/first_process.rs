//! `join` as PID 1, as in a container.

use crate::support::etcd::Etcd;
use crate::support::namespace::as_first_process;
use crate::support::srvd::{BINARY, Srvd};

/// Counts zombies in /proc: the third field of `stat`.
const COUNT: &str = r#"n=0; for s in /proc/[0-9]*/stat; do { read a b c d <$s; } 2>/dev/null && [ "$c" = Z ] && n=$((n+1)); done"#;

#[test]
fn orphans_do_not_stay_zombies_and_no_status_is_lost() {
    let Some(mut command) = as_first_process() else {
        println!("skipped: no process namespaces here");
        return;
    };
    let etcd = Etcd::start();
    let script = format!(
        "echo \"first $PPID\"; for i in 1 2 3 4 5 6 7 8; do (sleep 0.2 &); done; sleep 1; {COUNT}; \
         echo \"were $n\"; i=0; while [ $i -lt 100 ]; do {COUNT}; [ $n = 0 ] && break; sleep 0.2; \
         i=$((i+1)); done; echo \"zombies $n\"; exit 7"
    );
    command.args([BINARY, "--registry", &etcd.url(), "join", "web", "--host", "127.0.0.1"]);
    command.args(["--check", "exec:sleep 60 & true", "--check-interval", "1s"]);
    command.args(["--", "sh", "-c", &script]);
    let mut srvd = Srvd::spawn(&mut command);
    srvd.prints("first 1");
    // The check's status is its own, and what it leaves running is not there for long.
    srvd.prints("registered web");
    srvd.prints("zombies 0");
    assert_eq!(srvd.exits(), 7, "COMMAND's status was lost: {:#?}", srvd.log().all());
    assert_eq!(srvd.log().count("check failed"), 0, "{:#?}", srvd.log().all());
}
