//! CERT (RFC 4398).

use super::{base_64, decimal, number};

/// How it is written (RFC 4398 section 2.2).
pub(super) const WRITTEN: &str = "TYPE KEYTAG ALGORITHM BASE64, as in PKIX 1 RSASHA256 MIIB…";

/// Mnemonics of certificate types (RFC 4398 section 2.1).
const TYPES: [(&str, u16); 10] = [
    ("PKIX", 1),
    ("SPKI", 2),
    ("PGP", 3),
    ("IPKIX", 4),
    ("ISPKI", 5),
    ("IPGP", 6),
    ("ACPKIX", 7),
    ("IACPKIX", 8),
    ("URI", 253),
    ("OID", 254),
];
/// Mnemonics of algorithms, as IANA registers them for DNSSEC.
const ALGORITHMS: [(&str, u8); 16] = [
    ("RSAMD5", 1),
    ("DH", 2),
    ("DSA", 3),
    ("RSASHA1", 5),
    ("DSA-NSEC3-SHA1", 6),
    ("RSASHA1-NSEC3-SHA1", 7),
    ("RSASHA256", 8),
    ("RSASHA512", 10),
    ("ECC-GOST", 12),
    ("ECDSAP256SHA256", 13),
    ("ECDSAP384SHA384", 14),
    ("ED25519", 15),
    ("ED448", 16),
    ("INDIRECT", 252),
    ("PRIVATEDNS", 253),
    ("PRIVATEOID", 254),
];

/// The octets of a certificate.
pub(super) fn certificate(words: &[&str], _: &[u8]) -> Option<Vec<u8>> {
    let [kind, tag, algorithm, certificate @ ..] = words else { return None };
    let kind = named(kind, &TYPES).or_else(|| decimal(kind))?;
    let algorithm = named(algorithm, &ALGORITHMS).or_else(|| decimal(algorithm))?;
    let head = [&kind.to_be_bytes()[..], &number(tag)?, &[algorithm]].concat();
    Some([head, base_64(&certificate.concat())?].concat())
}

/// The number of a mnemonic.
fn named<T: Copy>(word: &str, all: &[(&str, T)]) -> Option<T> {
    all.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, number)| *number)
}
