//! The rules of records beside each other in a zone: RFC 1034 section 3.6, RFC 2181, RFC 6672.

use std::collections::{HashMap, HashSet};

use hickory_proto::rr::{Name, RData, RecordType};

use super::Entry;
use super::fault::{Reason, Warning, WarningReason, ZoneFault};

/// The records that are served, and what is to be said of the others.
///
/// # Errors
/// [`ZoneFault`]: records contradict each other.
pub(super) fn checked(
    mut entries: Vec<Entry>,
    apex: &Name,
) -> Result<(Vec<Entry>, Vec<Warning>), ZoneFault> {
    let mut warnings = Vec::new();
    level(&mut entries, &mut warnings);
    let entries = distinct(entries);
    start(&entries, apex)?;
    alone(&entries, apex)?;
    let entries = visible(entries, apex, &mut warnings);
    targets(&entries, &mut warnings);
    Ok((entries, warnings))
}

/// An entry's type.
fn kind(entry: &Entry) -> RecordType {
    entry.record.record_type()
}

/// One TTL per RRset, the least (RFC 2181 section 5.2). Those of signatures follow what they
/// sign.
fn level(entries: &mut [Entry], warnings: &mut Vec<Warning>) {
    let mut least: HashMap<_, u32> = HashMap::new();
    for entry in entries.iter().filter(|entry| kind(entry) != RecordType::RRSIG) {
        let ttl = least.entry((&entry.record.name, kind(entry))).or_insert(entry.record.ttl);
        *ttl = (*ttl).min(entry.record.ttl);
    }
    let mut told = HashSet::new();
    let ttls: Vec<_> = entries
        .iter()
        .map(|entry| {
            let (name, record) = (&entry.record.name, kind(entry));
            let ttl = least.get(&(name, record)).copied().unwrap_or(entry.record.ttl);
            // One line of an RRset is enough to find the others by.
            if ttl != entry.record.ttl && told.insert((name, record)) {
                warnings.push(entry.warning(WarningReason::Ttls {
                    name: name.clone(),
                    record,
                    ttl,
                }));
            }
            ttl
        })
        .collect();
    for (entry, ttl) in entries.iter_mut().zip(ttls) {
        entry.record.ttl = ttl;
    }
}

/// Equal records once (RFC 2181 section 5), where the first of them stands.
fn distinct(mut entries: Vec<Entry>) -> Vec<Entry> {
    let mut seen = HashSet::new();
    let records = entries.iter().map(|entry| &entry.record);
    let new: Vec<_> = records.map(|record| seen.insert((&record.name, &record.data))).collect();
    let mut new = new.into_iter();
    entries.retain(|_| new.next() == Some(true));
    entries
}

/// One start of authority, at the apex.
fn start(entries: &[Entry], apex: &Name) -> Result<(), ZoneFault> {
    let mut first = None;
    for entry in entries.iter().filter(|entry| kind(entry) == RecordType::SOA) {
        if entry.record.name != *apex {
            return Err(entry.fault(Reason::SoaBelow(Box::new(apex.clone()))));
        }
        if let Some(line) = first.replace(entry.line) {
            return Err(entry.fault(Reason::TwoSoa(line)));
        }
    }
    Ok(())
}

/// Aliases: one at a name, and beside a CNAME nothing else (RFC 2181 section 10.1, RFC 6672
/// section 2.4).
fn alone(entries: &[Entry], apex: &Name) -> Result<(), ZoneFault> {
    let mut firsts = HashMap::new();
    for entry in entries {
        if matches!(kind(entry), RecordType::CNAME | RecordType::DNAME | RecordType::NS) {
            firsts.entry((&entry.record.name, kind(entry))).or_insert(entry);
        }
    }
    let first = |entry: &Entry, record| firsts.get(&(&entry.record.name, record)).copied();
    entries.iter().try_for_each(|entry| beside(entry, apex, |record| first(entry, record)))
}

/// What an entry may not stand beside, given the first entries of a type at its name.
fn beside<'entry>(
    entry: &Entry,
    apex: &Name,
    first: impl Fn(RecordType) -> Option<&'entry Entry>,
) -> Result<(), ZoneFault> {
    let (name, record) = (&entry.record.name, kind(entry));
    let boxed = || Box::new(name.clone());
    match record {
        RecordType::CNAME | RecordType::DNAME => {
            if let Some(other) = first(record).filter(|first| !std::ptr::eq(*first, entry)) {
                let (name, line) = (boxed(), other.line);
                return Err(entry.fault(Reason::TwoAliases { name, record, line }));
            }
        }
        // They say something of the alias itself (RFC 4035 section 2.5).
        RecordType::RRSIG | RecordType::NSEC => return Ok(()),
        _ => (),
    }
    if record == RecordType::CNAME && name == apex {
        return Err(entry.fault(Reason::AliasApex));
    }
    if let Some(alias) = first(RecordType::CNAME).filter(|_| record != RecordType::CNAME) {
        return Err(entry.fault(Reason::BesideAlias(boxed(), alias.line)));
    }
    match first(RecordType::NS).filter(|_| record == RecordType::DNAME && name != apex) {
        Some(cut) => Err(entry.fault(Reason::DelegatedAlias(boxed(), cut.line))),
        None => Ok(()),
    }
}

