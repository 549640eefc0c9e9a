//! Explanations of why a name is answered as it is. The answer shown is that of
//! [`super::answer`]'s own functions, and so are the keys it was made of; what is added are
//! words.

mod asked;
mod nobody;
mod record;
mod rule;
mod why;

use std::fmt;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{DNSClass, Name, RecordType};
use serde_json::{Value, json};

use super::resolved::resolve_meant;
use super::resolver::Resolver;
use super::visits::{Visits, Witness};
use super::{Answer, Draw, Overflow, Question, Reason, Resolved, Room, RrSet};
use crate::authority::mnemonic;
use crate::index::{Generation, Node, Zone};
use crate::metrics::Staleness;
use crate::names::{MESSAGE_MAX, Span, WireName, written};
use crate::registry::shown_key;

use self::record::lines;

pub use self::asked::asked;
pub use self::nobody::nobody;
pub use self::record::written_data;

/// Records of a section that are shown: more than anybody reads.
const RECORDS_SHOWN: usize = 100;
/// Octets of an answer that is explained: what TCP carries, less a header, a question and an
/// OPT record.
const ROOM: Room = Room { octets: MESSAGE_MAX - 300, overflow: Overflow::Cut };

/// The answer to a name, and the reasons for it.
#[derive(Debug)]
pub struct Explanation {
    /// The name.
    pub name: Name,
    /// The type.
    pub kind: RecordType,
    /// The zone of ours that it is in, without the last dot.
    pub zone: Option<String>,
    /// Which rule leads there, in words.
    pub rule: String,
    /// Keys of the registry that the answer is made of.
    pub keys: Vec<String>,
    /// How many there are beside those.
    pub more_keys: usize,
    /// The response code.
    pub code: ResponseCode,
    /// What an extended error says beside the code.
    pub reason: Option<Reason>,
    /// Answer, authority and additional section.
    pub sections: [Section; 3],
    /// Where an alias leads that leaves our zones.
    pub leaves: Option<Name>,
    /// Why there is no record of that type; none where there is one.
    pub why: Option<String>,
    /// What else is to be known.
    pub notes: Vec<String>,
}

/// One section of an answer.
#[derive(Debug, Default)]
pub struct Section {
    /// The first of its records, as zone files write them.
    pub records: Vec<String>,
    /// How many there are beside those.
    pub more: usize,
}

/// Explains what a name is answered with.
#[must_use]
pub fn explain(
    generation: &Generation,
    name: &Name,
    kind: RecordType,
    draw: &mut Draw,
) -> Explanation {
    let question = Question { name, kind, class: DNSClass::IN, room: ROOM };
    let visits = Visits::witnessed();
    let answer = Resolver::new(generation, &question, &visits).answer(draw);
    let Witness { keys, more } = visits.into_witness();
    let mut wire = WireName::from_labels(name.iter()).unwrap_or_else(|_| WireName::root());
    let resolved = resolve_meant(generation, &mut wire);
    let place = generation.locate(&wire).map(|(site, _)| &**generation.zone(site));
    Explanation {
        name: name.clone(),
        kind,
        zone: place.map(|zone| zone.settings().title()),
        rule: rule::of(&resolved, &wire),
        keys: keys.into_iter().collect(),
        more_keys: more,
        code: answer.code,
        reason: answer.reason,
        why: why::of(generation, &resolved, (&question, &wire), &answer),
        notes: notes(&resolved, place, &wire),
        leaves: answer.leaves.clone(),
        sections: sections(answer),
    }
}

/// The sections of an answer.
fn sections(answer: Answer) -> [Section; 3] {
    let Answer { answers, authority, additional, .. } = answer;
    [answers, authority.into_iter().collect(), additional].map(Section::new)
}

/// What is to be known beside the answer.
fn notes(resolved: &Resolved<'_>, place: Option<&Zone>, name: &WireName) -> Vec<String> {
    let Some(zone) = place else { return Vec::new() };
    let mut notes = Vec::new();
    if zone.is_ready() && zone.standing() != Staleness::Fresh {
        let age = Span(zone.freshness().age());
        notes.push(format!("the registry last confirmed what is held {age} ago"));
    }
    let held = zone.vitals().held.get();
    if held > 0 {
        notes.push(format!(
            "the collapse guard holds the removal of {held} instances of this zone: what is \
             answered may be gone"
        ));
    }
    if let Resolved::Existing(position, _) = resolved
        && zone.reserves(name)
        && zone.has_registered(name, position.below)
    {
        notes.push(
            "something is registered at this name too: it is not answered, since the name stands \
             in an SOA or NS record; rename it"
                .to_owned(),
        );
    } else if let Resolved::Existing(position, Node::Static(_) | Node::Cut(_)) = resolved
        && zone.has_registered(name, position.below)
    {
        notes.push(
            "something is registered at this name too: the zone file hides it; rename it, or \
             remove the record"
                .to_owned(),
        );
    }
    if let Resolved::Existing(position, _) | Resolved::Missing(position) = resolved
        && let Some(label) = rule::service_label(position, name)
    {
        notes.extend(why::unusable(zone, label));
    }
    notes
}

