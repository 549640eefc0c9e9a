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

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};

use super::Service;
use super::labels::{Edit, Label, Labels, Services};
use crate::names::folded;
use crate::registry::{Alias, AliasChange, Host, Instance, Meaning, Proto, Resource};

/// The order of aliases: the first of a kind and label is the one that is answered. The
/// rest tells keys apart, in the order of keys (a slash comes before `_`).
type Rank = (Resource, Label, bool, Box<str>);

/// The aliases of a zone.
#[derive(Debug, Clone, Default)]
pub(super) struct Aliases {
    /// All of them.
    all: OrdMap<Rank, Arc<Alias>>,
    /// The frontends that are answered.
    frontends: Labels<Frontend>,
    /// The backends that are answered.
    backends: Labels<Backend>,
    /// How many frontends lead to a backend, whether it is there or not.
    led_to: Labels<usize>,
    /// Each app with each of its backends.
    of_apps: OrdSet<(Label, Label)>,
}

/// A frontend that is answered.
#[derive(Debug, Clone)]
struct Frontend {
    /// The backend that it leads to, whether it is there or not.
    backend: Option<Label>,
}

/// A backend that is answered.
#[derive(Debug, Clone)]
struct Backend {
    app: Label,
    /// The instances of one version of it, and that version; else all are meant.
    selection: Option<(Box<str>, Arc<Service>)>,
}

/// The target of a label as far as aliases go.
#[derive(Debug, Clone, Copy)]
pub(super) enum AliasTarget<'z> {
    /// No alias.
    NoAlias,
    /// An alias that leads to no instances.
    Nowhere,
    /// An alias of these instances.
    Instances(&'z Service),
}

/// The number of names with SRV records, by transport.
pub(super) type Transports = [usize; Proto::ALL.len()];

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

    /// What the alias with a label stands for.
    pub(super) fn target<'z>(&'z self, label: &[u8], services: &'z Services) -> AliasTarget<'z> {
        let backend = match self.frontends.get(label) {
            Some(frontend) => frontend.backend.as_ref().and_then(|it| self.backends.get(it)),
            None => match self.backends.get(label) {
                Some(backend) => Some(backend),
                None => return AliasTarget::NoAlias,
            },
        };
        let members = backend.and_then(|backend| backend.members(services));
        members.map_or(AliasTarget::Nowhere, AliasTarget::Instances)
    }

    /// The labels of aliases, each once.
    pub(super) fn labels(&self) -> impl Iterator<Item = &Label> {
        let backends = self.backends.keys().filter(|label| !self.has_frontend(label));
        self.frontends.keys().chain(backends)
    }

    /// The aliases of a kind at a label, in the order in which they are answered.
    pub(super) fn of_kind(&self, resource: Resource, label: Label) -> impl Iterator<Item = &Alias> {
        let from = (resource, label.clone(), false, Box::default());
        let is_like = move |rank: &Rank| rank.0 == resource && rank.1 == label;
        let found = self.all.range(from..).take_while(move |(rank, _)| is_like(rank));
        found.map(|(_, alias)| &**alias)
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
    pub(super) fn first(&self, resource: Resource, label: &[u8]) -> Option<&Alias> {
        self.of_kind(resource, label.into()).next()
    }

    /// Applies a change of an alias. Gives how many names had SRV records because of the
    /// labels that it concerns, and how many have now.
    pub(super) fn apply(&mut self, change: &AliasChange, services: &Services) -> [Transports; 2] {
        let Some(alias) = change.after.as_ref().or(change.before.as_ref()) else {
            return Default::default();
        };
        let (resource, label): (_, Label) = (alias.resource(), folded(&alias.name).collect());
        self.replace(change);
        match resource {
            Resource::Frontend => self.apply_frontend(&label, services),
            Resource::Backend => self.apply_backend(&label, services),
        }
    }

    /// Leads the frontend at a label to where its document says now.
    fn apply_frontend(&mut self, label: &Label, services: &Services) -> [Transports; 2] {
        let after = self.first(Resource::Frontend, label).map(Frontend::new);
        let both = [self.frontends.get(label), after.as_ref()].into_iter().flatten();
        let backends = both.filter_map(|frontend| frontend.backend.clone());
        let concerned = backends.chain([label.clone()]).collect();
        self.counted(concerned, services, |aliases| aliases.set_frontend(label, after))
    }

    /// Makes the backend at a label what its document says now. It may say the same.
    fn apply_backend(&mut self, label: &Label, services: &Services) -> [Transports; 2] {
        let alias = self.first(Resource::Backend, label);
        let before = self.backends.get(label);
        if let (Some(before), Some(alias)) = (before, alias)
            && before.is(alias)
        {
            return Default::default();
        }
        let after = alias.and_then(|alias| Backend::new(alias, services));
        self.counted(vec![label.clone()], services, |aliases| aliases.set_backend(label, after))
    }

    /// Does what concerns the names of some labels, and counts before and after.
    fn counted(
        &mut self,
        mut labels: Vec<Label>,
        services: &Services,
        edit: impl FnOnce(&mut Self),
    ) -> [Transports; 2] {
        labels.sort_unstable();
        labels.dedup();
        let had = self.share(&labels, services);
        edit(self);
        [had, self.share(&labels, services)]
    }

    /// The labels whose names an instance of an app concerns.
    pub(super) fn concerned(&self, app: &Label) -> Vec<Label> {
        let mut labels: Vec<_> = self.of_app(app).chain([app]).cloned().collect();
        labels.sort_unstable();
        labels.dedup();
        labels
    }

    /// How many names with SRV records there are because of what stands at some labels: a
    /// service that nothing hides; a backend that no frontend hides, and the frontends that
    /// lead to it.
    pub(super) fn share(&self, labels: &[Label], services: &Services) -> Transports {
        let mut share = Transports::default();
        for label in labels {
            let service = services.get(label).filter(|_| !self.has(label));
            let backend = self.backends.get(label).and_then(|it| it.members(services));
            let names = self.led_to.get(label).copied().unwrap_or_default()
                + usize::from(!self.has_frontend(label));
            for (proto, share) in Proto::ALL.into_iter().zip(&mut share) {
                let has = |it: Option<&Service>| it.is_some_and(|it| it.with_port(proto) > 0);
                *share +=
                    usize::from(has(service.map(|it| &**it))) + usize::from(has(backend)) * names;
            }
        }
        share
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
    fn set_frontend(&mut self, label: &Label, after: Option<Frontend>) {
        let backend = after.as_ref().and_then(|frontend| frontend.backend.clone());
        let before = match after {
            Some(frontend) => self.frontends.insert(label.clone(), frontend),
            None => self.frontends.remove(label),
        };
        if let Some(backend) = before.and_then(|frontend| frontend.backend) {
            let count = self.led_to.get(&backend).map_or(0, |count| count - 1);
            match count {
                0 => self.led_to.remove(&backend),
                count => self.led_to.insert(backend, count),
            };
        }
        if let Some(backend) = backend {
            *self.led_to.entry(backend).or_default() += 1;
        }
    }

    /// Makes a backend another, or takes it away.
    fn set_backend(&mut self, label: &Label, after: Option<Backend>) {
        if let Some(before) = self.backends.remove(label) {
            self.of_apps.remove(&(before.app, label.clone()));
        }
        if let Some(backend) = after {
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

impl Frontend {
    /// The frontend that an alias describes.
    fn new(alias: &Alias) -> Self {
        let Meaning::Frontend { backend: Some(name) } = &alias.meaning else {
            return Self { backend: None };
        };
        Self { backend: Some(folded(name).collect()) }
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
