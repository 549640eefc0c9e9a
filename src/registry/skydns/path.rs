//! Keys that are names: `PREFIX/APEX REVERSED/LABELS REVERSED`.

use crate::names::{LABEL_MAX, NAME_MAX, Reversed};
use crate::registry::key::Grammar;
use crate::registry::{KeyFault, Layout};

impl Layout {
    /// Reads a key whose segments below the base are labels of a name.
    ///
    /// # Errors
    /// [`KeyFault`]: they are no name of DNS below the apex.
    pub fn read_labels(&self, key: &[u8]) -> Result<Reversed, KeyFault> {
        let rest = self.below_base(key).ok_or(KeyFault::Foreign)?;
        std::str::from_utf8(rest).map_err(|_| KeyFault::NotUtf8)?;
        // A key that is written like a directory, as SkyDNS's own readers take it.
        let rest = rest.strip_suffix(b"/").unwrap_or(rest);
        let mut path = Reversed::apex();
        for segment in rest.split(|octet| *octet == b'/') {
            path.push(segment).map_err(|_| match segment.len() {
                0 => KeyFault::EmptyLabel,
                octets if octets > LABEL_MAX => KeyFault::LabelTooLong { octets },
                _ => KeyFault::PathTooLong,
            })?;
        }
        let Grammar::Labels(apex) = self.grammar() else { return Ok(path) };
        if path.as_octets().len() + apex > NAME_MAX {
            return Err(KeyFault::PathTooLong);
        }
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::WireName;
    use proptest::prelude::*;

    #[test]
    fn labels_are_read_below_an_apex() {
        let apex = WireName::from_text("SkyDNS.test").unwrap();
        let layout = Layout::of_labels("/a/b/", &apex).unwrap();
        let (from, to) = layout.range();
        assert_eq!((&*from, &*to), (&b"/a/b/test/skydns/"[..], &b"/a/b/test/skydns0"[..]));
        let read = |rest: &str| {
            let key = format!("/a/b/test/skydns/{rest}");
            layout.read_labels(key.as_bytes()).map(|path| path.as_octets().to_vec())
        };
        assert_eq!(read("Web/x:1"), Ok(b"\x03web\x03x:1".to_vec()));
        let empty = [read(""), read("/"), read("a//b"), read("a//"), read("/a")];
        assert_eq!(empty, [const { Err(KeyFault::EmptyLabel) }; 5]);
        assert_eq!((read("a/"), read("b/a/")), (read("a"), read("b/a")));
        assert_eq!(read(&"a".repeat(64)), Err(KeyFault::LabelTooLong { octets: 64 }));
        let long =
            |octets: usize| read(&["a".repeat(63), "a".repeat(63), "a".repeat(octets)].join("/"));
        assert!(long(55).is_ok() && read(&["a"; 121].join("/")).is_ok());
        assert!(long(63).is_ok() && read(&["a"; 122].join("/")) == Err(KeyFault::PathTooLong));
        let fault = |key: &[u8]| layout.read_labels(key).unwrap_err();
        assert_eq!(fault(b"/a/b/test/skydns/\xff"), KeyFault::NotUtf8);
        assert_eq!(fault(b"/a/b/test/skydns2/x"), KeyFault::Foreign);
        assert!(Layout::of_labels("/a//b", &apex).is_err());
        assert_eq!(Layout::of_labels("", &apex).unwrap().range().0, b"/test/skydns/");
    }

    proptest! {
        #[test]
        fn any_key_is_survived(key: Vec<u8>) {
            let _ = Layout::of_labels("", &WireName::root()).unwrap().read_labels(&key);
        }
    }
}
