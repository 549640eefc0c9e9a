//! Keys of registrations: `PREFIX/[NAMESPACE/]NAME/ID`.

mod fault;

use std::sync::Arc;

use super::{Alias, Instance, Resource, Template, Writer};
use crate::names::{DEFAULT_PREFIX, ID_MAX, PATH_MAX, SERVICE_MAX, WireName, label};

pub use self::fault::KeyFault;

/// The part of the keyspace that one zone reads: a prefix and at most one namespace, or a
/// prefix and an apex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// What stands before `/NAME/ID` or before labels, without a last slash; empty for the
    /// whole keyspace.
    base: String,
    /// What stands below it.
    grammar: Grammar,
    /// Whose keys of more segments are read; everybody's where none is named.
    writer: Option<Writer>,
    /// How all keys are read, where that is said.
    template: Option<Arc<Template>>,
}

/// The grammar of keys below a base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grammar {
    /// NAME/ID.
    Instances,
    /// The labels of a name below an apex, the nearest to it first. The apex takes so many
    /// octets on the wire.
    Labels(usize),
}

/// The name and id that a key spells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyParts<'k> {
    /// NAME, as written.
    pub name: &'k str,
    /// ID, as written.
    pub id: &'k str,
    /// Whether a slash stands before NAME although the prefix is empty.
    pub is_rooted: bool,
}

/// A prefix or namespace that cannot stand in a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` has an empty path segment; write it like `/services` or `team/services`")]
pub struct PrefixFault {
    /// The offending text.
    text: String,
}

impl Layout {
    /// The keys below a prefix and, when given, a namespace. The prefix is taken to the
    /// letter, except that a last `/` says nothing; it may be empty.
    ///
    /// # Errors
    /// [`PrefixFault`] when a segment is empty.
    pub fn new(prefix: &str, namespace: Option<&str>) -> Result<Self, PrefixFault> {
        let prefix = checked(prefix)?;
        let namespace = namespace.map(checked_segments).transpose()?;
        let namespace = namespace.filter(|namespace| !namespace.is_empty());
        let base = match namespace {
            Some(namespace) => format!("{prefix}/{namespace}"),
            None => prefix.to_owned(),
        };
        Ok(Self { base, grammar: Grammar::Instances, writer: None, template: None })
    }

