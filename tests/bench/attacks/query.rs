//! Queries.

/// The zone.
pub(crate) const ZONE: &str = "services.internal";
/// Types (RFC 1035 section 3.2.2, RFC 2782, RFC 8482).
pub(crate) const A: u16 = 1;
/// As above.
pub(crate) const SOA: u16 = 6;
/// As above.
pub(crate) const PTR: u16 = 12;
/// As above.
pub(crate) const TXT: u16 = 16;
/// As above.
pub(crate) const SRV: u16 = 33;
/// As above.
pub(crate) const ANY: u16 = 255;

/// As above.
pub(crate) const AAAA: u16 = 28;
/// Octets of a record whose owner is a pointer: without data.
const RECORD: usize = 12;

/// A query for any name, without EDNS.
pub(crate) fn absolute(name: &str, kind: u16) -> Vec<u8> {
    let mut octets = vec![0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        octets.push(label.len() as u8);
        octets.extend(label.as_bytes());
    }
    octets.extend([0, kind.to_be_bytes()[0], kind.to_be_bytes()[1], 0, 1]);
    octets
}

/// A query with records for answers, up to so many octets in all: half of these are the data of
/// the first, a chain of pointers each to the one before, and the others are owned by the last
/// of the chain.
pub(crate) fn laden(name: &str, octets: usize) -> Vec<u8> {
    let mut message = query(name, A, None);
    let pointer = |at: usize| (0xc000 | at as u16).to_be_bytes();
    let record = |owner: usize, kind: u16, data: usize| {
        let [[high, low], [length_high, length]] = [kind, data as u16].map(u16::to_be_bytes);
        [&pointer(owner)[..], &[high, low, 0, 1, 0, 0, 0, 0, length_high, length]].concat()
    };
    // A pointer reaches no further.
    let links = (octets / 4).min(0x3fff / 2 - message.len());
    // Of a type that nobody knows.
    message.extend(record(12, 65_280, 2 * links));
    let mut last = 12;
    for _ in 0..links {
        let at = message.len();
        message.extend(pointer(last));
        last = at;
    }
    let records = octets.saturating_sub(message.len()) / RECORD;
    (0..records).for_each(|_| message.extend(record(last, 65_280, 0)));
    message[6..8].copy_from_slice(&(records as u16 + 1).to_be_bytes());
    message
}

/// A query for a name below the zone, or the zone itself; with EDNS if a size is offered.
pub(crate) fn query(name: &str, kind: u16, offered: Option<u16>) -> Vec<u8> {
    let mut octets = vec![0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(offered.is_some())];
    let labels = name.split('.').chain(ZONE.split('.')).filter(|label| !label.is_empty());
    for label in labels {
        octets.push(label.len() as u8);
        octets.extend(label.as_bytes());
    }
    octets.push(0);
    octets.extend(kind.to_be_bytes());
    octets.extend([0, 1]);
    if let Some(size) = offered {
        octets.extend([0, 0, 41]);
        octets.extend(size.to_be_bytes());
        octets.extend([0; 6]);
    }
    octets
}
