//! Every key that is read again, seen on the wire.

use std::time::Duration;

use super::Scene;
use crate::forward::upstream::{Wayward, address, answers, blank, first_label};
use crate::serve::writer::{Writer, instances};
use crate::support::{dig, eventually};

/// A secret of 32 hex digits.
const SECRET: &str = "445536bcd2513298075a5d379663c962";

#[test]
fn every_key_of_answering_is_used_from_the_next_query_on() {
    let scene = Scene::start_with("", &[("secrets", SECRET)]);
    Writer::new(&scene.registry.url()).put_all(&instances("crowd", 100));
    let crowd = "+ignore +bufsize=4096 A crowd.services.internal";
    let others = Wayward::start(|query| match first_label(query).as_str() {
        "private" => vec![answers(query, &[("private.others.test", 1, 60, vec![10, 1, 2, 3])])],
        _ => vec![address(query)],
    });
    let forward = format!("forward = [\"{}\"]", others.at);
    let public = format!("{forward}\nforward-private = false");
    let mixed = format!("{forward}\nforward-0x20 = true");
    let closed = format!("{forward}\nallow-recursion = [\"192.0.2.0/24\"]");
    let a = "+ignore A web.services.internal";
    let foreign = "A www.others.test";
    let srv = "+ignore SRV _web._tcp";
    let zone = |text: &str| format!("[[zone]]\nname = \"services.internal\"\n{text}");
    for (text, query, seen) in [
        ("allow-query = [\"192.0.2.0/24\"]", a, &["REFUSED", "EDE: 18"][..]),
        (
            "proxy-protocol = [\"127.0.0.0/8\"]",
            "+notcp +timeout=1 A web.services.internal",
            &["no servers could be reached"],
        ),
        ("nsid = \"one\"", "+nsid A web.services.internal", &["NSID", "(\"one\")", "ANSWER: 4"]),
        ("chaos = true\nnsid = \"two\"", "CH TXT id.server", &["NOERROR", "\"two\""]),
        ("", "CH TXT id.server", &["REFUSED"]),
        ("cookie-secret-file = \"secrets\"", "+cookie A web.services.internal", &["(good)"]),
        ("strict-amplification = true", srv, &["flags: qr aa tc rd;", "ADDITIONAL: 1"]),
        ("udp-size = 512", crowd, &["qr aa tc rd;", "ANSWER: 2"]),
        ("udp-size = 4096", crowd, &["qr aa rd;", "ANSWER: 100"]),
        ("rate-limit = 1\nrate-limit-slip = 1", a, &["flags: qr aa tc rd;", "ANSWER: 0"]),
        ("rate-limit = 1\nrate-limit-exempt = [\"127.0.0.0/8\"]", a, &["ANSWER: 4"]),
        (&forward, foreign, &["NOERROR", "192.0.2.77"]),
        (&forward, "A private.others.test", &["NOERROR", "ANSWER: 1", "10.1.2.3"]),
        (&public, "A private.others.test", &["NOERROR", "ANSWER: 0", "EDE: 15"]),
        (&mixed, foreign, &["NOERROR", "192.0.2.77", "\nwww.others.test."]),
        (&closed, foreign, &["REFUSED", "EDE: 18"]),
        ("", foreign, &["REFUSED", "EDE: 20"]),
        ("bare-names = false", srv, &["REFUSED"]),
        ("bare-names = true", srv, &["NOERROR", "ANSWER: 4"]),
        ("tcp-idle = \"3s\"", "+tcp +keepalive A web.services.internal", &["KEEPALIVE: 3.0 secs"]),
        (&zone("ttl = \"77s\""), a, &["\t77\tIN\tA\t10.0.0.1"]),
        (&zone("negative-ttl = \"66s\""), "A no.services.internal", &["\t66\tIN\tSOA\t"]),
        (&zone("max-answers = 2"), a, &["ANSWER: 2"]),
        (&zone("max-answers = 2\nmax-answers-order = \"stable\""), a, &["ANSWER: 2"]),
        ("", a, &["ANSWER: 4", "\t5\tIN\tA\t10.0.0.1"]),
        ("reverse = [\"10.in-addr.arpa\"]", "-x 10.0.0.1", &["NOERROR", "\t10-0-0-1.web."]),
        ("", "-x 10.0.0.1", &["REFUSED"]),
    ] {
        scene.configure(text);
        scene.reload();
        scene.sees(query, seen);
    }
}

