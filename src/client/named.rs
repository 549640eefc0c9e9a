//! The instances of one name, of what a registry says.
//!
//! A name is that of a frontend, of a backend or of a service, looked for in this order, as in
//! DNS. A frontend leads to a backend, a backend to the instances of a service that have one
//! version.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::ServiceInstance;
use crate::names::folded;
use crate::registry::{Alias, AliasChange, Change, Instance, Layout, Meaning, Resource, Update};

/// A name as names are compared: in label form and lower case.
type FoldedName = Vec<u8>;
/// The order of aliases of a kind and label: the first is the one that counts.
type AliasRank = (Resource, FoldedName, bool, Box<str>);

/// The content of a registry as far as one name goes.
#[derive(Debug)]
pub(super) struct Named {
    /// How keys are made.
    layout: Layout,
    /// The name.
    label: FoldedName,
    /// The instances that were told, by service and key.
    instances: BTreeMap<(FoldedName, String, Box<str>), Arc<Instance>>,
    /// The aliases that were told.
    aliases: BTreeMap<AliasRank, Arc<Alias>>,
    /// The names to which it led when the registry was listed: these are known whole.
    listed: BTreeSet<FoldedName>,
}

/// The meaning of a name: a service, and the one version that is meant.
type Target<'t> = (FoldedName, Option<&'t str>);

impl Named {
    /// Nothing is known yet.
    pub(super) fn new(layout: Layout, name: &str) -> Self {
        let (instances, aliases, listed) = Default::default();
        Self { layout, label: folded(name).collect(), instances, aliases, listed }
    }

    /// Takes in an update. Says whether the name's instances may be others now.
    pub(super) fn apply(&mut self, update: &Update) -> bool {
        let had = self.service();
        update.aliases.iter().for_each(|change| self.alias(change));
        update.changes.iter().for_each(|change| self.instance(change));
        let has = self.service();
        if update.is_listed {
            self.listed = self.led_to();
        }
        let label_of = |change: &Change| {
            let instance = change.after.as_ref().or(change.before.as_ref());
            instance.map(|it| folded(&it.name).collect::<FoldedName>())
        };
        let is_touched = || update.changes.iter().any(|change| label_of(change) == has);
        update.is_listed || !update.aliases.is_empty() || had != has || is_touched()
    }

    /// Whether it leads to a service that was not listed, so that not all instances are known.
    pub(super) fn is_partial(&self) -> bool {
        !self.led_to().is_subset(&self.listed)
    }

    /// The instances, by priority, then by key.
    pub(super) fn instances(&self) -> Vec<ServiceInstance> {
        let Some((label, version)) = self.target() else { return Vec::new() };
        let from = (label.clone(), String::new(), Box::default());
        let of_service = self.instances.range(from..).take_while(|((of, ..), _)| *of == label);
        let of_version = of_service
            .map(|(_, instance)| instance)
            .filter(|it| version.is_none() || it.version() == version);
        let mut found: Vec<_> =
            of_version.map(|it| ServiceInstance::of(it, &self.layout)).collect();
        found.sort_by_key(|it| it.priority);
        found
    }

