//! Names that stand for registrations of other names.
//!
//! A frontend leads to a backend, a backend to the instances of a service that have one
//! version: two steps at most, and none leads back. So that an alias is answered like any
//! service, those instances are a [`Service`] of their own, kept beside the app's and
//! changed with it; a backend of all versions is the app's service itself. Which backend a
//! frontend leads to is looked up by the query: to flip one costs the same whatever is
//! behind it.
//!
//! The targets of SRV records stay below the app's own name, since instances know it.

use std::net::IpAddr;
use std::ptr;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};

use super::zone::{Labels, Services};
use super::{Service, Zone};
use crate::names::folded;
use crate::registry::{Alias, AliasChange, Host, Instance, Meaning, Proto, Resource};

/// A name in lower-cased label form.
type Label = Box<[u8]>;

/// What orders aliases: the first of a kind and label is the one that is answered. The
/// rest tells keys apart, in the order of keys (a slash comes before `_`).
type Rank = (Resource, Label, bool, Box<str>);

/// What is done to a service with an instance.
pub(super) type Edit = fn(&mut Service, &Arc<Instance>);

/// The aliases of a zone.
#[derive(Debug, Clone, Default)]
pub(super) struct Aliases {
    /// All of them.
    all: OrdMap<Rank, Arc<Alias>>,
    /// Of each frontend that is answered, the backend.
    frontends: Labels<Option<Label>>,
    /// The backends that are answered.
    backends: Labels<Backend>,
    /// How many frontends lead to a backend, whether it is there or not.
    led_to: Labels<usize>,
    /// Each app with each of its backends.
    of_apps: OrdSet<(Label, Label)>,
}

/// A backend that is answered.
#[derive(Debug, Clone)]
struct Backend {
    /// The app.
    app: Label,
    /// The instances of one version of it, and that version; else all are meant.
    selection: Option<(Box<str>, Arc<Service>)>,
}

impl Aliases {
    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// All aliases in their order, each with whether it is the one that is answered at its
    /// label, as far as its kind goes.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Arc<Alias>, bool)> {
        let mut last = None;
        self.all.iter().map(move |((resource, label, ..), alias)| {
            let is_first = last.replace((resource, label)) != Some((resource, label));
            (alias, is_first)
        })
    }

    /// Whether there is a frontend with a label.
    pub(super) fn has_frontend(&self, label: &[u8]) -> bool {
        self.frontends.contains_key(label)
    }

    /// Whether there is an alias with a label.
    pub(super) fn has(&self, label: &[u8]) -> bool {
        self.has_frontend(label) || self.backends.contains_key(label)
    }

    /// What the alias with a label stands for, if there is one; nothing but instances.
    pub(super) fn members<'z>(
        &'z self,
        label: &[u8],
        services: &'z Services,
    ) -> Option<Option<&'z Service>> {
        let backend = match self.frontends.get(label) {
            Some(backend) => backend.as_ref().and_then(|backend| self.backends.get(backend)),
            None => Some(self.backends.get(label)?),
        };
        Some(backend.and_then(|backend| backend.members(services)))
    }

    /// The backends of an app.
    fn of_app<'a>(&'a self, app: &Label) -> impl Iterator<Item = &'a Label> + use<'a> {
        let app = app.clone();
        self.of_apps
            .range((app.clone(), Label::default())..)
            .take_while(move |(of, _)| *of == app)
            .map(|(_, backend)| backend)
    }

    /// The alias that is answered at a label, as far as a kind goes.
    fn first(&self, resource: Resource, label: &Label) -> Option<&Alias> {
        let from = (resource, label.clone(), false, Box::default());
        let (rank, alias) = self.all.range(from..).next()?;
        ((rank.0, &rank.1) == (resource, label)).then_some(&**alias)
    }

    /// Puts an alias in the place of another of the same key.
    fn replace(&mut self, change: &AliasChange) {
        if let Some(before) = &change.before {
            self.all.remove(&rank(before));
        }
        if let Some(after) = &change.after {
            self.all.insert(rank(after), Arc::clone(after));
        }
    }

    /// Leads a frontend elsewhere, or takes it away.
    fn lead(&mut self, label: &Label, to: Option<Option<Label>>) {
        let before = match to.clone() {
            Some(backend) => self.frontends.insert(label.clone(), backend),
            None => self.frontends.remove(label),
        };
        if let Some(backend) = before.flatten() {
            let count = self.led_to.get(&backend).map_or(0, |count| count - 1);
            match count {
                0 => self.led_to.remove(&backend),
                count => self.led_to.insert(backend, count),
            };
        }
        if let Some(backend) = to.flatten() {
            *self.led_to.entry(backend).or_default() += 1;
        }
    }

    /// Makes a backend another, or takes it away.
    fn back(&mut self, label: &Label, by: Option<Backend>) {
        if let Some(before) = self.backends.remove(label) {
            self.of_apps.remove(&(before.app, label.clone()));
        }
        if let Some(backend) = by {
            self.of_apps.insert((backend.app.clone(), label.clone()));
            self.backends.insert(label.clone(), backend);
        }
    }

    /// Forgets what was made of the instances of backends.
    pub(super) fn forget(&mut self) {
        let selected = self.backends.iter_mut().filter_map(|(_, it)| it.selection.as_mut());
        selected.for_each(|(_, service)| Arc::make_mut(service).forget());
    }

    /// An instance came to an app, or went: its backends follow.
    pub(super) fn follow(&mut self, app: &Label, instance: &Arc<Instance>, edit: Edit) {
        let concerned: Vec<_> = self.of_app(app).cloned().collect();
        for label in concerned {
            let selection = self.backends.get(&label).and_then(|it| it.selection.as_ref());
            let Some((version, selected)) = selection else { continue };
            let is_member = instance.version() == Some(version);
            if !is_member && !is_beside(instance, selected) {
                continue;
            }
            let backend = self.backends.get_mut(&label).and_then(|it| it.selection.as_mut());
            let Some(selected) = backend.map(|(_, it)| Arc::make_mut(it)) else { continue };
            if is_member { edit(selected, instance) } else { selected.forget() }
        }
    }
}

