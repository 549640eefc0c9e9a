//! A reply from ready-made pieces, written straight into its buffer. Nothing is allocated.

use std::net::IpAddr;

use super::order::{arrange, choose, fetch, fit};
use super::query::Query;
use crate::authority::{Draw, Position};
use crate::index::{Order, Records, Relative, Site, StartOfAuthority};
use crate::names::{DATAGRAM_MAX, WireName};
use crate::wire::edns::{Budget, Edns, OptReply};
use crate::wire::{COPIED, HEADER, Policy};

/// The flag that a message is a response.
const RESPONSE: u8 = 0x80;
/// The flag AA.
const AUTHORITATIVE: u8 = 0x04;
/// The flag TC.
const TRUNCATED: u8 = 0x02;
/// Octets before the target in an SRV record: owner, type, class, TTL, length, numbers.
const BEFORE_TARGET: usize = 12 + 6;
/// The most records of an answer that is put together at once, as nearly all are: more than any
/// datagram has that is not configured to be larger.
pub(super) const FEW: usize = 128;
/// The most records of any answer that is sent: each takes 12 octets at least.
pub(super) const MANY: usize = 344;
const _: () = assert!(DATAGRAM_MAX / 12 < MANY && MANY < u16::MAX as usize);
/// The most addresses of a target that are put in a fresh order with each record.
pub(super) const ADDRESSES_MAX: usize = 32;
/// Octets of an address record before its data, its owner left out.
const BEFORE_ADDRESS: usize = 2 + 2 + 4 + 2;
/// Octets of answers that any datagram has room for, beside a header and the shortest
/// question. More is never sent from here.
pub(super) const ANSWERS_MAX: usize = DATAGRAM_MAX - HEADER - 5;
/// Where ANCOUNT, NSCOUNT and ARCOUNT stand in a header.
pub(super) const ANSWERS: usize = 7;
/// NSCOUNT, its lower octet.
pub(super) const AUTHORITY: usize = 9;
/// ARCOUNT, its lower octet.
pub(super) const ADDITIONAL: usize = 11;

/// A reply that is being written.
pub(super) struct Composer<'r> {
    /// Its buffer.
    pub(super) reply: &'r mut [u8],
    /// How much of it is written.
    pub(super) at: usize,
    /// Where records must end, so that the OPT record still fits.
    pub(super) end: usize,
}

/// This reply is for the full path.
#[derive(Debug)]
pub(super) struct Declined;

