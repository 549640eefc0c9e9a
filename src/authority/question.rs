//! The question, and how large its answer may become.

use hickory_proto::rr::{DNSClass, Name, RecordType};

/// One question.
#[derive(Debug, Clone, Copy)]
pub struct Question<'q> {
    /// The name, spelt as the client spells it.
    pub name: &'q Name,
    /// The type.
    pub kind: RecordType,
    /// The class.
    pub class: DNSClass,
    /// How much can be carried back.
    pub room: Room,
}

/// The octets of records that a reply can carry, so that no more are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Octets after the header and the question, the OPT record not counted.
    pub octets: usize,
    /// What becomes of an RRset that is larger.
    pub overflow: Overflow,
}

/// The fate of an RRset that is larger than its room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overflow {
    /// A draw of what fits is the answer, and the client is told to come back over TCP for
    /// all (RFC 2181 section 9).
    Truncate,
    /// There is no larger transport: a weighted draw of what fits is the answer.
    Cut,
    /// None of it is of any use.
    Whole,
}
