//! Zones that have upstreams of their own, beside those for all other names.

use hickory_proto::rr::Name;
use srvd::forward::{ForwardZone, Rules, Source};
use srvd::wire::Policy;

use super::Forwarding;
use super::upstream::{Nsd, Wayward, address, answers, blank, first_label};
use crate::support::srvd::{Srvd, plain};
use crate::support::{dig, eventually, free_addr};
use crate::wire::example;
use crate::wire::messages::{A, wire_name};

/// The type of aliases.
const CNAME: u16 = 5;
/// A registry that is not there.
const NOWHERE: &str = "http://127.0.0.1:1?timeout=1s";

#[tokio::test(flavor = "multi_thread")]
async fn a_zone_is_asked_of_its_own_servers_and_nobody_else_is() {
    let (nsd, general) = (Nsd::start(), Wayward::start(|query| vec![address(query)]));
    let zones: &[(&str, &[_])] = &[(".", &[general.at]), ("Others.test.", &[nsd.at])];
    let forwarding = Forwarding::of_zones(Rules::default(), zones);
    for transport in ["+notcp", "+tcp"] {
        forwarding
            .see(&format!("{transport} A www.others.test"), &["192.0.2.1", "192.0.2.2"])
            .await;
        forwarding.see(&format!("{transport} A lost.OTHERS.test"), &["NXDOMAIN", "SOA"]).await;
    }
    assert_eq!(general.asked(), 0);
    forwarding.see("A www.test", &["192.0.2.77"]).await;
    forwarding.see("A www.anothers.test", &["192.0.2.77"]).await;
    forwarding.see("A web.services.internal", &["NOERROR", "flags: qr aa", "10.0.0.1"]).await;
    assert_eq!(general.asked(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_zones_servers_say_nothing_others_are_not_asked() {
    let general = Wayward::start(|query| vec![address(query)]);
    let zones: &[(&str, &[_])] = &[("corp.test.", &[free_addr()]), (".", &[general.at])];
    let forwarding = Forwarding::of_zones(Rules::default(), zones);
    forwarding.see("+timeout=8 A www.corp.test", &["SERVFAIL", "EDE: 22"]).await;
    assert_eq!(general.asked(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_have_no_servers_are_refused() {
    let corp = Wayward::start(|query| vec![address(query)]);
    let zones: &[(&str, &[_])] = &[("corp.test.", &[corp.at]), ("10.in-addr.arpa.", &[corp.at])];
    let forwarding = Forwarding::of_zones(Rules::default(), zones);
    forwarding.see("A www.corp.test", &["NOERROR", "flags: qr rd ra;", "192.0.2.77"]).await;
    forwarding.see("-x 10.1.2.3", &["NOERROR"]).await;
    for query in ["A www.example", "+tcp A test", "-x 192.0.2.1"] {
        let output = forwarding.see(query, &["REFUSED", "flags: qr rd;"]).await;
        assert!(!output.contains(" ra;"), "{output}");
    }
    assert_eq!(corp.asked(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_zone_nobody_is_believed_but_its_own_servers() {
    let general = Wayward::start(|query| {
        let alias = ("www.test", CNAME, 60, wire_name("inner.corp.test"));
        vec![answers(query, &[alias, ("inner.corp.test", A, 60, vec![6, 6, 6, 6])])]
    });
    let corp = Wayward::start(|query| match first_label(query).as_str() {
        "inner" => vec![address(query)],
        _ => vec![blank(query, 3)],
    });
    let zones: &[(&str, &[_])] = &[(".", &[general.at]), ("corp.test.", &[corp.at])];
    let forwarding = Forwarding::of_zones(Rules::default(), zones);
    for _ in 0..2 {
        let texts = ["NOERROR", "ANSWER: 2", "CNAME\tinner.corp.test.", "192.0.2.77"];
        let output = forwarding.see("A www.test", &texts).await;
        assert!(!output.contains("6.6.6.6"), "{output}");
    }
    assert_eq!((general.asked(), corp.asked()), (1, 1));
    forwarding.see("CNAME www.test", &["ANSWER: 1", "CNAME\tinner"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn private_addresses_of_a_networks_own_zone_stay() {
    let say = |query: &[u8]| {
        let owner = format!("{}.corp.test", first_label(query));
        vec![answers(query, &[(&owner, A, 60, vec![10, 0, 0, 9])])]
    };
    let corp = Wayward::start(say);
    let rules = Rules { keeps_private: false, ..Rules::default() };
    let own = Forwarding::of_zones(rules.clone(), &[("corp.test.", &[corp.at])]);
    own.see("A www.corp.test", &["10.0.0.9"]).await;
    let strangers = Forwarding::of_zones(rules, &[(".", &[corp.at])]);
    strangers.see("A www.corp.test", &["ANSWER: 0", "EDE: 15"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_a_zone_of_ours_has_not_are_asked_for_where_that_is_wanted() {
    let say = |query: &[u8]| {
        let alias = |owner: &'static str, target| (owner, CNAME, 60, wire_name(target));
        vec![match first_label(query).as_str() {
            "none" => blank(query, 3),
            "home" => {
                let target = "web.services.internal";
                let forged = (target, A, 60, vec![6, 6, 6, 6]);
                answers(query, &[alias("home.services.internal", target), forged])
            }
            "chain" => {
                let target = "theirs.services.internal";
                let address = (target, A, 60, vec![192, 0, 2, 5]);
                answers(query, &[alias("chain.services.internal", target), address])
            }
            _ => address(query),
        }]
    };
    let theirs = Wayward::start(say);
    let zone = ForwardZone {
        name: Name::from_ascii("services.internal.").unwrap(),
        upstreams: vec![Source::Address(theirs.at)],
        falls_through: true,
    };
    let place = (&example(), "127.0.0.1:0");
    let forwarding =
        Forwarding::start_zones(place, vec![zone], Rules::default(), Policy::default());
    for transport in ["+notcp", "+tcp"] {
        let see = async |query: &str, texts: &[&str]| {
            forwarding.see(&format!("{transport} {query}"), texts).await
        };
        see("A web.services.internal", &["NOERROR", "flags: qr aa", "10.0.0.1"]).await;
        see("MX web.services.internal", &["NOERROR", "flags: qr aa", "ANSWER: 0"]).await;
        see("+norecurse A x.services.internal", &["NXDOMAIN", "flags: qr aa"]).await;
        see("A www.example", &["REFUSED"]).await;
    }
    assert_eq!(theirs.asked(), 0);
    for transport in ["+notcp", "+tcp"] {
        let see = async |query: &str, texts: &[&str]| {
            forwarding.see(&format!("{transport} {query}"), texts).await
        };
        see("A x.services.internal", &["NOERROR", "flags: qr rd ra;", "192.0.2.77"]).await;
        see("A none.services.internal", &["NXDOMAIN", "flags: qr rd ra;"]).await;
        see("A chain.services.internal", &["NOERROR", "ANSWER: 2", "192.0.2.5"]).await;
        let home = see("A home.services.internal", &["NOERROR", "10.0.0.1"]).await;
        assert!(!home.contains("6.6.6.6"), "{home}");
    }
}

/// A file whose `corp.test` is asked of a server.
fn configuration(corp: &Wayward) -> String {
    format!(
        "registry = \"{NOWHERE}\"\nlisten = [\"127.0.0.1:0\"]\n[[forward]]\nzone = \"corp.test\"\n\
         to = [\"{}\"]\n",
        corp.at
    )
}

#[test]
fn a_reload_has_other_servers_asked_and_every_surface_names_them() {
    let said = |last: u8| {
        Wayward::start(move |query| {
            let mut reply = address(query);
            *reply.last_mut().unwrap() = last;
            vec![reply]
        })
    };
    let (first, second) = (said(1), said(2));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("srvd.toml");
    std::fs::write(&path, configuration(&first)).unwrap();
    let file = path.to_str().unwrap();
    let server = Srvd::spawn(&mut plain(&["serve", "--config", file, "--watch-files", "false"]));
    let at = server.answers_at();
    server.logs(&format!("forwarding names of corp.test to {}", first.at));
    assert!(dig(at, "A www.corp.test").contains("192.0.2.1"));
    assert!(dig(at, "A www.other.test").contains("REFUSED"));
    let general = format!("[[forward]]\nto = [\"{}\"]\n", first.at);
    std::fs::write(&path, configuration(&second) + &general).unwrap();
    server.signal("HUP");
    let moved = || dig(at, "A www.corp.test").contains("192.0.2.2");
    assert!(eventually(moved), "{:?}", server.log().all());
    assert!(dig(at, "A www.other.test").contains("192.0.2.1"));
    let (_, http) = server.prints("answering HTTP on ");
    let http = http.trim_start_matches("answering HTTP on ").to_owned();
    let status = crate::support::etcd::page(http.parse().unwrap(), "/v1/status").unwrap();
    for text in ["\"zone\":\"corp.test\"", "\"zone\":\".\""] {
        assert!(status.contains(text), "{status}");
    }
    let path = "/v1/explain?name=www.corp.test";
    let explained = crate::support::etcd::page(http.parse().unwrap(), path).unwrap();
    let note = format!("forwarded to {}, as all of corp.test", second.at);
    assert!(explained.contains(&note), "{explained}");
    let explained = plain(&["explain", "--config", file, "www.corp.test"]).output().unwrap();
    assert!(String::from_utf8_lossy(&explained.stdout).contains(&note), "{explained:?}");
}

#[test]
fn faults_of_the_table_are_told_where_they_stand() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("srvd.toml");
    let check = |text: &str| {
        std::fs::write(&path, text).unwrap();
        let file = path.to_str().unwrap();
        let output = plain(&["check", "--offline", "--config", file]).output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    for (text, told) in [
        ("[[forward]]\nzone = \"corp.test\"\nto = []", ":1: [[forward]]: `to` names nobody"),
        ("[[forward]]\nzone = \"a..b\"\nto = [\"1.1.1.1\"]", "`a..b` is no zone name"),
        ("[[forward]]\nzones = \"a\"\nto = [\"1.1.1.1\"]", "unknown key `zones`; is it `zone`?"),
        ("[[forward]]\nzone = \"corp.test\"\nto = [\"one\"]", "`one` is neither an address"),
        ("[forward]\nto = [\"1.1.1.1\"]", "write [[forward]]"),
        (
            "[[forward]]\nzone = \"corp.test\"\nto = [\"127.0.0.1:5300\"]",
            "corp.test: 127.0.0.1:5300 is this server itself",
        ),
        (
            "[[forward]]\nzone = \"a.services.internal\"\nto = [\"192.0.2.1\"]",
            "forward a.services.internal: its names are in the zone services.internal of this",
        ),
    ] {
        let output = check(text);
        assert!(output.contains(told), "{text}: {output}");
    }
}
