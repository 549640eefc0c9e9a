//! What a client network can send, a kind for each bound.

use crate::query::{A, AAAA, ANY, PTR, SOA, SRV, TXT, absolute, laden, query};

/// What stands in the SkyDNS zone: as much as one question may look at.
pub(crate) const ENTRIES: usize = 16_384;
/// The SkyDNS zone.
pub(crate) const SKYDNS: &str = "skydns.test";
/// Connections of an attacker that takes replies.
const BUSY: usize = 50;
/// Connections of one that takes none, or says nothing.
const HELD: usize = 440;

/// One kind of attack.
pub(crate) struct Kind {
    /// What it is called in the table.
    pub(crate) title: &'static str,
    /// What is sent.
    pub(crate) attack: Attack,
    /// What an honest client asks meanwhile.
    pub(crate) honest: Honest,
}

/// How it is sent.
pub(crate) enum Attack {
    /// Not at all.
    None,
    /// Over UDP, as fast as it goes; with another first label each time, or always the same.
    Datagrams(Vec<u8>, Label),
    /// Over so many connections, as fast as it is taken; replies are read, or not.
    Streams(Vec<u8>, usize, Replies),
}

/// The first label of a flood's names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Label {
    /// Always the same.
    Same,
    /// Sixteen random letters.
    Random,
}

/// What becomes of replies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replies {
    /// They are read.
    Read,
    /// They are left where they are.
    Left,
}

/// What an honest client does.
pub(crate) enum Honest {
    /// It asks over UDP.
    Udp(Vec<u8>),
    /// It asks over TCP, a connection for each query.
    Tcp(Vec<u8>),
}

/// All kinds.
pub(crate) fn all() -> Vec<Kind> {
    let udp = |title, packet: Vec<u8>, label, asked: Vec<u8>| {
        let (attack, honest) = (Attack::Datagrams(packet, label), Honest::Udp(asked));
        Kind { title, attack, honest }
    };
    let tcp = |title, message: Vec<u8>, connections, replies| Kind {
        title,
        attack: Attack::Streams(message, connections, replies),
        honest: Honest::Tcp(usual()),
    };
    let own = || query("", SOA, Some(1232));
    let random = "aaaaaaaaaaaaaaaa";
    let (bad, pattern) = (malformed(), absolute(&format!("*.*.*.h.{SKYDNS}"), AAAA));
    vec![
        Kind { title: "none, UDP", attack: Attack::None, honest: Honest::Udp(usual()) },
        Kind { title: "none, full path", attack: Attack::None, honest: Honest::Udp(own()) },
        Kind { title: "none, TCP", attack: Attack::None, honest: Honest::Tcp(usual()) },
        udp("hits", query("_s10._tcp", SRV, Some(1232)), Label::Same, usual()),
        udp("A of an instance", query("0.s10", A, Some(1232)), Label::Same, usual()),
        udp("TXT of an instance", query("0.s10", TXT, Some(1232)), Label::Same, usual()),
        udp("PTR of DNS-SD", query("_s10._tcp", PTR, Some(1232)), Label::Same, usual()),
        udp("SOA of the apex", query("", SOA, Some(1232)), Label::Same, usual()),
        udp("SkyDNS, exact name", absolute(&format!("0.0.0.h.{SKYDNS}"), A), Label::Same, usual()),
        udp("SkyDNS, subtree", absolute(&format!("0.0.h.{SKYDNS}"), A), Label::Same, usual()),
        udp("NXDOMAIN", query(random, A, None), Label::Random, usual()),
        udp("malformed", bad, Label::Same, usual()),
        udp("full path, same queue", query("s100", ANY, None), Label::Same, own()),
        udp("SkyDNS patterns, full path", pattern.clone(), Label::Same, own()),
        udp("SkyDNS patterns, hits", pattern, Label::Same, usual()),
        udp("all of a SkyDNS zone", absolute(&format!("h.{SKYDNS}"), AAAA), Label::Same, own()),
        udp("foreign names", absolute(&format!("{random}.test"), A), Label::Random, own()),
        udp("4 KiB of records", laden("s1", 4_000), Label::Same, own()),
        tcp("64 KiB of records", laden("s1", 65_000), BUSY, Replies::Read),
        tcp("large replies, pipelined", query("_s100._tcp", SRV, None), BUSY, Replies::Read),
        tcp(
            "SkyDNS patterns, TCP",
            absolute(&format!("*.*.*.h.{SKYDNS}"), AAAA),
            BUSY,
            Replies::Read,
        ),
        tcp("large replies, unread", query("_s100._tcp", SRV, None), HELD, Replies::Left),
        tcp("idle connections", Vec::new(), HELD, Replies::Left),
    ]
}

/// What most clients ask.
fn usual() -> Vec<u8> {
    query("_s3._tcp", SRV, Some(1232))
}

/// A query whose first label is longer than it.
fn malformed() -> Vec<u8> {
    let mut packet = query("aaaaaaaaaaaaaaaa", A, None);
    packet[12] = 63;
    packet
}
