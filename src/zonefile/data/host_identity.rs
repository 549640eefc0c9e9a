//! HIP, host identities (RFC 8005).

use super::{base_64, decimal, hex, name};

/// How it is written (RFC 8005 section 6).
pub(super) const WRITTEN: &str = "ALGORITHM HIT-IN-HEX KEY-IN-BASE64 [RENDEZVOUS-SERVER…]";

/// The octets of an algorithm, a tag, a key and rendezvous servers.
pub(super) fn identity(words: &[&str], origin: &[u8]) -> Option<Vec<u8>> {
    let [algorithm, tag, key, servers @ ..] = words else { return None };
    let (algorithm, tag, key): (u8, _, _) = (decimal(algorithm)?, hex(tag)?, base_64(key)?);
    let lengths =
        (u8::try_from(tag.len()).ok().filter(|it| *it > 0)?, u16::try_from(key.len()).ok()?);
    let head = [&[lengths.0, algorithm][..], &lengths.1.to_be_bytes(), &tag, &key].concat();
    let servers = servers.iter().map(|server| name(server, origin));
    Some([head, servers.collect::<Option<Vec<_>>>()?.concat()].concat())
}
