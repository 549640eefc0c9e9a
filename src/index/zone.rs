//! One zone: its services, and which names exist in it.

use std::sync::Arc;

use super::addresses::Addresses;
use super::aliases::{Aliases, Transports};
use super::empty::EmptyNames;
use super::keeper::NamedAnswers;
use super::labels::{Edit, Label, Services};
use super::life::ZoneLife;
use super::own::Own;
use super::parts::{PartCounts, ZonePart};
use super::renewal::Successor;
use super::serial::{SerialRecord, ZoneSerial};
use super::unusable::Unusable;
use super::{Schema, Service, Settings, SkyDns, ZoneId};
use crate::names::folded;
use crate::registry::{AliasChange, Change, EntryChange, Instance, Proto, Update};

/// One zone at one moment.
#[derive(Debug, Clone)]
pub struct Zone {
    /// Which zone of which source it is.
    pub(super) id: ZoneId,
    /// What the configuration and the zone file say.
    pub(super) settings: Arc<Settings>,
    /// What depends on which zones there are; none before that is known.
    pub(super) own: Option<Arc<Own>>,
    /// What takes its place once it is listed, where it is to be read from another source.
    pub(super) successor: Option<Arc<Successor>>,
    /// The SOA serial.
    pub(super) serial: ZoneSerial,
    /// What goes on, by whatever settings.
    pub(super) life: Arc<ZoneLife>,
    /// The highest revision of the registry that is held whole; none before the first list.
    pub(super) revision: Option<i64>,
    /// How many changes made it what it is.
    pub(super) changes: u64,
    /// How many of them each part has seen.
    pub(super) parts: PartCounts,
    /// How many instances are registered.
    pub(super) instances: usize,
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
    pub(super) transports: Transports,
    /// Whose each address is, where reverse zones ask for it.
    pub(super) addresses: Option<Addresses>,
    /// What stands above names of several labels.
    pub(super) empty: EmptyNames,
    /// Answers that are made of more than one service; all generations share them.
    pub(super) kept: Arc<NamedAnswers>,
}

impl Zone {
    /// A zone before its first list, and what goes on in it, which may have begun before.
    pub(super) fn new(id: ZoneId, settings: Arc<Settings>, life: Arc<ZoneLife>) -> Self {
        let (services, transports) = (Services::default(), Transports::default());
        let (aliases, unusable, skydns) = (Arc::default(), Arc::default(), SkyDns::default());
        // What stands in a file is known from the start.
        let is_file = settings.schema() == Schema::Static;
        let revision = is_file.then_some(0);
        let addresses = settings.names_its_addresses().then(Addresses::default);
        Self {
            id,
            serial: ZoneSerial::new(settings.soa.serial, is_file),
            settings,
            own: None,
            successor: None,
            life,
            revision,
            changes: 0,
            parts: PartCounts::default(),
            instances: 0,
            services,
            aliases,
            skydns,
            unusable,
            transports,
            addresses,
            empty: EmptyNames::default(),
            kept: Arc::new(NamedAnswers::few()),
        }
    }

    /// Which zone of which source it is.
    #[must_use]
    pub const fn id(&self) -> ZoneId {
        self.id
    }

    /// Whether it is to be read from another source, which was not listed yet.
    #[must_use]
    pub const fn is_moving(&self) -> bool {
        self.successor.is_some()
    }

    /// What the configuration and the zone file say.
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

