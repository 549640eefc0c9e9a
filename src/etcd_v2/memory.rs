//! The events that this server has made, for those who wait: a watch of etcd says what was put
//! and deleted, and not in which of v2's words.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::node::{Node, NodeEvent};
use super::path::NodePath;
use crate::lock::Lock;

/// Events that are remembered: as many as etcd v2 remembers.
const EVENTS_MAX: usize = 1_000;
/// Octets of values that are remembered with them.
const OCTETS_MAX: usize = 4 << 20;
/// How often a write under way is looked after whose change was seen before its answer.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// How often at most: an answer that takes longer is not waited for.
const LOOKS_MAX: usize = 20;

/// An event, and what it happened to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    /// The node.
    pub(super) path: NodePath,
    /// The event.
    pub(super) event: NodeEvent,
    /// Whether the node is gone with it, and was a directory: then so is all that was in it.
    pub(super) takes_all: bool,
    /// Whether nobody is told.
    pub(super) is_quiet: bool,
}

/// The events of this server's own writes. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory(Arc<Shared>);

/// The state that clones share.
#[derive(Debug, Default)]
struct Shared {
    /// The events.
    events: Lock<Events>,
    /// The nodes of writes under way.
    writes: Lock<Vec<NodePath>>,
}

/// Events by revision.
#[derive(Debug, Default)]
struct Events {
    /// The events.
    by_revision: BTreeMap<i64, Arc<Told>>,
    /// Octets of their values.
    octets: usize,
}

/// A write under way.
#[derive(Debug)]
pub(super) struct Writing(Memory, NodePath);

impl Memory {
    /// Knows that a write of a node, or of one in it, is under way for as long as this is kept.
    pub(super) fn write(&self, path: &NodePath) -> Writing {
        self.0.writes.lock().push(path.clone());
        Writing(self.clone(), path.clone())
    }

    /// Remembers what was done at a revision, and forgets the oldest.
    pub(super) fn keep(&self, revision: i64, told: Told) {
        self.0.events.lock().add(revision, told);
    }

    /// What was done at a revision that changed a key, if this server did it. Waits a moment for
    /// the answers to writes under way which may have.
    pub(super) async fn recall(&self, revision: i64, key: &[u8]) -> Option<Arc<Told>> {
        for _ in 0..LOOKS_MAX {
            // Looked at before the events: a write that has ended is among them.
            let is_quiet = !self.0.writes.lock().iter().any(|path| path.covers(key));
            let found = self.0.events.lock().by_revision.get(&revision).cloned();
            if found.is_some() || is_quiet {
                return found;
            }
            sleep(LOOK_EVERY).await;
        }
        None
    }
}

impl Events {
    /// Adds an event.
    fn add(&mut self, revision: i64, told: Told) {
        self.octets += told.octets();
        if let Some(earlier) = self.by_revision.insert(revision, Arc::new(told)) {
            self.octets -= earlier.octets();
        }
        while self.by_revision.len() > EVENTS_MAX || self.octets > OCTETS_MAX {
            let Some((_, oldest)) = self.by_revision.pop_first() else { return };
            self.octets -= oldest.octets();
        }
    }
}

impl Told {
    /// Octets of its values.
    fn octets(&self) -> usize {
        let nodes = [&self.event.node, &self.event.prev_node];
        let of = |node: &Node| node.value.as_ref().map_or(0, String::len);
        nodes.into_iter().flatten().map(of).sum()
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let mut writes = self.0.0.writes.lock();
        if let Some(at) = writes.iter().position(|path| *path == self.1) {
            writes.swap_remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(octets: usize) -> Told {
        let node = Node { value: Some("x".repeat(octets)), ..Node::default() };
        let event = NodeEvent { action: "set", node: Some(node), prev_node: None };
        Told { path: NodePath::default(), event, takes_all: false, is_quiet: false }
    }

    #[test]
    fn the_oldest_is_forgotten() {
        let mut events = Events::default();
        (0..2_000).for_each(|revision| events.add(revision, told(1)));
        assert_eq!((events.by_revision.len(), events.octets), (EVENTS_MAX, EVENTS_MAX));
        (0..10).for_each(|revision| events.add(revision + 2_000, told(OCTETS_MAX / 4)));
        assert_eq!(events.by_revision.len(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn the_answer_to_a_write_is_waited_for() {
        let memory = Memory::default();
        let path = NodePath::of("/a/b").unwrap();
        assert_eq!(memory.recall(7, b"/a/b").await, None);
        let writing = memory.write(&path);
        let waiting = tokio::spawn({
            let memory = memory.clone();
            async move { memory.recall(7, b"/a/b/c").await }
        });
        sleep(LOOK_EVERY * 3).await;
        memory.keep(7, told(1));
        drop(writing);
        assert!(waiting.await.unwrap().is_some());
        let _long = memory.write(&path);
        assert_eq!(memory.recall(8, b"/a/b").await, None);
        let start = tokio::time::Instant::now();
        assert_eq!(memory.recall(9, b"/a/bc").await, None);
        assert_eq!(start.elapsed(), Duration::ZERO, "writes of others are not waited for");
    }
}
