//! The believed part of a reply: the chain of aliases that starts at the question, and the
//! RRset it leads to. A server that is asked for one name says nothing of others.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use hickory_proto::rr::{Name, RData, Record, RecordType};

use super::Asked;
use crate::authority::RrSet;

/// The longest an answer is believed, in seconds: a day.
pub(super) const TTL_MAX: u32 = 86_400;

/// Aliases from a question on, and what the last of them leads to.
#[derive(Debug)]
pub(super) struct Chain {
    /// The RRsets, in order.
    pub(super) sets: Vec<RrSet>,
    /// Whether there is what was asked for.
    pub(super) has_data: bool,
    /// The last name.
    pub(super) end: Name,
}

/// Records by owner and type.
#[derive(Default)]
struct Sets {
    /// The RRsets.
    sets: HashMap<(Name, RecordType), RrSet>,
    /// The data in them, each once.
    seen: HashSet<(Name, RData)>,
}

impl Chain {
    /// Follows what was asked through the answers of a reply.
    pub(super) fn follow(asked: &Asked, answers: Vec<Record>) -> Self {
        let mut sets = Sets::default();
        answers.into_iter().for_each(|record| sets.add(record));
        let mut chain = Self { sets: Vec::new(), has_data: false, end: asked.name.clone() };
        // Every turn takes an alias out.
        while !chain.reaches(asked.kind, &mut sets) {
            let Some((alias, target)) = sets.alias(&chain.end) else { break };
            chain.sets.extend(sets.above(&chain.end));
            chain.sets.push(RrSet { owner: chain.end, ..alias });
            chain.end = target;
        }
        chain
    }

    /// Takes what was asked for, if it stands at the end.
    fn reaches(&mut self, kind: RecordType, sets: &mut Sets) -> bool {
        let found = sets.of_type(&self.end, kind);
        self.has_data = !found.is_empty();
        let owner = &self.end;
        self.sets.extend(found.into_iter().map(|set| RrSet { owner: owner.clone(), ..set }));
        self.has_data
    }
}

impl Sets {
    /// Adds a record to its RRset, which has one TTL, the least (RFC 2181 section 5.2), and
    /// every datum once (section 5).
    fn add(&mut self, record: Record) {
        let kind = record.record_type();
        if !self.seen.insert((record.name.clone(), record.data.clone())) {
            return;
        }
        match self.sets.entry((record.name.clone(), kind)) {
            Entry::Vacant(entry) => _ = entry.insert(single(record)),
            // A name has one alias (RFC 2181 section 10.1).
            Entry::Occupied(_) if matches!(kind, RecordType::CNAME | RecordType::DNAME) => {}
            Entry::Occupied(mut entry) => {
                let set = entry.get_mut();
                set.ttl = set.ttl.min(ttl(record.ttl));
                set.data.push(record.data);
            }
        }
    }

    /// Takes the records of a type at a name out; all of them for ANY.
    fn of_type(&mut self, name: &Name, kind: RecordType) -> Vec<RrSet> {
        if kind != RecordType::ANY {
            return self.sets.remove(&(name.clone(), kind)).into_iter().collect();
        }
        let is_there = |(owner, kind): &(Name, _), _: &mut _| owner == name && is_data(*kind);
        let mut found: Vec<_> = self.sets.extract_if(is_there).map(|(_, set)| set).collect();
        found.sort_by_key(|set| u16::from(set.kind));
        found
    }

    /// Takes an alias out, and says where it leads.
    fn alias(&mut self, name: &Name) -> Option<(RrSet, Name)> {
        let set = self.sets.remove(&(name.clone(), RecordType::CNAME))?;
        let RData::CNAME(target) = set.data.first()? else { return None };
        let target = target.0.clone();
        Some((set, target))
    }

    /// Takes out what an alias was made of (DNAME).
    fn above(&mut self, name: &Name) -> Option<RrSet> {
        let is_above = |(owner, kind): &&(Name, RecordType)| {
            *kind == RecordType::DNAME && owner != name && owner.zone_of(name)
        };
        let key = self.sets.keys().find(is_above).cloned()?;
        self.sets.remove(&key)
    }
}

