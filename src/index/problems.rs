//! Problems of a zone, listed from one generation of it.
//!
//! Keys that cannot be used come with every update and are kept ([`super::unusable`]). What follows from keys together (names that meet, or that are too long) is found
//! when somebody asks, by walking the zone; no query pays for it.

use std::collections::{BTreeMap, HashSet};

use hickory_proto::rr::RecordType;

use super::derived::{BOUND, RRSET_MAX, Walk, too_many};
use super::{Branch, Lead, Node, Tree, Zone};
use crate::names::reversed::labels;
use crate::names::{WireName, folded, written};
use crate::registry::skydns::Entry;
use crate::registry::{Alias, Diagnostic, Host, Resource, document};

impl Zone {
    /// How many keys are of the form NAME/ID and cannot be used, and how many are of another
    /// form. Both are kept: it takes no walk to tell.
    #[must_use]
    pub fn unusable_keys(&self) -> (usize, usize) {
        (self.unusable.keys.len(), self.unusable.stray_count)
    }

    /// Everything that is wrong in the zone, each in a line that names the key, in no
    /// order. It is found as it is asked for: with a million instances the whole list takes
    /// about a second, so this is for commands and for people, not for queries.
    pub fn problems(&self) -> impl Iterator<Item = Diagnostic> {
        let keys = self.unusable.keys.iter().map(|(key, problem)| Diagnostic::of(key, problem));
        let strays = self.strays();
        let aliases = self.aliases.iter();
        let aliases = aliases.flat_map(|(alias, is_first)| self.problems_of_alias(alias, is_first));
        let walk = Walk::new(self.settings());
        let services = self.services.values().flat_map(move |service| walk.problems(service));
        let cautions = self.settings().cautions().iter().cloned();
        let hidden = self.settings().tree().into_iter().flat_map(|tree| self.hidden_by_file(tree));
        let same = self.same_entries().chain(self.problems_of_names()).chain(self.half_answered());
        let many = self.many_kinds().into_iter().chain(self.many_entries());
        let found = cautions.chain(hidden).chain(keys).chain(strays).chain(aliases);
        found.chain(services).chain(same).chain(many)
    }

    /// Documents that cannot be used, of the service with a lower-cased label.
    pub fn unusable_of(&self, label: &[u8]) -> impl Iterator<Item = Diagnostic> {
        let layout = self.settings().layout();
        let is_of = move |key: &[u8]| folded(&layout.first_segment(key)).eq(label.iter().copied());
        let keys = self.unusable.keys.iter().filter(move |(key, _)| is_of(key));
        keys.map(|(key, problem)| Diagnostic::of(key, problem))
    }

    /// Whether something is registered at a name, whatever the zone file has there.
    #[must_use]
    pub fn has_registered(&self, name: &WireName, below: usize) -> bool {
        let node = (below > 0).then(|| self.find_registered(name, below)).flatten();
        node.is_some_and(|node| !matches!(node, Node::Empty))
    }

    /// Keys of a SkyDNS zone that differ in case and are one name.
    fn same_entries(&self) -> impl Iterator<Item = Diagnostic> {
        let entries = self.skydns.iter();
        let pairs = entries.clone().zip(entries.skip(1));
        pairs.filter(|(one, other)| one.path == other.path).map(|(one, other)| {
            let problem = format!("it is the same name in DNS as `{}`: both are answered", one.key);
            Diagnostic::new(&other.key, problem, "write keys in lower case, without a last `/`")
        })
    }

    /// Hosts of a SkyDNS zone that no address can be told of: names outside our zones, at or
    /// beside entries with addresses, for a CNAME cannot stand with these.
    fn half_answered(&self) -> impl Iterator<Item = Diagnostic> {
        let is_ours = |host: &str| WireName::from_text(host).is_ok_and(|name| self.is_ours(&name));
        let parent =
            |path: &[u8]| labels(path).last().map_or(0, |last| path.len() - 1 - last.len());
        let places = move |entry: &Entry| [entry.path.len(), parent(&entry.path)];
        let mut addressed: HashSet<&[u8], foldhash::fast::RandomState> = HashSet::default();
        let mut outside = Vec::new();
        for entry in self.skydns.iter().filter(|entry| !entry.value.is_mail) {
            match &entry.value.host {
                None => {}
                Some(Host::Name(host)) if !is_ours(host) => outside.push((entry, host)),
                Some(_) => addressed.extend(places(entry).map(|to| &entry.path[..to])),
            }
        }
        outside.into_iter().filter_map(move |(entry, host)| {
            let mut places = places(entry).into_iter().filter(|to| *to > 0);
            places.find(|to| addressed.contains(&entry.path[..*to]))?;
            let problem = format!(
                "its host `{}` is outside our zones, and there are addresses beside it: A and AAAA are answered without it",
                document::shown(host)
            );
            Some(Diagnostic::new(&entry.key, problem, "give it a name of its own"))
        })
    }

    /// More kinds of services than resolvers take in one list.
    fn many_kinds(&self) -> Option<Diagnostic> {
        let is_limited = self.settings().most_answers() <= RRSET_MAX;
        let number = if is_limited { 0 } else { self.service_types().count() };
        let name = format!("_services._dns-sd._udp.{}", self.settings().title());
        (number > RRSET_MAX).then(|| too_many(&name, (number, "PTR"), BOUND))
    }

