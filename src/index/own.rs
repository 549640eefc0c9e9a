//! Names that zones stand on, which no registration may answer.
//!
//! Resolvers believe what a name server is called and where it is, and ask there from then on:
//! who could register under the name of one would hold the whole zone. So a name that stands in
//! an SOA or NS record of any zone here is answered by configuration and zone files alone.
//!
//! Where nobody names a server, `ns.dns.Z` is made up; its addresses are this server's own.
//! In a zone of SkyDNS's schema the entries below `dns/ns` are its name servers, as in CoreDNS:
//! they are answered there as long as neither a file nor another zone names the same.

use std::net::IpAddr;
use std::sync::Arc;

use hickory_proto::rr::{Name, RData};

use super::generation::Sites;
use super::{Node, Owner, Schema, Settings, Site, Zone};
use crate::names::{MADE_UP_SERVER, WireName};
use crate::registry::Diagnostic;

/// Names that clients ask for by themselves, and whose answer they obey (proxy discovery, and
/// RFC 5214 section 8.3): they are answered, but whoever registers them is to be known.
const OBEYED: [(&str, &str); 2] =
    [("wpad", "browsers take their proxy from it"), ("isatap", "hosts tunnel IPv6 through it")];

/// The part of what is known of a zone that depends on all zones.
#[derive(Debug)]
pub(super) struct Own {
    /// Its names that zones stand on.
    pub(super) names: Box<[OwnName]>,
    /// The apexes of all zones; the same, shared, as long as they do not change.
    pub(super) apexes: Arc<[WireName]>,
}

impl PartialEq for Own {
    /// Whether nothing is known otherwise. There may be ten thousand apexes, and as many zones
    /// that are told of them.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.apexes, &other.apexes) && self.names == other.names
    }
}

/// A name of a zone that some zone stands on.
#[derive(Debug, PartialEq)]
pub(super) struct OwnName {
    name: WireName,
    /// Whether it is that of a name server of the zone itself.
    is_server: bool,
    /// Whether entries of a SkyDNS zone may not be answered there either.
    is_reserved: bool,
    /// This server's addresses, where the name is that of the server that was made up; or where it
    /// answers encrypted DNS, where the name is the one below it that says so.
    server: Option<Owner>,
}

/// Which of its names zones stand on, zone by zone; beside the zones of the generation before.
pub(super) fn of(zones: &[Arc<Zone>], sites: &Sites, before: &[Arc<Zone>]) -> Vec<Own> {
    let mut found: Vec<Vec<OwnName>> = zones.iter().map(|_| Vec::new()).collect();
    for (at, zone) in zones.iter().enumerate() {
        let settings = zone.settings();
        for (name, is_server) in settings.stands_on() {
            let Some((Site::Zone(within), _)) = sites.locate(&name) else { continue };
            let is_server = is_server && within == at;
            let is_made_up = within == at && settings.made_up_server().is_some_and(|it| it == name);
            let is_reserved = !(is_made_up && settings.schema() == Schema::SkyDns);
            let server = if is_made_up { settings.made_up_owner() } else { None };
            match found[within].iter_mut().find(|own| own.name == name) {
                Some(own) => {
                    own.is_server |= is_server;
                    own.is_reserved |= is_reserved;
                    own.server = own.server.take().or(server);
                }
                None => found[within].push(OwnName { name, is_server, is_reserved, server }),
            }
        }
    }
    for (zone, found) in zones.iter().zip(&mut found) {
        if let Some((name, owner)) = zone.settings().designated_owner() {
            let (is_server, server) = (false, Some(owner));
            found.push(OwnName { name, is_server, is_reserved: true, server });
        }
    }
    let apexes = zones.iter().map(|zone| zone.settings().wire());
    let known = before.iter().find_map(|zone| zone.own.as_ref()).map(|own| &own.apexes);
    let known = known.filter(|known| apexes.clone().eq(known.iter())).map(Arc::clone);
    let apexes = known.unwrap_or_else(|| apexes.copied().collect());
    let own = |names: Vec<_>| Own { names: names.into(), apexes: Arc::clone(&apexes) };
    found.into_iter().map(own).collect()
}

impl Settings {
    /// The names in its NS and SOA records, each with whether it is that of a server.
    fn stands_on(&self) -> impl Iterator<Item = (WireName, bool)> {
        let servers = self.ns.iter().map(|name| (name, true));
        let others = [(&self.soa.mname, false), (&self.soa.rname, false)];
        let wire = |name: &Name| WireName::from_labels(name.iter()).ok();
        servers.chain(others).filter_map(move |(name, is_server)| Some((wire(name)?, is_server)))
    }

    /// The name of the server that is made up, if that is the zone's only one.
    fn made_up_server(&self) -> Option<WireName> {
        let made_up = Name::from_ascii(MADE_UP_SERVER).and_then(|it| it.append_domain(self.apex()));
        let is_only = |name: &Name| matches!(&self.ns[..], [server] if server == name);
        WireName::from_labels(made_up.ok().filter(is_only)?.iter()).ok()
    }

