//! Empty names (RFC 9499: empty non-terminals): what stands above names of more than one label.
//!
//! A service with dots in its name (`octodev.io`) is answered at its one label (`octodev-io.Z`)
//! and by the labels that it is written with (`octodev.io.Z`, `_octodev.io._tcp.Z`); a tag also
//! as Consul's clients ask for it (`_web._blue.Z`). Then `io.Z`, `io._tcp.Z` and `_blue.Z` exist
//! and have no data, for NXDOMAIN would say that there is nothing below them (RFC 8020).
//!
//! What is counted here changes with the first and the last of a name; a question looks here
//! when nothing else has its name.

use super::labels::Labels;
use super::{Node, Zone};
use crate::names::{SERVICE_MAX, WireName, folded};
use crate::registry::{Alias, Instance, Proto};

/// Something for each form that a name is asked in: by itself, and below each transport.
type Forms<T> = [T; 1 + Proto::ALL.len()];

/// The names of services that have dots, what stands above them, and all tags.
#[derive(Debug, Clone, Default)]
pub(super) struct EmptyNames {
    /// By their labels in wire form, without the root.
    names: Labels<Counts>,
    /// How many instances have a tag or version, by its label form.
    tags: Labels<u32>,
}

/// The counts of one name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    /// Instances and aliases that are called so.
    here: Forms<u32>,
    /// Names below it that something is called by.
    below: Forms<u32>,
}

/// The way that something takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It comes.
    Comes,
    /// It goes.
    Goes,
}

impl Step {
    /// A count after it.
    const fn of(self, count: u32) -> u32 {
        match self {
            Self::Comes => count.saturating_add(1),
            Self::Goes => count.saturating_sub(1),
        }
    }
}

impl EmptyNames {
    /// Follows an instance that became another, or came, or went.
    pub(super) fn follow(&mut self, [before, after]: [Option<&Instance>; 2]) {
        let called = |it: Option<&Instance>| it.map(|it| (it.called().to_owned(), forms_of(it)));
        let of_dots = |it: &Option<&Instance>| it.is_some_and(|it| it.called().contains('.'));
        if [before, after].iter().any(of_dots) && called(before) != called(after) {
            for (it, step) in [(before, Step::Goes), (after, Step::Comes)] {
                it.into_iter().for_each(|it| self.count_name(it.called(), forms_of(it), step));
            }
        }
        let tags = |it: Option<&'_ Instance>| it.into_iter().flat_map(Instance::selectors).count();
        let is_same = match (before, after) {
            (Some(before), Some(after)) => before.selectors().eq(after.selectors()),
            (one, other) => tags(one.or(other)) == 0,
        };
        if !is_same {
            self.count_tags(before, Step::Goes);
            self.count_tags(after, Step::Comes);
        }
    }

    /// Follows an alias: where it leads, its transports are.
    pub(super) fn follow_alias(&mut self, [before, after]: [Option<&Alias>; 2]) {
        let both = [(before, Step::Goes), (after, Step::Comes)];
        for (alias, step) in both.into_iter().filter_map(|(it, step)| Some((it?, step))) {
            self.count_name(&alias.name, [true; 1 + Proto::ALL.len()], step);
        }
    }

    /// Counts something that is called by a name, in some forms.
    fn count_name(&mut self, name: &str, forms: Forms<bool>, step: Step) {
        let Some(path) = path_of(name) else { return };
        let changed = self.count(&path, step, |counts| (&mut counts.here, forms));
        if changed.contains(&true) {
            for above in suffixes(&path).skip(1) {
                self.count(above, step, |counts| (&mut counts.below, changed));
            }
        }
    }

    /// Counts in some forms at a path. Gives in which of them it is the first or the last.
    fn count(
        &mut self,
        path: &[u8],
        step: Step,
        which: impl FnOnce(&mut Counts) -> (&mut Forms<u32>, Forms<bool>),
    ) -> Forms<bool> {
        let counts = self.names.entry(path.into()).or_default();
        let (places, forms) = which(counts);
        let mut changed = forms;
        for (count, changed) in places.iter_mut().zip(&mut changed).filter(|(_, it)| **it) {
            let was = std::mem::replace(count, step.of(*count));
            *changed = was == 0 || *count == 0;
        }
        if *counts == Counts::default() {
            self.names.remove(path);
        }
        changed
    }