    /// The services, in no order.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        self.services.values().map(|service| &**service)
    }

    /// The entries of a SkyDNS zone; none of any other.
    #[must_use]
    pub const fn skydns(&self) -> &SkyDns {
        &self.skydns
    }

    /// The SOA serial: the zone file's plus the revision of the zone's last change that is
    /// counted, modulo 2^32, so that every replica shows the same (RFC 1982); more where it would
    /// fall by that.
    #[must_use]
    pub const fn serial(&self) -> u32 {
        self.serial.value()
    }

    /// The serial as it is to be kept over a restart.
    #[must_use]
    pub const fn serial_record(&self) -> SerialRecord {
        self.serial.record()
    }

    /// How many services there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.services.len()
    }

    /// How many instances are registered.
    #[must_use]
    pub const fn instances(&self) -> usize {
        self.instances
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

    /// Applies an update.
    pub(super) fn apply(&mut self, update: &Update) {
        update.changes.iter().for_each(|change| self.apply_instance(change));
        update.aliases.iter().for_each(|change| self.apply_alias(change));
        update.entries.iter().for_each(|change| self.apply_entry(change));
        update.problems.iter().for_each(|change| Arc::make_mut(&mut self.unusable).apply(change));
        update.strays.iter().for_each(|change| Arc::make_mut(&mut self.unusable).count(change));
        self.size_answers();
        self.serial.follow(update);
        self.confirm(update.revision);
    }

    /// Applies a change of an instance. Only the service it concerns is touched, and its
    /// backends.
    fn apply_instance(&mut self, change: &Change) {
        self.changes += 1;
        self.count_instances([change.before.as_deref(), change.after.as_deref()]);
        self.empty.follow([change.before.as_deref(), change.after.as_deref()]);
        if let Some(before) = &change.before {
            self.edit(before, Service::remove);
        }
        if let Some(after) = &change.after {
            self.edit(after, Service::insert);
        }
        self.instances += usize::from(change.after.is_some());
        self.instances -= usize::from(change.before.is_some());
    }

    /// Applies a change of an alias.
    fn apply_alias(&mut self, change: &AliasChange) {
        self.changes += 1;
        self.parts.count(ZonePart::Whole);
        self.empty.follow_alias([change.before.as_deref(), change.after.as_deref()]);
        let counts = Arc::make_mut(&mut self.aliases).apply(change, &self.services);
        self.count(counts);
    }

    /// Applies a change of an entry.
    fn apply_entry(&mut self, change: &EntryChange) {
        self.changes += 1;
        for entry in [&change.before, &change.after].into_iter().flatten() {
            ZonePart::above(&entry.path).for_each(|part| self.parts.count(part));
        }
        self.skydns.apply(change);
    }

    /// Counts a change of an instance in the parts of the zone that it belongs to, or belonged to.
    /// What is called by several labels may stand above any name.
    fn count_instances(&mut self, both: [Option<&Instance>; 2]) {
        for instance in both.into_iter().flatten() {
            let label: Label = folded(&instance.name).collect();
            self.parts.count(ZonePart::of_service(&label));
            if self.addresses.is_some() {
                instance.addresses().for_each(|it| self.parts.count(ZonePart::of_address(it)));
            }
            if instance.called().contains('.') {
                self.parts.count(ZonePart::Whole);
            }
        }
    }

    /// Holds everything up to a revision; that of the last one, while a restored registry is
    /// below it.
    fn confirm(&mut self, revision: i64) {
        self.revision = self.revision.max(Some(revision));
    }

    /// Edits the service of an instance, and counts what that means for the names above.
    fn edit(&mut self, instance: &Arc<Instance>, edit: Edit) {
        let label: Label = folded(&instance.name).collect();
        let counts = match self.aliases.is_empty() {
            true => self.edit_service(&label, instance, edit),
            false => self.edit_with_aliases(&label, instance, edit),
        };
        self.count(counts);
    }

    /// Edits a service and its backends. Gives how many names had SRV records, and have now.
    fn edit_with_aliases(
        &mut self,
        label: &Label,
        instance: &Arc<Instance>,
        edit: Edit,
    ) -> [Transports; 2] {
        let concerned = self.aliases.concerned(label);
        let had = self.aliases.share(&concerned, &self.services);
        self.edit_service(label, instance, edit);
        Arc::make_mut(&mut self.aliases).follow(label, instance, edit);
        [had, self.aliases.share(&concerned, &self.services)]
    }

    /// Edits a service. Gives whether it had SRV records, by transport, and has any now.
    fn edit_service(
        &mut self,
        label: &[u8],
        instance: &Arc<Instance>,
        edit: Edit,
    ) -> [Transports; 2] {
        let service = Arc::make_mut(self.services.entry(label.into()).or_default());
        let counts =
            |service: &Service| Proto::ALL.map(|it| usize::from(service.with_port(it) > 0));
        let had = counts(service);
        edit(service, instance);
        let has = counts(service);
        if let Some(addresses) = &mut self.addresses {
            addresses.follow(label, instance, service);
        }
        if service.is_empty() {
            self.services.remove(label);
        }
        [had, has]
    }

    /// Counts names that have SRV records now for those that had.
    fn count(&mut self, [had, has]: [Transports; 2]) {
        for (count, (had, has)) in self.transports.iter_mut().zip(had.into_iter().zip(has)) {
            *count = *count + has - had;
        }
    }
}