impl Backend {
    /// The backend that an alias describes.
    fn new(alias: &Alias, services: &Services) -> Option<Self> {
        let Meaning::Backend { app, version } = &alias.meaning else { return None };
        let app: Label = folded(app).collect();
        let select = |version: &str| {
            let of = services.get(&app).map(|service| service.with_version(version));
            (version.into(), Arc::new(of.unwrap_or_default()))
        };
        let selection = version.as_deref().map(select);
        Some(Self { app, selection })
    }

    /// Its instances, if there are any.
    fn members<'z>(&'z self, services: &'z Services) -> Option<&'z Service> {
        match &self.selection {
            Some((_, selected)) => Some(&**selected).filter(|it| !it.is_empty()),
            None => services.get(&self.app).map(|service| &**service),
        }
    }

    /// Whether it is what an alias describes.
    fn is(&self, alias: &Alias) -> bool {
        let Meaning::Backend { app, version } = &alias.meaning else { return false };
        let own = self.selection.as_ref().map(|(version, _)| version);
        own == version.as_ref() && self.app.iter().copied().eq(folded(app))
    }
}

impl Zone {
    /// Every label right below the apex that stands for instances, once, in no order: of
    /// services and of aliases, also of those that lead to nothing.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> {
        let Aliases { frontends, backends, .. } = &*self.aliases;
        let is_new = |label: &&Label| !self.services.contains_key(*label);
        let frontends_alone = frontends.keys().filter(is_new);
        let backends = backends.keys().filter(is_new);
        let backends_alone = backends.filter(|label| !frontends.contains_key(*label));
        let all = self.services.keys().chain(frontends_alone).chain(backends_alone);
        all.map(|label| &**label)
    }

    /// The alias that is answered at a label, and the backend that it leads to, if it is a
    /// frontend: what is between the name and the instances.
    pub fn aliases_at(&self, label: &[u8]) -> impl Iterator<Item = &Alias> {
        let first = |resource, label: &[u8]| self.aliases.first(resource, &label.into());
        let alias = Resource::ALL.into_iter().find_map(|resource| first(resource, label));
        let backend = alias.and_then(|alias| match &alias.meaning {
            Meaning::Frontend { backend } => {
                first(Resource::Backend, &folded(backend.as_ref()?).collect::<Label>())
            }
            Meaning::Backend { .. } => None,
        });
        alias.into_iter().chain(backend)
    }

    /// The aliases, in no order that means anything.
    pub fn aliases(&self) -> impl Iterator<Item = &Arc<Alias>> {
        self.aliases.iter().map(|(alias, _)| alias)
    }

    /// The aliases of a kind whose name in DNS is that of a name, in the order in which they
    /// are answered.
    pub fn aliases_like(&self, resource: Resource, name: &str) -> impl Iterator<Item = &Alias> {
        let label: Label = folded(name).collect();
        let from = (resource, label.clone(), false, Box::default());
        let is_like = move |rank: &Rank| rank.0 == resource && rank.1 == label;
        let found = self.aliases.all.range(from..).take_while(move |(rank, _)| is_like(rank));
        found.map(|(_, alias)| &**alias)
    }

    /// Whether an address that was found in a service, at a label, is one that the targets
    /// of some members have: then what is said of it changes only with the service, and
    /// answers made of the members are forgotten with that.
    #[must_use]
    pub fn is_own(
        &self,
        members: &Service,
        address: IpAddr,
        (label, service): (&[u8], &Service),
    ) -> bool {
        if self.aliases.is_empty() {
            return ptr::eq(members, service);
        }
        let is_home = |of: &Instance| folded(&of.name).eq(label.iter().copied());
        members.instances().next().is_some_and(is_home)
            && members.has_address(address)
            && self.service(label).is_some_and(|home| ptr::eq(home, service))
    }

    /// Takes a change of an alias in.
    pub(super) fn apply_alias(&mut self, change: &AliasChange) {
        let Some(alias) = change.after.as_ref().or(change.before.as_ref()) else { return };
        let (resource, label): (_, Label) = (alias.resource(), folded(&alias.name).collect());
        self.changes += 1;
        Arc::make_mut(&mut self.aliases).replace(change);
        match resource {
            Resource::Frontend => self.apply_frontend(&label),
            Resource::Backend => self.apply_backend(&label),
        }
    }

    /// Leads the frontend at a label to where its document says now.
    fn apply_frontend(&mut self, label: &Label) {
        let to = self.aliases.first(Resource::Frontend, label).map(|alias| match &alias.meaning {
            Meaning::Frontend { backend: Some(name) } => Some(folded(name).collect()),
            _ => None,
        });
        let before = self.aliases.frontends.get(label);
        let backends = [before, to.as_ref()].map(|it| it.and_then(Option::clone));
        let concerned = backends.into_iter().flatten().chain([label.clone()]).collect();
        self.counted(concerned, |zone| Arc::make_mut(&mut zone.aliases).lead(label, to));
    }

    /// Makes the backend at a label what its document says now. It may say the same.
    fn apply_backend(&mut self, label: &Label) {
        let alias = self.aliases.first(Resource::Backend, label);
        let before = self.aliases.backends.get(label);
        if let (Some(before), Some(alias)) = (before, alias)
            && before.is(alias)
        {
            return;
        }
        let by = alias.and_then(|alias| Backend::new(alias, &self.services));
        self.counted(vec![label.clone()], |zone| Arc::make_mut(&mut zone.aliases).back(label, by));
    }

    /// An instance of a service comes or goes while there are aliases.
    pub(super) fn edit_with_aliases(
        &mut self,
        label: &Label,
        instance: &Arc<Instance>,
        edit: Edit,
    ) {
        let concerned = self.aliases.of_app(label).chain([label]).cloned().collect();
        self.counted(concerned, |zone| {
            zone.edit_service(label, instance, edit);
            Arc::make_mut(&mut zone.aliases).follow(label, instance, edit);
        });
    }

    /// Does what concerns the names of some labels, and counts what that means for the
    /// names above.
    fn counted(&mut self, mut labels: Vec<Label>, edit: impl FnOnce(&mut Self)) {
        labels.sort_unstable();
        labels.dedup();
        let had = self.share(&labels);
        edit(self);
        let has = self.share(&labels);
        self.count(had, has);
    }

    /// How many names with SRV records by transport there are because of what stands at
    /// some labels: a service that nothing hides; a backend that no frontend hides, and
    /// the frontends that lead to it.
    fn share(&self, labels: &[Label]) -> [usize; Proto::ALL.len()] {
        let mut share = [0; Proto::ALL.len()];
        for label in labels {
            let service = self.service(label).filter(|_| !self.aliases.has(label));
            let backend =
                self.aliases.backends.get(label).and_then(|it| it.members(&self.services));
            let names = self.aliases.led_to.get(label).copied().unwrap_or_default()
                + usize::from(!self.aliases.has_frontend(label));
            for (proto, share) in Proto::ALL.into_iter().zip(&mut share) {
                let has = |it: Option<&Service>| it.is_some_and(|it| it.with_port(proto) > 0);
                *share += usize::from(has(service)) + usize::from(has(backend)) * names;
            }
        }
        share
    }
}

/// The rank of an alias.
fn rank(alias: &Alias) -> Rank {
    let label = folded(&alias.name).collect();
    (alias.resource(), label, !alias.is_rooted, alias.name.clone())
}

/// Whether an instance shares an address with some that it is not one of. The least of
/// their TTLs is that of the address, which answers of theirs carry along.
fn is_beside(instance: &Instance, others: &Service) -> bool {
    let is_there = |host: &Host| host.as_address().is_some_and(|it| others.has_address(it));
    is_there(&instance.host) || instance.elsewhere().any(|endpoint| is_there(&endpoint.host))
}
