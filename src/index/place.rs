//! The place of an instance in the order of ids, told without the instance: a list goes on behind
//! it in another page, also where the instance is gone meanwhile.

use std::cmp::Ordering;

use equivalent::{Comparable, Equivalent};

use super::order::ById;
use crate::names::{LABEL_MAX, folded, short_id};
use crate::registry::Instance;

/// The spelling of a key, as far as it orders the instances of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The id as the instance has it: one that is longer than a label in its short form.
    id: String,
    /// The parts that it was made of.
    parts: PlaceParts,
}

/// The parts of a [`Place`]: id and name as the key spells them, whether a slash stands before the
/// name, and the whole key below the base where that is not NAME/ID.
pub type PlaceParts = (String, String, bool, Option<String>);

impl Place {
    /// Where an instance stands.
    #[must_use]
    pub fn of(instance: &Instance) -> Self {
        let path = instance.path().map(str::to_owned);
        let (id, name) = (instance.raw_id().to_owned(), instance.name.to_string());
        Self { id: instance.id.to_string(), parts: (id, name, instance.is_rooted, path) }
    }

    /// What it is made of.
    #[must_use]
    pub const fn parts(&self) -> &PlaceParts {
        &self.parts
    }
}

impl From<PlaceParts> for Place {
    fn from(parts: PlaceParts) -> Self {
        let is_long = parts.0.len() > LABEL_MAX;
        Self { id: if is_long { short_id(&parts.0) } else { parts.0.clone() }, parts }
    }
}

impl Equivalent<ById> for Place {
    fn equivalent(&self, entry: &ById) -> bool {
        self.compare(entry) == Ordering::Equal
    }
}

/// As entries are compared among themselves.
impl Comparable<ById> for Place {
    fn compare(&self, entry: &ById) -> Ordering {
        let (other, (raw_id, name, is_rooted, path)) = (&entry.0, &self.parts);
        folded(&self.id)
            .cmp(folded(&other.id))
            .then_with(|| self.id.to_ascii_lowercase().cmp(&other.id.to_ascii_lowercase()))
            .then_with(|| raw_id.as_str().cmp(other.raw_id()))
            .then_with(|| name.as_str().cmp(&other.name))
            .then_with(|| is_rooted.cmp(&other.is_rooted))
            .then_with(|| path.as_deref().cmp(&other.path()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::index::Service;
    use crate::registry::{KeyParts, document};

    fn instance(name: &str, id: &str, is_rooted: bool) -> Instance {
        let document = document::read(b"10.0.0.1:80").unwrap().unwrap();
        document.into_instance(KeyParts { name, id: "", is_rooted }).identified(id)
    }

    fn all() -> Vec<Arc<Instance>> {
        let long = "x".repeat(80);
        let ids = ["b", "B", "a.b", "a-b", "A_b", "10", "9", &long, &format!("{long}y"), "ä", ""];
        let mut all: Vec<_> = ids.iter().map(|id| instance("web", id, false)).collect();
        all.push(instance("Web", "b", false));
        all.push(instance("web", "b", true));
        all.extend(["p/b", "q/b"].map(|path| instance("web", "b", false).at_path(path)));
        all.into_iter().map(Arc::new).collect()
    }

    /// The instances behind a place.
    fn behind<'s>(service: &'s Service, place: Option<&Place>) -> Vec<&'s Instance> {
        service.behind(place).collect()
    }

    #[test]
    fn a_list_goes_on_behind_every_place() {
        let (all, mut service) = (all(), Service::default());
        all.iter().for_each(|it| service.insert(it));
        let listed: Vec<_> = service.instances().collect();
        assert_eq!(listed.len(), all.len());
        assert_eq!(behind(&service, None), listed);
        for (at, one) in listed.iter().enumerate() {
            let place = Place::of(one);
            assert_eq!(Place::from(place.parts().clone()), place);
            assert_eq!(behind(&service, Some(&place)), listed[at + 1..], "{place:?}");
            let gone = all.iter().find(|it| &&***it == one).unwrap();
            let mut without = service.clone();
            without.remove(gone);
            assert_eq!(behind(&without, Some(&place)), listed[at + 1..], "{place:?}");
        }
    }

    #[test]
    fn one_instance_is_behind_none_or_one_place() {
        let (one, mut service) = (Arc::new(instance("web", "m", false)), Service::default());
        service.insert(&one);
        let place = |id| Place::of(&instance("web", id, false));
        let count = |id| service.behind(Some(&place(id))).count();
        assert_eq!((count("l"), count("m"), count("n")), (1, 0, 0));
        assert_eq!(Service::default().behind(None).count(), 0);
    }
}