/// An RRset of one record.
pub(super) fn single(record: Record) -> RrSet {
    RrSet {
        kind: record.record_type(),
        ttl: ttl(record.ttl),
        owner: record.name,
        data: vec![record.data],
        ranks: Vec::new(),
        is_cut: false,
    }
}

/// A TTL as it is believed: one with the top bit is none (RFC 2181 section 8).
fn ttl(ttl: u32) -> u32 {
    if ttl > i32::MAX as u32 { 0 } else { ttl.min(TTL_MAX) }
}

/// Whether records of a type are data, and not part of the protocol (RFC 6895 section 3.1).
fn is_data(kind: RecordType) -> bool {
    kind != RecordType::OPT && !(128..256).contains(&u16::from(kind))
}

#[cfg(test)]
mod tests {
    use hickory_proto::rr::rdata::{A, CNAME, TXT};

    use super::*;

    /// A name.
    fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    /// An address record.
    fn address(owner: &str, ttl: u32, last: u8) -> Record {
        Record::from_rdata(name(owner), ttl, RData::A(A::new(192, 0, 2, last)))
    }

    /// An alias.
    fn alias(owner: &str, target: &str) -> Record {
        Record::from_rdata(name(owner), 60, RData::CNAME(CNAME(name(target))))
    }

    /// What is believed, as owner, type, TTL and count; and whether that is data.
    fn followed(kind: RecordType, answers: Vec<Record>) -> (Vec<String>, bool) {
        let asked = Asked { name: name("a.test."), kind, checking_disabled: false };
        let chain = Chain::follow(&asked, answers);
        let shape = |set: &RrSet| {
            format!("{} {} {} {}", set.owner.to_ascii(), set.kind, set.ttl, set.data.len())
        };
        (chain.sets.iter().map(shape).collect(), chain.has_data)
    }

    #[test]
    fn an_rrset_has_one_ttl_and_every_datum_once() {
        let answers = vec![
            address("a.test.", 9, 1),
            address("b.test.", 1, 1),
            address("A.test.", 7, 2),
            address("a.test.", 5, 1),
            address("a.test.", 100_000, 3),
        ];
        assert_eq!(followed(RecordType::A, answers), (vec!["a.test. A 7 3".to_owned()], true));
        let most = followed(RecordType::A, vec![address("a.test.", 100_000, 1)]).0;
        assert_eq!(most, [format!("a.test. A {TTL_MAX} 1")]);
        let none = followed(RecordType::A, vec![address("a.test.", 1 << 31, 1)]).0;
        assert_eq!(none, ["a.test. A 0 1"]);
    }

    #[test]
    fn nothing_is_believed_but_what_answers_the_question() {
        let text = Record::from_rdata(name("c.test."), 60, RData::TXT(TXT::new(vec!["x".into()])));
        let answers = vec![
            address("svc.services.internal.", 60, 6),
            address("c.test.", 60, 1),
            alias("b.test.", "c.test."),
            text,
            alias("a.test.", "b.test."),
            alias("a.test.", "other.test."),
            address("other.test.", 60, 6),
        ];
        let chain = ["a.test. CNAME 60 1", "b.test. CNAME 60 1", "c.test. A 60 1"];
        assert_eq!(
            followed(RecordType::A, answers.clone()),
            (chain.map(str::to_owned).into(), true)
        );
        let (sets, has_data) = followed(RecordType::AAAA, answers.clone());
        assert_eq!((sets.len(), has_data), (2, false));
        let (sets, has_data) = followed(RecordType::CNAME, answers.clone());
        assert_eq!((sets, has_data), (vec!["a.test. CNAME 60 1".to_owned()], true));
        assert_eq!(followed(RecordType::ANY, answers).0, ["a.test. CNAME 60 1"]);
    }

    #[test]
    fn aliases_that_lead_in_circles_end() {
        let answers = vec![alias("a.test.", "b.test."), alias("b.test.", "a.test.")];
        assert_eq!(followed(RecordType::A, answers).0.len(), 2);
    }
}
