//! All that is asked, as it is served: a registry's zone, one of SkyDNS's schema, a zone file, a
//! reverse zone.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use srvd::index::{Index, NextZone, NextZones, Publisher, Schema, Settings};
use srvd::names::WireName;
use srvd::registry::{Layout, Publish, Table, Update};
use srvd::wire::{Cookies, Fast, Peer, Policy, READY_MAX, Responder, UDP_MAX, Verdict, View};

use crate::data::ZONE;
use crate::fixture::{settings, settings_of_file};
use crate::said::{HEAD, REVERSE, SKY, STATIC, pairs, static_lines};

/// Who asks.
const CLIENT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 53_000);

/// What is served, and what answers.
pub(crate) struct World {
    /// What is true.
    index: Arc<Index>,
    /// A worker's ready-made answers.
    fast: Fast,
    /// The full path, and what makes answers ready behind it.
    full: Responder,
    unhurried: Fast,
    /// How messages are answered.
    policy: Policy,
    /// Room for replies.
    reply: Vec<u8>,
    large: Vec<u8>,
    /// The full path's replies, each of which has the length of its own.
    replied: Vec<u8>,
    /// How many queries were asked since somebody wanted to know, and of them from ready answers.
    asked: [usize; 2],
}

impl World {
    /// Everything, listed.
    pub(crate) fn new() -> Self {
        let index = Arc::new(Index::empty());
        let apex = WireName::from_text(SKY).unwrap();
        let layouts = [Layout::new("/services", None), Layout::of_labels("/skydns", &apex)];
        let layouts = layouts.map(Result::unwrap);
        index.renew(zones(&layouts[1]));
        let ids = index.load().read_ids();
        let publishers = ids.into_iter().map(|id| Publisher::of(Arc::clone(&index), id));
        let (mut tables, mut updates) =
            (layouts.map(Table::new), [(); 2].map(|()| Update::default()));
        for (key, value) in pairs() {
            let at = usize::from(key.starts_with("/skydns"));
            tables[at].put(key.as_bytes(), value.as_bytes(), &mut updates[at]);
        }
        for (mut publisher, update) in publishers.zip(updates) {
            publisher.publish(Update { revision: 1, ..update });
        }
        Self {
            full: Responder::new(Arc::clone(&index)),
            index,
            fast: Fast::new(),
            unhurried: Fast::unbounded(),
            policy: policy(),
            reply: vec![0; UDP_MAX.into()],
            large: vec![0; READY_MAX],
            replied: Vec::new(),
            asked: [0; 2],
        }
    }

    /// Asks, so that what can be made ready is.
    pub(crate) fn warm(&mut self, query: &[u8]) {
        let generation = self.index.load();
        let view = View { generation: &generation, policy: &self.policy };
        let from = Peer::udp(CLIENT);
        if !matches!(self.fast.respond(view, query, from, &mut self.reply), Verdict::Reply { .. }) {
            let _ = self.unhurried.respond(view, query, from, &mut self.large);
        }
    }

    /// Asks as a client over UDP does.
    pub(crate) fn ask(&mut self, query: &[u8]) {
        let generation = self.index.load();
        let view = View { generation: &generation, policy: &self.policy };
        self.asked[0] += 1;
        match self.fast.respond(view, query, Peer::udp(CLIENT), &mut self.reply) {
            Verdict::Reply { .. } => self.asked[1] += 1,
            _ => {
                let _ = self.full.respond(query, Peer::udp(CLIENT), &mut self.replied);
            }
        }
    }

    /// How many of a hundred queries were answered from ready answers since it was last asked.
    pub(crate) fn ready(&mut self) -> f64 {
        let [asked, ready] = std::mem::take(&mut self.asked);
        100.0 * ready as f64 / asked as f64
    }
}

/// What is configured beside the zones.
fn policy() -> Policy {
    let cookies = Some(Cookies::new([7; 16], &[]));
    Policy { cookies, nsid: Some((*b"bench").into()), ..Policy::default() }
}

/// The zones.
fn zones(sky: &Layout) -> NextZones {
    let registry = [
        settings(&format!("{ZONE}.")).naming_addresses(true),
        settings(&format!("{SKY}.")).of_schema(Schema::SkyDns).reading(sky.clone()),
    ];
    let same = |settings: Settings| NextZone { settings: Arc::new(settings), is_same: true };
    let reverse = settings(&format!("{REVERSE}.")).of_schema(Schema::Static).reversing();
    let text = format!("{HEAD}{}\n", static_lines().join("\n"));
    let alone = settings_of_file(&format!("{STATIC}."), &text, true);
    NextZones {
        registry: registry.map(same).into(),
        others: vec![Arc::new(alone), Arc::new(reverse)],
        bare_names: true,
    }
}
