//! `authority`'s answer, to octets that can be sent again and again.
//!
//! An answer is asked for once, with more room than any datagram has, and kept in pieces:
//! each record by itself, its owner a pointer to the question, names inside it whole. What
//! differs from reply to reply (order, glue that fits, serial) is put in by `compose`.

use std::ops::Range;

use hickory_proto::ProtoError;
use hickory_proto::rr::rdata::SOA;
use hickory_proto::rr::{DNSClass, Name, RData, RecordType};
use hickory_proto::serialize::binary::{BinEncodable, BinEncoder, NameEncoding};

use super::compose::{ANSWERS_MAX, RECORDS_MAX};
use crate::authority::{Answer, Draw, Overflow, Question, Rank, Room, RrSet, answer_whole};
use crate::index::{Generation, Lots, Order, Ready, Record, Records, Relative, StartOfAuthority};
use crate::names::WireName;
use crate::wire::full::{QUESTION_POINTER, write_data};

/// Octets of records that few are drawn from, glue included: what places of 16 bits can tell.
/// They are some thousand; larger services are drawn from by the full path, at a cost that
/// grows with their instances.
const DRAWN_FROM_MAX: usize = u16::MAX as usize;

/// Makes the answer to a question of class IN, of which so many records are sent at most: those
/// are drawn, query by query, from all.
pub(super) fn compile(
    generation: &Generation,
    name: &WireName,
    kind: RecordType,
    most: usize,
    draw: &mut Draw,
) -> Ready {
    // So many that no datagram has room for them anyway are no limit.
    let most = if most < RECORDS_MAX { most } else { usize::MAX };
    let octets = if most < usize::MAX { 2 * DRAWN_FROM_MAX } else { 4 * ANSWERS_MAX };
    let Some(answer) = ask(generation, name, kind, octets, draw) else { return Ready::Elsewhere };
    // What depends on other services is left out: it may not even matter.
    let additional = if answer.is_own { &answer.additional[..] } else { &[] };
    match &answer.answers[..] {
        _ if answer.truncated && most < usize::MAX => Ready::Elsewhere,
        _ if answer.truncated => Ready::TooLarge,
        [] => Ready::NoData,
        [set] => match records(set, additional, most) {
            Ok(ready) if answer.is_own || matches!(ready, Ready::TooLarge) => ready,
            _ => Ready::Elsewhere,
        },
        _ => Ready::Elsewhere,
    }
}

/// Makes the SOA record of a zone's negative answers, from one of them.
pub(super) fn start_of_authority(
    generation: &Generation,
    name: &WireName,
    apex: &WireName,
) -> Option<StartOfAuthority> {
    // No name has records of the type 0, which is reserved (RFC 6895 section 3.1).
    let answer = ask(generation, name, RecordType::ZERO, ANSWERS_MAX, &mut Draw::new())?;
    let set = answer.authority?;
    let [RData::SOA(soa)] = &set.data[..] else { return None };
    let names = [relative(&soa.mname, apex)?, relative(&soa.rname, apex)?];
    Some(StartOfAuthority { ttl: set.ttl, names, times: times(soa) })
}

/// What the authority says where there are so many octets of room: enough for the address of
/// every target, too.
fn ask(
    generation: &Generation,
    name: &WireName,
    kind: RecordType,
    octets: usize,
    draw: &mut Draw,
) -> Option<Answer> {
    let name = Name::from_labels(name.iter()).ok()?;
    let room = Room { octets, overflow: Overflow::Truncate };
    let question = Question { name: &name, kind, class: DNSClass::IN, room };
    Some(answer_whole(generation, &question, draw))
}