impl Section {
    /// The first records of some RRsets.
    fn new(sets: Vec<RrSet>) -> Self {
        let total: usize = sets.iter().map(|set| set.data.len()).sum();
        let records: Vec<_> = sets.iter().flat_map(lines).take(RECORDS_SHOWN).collect();
        Self { more: total - records.len(), records }
    }
}

impl Explanation {
    /// The response code as `dig` writes it.
    #[must_use]
    pub fn code_word(&self) -> String {
        format!("{:?}", self.code).to_ascii_uppercase()
    }

    /// Whether the name exists in a zone of ours.
    #[must_use]
    pub fn exists(&self) -> bool {
        !matches!(self.code, ResponseCode::NXDomain | ResponseCode::Refused)
    }

    /// The one JSON object that `srvd explain` and the HTTP interface show.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let [answers, authority, additional] = self.sections.each_ref().map(|it| &it.records);
        let documents: Vec<_> = self.keys.iter().map(|key| json!({ "key": key })).collect();
        json!({
            "name": written(self.name.iter()),
            "type": mnemonic(self.kind),
            "zone": self.zone,
            "rule": self.rule,
            "rcode": self.code_word(),
            "extended_error": self.reason.map(Reason::info_code),
            "answers": answers,
            "authority": authority,
            "additional": additional,
            "more": self.sections.iter().map(|it| it.more).sum::<usize>(),
            "documents": documents,
            "more_documents": self.more_keys,
            "leaves": self.leaves.as_ref().map(|it| written(it.iter())),
            "why": self.why,
            "notes": self.notes,
        })
    }
}

impl Explanation {
    /// The name that others are asked for, if it leads to one: out of our zones, or to a name
    /// that does not exist in one of them, where that falls through.
    #[must_use]
    pub fn elsewhere(&self, falls_through: impl FnOnce(&Name) -> bool) -> Option<&Name> {
        let is_foreign = self.reason == Some(Reason::NotAuthoritative);
        let is_missing = self.code == ResponseCode::NXDomain;
        let is_elsewhere = is_foreign || is_missing && falls_through(&self.name);
        self.leaves.as_ref().or(is_elsewhere.then_some(&self.name))
    }
}

impl fmt::Display for Explanation {
    /// For people: one fact a line.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zone = self.zone.as_deref().unwrap_or("none of ours");
        writeln!(formatter, "{} {}", written(self.name.iter()), mnemonic(self.kind))?;
        writeln!(formatter, "zone:   {zone}")?;
        writeln!(formatter, "rule:   {}", self.rule)?;
        let reason = self.reason.map(|it| format!(", extended error {}", it.info_code()));
        writeln!(formatter, "code:   {}{}", self.code_word(), reason.unwrap_or_default())?;
        if let Some(why) = &self.why {
            writeln!(formatter, "why:    {why}")?;
        }
        if let Some(name) = &self.leaves {
            writeln!(
                formatter,
                "leaves: for {}, which is in no zone of ours",
                written(name.iter())
            )?;
        }
        self.notes.iter().try_for_each(|note| writeln!(formatter, "note:   {note}"))?;
        for (name, section) in ["answer", "authority", "additional"].iter().zip(&self.sections) {
            list(formatter, name, &section.records, section.more)?;
        }
        // Whoever may write a key must not write to the terminal of who asks.
        let keys: Vec<_> = self.keys.iter().map(|key| shown_key(key.as_bytes())).collect();
        list(formatter, "keys", &keys, self.more_keys)
    }
}

/// Writes lines under a heading, and how many more there are; nothing where there are none.
fn list(
    formatter: &mut fmt::Formatter<'_>,
    heading: &str,
    lines: &[String],
    more: usize,
) -> fmt::Result {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(formatter, "{heading}:")?;
    lines.iter().try_for_each(|line| writeln!(formatter, "  {line}"))?;
    if more > 0 { writeln!(formatter, "  and {more} more") } else { Ok(()) }
}
