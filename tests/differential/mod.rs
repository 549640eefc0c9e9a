//! Static zones against NSD and Knot: zones by chance, every name and type, and a class with its
//! reason for each difference. What has no class fails.
//!
//! `DIFFERENTIAL_ZONES=200 DIFFERENTIAL_SEED=1 cargo test --test main differential::` asks more.

mod classes;
mod servers;
mod zones;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::Command;
use std::time::Duration;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{Record, RecordType};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder};

use self::servers::Servers;
use self::zones::Zone;

/// The type SOA.
const SOA: u16 = 6;
/// Types that every name is asked for: A, NS, CNAME, SOA, PTR, MX, TXT, AAAA, SRV, DNAME, DS,
/// HTTPS, ANY, and one that nobody knows.
const KINDS: [u16; 14] = [1, 2, 5, SOA, 12, 15, 16, 28, 33, 39, 43, 65, 255, 65280];
/// Zones of the usual run.
const ZONES: u64 = 3;
/// How often a question is asked again that a busy machine lost.
const ATTEMPTS: usize = 5;

/// A reply, as it is compared: names and data in lower case, without order.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reply {
    code: ResponseCode,
    is_authoritative: bool,
    is_truncated: bool,
    answer: BTreeSet<String>,
    authority: BTreeSet<String>,
    additional: BTreeSet<String>,
}

/// A question and what srvd, NSD and Knot reply.
struct Case {
    name: String,
    kind: RecordType,
    replies: [Reply; 3],
}

impl Reply {
    /// A message's parts.
    fn of(message: &Message) -> Self {
        Self {
            code: message.metadata.response_code,
            is_authoritative: message.metadata.authoritative,
            is_truncated: message.metadata.truncation,
            answer: lines(&message.answers),
            authority: lines(&message.authorities),
            additional: lines(&message.additionals),
        }
    }
}

/// Records as text.
fn lines(records: &[Record]) -> BTreeSet<String> {
    records.iter().map(|record| record.to_string().to_lowercase()).collect()
}

/// What a server replies to a question over UDP with EDNS; none if nothing comes.
fn ask(at: SocketAddr, name: &str, kind: u16) -> Option<Reply> {
    let mut query = vec![0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    for label in name.split('.').filter(|label| !label.is_empty()) {
        query.push(label.len() as u8);
        query.extend(label.as_bytes());
    }
    query.push(0);
    query.extend(kind.to_be_bytes());
    query.extend([0, 1, 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
    socket.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
    let mut buffer = [0; 4096];
    for _ in 0..ATTEMPTS {
        socket.send_to(&query, at).ok()?;
        if let Ok(octets) = socket.recv(&mut buffer) {
            let message = Message::read(&mut BinDecoder::new(&buffer[..octets]));
            return Some(Reply::of(&message.unwrap_or_else(|it| panic!("{at} {name}: {it}"))));
        }
    }
    None
}

/// A number from the environment.
fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn zones_are_answered_as_nsd_and_knot_do() {
    for (program, package) in [("nsd", "nsd"), ("knotd", "knot")] {
        let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
        if !found.is_ok_and(|output| output.status.success()) {
            println!("differential: left out, {program} is not installed (Debian: {package})");
            return;
        }
    }
    let (count, seed) = (variable("DIFFERENTIAL_ZONES", ZONES), variable("DIFFERENTIAL_SEED", 5));
    let zone = |n| Zone::new(&format!("z{n}.test"), seed * 1_000_003 + n);
    let zones: Vec<_> = (0..count).map(zone).collect();
    let servers = Servers::start(&zones);
    let mut counts = BTreeMap::<_, (usize, String)>::new();
    let mut unexplained = BTreeMap::<_, Vec<_>>::new();
    for zone in &zones {
        for name in zone.names() {
            for kind in KINDS {
                let replies = servers.at.map(|at| ask(at, &name, kind).expect("a reply"));
                let case = Case { name: name.clone(), kind: kind.into(), replies };
                match classes::of(&case, zone) {
                    Ok(class) => {
                        let example = || (0, format!("{} {}", case.name, case.kind));
                        counts.entry(class).or_insert_with(example).0 += 1;
                    }
                    Err(what) => unexplained.entry(what).or_default().push((case, zone)),
                }
            }
        }
    }
    println!(
        "differential: {} questions to {count} zones",
        counts.values().map(|it| it.0).sum::<usize>()
    );
    for (class, (count, example)) in &counts {
        println!("differential: {count:7} {class} ({example})");
    }
    for (what, cases) in &unexplained {
        let (case, zone) = &cases[0];
        println!("{} times {what}: {} {} {:#?}", cases.len(), case.name, case.kind, case.replies);
        println!("{}", zone.text());
    }
    assert!(unexplained.is_empty(), "there are differences without a class");
}
