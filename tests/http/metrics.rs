//! Metrics: all of them are in the table of docs/metrics.md, of sound form in both formats, and
//! they are what was done.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{get, serve};
use crate::support::etcd::Etcd;
use crate::support::eventually;
use crate::support::srvd::{Srvd, address_in};
use crate::wire::messages::{A, Query, SRV};

/// TXT (RFC 1035 section 3.3.14).
const TXT: u16 = 16;
/// A type without a mnemonic that is counted by name.
const RARE: u16 = 65_000;
/// What asks for OpenMetrics as Prometheus does.
const OPEN_METRICS: &str =
    "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3";

/// A family of figures: its type, and the labels that its samples have.
#[derive(Debug, PartialEq, Eq)]
struct Family {
    kind: String,
    labels: BTreeSet<String>,
}

/// The metrics as a client that accepts a format gets them: head and body.
fn scrape(at: SocketAddr, accept: &str) -> (String, String) {
    let mut stream = TcpStream::connect(at).unwrap();
    let request = format!("GET /metrics HTTP/1.0\r\nAccept: {accept}\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    let (head, body) = page.split_once("\r\n\r\n").unwrap();
    (head.to_ascii_lowercase(), body.to_owned())
}

/// The samples of a text: name and labels as they are written, and the value.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let sample = |line: &str| {
        let (key, value) = line.rsplit_once(' ').unwrap();
        (key.to_owned(), value.parse().unwrap())
    };
    lines.map(sample).collect()
}

/// The families of a text of Prometheus' format, by name.
fn families(text: &str) -> BTreeMap<String, Family> {
    let mut families = BTreeMap::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        let family = Family { kind: kind.to_owned(), labels: BTreeSet::new() };
        assert!(families.insert(name.to_owned(), family).is_none(), "{name} is there twice");
        assert!(text.contains(&format!("# HELP {name} ")), "{name} says nothing");
    }
    for key in samples(text).keys() {
        let (name, labels) = key.split_once('{').unwrap_or((key, ""));
        let is_of = |(family, it): &(&String, &mut Family)| {
            let rest = name.strip_prefix(family.as_str());
            let parts = ["_bucket", "_sum", "_count"];
            rest == Some("") || it.kind == "histogram" && parts.map(Some).contains(&rest)
        };
        let (_, family) = families.iter_mut().find(is_of).unwrap_or_else(|| panic!("{key}"));
        let names = labels.split("\",").filter_map(|pair| pair.split_once("=\""));
        family.labels.extend(names.map(|(name, _)| name.to_owned()).filter(|it| it != "le"));
    }
    families
}

/// The families of the table in docs/metrics.md.
fn documented() -> BTreeMap<String, Family> {
    let page = include_str!("../../docs/metrics.md");
    let (_, table) = page.split_once("\n| metric | type | labels | meaning |\n").unwrap();
    let section = table.split("\n\n").next().unwrap();
    let mut families = BTreeMap::new();
    for row in section.lines().filter_map(|line| line.strip_prefix("| `")) {
        let cells: Vec<_> = row.trim_end_matches('|').split('|').map(str::trim).collect();
        let [name, kind, labels, meaning] = cells[..] else { panic!("a row of four: {row}") };
        let labels = labels.split(", ").map(|it| it.trim_matches('`').to_owned());
        let labels = labels.filter(|it| !it.is_empty()).collect();
        assert!(!meaning.is_empty(), "{row}");
        let family = Family { kind: kind.to_owned(), labels };
        assert!(families.insert(name.trim_end_matches('`').to_owned(), family).is_none());
    }
    families
}

/// `srvd serve` with everything that has figures, its registry filled, listed and asked.
fn everything(etcd: &Etcd) -> (Srvd, SocketAddr, SocketAddr) {
    etcd.etcdctl(&["put", "/services/web/1", "10.0.0.1:80"]);
    etcd.etcdctl(&["put", "/services/web/2", "nonsense"]);
    let more = ["--forward", "192.0.2.53", "--etcd-v2", "127.0.0.1:0"];
    let (process, at) = serve(&etcd.url(), &more);
    let dns = process.answers_at();
    let old = old_address(&process);
    assert!(get(old, "/v2/keys/services").0.contains("200"));
    assert!(eventually(|| get(at, "/readyz").0.contains("200")));
    udp(dns, &Query::new("web.services.internal", A).bytes());
    (process, at, dns)
}

