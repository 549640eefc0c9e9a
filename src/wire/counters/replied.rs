//! The counted properties of a reply, read from its octets: so whatever wrote it counts alike,
//! and the fast path, which knows without reading, can be held to it.

use std::net::IpAddr;
use std::time::Duration;

use hickory_proto::rr::RecordType;

use super::{Code, Kind, Origin, Path, RefusalCause, Replied, Topic, Truncation};
use crate::authority::Resolved;
use crate::index::{Generation, ZoneNumber};
use crate::names::WireName;
use crate::wire::full::OPT;
use crate::wire::{HEADER, Peer, Policy, Responder, View};

/// The flag TC, in the third octet.
const TRUNCATED: u8 = 0x02;
/// The flag RD, in the third octet.
const RECURSION_DESIRED: u8 = 0x01;
/// The opcode, in the third octet; that of queries is 0.
const OPCODE: u8 = 0x78;
/// The class of everything we have, and the one that stands for any.
const CLASSES: [[u8; 2]; 2] = [[0, 1], [0, 255]];
/// The numbers of meta types (RFC 6895 section 3.1), which are refused but for ANY.
const META: std::ops::RangeInclusive<u16> = 128..=254;

/// The question of a reply.
struct RepliedQuestion {
    name: WireName,
    /// The type.
    kind: u16,
    class: [u8; 2],
    /// Where the question ends.
    end: usize,
}

impl Replied {
    /// What is counted of a reply to a client, by the generation and policy it was made of.
    #[must_use]
    pub fn read(view: View<'_>, client: IpAddr, reply: &[u8]) -> Self {
        let octets = reply.len();
        let Some(header) = reply.first_chunk::<HEADER>() else {
            let (topic, code) = (Topic::UNKNOWN, Code::of(u16::MAX));
            return Self { topic, code, octets, truncation: None, refusal: None };
        };
        let question = RepliedQuestion::read(header, reply);
        let may_query = view.policy.may_query(client);
        let topic = question.as_ref().map_or(Topic::UNKNOWN, |question| {
            let shown = Some(view.generation).filter(|_| may_query);
            question.topic(shown)
        });
        let code = Code::of(code(header, reply, question.as_ref()));
        let truncation = (header[2] & TRUNCATED != 0).then_some(Truncation::Size);
        let refusal = (code == Code::REFUSED).then(|| match &question {
            _ if !may_query => RefusalCause::Client,
            Some(question) if header[2] & OPCODE == 0 && question.is_offered(topic.zone) => {
                let is_asked =
                    header[2] & RECURSION_DESIRED != 0 && view.policy.forwarder.is_some();
                if is_asked { RefusalCause::Recursion } else { RefusalCause::Foreign }
            }
            _ => RefusalCause::Unsupported,
        });
        Self { topic, code, octets, truncation, refusal }
    }
}

impl Responder {
    /// Counts a reply that took so long, and logs it if the policy has queries logged.
    pub(in crate::wire) fn count(
        &self,
        policy: &Policy,
        (from, path): (Peer, Path),
        reply: &[u8],
        replied: &Replied,
        took: Duration,
    ) {
        self.counters().reply(Origin::of(from, path), replied);
        if let Some(log) = &policy.query_log {
            log.offer(from, reply, replied, || took);
        }
    }
}

impl RepliedQuestion {
    /// The question after a header, if there is one.
    fn read(header: &[u8; HEADER], reply: &[u8]) -> Option<Self> {
        if header[4..6] != [0, 1] {
            return None;
        }
        let mut name = WireName::root();
        let end = HEADER + name.read(&reply[HEADER..])?;
        let [kind_high, kind_low, class @ ..] = *reply.get(end..)?.first_chunk::<4>()?;
        Some(Self { name, kind: u16::from_be_bytes([kind_high, kind_low]), class, end: end + 4 })
    }

    /// What it is about; to whom no generation is shown, as if no name were ours.
    fn topic(&self, shown: Option<&Generation>) -> Topic {
        let zone = shown.map_or(ZoneNumber::NONE, |shown| zone_above(shown, &self.name));
        Topic { zone, kind: Kind::of(RecordType::from(self.kind)) }
    }

    /// Whether it could be answered if its name were in a zone of ours, which it is not.
    fn is_offered(&self, zone: ZoneNumber) -> bool {
        zone == ZoneNumber::NONE && CLASSES.contains(&self.class) && !META.contains(&self.kind)
    }
}

/// The code of a reply. Only replies of a code and nothing else have upper bits, which stand
/// in the OPT record right after the question.
fn code(header: &[u8; HEADER], reply: &[u8], question: Option<&RepliedQuestion>) -> u16 {
    let low = u16::from(header[3] & 0x0f);
    let rest = reply.get(question.map_or(HEADER, |question| question.end)..);
    let has_opt = header[6..HEADER - 1] == [0; 5] && header[HEADER - 1] > 0;
    match rest.filter(|_| has_opt) {
        Some([0, kind_high, kind_low, _, _, upper, ..])
            if u16::from_be_bytes([*kind_high, *kind_low]) == OPT =>
        {
            u16::from(*upper) << 4 | low
        }
        _ => low,
    }
}

/// Under which number a name is counted, by where it leads.
pub(in crate::wire) fn zone_of(
    generation: &Generation,
    resolved: &Resolved<'_>,
    name: &WireName,
) -> ZoneNumber {
    match resolved {
        Resolved::Foreign => ZoneNumber::NONE,
        Resolved::NotReady => zone_above(generation, name),
        Resolved::Missing(position) | Resolved::Existing(position, _) => {
            position.zone.settings().counted_as()
        }
    }
}

/// The number of the zone that a name is in. Bare names are counted for the zone that they
/// are of.
fn zone_above(generation: &Generation, name: &WireName) -> ZoneNumber {
    let site = generation.locate(name).map(|(site, _)| site);
    site.map_or(ZoneNumber::NONE, |site| generation.zone(site).settings().counted_as())
}
