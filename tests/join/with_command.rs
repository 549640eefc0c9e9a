//! COMMAND: environment, readiness, order of signals, exit codes.
//!
//! Scripts of the shell stand for servers. Those that do not listen are registered as udp,
//! which cannot be seen listening. All of them end by themselves after some time.

use std::time::Instant;

use super::{ctl, follow, ms};
use crate::support::etcd::Etcd;
use crate::support::srvd::{BINARY, Srvd};

/// Runs on until it is killed, for half a minute at the most.
const RUN_ON: &str = "i=0; while [ $i -lt 600 ]; do sleep 0.05; i=$((i+1)); done";

/// Starts `join` with options and a script as COMMAND.
fn run_script(etcd: &Etcd, options: &[&str], script: &str) -> Srvd {
    let plain = ["join", "web", "--host", "127.0.0.1"];
    Srvd::start(&etcd.url(), &[&plain, options, &["--", "sh", "-c", script]].concat())
}

/// How long the parts of leaving took: from `start` to the moment the key went, and from
/// then to the line that the script printed at its signal.
fn parts(etcd: &Etcd, options: &[&str], start: impl Fn(&Srvd) -> Instant) -> (u128, u128, i32) {
    let watch = follow(etcd);
    let script = format!("trap 'echo signalled; exit 3' TERM; {RUN_ON}");
    let mut srvd = run_script(etcd, &[&["--proto", "udp"], options].concat(), &script);
    srvd.prints("registered web");
    let before = start(&srvd);
    let (gone, _) = watch.prints("DELETE");
    let (signalled, _) = srvd.prints("signalled");
    (ms(before, gone), ms(gone, signalled), srvd.exits())
}

#[test]
fn it_knows_where_it_is_registered() {
    let etcd = Etcd::start();
    let options = ["--proto", "udp", "--id", "one"];
    let script = format!("echo \"$HOST $PORT $SRVD_NAME $SRVD_ID\"; {RUN_ON}");
    let srvd = run_script(&etcd, &options, &script);
    let (_, line) = srvd.prints("127.0.0.1 ");
    let port = line.split(' ').nth(1).unwrap();
    assert_eq!(line, format!("127.0.0.1 {port} web one"));
    assert_ne!(port.parse::<u16>().unwrap(), 0);
    srvd.prints(&format!("registered web at 127.0.0.1:{port}: /services/web/one"));
    assert!(ctl(&etcd, &["get", "/services/web/one"]).contains(&format!("\"port\":{port},")));
}

#[test]
fn it_is_registered_when_it_listens_and_left_when_it_ends() {
    let etcd = Etcd::start();
    let server = format!("exec {BINARY} serve --listen 127.0.0.1:$PORT");
    let script = format!("echo waiting; read line; echo ready; {server}");
    let plain = ["join", "web", "--host", "127.0.0.1", "--", "sh", "-c", &script];
    let mut command = crate::support::srvd::command(&etcd.url(), &plain);
    command.env("SRVD_REGISTRY", etcd.url()).stdin(std::process::Stdio::piped());
    let mut srvd = Srvd::spawn(&mut command);
    srvd.prints("waiting");
    // Many looks at the port go by; none of them may take it for listening.
    std::thread::sleep(std::time::Duration::from_secs(1));
    assert_eq!(srvd.out().count("registered"), 0);
    srvd.writes("go\n");
    let (registered, _) = srvd.prints("registered web");
    assert!(registered > srvd.prints("answering DNS on").0);
    srvd.signal("TERM");
    assert_eq!(srvd.exits(), 0);
    assert_eq!(ctl(&etcd, &["get", "--prefix", "/services"]), "");
}

#[test]
fn one_line_says_that_it_does_not_listen() {
    let etcd = Etcd::start();
    let script = format!("trap 'exit 3' TERM; {RUN_ON}");
    let mut srvd = run_script(&etcd, &["--port", "1"], &script);
    let (_, line) = srvd.logs("waiting for 127.0.0.1:1 to accept connections");
    assert!(line.contains("WARN") && line.contains("PORT"), "{line}");
    std::thread::sleep(std::time::Duration::from_secs(3));
    srvd.signal("TERM");
    assert_eq!(srvd.exits(), 3);
    assert_eq!(srvd.log().count("waiting for"), 1, "{:?}", srvd.log().all());
}