/// Where a server answers etcd's v2 API.
fn old_address(process: &Srvd) -> SocketAddr {
    let line = process.prints("answering etcd's v2 API on ").1;
    line.strip_prefix("answering etcd's v2 API on ").unwrap().parse().unwrap()
}

/// Asks over UDP, and gives the reply.
fn udp(at: SocketAddr, message: &[u8]) -> Vec<u8> {
    let local = if at.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
    let socket = UdpSocket::bind(local).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    socket.send_to(message, at).unwrap();
    let mut reply = [0; 1232];
    let octets = socket.recv(&mut reply).unwrap();
    reply[..octets].to_vec()
}

/// Asks over TCP, several messages at once, and gives the replies.
fn tcp(at: SocketAddr, messages: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let frame = |it: &Vec<u8>| [&(it.len() as u16).to_be_bytes()[..], it].concat();
    stream.write_all(&messages.iter().flat_map(frame).collect::<Vec<_>>()).unwrap();
    let reply = |_| {
        let mut length = [0; 2];
        stream.read_exact(&mut length).unwrap();
        let mut reply = vec![0; u16::from_be_bytes(length).into()];
        stream.read_exact(&mut reply).unwrap();
        reply
    };
    messages.iter().map(reply).collect()
}

#[test]
fn every_family_is_in_the_table_and_every_row_is_served() {
    let etcd = Etcd::start();
    let (_process, at, _) = everything(&etcd);
    let (head, text) = scrape(at, "*/*");
    assert!(head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{head}");
    let (served, mut documented) = (families(&text), documented());
    let missing: Vec<_> = served.keys().filter(|it| !documented.contains_key(*it)).collect();
    assert!(missing.is_empty(), "not in the table of docs/metrics.md: {missing:?}");
    for (name, family) in &mut documented {
        // This server shows no certificate: nothing has the label.
        if name == "srvd_certificate_expiry_timestamp_seconds" {
            family.labels.clear();
        }
        assert_eq!(served.get(name), Some(&*family), "docs/metrics.md's row of {name}");
    }
}

#[test]
fn both_formats_are_sound_and_say_the_same() {
    let etcd = Etcd::start();
    let (_process, at, _) = everything(&etcd);
    let (head, open) = scrape(at, OPEN_METRICS);
    assert!(head.contains("content-type: application/openmetrics-text; version=1.0.0"), "{head}");
    assert!(head.contains("vary: accept") && open.ends_with("# EOF\n"), "{head}");
    let (_, plain) = scrape(at, "text/plain");
    let names = |text: &str| samples(text).into_keys().collect::<Vec<_>>();
    assert_eq!(names(&open), names(&plain));
    for (name, family) in families(&plain) {
        let is_total = name.ends_with("_total");
        assert_eq!(is_total, family.kind == "counter", "{name} is a {}", family.kind);
        let cut = [name.trim_end_matches("_total"), name.trim_end_matches("_info")];
        let has_type = |it: &&str| open.contains(&format!("# TYPE {it} "));
        assert!(cut.iter().any(has_type), "{name}");
    }
    let Ok(mut tool) =
        Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).spawn()
    else {
        return println!("promtool is not installed (Debian: prometheus): its check is left out");
    };
    tool.stdin.take().unwrap().write_all(plain.as_bytes()).unwrap();
    assert!(tool.wait().unwrap().success(), "promtool finds fault with the above:\n{plain}");
}

#[test]
fn histograms_are_cumulative_and_complete() {
    let etcd = Etcd::start();
    let (_process, at, dns) = everything(&etcd);
    tcp(dns, &[Query::new("nothing.services.internal", A).bytes()]);
    // The time of a reply is known, and counted, when it has been sent.
    let timed = r#"srvd_dns_request_duration_seconds_count{proto="udp",path="fast"}"#;
    assert!(eventually(|| samples(&scrape(at, "*/*").1).get(timed).is_some_and(|it| *it >= 1.0)));
    let all = samples(&scrape(at, "*/*").1);
    for name in ["srvd_dns_response_size_bytes", "srvd_dns_request_duration_seconds"] {
        for labels in [r#"proto="udp",path="fast""#, r#"proto="tcp",path="fast""#] {
            let of = |part: &str| format!("{name}_{part}{{{labels}}}");
            let is_bucket = |key: &str| key.starts_with(name) && key.contains("_bucket{");
            let mut buckets: Vec<_> = (all.iter())
                .filter(|(key, _)| is_bucket(key) && key.contains(labels))
                .map(|(key, count)| {
                    let limit = key.split_once("le=\"").unwrap().1.split_once('"').unwrap().0;
                    (limit.parse::<f64>().unwrap(), *count)
                })
                .collect();
            buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
            assert!(buckets.is_sorted_by_key(|(_, count)| *count), "{buckets:?}");
            let (last, count) = *buckets.last().unwrap();
            assert!(last.is_infinite() && count >= 1.0, "{buckets:?}");
            assert_eq!(count, all[&of("count")]);
            assert!(all[&of("sum")] > 0.0);
        }
    }
}

