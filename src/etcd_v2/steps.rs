//! The steps of a decision in etcd: one transaction, and the conditions under which what was
//! read is still so.

use super::around::{Around, Level};
use super::decide::{Change, Decision};
use crate::etcd::{Operation, Pair, TxnCondition};

/// Nothing was ever made at this revision.
const NEVER: i64 = 0;

/// A transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Steps {
    /// What must be so.
    pub(super) conditions: Vec<TxnCondition>,
    /// What is done.
    pub(super) operations: Vec<Operation>,
}

/// The steps of a decision. What is put hangs on `lease`; `inside` are the keys of a directory
/// that end with it.
pub(super) fn steps(decision: &Decision, around: &Around, lease: i64, inside: &[Pair]) -> Steps {
    let (own, path) = (&around.own, &around.own.path);
    let mut steps = Steps::default();
    steps.conditions.push(unchanged(path.key(), own.file.as_ref()));
    match &decision.change {
        Change::Put(value) => {
            steps.keep_ancestors(around, lease);
            steps.conditions.push(TxnCondition::NoneSince(path.below(), NEVER));
            steps.operations.push(Operation::Put(path.key(), value.clone(), lease));
        }
        Change::Make => {
            steps.keep_ancestors(around, lease);
            steps.conditions.push(TxnCondition::NoneSince(path.below(), NEVER));
            steps.operations.extend(own.file.as_ref().map(|_| Operation::Delete(path.key())));
            steps.operations.push(Operation::Put(path.marker(), Vec::new(), lease));
        }
        Change::Touch => steps.touch(around, lease, inside),
        Change::Remove => steps.operations.push(Operation::Delete(path.key())),
        Change::RemoveAll { recursive } => steps.remove_all(own, *recursive),
    }
    steps
}

/// The condition that a key is as it was found.
fn unchanged(key: Vec<u8>, found: Option<&Pair>) -> TxnCondition {
    match found {
        Some(pair) => TxnCondition::Unchanged(key, pair.modified),
        None => TxnCondition::Absent(key),
    }
}

impl Steps {
    /// What is put has directories around it, and the one it ends with is still there.
    fn keep_ancestors(&mut self, around: &Around, lease: i64) {
        let bare = around.ancestors.iter().filter(|level| !level.is_dir());
        self.conditions.extend(bare.map(|level| TxnCondition::Absent(level.path.key())));
        if let Some(marker) = around.ending().filter(|marker| marker.lease == lease) {
            self.conditions.push(unchanged(marker.key.clone(), Some(marker)));
        }
    }

    /// A directory has another end, and so have the keys that end with it.
    fn touch(&mut self, around: &Around, lease: i64, inside: &[Pair]) {
        let own = &around.own;
        self.conditions.push(unchanged(own.path.marker(), own.marker.as_ref()));
        let since = TxnCondition::NoneSince(own.path.inside(), around.stamp.revision);
        self.conditions.push(since);
        self.operations.push(Operation::Put(own.path.marker(), Vec::new(), lease));
        for pair in inside {
            self.conditions.push(unchanged(pair.key.clone(), Some(pair)));
            self.operations.push(Operation::Put(pair.key.clone(), pair.value.clone(), lease));
        }
    }

    /// A directory goes. Something of it must still be there, or another has removed it.
    fn remove_all(&mut self, own: &Level, recursive: bool) {
        if let Some(pair) = own.marker.as_ref().or(own.first.as_ref()) {
            self.conditions.push(unchanged(pair.key.clone(), Some(pair)));
        }
        if recursive {
            self.operations.push(Operation::DeleteAll(own.path.below()));
            self.operations
                .extend(own.file.as_ref().map(|file| Operation::Delete(file.key.clone())));
        } else {
            self.conditions.push(TxnCondition::NoneSince(own.path.inside(), NEVER));
            self.operations.push(Operation::Delete(own.path.marker()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::around::around;
    use super::*;

    /// The steps of a change of `/a/b` where some keys stand.
    fn of(change: Change, keys: &[&str], lease: i64) -> Steps {
        let around = around("/a/b", keys);
        let decision = Decision { action: "", change, is_quiet: false };
        steps(&decision, &around, lease, &[])
    }

    #[test]
    fn a_file_is_put_where_nothing_else_came() {
        let steps = of(Change::Put(b"1".to_vec()), &["/a/b"], 7);
        let below = (b"/a/b/".to_vec(), b"/a/b0".to_vec());
        assert_eq!(
            steps.conditions,
            [TxnCondition::Unchanged(b"/a/b".to_vec(), 6), TxnCondition::NoneSince(below, 0),]
        );
        assert_eq!(steps.operations, [Operation::Put(b"/a/b".to_vec(), b"1".to_vec(), 7)]);
        let steps = of(Change::Put(b"1".to_vec()), &[], 0);
        assert!(steps.conditions.contains(&TxnCondition::Absent(b"/a".to_vec())), "{steps:?}");
    }

    #[test]
    fn what_ends_with_its_directory_is_put_while_that_is_there() {
        let marker = TxnCondition::Unchanged(b"/a/".to_vec(), 6);
        let put = || Change::Put(b"1".to_vec());
        assert!(of(put(), &["/a/=3"], 3).conditions.contains(&marker));
        assert!(!of(put(), &["/a/=3"], 4).conditions.contains(&marker));
    }

    #[test]
    fn a_directory_goes_whole_or_empty() {
        let all = of(Change::RemoveAll { recursive: true }, &["/a/b/c"], 0);
        assert!(all.conditions.contains(&TxnCondition::Unchanged(b"/a/b/c".to_vec(), 6)));
        let below = (b"/a/b/".to_vec(), b"/a/b0".to_vec());
        assert_eq!(all.operations, [Operation::DeleteAll(below)]);
        let empty = of(Change::RemoveAll { recursive: false }, &["/a/b/"], 0);
        let inside = (b"/a/b/\0".to_vec(), b"/a/b0".to_vec());
        assert!(empty.conditions.contains(&TxnCondition::NoneSince(inside, 0)), "{empty:?}");
        assert_eq!(empty.operations, [Operation::Delete(b"/a/b/".to_vec())]);
    }
}
