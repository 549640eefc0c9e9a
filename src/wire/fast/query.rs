//! Reading a query in place: those of the usual form, which are nearly all.
//!
//! What has any other form is not judged here: the full path does
//! that. So whatever is read here is also what the full path would read.

use hickory_proto::rr::RecordType;

use crate::names::WireName;
use crate::wire::HEADER;
use crate::wire::edns::Opt;
use crate::wire::full::OPT;

/// Octets of an OPT record before its options (RFC 6891 section 6.1.2).
const OPT_RECORD: usize = 11;
/// The class of everything we have.
const IN: [u8; 2] = [0, 1];
/// The counts of a query: one question, no answers, no authority; additional records follow.
const COUNTS: [u8; 7] = [0, 1, 0, 0, 0, 0, 0];
/// The numbers of meta types (RFC 6895 section 3.1), TSIG, AXFR and ANY among them.
const META: std::ops::RangeInclusive<u16> = 128..=255;

/// A query of the usual form: one question of class IN and a data type, perhaps an OPT
/// record of version 0.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Query<'m> {
    /// Id and flags.
    pub(super) head: [u8; 4],
    /// The question's octets.
    pub(super) question: &'m [u8],
    /// Its type.
    pub(super) kind: RecordType,
    /// Its OPT record.
    pub(super) opt: Option<Opt<'m>>,
    /// Octets of the whole message.
    pub(super) octets: usize,
}

/// A message that is no query of the usual form.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unusual {
    /// It is nothing to be answered: no whole header, or a response.
    NoRequest,
    /// It may be anything else, and what its name is was not found out.
    Nameless,
    /// It may be anything else; its name was read.
    Named,
}

impl<'m> Query<'m> {
    /// Reads a query, and its name into `name`.
    ///
    /// # Errors
    /// [`Unusual`] when it has another form.
    pub(super) fn read(message: &'m [u8], name: &mut WireName) -> Result<Self, Unusual> {
        let (header, rest) = message.split_first_chunk::<HEADER>().ok_or(Unusual::NoRequest)?;
        if header[2] & 0x80 != 0 {
            return Err(Unusual::NoRequest);
        }
        // Any opcode but QUERY, any other number of questions.
        if header[2] & 0x78 != 0 || header[4..6] != COUNTS[..2] {
            return Err(Unusual::Nameless);
        }
        let end = name.read(rest).ok_or(Unusual::Nameless)?;
        if header[4..11] != COUNTS {
            return Err(Unusual::Named);
        }
        let (question, rest) = rest.split_at_checked(end + 4).ok_or(Unusual::Named)?;
        let kind = u16::from_be_bytes([question[end], question[end + 1]]);
        if question[end + 2..] != IN || META.contains(&kind) || kind == OPT {
            return Err(Unusual::Named);
        }
        let opt = read_opt(header[11], rest)?;
        let head = [header[0], header[1], header[2], header[3]];
        let (kind, octets) = (RecordType::from(kind), message.len());
        Ok(Self { head, question, kind, opt, octets })
    }

    /// Whether others may be asked (RD).
    pub(super) const fn wants_recursion(&self) -> bool {
        self.head[2] & 1 != 0
    }
}

/// Reads what follows the question: nothing, or one OPT record of version 0.
fn read_opt(records: u8, rest: &[u8]) -> Result<Option<Opt<'_>>, Unusual> {
    match (records, rest.split_first_chunk::<OPT_RECORD>()) {
        (0, _) if rest.is_empty() => Ok(None),
        // The root, the type, the size, an extended code, version 0, flags, octets.
        (1, Some((&[0, 0, 41, high, low, code, 0, flags, more, length_high, length], options)))
            if options.len() == usize::from(u16::from_be_bytes([length_high, length])) =>
        {
            Ok(Some(Opt::new([high, low, code, 0, flags, more], options)))
        }
        _ => Err(Unusual::Named),
    }
}
