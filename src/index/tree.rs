//! The records of a zone file, arranged as RFC 1034 section 4.3.2 walks them.
//!
//! Owners stand in one hash map by their lower-cased wire form, and with them the empty names
//! in between (RFC 8020), so that every walk from the apex down ends at the first name that is
//! not there. A tree never changes: a zone file that is read anew makes another.

use std::collections::HashMap;
use std::sync::OnceLock;

use hickory_proto::rr::{Name, RData, Record, RecordType};

use super::AnswerSlot;
use super::kept::{BY_KIND, KeptAnswers};
use crate::names::{NameTooLong, WireName};

/// The records of one zone file.
#[derive(Debug, Default, PartialEq)]
pub struct Tree {
    /// By the owner's lower-cased wire form.
    owners: HashMap<Box<[u8]>, Owner, foldhash::fast::RandomState>,
    /// How many RRsets there are.
    sets: usize,
    /// Whether any owner is a zone cut, or redirects what is below it.
    has_cuts: bool,
    /// Whether any owner is a wildcard.
    has_wildcards: bool,
}

/// A name with its records; one without any exists because of names below it.
#[derive(Debug, Default)]
pub struct Owner {
    /// The name, as the file spells it.
    name: Name,
    /// Its RRsets, each of another type.
    sets: Vec<RecordSet>,
    /// The answers that are made of them and of others.
    kept: OnceLock<KeptAnswers>,
}

/// One RRset of a zone file.
#[derive(Debug)]
pub struct RecordSet {
    /// The type.
    pub kind: RecordType,
    /// The TTL in seconds: the least of its records (RFC 2181 section 5.2).
    pub ttl: u32,
    /// The data, each once.
    pub data: Vec<RData>,
    /// The answer that was made of it.
    slot: AnswerSlot,
}

/// A name where the authority of a zone ends, or leads elsewhere.
#[derive(Debug, Clone, Copy)]
pub enum Cut<'t> {
    /// The name is at a zone cut or below it.
    Delegation(&'t Owner),
    /// The name is below a DNAME record.
    Redirection(&'t Owner),
}

impl PartialEq for Owner {
    /// Whether it says the same, whatever was made of it.
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.sets) == (&other.name, &other.sets)
    }
}

impl PartialEq for RecordSet {
    /// Whether it says the same, whatever was made of it.
    fn eq(&self, other: &Self) -> bool {
        (self.kind, self.ttl, &self.data) == (other.kind, other.ttl, &other.data)
    }
}

impl Tree {
    /// The same records, of which no answer was made.
    pub(super) fn unused(&self) -> Self {
        let owners = self.owners.iter().map(|(wire, owner)| (wire.clone(), owner.unused()));
        let Self { sets, has_cuts, has_wildcards, .. } = *self;
        Self { owners: owners.collect(), sets, has_cuts, has_wildcards }
    }

    /// The tree of a zone's records.
    ///
    /// # Errors
    /// [`NameTooLong`] when an owner is no name that fits the wire.
    pub fn new(
        apex: &WireName,
        records: impl IntoIterator<Item = Record>,
    ) -> Result<Self, NameTooLong> {
        let mut tree = Self::default();
        for record in records {
            let wire = WireName::from_labels(record.name.iter())?;
            let is_below = wire.labels() > apex.labels();
            tree.has_cuts |= is_below && record.record_type() == RecordType::NS;
            tree.has_cuts |= record.record_type() == RecordType::DNAME;
            tree.add(apex, &wire, record);
        }
        tree.sets = tree.owners.values().map(|owner| owner.sets.len()).sum();
        tree.has_wildcards = tree.owners.keys().any(|name| name.starts_with(b"\x01*"));
        Ok(tree)
    }

    /// Adds a record, and the names between its owner and the apex.
    fn add(&mut self, apex: &WireName, wire: &WireName, record: Record) {
        let above = 1..=wire.labels().saturating_sub(apex.labels());
        for name in above.map(|skipped| wire.suffix(skipped)) {
            if !self.owners.contains_key(name) {
                self.owners.insert(name.into(), Owner::default());
            }
        }
        let owner = self.owners.entry(wire.as_wire().into()).or_default();
        if owner.sets.is_empty() {
            owner.name = record.name.clone();
        }
        owner.add(record);
    }

    /// Whether it says nothing beside SOA and NS at the apex.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        let is_bare = |set: &RecordSet| matches!(set.kind, RecordType::SOA | RecordType::NS);
        self.owners.len() < 2 && self.owners.values().all(|it| it.sets.iter().all(is_bare))
    }

    /// What stands at a name, if it exists here.
    #[must_use]
    pub fn owner(&self, name: &WireName) -> Option<&Owner> {
        self.owners.get(name.as_wire())
    }

    /// How many RRsets it has.
    #[must_use]
    pub const fn sets(&self) -> usize {
        self.sets
    }

    /// The owners, in no order.
    pub fn owners(&self) -> impl Iterator<Item = &Owner> {
        self.owners.values()
    }

    /// The first cut on the way from the apex down to a name that is so many labels below it.
    #[must_use]
    pub fn cut(&self, name: &WireName, below: usize) -> Option<Cut<'_>> {
        if !self.has_cuts {
            return None;
        }
        let way = (0..=below).rev().map_while(|skipped| {
            let owner = self.owners.get(name.suffix(skipped))?;
            Some((skipped, owner))
        });
        way.into_iter().find_map(|(skipped, owner)| {
            let is_cut = skipped < below && owner.set(RecordType::NS).is_some();
            let redirects = skipped > 0 && owner.set(RecordType::DNAME).is_some();
            is_cut
                .then_some(Cut::Delegation(owner))
                .or_else(|| redirects.then_some(Cut::Redirection(owner)))
        })
    }

    /// Whether it says what is at a name, so many labels below the apex, whatever else is known:
    /// by records there, or by a cut.
    pub(super) fn says(&self, name: &WireName, below: usize) -> bool {
        self.owner(name).is_some_and(|owner| !owner.is_empty()) || self.cut(name, below).is_some()
    }

    /// Whether any name is a wildcard.
    #[must_use]
    pub const fn has_wildcards(&self) -> bool {
        self.has_wildcards
    }

    /// The wildcard right below a name, given in lower-cased wire form (RFC 4592 section 2.1.1).
    #[must_use]
    pub fn wildcard(&self, encloser: &[u8]) -> Option<&Owner> {
        let mut name = [0; 2 + crate::names::NAME_MAX];
        let name = name.get_mut(..2 + encloser.len())?;
        name[..2].copy_from_slice(b"\x01*");
        name[2..].copy_from_slice(encloser);
        self.owners.get(&*name)
    }
}