    /// The keys that SkyDNS keeps the names below an apex at: a prefix, then the labels of
    /// the apex and of the name, the rightmost first, in lower case.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of_labels(prefix: &str, apex: &WireName) -> Result<Self, PrefixFault> {
        let mut base = checked(prefix)?.to_owned();
        for at in (0..apex.labels()).rev() {
            base = format!("{base}/{}", String::from_utf8_lossy(apex.label(at)));
        }
        Ok(Self {
            base,
            grammar: Grammar::Labels(apex.as_wire().len()),
            writer: None,
            template: None,
        })
    }

    /// The same, of which keys of more segments than NAME/ID are one writer's.
    #[must_use]
    pub const fn of_writer(mut self, writer: Option<Writer>) -> Self {
        self.writer = writer;
        self
    }

    /// The same, of which all keys are read by a template, if there is one.
    #[must_use]
    pub fn by(mut self, template: Option<Template>) -> Self {
        self.template = template.map(Arc::new);
        self
    }

    /// How all keys are read, where that is said.
    #[must_use]
    pub fn template(&self) -> Option<&Template> {
        self.template.as_deref()
    }

    /// Whose keys of more segments are read; everybody's where none is named.
    pub(super) const fn writer(&self) -> Option<Writer> {
        self.writer
    }

    /// What stands below the base.
    #[must_use]
    pub const fn grammar(&self) -> Grammar {
        self.grammar
    }

    /// The first key of the range and the key after its last, as etcd's range requests
    /// want them. The whole keyspace is `\0` to `\0`.
    #[must_use]
    pub fn range(&self) -> (Vec<u8>, Vec<u8>) {
        if self.base.is_empty() {
            return (vec![0], vec![0]);
        }
        // `0` is the octet after `/`.
        (format!("{}/", self.base).into_bytes(), format!("{}0", self.base).into_bytes())
    }

    /// The ranges around [`Self::range`], each with one segment less before it, the whole keyspace
    /// at last.
    pub fn ranges_above(&self) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> + '_ {
        let mut base = Some(&*self.base).filter(|base| !base.is_empty());
        std::iter::from_fn(move || {
            let above = base?.rsplit_once('/').map_or("", |(above, _)| above);
            base = Some(above).filter(|above| !above.is_empty());
            Some(
                Self {
                    base: above.to_owned(),
                    grammar: self.grammar,
                    writer: None,
                    template: None,
                }
                .range(),
            )
        })
    }

    /// What stands before `/NAME/ID` or before labels.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// The key of an instance. The name is brought into label form.
    #[must_use]
    pub fn key(&self, name: &str, id: &str) -> String {
        format!("{}/{}/{id}", self.base, label(name))
    }

    /// The key that an instance was read from.
    #[must_use]
    pub fn key_of(&self, instance: &Instance) -> String {
        match instance.path() {
            Some(path) => self.folder(path, instance.is_rooted),
            None => format!("{}/{}", self.folder_of(instance), instance.raw_id()),
        }
    }

    /// What the keys of an instance's name begin with; its key where that spells the name
    /// elsewhere than at first.
    #[must_use]
    pub fn folder_of(&self, instance: &Instance) -> String {
        match instance.path() {
            Some(path) => self.folder(path, instance.is_rooted),
            None => self.folder(&instance.name, instance.is_rooted),
        }
    }

    /// Checks that an instance which was written down could have been read from its key.
    ///
    /// # Errors
    /// [`KeyFault`]: no key leads to it.
    pub fn check_key_of(&self, instance: &Instance) -> Result<(), KeyFault> {
        let key = self.key_of(instance);
        let place = match instance.path() {
            None => self.read(key.as_bytes())?,
            Some(path) if path.len() > PATH_MAX => return Err(self.stray()),
            Some(_) => {
                self.below_base(key.as_bytes()).ok_or_else(|| self.stray())?;
                let (name, id) = (instance.name.as_bytes(), instance.raw_id().as_bytes());
                KeyParts::new(name, id, instance.is_rooted)?
            }
        };
        let found = (place.name, place.id, place.is_rooted);
        let is_same = found == (&*instance.name, instance.raw_id(), instance.is_rooted);
        if is_same { Ok(()) } else { Err(self.stray()) }
    }

    /// What keys with a first segment begin with.
    pub(crate) fn folder(&self, segment: &str, is_rooted: bool) -> String {
        let slash = if self.base.is_empty() && !is_rooted { "" } else { "/" };
        format!("{}{slash}{segment}", self.base)
    }

    /// The key that an alias was read from.
    #[must_use]
    pub fn key_of_alias(&self, alias: &Alias) -> String {
        self.key_of_alias_named(alias.resource(), &alias.name, alias.is_rooted)
    }

    /// The key of the alias of a kind that has a name.
    #[must_use]
    pub fn key_of_alias_named(&self, resource: Resource, name: &str, is_rooted: bool) -> String {
        format!("{}/{name}", self.folder(resource.segment(), is_rooted))
    }

    /// Reads a key of the range.
    ///
    /// # Errors
    /// [`KeyFault`]: it is not of the form, or does not fit DNS.
    pub fn read<'k>(&self, key: &'k [u8]) -> Result<KeyParts<'k>, KeyFault> {
        let rest = self.below_base(key).ok_or_else(|| self.stray())?;
        let mut segments = rest.split(|octet| *octet == b'/');
        let (Some(name), Some(id), None) = (segments.next(), segments.next(), segments.next())
        else {
            return Err(self.stray());
        };
        if name.is_empty() || id.is_empty() {
            return Err(self.stray());
        }
        KeyParts::new(name, id, self.is_rooted(key))
    }

    /// Whether a slash stands before a key's name although the base is empty.
    pub(super) fn is_rooted(&self, key: &[u8]) -> bool {
        self.base.is_empty() && key.starts_with(b"/")
    }

    /// The first segment below the base, to name keys outside the grammar by.
    pub(crate) fn first_segment(&self, key: &[u8]) -> String {
        let rest = self.below_base(key).unwrap_or(key);
        shown_key(rest.split(|octet| *octet == b'/').next().unwrap_or(rest))
    }

    /// What stands below the base. In the whole keyspace one leading slash says nothing.
    pub(super) fn below_base<'k>(&self, key: &'k [u8]) -> Option<&'k [u8]> {
        if self.base.is_empty() {
            return Some(key.strip_prefix(b"/").unwrap_or(key));
        }
        key.strip_prefix(self.base.as_bytes())?.strip_prefix(b"/")
    }

    /// The fault of a key outside the grammar.
    fn stray(&self) -> KeyFault {
        if self.base.is_empty() {
            KeyFault::Foreign
        } else {
            KeyFault::Stray { base: self.base.clone() }
        }
    }
}

/// Whether a key is the mark of a directory that clients of etcd's v2 API made: it ends in `/`
/// and says nothing.
pub(in crate::registry) fn is_directory(key: &[u8], value: &[u8]) -> bool {
    key.ends_with(b"/") && value.is_empty()
}

/// A prefix without a last slash.
fn checked(prefix: &str) -> Result<&str, PrefixFault> {
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    checked_segments(prefix.strip_prefix('/').unwrap_or(prefix))?;
    Ok(prefix)
}

