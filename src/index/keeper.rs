//! The keepers of answers by name: which zone has them, in how many places, and how a name is told.

use std::sync::{Arc, OnceLock};

use hickory_proto::rr::RecordType;

use super::kept::{AnswerKey, FoundAnswer, KeptAnswers, TRIES};
use super::{Branch, Cut, Generation, Lead, Node, Schema, Site, Zone};
use crate::names::WireName;

/// Places for each entry of a SkyDNS zone: its name is asked for one or two types, and so is a name
/// above it. Each place takes nine octets.
const BY_ENTRY: usize = 3;
/// Places of any zone for answers by name, beside those that its services have.
const BY_NAME_MIN: usize = 4_096;
/// The most places: those of a million entries.
const BY_NAME_MAX: usize = 3 << 20;
/// How many times as many places a zone may have as it has use for, until it gets others.
const SPARE: usize = 4;

/// The keeper of an answer.
#[derive(Debug, Clone, Copy)]
pub enum Keeper<'k> {
    /// An owner of a zone file, or the configuration.
    Few(&'k KeptAnswers),
    /// The zone, by name.
    Zone,
}

/// The table of a zone, made when it is first needed by a thread that no datagram waits for.
#[derive(Debug)]
pub(super) struct NamedAnswers {
    /// How many places it has.
    places: usize,
    /// The answers.
    answers: OnceLock<KeptAnswers>,
}

impl NamedAnswers {
    /// A table of few places.
    pub(super) const fn few() -> Self {
        Self { places: BY_NAME_MIN, answers: OnceLock::new() }
    }

    /// The table of a zone that is to have so many places. It is this one as long as that has
    /// enough, and not many times as many.
    pub(super) fn sized(self: &Arc<Self>, wanted: usize) -> Arc<Self> {
        let wanted = wanted.clamp(BY_NAME_MIN, BY_NAME_MAX);
        if (wanted..=SPARE * wanted).contains(&self.places) {
            return Arc::clone(self);
        }
        // So much more that the next entries do not make it too small at once.
        let places = (wanted + wanted / 4).next_multiple_of(TRIES);
        Arc::new(Self { places, answers: OnceLock::new() })
    }

    /// The answers, if there are any yet.
    pub(super) fn get(&self) -> Option<&KeptAnswers> {
        self.answers.get()
    }

    /// The answers.
    pub(super) fn made(&self) -> &KeptAnswers {
        self.answers.get_or_init(|| KeptAnswers::with(self.places))
    }
}

impl Node<'_> {
    /// What answers of the node for a type are found by that are made of more than a service or an
    /// RRset, and whose they are. None where there is no end of them.
    #[must_use]
    pub fn kept<'k>(
        &self,
        kind: RecordType,
        (zone, below): (&'k Zone, usize),
        name: &'k WireName,
    ) -> Option<(Keeper<'k>, AnswerKey<'k>)>
    where
        Self: 'k,
    {
        let by_name = AnswerKey { name: name.as_wire(), kind, is_below: false };
        let by_kind = |kind| AnswerKey { name: &[], kind, is_below: false };
        match *self {
            Self::Apex(_) if matches!(kind, RecordType::SOA | RecordType::NS) => {
                Some((Keeper::Few(zone.settings.kept()), by_name))
            }
            Self::Apex(Some(owner)) | Self::Static(owner) => {
                Some((Keeper::Few(owner.kept()), by_kind(kind)))
            }
            // A referral is the same for every name and type; what is asked of the cut's parent
            // side is not a referral.
            Self::Cut(Cut::Delegation(owner)) if kind != RecordType::DS => {
                Some((Keeper::Few(owner.kept()), by_kind(RecordType::ZERO)))
            }
            Self::SkyDns(Branch { by: Lead::Wildcard(encloser), .. }) => {
                let key = of_wildcard(encloser, kind, (name, below))?;
                Some((Keeper::Zone, key))
            }
            Self::Apex(None)
            | Self::Cut(_)
            | Self::Empty
            | Self::SkyDns(Branch { by: Lead::Pattern, .. }) => None,
            _ => Some((Keeper::Zone, by_name)),
        }
    }
}

/// What the answer of a stored wildcard is found by, whose parent's path takes so many octets. None
/// of types whose records lead to the name that was asked for.
fn of_wildcard<'k>(
    encloser: usize,
    kind: RecordType,
    (name, below): (&'k WireName, usize),
) -> Option<AnswerKey<'k>> {
    use RecordType::{A, AAAA, CNAME, TXT};
    let skipped = below - labels_in(name, below, encloser);
    matches!(kind, A | AAAA | CNAME | TXT).then(|| AnswerKey {
        name: name.suffix(skipped),
        kind,
        is_below: true,
    })
}

/// How many of the labels below an apex, the nearest first, take so many octets.
#[must_use]
pub fn labels_in(name: &WireName, below: usize, octets: usize) -> usize {
    let ends = (0..below).rev().scan(0, |end, at| {
        *end += 1 + name.label(at).len();
        Some(*end)
    });
    ends.take_while(|end| *end <= octets).count()
}

impl Generation {
    /// The table of answers by name of a site: its zone's own. Those of a reverse zone stand in the
    /// first zone whose addresses have names, which has places for them.
    fn named_answers(&self, site: Site) -> &NamedAnswers {
        let zone = self.zone(site);
        let named = self.first_named().filter(|_| zone.settings.is_reverse());
        let is_own = zone.settings.schema() == Schema::SkyDns;
        let named = named.filter(|_| !is_own).and_then(|at| self.zones().get(at));
        &named.unwrap_or(zone).kept
    }

    /// The answers by name of a site, if there are any yet.
    #[must_use]
    pub fn kept(&self, site: Site) -> Option<&KeptAnswers> {
        self.named_answers(site).get()
    }

    /// The same, made now: for whom no datagram waits.
    #[must_use]
    pub fn kept_or_made(&self, site: Site) -> &KeptAnswers {
        self.named_answers(site).made()
    }

    /// The answer to a question for a name of a SkyDNS zone or of a reverse zone, if it is kept: so
    /// there is no need to look for the name, which exists. None says nothing.
    #[must_use]
    pub fn find_answer(
        &self,
        site: Site,
        name: &WireName,
        kind: RecordType,
    ) -> Option<FoundAnswer> {
        let settings = self.zone(site).settings();
        let is_by_name = settings.schema() == Schema::SkyDns || settings.is_reverse();
        let kept = self.kept(site).filter(|_| is_by_name)?;
        kept.get(AnswerKey { name: name.as_wire(), kind, is_below: false }, self, site.at())
    }
}

impl Zone {
    /// Has as many places for answers by name as it has use for.
    pub(super) fn size_answers(&mut self) {
        let entries = BY_ENTRY * self.skydns.len();
        let named = if self.addresses.is_some() { self.instances } else { 0 };
        self.kept = self.kept.sized(entries + named);
    }
}
