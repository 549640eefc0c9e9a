//! `authority`'s answer, to octets that can be sent again and again.
//!
//! An answer is asked for once, with more room than any datagram has, and kept in pieces:
//! each record by itself, its owner a pointer to the question, names inside it whole. What
//! differs from reply to reply (order, which records fit, glue that fits, serial) is put in by
//! `compose`.

use std::ops::Range;

use hickory_proto::ProtoError;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::SOA;
use hickory_proto::rr::{DNSClass, Name, RData, RecordType};
use hickory_proto::serialize::binary::{BinEncodable, BinEncoder, NameEncoding};

use super::compose::{ADDRESSES_MAX, ANSWERS_MAX, FEW};
use super::whole::{WHOLE_MAX, whole};
use crate::authority::{
    Answer, Draw, Footprint, Overflow, Position, Question, Rank, Room, RrSet, answer_whole, key,
    traced,
};
use crate::index::{
    AnswersOrder, Generation, Order, Ready, Record, Records, Relative, Sample, StartOfAuthority,
    WeightedSample,
};
use crate::names::WireName;
use crate::wire::full::{QUESTION_POINTER, write_data};

/// Octets of records that are kept to be drawn from, glue included: what places of 16 bits can
/// tell. They are some thousand; of more, a sample is kept.
const DRAWN_FROM_MAX: usize = u16::MAX as usize;
/// Octets of records that are kept of more than one service. They can be asked for by many names.
const KEPT_MAX: usize = 4096;
/// The same of entries of a SkyDNS zone: they stand below few names, and their zone keeps as much as
/// it has entries.
const KEPT_OF_TREE_MAX: usize = DRAWN_FROM_MAX;

/// The draw of an answer's records: how many are sent at most, and by which order.
pub(super) type Drawn = (usize, AnswersOrder);

/// A question that an answer is made ready for.
pub(super) struct ReadyQuestion<'a> {
    /// From what.
    pub(super) generation: &'a Generation,
    /// The name, and where it stands.
    pub(super) name: &'a WireName,
    /// Where that is.
    pub(super) position: Position<'a>,
    /// The type.
    pub(super) kind: RecordType,
    /// How its records are drawn.
    pub(super) drawn: Drawn,
    /// Whether its records can be given one by one.
    pub(super) is_separable: bool,
    /// Whether it stands among the entries of a SkyDNS zone.
    pub(super) is_in_tree: bool,
    /// How many of the name's labels the answer may point to, counted from the right: those that
    /// all names have which are given it.
    pub(super) shared: usize,
}

impl ReadyQuestion<'_> {
    /// Octets of records that are kept of it, where it is made of more than one service.
    const fn kept_max(&self) -> usize {
        if self.is_in_tree { KEPT_OF_TREE_MAX } else { KEPT_MAX }
    }
}