    /// Counts the tags of an instance.
    fn count_tags(&mut self, instance: Option<&Instance>, step: Step) {
        let all = instance.into_iter().flat_map(Instance::selectors);
        for tag in all.filter(|tag| tag.chars().count() <= SERVICE_MAX) {
            let tag: Box<[u8]> = folded(tag).collect();
            match step.of(self.tags.get(&tag).copied().unwrap_or_default()) {
                0 => self.tags.remove(&tag),
                count => self.tags.insert(tag, count),
            };
        }
    }

    /// Whether something is called by a name, and whether something below it is.
    fn at(&self, path: &[u8], form: usize) -> (bool, bool) {
        let counts = self.names.get(path).copied().unwrap_or_default();
        (counts.here[form] > 0, counts.below[form] > 0)
    }
}

impl Zone {
    /// Whether any service or alias has a name with dots.
    #[must_use]
    pub fn has_dotted_names(&self) -> bool {
        !self.empty.names.is_empty()
    }

    /// Whether a service or alias is called by labels, in wire form without the root, under a
    /// transport or by itself; none where nothing below them is either.
    #[must_use]
    pub fn is_dotted(&self, path: &[u8], proto: Option<Proto>) -> Option<bool> {
        let (is_here, is_above) = self.empty.at(path, form(proto));
        (is_here || is_above).then_some(is_here)
    }

    /// An empty name, so many of whose labels are below the apex: above a name with dots, or
    /// above those that a tag stands behind.
    pub(super) fn find_empty(&self, name: &WireName, below: usize) -> Option<Node<'_>> {
        if below == 0 || self.empty.names.is_empty() && self.empty.tags.is_empty() {
            return None;
        }
        let proto = Proto::from_label(name.label(below - 1));
        let tag = name.label(0).strip_prefix(b"_").filter(|_| below == 1 && proto.is_none());
        if tag.is_some_and(|tag| self.empty.tags.contains_key(tag)) {
            return Some(Node::Empty);
        }
        self.find_above(name, below - usize::from(proto.is_some()), proto)
    }

    /// An empty name above a name with dots, whose first labels stand before a transport or the
    /// apex. What is called so itself is found by [`Self::is_dotted`].
    pub(super) fn find_above(
        &self,
        name: &WireName,
        labels: usize,
        proto: Option<Proto>,
    ) -> Option<Node<'_>> {
        if labels == 0 || self.empty.names.is_empty() {
            return None;
        }
        let path = &name.as_wire()[..name.offset(labels)];
        let (is_here, is_above) = self.empty.at(path, form(proto));
        let is_hidden = is_above && is_here && self.is_answered(&joined(path), proto);
        (is_above && !is_hidden).then_some(Node::Empty)
    }

    /// Whether a label is answered, under a transport or by itself.
    fn is_answered(&self, label: &[u8], proto: Option<Proto>) -> bool {
        let found = match proto {
            Some(proto) => self.find_transport(proto, &[b"_", label].concat()),
            None => self.find_child(label),
        };
        found.is_some()
    }
}

/// In which forms an instance is asked for by its service's name.
fn forms_of(instance: &Instance) -> Forms<bool> {
    let has = |proto: Proto| instance.port.is_some() && instance.proto == proto;
    [true, has(Proto::Tcp), has(Proto::Udp)]
}

/// The place of a form.
fn form(proto: Option<Proto>) -> usize {
    proto.map_or(0, |proto| 1 + proto as usize)
}

/// The labels of a name with dots in wire form, each in lower-cased label form; none where it
/// has no dots, or they do not part labels.
fn path_of(name: &str) -> Option<Vec<u8>> {
    if !name.contains('.') || name.chars().count() > SERVICE_MAX {
        return None;
    }
    let mut path = Vec::with_capacity(1 + name.len());
    for label in name.split('.') {
        let at = path.len();
        path.push(0);
        path.extend(folded(label));
        // A name that fits a label has no longer ones.
        path[at] = u8::try_from(path.len() - at - 1).ok().filter(|octets| *octets > 0)?;
    }
    Some(path)
}

/// A path and those above it.
fn suffixes(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::successors(Some(path), |path| {
        path.get(1 + usize::from(path[0])..).filter(|it| !it.is_empty())
    })
}

