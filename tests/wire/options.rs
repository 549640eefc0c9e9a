//! What is told beside answers, by both paths: whatever is registered, configured and asked
//! for, they say the same, and in no more room than they have.

use std::net::SocketAddr;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;
use srvd::wire::{
    AMPLIFICATION_MAX, Cookies, Fast, NSID_MAX, Peer, Policies, Policy, READY_MAX, Responder,
    Transport, Verdict, View,
};

use super::differential::{names, registrations, world};
use super::messages::Query;
use super::protocol::{Reply, check_same};
use crate::fixture::Fixture;

/// A secret that all replicas have.
const SECRET: [u8; 16] = [7; 16];
/// What the time is.
const NOW: u32 = 1_000_000;
/// Octets of an OPT record that gives a reason.
const OPT: usize = 17;

/// How a server is configured, drawn.
#[derive(Debug, Clone)]
struct Setting {
    cookies: Option<bool>,
    nsid: Option<usize>,
    strict_amplification: bool,
}

/// An option, drawn.
#[derive(Debug, Clone)]
enum Choice {
    /// Code and data, as they are.
    Raw(u16, Vec<u8>),
    /// A cookie that this server gave to the client, so many seconds ago.
    Given(u32),
}

/// Servers of all kinds.
fn setting() -> impl Strategy<Value = Setting> {
    // The length of a name, which may be longer than any that is told.
    let nsid = proptest::option::of(select(vec![1, 9, 60, NSID_MAX, NSID_MAX + 1]));
    (proptest::option::weighted(0.8, any::<bool>()), nsid, any::<bool>()).prop_map(
        |(cookies, nsid, strict_amplification)| Setting { cookies, nsid, strict_amplification },
    )
}

/// Options that mean something to us, that do not, and that are wrong.
fn choices() -> impl Strategy<Value = Vec<Choice>> {
    let octets = |lengths: Vec<usize>| {
        (select(lengths), any::<u8>()).prop_map(|(length, octet)| vec![octet; length])
    };
    let raw = |code: u16, lengths: Vec<usize>| {
        octets(lengths).prop_map(move |data| Choice::Raw(code, data))
    };
    let choice = prop_oneof![
        3 => raw(3, vec![0, 0, 0, 4]),
        3 => raw(10, vec![8, 8, 8, 16, 24, 40]),
        1 => raw(10, vec![0, 1, 7, 9, 15, 41]),
        3 => select(vec![0, 0, 10, 3600, 3601]).prop_map(Choice::Given),
        2 => raw(11, vec![0, 0, 0, 2]),
        3 => raw(19, vec![0, 0, 0, 0, 6]),
        1 => raw(8, vec![0, 1, 4]),
        1 => (any::<u16>(), octets(vec![0, 1, 5])).prop_map(|(code, data)| Choice::Raw(code, data)),
    ];
    proptest::collection::vec(choice, 0..5)
}

/// What makes cookies, so many seconds before now.
fn cookies(ago: u32) -> Cookies {
    let clock = match ago {
        0 => || NOW,
        10 => || NOW - 10,
        3600 => || NOW - 3600,
        _ => || NOW - 3601,
    };
    Cookies::by_clock(SECRET, &[], clock)
}

impl Setting {
    /// The policy.
    fn policy(&self) -> Policy {
        let cookies = self.cookies.map(|is_first| match is_first {
            true => cookies(0),
            false => Cookies::by_clock([8; 16], &[SECRET], || NOW),
        });
        let nsid = self.nsid.map(|octets| vec![b'n'; octets].into());
        let strict_amplification = self.strict_amplification;
        Policy { cookies, nsid, strict_amplification, ..Policy::default() }
    }
}

/// A cookie that was given to a client so long ago.
fn given(fixture: &Fixture, client: SocketAddr, ago: u32) -> Vec<u8> {
    let policy = Policy { cookies: Some(cookies(ago)), ..Policy::default() };
    let query = Query::new("x", 1).edns(512, 0, 0, &[&[0, 10, 0, 8][..], &[5; 8]].concat());
    let reply = full(fixture, &Arc::new(policy), &query.bytes(), Peer::udp(client));
    Reply::new(reply).option(10).unwrap()
}

/// What the full path replies.
fn full(fixture: &Fixture, policy: &Arc<Policy>, message: &[u8], from: Peer) -> Vec<u8> {
    let mut reply = Vec::new();
    let responder =
        Responder::with(Arc::clone(&fixture.index), Arc::new(Policies::new(Arc::clone(policy))));
    assert!(responder.respond(message, from, &mut reply));
    reply
}

