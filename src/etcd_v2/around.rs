//! The state around a node, read in one transaction: the node, and the directories that it is
//! in.
//!
//! # Directories
//! etcd v3 has none. One is there while a key is below it, or its marker: the key that ends in
//! `/`, which carries the directory's TTL. So a directory that was made by writing a key in it
//! is gone with its last key; one that was made by `dir=true` stays. Where v3 clients put a key
//! that others lie below, the node is a directory.

use super::decide::Change;
use super::fault::{Code, KeysFault};
use super::path::NodePath;
use super::scope::{Scope, is_in};
use crate::etcd::{Error, Operation, Pair, Range, SharedClient, Stamp};

/// Keys that are read of each directory: its marker, and one more.
const FIRST_KEYS: i64 = 2;
/// Parts that a directory above the zones is read in; one with more zones below is taken to be
/// there. All reads of a node are one transaction, of 128 operations by default.
const PARTS_MAX: usize = 4;

/// The state of one node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Level {
    /// The node.
    pub(super) path: NodePath,
    /// What stands at its key.
    pub(super) file: Option<Pair>,
    /// What marks it as a directory.
    pub(super) marker: Option<Pair>,
    /// The first key in it.
    pub(super) first: Option<Pair>,
    /// Whether it is taken to be a directory.
    pub(super) is_assumed: bool,
}

/// The state around a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Around {
    /// The state of the registry that it is of.
    pub(super) stamp: Stamp,
    /// The directories that the node is in, the outermost first, without the root.
    pub(super) ancestors: Vec<Level>,
    /// The node.
    pub(super) own: Level,
}

impl Around {
    /// Reads what is around a node.
    ///
    /// # Errors
    /// [`Error`]: no member answered, or the registry refused.
    pub(super) async fn read(
        upkeep: &SharedClient,
        scope: &Scope,
        path: &NodePath,
    ) -> Result<Self, Error> {
        let mut paths = path.ancestors();
        paths.push(path.clone());
        let reads = |level| reads(scope, level, path);
        let mut operations: Vec<_> = paths.iter().flat_map(reads).collect();
        if operations.is_empty() {
            // Nothing of it is among the keys that may be read; the index is asked for all the same.
            operations.extend(scope.first().map(Operation::Get));
        }
        let patience = upkeep.etcd().timeout();
        let read = upkeep.transact(&[], &operations, patience).await?;
        let mut levels = levels(paths, read.found.into_iter().flatten().collect());
        for level in &mut levels {
            level.is_assumed = parts(scope, &level.path, path).len() > PARTS_MAX;
        }
        let own = levels.pop().unwrap_or_default();
        Ok(Self { stamp: read.stamp, ancestors: levels, own })
    }

    /// That the node is there, and all it is in are directories.
    ///
    /// # Errors
    /// [`KeysFault`]: the first of them that is not, as etcd finds it.
    pub(super) fn found(&self) -> Result<(), KeysFault> {
        self.check_ancestors(true)?;
        let is_there = self.own.is_dir() || self.own.file.is_some() || self.own.path.is_root();
        let absent = || self.fault(Code::KeyNotFound, &self.own.path);
        is_there.then_some(()).ok_or_else(absent)
    }

    /// That none of those that the node is in is a file, and that all are there if they must.
    ///
    /// # Errors
    /// [`KeysFault`]: the first of them that is not.
    pub(super) fn check_ancestors(&self, must_exist: bool) -> Result<(), KeysFault> {
        for level in self.ancestors.iter().filter(|level| !level.is_dir()) {
            match level.file {
                Some(_) => return Err(self.fault(Code::NotDir, &level.path)),
                None if must_exist => return Err(self.fault(Code::KeyNotFound, &level.path)),
                None => (),
            }
        }
        Ok(())
    }

    /// A fault of a node at this moment.
    pub(super) fn fault(&self, code: Code, path: &NodePath) -> KeysFault {
        KeysFault::of_node(code, path, self.stamp.revision)
    }

    /// What is around a new node of this one.
    pub(super) fn into_child(self, name: &str) -> Self {
        let Self { stamp, mut ancestors, own } = self;
        let path = own.path.child(name);
        ancestors.push(own);
        Self { stamp, ancestors, own: Level { path, ..Level::default() } }
    }

    /// The marker of the innermost directory around the node that has an end.
    pub(super) fn ending(&self) -> Option<&Pair> {
        let markers = self.ancestors.iter().rev().filter_map(|level| level.marker.as_ref());
        markers.into_iter().find(|marker| marker.lease != 0)
    }

    /// The lease of that directory; 0 for none.
    pub(super) fn lease_around(&self) -> i64 {
        self.ending().map_or(0, |marker| marker.lease)
    }
}

impl Level {
    /// Whether the node is a directory.
    pub(super) const fn is_dir(&self) -> bool {
        self.marker.is_some() || self.first.is_some() || self.is_assumed
    }

    /// The pair that says most of the node as it is: the marker or the first key of a
    /// directory, or the file.
    pub(super) fn pair(&self) -> Option<&Pair> {
        self.marker.as_ref().or(self.first.as_ref()).or(self.file.as_ref())
    }