impl Owner {
    /// The same records, of which no answer was made.
    fn unused(&self) -> Self {
        let unused = |set: &RecordSet| {
            let RecordSet { kind, ttl, ref data, .. } = *set;
            RecordSet { kind, ttl, data: data.clone(), slot: AnswerSlot::new() }
        };
        let sets = self.sets.iter().map(unused).collect();
        Self { name: self.name.clone(), sets, kept: OnceLock::new() }
    }

    /// A name with records of one TTL.
    pub(super) fn of(name: Name, ttl: u32, data: impl IntoIterator<Item = RData>) -> Self {
        let mut owner = Self { name: name.clone(), ..Self::default() };
        data.into_iter().for_each(|data| owner.add(Record::from_rdata(name.clone(), ttl, data)));
        owner
    }

    /// Adds a record to the RRset of its type. A zone file has none twice.
    fn add(&mut self, record: Record) {
        let (kind, ttl, data) = (record.record_type(), record.ttl, record.data);
        match self.sets.iter_mut().find(|set| set.kind == kind) {
            Some(set) => {
                set.ttl = set.ttl.min(ttl);
                set.data.push(data);
            }
            None => {
                let (data, slot) = (vec![data], AnswerSlot::new());
                self.sets.push(RecordSet { kind, ttl, data, slot });
            }
        }
    }

    /// The name, as the file spells it; the root where it has no records.
    #[must_use]
    pub const fn name(&self) -> &Name {
        &self.name
    }

    /// The answers that are made of its records and of others.
    pub(super) fn kept(&self) -> &KeptAnswers {
        self.kept.get_or_init(|| KeptAnswers::with(BY_KIND))
    }

    /// Whether it exists because of names below it alone.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// The RRsets.
    #[must_use]
    pub fn sets(&self) -> &[RecordSet] {
        &self.sets
    }

    /// Whether it has SVCB records.
    #[must_use]
    pub fn has_services(&self) -> bool {
        self.set(RecordType::SVCB).is_some()
    }

    /// The RRset of a type.
    #[must_use]
    pub fn set(&self, kind: RecordType) -> Option<&RecordSet> {
        self.sets.iter().find(|set| set.kind == kind)
    }

    /// The RRset of the alias that answers for a type (RFC 1034 section 3.6.2).
    #[must_use]
    pub fn alias(&self, kind: RecordType) -> Option<&RecordSet> {
        let stays = matches!(kind, RecordType::CNAME | RecordType::ANY);
        self.set(RecordType::CNAME).filter(|_| !stays && self.set(kind).is_none())
    }
}

impl RecordSet {
    /// The place of the answer that is made of it.
    pub(super) const fn slot(&self) -> &AnswerSlot {
        &self.slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    fn wire(text: &str) -> WireName {
        WireName::from_text(text).unwrap()
    }

    fn tree(records: &[(&str, RData)]) -> Tree {
        let record =
            |(owner, data): &(&str, RData)| Record::from_rdata(name(owner), 60, data.clone());
        Tree::new(&wire("z"), records.iter().map(record)).unwrap()
    }

    fn a(last: u8) -> RData {
        RData::A(std::net::Ipv4Addr::new(10, 0, 0, last).into())
    }

    fn ns(target: &str) -> RData {
        RData::NS(hickory_proto::rr::rdata::NS(name(target)))
    }

    #[test]
    fn names_in_between_exist() {
        let tree = tree(&[("a.b.Z.", a(1)), ("a.b.z.", a(2))]);
        assert_eq!(tree.owner(&wire("A.b.z")).unwrap().sets()[0].data, [a(1), a(2)]);
        assert!(tree.owner(&wire("b.z")).unwrap().is_empty());
        assert!(tree.owner(&wire("c.z")).is_none() && !tree.is_bare());
        assert!(tree.cut(&wire("a.b.z"), 2).is_none() && !tree.has_wildcards());
    }

    #[test]
    fn cuts_are_found_from_the_apex_down() {
        let tree = tree(&[
            ("z.", ns("n.z.")),
            ("sub.z.", ns("n.sub.z.")),
            ("n.sub.z.", a(1)),
            ("deep.sub.z.", ns("n.z.")),
            ("*.w.z.", a(2)),
        ]);
        for (asked, below, cut) in
            [("z", 0, ""), ("sub.z", 1, "sub.z."), ("x.deep.sub.z", 3, "sub.z."), ("x.z", 1, "")]
        {
            let found = match tree.cut(&wire(asked), below) {
                Some(Cut::Delegation(owner)) => owner.name().to_ascii(),
                _ => String::new(),
            };
            assert_eq!(found, cut, "{asked}");
        }
        assert!(tree.wildcard(wire("w.z").as_wire()).is_some());
        assert!(tree.wildcard(wire("z").as_wire()).is_none());
    }
}
