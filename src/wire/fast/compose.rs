//! A reply from ready-made pieces, written straight into its buffer. Nothing is allocated.

use super::query::Query;
use crate::authority::{Draw, Position};
use crate::index::{Order, Records, Relative, Site, StartOfAuthority};
use crate::names::WireName;
use crate::wire::edns::{Budget, Edns, Told};
use crate::wire::{COPIED, HEADER, Policy, UDP_MAX};

/// The flag that a message is a response.
const RESPONSE: u8 = 0x80;
/// The flag AA.
const AUTHORITATIVE: u8 = 0x04;
/// The flag TC.
const TRUNCATED: u8 = 0x02;
/// Octets before the target in an SRV record: owner, type, class, TTL, length, numbers.
const BEFORE_TARGET: usize = 12 + 6;
/// The most records of an answer that is sent: each takes 12 octets at least.
pub(super) const RECORDS_MAX: usize = 128;
const _: () = assert!(UDP_MAX as usize / 12 < RECORDS_MAX);
/// Octets of answers that any datagram has room for, beside a header and the shortest
/// question. More is never sent from here.
pub(super) const ANSWERS_MAX: usize = UDP_MAX as usize - HEADER - 5;
/// Where ANCOUNT, NSCOUNT and ARCOUNT stand in a header.
const ANSWERS: usize = 7;
/// NSCOUNT, its lower octet.
const AUTHORITY: usize = 9;
/// ARCOUNT, its lower octet.
const ADDITIONAL: usize = 11;

/// A reply that is being written.
pub(super) struct Composer<'r> {
    /// Its buffer.
    reply: &'r mut [u8],
    /// How much of it is written.
    at: usize,
    /// Where records must end, so that the OPT record still fits.
    end: usize,
}

/// This reply is for the full path.
#[derive(Debug)]
pub(super) struct Declined;

/// Whether something could be written.
pub(super) type Written = Result<(), Declined>;

impl<'r> Composer<'r> {
    /// A reply with its header and question, and nothing in it yet.
    ///
    /// # Errors
    /// [`Declined`] when these do not fit.
    pub(super) fn new(
        query: &Query<'_>,
        budget: Budget,
        reply: &'r mut [u8],
    ) -> Result<Self, Declined> {
        let limit = reply.len().min(budget.limit.into());
        let end = limit.checked_sub(budget.reserved.into()).ok_or(Declined)?;
        let mut composer = Self { reply, at: 0, end };
        let [id_high, id_low, flags, more_flags] = query.head;
        let (flags, more_flags) = (RESPONSE | flags & COPIED[0], more_flags & COPIED[1]);
        composer.put(&[id_high, id_low, flags, more_flags, 0, 1, 0, 0, 0, 0, 0, 0])?;
        composer.put(query.question)?;
        Ok(composer)
    }

    /// Says that the zone is ours, and known.
    pub(super) fn authoritative(&mut self) {
        self.reply[2] |= AUTHORITATIVE;
    }

    /// Asks the client to come back over TCP.
    pub(super) fn truncate(&mut self) {
        self.reply[2] |= TRUNCATED;
    }

    /// Whether it asks so.
    pub(super) fn is_truncated(&self) -> bool {
        self.reply[2] & TRUNCATED != 0
    }

    /// Writes records in a fresh order, and the addresses of their targets as far as these
    /// fit; truncates where the records themselves do not fit.
    ///
    /// # Errors
    /// [`Declined`] never, as long as the records take what their sum says.
    pub(super) fn records(&mut self, kept: &Records, draw: &mut Draw) -> Written {
        let is_whole = kept.records.len() == kept.sent;
        let may_exceed = self.at + kept.answers > self.end;
        // Over TCP all would have to fit, with all glue; whether they do must not depend on
        // the draw, for the full path makes another.
        if !is_whole && self.end > UDP_MAX.into() && kept.answers > ANSWERS_MAX {
            return Err(Declined);
        }
        if is_whole && may_exceed {
            self.truncate();
            return Ok(());
        }
        if is_whole {
            fetch(&kept.octets);
        }
        let mut places = [0; RECORDS_MAX];
        let places = places.get_mut(..kept.sent).ok_or(Declined)?;
        arrange(kept, places, draw);
        if may_exceed && self.at + taken(kept, places) > self.end {
            self.truncate();
            return Ok(());
        }
        let mut starts = [0_u16; RECORDS_MAX];
        for (place, start) in places.iter().zip(&mut starts) {
            *start = self.at as u16;
            self.put(octets(kept, &kept.records[usize::from(*place)].answer))?;
        }
        self.reply[ANSWERS] = places.len() as u8;
        self.glue(kept, places, &starts);
        Ok(())
    }