    /// The revision at which a node was made that is still the same after a change; none where
    /// it is a new one.
    pub(super) fn created(&self, change: &Change) -> Option<i64> {
        let pair = match change {
            Change::Make => None,
            Change::Put(_) => self.file.as_ref(),
            _ => self.pair(),
        };
        pair.map(|pair| pair.created)
    }

    /// The lease that the node itself hangs on; 0 for none.
    pub(super) fn lease(&self) -> i64 {
        let own = if self.is_dir() { self.marker.as_ref() } else { self.file.as_ref() };
        own.map_or(0, |pair| pair.lease)
    }
}

/// What is to be read of a node, which a target is or is in.
fn reads(scope: &Scope, path: &NodePath, target: &NodePath) -> Vec<Operation> {
    let key = Some(path.key()).filter(|key| scope.has(key)).map(Operation::Get);
    let parts = parts(scope, path, target).into_iter().take(PARTS_MAX);
    key.into_iter().chain(parts.map(|part| Operation::First(part, FIRST_KEYS))).collect()
}

/// The parts of a directory that say whether it is there: that of the zone which a target in it
/// is of, if it is of one, else those of all zones below.
fn parts(scope: &Scope, path: &NodePath, target: &NodePath) -> Vec<Range> {
    let mut parts = scope.parts(&path.below());
    if let Some(own) = parts.iter().find(|part| is_in(&target.marker(), part)) {
        parts = vec![own.clone()];
    }
    parts
}

/// Nodes, each with what was found of it among all that was.
fn levels(paths: Vec<NodePath>, found: Vec<Pair>) -> Vec<Level> {
    let level = |path: NodePath| {
        let (key, marker, (_, end)) = (path.key(), path.marker(), path.below());
        let at = |key: &[u8]| found.iter().find(|pair| pair.key == key).cloned();
        let inside = found.iter().filter(|pair| pair.key > marker && pair.key < end);
        let first = inside.min_by(|one, other| one.key.cmp(&other.key)).cloned();
        Level { file: at(&key), marker: at(&marker), first, path, is_assumed: false }
    };
    paths.into_iter().map(level).collect()
}

#[cfg(test)]
pub(super) use tests::around;

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> NodePath {
        NodePath::of(text).unwrap()
    }

    /// What is around a node where some keys stand; those with a lease are `key=lease`.
    pub(in crate::etcd_v2) fn around(at: &str, keys: &[&str]) -> Around {
        let pair = |text: &&str| {
            let (key, lease) = text.split_once('=').unwrap_or((text, "0"));
            let (created, modified) = (5, 6);
            let lease = lease.parse().unwrap();
            Pair { key: key.into(), value: b"v".to_vec(), lease, created, modified }
        };
        let mut paths = path(at).ancestors();
        paths.push(path(at));
        let mut levels = levels(paths, keys.iter().map(pair).collect());
        let own = levels.pop().unwrap();
        let stamp = Stamp { revision: 9, ..Stamp::default() };
        Around { stamp, ancestors: levels, own }
    }

    #[test]
    fn faults_name_the_first_node_that_is_wrong() {
        let fault = |at, keys: &[&str]| around(at, keys).found().map_err(|it| (it.code, it.cause));
        assert_eq!(fault("/a/b/c", &["/a/x"]), Err((Code::KeyNotFound, "/a/b".to_owned())));
        assert_eq!(fault("/a/b/c", &["/a/b"]), Err((Code::NotDir, "/a/b".to_owned())));
        assert_eq!(fault("/a/b", &["/a/bc"]), Err((Code::KeyNotFound, "/a/b".to_owned())));
        assert_eq!(fault("/a/b", &["/a/b/"]), Ok(()));
        assert_eq!(fault("/a/b", &["/a/b/c"]), Ok(()));
        assert_eq!(fault("/", &[]), Ok(()));
    }

    #[test]
    fn of_many_zones_that_of_the_node_is_read() {
        let range = |at: usize| (format!("/a/{at:02}/").into(), format!("/a/{at:02}0").into());
        let scope = Scope::new((0..20).map(range));
        let [root, above, inside] = ["/", "/a", "/a/07/x"].map(path);
        assert_eq!(parts(&scope, &above, &inside), [range(7)]);
        assert_eq!(reads(&scope, &inside, &inside).len(), 2);
        assert_eq!(reads(&scope, &root, &above).len(), PARTS_MAX);
        assert_eq!(parts(&scope, &above, &above).len(), 20);
    }

    #[test]
    fn a_key_with_others_below_it_is_a_directory() {
        let both = around("/a/b/c", &["/a/b", "/a/b/c"]);
        assert!(both.found().is_ok() && both.ancestors[1].is_dir());
    }

    #[test]
    fn the_innermost_directory_with_an_end_counts() {
        let around = around("/a/b/c", &["/a/=3", "/a/b/=4", "/a/b/c=5"]);
        assert_eq!((around.lease_around(), around.own.lease()), (4, 5));
    }
}
