//! Any request of etcd's v2 API about a key: the first line is method and target, the rest is
//! the form.

use srvd::etcd_v2::{RequestReading, read_request};

/// Octets that a key may have, and segments.
const KEY_MAX: (usize, usize) = (2048, 24);
/// Octets that a value may have.
const VALUE_MAX: usize = 64 << 10;

/// Reads a request, and what it means once more.
pub(crate) fn check(octets: &[u8]) {
    let line = octets.iter().position(|it| *it == b'\n').unwrap_or(octets.len());
    let form = octets.get(line + 1..).unwrap_or_default();
    let mut words = octets[..line].splitn(2, |it| *it == b' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    match read_request(method, target, form) {
        Some(Ok(read)) => check_meaning(&read, method),
        Some(Err(number)) => assert!((200..=212).contains(&number), "{number}"),
        None => (),
    }
}

/// What must hold of a request that means something.
fn check_meaning(read: &RequestReading, method: &[u8]) {
    let RequestReading { node, key, value, ttl, waits } = read;
    assert!(node.starts_with('/') && (key.is_empty() || key == node.as_bytes()), "{read:?}");
    let segments = || node[1..].split('/');
    let is_plain = |segment: &str| !matches!(segment, "" | "." | "..");
    assert!(key.is_empty() || segments().all(is_plain), "{node}");
    assert!(key.len() <= KEY_MAX.0 && segments().count() <= KEY_MAX.1, "{node}");
    assert!(value.len() <= VALUE_MAX && ttl.is_none_or(|it| it <= 9_000_000_000), "{read:?}");
    assert!(!waits || method == b"GET", "{method:?} waits");
    // Asked for as it is shown, it is the same node.
    let escaped: String = node.bytes().map(|octet| format!("%{octet:02X}")).collect();
    let again = read_request(b"GET", format!("/v2/keys/{escaped}").as_bytes(), b"");
    assert_eq!(again.unwrap().unwrap().node, *node);
}
