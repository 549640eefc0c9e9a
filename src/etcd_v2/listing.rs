//! Directories as trees of nodes, made from the keys below them.

use std::collections::{BTreeMap, HashSet};

use super::Served;
use super::around::Around;
use super::fault::{Code, KeysFault};
use super::lives::Lives;
use super::node::Node;
use super::path::NodePath;
use crate::etcd::{PageSize, Pair, Range, Stamp};

/// Keys that are read for one listing. Each of them may need its lease asked after.
const KEYS_MAX: usize = 10_000;
/// Octets of keys and values that are read for one listing.
const OCTETS_MAX: usize = 16 << 20;

/// A node with all that is in it, by name.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// What stands at its key.
    file: Option<Pair>,
    /// What marks it as a directory.
    marker: Option<Pair>,
    /// What is in it.
    inside: BTreeMap<String, Self>,
}

/// The keys of a range, as of a moment.
///
/// # Errors
/// [`KeysFault`]: there are too many, or the registry did not say.
pub(super) async fn pairs(
    served: &Served,
    range: &Range,
    stamp: Stamp,
) -> Result<Vec<Pair>, KeysFault> {
    let (mut found, mut octets) = (Vec::new(), 0);
    for part in served.scope().parts(range) {
        let (mut size, mut next) = (PageSize::default(), Some(part.0));
        while let Some(from) = next {
            let range = (from, part.1.clone());
            let page = served.upkeep.etcd().list_page(&range, Some(stamp.revision), &mut size);
            let page = page.await?;
            next = page.next;
            let before = found.len();
            found.extend(page.pairs.into_iter().map(Pair::from));
            let octets_of = |pair: &Pair| pair.key.len() + pair.value.len();
            octets += found[before..].iter().map(octets_of).sum::<usize>();
            if found.len() > KEYS_MAX || octets > OCTETS_MAX {
                return Err(too_many(stamp));
            }
        }
    }
    tracing::trace!(keys = found.len(), octets, "listed");
    Ok(found)
}

/// More keys than are read.
fn too_many(stamp: Stamp) -> KeysFault {
    let cause =
        format!("over {KEYS_MAX} keys or {OCTETS_MAX} octets are below it; list a directory in it");
    KeysFault { code: Code::RaftInternal, cause, index: stamp.revision }
}

impl Tree {
    /// The tree of keys below a directory.
    pub(super) fn new(directory: &NodePath, pairs: Vec<Pair>) -> Self {
        let mut tree = Self::default();
        for pair in pairs {
            let Some((path, is_marker)) = NodePath::of_key(&pair.key) else { continue };
            if !directory.holds(&path) {
                continue;
            }
            let names = path.as_str()[directory.as_str().len()..].split('/').skip(1);
            let node =
                names.fold(&mut tree, |node, name| node.inside.entry(name.to_owned()).or_default());
            let place = if is_marker { &mut node.marker } else { &mut node.file };
            *place = Some(pair);
        }
        tree
    }

    /// The leases of what is shown, but those that directories give to what is in them.
    pub(super) fn leases(&self, around: &Around, recursive: bool) -> HashSet<i64> {
        let mut found = HashSet::new();
        self.gather(around.lease_around(), if recursive { usize::MAX } else { 1 }, &mut found);
        found
    }

    /// Adds the leases down to a depth.
    fn gather(&self, of_directory: i64, depth: usize, into: &mut HashSet<i64>) {
        let lease = self.lease();
        if lease != of_directory {
            into.insert(lease);
        }
        if depth > 0 {
            let ends = if lease == 0 { of_directory } else { lease };
            let shown = self.inside.iter().filter(|(name, _)| !name.starts_with('_'));
            shown.for_each(|(_, node)| node.gather(ends, depth - 1, into));
        }
    }

    /// The node and what is in it; of that, what is in directories only if `recursive`.
    pub(super) fn node(
        &self,
        path: &NodePath,
        recursive: bool,
        of_directory: i64,
        lives: &Lives,
    ) -> Node {
        let depth = if recursive { usize::MAX } else { 1 };
        self.shown(path, depth, of_directory, lives)
    }

