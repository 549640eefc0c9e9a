//! One zone: its services, and which names exist in it.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use hickory_proto::rr::rdata::SOA;
use hickory_proto::rr::{Name, RecordType};

use super::aliases::{Aliases, Edit};
use super::problems::Unusable;
use super::{Branch, Cut, Owner, RecordSet, Service, SkyDns, Slot, StartOfAuthority, Tree};
use crate::names::{NameTooLong, WireName, folded};
use crate::registry::{
    Change, EntryChange, Finding, Freshness, Instance, Layout, Proto, Standing, Vitals,
};

/// Something by a lower-cased label. The seed is random: names come from strangers.
pub(super) type Labels<T> = imbl::GenericHashMap<
    Box<[u8]>,
    T,
    foldhash::fast::RandomState,
    imbl::shared_ptr::DefaultSharedPtr,
>;

/// Services by their label.
pub(super) type Services = Labels<Arc<Service>>;

/// Where a zone's names come from, beside its zone file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Schema {
    /// Registrations, `PREFIX/NAME/ID`.
    #[default]
    Services,
    /// SkyDNS's tree of labels.
    SkyDns,
    /// Nowhere: the zone is its file.
    Static,
}

impl Schema {
    /// The schema as the configuration spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Services => "services",
            Self::SkyDns => "skydns",
            Self::Static => "static",
        }
    }
}

/// What the configuration and the zone file say of a zone. It stays the same from
/// generation to generation, but for the freshness of the registry.
#[derive(Debug)]
pub struct Settings {
    /// The apex.
    apex: Name,
    /// The apex in wire form.
    wire: WireName,
    /// The start of authority. Its MINIMUM is the negative TTL, its serial the part
    /// that the zone file gives.
    pub soa: SOA,
    /// TTL of the SOA record in seconds.
    pub soa_ttl: u32,
    /// The name servers.
    pub ns: Vec<Name>,
    /// TTL of the NS records in seconds.
    pub ns_ttl: u32,
    /// TTL of dynamic records in seconds, where their document sets none.
    pub ttl: u32,
    /// The records of the zone file beside SOA and NS, if it has any.
    tree: Option<Tree>,
    /// What in the zone file is served otherwise than it is written.
    cautions: Vec<Finding>,
    /// Where its names come from.
    schema: Schema,
    /// Where the zone's keys stand, to name them by.
    layout: Layout,
    /// When the registry was last heard of.
    freshness: Arc<Freshness>,
    /// What is counted of the zone.
    vitals: Arc<Vitals>,
    /// The SOA record of negative answers in wire form, once it was asked for.
    ready: OnceLock<StartOfAuthority>,
}

/// One zone at one moment.
#[derive(Debug, Clone)]
pub struct Zone {
    /// What does not change.
    settings: Arc<Settings>,
    /// The highest revision of the registry that is held whole; none before the first list.
    revision: Option<i64>,
    /// How many changes made it what it is.
    pub(super) changes: u64,
    /// The services, by label.
    pub(super) services: Services,
    /// The names that stand for others; shared by generations until one of them changes.
    pub(super) aliases: Arc<Aliases>,
    /// The entries of a SkyDNS zone; none in any other.
    pub(super) skydns: SkyDns,
    /// What cannot be used.
    pub(super) unusable: Arc<Unusable>,
    /// How many names right below the apex have an SRV record, by transport: whether
    /// `_tcp.Z` exists.
    pub(super) transports: [usize; Proto::ALL.len()],
}