/// The result of writing a part of a reply.
pub(super) type WriteResult = Result<(), Declined>;

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

    /// Asks the client to come back over TCP, for more than there is.
    pub(super) fn truncate(&mut self) {
        self.reply[2] |= TRUNCATED;
    }

    /// Whether it asks so.
    pub(super) fn is_truncated(&self) -> bool {
        self.reply[2] & TRUNCATED != 0
    }

    /// Writes records in a fresh order, and the addresses of their targets as far as these
    /// fit; where the records themselves do not fit, as many as do, and truncates.
    ///
    /// # Errors
    /// [`Declined`] where a larger reply would have to hold all of them.
    pub(super) fn records(
        &mut self,
        kept: &Records,
        draw: &mut Draw,
        client: IpAddr,
    ) -> WriteResult {
        let is_large = kept.answers > ANSWERS_MAX || kept.sent > FEW;
        if is_large || self.at + kept.answers > self.end {
            return self.many(kept, draw, client);
        }
        let is_whole = kept.records.len() == kept.sent;
        if is_whole {
            fetch(&kept.octets);
        }
        let mut places = [0; FEW];
        let places = places.get_mut(..kept.sent).ok_or(Declined)?;
        arrange(kept, places, draw, client);
        let mut starts = [0_u16; FEW];
        self.write(kept, places, &mut starts)?;
        self.glue(kept, places, &starts, draw);
        Ok(())
    }

    /// The same of records that may not fit, or are many.
    #[cold]
    #[inline(never)]
    fn many(&mut self, kept: &Records, draw: &mut Draw, client: IpAddr) -> WriteResult {
        // Over TCP all would have to fit, with all glue; whether they do must not depend on
        // the draw, for the full path makes another.
        if self.end > DATAGRAM_MAX && kept.answers > ANSWERS_MAX {
            return Err(Declined);
        }
        let room = self.end.saturating_sub(self.at);
        let could_fit = match &kept.order {
            // They are put in order all together.
            Order::Even | Order::Weighted(_) => kept.sent,
            _ => kept.sent.min(room / kept.least.max(1)),
        };
        let (mut places, mut starts) = ([0; MANY], [0_u16; MANY]);
        let places = places.get_mut(..could_fit).ok_or(Declined)?;
        let stable = match &kept.order {
            Order::Stable { ranks, keys } => Some((ranks, keys)),
            _ => None,
        };
        match stable {
            Some((ranks, keys)) => choose(ranks, keys, places, client),
            None => arrange(kept, places, draw, client),
        }
        let fit = fit(kept, places, room);
        let (places, is_cut) = (&mut places[..fit], fit < kept.sent);
        if let Some((ranks, _)) = stable {
            draw.arrange(places, |place| ranks[usize::from(place)]);
        }
        self.write(kept, places, &mut starts)?;
        if is_cut {
            self.truncate();
        } else {
            self.glue(kept, places, &starts, draw);
        }
        Ok(())
    }

    /// Writes the records at some places, and notes where each begins.
    fn write(&mut self, kept: &Records, places: &[u16], starts: &mut [u16]) -> WriteResult {
        for (place, start) in places.iter().zip(starts) {
            *start = self.at as u16;
            self.put(octets(kept, &kept.records[usize::from(*place)].answer))?;
        }
        let [high, low] = (places.len() as u16).to_be_bytes();
        self.reply[ANSWERS - 1..=ANSWERS].copy_from_slice(&[high, low]);
        Ok(())
    }

    /// Writes the addresses of the targets of records, once each, until one does not fit. With
    /// each record comes where it stands.
    fn glue(&mut self, kept: &Records, places: &[u16], starts: &[u16], draw: &mut Draw) {
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
            let (data, target) = (octets(kept, &record.glue), usize::from(*start) + BEFORE_TARGET);
            let is_written = match data.len() - BEFORE_ADDRESS {
                4 | 16 => self.address(data, target),
                _ => self.addresses(data, target, draw),
            };
            if is_written.is_err() {
                break;
            }
        }
    }

    /// Writes an address of a target that stands somewhere.
    ///
    /// # Errors
    /// [`Declined`] when it does not fit.
    fn address(&mut self, data: &[u8], target: usize) -> WriteResult {
        if self.at + 2 + data.len() > self.end {
            return Err(Declined);
        }
        // There is room for both, and so both are written.
        self.point_to(target)?;
        self.put(data)?;
        self.reply[ADDITIONAL] += 1;
        Ok(())
    }

    /// Writes several addresses of a target, those of a type in a fresh order, all or none of them.
    ///
    /// # Errors
    /// [`Declined`] when some do not fit.
    #[cold]
    fn addresses(&mut self, mut data: &[u8], target: usize, draw: &mut Draw) -> WriteResult {
        while let Some(&length) = data.get(BEFORE_ADDRESS - 1) {
            let octets = BEFORE_ADDRESS + usize::from(length);
            let is_alike = |record: &&[u8]| record.get(..2) == data.get(..2);
            let many = data.chunks(octets).take_while(is_alike).count().min(ADDRESSES_MAX);
            if self.at + many * (2 + octets) > self.end {
                return Err(Declined);
            }
            let mut places = std::array::from_fn::<_, ADDRESSES_MAX, _>(|at| at);
            draw.shuffle(&mut places[..many]);
            for place in &places[..many] {
                self.address(&data[place * octets..][..octets], target)?;
            }
            data = &data[many * octets..];
        }
        Ok(())
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
    ) -> WriteResult {
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
    /// [`Declined`] where there is no room for padding: else it was kept free.
    pub(super) fn finish(
        self,
        code: u8,
        edns: Option<(&Edns, &Policy)>,
        told: &OptReply,
    ) -> Result<usize, Declined> {
        self.reply[3] |= code;
        let Some((edns, policy)) = edns else { return Ok(self.at) };
        let room = self.reply.get_mut(self.at..).ok_or(Declined)?;
        let octets = edns.write(policy, told, self.at, room).ok_or(Declined)?;
        self.reply[ADDITIONAL] += 1;
        Ok(self.at + octets)
    }

    /// Writes a pointer to a name further up (RFC 1035 section 4.1.4). The root is shorter
    /// than a pointer.
    fn point_to(&mut self, at: usize) -> WriteResult {
        match self.reply.get(at) {
            Some(0) => self.put(&[0]),
            _ => self.put(&(0xc000 | at as u16).to_be_bytes()),
        }
    }

    /// Writes octets.
    fn put(&mut self, octets: &[u8]) -> WriteResult {
        let to = self.at + octets.len();
        if to > self.end {
            return Err(Declined);
        }
        self.reply[self.at..to].copy_from_slice(octets);
        self.at = to;
        Ok(())
    }
}

/// A part of what is kept.
fn octets<'k>(kept: &'k Records, range: &std::ops::Range<u16>) -> &'k [u8] {
    &kept.octets[usize::from(range.start)..usize::from(range.end)]
}
