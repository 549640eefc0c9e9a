//! `authority`'s answer, to octets that can be sent again and again.
//!
//! An answer is asked for once, with more room than any datagram has, and kept in pieces:
//! each record by itself, its owner a pointer to the question, names inside it whole. What
//! differs from reply to reply (order, which records fit, glue that fits, serial) is put in by
//! `compose`.

use std::ops::Range;

use hickory_proto::ProtoError;
use hickory_proto::rr::rdata::SOA;
use hickory_proto::rr::{DNSClass, Name, RData, RecordType};
use hickory_proto::serialize::binary::{BinEncodable, BinEncoder, NameEncoding};

use super::compose::{ANSWERS_MAX, FEW};
use crate::authority::{Answer, Draw, Overflow, Question, Rank, Room, RrSet, answer_whole, key};
use crate::index::{
    AnswersOrder, Generation, Order, Ready, Record, Records, Relative, Sample, StartOfAuthority,
    WeightedSample,
};
use crate::names::WireName;
use crate::wire::full::{QUESTION_POINTER, write_data};

/// Octets of records that are kept to be drawn from, glue included: what places of 16 bits can
/// tell. They are some thousand; of more, a sample is kept.
const DRAWN_FROM_MAX: usize = u16::MAX as usize;

/// The draw of an answer's records: how many are sent at most, and by which order.
pub(super) type Drawn = (usize, AnswersOrder);

/// Makes the answer to a question of class IN, of whose records those that are sent are drawn,
/// query by query, from all.
pub(super) fn compile(
    generation: &Generation,
    name: &WireName,
    kind: RecordType,
    drawn: Drawn,
    draw: &mut Draw,
) -> Ready {
    // With the address of every target.
    let room = 2 * DRAWN_FROM_MAX;
    let Some(answer) = ask(generation, name, kind, room, draw) else { return Ready::Elsewhere };
    // What depends on other services is left out: it may not even matter.
    let additional = if answer.is_own { &answer.additional[..] } else { &[] };
    match &answer.answers[..] {
        [] => Ready::NoData,
        [set] if answer.is_own || never_has_more(set, drawn) => {
            records(set, additional, drawn).unwrap_or(Ready::Elsewhere)
        }
        _ => Ready::Elsewhere,
    }
}

/// Whether so much of an RRset is sent that it never fits a datagram, so that what belongs to
/// its records is never sent with them.
fn never_has_more(set: &RrSet, (most, _): Drawn) -> bool {
    /// The least octets of an SRV record: its fixed part, numbers, and the root.
    const LEAST: usize = 12 + 6 + 1;
    set.data.len().min(most) * LEAST > ANSWERS_MAX
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
    let room = Room { octets, overflow: Overflow::Cut };
    let question = Question { name: &name, kind, class: DNSClass::IN, room };
    Some(answer_whole(generation, &question, draw))
}

/// The records of an RRset with the addresses of their targets.
fn records(set: &RrSet, additional: &[RrSet], drawn: Drawn) -> Result<Ready, ProtoError> {
    let mut octets = Vec::new();
    let mut encoder = BinEncoder::new(&mut octets);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    let mut glue = vec![None; additional.len()];
    let mut records = Vec::with_capacity(set.data.len());
    let mut next = 0;
    for data in &set.data {
        let target = target(data, additional, next);
        next = target.map_or(next, |at| at + 1);
        let start = encoder.offset();
        match record(set, data, target.map(|at| (at, &additional[at])), &mut glue, &mut encoder) {
            Ok(record) => records.push(record),
            Err(ProtoError::MaxBufferSizeExceeded(_)) => {
                encoder.set_offset(start);
                encoder.trim();
                break;
            }
            Err(fault) => return Err(fault),
        }
    }
    let is_sample = set.is_cut || records.len() < set.data.len();
    Ok(ready(set, (octets, records), is_sample, drawn))
}

/// What is kept of an RRset: these records, which may be a sample of them.
fn ready(
    set: &RrSet,
    (octets, records): (Vec<u8>, Vec<Record>),
    is_sample: bool,
    (most, order): Drawn,
) -> Ready {
    let sent = records.len().min(most);
    let answers = largest(&records, most);
    let least = records.iter().map(|record| record.answer.len()).min().unwrap_or_default();
    let is_few = sent == records.len() && sent <= FEW && !is_sample;
    let ranks = set.ranks.get(..records.len()).unwrap_or_default();
    let is_drawn = !ranks.is_empty();
    let order = match order {
        _ if !is_drawn => Order::StoredAnswer,
        // The same for a client each time: of all, not of some of them.
        AnswersOrder::Stable if is_sample => return Ready::Elsewhere,
        AnswersOrder::Stable => {
            Order::Stable { ranks: ranks.into(), keys: set.data.iter().map(key).collect() }
        }
        AnswersOrder::Fresh if is_few => self::order(ranks),
        AnswersOrder::Fresh => Order::Few(WeightedSample::new(ranks)),
    };
    let (octets, records) = (octets.into(), records.into());
    let records = Records { octets, records, answers, least, order, sent };
    if is_sample && is_drawn {
        Ready::Sample(Sample::new(records))
    } else {
        Ready::Records(records)
    }
}

/// Writes a record, and the address of its target before it, if that is not there yet.
fn record(
    set: &RrSet,
    data: &RData,
    target: Option<(usize, &RrSet)>,
    written: &mut [Option<Range<u16>>],
    encoder: &mut BinEncoder<'_>,
) -> Result<Record, ProtoError> {
    let mut range = None;
    if let Some((at, addresses)) = target {
        let is_new = written[at].is_none();
        range = if is_new { Some(glue(addresses, encoder)?) } else { written[at].clone() };
    }
    let answer = answer_record(set, data, encoder)?;
    // Only what is followed by its record stays.
    if let Some((at, _)) = target {
        written[at].clone_from(&range);
    }
    let target = target.map_or(0, |(at, _)| at as u8);
    Ok(Record { answer, glue: range.unwrap_or_default(), target })
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
        [] | [_] => Order::StoredAnswer,
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
