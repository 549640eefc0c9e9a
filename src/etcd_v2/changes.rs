//! Changes of keys as v2's events, where this server has not made them: by other programs, other
//! servers, or the end of a lease.

use std::collections::HashSet;
use std::sync::Arc;

use super::fates::Fates;
use super::memory::Told;
use super::node::{Node, NodeEvent};
use super::path::NodePath;
use crate::etcd::{Changed, Pair};

/// The events of one revision. Keys that went together with the marker of their directory are
/// one event, that of the directory.
/// Of them, those that are meant by their nodes and by whether all in them is gone, and no more
/// than `most`: nothing is asked after others' leases.
pub(super) async fn told(
    fates: &Fates,
    changes: &[Changed],
    is_meant: impl Fn(&NodePath, bool) -> bool,
    most: usize,
) -> Vec<Arc<Told>> {
    let gone = gone(changes);
    let mut events = Vec::new();
    for change in changes {
        let Some((path, is_dir)) = NodePath::of_key(&change.pair.key) else { continue };
        let takes_all = change.is_deleted && is_dir;
        if events.len() >= most || !is_meant(&path, takes_all) {
            continue;
        }
        if change.is_deleted && path.ancestors().iter().any(|above| gone.contains(above)) {
            continue;
        }
        let event = match change.is_deleted {
            true => removal(fates, change, &path, is_dir).await,
            false => put(fates, change, &path, is_dir).await,
        };
        events.push(Arc::new(Told { path, event, takes_all, is_quiet: false }));
    }
    events
}

/// The directories whose markers went.
fn gone(changes: &[Changed]) -> HashSet<NodePath> {
    let deleted = changes.iter().filter(|change| change.is_deleted);
    let read = deleted.filter_map(|change| NodePath::of_key(&change.pair.key));
    read.filter(|(_, is_dir)| *is_dir).map(|(path, _)| path).collect()
}

/// A node that was put.
async fn put(fates: &Fates, change: &Changed, path: &NodePath, is_dir: bool) -> NodeEvent {
    let life = fates.of(change.pair.lease, change.pair.modified).await;
    let previous = change.previous.as_ref();
    NodeEvent {
        action: if is_dir && previous.is_some() { "update" } else { "set" },
        node: Some(node(&change.pair, path, is_dir).ending(life.as_ref())),
        prev_node: previous.map(|pair| node(pair, path, is_dir)),
    }
}

/// A node that is gone: it expired where its lease is gone as well.
async fn removal(fates: &Fates, change: &Changed, path: &NodePath, is_dir: bool) -> NodeEvent {
    let lease = change.previous.as_ref().map_or(0, |pair| pair.lease);
    let is_expired = lease != 0 && fates.of(lease, change.pair.modified).await.is_none();
    let previous = change.previous.as_ref().map(|pair| node(pair, path, is_dir));
    let created = previous.as_ref().map_or(0, |node| node.created_index);
    let node = Node { dir: is_dir, ..Node::bare(path, created, change.pair.modified) };
    let action = if is_expired { "expire" } else { "delete" };
    NodeEvent { action, node: Some(node), prev_node: previous }
}

/// A node as it was put.
fn node(pair: &Pair, path: &NodePath, is_dir: bool) -> Node {
    match is_dir {
        true => Node::directory(path, pair.created, pair.modified),
        false => Node::file(path, pair),
    }
}
