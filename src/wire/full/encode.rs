//! A reply, to octets.
//!
//! hickory writes the message, we write its sections, for three reasons. hickory sets TC
//! where only additional records are left out, and then loses the OPT record; it does not
//! compress against the question; and it compresses 120 names of a message at most, so
//! that the addresses of a thousand instances would not fit TCP. Here a record is written
//! whole or not at all, an RRset of the other sections too, and the answers' owner is always a
//! pointer to the question.
//!
//! What of the answers does not fit a datagram is left out, with TC, and then the other
//! sections are empty (RFC 2181 section 9): a client without TCP lives on what is there, and
//! all others come back.

use std::mem;

use hickory_proto::ProtoError;
use hickory_proto::op::{EmitAndCount, emit_message_parts};
use hickory_proto::rr::{DNSClass, Name, RData};
use hickory_proto::serialize::binary::{BinEncodable, BinEncoder};

use super::handler::Reply;
use crate::authority::{Answer, Overflow, RrSet};
use crate::names::NAME_MAX;
use crate::wire::HEADER;

/// A pointer to the question's name, which stands right after the header.
pub(in crate::wire) const QUESTION_POINTER: u16 = 0xc000 | HEADER as u16;
/// Octets beyond the room that hickory may write to: it writes a name whole before it finds what
/// of it is a pointer.
const BEYOND: u16 = NAME_MAX as u16;
/// Octets of a question after its name.
const TYPE_AND_CLASS: usize = 4;

/// Writes a reply up to its OPT record, and says whether answers were left out of it
/// without TC.
///
/// # Errors
/// [`ProtoError`] when hickory cannot write what we made, which is a fault of ours.
pub(super) fn encode(reply: &mut Reply<'_>, octets: &mut Vec<u8>) -> Result<bool, ProtoError> {
    let WrittenSections { cut_in, has_others } = write(reply, octets)?;
    let may_cut = reply.overflow == Overflow::Cut;
    let is_cut = cut_in.is_some() || reply.answer.answers.iter().any(|set| set.is_cut);
    if has_others && (may_cut || cut_in.is_none()) && !reply.metadata.truncation {
        return Ok(may_cut && is_cut);
    }
    let sets = cut_in.map_or(usize::MAX, |at| at + 1);
    let Answer { answers, authority, additional, .. } = &mut reply.answer;
    let is_done = answers.len() <= sets && authority.is_none() && additional.is_empty();
    if is_done && reply.metadata.truncation {
        return Ok(false);
    }
    reply.metadata.truncation = true;
    answers.truncate(sets);
    (*authority, *additional) = (None, Vec::new());
    write(reply, octets).map(|_| false)
}

/// The sections of a reply that were written.
struct WrittenSections {
    /// The answer RRset of which some did not fit.
    cut_in: Option<usize>,
    /// Whether all fitted that must be there beside the answers.
    has_others: bool,
}

/// Writes as much of a reply as fits.
fn write(reply: &Reply<'_>, octets: &mut Vec<u8>) -> Result<WrittenSections, ProtoError> {
    octets.clear();
    let mut encoder = BinEncoder::new(octets);
    let room = usize::from(reply.room);
    let mut answers = Section::new(&reply.answer.answers, Some(reply.name), room);
    let mut authority = Section::new(reply.answer.authority.as_slice(), None, room);
    let mut additional = Additional { sets: &reply.answer.additional, room, is_whole: true };
    emit_message_parts(
        &reply.metadata,
        &mut QuestionSection { octets: reply.question, room: reply.room },
        &mut answers,
        &mut authority,
        &mut additional,
        None,
        None,
        &mut encoder,
    )?;
    encoder.trim();
    let has_glue = additional.is_whole || !reply.answer.needs_glue;
    let has_others = authority.cut_in.is_none() && has_glue;
    Ok(WrittenSections { cut_in: answers.cut_in, has_others })
}

/// The question section.
struct QuestionSection<'q> {
    /// The one question, as it was asked.
    octets: &'q [u8],
    /// Octets that the sections may fill.
    room: u16,
}

/// A section of RRsets that should be there.
struct Section<'s> {
    /// The RRsets.
    sets: &'s [RrSet],
    /// The question's name, if the first may be its.
    asked: Option<&'s Name>,
    /// Octets that the message may have behind it.
    room: usize,
    /// The RRset of which some did not fit; none after it is written.
    cut_in: Option<usize>,
}