    /// The node, with what is in it down to a depth.
    fn shown(&self, path: &NodePath, depth: usize, of_directory: i64, lives: &Lives) -> Node {
        let lease = self.lease();
        let life = lives.get(&lease).filter(|_| lease != of_directory);
        if let Some(file) = self.file.as_ref().filter(|_| !self.is_dir()) {
            return Node::file(path, file).ending(life);
        }
        let index = self.marker.as_ref().map(|marker| (marker.created, marker.modified));
        let (created, modified) = index.unwrap_or_else(|| (self.oldest(), self.oldest()));
        let mut node = match path.is_root() {
            true => Node::directory(path, 0, 0),
            false => Node::directory(path, created, modified).ending(life),
        };
        if depth > 0 {
            let ends = if lease == 0 { of_directory } else { lease };
            let shown = self.inside.iter().filter(|(name, _)| !name.starts_with('_'));
            let child = |(name, tree): (&String, &Self)| {
                tree.shown(&path.child(name), depth - 1, ends, lives)
            };
            node.nodes = shown.map(child).collect();
        }
        node
    }

    /// Whether it is a directory.
    fn is_dir(&self) -> bool {
        self.marker.is_some() || !self.inside.is_empty() || self.file.is_none()
    }

    /// The lease that the node itself hangs on; 0 for none.
    fn lease(&self) -> i64 {
        let own = if self.is_dir() { self.marker.as_ref() } else { self.file.as_ref() };
        own.map_or(0, |pair| pair.lease)
    }

    /// The revision at which the first that is still there was made in it: nothing says when a
    /// directory without a marker was.
    fn oldest(&self) -> i64 {
        let own = self.file.iter().chain(&self.marker).map(|pair| pair.created);
        own.chain(self.inside.values().map(Self::oldest)).min().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::lives::Life;
    use super::*;

    /// A directory with some keys, those with a lease as `key=lease`.
    fn shown(directory: &str, keys: &[&str], recursive: bool) -> String {
        let pair = |(at, text): (usize, &&str)| {
            let (key, lease) = text.split_once('=').unwrap_or((text, "0"));
            let (lease, created) = (lease.parse().unwrap(), at as i64 + 1);
            Pair { key: key.into(), value: b"v".to_vec(), lease, created, modified: created }
        };
        let path = NodePath::of(directory).unwrap();
        let tree = Tree::new(&path, keys.iter().enumerate().map(pair).collect());
        let lives = Lives::from([(7, Life { granted: 9, left: 5 })]);
        let node = tree.node(&path, recursive, 0, &lives);
        brief(&node)
    }

    /// A node in short: name, TTL, index, what is in it.
    fn brief(node: &Node) -> String {
        let inside: Vec<_> = node.nodes.iter().map(brief).collect();
        let name = node.key.rsplit('/').next().unwrap_or_default();
        let ttl = if node.ttl == 0 { String::new() } else { format!("!{}", node.ttl) };
        let inside = if node.dir { format!("[{}]", inside.join(" ")) } else { String::new() };
        format!("{name}{ttl}@{}{inside}", node.created_index)
    }

    #[test]
    fn a_directory_shows_what_is_in_it() {
        let keys = ["/a/b/x", "/a/b/y/", "/a/c", "/a/c/d", "/a/_hidden", "/a/e=7"];
        assert_eq!(shown("/a", &keys, false), "a@1[b@1[] c@3[] e!5@6]");
        assert_eq!(shown("/a", &keys, true), "a@1[b@1[x@1 y@2[]] c@3[d@4] e!5@6]");
        assert_eq!(shown("/a/_hidden", &["/a/_hidden/x"], true), "_hidden@1[x@1]");
        assert_eq!(shown("/", &keys, false), "@0[a@1[]]");
    }

    #[test]
    fn what_ends_with_its_directory_has_no_end_of_its_own() {
        assert_eq!(shown("/a", &["/a/=7", "/a/b=7", "/a/c/d=7"], true), "a!5@1[b@2 c@3[d@3]]");
        assert_eq!(shown("/a", &["/a/b=7", "/a/c/=7", "/a/c/d=7"], true), "a@1[b!5@1 c!5@2[d@3]]");
    }

    #[test]
    fn keys_that_no_request_can_name_are_left_out() {
        assert_eq!(shown("/a", &["/a//b", "/a/../c", "/a/d"], true), "a@3[d@3]");
    }
}
