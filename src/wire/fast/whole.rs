//! Answers that are sent as they stand: RRsets whose names are compressed, chains of aliases,
//! referrals.
//!
//! Names point to the question and to each other, as in a reply of the full path. A pointer to the
//! question's first octet stays what it is; all others move with the end of the question, so that
//! one answer is right for every name that shares its right labels: all that a wildcard stands
//! for, all below a zone cut. Addresses are put in a fresh order in place; the others of such
//! RRsets have none that matters. Where not all of the additional section fits, its last RRsets
//! are left out.

use hickory_proto::rr::rdata::{CNAME, MX, NS, PTR, SOA, SRV};
use hickory_proto::rr::{Name, RData, RecordType};
use hickory_proto::serialize::binary::{BinEncodable, BinEncoder, NameEncoding};

use super::compile::{ReadyQuestion, is_limited, times};
use super::compose::{ADDITIONAL, ANSWERS, AUTHORITY, Composer, Declined, WriteResult};
use crate::authority::{Answer, Draw, Footprint, RrSet};
use crate::index::{Generation, Ready, Run, SetEnd, Site, Whole};
use crate::names::WireName;
use crate::wire::{HEADER, UDP_MAX};

/// Octets of such an answer: what a datagram of the usual size has room for.
pub(super) const WHOLE_MAX: usize = UDP_MAX as usize - HEADER - 5;
/// The most addresses of an RRset that are put in a fresh order.
const RUN_MAX: usize = WHOLE_MAX / 16;
/// The most that a pointer can tell (RFC 1035 section 4.1.4).
const POINTED_MAX: usize = 0x3fff;
/// The mark of a pointer.
const POINTER: u16 = 0xc000;

/// The answer that the authority gives, made ready; none where it is too large, or another one the
/// next time.
pub(super) fn whole(
    asked: &ReadyQuestion<'_>,
    answer: &Answer,
    footprint: &Footprint,
) -> Option<Ready> {
    let cannot_be_kept = answer.truncated || footprint.varies;
    let is_of_registrations = is_limited(asked, &answer.answers, footprint)
        || is_limited(asked, &answer.additional, footprint);
    let is_empty = answer.answers.is_empty() && answer.authority.is_none();
    if cannot_be_kept || is_of_registrations || is_empty || may_come_back(asked, answer) {
        return None;
    }
    let mut writer = Writer::new(asked);
    answer.answers.iter().try_for_each(|set| writer.set(set, true))?;
    let answers = writer.records;
    answer.authority.iter().try_for_each(|set| writer.set(set, false))?;
    let (authority, required) = (writer.records - answers, writer.octets.len());
    let additional = writer.additional(&answer.additional)?;
    let is_complete = additional.len() == answer.additional.len() && !footprint.is_short;
    let Writer { octets, pointers, runs, serial, .. } = writer;
    Some(Ready::Whole(Box::new(Whole {
        octets: octets.into(),
        asked: asked.name.as_wire().len(),
        pointers: pointers.into(),
        answers,
        authority,
        required,
        additional: additional.into(),
        is_complete,
        needs_all: answer.needs_glue,
        is_authoritative: answer.authoritative,
        code: answer.code.low(),
        is_alias: answer.answers.first().is_some_and(|set| is_alias(set, asked.kind)),
        leaves: answer.leaves.is_some(),
        serial,
        runs: runs.into(),
    })))
}

/// Whether the answer of a wildcard leads to names that it may stand for itself: that of one of
/// these is another one.
fn may_come_back(asked: &ReadyQuestion<'_>, answer: &Answer) -> bool {
    let is_written = |set: &RrSet| {
        let position = &asked.position;
        let Ok(owner) = WireName::from_labels(set.owner.iter()) else { return false };
        let site = asked.generation.locate(&owner);
        site.is_some_and(|(site, below)| {
            site != position.site || position.zone.is_written(&owner, below)
        })
    };
    asked.shared < asked.name.labels() && !answer.answers.iter().skip(1).all(is_written)
}

/// Whether an RRset leads from the question's name to another.
fn is_alias(set: &RrSet, asked: RecordType) -> bool {
    set.kind == RecordType::CNAME && asked != RecordType::CNAME
}

/// An answer that is being written.
struct Writer<'w> {
    /// What is asked.
    asked: &'w ReadyQuestion<'w>,
    /// The records so far.
    octets: Vec<u8>,
    /// How many.
    records: u16,
    /// Where pointers stand that move.
    pointers: Vec<u16>,
    /// Names that were written, each with where it stands in the message.
    names: Vec<(Box<[u8]>, usize)>,
    /// Addresses that are put in a fresh order.
    runs: Vec<Run>,
    /// Where a serial stands.
    serial: Option<(usize, Site)>,
}

