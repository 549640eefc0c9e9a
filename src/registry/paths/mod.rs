//! Keys of more segments than NAME/ID, as some writers make them.
//!
//! One small file per writer: a function from the segments of a key and its value to what is
//! said there, which answers `None` where the key is not that writer's. Each is known by its
//! shape alone, so that a zone reads them side by side; `format` in `[[zone]]` names the one
//! writer whose keys are read. A key of the form NAME/ID is never looked at here but where its
//! ID is one that Patroni or a directory has (`beside`).
//!
//! | file | writer | key |
//! | --- | --- | --- |
//! | `dubbo` | dubbo-go, by interface | `INTERFACE/providers/URL` |
//! | `goframe` | GoFrame | `DEPLOYMENT/NAMESPACE/NAME/VERSION/HOST:PORT[,HOST:PORT…]` |
//! | `jupiter` | jupiter, ego | `NAME/providers/SCHEME://HOST:PORT` |
//! | `patroni` | Patroni | `SCOPE/members/NAME`, `SCOPE/leader`, `SCOPE/sync`; `SCOPE/GROUP/…` of Citus |

mod dubbo;
mod goframe;
mod jupiter;
pub(super) mod patroni;

use super::document::Document;
use super::{Instance, KeyFault, KeyParts, Layout, Problem};
use crate::names::PATH_MAX;

pub(super) use self::patroni::Mark;

/// A writer of keys of more segments than NAME/ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// dubbo-go.
    Dubbo,
    /// GoFrame.
    GoFrame,
    /// jupiter, and ego.
    Jupiter,
    /// Patroni.
    Patroni,
    /// rpcx, whose instances stand at NAME/ID, beside keys that mark directories.
    Rpcx,
}

/// The content of a key of several segments.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Instances: one as a rule.
    Instances(Vec<Instance>),
    /// Which of the instances beside it is what.
    Mark(Mark),
    /// Something that is known and concerns nobody here.
    Nothing,
}

/// The reading of a key and its value.
pub(super) type Reading = Result<Said, Problem>;

/// A key below the base.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyPath<'k> {
    /// All of it.
    text: &'k str,
    /// Whether a slash stands before it although the prefix is empty.
    is_rooted: bool,
    /// Whether the zone has one writer's keys alone: what is like them and broken is a problem.
    is_certain: bool,
}