    /// Names of a SkyDNS zone with more entries right below than resolvers take of one type.
    fn many_entries(&self) -> Vec<Diagnostic> {
        let mut parents = BTreeMap::<&str, usize>::new();
        if self.settings().most_answers() > RRSET_MAX {
            let folders = self.skydns.iter().filter_map(|entry| entry.key.rsplit_once('/'));
            folders.for_each(|(folder, _)| *parents.entry(folder).or_default() += 1);
        }
        let many = parents.into_iter().filter(|(_, number)| *number > RRSET_MAX);
        many.map(|(folder, number)| too_many(folder, (number, "A or SRV"), BOUND)).collect()
    }

    /// What of the registry the zone file hides: a record at its own node, a cut everything
    /// below it too.
    fn hidden_by_file<'z>(&'z self, tree: &'z Tree) -> impl Iterator<Item = Diagnostic> + 'z {
        let apex = self.settings().wire().labels();
        tree.owners().filter(|owner| !owner.is_empty()).filter_map(move |owner| {
            let name = WireName::from_labels(owner.name().iter()).ok()?;
            let below = name.labels().checked_sub(apex)?;
            let node = self.find_registered(&name, below)?;
            let redirects = owner.set(RecordType::DNAME).is_some();
            let is_cut = redirects || tree.cut(&name, below).is_some();
            let is_nothing = match node {
                Node::SkyDns(Branch { by: Lead::Pattern, .. }) => true,
                _ if below == 0 => !redirects || self.is_empty(),
                node => matches!(node, Node::Empty) && !is_cut,
            };
            if is_nothing {
                return None;
            }
            let what = if is_cut { "and all names below it are" } else { "is" };
            let problem =
                format!("the name {what} in the registry too, and the zone file is answered");
            let key = written(owner.name().iter());
            Some(Diagnostic::new(&key, problem, "rename the service, or remove the record"))
        })
    }

    /// Keys outside the grammar, one line for a first segment; where a template has matched
    /// none at all, one line for all of them.
    fn strays(&self) -> Vec<Diagnostic> {
        let layout = self.settings().layout();
        let unusable = &self.unusable;
        let is_unmatched = self.instances() == 0 && unusable.keys.is_empty();
        match (layout.template(), unusable.strays.iter().next()) {
            (Some(template), Some((segment, _))) if is_unmatched => {
                let (text, example) = (template.text(), layout.folder(&template.example(), true));
                let problem = format!(
                    "none of {} keys is of the template `{text}`, which reads keys like `{example}`",
                    unusable.stray_count
                );
                let remedy = "correct `key` of the template, or `prefix`, which stands before it";
                vec![Diagnostic::new(&layout.folder(segment, true), problem, remedy)]
            }
            // Where the whole keyspace is read, most keys are somebody else's.
            (Some(_), _) if layout.folder("", false).is_empty() => Vec::new(),
            _ => {
                unusable.strays.iter().map(|(segment, count)| self.stray(segment, *count)).collect()
            }
        }
    }

    /// Keys outside the grammar with a first segment.
    fn stray(&self, segment: &str, count: usize) -> Diagnostic {
        let layout = self.settings().layout();
        let form = layout
            .template()
            .map_or("form NAME/ID".to_owned(), |it| format!("template `{}`", it.text()));
        let problem = match count {
            1 => format!("a key there is not of the {form}"),
            _ => format!("{count} keys there are not of the {form}"),
        };
        let key = layout.folder(segment, true);
        Diagnostic { key, problem, remedy: "move them, or give the zone another prefix".to_owned() }
    }

    /// What is wrong with an alias, or because of it.
    fn problems_of_alias(&self, alias: &Alias, is_first: bool) -> Vec<Diagnostic> {
        let label: Vec<u8> = folded(&alias.name).collect();
        let walk = Walk::new(self.settings());
        let key = self.settings().layout().key_of_alias(alias);
        if !is_first {
            let problem =
                "an alias of its kind before it has the same name in DNS: this one is not answered";
            return vec![Diagnostic::new(&key, problem.to_owned(), "rename one of them")];
        }
        if alias.resource() == Resource::Backend && self.aliases.has_frontend(&label) {
            let problem = "a frontend of the same name hides it there".to_owned();
            return vec![Diagnostic::new(&key, problem, "rename one of them")];
        }
        let too_long = walk.too_long(label.len(), ("its name", "_tcp".len() + 2));
        let too_long = too_long
            .map(|problem| Diagnostic::new(&key, problem, "shorten it, or the zone's name"));
        too_long.into_iter().chain(self.hidden_by(alias, &label)).collect()
    }

    /// The service that an alias hides.
    fn hidden_by(&self, alias: &Alias, label: &[u8]) -> Option<Diagnostic> {
        let first = self.service(label)?.instances().next()?;
        let (resource, name) = (alias.resource().as_str(), document::shown(&alias.name));
        let problem = format!("the {resource} `{name}` hides the service of the same name");
        let key = self.settings().layout().folder_of(first);
        Some(Diagnostic::new(&key, problem, "rename one of them, unless that is meant"))
    }
}