/// What is asked in the count: name, type, how often, the zone it is counted under, the
/// type's label and the code's.
const ASKED: [(&str, u16, usize, &str, &str, &str); 8] = [
    ("web.services.internal", A, 7, "services.internal.", "A", "NOERROR"),
    ("_web._tcp.services.internal", SRV, 5, "services.internal.", "SRV", "NOERROR"),
    ("_web._tcp", SRV, 2, "services.internal.", "SRV", "NOERROR"),
    ("gone.services.internal", TXT, 4, "services.internal.", "TXT", "NXDOMAIN"),
    ("services.internal", 6, 3, "services.internal.", "SOA", "NOERROR"),
    ("web.services.internal", RARE, 6, "services.internal.", "other", "NOERROR"),
    ("www.alone.test", A, 8, "alone.test.", "A", "NOERROR"),
    ("example.com", A, 9, "none", "A", "REFUSED"),
];

#[test]
fn queries_are_counted_one_by_one() {
    let (etcd, directory) = (Etcd::start(), tempfile::tempdir().unwrap());
    let zone = "$TTL 60\n@ SOA ns admin 7 1 2 3 4\n@ NS ns\nwww A 192.0.2.1\n";
    std::fs::write(directory.path().join("alone.test.zone"), zone).unwrap();
    etcd.etcdctl(&["put", "/services/web/1", "10.0.0.1:80"]);
    let zones = directory.path().to_str().unwrap();
    let (process, at) = serve(&etcd.url(), &["--listen", "[::1]:0", "--zones", zones]);
    process.prints("answering DNS on [::1]");
    let lines = process.out().all();
    let lines = lines.iter().filter(|line| line.starts_with("answering DNS on "));
    let addresses: Vec<_> = lines.map(|line| address_in(line)).collect();
    assert!(eventually(|| get(at, "/readyz").0.contains("200")));
    let before = samples(&scrape(at, "*/*").1);
    let mut expected = BTreeMap::<String, f64>::new();
    for (place, (name, kind, times, zone, kind_label, code)) in ASKED.into_iter().enumerate() {
        let message = Query::new(name, kind).bytes();
        for (number, address) in addresses.iter().enumerate() {
            // A number of its own for every way.
            let [over_udp, over_tcp] = [times + number, times + number + place % 2];
            (0..over_udp).for_each(|_| assert_eq!(udp(*address, &message)[..2], message[..2]));
            assert_eq!(tcp(*address, &vec![message.clone(); over_tcp]).len(), over_tcp);
            let family = if address.is_ipv4() { 4 } else { 6 };
            for (proto, count) in [("udp", over_udp), ("tcp", over_tcp)] {
                let labels = format!(
                    r#"zone="{zone}",proto="{proto}",family="{family}",type="{kind_label}",rcode="{code}""#
                );
                let key = format!("srvd_dns_queries_total{{{labels}}}");
                *expected.entry(key).or_default() += count as f64;
            }
        }
    }
    assert_eq!(addresses.len(), 2, "an address of each family: {addresses:?}");
    let all: f64 = expected.values().sum();
    let counted = |text: &BTreeMap<String, f64>| {
        let of = |key: &&String| key.starts_with("srvd_dns_queries_total");
        let differences = text
            .keys()
            .filter(of)
            .map(|key| (key.clone(), text[key] - before.get(key).copied().unwrap_or_default()));
        differences.filter(|(_, count)| *count > 0.0).collect::<BTreeMap<_, _>>()
    };
    // A worker counts a batch once it is sent.
    assert!(eventually(|| counted(&samples(&scrape(at, "*/*").1)).values().sum::<f64>() == all));
    let after = samples(&scrape(at, "*/*").1);
    assert_eq!(counted(&after), expected);
    let refused = expected.iter().filter(|(key, _)| key.contains("REFUSED"));
    let refused: f64 = refused.map(|(_, count)| count).sum();
    assert_eq!(after[r#"srvd_dns_refused_total{cause="foreign"}"#], refused);
    for part in ["srvd_dns_response_size_bytes", "srvd_dns_request_duration_seconds"] {
        let is_count = |key: &String| key.starts_with(&format!("{part}_count{{"));
        let counts = after.iter().filter(|(key, _)| is_count(key));
        assert_eq!(counts.map(|(_, count)| count).sum::<f64>(), all, "{part}");
    }
}

#[test]
fn what_is_turned_away_is_counted_by_cause() {
    let etcd = Etcd::start();
    let networks = ["--allow-query", "127.0.0.0/8", "--listen", "[::1]:0"];
    let (process, at) = serve(&etcd.url(), &networks);
    let dns = process.answers_at();
    let other = address_in(&process.prints("answering DNS on [::1]").1);
    assert!(eventually(|| get(at, "/readyz").0.contains("200")));
    let query = Query::new("web.services.internal", A);
    // NOTIFY; an EDNS version of the future; a client that may not ask; a response; a scrap.
    for message in [query.clone().opcode(4).bytes(), query.clone().edns(1232, 1, 0, &[]).bytes()] {
        udp(dns, &message);
        tcp(dns, &[message]);
    }
    udp(other, &query.bytes());
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(&query.clone().flags(0x80, 0).bytes(), dns).unwrap();
    socket.send_to(&query.bytes()[..11], dns).unwrap();
    for (figure, count) in [
        (r#"srvd_dns_refused_total{cause="unsupported"}"#, 2.0),
        (r#"srvd_dns_refused_total{cause="client"}"#, 1.0),
        (r#"srvd_dns_refused_total{cause="foreign"}"#, 0.0),
        (r#"srvd_udp_dropped_total{cause="no-query"}"#, 2.0),
        (
            r#"srvd_dns_queries_total{zone="services.internal.",proto="tcp",family="4",type="A",rcode="BADVERS"}"#,
            1.0,
        ),
        (
            r#"srvd_dns_queries_total{zone="none",proto="udp",family="6",type="A",rcode="REFUSED"}"#,
            1.0,
        ),
    ] {
        let value = || samples(&scrape(at, "*/*").1).get(figure).copied();
        assert!(eventually(|| value() == Some(count)), "{figure} is {:?}", value());
    }
}

#[test]
fn requests_of_old_clients_are_counted() {
    let etcd = Etcd::start();
    let (process, at) = serve(&etcd.url(), &["--etcd-v2", "127.0.0.1:0"]);
    let old = old_address(&process);
    assert!(eventually(|| get(at, "/readyz").0.contains("200")));
    let ask = |request: &str| {
        let mut stream = TcpStream::connect(old).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all(format!("{request}\r\n\r\n").as_bytes()).unwrap();
        stream
    };
    let replied = |request: &str| {
        let mut reply = String::new();
        ask(&format!("{request} HTTP/1.0")).read_to_string(&mut reply).unwrap();
        reply
    };
    let set = "PUT /v2/keys/services/web/1?value=10.0.0.1:80";
    assert!(replied(set).contains("201 Created"), "{}", replied(set));
    assert!(replied("GET /v2/keys/services/no").contains("404 Not Found"));
    assert!(replied("BREW /v2/keys/services/no").contains("405 Method"));
    let long = format!("GET /v2/keys/services/{}", "x/".repeat(30));
    assert!(replied(&long).contains("400 Bad Request"));
    let waiting = ask("GET /v2/keys/services/web/1?wait=true HTTP/1.0");
    let figures = [
        (r#"srvd_etcd_v2_requests_total{method="PUT",code="201"}"#, 1.0),
        (r#"srvd_etcd_v2_requests_total{method="GET",code="404"}"#, 1.0),
        (r#"srvd_etcd_v2_requests_total{method="GET",code="400"}"#, 1.0),
        (r#"srvd_etcd_v2_requests_total{method="other",code="405"}"#, 1.0),
        (r#"srvd_etcd_v2_refused_total{bound="key"}"#, 1.0),
        (r#"srvd_etcd_v2_refused_total{bound="waits"}"#, 0.0),
        ("srvd_etcd_v2_waits", 1.0),
    ];
    let value = |figure: &str| samples(&scrape(at, "*/*").1).get(figure).copied();
    for (figure, count) in figures {
        assert!(eventually(|| value(figure) == Some(count)), "{figure} is {:?}", value(figure));
    }
    drop(waiting);
    assert!(eventually(|| value("srvd_etcd_v2_waits") == Some(0.0)));
}