impl<'w> Writer<'w> {
    /// Nothing yet; names can point into the question.
    fn new(asked: &'w ReadyQuestion<'w>) -> Self {
        let first = asked.name.labels().saturating_sub(asked.shared);
        let suffix = |at: usize| (asked.name.suffix(at).into(), HEADER + asked.name.offset(at));
        let names = (first..asked.name.labels()).map(suffix).collect();
        let (octets, pointers, runs) = (Vec::new(), Vec::new(), Vec::new());
        Self { asked, octets, records: 0, pointers, names, runs, serial: None }
    }

    /// Where the next octet stands in the message.
    fn at(&self) -> usize {
        HEADER + self.asked.name.as_wire().len() + 4 + self.octets.len()
    }

    /// Writes an RRset; none where it does not fit. Answers may have the question's own owner.
    fn set(&mut self, set: &RrSet, is_answer: bool) -> Option<()> {
        let owner = WireName::from_labels(set.owner.iter()).ok()?;
        let is_asked = is_answer && owner == *self.asked.name;
        let mut places = Vec::new();
        for data in &set.data {
            match is_asked {
                true => self.octets.extend((POINTER | HEADER as u16).to_be_bytes()),
                false => self.name(&set.owner, true)?,
            }
            self.octets.extend(u16::from(set.kind).to_be_bytes());
            self.octets.extend([0, 1]);
            self.octets.extend(set.ttl.to_be_bytes());
            let length = self.octets.len();
            self.octets.extend([0, 0]);
            self.data(set, data)?;
            let octets = u16::try_from(self.octets.len() - length - 2).ok()?;
            self.octets[length..length + 2].copy_from_slice(&octets.to_be_bytes());
            places.push(length as u16 + 2);
            self.records += 1;
        }
        self.run(set, places)?;
        (self.octets.len() <= WHOLE_MAX).then_some(())
    }

    /// Notes the addresses of an RRset of several.
    fn run(&mut self, set: &RrSet, places: Vec<u16>) -> Option<()> {
        let octets = match set.kind {
            RecordType::A => 4,
            RecordType::AAAA => 16,
            _ => return Some(()),
        };
        if places.len() > 1 {
            let is_even = set.ranks.iter().all(|rank| Some(rank) == set.ranks.first());
            let ranks = if is_even { Box::default() } else { set.ranks.clone().into() };
            self.runs.push(Run { octets, places: places.into(), ranks });
        }
        self.runs.last().is_none_or(|run| run.places.len() <= RUN_MAX).then_some(())
    }

    /// Writes RRsets until one does not fit. Gives where each ends.
    fn additional(&mut self, sets: &[RrSet]) -> Option<Vec<SetEnd>> {
        let (mut ends, before) = (Vec::new(), self.records);
        for set in sets {
            let (octets, pointers) = (self.octets.len(), self.pointers.len());
            let (records, runs) = (self.records, self.runs.len());
            if self.set(set, false).is_none() {
                self.octets.truncate(octets);
                self.pointers.truncate(pointers);
                self.runs.truncate(runs);
                self.records = records;
                break;
            }
            let (at, records) = (self.octets.len() as u16, self.records - before);
            ends.push(SetEnd { at, records });
        }
        Some(ends)
    }

    /// Writes the data of a record. Names are compressed in the types of RFC 1035 alone (RFC 3597
    /// section 4).
    fn data(&mut self, set: &RrSet, data: &RData) -> Option<()> {
        match data {
            RData::NS(NS(name)) | RData::CNAME(CNAME(name)) | RData::PTR(PTR(name)) => {
                self.name(name, true)
            }
            RData::MX(MX { preference, exchange, .. }) => {
                self.octets.extend(preference.to_be_bytes());
                self.name(exchange, true)
            }
            RData::SRV(SRV { priority, weight, port, target, .. }) => {
                let numbers = [priority, weight, port].map(|it| it.to_be_bytes());
                self.octets.extend(numbers.as_flattened());
                self.name(target, false)
            }
            RData::SOA(soa) => self.start_of_authority(set, soa),
            data => {
                let mut octets = Vec::new();
                let mut encoder = BinEncoder::new(&mut octets);
                encoder.set_name_encoding(NameEncoding::Uncompressed);
                data.emit(&mut encoder).ok()?;
                self.octets.extend(octets);
                Some(())
            }
        }
    }

    /// Writes the data of an SOA record, and notes where its serial stands.
    fn start_of_authority(&mut self, set: &RrSet, soa: &SOA) -> Option<()> {
        let owner = WireName::from_labels(set.owner.iter()).ok()?;
        let (site, _) = self.asked.generation.locate(&owner)?;
        self.name(&soa.mname, true)?;
        self.name(&soa.rname, true)?;
        self.serial = Some((self.octets.len(), site));
        self.octets.extend(soa.serial.to_be_bytes());
        self.octets.extend(times(soa));
        Some(())
    }