/// Makes the answer to a question of class IN from its service alone, of whose records those that
/// are sent are drawn, query by query, from all.
pub(super) fn compile(asked: &ReadyQuestion<'_>, draw: &mut Draw) -> Ready {
    if !asked.is_separable {
        let found = ask_traced(asked, (WHOLE_MAX, Overflow::Whole), false, draw);
        let own = found.filter(|(answer, _)| answer.is_own);
        let made = own.and_then(|(answer, footprint)| whole(asked, &answer, &footprint));
        return made.unwrap_or(Ready::Elsewhere);
    }
    // With the address of every target.
    let room = 2 * DRAWN_FROM_MAX;
    let ReadyQuestion { generation, name, kind, drawn, .. } = *asked;
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

/// Makes the answer to a question of class IN from whatever it leads to, and says what it depends
/// on.
pub(super) fn compile_kept(
    asked: &ReadyQuestion<'_>,
    draw: &mut Draw,
) -> Option<(Ready, Footprint)> {
    if asked.is_separable {
        // With the address of every target.
        let room = (2 * asked.kept_max(), Overflow::Cut);
        let (answer, footprint) = ask_traced(asked, room, true, draw)?;
        if let Some(ready) = separate(asked, &answer, &footprint) {
            return Some((ready, footprint));
        }
    }
    let (answer, footprint) = ask_traced(asked, (WHOLE_MAX, Overflow::Whole), false, draw)?;
    let made = match is_nodata(&answer) && !footprint.is_short {
        true => Ready::NoData,
        false => whole(asked, &answer, &footprint).unwrap_or(Ready::Elsewhere),
    };
    Some((made, footprint))
}

/// The answer whose records are given one by one; none where it is not of that form.
fn separate(asked: &ReadyQuestion<'_>, answer: &Answer, footprint: &Footprint) -> Option<Ready> {
    match &answer.answers[..] {
        [] if footprint.is_short => Some(Ready::Elsewhere),
        [] if is_nodata(answer) => Some(Ready::NoData),
        [set] if set.kind == asked.kind && answer.authority.is_none() && !footprint.varies => {
            let is_small = asked.is_in_tree || answer_octets(answer) <= KEPT_MAX && !set.is_cut;
            let is_all = !footprint.is_short && !is_limited(asked, &answer.additional, footprint);
            let found = || records(set, &answer.additional, asked.drawn).ok();
            let kept = Some(()).filter(|()| is_small && is_all).and_then(|()| found());
            Some(kept.unwrap_or(Ready::Elsewhere))
        }
        _ => None,
    }
}

/// Whether an answer says that there is nothing of a type.
fn is_nodata(answer: &Answer) -> bool {
    answer.code == ResponseCode::NoError
        && answer.authoritative
        && !answer.truncated
        && answer.answers.is_empty()
        && answer.authority.as_ref().is_some_and(|set| set.kind == RecordType::SOA)
}

/// Whether some RRset may be a draw of more records than its zone answers with.
pub(super) fn is_limited(asked: &ReadyQuestion<'_>, sets: &[RrSet], footprint: &Footprint) -> bool {
    let parts = footprint.depends.parts().iter();
    let zones = parts.filter_map(|(at, _)| asked.generation.zones().get(*at));
    let limits = zones.map(|zone| zone.settings().most_answers());
    let own = asked.position.zone.settings().most_answers();
    let most = limits.chain([own]).min().unwrap_or(usize::MAX);
    sets.iter().any(|set| set.is_cut || set.data.len() >= most)
}

/// About the octets of all records of an answer.
fn answer_octets(answer: &Answer) -> usize {
    /// Octets of an SRV record with a name of usual length.
    const USUAL: usize = 48;
    answer.answers.iter().chain(&answer.additional).map(|set| set.data.len() * USUAL).sum()
}

/// What the authority says of a question where there is some room, and what that depends on; with
/// all records that could be drawn, or as it is sent.
fn ask_traced(
    asked: &ReadyQuestion<'_>,
    (octets, overflow): (usize, Overflow),
    is_whole: bool,
    draw: &mut Draw,
) -> Option<(Answer, Footprint)> {
    let name = Name::from_labels(asked.name.iter()).ok()?;
    let (kind, class, room) = (asked.kind, DNSClass::IN, Room { octets, overflow });
    let question = Question { name: &name, kind, class, room };
    Some(traced(asked.generation, &question, is_whole, draw))
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
    let targets: Vec<_> = additional.chunk_by(|one, next| one.owner == next.owner).collect();
    let mut glue = vec![None; targets.len()];
    let mut records = Vec::with_capacity(set.data.len());
    let mut next = 0;
    for data in &set.data {
        let target = target(data, &targets, next);
        next = target.map_or(next, |at| at + 1);
        let start = encoder.offset();
        match record(set, data, target.map(|at| (at, targets[at])), &mut glue, &mut encoder) {
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

/// Writes a record, and the addresses of its target before it, if they are not there yet.
fn record(
    set: &RrSet,
    data: &RData,
    target: Option<(usize, &[RrSet])>,
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

/// Writes the addresses of a target.
///
/// # Errors
/// [`ProtoError`] when some are to come first more often than others: only their order is drawn.
fn glue(sets: &[RrSet], encoder: &mut BinEncoder<'_>) -> Result<Range<u16>, ProtoError> {
    let is_even = |set: &RrSet| set.ranks.iter().all(|rank| Some(rank) == set.ranks.first());
    if !sets.iter().all(|set| set.data.len() <= ADDRESSES_MAX && is_even(set)) {
        return Err(ProtoError::Message("a target with addresses of many kinds"));
    }
    let start = encoder.offset();
    for set in sets {
        set.data.iter().try_for_each(|data| write_data(set, data, encoder))?;
    }
    Ok(range(start, encoder))
}

/// What was written since.
fn range(start: usize, encoder: &BinEncoder<'_>) -> Range<u16> {
    start as u16..encoder.offset() as u16
}

/// Which of the targets with addresses is that of a record. They come in the order of the
/// answers, so that it is nearly always the next.
fn target(data: &RData, targets: &[&[RrSet]], next: usize) -> Option<usize> {
    let RData::SRV(srv) = data else { return None };
    let owner = |at: &usize| targets.get(*at)?.first().map(|set| &set.owner);
    let is_target = |at: &usize| owner(at) == Some(&srv.target);
    Some(next).filter(is_target).or_else(|| (0..targets.len()).find(is_target))
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
pub(super) fn times(soa: &SOA) -> [u8; 16] {
    let mut times = [0; 16];
    let all = [soa.refresh as u32, soa.retry as u32, soa.expire as u32, soa.minimum];
    for (place, time) in times.chunks_exact_mut(4).zip(all) {
        place.copy_from_slice(&time.to_be_bytes());
    }
    times
}
