//! Zone files on both paths: what stands in them is said alike, over UDP and TCP.

use hickory_proto::op::Message;
use hickory_proto::rr::Record;
use srvd::wire::Transport;

use super::differential::fast;
use super::messages::{Query, parse, respond};
use crate::fixture::{Fixture, settings_of_file};

/// A static zone with everything that a name can be.
const ALONE: &str = "$TTL 60
@ SOA ns hostmaster 7 1 2 3 30
@ NS ns
@ MX 10 web
ns A 192.0.2.1
web A 192.0.2.2
web A 192.0.2.3
web AAAA 2001:db8::2
web TXT \"one\" \"two\"
_web._tcp SRV 1 5 80 web
_web._tcp SRV 1 5 81 web
_web._tcp SRV 0 0 82 far.example.
www CNAME web
far CNAME www.example.
loop CNAME loop
odd TYPE65280 \\# 3 010203
*.any A 192.0.2.4
*.any TXT \"x\"
block.any HINFO a b
*.alias CNAME web
sub NS ns.sub
ns.sub A 192.0.2.5
old DNAME any
";

/// Records beside a registry's names.
const BESIDE: &str = "$TTL 60
web A 192.0.2.80
10-0-0-1.db A 192.0.2.81
* TXT \"any\"
gone NS ns.example.
";

/// Labels that names are made of.
const LABELS: [&str; 22] = [
    "",
    "web",
    "_web._tcp",
    "_tcp",
    "www",
    "far",
    "loop",
    "odd",
    "any",
    "x.any",
    "*.any",
    "block.any",
    "x.block.any",
    "y.alias",
    "sub",
    "a.sub",
    "old",
    "q.old",
    "no",
    "ns",
    "10-0-0-1.db",
    "db",
];

/// Both zones.
fn world() -> Fixture {
    let zones = [("services.internal.", BESIDE, false), ("alone.test.", ALONE, true)];
    let zones = zones.map(|(apex, text, alone)| settings_of_file(apex, text, alone));
    let mut fixture = Fixture::unlisted(zones.into());
    fixture.list(3);
    fixture.put("web/1", "http://10.0.0.1:80");
    fixture.put("db/1", "http://10.0.0.1:80");
    fixture.put("gone/1", "http://10.0.0.2:80");
    fixture
}

/// Records in an order of their own.
fn sorted(records: &[Record]) -> Vec<String> {
    let mut lines: Vec<_> = records.iter().map(ToString::to_string).collect();
    lines.sort();
    lines
}

/// The sections of a message.
fn sections(message: &Message) -> [Vec<String>; 3] {
    [&message.answers, &message.authorities, &message.additionals].map(|it| sorted(it))
}

#[test]
fn both_paths_say_the_same_of_zone_files() {
    const KINDS: [u16; 13] = [1, 2, 5, 6, 12, 13, 15, 16, 28, 33, 39, 43, 65280];
    let (fixture, mut quick) = (world(), 0);
    for (label, zone) in
        LABELS.iter().flat_map(|it| [(it, "alone.test"), (it, "services.internal")])
    {
        let name = format!("{label}.{zone}");
        // Twice: an answer that is made, and one that was kept.
        for kind in KINDS.iter().chain(&KINDS) {
            let query = Query::new(name.trim_start_matches('.'), *kind);
            for query in [query.clone(), query.edns(1232, 0, 0, &[])] {
                for transport in [Transport::Udp, Transport::Tcp] {
                    let message = query.bytes();
                    let Some(reply) = fast(&fixture, &message, transport) else { continue };
                    let full = respond(&fixture, &message, transport).unwrap();
                    assert_eq!(&reply[..12], &full[..12], "{name} {kind}");
                    let [one, other] = [&reply, &full].map(|it| parse(it).unwrap());
                    assert_eq!(sections(&one), sections(&other), "{name} {kind}");
                    quick += 1;
                }
            }
        }
    }
    // Aliases, referrals and apexes alone are for the full path.
    assert!(quick > 3_000, "only {quick} were answered from ready-made answers");
}
