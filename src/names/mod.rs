//! Names: the limits, the defaults and the label rules that everything else shares.
//!
//! Each constant carries its reason. Nothing here does I/O.

mod address;
mod block;
mod fitting;
mod joined;
mod near;
mod networks;
mod percent;
mod program;
pub mod reversed;
mod shown;
mod span;
mod wire;
mod written;

use std::time::Duration;

use sha2::{Digest, Sha256};

pub use self::address::{address_label, parse_address_label};
pub use self::block::Block;
pub use self::fitting::{
    DnsTtlFault, LabelFault, LeaseFault, check_id, check_label, check_lease, check_name, dns_ttl,
};
pub use self::joined::JoinedLabels;
pub use self::near::nearest;
pub use self::networks::{Network, NetworkFault, Networks, SHARE_V4, SHARE_V6, Share, client};
pub use self::percent::{bad_escape, form_decoded, percent_decoded, percent_encoded};
pub use self::program::{COMMIT, program_version};
pub use self::reversed::Reversed;
pub use self::shown::{Escaping, Shown, is_hidden, shell_word, shown, shown_json};
pub use self::span::Span;
pub use self::wire::{NameTooLong, WireName};
pub use self::written::{quoted, written, written_label};

/// Octets in one label (RFC 1035 section 2.3.4). A longer id of an instance has a short form.
pub const LABEL_MAX: usize = 63;
/// Octets of an instance's id that are read. Orchestrators make ids of some hundred, of the
/// names of a cluster, a task and a container; keys of etcd could be of a megabyte.
pub const ID_MAX: usize = 1024;
/// Octets of a key below the prefix that are read where it spells more than NAME/ID: Dubbo
/// writes whole urls there, of a few hundred octets as a rule, and of some thousand where an
/// interface has many methods.
pub const PATH_MAX: usize = 8 * 1024;
/// Octets in a service name, a port name or a tag: a `_` goes before each of them.
pub const SERVICE_MAX: usize = LABEL_MAX - 1;
/// Octets in a name on the wire, the root's zero included (RFC 1035 section 2.3.4).
pub const NAME_MAX: usize = 255;
/// Octets in one character string of a TXT record (RFC 1035 section 3.3).
pub const STRING_MAX: usize = 255;
/// Octets in a message over TCP, whose length is a number of 16 bits (RFC 1035 section
/// 4.2.2).
pub const MESSAGE_MAX: usize = 65_535;
/// The most octets of a message over UDP, however much a client takes: what a server may be
/// told to send at most, since more would be cut in ever more fragments (RFC 9715 section 3).
pub const DATAGRAM_MAX: usize = 4096;
/// Octets in a registration document. A real one has some hundred; 64 KiB is what
/// one DNS message could ever carry of it.
pub const VALUE_MAX: usize = 64 * 1024;
/// Endpoints of one instance, each a different way to it. Frameworks write one for each
/// protocol that they speak, two as a rule.
pub const ENDPOINTS_MAX: usize = 32;
/// Tags of one instance. Each is a name of its own, and a place in the index; real documents
/// have a handful.
pub const TAGS_MAX: usize = 64;
/// The greatest TTL a record may have (RFC 2181 section 8).
pub const TTL_MAX: u32 = i32::MAX as u32;

/// Where the registry is when nothing says otherwise: etcd's own default.
pub const DEFAULT_REGISTRY: &str = "http://127.0.0.1:2379";
/// The port of an endpoint written without one (etcd's client port).
pub const ETCD_PORT: u16 = 2379;
/// The prefix of all keys when the connection string names none.
pub const DEFAULT_PREFIX: &str = "/services";
/// The prefix of a zone of SkyDNS's schema that names none.
pub const DEFAULT_SKYDNS_PREFIX: &str = "/skydns";
/// TTL of a SkyDNS zone's records where their values set none, as CoreDNS has it.
pub const DEFAULT_SKYDNS_TTL: Duration = Duration::from_secs(300);
/// TTL of a SkyDNS zone's negative answers, as CoreDNS has it.
pub const DEFAULT_SKYDNS_NEGATIVE_TTL: Duration = Duration::from_secs(30);
/// The longest TTL of records whose key has a lease: how long the lease still has is not
/// known, and what it says may be over at any time. CoreDNS says no less than this.
pub const LEASED_TTL_MAX: u32 = 30;
/// The name server of a zone that nobody names one of, below its apex.
pub const MADE_UP_SERVER: &str = "ns.dns";
/// The zone served when the configuration names none.
pub const DEFAULT_ZONE: &str = "services.internal";
/// TTL of dynamic records, and of negative answers: a new instance must be seen soon.
pub const DEFAULT_TTL: Duration = Duration::from_secs(5);
/// How long one call to one etcd endpoint may take.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3);
/// How often the list of etcd's members is read again.
pub const DEFAULT_REFRESH: Duration = Duration::from_secs(60);
/// How long the removals of a collapse are held: etcd elects a leader in seconds, and lost
/// registrations are back after some heartbeats.
pub const DEFAULT_HOLD_COLLAPSE: Duration = Duration::from_secs(30);
/// How long a registration outlives its last heartbeat.
pub const DEFAULT_LEASE: Duration = Duration::from_secs(10);
/// The shortest lease that may be asked for; etcd itself makes some two seconds of it.
pub const LEASE_MIN: Duration = Duration::from_secs(1);
/// The longest: a day. What crashed is answered until it ends, and etcd refuses those of
/// centuries.
pub const LEASE_MAX: Duration = Duration::from_secs(86_400);
/// The longest DNS TTL that a registration may ask for: a day. Nothing dynamic is true for longer.
pub const DNS_TTL_MAX: Duration = Duration::from_secs(86_400);
/// Heartbeats in the time of a lease, unless others are asked for: an outage of two thirds
/// of that time is borne wherever it begins.
pub const HEARTBEATS_PER_LEASE: u32 = 3;