/// What stands at an existing name.
#[derive(Debug, Clone, Copy)]
pub enum Node<'z> {
    /// The zone's apex, with what the zone file has there.
    Apex(Option<&'z Owner>),
    /// Nothing, but a name below it has something (RFC 8020), or a name server bears it.
    Empty,
    /// A name of the zone file, or one that a wildcard there stands for.
    Static(&'z Owner),
    /// A name that the zone file cuts off.
    Cut(Cut<'z>),
    /// Any name of a SkyDNS zone.
    SkyDns(Branch<'z>),
    /// `S.Z`
    Service(&'z Service),
    /// `_S._P.Z`
    Transport(&'z Service, Proto),
    /// `_N._P.S.Z`; the number is the label of N.
    Port(&'z Service, Proto),
    /// `ADDR.S.Z`
    Address(&'z Service, IpAddr),
    /// `I.S.Z`
    Instance(&'z Service),
}

impl Settings {
    /// The settings of a zone that nothing is stale in.
    ///
    /// # Errors
    /// [`NameTooLong`] when the apex is no name that fits the wire.
    pub fn new(
        apex: Name,
        (soa, soa_ttl): (SOA, u32),
        (ns, ns_ttl): (Vec<Name>, u32),
        ttl: u32,
    ) -> Result<Self, NameTooLong> {
        let wire = WireName::from_labels(apex.iter())?;
        let (layout, ready) = (Layout::default(), OnceLock::new());
        let (freshness, vitals) = (Arc::default(), Arc::default());
        let (schema, tree, cautions) = (Schema::default(), None, Vec::new());
        Ok(Self {
            apex,
            wire,
            soa,
            soa_ttl,
            ns,
            ns_ttl,
            ttl,
            tree,
            cautions,
            schema,
            layout,
            freshness,
            vitals,
            ready,
        })
    }

    /// The same of a zone whose keys stand elsewhere than below the default prefix.
    #[must_use]
    pub fn reading(self, layout: Layout) -> Self {
        Self { layout, ..self }
    }

    /// The same of a zone whose names come from elsewhere.
    #[must_use]
    pub fn of_schema(self, schema: Schema) -> Self {
        Self { schema, ..self }
    }

    /// The same of a zone whose file has these records.
    #[must_use]
    pub fn holding(self, tree: Tree, cautions: Vec<Finding>) -> Self {
        Self { tree: Some(tree).filter(|tree| !tree.is_bare()), cautions, ..self }
    }

    /// What in the zone file is served otherwise than it is written.
    #[must_use]
    pub fn cautions(&self) -> &[Finding] {
        &self.cautions
    }

    /// The same in the place of earlier settings: what was heard of the registry and counted
    /// of the zone goes on.
    #[must_use]
    pub fn succeeding(self, earlier: &Self) -> Self {
        let (freshness, vitals) = (Arc::clone(&earlier.freshness), Arc::clone(&earlier.vitals));
        Self { freshness, vitals, ..self }
    }

    /// The records of the zone file, if it has any beside SOA and NS.
    #[must_use]
    pub const fn tree(&self) -> Option<&Tree> {
        self.tree.as_ref()
    }

    /// Where its names come from.
    #[must_use]
    pub const fn schema(&self) -> Schema {
        self.schema
    }

    /// Where the zone's keys stand.
    #[must_use]
    pub const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The apex, as it was configured.
    #[must_use]
    pub const fn apex(&self) -> &Name {
        &self.apex
    }

    /// The apex as people write it: without its last dot.
    #[must_use]
    pub fn title(&self) -> String {
        self.apex.to_ascii().trim_end_matches('.').to_owned()
    }

    /// The apex in lower-cased wire form.
    #[must_use]
    pub const fn wire(&self) -> &WireName {
        &self.wire
    }

    /// When the registry was last heard of.
    #[must_use]
    pub const fn freshness(&self) -> &Arc<Freshness> {
        &self.freshness
    }

    /// What is counted of the zone.
    #[must_use]
    pub const fn vitals(&self) -> &Arc<Vitals> {
        &self.vitals
    }

    /// The place of the SOA record of negative answers in wire form.
    #[must_use]
    pub const fn ready(&self) -> &OnceLock<StartOfAuthority> {
        &self.ready
    }

    /// How far the data can be trusted to be what the registry says now.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.freshness.standing()
    }

    /// Whether a name is that of a name server of ours, or stands above one.
    /// In a zone that is its file, only the file says which names exist.
    pub(super) fn serves_under(&self, name: &WireName) -> bool {
        self.schema != Schema::Static && self.names_server(name)
    }

    /// Whether a name is that of a name server, or stands above one.
    fn names_server(&self, name: &WireName) -> bool {
        self.ns.iter().filter_map(|ns| WireName::from_labels(ns.iter()).ok()).any(|ns| {
            let skipped = ns.labels().saturating_sub(name.labels());
            ns.suffix(skipped) == name.as_wire()
        })
    }
}

impl<'z> Node<'z> {
    /// The place of the node's answer for a type, if there is one. Nodes below a service
    /// are told apart by the labels there, in lower-cased wire form.
    #[must_use]
    pub fn slot(self, kind: RecordType, below: &[u8]) -> Option<&'z Slot> {
        match self {
            Self::Static(owner) => owner.set(kind).map(RecordSet::slot),
            _ => self.service()?.slot(self, kind, below),
        }
    }

    /// Whether the answers at the node, whose first label is given, are made of more
    /// instances (or endpoints of them) than a number.
    #[must_use]
    pub fn outnumbers(self, number: usize, label: &[u8]) -> bool {
        match self {
            Self::Apex(_) | Self::Empty | Self::Cut(_) | Self::SkyDns(_) => false,
            Self::Static(owner) => owner.sets().iter().any(|set| set.data.len() > number),
            Self::Service(service) | Self::Transport(service, _) | Self::Port(service, _) => {
                service.ways() > number
            }
            Self::Address(service, address) => service.at_address(address).nth(number).is_some(),
            Self::Instance(service) => service.with_id(label).nth(number).is_some(),
        }
    }

    /// The service that the node belongs to.
    #[must_use]
    pub const fn service(self) -> Option<&'z Service> {
        match self {
            Self::Apex(_) | Self::Empty | Self::Static(_) | Self::Cut(_) | Self::SkyDns(_) => None,
            Self::Service(service)
            | Self::Transport(service, _)
            | Self::Port(service, _)
            | Self::Address(service, _)
            | Self::Instance(service) => Some(service),
        }
    }
}

impl Zone {
    /// A zone before its first list.
    pub(super) fn new(settings: Arc<Settings>) -> Self {
        let (services, transports) = (Services::default(), [0; Proto::ALL.len()]);
        let (aliases, unusable, skydns) = (Arc::default(), Arc::default(), SkyDns::default());
        // What stands in a file is known from the start.
        let revision = (settings.schema() == Schema::Static).then_some(0);
        Self { settings, revision, changes: 0, services, aliases, skydns, unusable, transports }
    }

    /// What does not change.
    #[must_use]
    pub const fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    /// Whether a complete list has ever been held.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        self.revision.is_some()
    }

    /// The highest revision of the registry that is held whole, once there is one.
    #[must_use]
    pub const fn revision(&self) -> Option<i64> {
        self.revision
    }

    /// How many changes made the zone what it is: two states of one zone with the same
    /// number hold the same.
    #[must_use]
    pub const fn changes(&self) -> u64 {
        self.changes
    }

    /// The same zone with other settings. What was made of the earlier ones is forgotten.
    pub(super) fn renewed(&self, settings: Settings) -> Self {
        let settings = Arc::new(settings.succeeding(&self.settings));
        let mut zone = Self { settings, ..self.clone() };
        zone.services.iter_mut().for_each(|(_, service)| Arc::make_mut(service).forget());
        Arc::make_mut(&mut zone.aliases).forget();
        zone
    }

    /// The services, in no order.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        self.services.values().map(|service| &**service)
    }

    /// The entries of a SkyDNS zone; none of any other.
    #[must_use]
    pub const fn skydns(&self) -> &SkyDns {
        &self.skydns
    }

    /// The SOA serial: the zone file's plus the registry's revision, modulo 2^32, so that
    /// every replica shows the same (RFC 1982).
    #[must_use]
    pub fn serial(&self) -> u32 {
        self.settings.soa.serial.wrapping_add(self.revision.unwrap_or_default() as u32)
    }

    /// How many services there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.services.len()
    }

    /// Whether there is no service.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.services.is_empty()
    }

    /// A service by its lower-cased label, whether or not an alias hides it.
    #[must_use]
    pub fn service(&self, label: &[u8]) -> Option<&Service> {
        self.services.get(label).map(|service| &**service)
    }

    /// Takes a change in. Only the service it concerns is touched, and its backends.
    pub(super) fn apply(&mut self, change: &Change) {
        self.changes += 1;
        if let Some(before) = &change.before {
            self.edit(before, Service::remove);
        }
        if let Some(after) = &change.after {
            self.edit(after, Service::insert);
        }
    }

    /// Takes a change of an entry in.
    pub(super) fn apply_entry(&mut self, change: &EntryChange) {
        self.changes += 1;
        self.skydns.apply(change);
    }

    /// Holds everything up to a revision. The serial never falls, even when a restored
    /// registry begins again below what was shown.
    pub(super) fn confirm(&mut self, revision: i64) {
        self.revision = self.revision.max(Some(revision));
    }

    /// Edits the service of an instance, and counts what that means for the names above.
    fn edit(&mut self, instance: &Arc<Instance>, edit: Edit) {
        let label: Box<[u8]> = folded(&instance.name).collect();
        if !self.aliases.is_empty() {
            return self.edit_with_aliases(&label, instance, edit);
        }
        let [had, has] = self.edit_service(&label, instance, edit);
        self.count(had, has);
    }

    /// Edits a service. Gives whether it had SRV records, by transport, and has any now.
    pub(super) fn edit_service(
        &mut self,
        label: &[u8],
        instance: &Arc<Instance>,
        edit: Edit,
    ) -> [[usize; Proto::ALL.len()]; 2] {
        let service = Arc::make_mut(self.services.entry(label.into()).or_default());
        let counts =
            |service: &Service| Proto::ALL.map(|it| usize::from(service.with_port(it) > 0));
        let had = counts(service);
        edit(service, instance);
        let has = counts(service);
        if service.is_empty() {
            self.services.remove(label);
        }
        [had, has]
    }

    /// Counts names that have SRV records now for those that had.
    pub(super) fn count(&mut self, had: [usize; Proto::ALL.len()], has: [usize; Proto::ALL.len()]) {
        for (count, (had, has)) in self.transports.iter_mut().zip(had.into_iter().zip(has)) {
            *count = *count + has - had;
        }
    }
}
