//! Paths of nodes: `/a/b`, as requests write them and as etcd v3 keeps them.

use crate::etcd::Range;

/// Segments that a path may have. Each costs a read two operations of a transaction, of which
/// etcd takes 128 by default.
pub(super) const SEGMENTS_MAX: usize = 24;
/// Octets that a path may have: the longest key of a zone, a DNS name of 255 octets below a
/// prefix, has far less.
pub(super) const OCTETS_MAX: usize = 2048;

/// The path of a node, without empty segments and without a last slash; empty for the root.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct NodePath(String);

impl NodePath {
    /// The path that a text means: `.`, `..` and empty segments are gone, as in etcd. None
    /// where it is too long or too deep.
    pub(super) fn of(text: &str) -> Option<Self> {
        let mut segments: Vec<&str> = Vec::new();
        for segment in text.split('/') {
            match segment {
                "" | "." => (),
                ".." => drop(segments.pop()),
                segment => segments.push(segment),
            }
        }
        let path: String = segments.iter().flat_map(|segment| ["/", segment]).collect();
        (segments.len() <= SEGMENTS_MAX && path.len() <= OCTETS_MAX).then_some(Self(path))
    }

    /// Whether requests can name the node: it is neither too long nor too deep.
    pub(super) fn fits(&self) -> bool {
        self.0.matches('/').count() <= SEGMENTS_MAX && self.0.len() <= OCTETS_MAX
    }

    /// A node of this directory.
    pub(super) fn child(&self, name: &str) -> Self {
        Self(format!("{}/{name}", self.0))
    }

    /// The path of a key, or of the directory that it marks; none where no request can write
    /// it.
    pub(super) fn of_key(key: &[u8]) -> Option<(Self, bool)> {
        let text = std::str::from_utf8(key).ok()?.strip_prefix('/')?;
        let path = text.strip_suffix('/').unwrap_or(text);
        let is_plain = |segment: &str| !matches!(segment, "" | "." | "..");
        let is_known = path.split('/').all(is_plain) && path.split('/').count() <= SEGMENTS_MAX;
        is_known.then(|| (Self(format!("/{path}")), path.len() < text.len()))
    }

    /// The path as replies show it; `/` for the root.
    pub(super) fn shown(&self) -> &str {
        if self.0.is_empty() { "/" } else { &self.0 }
    }

    /// The path, empty for the root.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the root.
    pub(super) const fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The key of the node, where it is no directory.
    pub(super) fn key(&self) -> Vec<u8> {
        self.0.clone().into_bytes()
    }

    /// The key that marks the node as a directory, whatever is in it.
    pub(super) fn marker(&self) -> Vec<u8> {
        format!("{}/", self.0).into_bytes()
    }

    /// The keys of the directory: its marker first, then what is in it. `0` is the octet
    /// after `/`.
    pub(super) fn below(&self) -> Range {
        (self.marker(), format!("{}0", self.0).into_bytes())
    }

    /// The keys of what is in the directory, without its marker.
    pub(super) fn inside(&self) -> Range {
        let (marker, end) = self.below();
        ([&*marker, b"\0"].concat(), end)
    }

    /// The directories that the node is in, the outermost first, without the root.
    pub(super) fn ancestors(&self) -> Vec<Self> {
        let slashes = self.0.match_indices('/').skip(1);
        slashes.map(|(at, _)| Self(self.0[..at].to_owned())).collect()
    }

    /// Whether a key is that of the node, marks it, or is in it.
    pub(super) fn covers(&self, key: &[u8]) -> bool {
        let rest = key.strip_prefix(self.0.as_bytes());
        rest.is_some_and(|rest| rest.first().is_none_or(|octet| *octet == b'/'))
    }

    /// Whether another is this one or in it.
    pub(super) fn holds(&self, other: &Self) -> bool {
        let rest = other.0.strip_prefix(&self.0);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Whether who looks at this one does not see another below it: one whose name begins with
    /// `_` is on the way.
    pub(super) fn hides(&self, other: &Self) -> bool {
        other.0.get(self.0.len()..).is_some_and(|rest| rest.contains("/_"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> NodePath {
        NodePath::of(text).unwrap()
    }

    #[test]
    fn paths_are_cleaned() {
        for (text, shown) in [
            ("", "/"),
            ("/", "/"),
            ("//a///b/", "/a/b"),
            ("/a/./b/../c", "/a/c"),
            ("/../..", "/"),
            ("/ä b", "/ä b"),
        ] {
            assert_eq!(path(text).shown(), shown, "{text}");
        }
        assert!(NodePath::of(&"/a".repeat(SEGMENTS_MAX)).is_some());
        assert!(NodePath::of(&"/a".repeat(SEGMENTS_MAX + 1)).is_none());
        assert!(NodePath::of(&"a".repeat(OCTETS_MAX)).is_none());
    }

    #[test]
    fn a_path_is_a_key_or_a_range() {
        let node = path("/a/b");
        assert_eq!((node.key(), node.marker()), (b"/a/b".to_vec(), b"/a/b/".to_vec()));
        assert_eq!(node.below(), (b"/a/b/".to_vec(), b"/a/b0".to_vec()));
        assert_eq!(node.inside().0, b"/a/b/\0");
        assert_eq!(path("/").below(), (b"/".to_vec(), b"0".to_vec()));
        assert_eq!(path("/a/b/c").ancestors(), [path("/a"), path("/a/b")]);
        assert!(path("/a").ancestors().is_empty() && path("/").ancestors().is_empty());
    }

    #[test]
    fn keys_are_read_back_where_a_request_can_write_them() {
        assert_eq!(NodePath::of_key(b"/a/b"), Some((path("/a/b"), false)));
        assert_eq!(NodePath::of_key(b"/a/b/"), Some((path("/a/b"), true)));
        for key in [&b"a/b"[..], b"/a//b", b"/a//", b"/a/../b", b"/a/\xff", b"/", b""] {
            assert_eq!(NodePath::of_key(key), None, "{key:?}");
        }
    }

    #[test]
    fn names_with_an_underline_are_hidden_from_above() {
        assert!(path("/a").hides(&path("/a/_b")) && path("/").hides(&path("/a/_b/c")));
        assert!(!path("/a/_b").hides(&path("/a/_b/c")) && !path("/a").hides(&path("/a/b_")));
        assert!(!path("/a/_b").hides(&path("/a/_b")));
        assert!(path("/a").holds(&path("/a/b")) && path("/a").holds(&path("/a")));
        assert!(!path("/a").holds(&path("/ab")) && path("/").holds(&path("/a")));
    }
}