/// Hex digits of the hash that stands before a host name too long for an id.
const ID_HASH_DIGITS: usize = 8;

/// The label form of a name: every character outside `[A-Za-z0-9-]` becomes `-`.
#[must_use]
pub fn label(name: &str) -> String {
    name.chars().map(label_character).collect()
}

/// The octets of a name's label form in lower case, which is how labels are compared
/// (RFC 4343), without building a string.
pub fn folded(name: &str) -> impl Iterator<Item = u8> + '_ {
    name.chars().map(|character| label_character(character).to_ascii_lowercase() as u8)
}

/// One character of a label form.
fn label_character(character: char) -> char {
    if character.is_ascii_alphanumeric() { character } else { '-' }
}

/// The id of an instance that was given none: its host's label form and its port
/// (`10-1-2-3-8080`). A host too long for a label is cut, and a hash of the whole stands
/// between it and the port.
#[must_use]
pub fn default_id(hostname: &str, port: Option<u16>) -> String {
    let host = label(hostname);
    let port = port.map(|port| format!("-{port}")).unwrap_or_default();
    if host.len() + port.len() <= LABEL_MAX {
        return host + &port;
    }
    let kept = LABEL_MAX - port.len() - ID_HASH_DIGITS - 1;
    format!("{}-{}{port}", &host[..kept], hash_digits(hostname))
}

/// The short form of an id that is longer than a label: its label form is cut, and a hash of
/// the whole stands behind it.
#[must_use]
pub fn short_id(id: &str) -> String {
    let kept = LABEL_MAX - ID_HASH_DIGITS - 1;
    let cut: String = id.chars().map(label_character).take(kept).collect();
    format!("{cut}-{}", hash_digits(id))
}

/// The first hex digits of a text's SHA-256.
fn hash_digits(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(ID_HASH_DIGITS / 2).map(|octet| format!("{octet:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_form_replaces_each_foreign_character() {
        assert_eq!(label("My_Service.v2/é"), "My-Service-v2--");
        assert_eq!(folded("My_Service").collect::<Vec<_>>(), b"my-service");
    }

    #[test]
    fn short_ids_fit_a_label_and_differ() {
        let long = format!("{}-9f86d081-884c-4d63-a5b1-0123456789ab", "service".repeat(5));
        let short = short_id(&long);
        assert_eq!(short.len(), LABEL_MAX);
        assert!(short.starts_with(&long[..54]) && short.ends_with(&hash_digits(&long)));
        assert_ne!(short, short_id(&format!("{long}c")));
        assert_eq!(short_id(&"é".repeat(40)).len(), 40 + 1 + ID_HASH_DIGITS);
    }

    #[test]
    fn default_id_fits_a_label() {
        assert_eq!(default_id("10.1.2.3", Some(8080)), "10-1-2-3-8080");
        assert_eq!(default_id("2001:db8::1", None), "2001-db8--1");
        let long = default_id(&"h".repeat(200), Some(65535));
        assert_eq!(long.len(), LABEL_MAX);
        let digits = long.strip_suffix("-65535").unwrap().rsplit_once("h-").unwrap().1;
        assert_eq!(digits, hash_digits(&"h".repeat(200)));
        assert_ne!(long, default_id(&"h".repeat(201), Some(65535)));
    }
}
