//! TXT records: what registrations say in words.

use std::collections::HashSet;

use hickory_proto::rr::rdata::TXT;
use hickory_proto::rr::{RData, RecordType};

use super::answer::FIXED;
use super::{Lookup, Overflow, RrSet, RrSetResult, TooLarge};
use crate::index::Node;
use crate::names::{MESSAGE_MAX, STRING_MAX};
use crate::registry::{Details, Instance};

/// The most octets of data that surely fit a message over TCP: 65,535 less a header, a
/// question, an OPT record and the record's own fixed part. A longer text is left out,
/// since no client could ever be given it.
const DATA_MAX: usize = MESSAGE_MAX - 12 - 259 - 17 - FIXED;

/// The strings of one record.
type Strings = Vec<Vec<u8>>;

impl Lookup<'_> {
    /// The TXT records at a node.
    pub(super) fn txt(&self, node: Node<'_>) -> RrSetResult {
        match node {
            Node::Service(service) => self.txt_of(service.with_text(), said),
            Node::Tag(service) => self.txt_of(service.with_tag(self.name.label(0)), said),
            Node::Instance(service) => self.txt_of(service.with_id(self.name.label(0)), described),
            // RFC 6763 section 6.1: it is there even if there is nothing to be said.
            Node::Announced(service, proto) => {
                let instances = service.announced(self.name.label(0), proto);
                self.txt_of(instances, |it| described(it).or_else(|| Some(vec![Vec::new()])))
            }
            _ => Ok(None),
        }
    }

    /// The distinct records that instances give.
    fn txt_of<'i>(
        &self,
        instances: impl Iterator<Item = &'i Instance>,
        record: impl Fn(&'i Instance) -> Option<Strings>,
    ) -> RrSetResult {
        let (zone_ttl, room) = (self.settings().ttl, self.question.room);
        let (mut ttl, mut octets, mut records, mut is_cut) = (u32::MAX, 0, Vec::new(), false);
        let mut seen: HashSet<Strings, foldhash::fast::RandomState> = HashSet::default();
        let mut left = self.looked_at();
        for instance in instances {
            if left == 0 {
                is_cut = true;
                break;
            }
            left -= 1;
            let Some(strings) = record(instance) else { continue };
            self.visits.note(|| self.settings().layout().key_of(instance));
            ttl = ttl.min(instance.ttl.unwrap_or(zone_ttl));
            if !seen.insert(strings.clone()) {
                continue;
            }
            let taken = FIXED + data_octets(&strings);
            // One that never fits keeps nothing else out.
            let is_last = octets + taken > room.octets && taken <= room.octets;
            match room.overflow {
                _ if octets + taken <= room.octets => {
                    octets += taken;
                    records.push(strings);
                }
                Overflow::Whole => return Err(TooLarge),
                Overflow::Truncate | Overflow::Cut => is_cut = true,
            }
            if is_last {
                break;
            }
        }
        let data: Vec<_> = records.iter().map(data).collect();
        let (owner, ranks) = (self.question.name.clone(), Vec::new());
        let kind = RecordType::TXT;
        let is_there = !data.is_empty() || is_cut;
        Ok(is_there.then_some(RrSet { owner, kind, ttl, data, ranks, is_cut }))
    }
}

/// Everything that an instance says of itself.
fn described(instance: &Instance) -> Option<Strings> {
    describe(instance.details.as_ref()?)
}

/// The text of an instance.
fn said(instance: &Instance) -> Option<Strings> {
    strings(instance.details.as_ref()?.text.as_deref()?)
}

/// The record of a text with the octets of its data; none of an empty text, or of one that
/// no message carries.
pub(super) fn record(text: &str) -> Option<(usize, RData)> {
    let strings = strings(text)?;
    Some((data_octets(&strings), data(&strings)))
}

/// A text in pieces that fit character strings; none of an empty text.
fn strings(text: &str) -> Option<Strings> {
    fitting(text.as_bytes().chunks(STRING_MAX).map(<[u8]>::to_vec).collect())
}

/// Metadata by key, then version, tags and text. A pair that is too long is left out.
fn describe(details: &Details) -> Option<Strings> {
    let meta = details.meta.iter().map(|(key, value)| pair(key, value));
    let version = details.version.iter().map(|version| pair("version", version));
    let tags = details.tags.iter().map(|tag| pair("tag", tag));
    let mut all: Strings =
        meta.chain(version).chain(tags).filter(|pair| pair.len() <= STRING_MAX).collect();
    all.extend(details.text.as_deref().and_then(strings).into_iter().flatten());
    fitting(all)
}

/// `key=value`
fn pair(key: &str, value: &str) -> Vec<u8> {
    format!("{key}={value}").into_bytes()
}

/// The strings of a record that has any and that a message can carry.
fn fitting(strings: Strings) -> Option<Strings> {
    (!strings.is_empty() && data_octets(&strings) <= DATA_MAX).then_some(strings)
}

/// The octets of a record's data.
fn data_octets(strings: &Strings) -> usize {
    strings.iter().map(|string| 1 + string.len()).sum()
}

/// The data of a record.
fn data(strings: &Strings) -> RData {
    RData::TXT(TXT::from_bytes(strings.iter().map(Vec::as_slice).collect()))
}
