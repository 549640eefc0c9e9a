//! The outline of a message before it is understood: enough to refuse it properly.
//!
//! Of a query nothing but its header, question, OPT and TSIG records means anything to us, so
//! nothing else is ever parsed: the walk steps over other records by their lengths. It follows
//! no compression pointer, so that its cost is that of the octets it passes, and it takes
//! [`RECORDS_MAX`] questions and records. What may not be asked by its sender is refused before
//! any record but an OPT record is looked at. Options are left to `edns`.

use crate::wire::HEADER;
use crate::wire::edns::{Malformed, Opt};

/// The type of OPT records (RFC 6891 section 6.1.2).
pub(in crate::wire) const OPT: u16 = 41;
/// The type of TSIG records (RFC 8945 section 4.2).
const TSIG: u16 = 250;
/// Octets of a TSIG record's time and fudge, which stand after its algorithm.
const TIME_AND_FUDGE: usize = 8;
/// Questions and records of a request that are stepped over; one that has more is a format
/// error. Queries have an OPT and a TSIG or SIG(0) record, those for IXFR an SOA record too.
const RECORDS_MAX: usize = 16;
/// Octets of a name on the wire (RFC 1035 section 2.3.4).
const NAME_MAX: usize = crate::names::NAME_MAX;

/// The outline of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outline<'m> {
    /// The header.
    pub(super) header: &'m [u8; HEADER],
    /// The question's octets, where there is exactly one.
    pub(super) question: Option<&'m [u8]>,
    /// Its OPT record.
    pub(super) opt: Option<Opt<'m>>,
    /// What its TSIG record says.
    pub(super) tsig: Option<Tsig<'m>>,
    /// Whether all of it could be read; what was read before an error stands here.
    pub(super) form: Result<(), Malformed>,
}

/// A TSIG record, as far as it is repeated in a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tsig<'m> {
    /// The key's name.
    pub(super) key: &'m [u8],
    /// The algorithm's name, the time and the fudge.
    pub(super) algorithm_and_time: &'m [u8],
}

/// Whether a query has the option edns-tcp-keepalive, as far as its sender may ask anything.
pub(in crate::wire) fn has_keepalive(message: &[u8], may_query: bool) -> bool {
    // As of queries without EDNS.
    if message.get(10..HEADER).is_none_or(|additional| additional == [0, 0]) {
        return false;
    }
    let outline = if may_query { Outline::read } else { Outline::of_stranger };
    outline(message).and_then(|it| it.opt).is_some_and(|opt| opt.has_keepalive())
}

impl<'m> Outline<'m> {
    /// The outline of a message; none where there is nothing to answer: no whole header,
    /// or a response, which could make two servers talk to each other for ever.
    pub(super) fn read(message: &'m [u8]) -> Option<Self> {
        Self::walked(message, Self::walk)
    }

    /// The outline of a message whose sender may ask nothing: its question and, where that is
    /// the only record, its OPT record, which the refusal needs.
    pub(super) fn of_stranger(message: &'m [u8]) -> Option<Self> {
        Self::walked(message, |outline, message| match outline.records() {
            [0, 0, 0 | 1] => outline.walk(message),
            _ => outline.walk_questions(&mut Cursor { message, at: HEADER }),
        })
    }

