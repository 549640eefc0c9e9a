//! Explanations: the answer is the one that is given, and the words are true.

use std::sync::Arc;

use hickory_proto::rr::{DNSClass, RData};
use srvd::authority::{self, Draw, Explanation, Overflow, Question, Room, explain};
use srvd::index::{Index, Publisher, Schema};
use srvd::names::WireName;
use srvd::registry::{Layout, Publish, Table, Update};

use crate::fixture::{Fixture, settings, settings_of_file};

/// Services, aliases, what cannot be used, and a zone file beside them.
fn fixture() -> Fixture {
    let file = "@ SOA ns admin 1 1 1 1 5\n@ NS ns\nns A 192.0.2.1\nweb TXT \"of the file\"\n\
                far CNAME www.example.\nloop CNAME web2\n*.wild A 192.0.2.7\nsub NS ns.sub\n";
    let file = format!("$TTL 60\n{file}");
    let mut fixture = Fixture::unlisted(vec![
        settings_of_file("z.", &file, false),
        settings("empty."),
        settings_of_file(
            "static.",
            "$TTL 60\n@ SOA ns admin 1 1 1 1 5\n@ NS ns\na A 192.0.2.9\n",
            true,
        ),
    ]);
    fixture.list(1);
    fixture.put_all([
        ("web/1", r#"{"host":"10.0.0.1:80","version":"1.0","tags":["blue"],"protocol":"http"}"#),
        ("web/2", r#"{"host":"10.0.0.2:80","version":"2.0","tags":["green"]}"#),
        ("web2/a", r#"{"host":"10.0.0.3:80","text":"hello"}"#),
        ("named/1", r#"{"host":"db.example:5432"}"#),
        ("portless/1", "10.0.0.9"),
        ("broken/1", "nonsense"),
        ("broken/2", "10.0.0.4:80"),
        ("_backends/b", r#"{"resource":"Backend","app":"web2","version":"9"}"#),
        ("_backends/all", r#"{"resource":"Backend","app":"web2"}"#),
        ("_frontends/front", r#"{"resource":"Frontend","backend":"all"}"#),
        ("_frontends/lost", r#"{"resource":"Frontend"}"#),
    ]);
    fixture
}

/// The explanation of a question: `SRV _web._tcp.z`.
fn of(fixture: &Fixture, question: &str) -> Explanation {
    let (kind, name) = question.split_once(' ').unwrap();
    let (name, kind) = authority::asked(name, Some(kind)).unwrap();
    explain(&fixture.index.load(), &name, kind, &mut Draw::new())
}

#[test]
fn the_answer_is_the_one_that_is_given() {
    let fixture = fixture();
    let names = [
        "z",
        "web.z",
        "web2.z",
        "_web2._tcp.z",
        "_web2._udp.z",
        "blue.web2.z",
        "10-0-0-3.web2.z",
        "a.web2.z",
        "a._web2._tcp.z",
        "_services._dns-sd._udp.z",
        "named.z",
        "_named._tcp.z",
        "portless.z",
        "front.z",
        "_front._tcp.z",
        "b.z",
        "lost.z",
        "far.z",
        "loop.z",
        "x.wild.z",
        "a.sub.z",
        "nothing.z",
        "x.nothing.z",
        "_tcp.z",
        "_web2._tcp",
        "_tcp",
        "empty",
        "a.empty",
        "a.static",
        "b.static",
        "example",
        ".",
    ];
    let kinds =
        ["SRV", "A", "AAAA", "TXT", "PTR", "SOA", "NS", "CNAME", "ANY", "TYPE65", "AXFR", "TYPE41"];
    for (name, kind) in names.iter().flat_map(|name| kinds.map(|kind| (name, kind))) {
        let explanation = of(&fixture, &format!("{kind} {name}"));
        let room = Room { octets: 65_000, overflow: Overflow::Cut };
        let (name, kind) = authority::asked(name, Some(kind)).unwrap();
        let question = Question { name: &name, kind, class: DNSClass::IN, room };
        let answer = authority::answer(&fixture.index.load(), &question, &mut Draw::new());
        let told = format!("{name} {kind}: {explanation}");
        assert_eq!((explanation.code, explanation.reason), (answer.code, answer.reason), "{told}");
        let given = [answer.answers, answer.authority.into_iter().collect(), answer.additional];
        let given = given.map(|sets| {
            let all = sets.iter().flat_map(|set| {
                set.data.iter().map(|data| {
                    let (owner, data) = (set.owner.to_ascii(), written(data));
                    format!("{owner} {} IN {} {data}", set.ttl, set.kind)
                })
            });
            sorted(all.collect())
        });
        assert_eq!(
            explanation.sections.each_ref().map(|it| sorted(it.records.clone())),
            given,
            "{told}"
        );
        let has_answer = !given[0].is_empty();
        let is_referral = !has_answer && given[1].iter().any(|it| it.contains(" NS "));
        assert_eq!(explanation.why.is_none(), has_answer || is_referral, "{told}");
        assert!(!explanation.rule.is_empty());
    }
}

/// A record's data, strings in quotes.
fn written(data: &RData) -> String {
    let RData::TXT(text) = data else { return data.to_string() };
    let strings = text.txt_data.iter().map(|it| format!("{:?}", str::from_utf8(it).unwrap()));
    strings.collect::<Vec<_>>().join(" ")
}

/// Lines in an order of their own.
fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort_unstable();
    lines
}

#[test]
fn keys_are_those_that_the_answer_is_made_of() {
    let fixture = fixture();
    for (question, keys) in [
        ("SRV _web2._tcp.z", &["/services/web2/a"][..]),
        ("A front.z", &["/services/web2/a"]),
        ("SRV _web._tcp.z", &["/services/web/1", "/services/web/2"]),
        ("SRV green.web.z", &["/services/web/2"]),
        ("SRV _http._tcp.web.z", &["/services/web/1"]),
        ("A 10-0-0-2.web.z", &["/services/web/2"]),
        ("TXT web2.z", &["/services/web2/a"]),
        ("PTR _web2._tcp.z", &["/services/web2/a"]),
        ("AAAA web2.z", &[]),
        ("A ns.z", &[]),
        ("A nothing.z", &[]),
    ] {
        assert_eq!(of(&fixture, question).keys, keys, "{question}");
    }
}

#[test]
fn rules_are_said_in_words() {
    let fixture = fixture();
    for (question, part) in [
        ("SRV _web2._tcp.z", "_S._P.Z: instances of `web2` with a tcp port"),
        ("SRV _web2._tcp", "a bare name, answered from the first zone with services: _S._P.Z"),
        ("A web2.z", "S.Z: instances of `web2`"),
        ("SRV _http._tcp.web.z", "_N._P.S.Z: instances of `web` whose tcp port is named `http`"),
        ("SRV blue.web.z", "T.S.Z: instances of `web` with the tag or version `blue`"),
        ("SRV 1.web.z", "I.S.Z: instances of `web` with the id `1`"),
        ("A 10-0-0-1.web.z", "ADDR.S.Z: instances of `web` at 10.0.0.1"),
        (
            "A front.z",
            "the Frontend `front`, which leads to the Backend `all`, the Backend `all`, which is all of `web2`",
        ),
        ("SOA z", "the apex of the zone"),
        ("A x.wild.z", "the zone file's wildcard *.wild.z. stands for this name"),
        ("A a.sub.z", "the zone file leaves all from sub.z. on to other servers"),
        ("TXT web.z", "records of the zone file at this name"),
        ("A example", "the name is below the apex of no zone"),
        ("PTR _services._dns-sd._udp.z", "the kinds of services there are"),
    ] {
        let rule = of(&fixture, question).rule;
        assert!(rule.contains(part), "{question}: {rule}");
    }
}

#[test]
fn nothing_has_a_reason() {
    let fixture = fixture();
    for (question, part) in [
        ("AAAA web2.z", "the name exists; it has A, SRV, TXT, but no AAAA"),
        ("A named.z", "it has SRV, but no A: its instances are registered by host name"),
        ("SRV portless.z", "it has A, but no SRV: none of its instances has a port"),
        ("TXT named.z", "no TXT: none of its instances has a text"),
        ("A _tcp.z", "only because names below it do"),
        ("A wbe2.z", "no instance of `wbe2` is registered; the nearest name is web2.z"),
        ("SRV _wbe2._tcp.z", "the nearest name is web2.z"),
        ("A entirely-other.z", "no instance of `entirely-other` is registered"),
        (
            "SRV red.web.z",
            "`web` has 2 registered, none with the id, address, tag or version `red` (tags and versions: 1.0, 2.0, blue, green; ids: 1, 2)",
        ),
        ("SRV _web2._udp.z", "`web2` has 1 registered, none with a udp port"),
        ("SRV _grpc._tcp.web.z", "none with the port name `_grpc` (http)"),
        (
            "A b.z",
            "the Backend `b`, which is version `9` of `web2`: `web2` has 1 registered, none of the version `9` (versions: none)",
        ),
        ("A lost.z", "the Frontend `lost`, which leads to no Backend yet: it names no backend yet"),
        ("A web2", "no zone of ours ends the name (zones: z, empty, static); there is web2.z"),
        ("A example", "no zone of ours ends the name (zones: z, empty, static)"),
        ("A a.empty", "the registry has not been listed yet"),
        ("A x.a.static", "the closest name above it that exists is a.static"),
        ("AXFR z", "zones are not handed out"),
        ("TYPE41 z", "is no type to ask for"),
    ] {
        let why = of(&fixture, question).why.unwrap_or_default();
        assert!(why.contains(part), "{question}: {why}");
    }
}

#[test]
fn what_else_is_to_be_known_is_noted() {
    let mut fixture = fixture();
    let notes = |fixture: &Fixture, question: &str| of(fixture, question).notes.join("\n");
    let unusable = notes(&fixture, "SRV _broken._tcp.z");
    assert!(unusable.contains("a document is not served: /services/broken/1: "), "{unusable}");
    assert!(notes(&fixture, "TXT web.z").contains("the zone file hides it"));
    assert_eq!(notes(&fixture, "A web2.z"), "");
    fixture.set_stale(true);
    assert!(notes(&fixture, "A web2.z").contains("the registry last confirmed what is held"));
    fixture.set_expired(true);
    assert!(of(&fixture, "A web2.z").why.unwrap().contains("max-stale"));
}

#[test]
fn long_answers_are_shown_in_part() {
    let mut fixture = Fixture::new("z.");
    let key = |n: usize| format!("web/{n}");
    fixture.put_all((0..300).map(|n| (key(n), format!("10.0.{}.{}:80", n / 250, n % 250 + 1))));
    let explanation = of(&fixture, "SRV _web._tcp.z");
    assert_eq!((explanation.keys.len(), explanation.more_keys), (100, 200));
    assert_eq!(explanation.sections.each_ref().map(|it| it.records.len()), [100, 0, 100]);
    assert_eq!(explanation.sections[0].more, 200);
    let text = explanation.to_string();
    assert!(text.contains("answer:\n") && text.contains("  and 200 more\n"), "{text}");
    assert_eq!(explanation.to_json()["more_documents"], 200);
}

#[test]
fn a_name_of_skydns_is_explained_by_its_entries() {
    let apex = WireName::from_text("sky").unwrap();
    let settings = settings("sky.").of_schema(Schema::SkyDns);
    let index = Arc::new(Index::new(vec![Arc::new(settings)], true));
    let mut table = Table::new(Layout::of_labels("/skydns", &apex).unwrap());
    let mut update = Update { revision: 1, ..Update::default() };
    table.put(b"/skydns/sky/web/1", br#"{"host":"10.0.0.1","port":80}"#, &mut update);
    Publisher::new(Arc::clone(&index), 0).publish(update);
    let of = |name: &str| {
        let (name, kind) = authority::asked(name, Some("SRV")).unwrap();
        explain(&index.load(), &name, kind, &mut Draw::new())
    };
    let explanation = of("web.sky");
    assert!(explanation.rule.starts_with("SkyDNS: the entries at this name"), "{explanation}");
    assert_eq!(explanation.keys, ["/skydns/sky/web/1"]);
    assert_eq!(of("x.y.sky").why.unwrap(), "the closest name above it that exists is sky");
}
