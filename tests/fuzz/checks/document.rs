//! Any value of a registration.

use hickory_proto::rr::RData;
use srvd::registry::document;

use super::paths::Paths;
use crate::fixture::Fixture;

/// Names that a registration may bring about, and what clients ask there: SRV, A, AAAA, TXT.
const NAMES: [(&str, &[u16]); 6] = [
    ("_s._tcp.z", &[33]),
    ("_s._udp.z", &[33]),
    ("_http._tcp.s.z", &[33]),
    ("s.z", &[1, 28, 16]),
    ("i.s.z", &[33, 16]),
    ("f.z", &[33]),
];

/// Registers one value beside a sound one, and asks for all that it may bring about.
pub(crate) fn check(octets: &[u8]) {
    let is_instance = matches!(document::read(octets), Ok(Some(_)));
    let Ok(text) = std::str::from_utf8(octets) else {
        return assert!(!is_instance, "it is no text");
    };
    let mut fixture = Fixture::new("z.");
    fixture.put_all([("s/i", text), ("s/sound", "10.0.0.1:80"), ("_frontends/f", text)]);
    let zone = fixture.index.load().zones()[0].clone();
    let instances = zone.services().flat_map(|service| service.instances()).count();
    assert_eq!(instances, 1 + usize::from(is_instance), "the sound one, and this one if it is");
    let mut paths = Paths::of(&fixture.index);
    for (name, kinds) in NAMES {
        for kind in kinds.iter().copied() {
            let reply = paths.ask(&question(name, kind));
            let targets = reply.answers.iter().filter_map(|record| match &record.data {
                RData::SRV(srv) => Some(srv.target.to_ascii()),
                _ => None,
            });
            // One of ours leads somewhere.
            for target in targets.filter(|it| it.ends_with(".s.z.")).take(2) {
                let answers = [1, 28].map(|it| paths.ask(&question(&target, it)).answers.len());
                let is_ours = reply.additionals.iter().any(|it| it.name.to_ascii() == target);
                assert_eq!(answers.iter().any(|it| *it > 0), is_ours, "{target} leads nowhere");
            }
        }
    }
}

/// A question without EDNS.
pub(crate) fn question(name: &str, kind: u16) -> Vec<u8> {
    let mut octets = vec![0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.trim_end_matches('.').split('.').filter(|label| !label.is_empty()) {
        octets.push(label.len() as u8);
        octets.extend(label.as_bytes());
    }
    octets.push(0);
    octets.extend(kind.to_be_bytes());
    octets.extend([0, 1]);
    octets
}