    /// An outline of what a walk finds.
    fn walked(
        message: &'m [u8],
        walk: impl FnOnce(&mut Self, &'m [u8]) -> Result<(), Malformed>,
    ) -> Option<Self> {
        let header = message.first_chunk::<HEADER>()?;
        if header[2] & 0x80 != 0 {
            return None;
        }
        let (question, opt, tsig) = (None, None, None);
        let mut outline = Self { header, question, opt, tsig, form: Ok(()) };
        outline.form = walk(&mut outline, message);
        Some(outline)
    }

    /// The operation code.
    pub(super) const fn opcode(&self) -> u8 {
        self.header[2] >> 3 & 0x0f
    }

    /// One of the four counts.
    pub(super) fn count(&self, at: usize) -> u16 {
        u16::from_be_bytes([self.header[4 + 2 * at], self.header[5 + 2 * at]])
    }

    /// How many records its sections have.
    fn records(&self) -> [u16; 3] {
        [self.count(1), self.count(2), self.count(3)]
    }

    /// Reads the questions and records up to the end.
    fn walk(&mut self, message: &'m [u8]) -> Result<(), Malformed> {
        let mut cursor = Cursor { message, at: HEADER };
        self.walk_questions(&mut cursor)?;
        if self.records().map(usize::from).iter().sum::<usize>() > RECORDS_MAX {
            return Err(Malformed);
        }
        for section in 1..=3 {
            for _ in 0..self.count(section) {
                self.walk_record(&mut cursor, section == 3)?;
            }
        }
        if cursor.at == message.len() { Ok(()) } else { Err(Malformed) }
    }

    /// Reads the questions. Only a single one is ever echoed.
    fn walk_questions(&mut self, cursor: &mut Cursor<'m>) -> Result<(), Malformed> {
        if usize::from(self.count(0)) > RECORDS_MAX {
            return Err(Malformed);
        }
        for number in 0..self.count(0) {
            let start = cursor.at;
            // The first name has nothing before it that it could point to.
            cursor.name(number > 0)?;
            cursor.take(4)?;
            if self.count(0) == 1 {
                self.question = Some(&cursor.message[start..cursor.at]);
            }
        }
        Ok(())
    }

    /// Reads a record. Nothing may stand after a TSIG record (RFC 8945 section 5.1).
    fn walk_record(&mut self, cursor: &mut Cursor<'m>, additional: bool) -> Result<(), Malformed> {
        let name = cursor.name(true)?;
        let kind = cursor.u16()?;
        let class_and_ttl = cursor.take(6)?;
        let length = cursor.u16()?;
        let data = cursor.take(usize::from(length))?;
        if self.tsig.is_some() || !additional && matches!(kind, OPT | TSIG) {
            return Err(Malformed);
        }
        match kind {
            OPT => self.walk_opt(name, class_and_ttl, data),
            TSIG => self.walk_tsig(name, data),
            _ => Ok(()),
        }
    }

    /// Reads an OPT record: the only one, owned by the root (RFC 6891 section 6.1.1).
    fn walk_opt(&mut self, name: &[u8], fixed: &[u8], data: &'m [u8]) -> Result<(), Malformed> {
        if name != [0] || self.opt.is_some() {
            return Err(Malformed);
        }
        self.opt = Some(Opt::new(*fixed.first_chunk().ok_or(Malformed)?, data));
        Ok(())
    }

    /// Reads a TSIG record; its names are never compressed.
    fn walk_tsig(&mut self, name: &'m [u8], data: &'m [u8]) -> Result<(), Malformed> {
        Cursor { message: name, at: 0 }.name(false)?;
        let mut cursor = Cursor { message: data, at: 0 };
        cursor.name(false)?;
        cursor.take(TIME_AND_FUDGE)?;
        self.tsig = Some(Tsig { key: name, algorithm_and_time: &data[..cursor.at] });
        Ok(())
    }
}

/// A place in a message.
struct Cursor<'m> {
    message: &'m [u8],
    /// The octet to be read next.
    at: usize,
}

impl<'m> Cursor<'m> {
    /// The next octets.
    fn take(&mut self, octets: usize) -> Result<&'m [u8], Malformed> {
        let taken = self.message.get(self.at..self.at + octets).ok_or(Malformed)?;
        self.at += octets;
        Ok(taken)
    }

    /// The next two octets as a number.
    fn u16(&mut self) -> Result<u16, Malformed> {
        Ok(u16::from_be_bytes(*self.take(2)?.first_chunk().ok_or(Malformed)?))
    }

    /// The octets of a name, up to its end or to a pointer, which is not followed.
    fn name(&mut self, may_point: bool) -> Result<&'m [u8], Malformed> {
        let start = self.at;
        loop {
            let length = self.take(1)?[0];
            match length {
                0 => break,
                1..=63 => self.take(usize::from(length))?,
                192.. if may_point => {
                    self.take(1)?;
                    break;
                }
                _ => return Err(Malformed),
            };
        }
        let name = &self.message[start..self.at];
        if name.len() <= NAME_MAX { Ok(name) } else { Err(Malformed) }
    }
}