#[test]
fn queries_are_logged_for_as_long_as_that_is_wanted() {
    let scene = Scene::start("");
    let count = || scene.process.log().count("query client=");
    // The third keeps the log of the second, and the last begins another.
    for (text, is_logged) in [
        ("nsid = \"one\"", false),
        ("query-log = 1", true),
        ("query-log = 1\nnsid = \"one\"", true),
        ("query-log = 0", false),
        ("query-log = 1", true),
    ] {
        scene.configure(text);
        scene.reload();
        let before = count();
        scene.sees("A web.services.internal", &["ANSWER: 4"]);
        assert!(
            if is_logged { eventually(|| count() > before) } else { count() == before },
            "{text}"
        );
    }
}

#[test]
fn keys_that_need_a_restart_are_named_with_what_is_used() {
    let scene = Scene::start("workers = 1\nhttp = \"127.0.0.1:0\"");
    scene.configure(
        "workers = 2\nstate = \"kept\"\nrun-as = \"nobody\"\nuser = \"u\"\npassword-file = \"p\"\n\
         listen = [\"127.0.0.1:1\"]\nnsid = \"one\"",
    );
    scene.reload();
    let (_, line) = scene.process.logs("takes effect after a restart");
    for part in ["`workers` (1)", "`state` (none)", "`run-as` (none)", "`user` (none)"] {
        assert!(line.contains(part), "{line}");
    }
    // The flag says where, whatever the file says.
    assert!(!line.contains("`listen`") && !line.contains("`http`"), "{line}");
    scene.sees("+nsid A web.services.internal", &["(\"one\")", "ANSWER: 4"]);
    assert!(!scene.directory.path().join("kept").exists());
}

#[test]
fn questions_that_wait_for_others_are_answered_by_those_who_were_asked() {
    let slow = Wayward::start(|query| {
        std::thread::sleep(Duration::from_millis(900));
        vec![address(query)]
    });
    let other = Wayward::start(|query| vec![blank(query, 3)]);
    let forward = |at| format!("forward = [\"{at}\"]");
    for next in [forward(other.at), String::new()] {
        let scene = Scene::start(&forward(slow.at));
        let (at, before) = (scene.at, slow.asked());
        let asking = std::thread::spawn(move || dig(at, "+tries=1 +timeout=5 A www.others.test"));
        assert!(eventually(|| slow.asked() > before));
        scene.configure(&next);
        scene.reload();
        let code = if next.is_empty() { "REFUSED" } else { "NXDOMAIN" };
        scene.sees("A www.others.test", &[code]);
        let waited = asking.join().unwrap();
        assert!(waited.contains("192.0.2.77"), "{waited}");
        // And back again: others are asked by a thread that begins once more, if need be.
        scene.configure(&forward(slow.at));
        scene.reload();
        scene.sees("A www.others.test", &["192.0.2.77"]);
    }
}

#[test]
fn limits_of_an_outage_are_used_while_it_lasts() {
    let mut scene = Scene::start("hold-collapse = \"1h\"");
    scene.registry.kill9();
    scene.sees("A web.services.internal", &["NOERROR", "EDE: 3"]);
    scene.configure("max-stale = \"1s\"");
    scene.reload();
    scene.sees("A web.services.internal", &["SERVFAIL", "EDE: 14"]);
    scene.configure("");
    scene.reload();
    scene.sees("A web.services.internal", &["NOERROR", "EDE: 3"]);
}

#[test]
fn a_collapse_is_held_as_long_as_is_said_now() {
    let scene = Scene::start("hold-collapse = \"0s\"");
    let writer = Writer::new(&scene.registry.url());
    let put = |name: &str| writer.put_all(&instances(name, 300));
    let seen = |name: &str| scene.dig(&format!("+tcp A {name}.services.internal"));
    let remove =
        |name: &str| scene.registry.etcdctl(&["del", "--prefix", &format!("/services/{name}/")]);
    put("one");
    assert!(eventually(|| seen("one").contains("ANSWER: 300")));
    remove("one");
    assert!(eventually(|| seen("one").contains("NXDOMAIN")));
    scene.configure("hold-collapse = \"1h\"");
    scene.reload();
    put("two");
    assert!(eventually(|| seen("two").contains("ANSWER: 300")));
    // Instances that just came are no collapse when they go: the window must pass first.
    std::thread::sleep(Duration::from_secs(11));
    remove("two");
    scene.process.logs("mass removal: ");
    assert!(seen("two").contains("ANSWER: 300"));
    // And lets go of what it holds when that is said.
    scene.configure("hold-collapse = \"0s\"");
    scene.reload();
    assert!(eventually(|| seen("two").contains("NXDOMAIN")));
    scene.process.logs("ended by a reload; publishing it now");
}