    /// Writes the addresses of the targets of records, once each, until one does not fit. With
    /// each record comes where it stands.
    fn glue(&mut self, kept: &Records, places: &[u16], starts: &[u16]) {
        let mut seen = 0_u128;
        for (number, (place, start)) in places.iter().zip(starts).enumerate() {
            let record = &kept.records[usize::from(*place)];
            let bit = 1_u128 << (record.target % 128);
            // Of more targets than bits, two can have one.
            let is_met = |other: &u16| kept.records[usize::from(*other)].glue == record.glue;
            let is_seen = seen & bit != 0 && places[..number].iter().any(is_met);
            if is_seen || record.glue.is_empty() {
                continue;
            }
            seen |= bit;
            let data = octets(kept, &record.glue);
            if self.at + 2 + data.len() > self.end {
                break;
            }
            // There is room for both, and so both are written.
            let _ = self.point_to(usize::from(*start) + BEFORE_TARGET);
            let _ = self.put(data);
            self.reply[ADDITIONAL] += 1;
        }
    }

    /// Writes the SOA record of a negative answer; truncates where it does not fit.
    pub(super) fn negative(
        &mut self,
        soa: &StartOfAuthority,
        position: &Position<'_>,
        name: &WireName,
    ) {
        let start = self.at;
        if self.start_of_authority(soa, position, name).is_err() {
            self.at = start;
            self.truncate();
        }
    }

    /// Writes a zone's SOA record.
    fn start_of_authority(
        &mut self,
        soa: &StartOfAuthority,
        position: &Position<'_>,
        name: &WireName,
    ) -> Written {
        let apex = HEADER + name.offset(position.below);
        self.point_to(apex)?;
        self.put(&[0, 6, 0, 1])?;
        self.put(&soa.ttl.to_be_bytes())?;
        let length = self.at;
        self.put(&[0, 0])?;
        // The zone's apex is not that of the bare names.
        let mut apex = matches!(position.site, Site::Zone(_)).then_some(apex);
        for name in &soa.names {
            apex = self.name(name, apex)?;
        }
        self.put(&position.serial().to_be_bytes())?;
        self.put(&soa.times)?;
        let octets = (self.at - length - 2) as u16;
        self.reply[length..length + 2].copy_from_slice(&octets.to_be_bytes());
        self.reply[AUTHORITY] = 1;
        Ok(())
    }

    /// Writes a name; its end, if it is below the zone's apex, as a pointer to where that
    /// stands already. Gives where it does then.
    fn name(&mut self, name: &Relative, apex: Option<usize>) -> Result<Option<usize>, Declined> {
        if let Some((below, apex)) = name.below.zip(apex) {
            self.put(&name.octets[..below])?;
            self.point_to(apex)?;
            return Ok(Some(apex));
        }
        let own = name.below.map(|below| self.at + below);
        self.put(&name.octets)?;
        Ok(apex.or(own))
    }

    /// Ends the reply with its code and, if there was one in the query, an OPT record. Gives
    /// its octets.
    ///
    /// # Errors
    /// [`Declined`] never: room was kept free.
    pub(super) fn finish(
        self,
        code: u8,
        edns: Option<(&Edns, &Policy)>,
        told: &Told,
    ) -> Result<usize, Declined> {
        self.reply[3] |= code;
        let Some((edns, policy)) = edns else { return Ok(self.at) };
        let room = self.reply.get_mut(self.at..).ok_or(Declined)?;
        let octets = edns.write(policy, told, room).ok_or(Declined)?;
        self.reply[ADDITIONAL] += 1;
        Ok(self.at + octets)
    }

    /// Writes a pointer to a name further up (RFC 1035 section 4.1.4). The root is shorter
    /// than a pointer.
    fn point_to(&mut self, at: usize) -> Written {
        match self.reply.get(at) {
            Some(0) => self.put(&[0]),
            _ => self.put(&(0xc000 | at as u16).to_be_bytes()),
        }
    }

    /// Writes octets.
    fn put(&mut self, octets: &[u8]) -> Written {
        let to = self.at + octets.len();
        if to > self.end {
            return Err(Declined);
        }
        self.reply[self.at..to].copy_from_slice(octets);
        self.at = to;
        Ok(())
    }
}

/// The octets of the records at some places.
fn taken(kept: &Records, places: &[u16]) -> usize {
    places.iter().map(|place| kept.records[usize::from(*place)].answer.len()).sum()
}

/// Puts the places of records into a fresh order, or the first of such an order.
fn arrange(kept: &Records, places: &mut [u16], draw: &mut Draw) {
    for (at, place) in places.iter_mut().enumerate() {
        *place = at as u16;
    }
    match &kept.order {
        Order::Kept => {}
        Order::Even => draw.shuffle(places),
        Order::Weighted(ranks) => draw.arrange(places, |place| ranks[usize::from(place)]),
        Order::Few(lots) => {
            lots.draw(places, &mut [0; RECORDS_MAX], |limit| draw.below(limit));
        }
    }
}

/// Has octets fetched from memory all at once, where it would take one wait after the
/// other to copy them record by record in a drawn order. With a million instances, few of
/// them are in any cache.
fn fetch(octets: &[u8]) {
    /// Octets of a cache line.
    const LINE: usize = 64;
    std::hint::black_box(octets.iter().step_by(LINE).fold(0, |sum, octet| sum ^ octet));
}

/// A part of what is kept.
fn octets<'k>(kept: &'k Records, range: &std::ops::Range<u16>) -> &'k [u8] {
    &kept.octets[usize::from(range.start)..usize::from(range.end)]
}