    /// Whether the zone's name server is the one that is made up where nobody names one.
    #[must_use]
    pub fn has_made_up_server(&self) -> bool {
        self.made_up_server().is_some()
    }

    /// The server that is made up, with this server's addresses, if these are known.
    fn made_up_owner(&self) -> Option<Owner> {
        let data = |address: &IpAddr| match address {
            IpAddr::V4(address) => RData::A((*address).into()),
            IpAddr::V6(address) => RData::AAAA((*address).into()),
        };
        let (name, addresses) = (self.ns.first()?, self.servers());
        let written = self.tree().and_then(|tree| tree.owner(&self.made_up_server()?));
        let is_known = written.is_some_and(|owner| !owner.is_empty()) || addresses.is_empty();
        let data = addresses.iter().map(data);
        (!is_known).then(|| Owner::of(name.clone(), self.ns_ttl, data))
    }

    /// The name that says where the server that is made up answers encrypted DNS (RFC 9461 section
    /// 3), if it does. In a zone of SkyDNS's schema others may be at the server's name.
    fn designated_owner(&self) -> Option<(WireName, Owner)> {
        let records = Some(self.designations()).filter(|it| !it.is_empty())?;
        let server = self.made_up_owner().filter(|_| self.schema() != Schema::SkyDns)?;
        let name = server.name().prepend_label("_dns").ok()?;
        let owner = Owner::of(name.clone(), self.ns_ttl, records.iter().cloned());
        Some((WireName::from_labels(name.iter()).ok()?, owner))
    }
}

impl Zone {
    /// Whether a name is in a zone of ours.
    pub(super) fn is_ours(&self, name: &WireName) -> bool {
        let is_below = |apex: &WireName| {
            let skipped = name.labels().checked_sub(apex.labels());
            skipped.is_some_and(|skipped| name.suffix(skipped) == apex.as_wire())
        };
        self.own.iter().flat_map(|own| own.apexes.iter()).any(is_below)
    }

    /// Its names that zones stand on.
    fn own_names(&self) -> &[OwnName] {
        self.own.as_ref().map_or(&[], |own| &own.names)
    }

    /// What is known of a name that zones stand on.
    fn owned(&self, name: &WireName) -> Option<&OwnName> {
        self.own_names().iter().find(|own| own.name == *name)
    }

    /// Whether a name is that of a name server of ours, or stands above one.
    /// In a zone that is its file, only the file says which names exist.
    pub(super) fn serves_under(&self, name: &WireName) -> bool {
        let is_under = |own: &OwnName| {
            let skipped = own.name.labels().saturating_sub(name.labels());
            own.is_server && own.name.suffix(skipped) == name.as_wire()
        };
        let settings = self.settings();
        (settings.schema() != Schema::Static || settings.is_reverse())
            && self.own_names().iter().any(is_under)
    }

    /// Whether a name is answered by configuration and zone files alone.
    #[must_use]
    pub fn reserves(&self, name: &WireName) -> bool {
        self.owned(name).is_some_and(|own| own.is_reserved)
    }

    /// Whether a name is that of the server that is made up, and has addresses.
    #[must_use]
    pub fn serves_at(&self, name: &WireName) -> bool {
        self.owned(name).is_some_and(|own| own.server.is_some())
    }

