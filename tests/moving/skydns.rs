//! From SkyDNS, whose data is in etcd's v2 store.

use super::{Asked, ETCD_V2, ask_all, block, configure, placed, put_v2, run, serve, v2_at};
use crate::support::dig_shows;
use crate::support::etcd::Etcd;

/// The guide.
const GUIDE: &str = "From SkyDNS";

/// What is in the v2 store: what the guide of SkyDNS puts there, and its own settings.
const KEPT: [(&str, &str); 5] = [
    (
        "/skydns/local/skydns/east/production/rails/1",
        r#"value={"host":"service1.example.com","port":8080}"#,
    ),
    (
        "/skydns/local/skydns/east/staging/rails/4",
        r#"value={"host":"10.0.1.125","port":8083,"text":"say \"hello\""}"#,
    ),
    ("/skydns/local/skydns/west/production/rails/2", r#"value={"host":"10.0.1.126","port":80}"#),
    ("/skydns/local/skydns/_tcp/_http/a", r#"value={"host":"10.0.0.9","port":80}"#),
    ("/skydns/local/skydns/dns/ns/ns1", r#"value={"host":"172.16.0.1"}"#),
];

/// What SkyDNS answers.
const ASKED: [Asked; 9] = [
    (
        "+noall +answer SRV 1.rails.production.east.skydns.local",
        &["1.rails.production.east.skydns.local. 3600 IN SRV 10 100 8080 service1.example.com."],
    ),
    (
        "+short SRV east.skydns.local",
        &["10 50 8080 service1.example.com.", "10 50 8083 4.rails.staging.east.skydns.local."],
    ),
    ("+short SRV rails.*.west.skydns.local", &["10 100 80 2.rails.production.west.skydns.local."]),
    ("+short SRV any.any.west.skydns.local", &["10 100 80 2.rails.production.west.skydns.local."]),
    (
        "+noall +answer A staging.east.skydns.local",
        &["staging.east.skydns.local. 3600 IN A 10.0.1.125"],
    ),
    ("+short TXT 4.rails.staging.east.skydns.local", &[r#""say \"hello\"""#]),
    ("+short SRV _http._tcp.skydns.local", &["10 100 80 a._http._tcp.skydns.local."]),
    ("+short NS skydns.local", &["ns1.ns.dns.skydns.local."]),
    (
        "+noall +authority A none.skydns.local +nottl",
        &["skydns.local. IN SOA ns.dns.skydns.local. hostmaster.skydns.local."],
    ),
];

#[test]
fn what_skydns_kept_in_v2_is_copied_and_answered() {
    let directory = tempfile::tempdir().unwrap();
    let (old, new) = (Etcd::start_with(&["--enable-v2"]), Etcd::start());
    let old_at = old.addr().to_string();
    for (key, value) in KEPT {
        put_v2(&old_at, key, &[value]);
    }
    let settings = format!("value={}", block(GUIDE, "json").trim());
    put_v2(&old_at, "/skydns/config", &[&settings]);
    let live = ["value={\"host\":\"10.0.0.5\"}", "ttl=600"];
    put_v2(&old_at, "/skydns/local/skydns/live/1", &live);
    let url = new.url();
    let places = [("10.0.0.9:4001", &*old_at), ("http://10.0.0.1:2379", &*url)];
    run(directory.path(), &placed(block(GUIDE, "sh"), &places));
    let places = [("http://10.0.0.1:2379", &*url), (ETCD_V2, "etcd-v2 = \"127.0.0.1:0\"")];
    configure(directory.path(), GUIDE, &places);
    let (process, at) = serve(directory.path());
    let (asked, negative) = ASKED.split_at(ASKED.len() - 1);
    ask_all(at, asked);
    let (question, soa) = negative[0];
    let said = crate::support::dig(at, question).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.starts_with(soa[0]) && said.ends_with(" 60"), "{said}");
    // Its program has not written it since.
    dig_shows(at, "+short A 1.live.skydns.local", &[]);
    put_v2(&v2_at(&process), "/skydns/local/skydns/live/1", &live);
    let is_live = ["1.live.skydns.local. 30 IN A 10.0.0.5"];
    dig_shows(at, "+noall +answer A 1.live.skydns.local", &is_live);
}

/// What stands in SkyDNS's settings stands in the configuration.
#[test]
fn both_configurations_of_skydns_say_the_same() {
    let settings: serde_json::Value = serde_json::from_str(block(GUIDE, "json")).unwrap();
    let toml: toml::Table = block(GUIDE, "toml").parse().unwrap();
    let zone = &toml["zone"][0];
    assert_eq!(settings["domain"].as_str(), zone["name"].as_str());
    assert_eq!(settings["nameservers"][0].as_str(), toml["forward"][0].as_str());
    assert_eq!(settings["dns_addr"].as_str(), toml["listen"][0].as_str());
    assert_eq!((settings["ttl"].as_u64(), zone["ttl"].as_str()), (Some(3600), Some("1h")));
    let negative = (settings["min_ttl"].as_u64(), zone["negative-ttl"].as_str());
    assert_eq!(negative, (Some(60), Some("60s")));
}
