//! Queries.

/// The zone.
pub(crate) const ZONE: &str = "services.internal";
/// Types (RFC 1035 section 3.2.2, RFC 2782, RFC 8482).
pub(crate) const A: u16 = 1;
/// As above.
pub(crate) const SOA: u16 = 6;
/// As above.
pub(crate) const TXT: u16 = 16;
/// As above.
pub(crate) const SRV: u16 = 33;
/// As above.
pub(crate) const ANY: u16 = 255;

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