#[test]
fn its_exit_code_is_ours() {
    let etcd = Etcd::start();
    for (script, code) in [("exit 0", 0), ("exit 7", 7), ("kill -KILL $$", 137)] {
        assert_eq!(run_script(&etcd, &[], script).exits(), code, "{script}");
    }
    let watch = follow(&etcd);
    let mut srvd = run_script(&etcd, &["--proto", "udp"], "sleep 2; exit 7");
    srvd.prints("registered");
    watch.prints("DELETE");
    assert_eq!(srvd.exits(), 7);
}

#[test]
fn etcd_away_does_not_keep_it_from_running() {
    let plain = ["join", "web", "--host", "127.0.0.1", "--", "sh", "-c", "echo here; exit 5"];
    let mut srvd = Srvd::start("http://127.0.0.1:1", &plain);
    srvd.prints("here");
    assert_eq!(srvd.exits(), 5);
}

#[test]
fn a_signal_is_passed_on_after_leaving() {
    let etcd = Etcd::start();
    let (leaving, passing, code) = parts(&etcd, &[], |srvd| srvd.signal("TERM"));
    println!("TERM: left after {leaving} ms, passed on {passing} ms later");
    assert_eq!(code, 3);
}

#[test]
fn hangup_and_quit_are_passed_on_as_what_they_are() {
    let etcd = Etcd::start();
    for signal in ["HUP", "QUIT"] {
        let script = format!("trap 'echo got {signal}; exit 3' {signal}; {RUN_ON}");
        let mut srvd = run_script(&etcd, &["--proto", "udp"], &script);
        srvd.prints("registered");
        srvd.signal(signal);
        srvd.prints(&format!("got {signal}"));
        assert_eq!(srvd.exits(), 3);
        assert_eq!(ctl(&etcd, &["get", "--prefix", "/services"]), "");
    }
}

#[test]
fn wait_and_slack_stand_around_leaving() {
    let etcd = Etcd::start();
    let options = ["--wait", "500ms", "--slack", "700ms"];
    let (leaving, passing, code) = parts(&etcd, &options, |srvd| srvd.signal("TERM"));
    println!("TERM: left after {leaving} ms, passed on {passing} ms later");
    assert!(leaving >= 500 && passing >= 650, "{leaving} ms, {passing} ms");
    assert_eq!(code, 3);
}

/// A script that says which signals it gets, and does not end of them.
fn stubborn() -> String {
    format!("trap 'echo got TERM' TERM; trap 'echo got INT' INT; {RUN_ON}")
}

#[test]
fn a_second_signal_kills_what_the_first_did_not_end() {
    let etcd = Etcd::start();
    let mut srvd = run_script(&etcd, &["--proto", "udp"], &stubborn());
    srvd.prints("registered");
    srvd.signal("TERM");
    srvd.prints("got TERM");
    srvd.signal("TERM");
    assert_eq!(srvd.exits(), 137);
    assert_eq!(srvd.out().count("got"), 1);
}

#[test]
fn a_second_signal_cuts_the_waits_short_and_kills_after_a_grace() {
    let etcd = Etcd::start();
    let watch = follow(&etcd);
    let mut srvd = run_script(&etcd, &["--proto", "udp", "--wait", "1h"], &stubborn());
    srvd.prints("registered");
    srvd.signal("TERM");
    // Two signals of different kinds are not made one by the kernel.
    srvd.signal("INT");
    let (got, _) = srvd.prints("got");
    watch.prints("DELETE");
    assert_eq!(srvd.exits(), 137);
    let grace = ms(got, Instant::now());
    println!("killed {grace} ms after the signal was passed on");
    assert!(grace >= 900, "{grace} ms");
}