/// A reader of one writer's keys.
type Reader = fn(KeyPath<'_>, &[u8]) -> Option<Reading>;

/// Every writer.
const READERS: [(Writer, Reader); 4] = [
    (Writer::Patroni, patroni::read),
    (Writer::Dubbo, dubbo::read),
    (Writer::Jupiter, jupiter::read),
    (Writer::GoFrame, goframe::read),
];

/// Reads a key that is not NAME/ID; nothing where no writer has such keys.
pub(super) fn read(layout: &Layout, key: &[u8], value: &[u8]) -> Option<Reading> {
    let text = layout.below_base(key)?;
    if !text.contains(&b'/') {
        return is_directory(text, value).then_some(Ok(Said::Nothing));
    }
    let text = std::str::from_utf8(text).ok()?;
    let is_certain = layout.writer().is_some();
    let path = KeyPath { text, is_rooted: layout.is_rooted(key), is_certain };
    let is_read = |writer: Writer| layout.writer().is_none_or(|only| only == writer);
    let mut readers = READERS.iter().filter(|(writer, _)| is_read(*writer));
    let reading = readers.find_map(|(_, read)| read(path, value))?;
    if text.len() > PATH_MAX {
        return Some(Err(KeyFault::PathTooLarge { octets: text.len() }.into()));
    }
    Some(reading)
}

/// Reads a key of the form NAME/ID that stands beside those of a writer and is no instance's.
pub(super) fn beside(layout: &Layout, place: KeyParts<'_>, value: &[u8]) -> Option<Reading> {
    match layout.writer() {
        None => {
            let is_directory = value.is_empty() && dubbo::is_category(place.id);
            let said = || patroni::beside(place, value, false);
            is_directory.then_some(Ok(Said::Nothing)).or_else(said)
        }
        Some(Writer::Dubbo) => dubbo::is_category(place.id).then_some(Ok(Said::Nothing)),
        Some(Writer::Patroni) => patroni::beside(place, value, true),
        Some(Writer::GoFrame | Writer::Jupiter | Writer::Rpcx) => None,
    }
}

/// Whether a key of one segment marks a directory, as rpcx and Dubbo write them: it says its
/// own name, or nothing.
fn is_directory(name: &[u8], value: &[u8]) -> bool {
    !name.is_empty() && (value.is_empty() || value == name)
}

impl<'k> KeyPath<'k> {
    /// The segments, if there are so many and none is empty.
    fn segments<const N: usize>(self) -> Option<[&'k str; N]> {
        let mut segments = self.text.split('/');
        let mut found = [""; N];
        for place in &mut found {
            *place = segments.next().filter(|it| !it.is_empty())?;
        }
        segments.next().is_none().then_some(found)
    }

    /// An instance of the key, under a name and an id that it spells.
    fn instance(self, name: &str, id: &str, document: Document) -> Result<Instance, Problem> {
        let place = KeyParts::new(name.as_bytes(), id.as_bytes(), self.is_rooted)?;
        Ok(document.into_instance(place).at_path(self.text))
    }
}

impl Said {
    /// The only instance of a key.
    fn one(instance: Instance) -> Self {
        Self::Instances(vec![instance])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a key below `/s` and its value say.
    pub(super) fn said(path: &str, value: &str) -> Option<Result<Said, String>> {
        let (layout, key) = (Layout::new("/s", None).unwrap(), format!("/s/{path}"));
        Some(read(&layout, key.as_bytes(), value.as_bytes())?.map_err(|it| it.to_string()))
    }

    /// The instances of a key below `/s`.
    pub(super) fn instances(path: &str, value: &str) -> Vec<Instance> {
        match said(path, value) {
            Some(Ok(Said::Instances(instances))) => instances,
            other => panic!("{path}: {other:?}"),
        }
    }

    #[test]
    fn other_keys_are_nobodys() {
        for path in ["a/b/c", "a/b/c/d/e", "a/providers/b", "a/members/b", "a//b", "a/b/", "/a"] {
            assert_eq!(said(path, "10.0.0.1:80"), None, "{path}");
        }
    }

    #[test]
    fn keys_that_mark_directories_say_nothing() {
        assert_eq!(said("arith", "arith"), Some(Ok(Said::Nothing)));
        assert_eq!(said("com.foo.Bar", ""), Some(Ok(Said::Nothing)));
        assert_eq!((said("arith", "x"), said("", "")), (None, None));
        let layout = Layout::new("/s", None).unwrap();
        let place = |id| KeyParts { name: "com.foo.Bar", id, is_rooted: false };
        assert_eq!(beside(&layout, place("providers"), b""), Some(Ok(Said::Nothing)));
        assert_eq!(beside(&layout, place("providers"), b"10.0.0.1:80"), None);
        assert_eq!(beside(&layout, place("1"), b""), None);
    }

    #[test]
    fn a_zone_of_one_writer_reads_its_keys_alone() {
        let (path, value) = ("a/members/b", r#"{"conn_url":"postgres://10.0.0.1:5432/p"}"#);
        let key = format!("/s/{path}");
        for (writer, is_read) in
            [(None, true), (Some(Writer::Patroni), true), (Some(Writer::Dubbo), false)]
        {
            let layout = Layout::new("/s", None).unwrap().of_writer(writer);
            let found = read(&layout, key.as_bytes(), value.as_bytes());
            assert_eq!(found.is_some(), is_read, "{writer:?}");
        }
    }

    #[test]
    fn a_key_that_is_too_long_says_so() {
        let path = format!("a/providers/tri%3A%2F%2F10.0.0.1%3A1%2F{}", "x".repeat(PATH_MAX));
        let fault = said(&path, "").unwrap().unwrap_err();
        assert!(
            fault.ends_with("octets below the prefix, at most 8192 are read; shorten it"),
            "{fault}"
        );
    }

    proptest! {
        #[test]
        fn any_key_and_value_are_survived(
            path in "[a-z]{0,2}(/(providers|members|leader|sync|[a-z:0-9.,%]{0,9})){0,5}",
            value in "(\\{[\"a-z:,{}]{0,20}\\})|.{0,20}",
        ) {
            let _ = said(&path, &value);
        }
    }
}