    /// What the name stands for; nothing where it leads nowhere.
    fn target(&self) -> Option<Target<'_>> {
        let backend = match self.alias_at(Resource::Frontend, &self.label) {
            Some(Meaning::Frontend { backend }) => folded(backend.as_deref()?).collect(),
            _ => self.label.clone(),
        };
        match self.alias_at(Resource::Backend, &backend) {
            Some(Meaning::Backend { app, version }) => {
                Some((folded(app).collect(), version.as_deref()))
            }
            _ if backend == self.label => Some((backend, None)),
            _ => None,
        }
    }

    /// The service whose instances the name stands for.
    fn service(&self) -> Option<FoldedName> {
        self.target().map(|(label, _)| label)
    }

    /// The names to which it leads, and itself.
    fn led_to(&self) -> BTreeSet<FoldedName> {
        let first = self.alias_at(Resource::Frontend, &self.label);
        let backend = match first {
            Some(Meaning::Frontend { backend: Some(backend) }) => Some(folded(backend).collect()),
            _ => None,
        };
        [Some(self.label.clone()), backend, self.service()].into_iter().flatten().collect()
    }

    /// What the alias of a kind at a label means.
    fn alias_at(&self, resource: Resource, label: &FoldedName) -> Option<&Meaning> {
        let from = (resource, label.clone(), false, Box::default());
        let (rank, alias) = self.aliases.range(from..).next()?;
        (rank.0 == resource && rank.1 == *label).then_some(&alias.meaning)
    }

    /// Takes in a change of an alias.
    fn alias(&mut self, change: &AliasChange) {
        let rank = |alias: &Alias| {
            let label = folded(&alias.name).collect();
            (alias.resource(), label, alias.is_rooted, alias.name.clone())
        };
        if let Some(before) = &change.before {
            self.aliases.remove(&rank(before));
        }
        if let Some(after) = &change.after {
            self.aliases.insert(rank(after), Arc::clone(after));
        }
    }

    /// Takes in a change of an instance.
    fn instance(&mut self, change: &Change) {
        let layout = &self.layout;
        let place = |it: &Instance| (folded(&it.name).collect(), layout.key_of(it), it.id.clone());
        if let Some(before) = &change.before {
            self.instances.remove(&place(before));
        }
        if let Some(after) = &change.after {
            self.instances.insert(place(after), Arc::clone(after));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Table;

    /// A registry of some keys, and what of it is known of a name.
    struct Rig(Table, Named);

    impl Rig {
        fn new(name: &str, keys: &[(&str, &str)]) -> Self {
            let layout = Layout::default();
            let mut rig = Self(Table::new(layout.clone()), Named::new(layout, name));
            rig.0.begin_listing();
            for (key, value) in keys {
                rig.0.list(format!("/services/{key}").as_bytes(), value.as_bytes());
            }
            let mut update = Update::default();
            rig.0.finish_listing(&mut update);
            assert!(rig.1.apply(&update));
            rig
        }

        /// Puts a key. Says whether the name may be concerned.
        fn put(&mut self, key: &str, value: &str) -> bool {
            let mut update = Update::default();
            self.0.put(format!("/services/{key}").as_bytes(), value.as_bytes(), &mut update);
            self.1.apply(&update)
        }

        fn found(&self) -> String {
            let all = self.1.instances();
            all.iter().map(ServiceInstance::location).collect::<Vec<_>>().join(" ")
        }
    }

    const V1: &str = r#"{"host":"10.0.0.1:80","version":"1","priority":5}"#;
    const V2: &str = r#"{"host":"10.0.0.2:80","version":"2"}"#;

    #[test]
    fn a_name_has_its_instances_by_priority() {
        let mut rig = Rig::new("My_Web", &[("my-web/a", V1), ("MY.WEB/b", V2), ("api/a", V1)]);
        assert_eq!(rig.found(), "10.0.0.2:80 10.0.0.1:80");
        assert!(!rig.put("api/b", V2));
        assert!(rig.put("my-web/a", r#"{"host":"10.0.0.3:80"}"#));
        assert_eq!(rig.found(), "10.0.0.2:80 10.0.0.3:80");
    }

    #[test]
    fn a_frontend_leads_to_a_version_and_may_be_flipped() {
        let backend = |name: &str, version: &str| {
            format!(r#"{{"resource":"Backend","name":"{name}","app":"web","version":"{version}"}}"#)
        };
        let frontend =
            |to: &str| format!(r#"{{"resource":"Frontend","name":"shop","backend":"{to}"}}"#);
        let (blue, green) = (backend("blue", "1"), backend("green", "2"));
        let keys = [
            ("web/a", V1),
            ("web/b", V2),
            ("_backends/blue", &blue),
            ("_frontends/shop", &frontend("blue")),
        ];
        let mut rig = Rig::new("shop", &keys);
        assert_eq!((rig.found().as_str(), rig.1.is_partial()), ("10.0.0.1:80", false));
        assert!(rig.put("_frontends/shop", &frontend("green")));
        assert_eq!(rig.found(), "", "there is no such backend yet");
        assert!(rig.1.is_partial(), "that backend was not listed");
        assert!(rig.put("_backends/green", &green));
        assert_eq!(rig.found(), "10.0.0.2:80");
    }
}
