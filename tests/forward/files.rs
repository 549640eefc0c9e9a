//! The binary, its configuration, and resolv.conf files that change.

use std::net::UdpSocket;
use std::time::Duration;

use super::upstream::{Nsd, Wayward, address, answers, blank, first_label};
use crate::support::etcd::page;
use crate::support::srvd::{Srvd, plain};
use crate::support::{dig, eventually};
use crate::wire::messages::wire_name;

/// A registry that is not there: other names do not need it.
const NO_REGISTRY: &str = "http://127.0.0.1:1";

/// Starts the binary with a configuration file.
fn start(text: &str, directory: &std::path::Path) -> Srvd {
    let path = directory.join("srvd.toml");
    std::fs::write(&path, format!("registry = {NO_REGISTRY:?}\n{text}")).unwrap();
    Srvd::spawn(&mut plain(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--config",
        path.to_str().unwrap(),
    ]))
}

#[test]
fn an_alias_that_leads_to_others_is_followed() {
    let (nsd, directory) = (Nsd::start(), tempfile::tempdir().unwrap());
    let zones = directory.path().join("zones");
    std::fs::create_dir(&zones).unwrap();
    let zone = "$TTL 9\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\nout CNAME in\nin CNAME \
                one.others.test.\ngone CNAME nothing.others.test.\n";
    std::fs::write(zones.join("own.test.zone"), zone).unwrap();
    let text = format!("zones = \"zones\"\nforward = [\"{}\"]", nsd.at);
    let srvd = start(&text, directory.path());
    let at = srvd.answers_at();
    let see = |query: &str, texts: &[&str]| {
        let output = dig(at, query);
        texts.iter().for_each(|text| assert!(output.contains(text), "{query}: {text}\n{output}"));
    };
    see("A www.others.test", &["NOERROR", "ANSWER: 2"]);
    for transport in ["+notcp", "+tcp"] {
        see(
            &format!("{transport} A out.own.test"),
            &[
                "NOERROR",
                "flags: qr aa rd ra;",
                "ANSWER: 6",
                "CNAME\tin.",
                "CNAME\tone.",
                "CNAME\ttwo.",
            ],
        );
        let query = format!("{transport} A gone.own.test");
        see(&query, &["NXDOMAIN", "ANSWER: 1, AUTHORITY: 1", "SOA\tns.others.test."]);
        let query = format!("{transport} +norec A out.own.test");
        see(&query, &["NOERROR", "flags: qr aa;", "ANSWER: 2"]);
    }
    let (_, line) = srvd.prints("answering HTTP on ");
    let http = line.strip_prefix("answering HTTP on ").unwrap().parse().unwrap();
    let figures = page(http, "/metrics").unwrap();
    let used = format!("srvd_forward_upstream_used{{upstream=\"{}\"}} 1", nsd.at);
    for line in ["srvd_forward_asked_total 3", "srvd_forward_cached_total 2", &used] {
        assert!(figures.contains(line), "{line}\n{figures}");
    }
}

#[test]
fn aliases_that_lead_to_and_fro_are_followed_and_circles_end() {
    let upstream = Wayward::start(|query| {
        let label = first_label(query);
        let name = format!("{label}.others.test");
        let alias = |target| vec![answers(query, &[(name.as_str(), 5, 60, wire_name(target))])];
        match label.as_str() {
            "to" => alias("fro.own.test"),
            "circle" => alias("circle.own.test"),
            _ => vec![address(query)],
        }
    });
    let directory = tempfile::tempdir().unwrap();
    let zones = directory.path().join("zones");
    std::fs::create_dir(&zones).unwrap();
    let zone = "$TTL 9\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\nstart CNAME \
                to.others.test.\nfro CNAME end.others.test.\ncircle CNAME circle.others.test.\n";
    std::fs::write(zones.join("own.test.zone"), zone).unwrap();
    let srvd =
        start(&format!("zones = \"zones\"\nforward = [\"{}\"]", upstream.at), directory.path());
    let at = srvd.answers_at();
    for transport in ["+notcp", "+tcp"] {
        for (name, texts) in [
            ("to.others.test", &["NOERROR", "qr rd ra;", "ANSWER: 3", "192.0.2.77"][..]),
            ("start.own.test", &["NOERROR", "qr aa rd ra;", "ANSWER: 4", "192.0.2.77"]),
            ("circle.others.test", &["NOERROR", "ANSWER: 2", "AUTHORITY: 0"]),
            ("circle.own.test", &["NOERROR", "ANSWER: 3", "AUTHORITY: 0"]),
        ] {
            let output = dig(at, &format!("{transport} A {name}"));
            texts.iter().for_each(|text| assert!(output.contains(text), "{text}\n{output}"));
        }
    }
}

#[test]
fn questions_that_wait_are_answered_before_the_end() {
    let slow = Wayward::start(|query| {
        std::thread::sleep(Duration::from_millis(700));
        vec![address(query)]
    });
    let directory = tempfile::tempdir().unwrap();
    let mut srvd = start(&format!("forward = [\"{}\"]", slow.at), directory.path());
    let at = srvd.answers_at();
    let output = std::thread::spawn(move || dig(at, "A www.others.test"));
    assert!(eventually(|| slow.asked() > 0));
    srvd.signal("TERM");
    assert!(output.join().unwrap().contains("192.0.2.77"));
    assert_eq!(srvd.exits(), 0);
}

#[test]
fn a_file_that_changes_is_followed() {
    // Servers that such a file names are asked at port 53.
    let bound = ["127.77.0.1:53", "127.77.0.2:53"].map(UdpSocket::bind);
    let [Ok(one), Ok(two)] = bound else {
        return eprintln!("left out: port 53 of loopback addresses cannot be bound here");
    };
    let _one = Wayward::start_on(one, |query| vec![address(query)]);
    let _two = Wayward::start_on(two, |query| vec![blank(query, 3)]);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("resolv.conf");
    let srvd = start("forward = [\"./resolv.conf\"]", directory.path());
    let at = srvd.answers_at();
    srvd.logs("resolv.conf: No such file or directory");
    srvd.logs("no usable upstream server");
    let see = |text: &str| eventually(|| dig(at, "A www.others.test").contains(text));
    assert!(see("SERVFAIL") && see("EDE: 22"));
    std::fs::write(&file, "nameserver 127.77.0.1\n").unwrap();
    srvd.logs("forwarding out-of-zone names to 127.77.0.1:53");
    assert!(see("192.0.2.77"));
    std::fs::write(&file, "# nothing\n").unwrap();
    srvd.logs("resolv.conf: it names no nameserver; keeping its earlier servers (1)");
    assert!(see("192.0.2.77"));
    std::fs::write(&file, "nameserver 127.77.0.2\n").unwrap();
    assert!(see("NXDOMAIN"));
    assert_eq!(srvd.log().count("it names no nameserver"), 1);
}

#[test]
fn ourselves_and_nonsense_are_wrong_usage() {
    for (forward, text) in [
        ("127.0.0.1:5399", "--forward: 127.0.0.1:5399 is this server itself"),
        ("one.one", "'--forward <SERVER|FILE>': `one.one` is neither an address nor a file"),
    ] {
        let args = ["serve", "--listen", "0.0.0.0:5399", "--forward", forward];
        let output = plain(&args).output().unwrap();
        let log = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && log.contains(text), "{log}");
    }
}