    /// What stands at a name because zones stand on it, or on one below it.
    pub(super) fn find_own(&self, name: &WireName) -> Option<Node<'_>> {
        let server = self.owned(name).and_then(|own| own.server.as_ref());
        let above = || self.serves_under(name).then_some(Node::Empty);
        server.map(Node::Static).or_else(above)
    }

    /// Registrations at names that zones stand on, and at those that clients obey.
    pub(super) fn problems_of_names(&self) -> impl Iterator<Item = Diagnostic> {
        let reserved = self.own_names().iter().filter(|own| own.is_reserved);
        let reserved = reserved.flat_map(|own| {
            self.registered(&own.name).into_iter().map(move |key| {
                let name = own.name.to_string();
                let problem = format!(
                    "`{}` stands in an SOA or NS record: registrations are not answered there",
                    name.trim_end_matches('.')
                );
                Diagnostic::new(&key, problem, "rename it, or the name server in a zone file")
            })
        });
        let obeyed = OBEYED.into_iter().flat_map(|(label, why)| {
            let name = self.settings().apex().prepend_label(label).ok();
            let name = name.and_then(|it| WireName::from_labels(it.iter()).ok());
            let keys = name.map_or_else(Vec::new, |name| self.registered(&name));
            keys.into_iter().map(move |key| {
                let problem = format!("clients ask for `{label}` by themselves: {why}");
                Diagnostic::new(&key, problem, "remove it, unless that is meant")
            })
        });
        reserved.chain(obeyed)
    }

    /// The keys of what is registered at a name of this zone.
    fn registered(&self, name: &WireName) -> Vec<String> {
        let layout = self.settings().layout();
        let below = name.labels().saturating_sub(self.settings().wire().labels());
        let node = (below > 0).then(|| self.find_registered(name, below)).flatten();
        match node {
            Some(Node::SkyDns(branch)) => {
                let path = crate::names::Reversed::of(name, below);
                branch.entries.below(path.as_octets()).map(|entry| entry.key.to_string()).collect()
            }
            Some(Node::Service(service)) => {
                let alias = self.aliases_at(name.label(0)).next();
                let first = || service.instances().next().map(|it| layout.folder_of(it));
                alias.map(|it| layout.key_of_alias(it)).or_else(first).into_iter().collect()
            }
            Some(Node::Instance(service)) => {
                service.with_id(name.label(0)).map(|it| layout.key_of(it)).collect()
            }
            Some(Node::Tag(service)) => {
                service.with_tag(name.label(0)).map(|it| layout.key_of(it)).collect()
            }
            Some(Node::Address(service, address)) => {
                service.at_address(address).map(|it| layout.key_of(it)).collect()
            }
            Some(Node::Empty) | None => Vec::new(),
            // The other names begin with `_`, as only a zone file would call a server.
            Some(node) => {
                let first = node.service().and_then(|it| it.instances().next());
                first.map(|it| layout.folder_of(it)).into_iter().collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use hickory_proto::rr::rdata::SOA;

    use super::*;
    use crate::index::{Index, Publisher};
    use crate::registry::{Layout, Publish, Table, Update};

    /// A zone with a server that is made up and one that is in it.
    fn settings() -> Settings {
        let name = |text: &str| Name::from_ascii(text).unwrap();
        let soa = SOA::new(name("primary.z."), name("hostmaster.z."), 0, 1, 1, 1, 5);
        let ns = vec![name("ns.dns.z."), name("ns2.z.")];
        Settings::new(name("z."), (soa, 60), (ns, 60), 5).unwrap()
    }

    /// The problems that registrations are, each with its key.
    fn problems(settings: Settings, layout: Layout, entries: &[(&str, &str)]) -> Vec<String> {
        let settings = settings.reading(layout.clone());
        let index = Arc::new(Index::new(vec![Arc::new(settings)], true));
        let (mut table, mut update) = (Table::new(layout), Update::default());
        for (key, value) in entries {
            table.put(key.as_bytes(), value.as_bytes(), &mut update);
        }
        Publisher::new(Arc::clone(&index), 0).publish(update);
        let mut found: Vec<_> =
            index.load().zones()[0].problems().map(|it| it.to_string()).collect();
        found.sort();
        found
    }

    #[test]
    fn each_registration_at_such_a_name_is_a_problem() {
        let entries = [
            ("/s/dns/ns", "10.0.0.1:53"),
            ("/s/dns/NS", "10.0.0.2:53"),
            ("/s/ns2/1", "10.0.0.3:53"),
            ("/s/ns2/2", "10.0.0.4:53"),
            ("/s/app/1", "10.0.0.5:53"),
            ("/s/_backends/primary", r#"{"resource":"Backend","name":"primary","app":"app"}"#),
            ("/s/hostmaster/1", "10.0.0.6:25"),
            ("/s/wpad/1", "10.0.0.7:80"),
            ("/s/isatap/1", "10.0.0.8"),
            ("/s/ns/1", "10.0.0.9:53"),
        ];
        let found = problems(settings(), Layout::new("/s", None).unwrap(), &entries);
        let of = |key: &str, text: &str| {
            let is_it = |it: &&String| it.starts_with(&format!("{key}: ")) && it.contains(text);
            found.iter().filter(is_it).count()
        };
        let text = "stands in an SOA or NS record: registrations are not answered there";
        for key in ["/s/dns/ns", "/s/dns/NS", "/s/ns2", "/s/_backends/primary", "/s/hostmaster"] {
            assert_eq!(of(key, text), 1, "{key} in {found:#?}");
        }
        assert_eq!(of("/s/wpad", "browsers take their proxy from it"), 1, "{found:#?}");
        assert_eq!(of("/s/isatap", "clients ask for `isatap` by themselves"), 1, "{found:#?}");
        // Those, and the two ids of one label form.
        assert_eq!(found.len(), 8, "{found:#?}");
    }

    #[test]
    fn entries_of_a_skydns_zone_are_named_by_their_keys() {
        let apex = WireName::from_text("z").unwrap();
        let layout = Layout::of_labels("/sky", &apex).unwrap();
        let entries = [
            ("/sky/z/ns2", r#"{"host":"10.0.0.1"}"#),
            ("/sky/z/primary/a", r#"{"host":"10.0.0.2"}"#),
            ("/sky/z/web", r#"{"host":"10.0.0.3"}"#),
        ];
        let found = problems(settings().of_schema(Schema::SkyDns), layout, &entries);
        let keys: Vec<_> = found.iter().map(|it| it.split(": ").next().unwrap()).collect();
        assert_eq!(keys, ["/sky/z/ns2", "/sky/z/primary/a"], "{found:#?}");
    }
}