    /// Writes a name; its end, if that stands somewhere already and this may be said so, as a
    /// pointer to there.
    fn name(&mut self, name: &Name, may_point: bool) -> Option<()> {
        let labels: Vec<&[u8]> = name.iter().collect();
        for first in 0..labels.len() {
            let suffix = wire(&labels[first..]);
            let known = self.names.iter().find(|(known, _)| known.eq_ignore_ascii_case(&suffix));
            match known {
                Some(&(_, at)) if may_point => {
                    let place = u16::try_from(self.octets.len()).ok()?;
                    self.pointers.push(place);
                    self.octets.extend((POINTER | at as u16).to_be_bytes());
                    return Some(());
                }
                Some(_) => {}
                None if self.at() <= POINTED_MAX => self.names.push((suffix, self.at())),
                None => {}
            }
            self.octets.push(labels[first].len() as u8);
            self.octets.extend(labels[first]);
        }
        self.octets.push(0);
        Some(())
    }
}

/// Labels in wire form.
fn wire(labels: &[&[u8]]) -> Box<[u8]> {
    let mut octets = Vec::new();
    for label in labels {
        octets.push(label.len() as u8);
        octets.extend(*label);
    }
    octets.push(0);
    octets.into()
}

impl Composer<'_> {
    /// Writes an answer as it stands, as much of its additional section as fits.
    ///
    /// # Errors
    /// [`Declined`] where what must be there does not fit, or more may fit than is kept.
    pub(super) fn whole(
        &mut self,
        kept: &Whole,
        (generation, name): (&Generation, &WireName),
        draw: &mut Draw,
    ) -> WriteResult {
        let (start, room) = (self.at, self.end.saturating_sub(self.at));
        let fits = kept.additional.iter().rev().find(|end| usize::from(end.at) <= room);
        let (end, additional) =
            fits.map_or((kept.required, 0), |end| (usize::from(end.at), end.records));
        let is_all = end == kept.octets.len();
        if end > room || kept.needs_all && !(is_all && kept.is_complete) {
            return Err(Declined);
        }
        if is_all && !kept.is_complete {
            return Err(Declined);
        }
        let octets = kept.octets.get(..end).ok_or(Declined)?;
        self.reply[start..start + end].copy_from_slice(octets);
        self.at = start + end;
        let counts = [(ANSWERS, kept.answers), (AUTHORITY, kept.authority)];
        for (at, count) in counts.into_iter().chain([(ADDITIONAL, additional)]) {
            self.reply[at - 1..=at].copy_from_slice(&count.to_be_bytes());
        }
        let written = &mut self.reply[start..start + end];
        relocate(written, kept, name.as_wire().len());
        if let Some((at, site)) = kept.serial.filter(|(at, _)| at + 4 <= end) {
            written[at..at + 4].copy_from_slice(&generation.serial(site).to_be_bytes());
        }
        kept.runs.iter().for_each(|run| arrange(written, run, draw));
        Ok(())
    }
}

/// Moves what is pointed to, where the question is of another length than that which an answer was
/// made for.
fn relocate(written: &mut [u8], kept: &Whole, asked: usize) {
    if asked == kept.asked {
        return;
    }
    for at in kept.pointers.iter().map(|at| usize::from(*at)) {
        let Some(pointer) = written.get_mut(at..at + 2) else { break };
        let before = usize::from(u16::from_be_bytes([pointer[0], pointer[1]]) & !POINTER);
        let moved = (before + asked).saturating_sub(kept.asked) as u16;
        pointer.copy_from_slice(&(POINTER | moved).to_be_bytes());
    }
}

/// Puts addresses into a fresh order. Those that were not written are the last.
fn arrange(written: &mut [u8], run: &Run, draw: &mut Draw) {
    let number = run.places.len();
    let last = run.places.last().map_or(0, |last| usize::from(*last) + run.octets);
    if last > written.len() || number > RUN_MAX {
        return;
    }
    let mut order = std::array::from_fn::<_, RUN_MAX, _>(|at| at as u16);
    match &run.ranks[..] {
        [] => draw.shuffle(&mut order[..number]),
        ranks => draw.arrange(&mut order[..number], |at| ranks[usize::from(at)]),
    }
    let mut addresses = [[0; 16]; RUN_MAX];
    for (address, at) in addresses.iter_mut().zip(&run.places) {
        let at = usize::from(*at);
        address[..run.octets].copy_from_slice(&written[at..at + run.octets]);
    }
    for (at, from) in run.places.iter().zip(order) {
        let at = usize::from(*at);
        let address = &addresses[usize::from(from)][..run.octets];
        written[at..at + run.octets].copy_from_slice(address);
    }
}