#[test]
fn a_second_signal_gives_the_command_the_grace_to_end_by_itself() {
    let etcd = Etcd::start();
    let script = format!("trap 'sleep 0.3; exit 3' TERM INT; {RUN_ON}");
    let mut srvd = run_script(&etcd, &["--proto", "udp", "--slack", "1h"], &script);
    srvd.prints("registered");
    srvd.signal("TERM");
    srvd.signal("INT");
    assert_eq!(srvd.exits(), 3);
}

#[test]
fn it_is_ended_when_the_registration_is_refused() {
    let etcd = Etcd::start();
    ctl(&etcd, &["put", "/services/web/one", "by hand"]);
    let script = format!("trap 'echo ended; exit 0' TERM; {RUN_ON}");
    let mut srvd = run_script(&etcd, &["--proto", "udp", "--id", "one"], &script);
    srvd.logs("without a lease");
    srvd.prints("ended");
    assert_eq!(srvd.exits(), 1);
}

#[test]
fn signals_end_what_outlives_a_refused_registration() {
    let etcd = Etcd::start();
    ctl(&etcd, &["put", "/services/web/one", "by hand"]);
    let mut srvd = run_script(&etcd, &["--proto", "udp", "--id", "one"], &stubborn());
    let (refused, _) = srvd.prints("got TERM");
    srvd.signal("TERM");
    srvd.signal("INT");
    assert_eq!(srvd.exits(), 1);
    assert!(ms(refused, Instant::now()) < 5_000, "its end was awaited");
}

#[test]
fn a_command_that_is_not_there() {
    let plain = ["join", "web", "--host", "127.0.0.1", "--", "no-such-program"];
    let mut srvd = Srvd::start("http://127.0.0.1:1", &plain);
    assert_eq!(srvd.exits(), 1);
    srvd.logs("cannot start `no-such-program`: No such file or directory");
}

/// A server that listens on the port in `PORT`, for half a minute at the most.
fn server() -> String {
    format!("timeout 30 {BINARY} serve --http off --listen 127.0.0.1:$PORT")
}

/// Runs `join` with a script as COMMAND that finds the registry for [`server`].
fn run_server(etcd: &Etcd, options: &[&str], script: &str) -> Srvd {
    let plain = ["join", "web", "--host", "127.0.0.1"];
    let all = [&plain, options, &["--", "sh", "-c", script]].concat();
    let mut command = crate::support::srvd::command(&etcd.url(), &all);
    Srvd::spawn(command.env("SRVD_REGISTRY", etcd.url()).stdin(std::process::Stdio::piped()))
}

#[test]
fn a_port_that_somebody_else_holds_is_not_registered() {
    let etcd = Etcd::start();
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port().to_string();
    // Without anything between it and us that passes a signal on once more.
    let script = format!("read line; exec {}", server().trim_start_matches("timeout 30 "));
    let mut srvd = run_server(&etcd, &["--port", &port], &script);
    let (_, line) = srvd.logs(&format!("port {port} is held by `"));
    let us = format!("(process {})", std::process::id());
    assert!(line.contains(&us) && line.contains("--check tcp"), "{line}");
    // It is looked at again, and told once.
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!(srvd.log().count("is held by"), 1, "{:#?}", srvd.log().all());
    assert_eq!(ctl(&etcd, &["get", "--prefix", "/services"]), "");
    drop(other);
    srvd.writes("go\n");
    srvd.prints("registered web");
    srvd.signal("TERM");
    assert_eq!(srvd.exits(), 0);
}

#[test]
fn a_port_is_its_own_however_it_came_to_be_held() {
    let etcd = Etcd::start();
    let server = server();
    for script in [
        // A process in its group, one with a session of its own, and one that nobody is the
        // parent of any more.
        format!("{server} & exec sleep 30"),
        format!("setsid {server} & exec sleep 30"),
        format!("(setsid {server} &); exec sleep 30"),
    ] {
        let srvd = run_server(&etcd, &[], &script);
        srvd.prints("registered web");
        for never in ["is held by", "is taken to be"] {
            assert_eq!(srvd.log().count(never), 0, "{script}: {:#?}", srvd.log().all());
        }
    }
}
