//! Nodes and events as replies show them, member by member in etcd's order.

use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::lives::Life;
use super::path::NodePath;
use crate::etcd::Pair;

/// A node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Node {
    /// Its path; none for the root.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) key: String,
    /// Its value; none for a directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<String>,
    /// Whether it is a directory.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) dir: bool,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expiration: Option<String>,
    /// In how many seconds that is.
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) ttl: i64,
    /// What is in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) nodes: Vec<Self>,
    /// The revision of its last change.
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) modified_index: i64,
    /// The revision at which it was made.
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) created_index: i64,
}

/// Something that happened to a node, or was read of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NodeEvent {
    /// What.
    pub(super) action: &'static str,
    /// The node as it is since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) node: Option<Node>,
    /// The node as it was before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prev_node: Option<Node>,
}

/// Whether a number says nothing.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
const fn is_zero(number: &i64) -> bool {
    *number == 0
}

impl Node {
    /// A node that is a file, from its pair.
    pub(super) fn file(path: &NodePath, pair: &Pair) -> Self {
        let value = String::from_utf8_lossy(&pair.value).into_owned();
        Self { value: Some(value), ..Self::bare(path, pair.created, pair.modified) }
    }

    /// A node that is a directory.
    pub(super) fn directory(path: &NodePath, created: i64, modified: i64) -> Self {
        Self { dir: true, ..Self::bare(path, created, modified) }
    }

    /// A node of which nothing is said but where it is.
    pub(super) fn bare(path: &NodePath, created: i64, modified: i64) -> Self {
        let key = path.as_str().to_owned();
        Self { key, created_index: created, modified_index: modified, ..Self::default() }
    }

    /// The same with what is left to it, if it has an end.
    pub(super) fn ending(mut self, life: Option<&Life>) -> Self {
        if let Some(Life { left, .. }) = life {
            let ends = SystemTime::now().checked_add(Duration::from_secs(*left));
            let shown = ends.map(|it| humantime::format_rfc3339_nanos(it).to_string());
            (self.ttl, self.expiration) = (i64::try_from(*left).unwrap_or(i64::MAX), shown);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_written_as_etcd_writes_them() {
        let path = NodePath::of("/a").unwrap();
        let pair = Pair { value: b"1".to_vec(), created: 4, modified: 5, ..Pair::default() };
        let text = |node: &Node| serde_json::to_string(node).unwrap();
        let file = Node::file(&path, &pair);
        assert_eq!(text(&file), r#"{"key":"/a","value":"1","modifiedIndex":5,"createdIndex":4}"#);
        let root = Node::directory(&NodePath::default(), 0, 0);
        assert_eq!(text(&root), r#"{"dir":true}"#);
        let ending = text(&file.ending(Some(&Life { granted: 9, left: 7 })));
        assert!(ending.contains(r#"Z","ttl":7,"modifiedIndex""#), "{ending}");
    }
}