/// The owners that end a zone: below them something else has authority.
struct Ends<'entry> {
    /// The delegations.
    cuts: HashSet<&'entry Name>,
    /// The owners of DNAME records.
    aliases: HashSet<&'entry Name>,
    /// What the delegations name.
    servers: HashSet<&'entry Name>,
}

impl<'entry> Ends<'entry> {
    /// Those of a zone.
    fn new(entries: &'entry [Entry], apex: &Name) -> Self {
        let below = |record: RecordType| {
            entries.iter().filter(move |it| kind(it) == record && it.record.name != *apex)
        };
        let aliases = entries.iter().filter(|it| kind(it) == RecordType::DNAME);
        let mut ends = Self {
            cuts: below(RecordType::NS).map(|it| &it.record.name).collect(),
            aliases: aliases.map(|it| &it.record.name).collect(),
            servers: HashSet::new(),
        };
        // A delegation that another one hides needs no addresses.
        let served = below(RecordType::NS).filter(|it| ends.hidden(it, apex).is_none());
        ends.servers = served.filter_map(|it| target(&it.record.data)).collect();
        ends
    }

    /// Why an entry is not served, if it is not.
    fn hidden(&self, entry: &Entry, apex: &Name) -> Option<WarningReason> {
        let (name, record) = (&entry.record.name, kind(entry));
        let mut at = name.clone();
        let mut above = None;
        // The end that is nearest the apex rules.
        while at.num_labels() >= apex.num_labels() {
            let is_own = at == *name;
            if self.aliases.contains(&at) && !is_own {
                above =
                    Some(WarningReason::Renamed { name: name.clone(), record, alias: at.clone() });
            }
            if self.cuts.contains(&at) {
                above = (!self.passes(name, record, is_own)).then(|| WarningReason::Delegated {
                    name: name.clone(),
                    record,
                    cut: at.clone(),
                });
            }
            if at.is_root() {
                break;
            }
            at = at.base_name();
        }
        above
    }

    /// Whether a record at a delegation, or below it, is part of the referral.
    fn passes(&self, name: &Name, record: RecordType, is_own: bool) -> bool {
        match record {
            RecordType::A | RecordType::AAAA => self.servers.contains(name),
            RecordType::NS | RecordType::DS | RecordType::NSEC | RecordType::RRSIG => is_own,
            _ => false,
        }
    }
}

/// The entries that the zone has authority for, and the glue.
fn visible(entries: Vec<Entry>, apex: &Name, warnings: &mut Vec<Warning>) -> Vec<Entry> {
    let ends = Ends::new(&entries, apex);
    if ends.cuts.is_empty() && ends.aliases.is_empty() {
        return entries;
    }
    let hidden: Vec<_> = entries.iter().map(|entry| ends.hidden(entry, apex)).collect();
    let mut served = Vec::with_capacity(entries.len());
    for (entry, hidden) in entries.into_iter().zip(hidden) {
        match hidden {
            Some(caution) => warnings.push(entry.warning(caution)),
            None => served.push(entry),
        }
    }
    served
}

/// Warns of targets that are aliases (RFC 2181 section 10.3).
fn targets(entries: &[Entry], warnings: &mut Vec<Warning>) {
    let aliases = entries.iter().filter(|entry| kind(entry) == RecordType::CNAME);
    let aliases: HashSet<&Name> = aliases.map(|entry| &entry.record.name).collect();
    for entry in entries {
        let named = target(&entry.record.data).filter(|target| aliases.contains(target));
        if let Some(target) = named {
            let (name, target) = (entry.record.name.clone(), target.clone());
            let caution = WarningReason::AliasTarget { name, record: kind(entry), target };
            warnings.push(entry.warning(caution));
        }
    }
}

/// The host that a record names, which must have addresses of its own.
fn target(data: &RData) -> Option<&Name> {
    match data {
        RData::NS(ns) => Some(&ns.0),
        RData::MX(mx) => Some(&mx.exchange),
        RData::SRV(srv) => Some(&srv.target),
        _ => None,
    }
}