/// The records of an RRset with the addresses of their targets.
fn records(set: &RrSet, additional: &[RrSet], most: usize) -> Result<Ready, ProtoError> {
    let mut octets = Vec::new();
    let mut encoder = BinEncoder::new(&mut octets);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    let glue = additional.iter().map(|set| glue(set, &mut encoder));
    let glue = glue.collect::<Result<Vec<_>, _>>()?;
    let mut records = Vec::with_capacity(set.data.len());
    let mut next = 0;
    for data in &set.data {
        let answer = answer_record(set, data, &mut encoder)?;
        let target = target(data, additional, next);
        next = target.map_or(next, |at| at + 1);
        let glue = target.map(|at| glue[at].clone()).unwrap_or_default();
        records.push(Record { answer, glue, target: target.unwrap_or_default() as u8 });
    }
    let (sent, answers) = (records.len().min(most), largest(&records, most));
    let is_whole = sent == records.len();
    if is_whole && answers > ANSWERS_MAX {
        return Ok(Ready::TooLarge);
    }
    let order = if is_whole { order(&set.ranks) } else { Order::Few(Lots::new(&set.ranks)) };
    let (octets, records) = (octets.into(), records.into());
    Ok(Ready::Records(Records { octets, records, answers, order, sent }))
}

/// The octets of the largest answers, so many at most.
fn largest(records: &[Record], most: usize) -> usize {
    let mut octets: Vec<_> = records.iter().map(|record| record.answer.len()).collect();
    octets.sort_unstable_by(|one, other| other.cmp(one));
    octets.iter().take(most).sum()
}

/// Writes a record whose owner is the question's name.
fn answer_record(
    set: &RrSet,
    data: &RData,
    encoder: &mut BinEncoder<'_>,
) -> Result<Range<u16>, ProtoError> {
    let start = encoder.offset();
    encoder.emit_u16(QUESTION_POINTER)?;
    write_data(set, data, encoder)?;
    Ok(range(start, encoder))
}

/// Writes the one address of a target.
///
/// # Errors
/// [`ProtoError`] when it has several, as only names that are not derived from an address
/// can have; answers that point to those are not the service's own.
fn glue(set: &RrSet, encoder: &mut BinEncoder<'_>) -> Result<Range<u16>, ProtoError> {
    let [data] = &set.data[..] else {
        return Err(ProtoError::Message("a target with several addresses"));
    };
    let start = encoder.offset();
    write_data(set, data, encoder)?;
    Ok(range(start, encoder))
}

/// What was written since.
fn range(start: usize, encoder: &BinEncoder<'_>) -> Range<u16> {
    start as u16..encoder.offset() as u16
}

/// Which of the address RRsets is that of a record's target. They come in the order of the
/// answers, so that it is nearly always the next.
fn target(data: &RData, additional: &[RrSet], next: usize) -> Option<usize> {
    let RData::SRV(srv) = data else { return None };
    let is_target = |at: &usize| additional.get(*at).is_some_and(|set| set.owner == srv.target);
    Some(next).filter(is_target).or_else(|| (0..additional.len()).find(is_target))
}

/// How an order of such ranks, which are there by priority, is drawn.
fn order(ranks: &[Rank]) -> Order {
    match ranks {
        [] | [_] => Order::Kept,
        [first, rest @ ..] if rest.iter().all(|rank| rank == first) => Order::Even,
        _ => Order::Weighted(ranks.into()),
    }
}

/// A name that may stand below an apex.
fn relative(name: &Name, apex: &WireName) -> Option<Relative> {
    let mut octets = Vec::new();
    let mut encoder = BinEncoder::new(&mut octets);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    name.emit(&mut encoder).ok()?;
    let wire = WireName::from_labels(name.iter()).ok()?;
    let above = wire.labels().checked_sub(apex.labels());
    let below = above.filter(|skipped| wire.suffix(*skipped) == apex.as_wire());
    Some(Relative { octets: octets.into(), below: below.map(|skipped| wire.offset(skipped)) })
}

/// The four times of an SOA record.
fn times(soa: &SOA) -> [u8; 16] {
    let mut times = [0; 16];
    let all = [soa.refresh as u32, soa.retry as u32, soa.expire as u32, soa.minimum];
    for (place, time) in times.chunks_exact_mut(4).zip(all) {
        place.copy_from_slice(&time.to_be_bytes());
    }
    times
}