/// A text of which no path segment is empty, or all of it is.
fn checked_segments(text: &str) -> Result<&str, PrefixFault> {
    if !text.is_empty() && text.split('/').any(str::is_empty) {
        return Err(PrefixFault { text: text.to_owned() });
    }
    Ok(text)
}

/// A key as a reader can see it: bounded, since etcd's keys may be as long as its requests,
/// and with what is not printable ASCII escaped.
#[must_use]
pub fn shown_key(key: &[u8]) -> String {
    /// Octets that tell a reader which key is meant.
    const SHOWN: usize = 200;
    match key.get(..SHOWN).filter(|_| key.len() > SHOWN) {
        Some(shown) => format!("{}…", shown.escape_ascii()),
        None => key.escape_ascii().to_string(),
    }
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            base: DEFAULT_PREFIX.to_owned(),
            grammar: Grammar::Instances,
            writer: None,
            template: None,
        }
    }
}

impl<'k> KeyParts<'k> {
    /// Checks the two segments of a key.
    pub(super) fn new(name: &'k [u8], id: &'k [u8], is_rooted: bool) -> Result<Self, KeyFault> {
        let name = std::str::from_utf8(name).map_err(|_| KeyFault::NotUtf8)?;
        let id = std::str::from_utf8(id).map_err(|_| KeyFault::NotUtf8)?;
        if name.chars().count() > SERVICE_MAX {
            return Err(KeyFault::NameTooLong { octets: name.len() });
        }
        if id.len() > ID_MAX {
            return Err(KeyFault::IdTooLong { octets: id.len() });
        }
        Ok(Self { name, id, is_rooted })
    }
}

#[cfg(test)]
mod tests {
    use super::super::document;
    use super::*;
    use proptest::prelude::*;

    fn layout(prefix: &str, namespace: Option<&str>) -> Layout {
        Layout::new(prefix, namespace).unwrap()
    }

    #[test]
    fn keys_come_back() {
        let services = layout("/services/", None);
        let key = services.key("my_service", "a-1");
        assert_eq!(key, "/services/my-service/a-1");
        assert_eq!(
            services.read(key.as_bytes()),
            Ok(KeyParts { name: "my-service", id: "a-1", is_rooted: false })
        );
        let shop = layout("/services", Some("shop"));
        assert_eq!(shop.key("web", "1"), "/services/shop/web/1");
        assert_eq!(shop.read(b"/services/shop/web/1").unwrap().name, "web");
    }

    #[test]
    fn prefixes_match_whole_segments_and_literally() {
        let services = layout("/services", None);
        let (from, to) = services.range();
        assert_eq!((from.as_slice(), to.as_slice()), (&b"/services/"[..], &b"/services0"[..]));
        assert!(services.read(b"/services2/a/b").is_err());
        assert_eq!(layout("kitex/registry-etcd", None).key("a", "b"), "kitex/registry-etcd/a/b");
    }

    #[test]
    fn other_depths_are_outside_the_grammar() {
        let services = layout("/services", None);
        for key in ["/services/a", "/services/a/b/c", "/services//b", "/services/a/"] {
            assert!(matches!(services.read(key.as_bytes()), Err(KeyFault::Stray { .. })), "{key}");
        }
        let whole = layout("", None);
        assert_eq!(whole.range(), (vec![0], vec![0]));
        for (key, is_rooted) in [("/a/b", true), ("a/b", false)] {
            let place = whole.read(key.as_bytes()).unwrap();
            assert_eq!(place, KeyParts { name: "a", id: "b", is_rooted });
            let document = document::read(b"10.0.0.1:80").unwrap().unwrap();
            assert_eq!(whole.key_of(&document.into_instance(place)), key);
        }
        assert_eq!(whole.read(b"a/b/c"), Err(KeyFault::Foreign));
    }

    #[test]
    fn names_must_fit_a_label() {
        let services = layout("/services", None);
        let key = services.key(&"n".repeat(64), "1");
        assert_eq!(services.read(key.as_bytes()), Err(KeyFault::NameTooLong { octets: 64 }));
        assert!(services.read(services.key("n", &"i".repeat(64)).as_bytes()).is_ok());
        let key = services.key("n", &"i".repeat(1025));
        assert_eq!(services.read(key.as_bytes()), Err(KeyFault::IdTooLong { octets: 1025 }));
        assert_eq!(services.read(b"/services/\xff/1"), Err(KeyFault::NotUtf8));
    }

    #[test]
    fn empty_segments_are_refused() {
        assert!(Layout::new("/a//b", None).is_err());
        assert!(Layout::new("/a", Some("b/")).is_err());
    }

    proptest! {
        #[test]
        fn any_key_is_survived(key: Vec<u8>) {
            let _ = layout("/services", None).read(&key);
            let _ = layout("", None).read(&key);
        }
    }
}