/// What the fast path replies, if it takes the message.
fn fast(fixture: &Fixture, policy: &Arc<Policy>, message: &[u8], from: Peer) -> Option<Vec<u8>> {
    let mut reply = vec![0xff; if from.transport == Transport::Udp { 1232 } else { READY_MAX }];
    let generation = fixture.index.load();
    match Fast::unbounded().respond(
        View { generation: &generation, policy },
        message,
        from,
        &mut reply,
    ) {
        Verdict::Reply { octets, .. } => Some(reply[..octets].to_vec()),
        Verdict::Silence => panic!("a query is answered"),
        Verdict::Full | Verdict::Foreign | Verdict::Pattern => None,
    }
}

/// The most octets that a reply over UDP may have, reckoned anew.
fn limit(query: &Query, setting: &Setting, reply: &Reply) -> usize {
    let offered = query.rest.get(3..5).map_or(512, |it| u16::from_be_bytes([it[0], it[1]]));
    let limit = usize::from(offered.clamp(512, 1232));
    let opt = if query.rest.is_empty() { 0 } else { OPT };
    let nsid = reply.option(3).map_or(0, |data| 4 + data.len());
    let cookie = reply.option(10).map_or(0, |data| 4 + data.len());
    let strict = AMPLIFICATION_MAX * query.bytes().len();
    let least = 12 + query.question.len() + opt + nsid + cookie + 10;
    if setting.strict_amplification { limit.min(strict.max(least)) } else { limit }
}

/// Checks that both paths mean the same. The full one may compress the names of an SOA
/// record better, and find room for it in a very small reply where the fast one has none.
fn check(setting: &Setting, fast: &Reply, full: &Reply) {
    let is_cut = fast.is_truncated() && !full.is_truncated() && setting.strict_amplification;
    if is_cut && full.message.as_ref().unwrap().authorities.len() == 1 {
        assert_eq!((fast.code(), fast.option(10)), (full.code(), full.option(10)));
        return;
    }
    check_same(fast, full, "fast, full");
}

/// The options of a client, on the wire, and whether it has shown a cookie of ours: the
/// first counts.
fn options(fixture: &Fixture, client: SocketAddr, choices: &[Choice]) -> (Vec<u8>, bool) {
    let (mut octets, mut is_known) = (Vec::new(), None);
    for choice in choices {
        let (code, data, is_valid) = match choice {
            Choice::Raw(code, data) => (*code, data.clone(), false),
            Choice::Given(ago) => (10, given(fixture, client, *ago), *ago <= 3600),
        };
        octets.extend(code.to_be_bytes());
        octets.extend((data.len() as u16).to_be_bytes());
        octets.extend(data);
        if code == 10 {
            is_known.get_or_insert(is_valid);
        }
    }
    (octets, is_known.unwrap_or(false))
}

/// Asks both paths, and checks what they say and in how much room.
fn check_paths(fixture: &Fixture, setting: &Setting, query: &Query, is_known: bool, from: Peer) {
    let (policy, message) = (Arc::new(setting.policy()), query.bytes());
    let slow = Reply::new(full(fixture, &policy, &message, from));
    let quick = fast(fixture, &policy, &message, from).map(Reply::new);
    if let Some(quick) = &quick {
        check(setting, quick, &slow);
        assert_ne!(slow.code(), 1, "a format error is for the full path");
    }
    let is_known = is_known && setting.cookies.is_some();
    for reply in quick.iter().chain([&slow]).filter(|_| from.transport == Transport::Udp) {
        assert!(reply.octets.len() <= 1232 && reply.option(11).is_none());
        assert!(is_known || reply.octets.len() <= limit(query, setting, &slow));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn both_paths_tell_the_same(
        registered in registrations(),
        stale: bool,
        setting in setting(),
        asked in proptest::collection::vec((names(), 0usize..4, choices(), 0u16..2000), 8),
        plain in prop::bool::weighted(0.1),
    ) {
        let fixture = world(&registered, stale);
        for (name, kind, choices, size) in asked {
            for (client, transport) in [
                ("192.0.2.1:5353", Transport::Udp),
                ("[2001:db8::1]:5353", Transport::Udp),
                ("192.0.2.1:5353", Transport::Tcp),
            ] {
                let client = client.parse().unwrap();
                let (options, is_known) = options(&fixture, client, &choices);
                let mut query = Query::new(&name.to_lowercase(), [33, 1, 28, 16][kind]);
                if !plain {
                    query = query.edns(size, 0, 0, &options);
                }
                check_paths(&fixture, &setting, &query, is_known && !plain, Peer { address: client, transport });
            }
        }
    }
}