/// The labels of a path as the one that they are together.
fn joined(path: &[u8]) -> Vec<u8> {
    let labels = suffixes(path).map(|it| &it[1..=usize::from(it[0])]);
    labels.collect::<Vec<_>>().join(&b'-')
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::registry::{KeyParts, document};

    fn instance(name: &str, value: &str) -> Arc<Instance> {
        let document = document::read(value.as_bytes()).unwrap().unwrap();
        Arc::new(document.into_instance(KeyParts { name, id: "1", is_rooted: false }))
    }

    /// Whether something is called so, and whether something below is: by itself, as `_tcp`, as
    /// `_udp`.
    fn at(names: &EmptyNames, name: &str) -> [(bool, bool); 3] {
        let wire = WireName::from_text(name).unwrap();
        let path = wire.as_wire().strip_suffix(b"\0").unwrap();
        [0, 1, 2].map(|form| names.at(path, form))
    }

    #[test]
    fn a_name_with_dots_has_names_above_it_until_its_last_instance_goes() {
        let mut names = EmptyNames::default();
        let (no, here, above) = ((false, false), (true, false), (false, true));
        let tcp = instance("A_1.b.IO", "10.0.0.1:80");
        let bare = instance("A_1.b.IO", "10.0.0.1");
        names.follow([None, Some(&tcp)]);
        names.follow([None, Some(&bare)]);
        assert_eq!(at(&names, "a-1.b.io"), [here, here, no]);
        assert_eq!(
            (at(&names, "b.io"), at(&names, "io")),
            ([above, above, no], [above, above, no])
        );
        names.follow([Some(&tcp), None]);
        assert_eq!((at(&names, "a-1.b.io"), at(&names, "io")), ([here, no, no], [above, no, no]));
        let udp = instance("A_1.b.IO", r#"{"host":"10.0.0.1:80","proto":"udp"}"#);
        names.follow([Some(&bare), Some(&udp)]);
        assert_eq!(at(&names, "io"), [above, no, above]);
        names.follow([Some(&udp), None]);
        assert!(names.names.is_empty() && names.tags.is_empty(), "{names:?}");
    }

    #[test]
    fn a_name_can_be_one_and_stand_above_another() {
        let mut names = EmptyNames::default();
        let [one, other] = ["a.b.io", "b.io"].map(|name| instance(name, "10.0.0.1:80"));
        names.follow([None, Some(&one)]);
        names.follow([None, Some(&other)]);
        assert_eq!(at(&names, "b.io")[0], (true, true));
        names.follow([Some(&one), None]);
        assert_eq!((at(&names, "b.io")[0], at(&names, "io")[0]), ((true, false), (false, true)));
        names.follow([Some(&other), None]);
        assert!(names.names.is_empty(), "{names:?}");
    }

    #[test]
    fn the_name_that_a_document_says_is_one_where_the_key_has_its_label_form() {
        let named = |key: &str| instance(key, r#"{"name":"octodev.io","host":"10.0.0.1:80"}"#);
        assert_eq!(named("octodev-io").called(), "octodev.io");
        assert_eq!(named("web").called(), "web");
        assert_eq!(named("octodev-io").name, "octodev-io".into());
        let mut names = EmptyNames::default();
        names.follow([None, Some(&named("octodev-io"))]);
        assert_eq!(at(&names, "io")[0], (false, true));
    }

    #[test]
    fn tags_are_counted_by_their_label_form() {
        let mut names = EmptyNames::default();
        let tagged = |tags: &str| {
            instance("web", &format!(r#"{{"host":"10.0.0.1:80","version":"1.0","tags":{tags}}}"#))
        };
        let (one, other) = (tagged(r#"["blue","B.1"]"#), tagged(r#"["blue"]"#));
        names.follow([None, Some(&one)]);
        names.follow([None, Some(&other)]);
        let count = |names: &EmptyNames, tag: &[u8]| names.tags.get(tag).copied();
        assert_eq!(
            [&b"blue"[..], b"b-1", b"1-0"].map(|it| count(&names, it)),
            [Some(2), Some(1), Some(2)]
        );
        names.follow([Some(&one), Some(&other)]);
        assert_eq!([&b"blue"[..], b"b-1"].map(|it| count(&names, it)), [Some(2), None]);
        names.follow([Some(&other), None]);
        names.follow([Some(&other), None]);
        assert!(names.tags.is_empty(), "{names:?}");
    }

    #[test]
    fn dots_that_part_no_labels_are_no_names() {
        for name in ["web", ".web", "web.", "a..b", ".", ""] {
            assert_eq!(path_of(name), None, "{name}");
        }
        assert_eq!(path_of("A_b.Cé").unwrap(), b"\x03a-b\x02c-");
        assert_eq!(joined(b"\x03a-b\x02c-"), b"a-b-c-");
    }
}