/// The section of RRsets that are left out where they do not fit.
struct Additional<'s> {
    /// The RRsets.
    sets: &'s [RrSet],
    /// Octets that the message may have behind it.
    room: usize,
    /// Whether all of them fit.
    is_whole: bool,
}

impl EmitAndCount for QuestionSection<'_> {
    /// Writes the question, and lets names further on point into it.
    fn emit(&mut self, encoder: &mut BinEncoder<'_>) -> Result<usize, ProtoError> {
        encoder.set_max_size(self.room.saturating_add(BEYOND));
        let start = encoder.offset();
        encoder.emit_vec(self.octets)?;
        let root = encoder.offset() - TYPE_AND_CLASS - 1;
        let mut label = start;
        while label < root {
            encoder.store_label_pointer(label, root);
            label += 1 + usize::from(self.octets[label - start]);
        }
        Ok(1)
    }
}

impl<'s> Section<'s> {
    /// A section that is not written yet.
    const fn new(sets: &'s [RrSet], asked: Option<&'s Name>, room: usize) -> Self {
        Self { sets, asked, room, cut_in: None }
    }
}

impl EmitAndCount for Section<'_> {
    fn emit(&mut self, encoder: &mut BinEncoder<'_>) -> Result<usize, ProtoError> {
        let mut count = 0;
        for (at, set) in self.sets.iter().enumerate() {
            let is_asked = at == 0 && self.asked.is_some_and(|name| *name == set.owner);
            let written = write_set(set, is_asked, self.room, encoder)?;
            count += written;
            if written < set.data.len() {
                self.cut_in = Some(at);
                break;
            }
        }
        Ok(count)
    }
}

impl EmitAndCount for Additional<'_> {
    fn emit(&mut self, encoder: &mut BinEncoder<'_>) -> Result<usize, ProtoError> {
        let mut count = 0;
        for set in mem::take(&mut self.sets) {
            let start = encoder.offset();
            if write_set(set, false, self.room, encoder)? < set.data.len() {
                rewind(encoder, start);
                self.is_whole = false;
                break;
            }
            count += set.data.len();
        }
        Ok(count)
    }
}

/// Writes records of an RRset until one does not fit behind others, and says how many.
fn write_set(
    set: &RrSet,
    asked: bool,
    room: usize,
    encoder: &mut BinEncoder<'_>,
) -> Result<usize, ProtoError> {
    let mut count = 0;
    for data in &set.data {
        let start = encoder.offset();
        let fits = match write_record(set, asked, data, encoder) {
            Ok(()) => encoder.offset() <= room,
            Err(ProtoError::MaxBufferSizeExceeded(_)) => false,
            Err(fault) => return Err(fault),
        };
        count += usize::from(fits);
        if !fits {
            rewind(encoder, start);
            if count > 0 {
                break;
            }
        }
    }
    Ok(count)
}

/// Writes a record.
fn write_record(
    set: &RrSet,
    asked: bool,
    data: &RData,
    encoder: &mut BinEncoder<'_>,
) -> Result<(), ProtoError> {
    if asked {
        encoder.emit_u16(QUESTION_POINTER)?;
    } else {
        set.owner.emit(encoder)?;
    }
    write_data(set, data, encoder)
}

/// Writes what follows a record's owner (RFC 1035 section 4.1.3).
///
/// # Errors
/// [`ProtoError`] when there is no room for it.
pub(in crate::wire) fn write_data(
    set: &RrSet,
    data: &RData,
    encoder: &mut BinEncoder<'_>,
) -> Result<(), ProtoError> {
    set.kind.emit(encoder)?;
    DNSClass::IN.emit(encoder)?;
    encoder.emit_u32(set.ttl)?;
    let length = encoder.place::<u16>()?;
    data.emit(encoder)?;
    let octets = encoder.len_since_place(&length);
    let octets = u16::try_from(octets).map_err(|_| ProtoError::Message("record too long"))?;
    length.replace(encoder, octets)
}

/// Takes back what was written since. Only moving the offset would leave the octets.
fn rewind(encoder: &mut BinEncoder<'_>, start: usize) {
    encoder.set_offset(start);
    encoder.trim();
}
