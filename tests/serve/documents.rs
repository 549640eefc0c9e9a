//! Documents that cannot be used harm themselves alone, and are named.

use hickory_proto::op::ResponseCode;

use super::process;
use super::server::ask;
use super::writer::Writer;
use crate::support::eventually;
use crate::support::registry::Registry;

/// Keys and values that cannot be used, each with how the log spells the key and what it
/// says of it.
fn bad_pairs() -> Vec<(Vec<u8>, Vec<u8>, &'static str, &'static str)> {
    let name = format!("/services/{}/1", "n".repeat(64));
    let id = format!("/services/web/{}", "i".repeat(1025));
    let shown = |text: &str| -> &'static str { text.to_owned().leak() };
    let good = b"10.0.0.1:80".to_vec();
    vec![
        (
            b"/services/web/json".into(),
            b"{\"port\":".into(),
            "/services/web/json",
            "is not JSON: EOF",
        ),
        (
            b"/services/web/text".into(),
            b"nothing of use!".into(),
            "/services/web/text",
            "the value is neither a JSON object with",
        ),
        (
            b"/services/web/x".into(),
            br#"{"hostname":"10.0.0.1","port":"x"}"#.into(),
            "/services/web/x",
            r#"member `port` is "x"; it must be a number from 1 to 65535"#,
        ),
        (
            b"/services/web/70000".into(),
            br#"{"hostname":"10.0.0.1","port":70000}"#.into(),
            "/services/web/70000",
            "member `port` is 70000; it must be a number from 1 to 65535",
        ),
        (
            b"/services/web/mib".into(),
            vec![b'a'; 1 << 20],
            "/services/web/mib",
            "the value has 1048576 octets, at most 65536 are read",
        ),
        (
            b"/services/web/utf8".into(),
            b"10.0.0.1\xff".into(),
            "/services/web/utf8",
            "the value is not UTF-8 (octet 8)",
        ),
        (
            b"/services/web/none".into(),
            b"0.0.0.0:80".into(),
            "/services/web/none",
            "host `0.0.0.0` is the unspecified address",
        ),
        (
            b"/services/\xfe\xff/1".into(),
            good.clone(),
            r"/services/\xfe\xff/1",
            "the key is not UTF-8",
        ),
        (name.clone().into(), good.clone(), shown(&name), "the name has 64 octets, at most 62"),
        (
            id.clone().into(),
            good,
            shown(&format!("{}…", &id[..200])),
            "the id has 1025 octets, at most 1024",
        ),
    ]
}

/// Puts bad keys and values beside good ones, before the server starts or while it runs:
/// one line each, and everything else is served.
fn bad_ones_are_named(registry: &Registry, before: bool) {
    let writer = Writer::new(&registry.url());
    let put_all = || {
        for (key, value, ..) in bad_pairs() {
            writer.put(key, value);
        }
        writer.put("/services/web/too/deep", "10.0.0.1:80");
        writer.put("/services/shallow", "10.0.0.1:80");
    };
    writer.put("/services/web/good", "10.0.0.1:80");
    if before {
        put_all();
    }
    let (process, at) = process::serve(&registry.url(), &[]);
    assert!(eventually(|| ask(at, "A web.services.internal").answers == ["10.0.0.1"]));
    if !before {
        put_all();
    }
    writer.put("/services/last/1", "10.0.0.2:80");
    assert!(eventually(|| ask(at, "A last.services.internal").answers == ["10.0.0.2"]));
    for (_, _, key, reason) in bad_pairs() {
        process::wait_for_log(
            &process,
            &["WARN", "registration not served", &format!("key={key}"), reason],
        );
        let lines = process.log().all();
        let of_key: Vec<_> =
            lines.iter().filter(|line| line.ends_with(&format!("key={key}"))).collect();
        assert_eq!(of_key.len(), 1, "{of_key:#?}");
    }
    assert_eq!(ask(at, "A web.services.internal").answers, ["10.0.0.1"]);
    // Keys of other depths are somebody else's: they are counted by segment, not named.
    let named = |line: &String| {
        line.contains("not served") && line.contains("shallow") || line.contains("too/deep")
    };
    assert!(!process.log().all().iter().any(named), "{:#?}", process.log().all());
    if before {
        process::wait_for_log(
            &process,
            &["the registry was listed", "problems=10 ", "strays=2 (shallow: 1, web: 1)"],
        );
    }

    writer.put("/services/web/x", r#"{"hostname":"10.0.0.9","port":"99"}"#);
    let repaired =
        ["0 1 80 10-0-0-1.web.services.internal.", "0 1 99 10-0-0-9.web.services.internal."];
    assert!(eventually(|| ask(at, "SRV _web._tcp").answers == repaired));
    writer.put("/services/web/good", "broken now");
    assert!(eventually(|| ask(at, "A web.services.internal").answers == ["10.0.0.9"]));
    writer.delete("/services/web/x");
    assert!(eventually(|| ask(at, "SRV _web._tcp").code == ResponseCode::NXDomain));
}

#[test]
fn in_the_first_list() {
    bad_ones_are_named(&Registry::real(), true);
}

#[test]
fn in_the_first_list_of_the_embedded_registry() {
    bad_ones_are_named(&Registry::embedded(), true);
}

#[test]
fn as_events() {
    bad_ones_are_named(&Registry::real(), false);
}

#[test]
fn listed_again_they_are_not_named_again() {
    let mut etcd = crate::support::etcd::Etcd::start();
    Writer::new(&etcd.url()).put("/services/web/x", "of no use");
    let (process, at) = process::serve(&etcd.url(), &[]);
    process::wait_for_log(&process, &["registration not served", "key=/services/web/x"]);
    etcd.kill9();
    etcd.restart();
    Writer::new(&etcd.url()).put("/services/web/1", "10.0.0.1:80");
    assert!(eventually(|| ask(at, "A web.services.internal").answers == ["10.0.0.1"]));
    let named = process.log().all().iter().filter(|line| line.contains("/services/web/x")).count();
    assert_eq!(named, 1, "{:#?}", process.log().all());
}
