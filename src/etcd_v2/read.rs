//! Reads: one node, or a directory with what is in it, as etcd has it at this moment.
//!
//! All reads are linearizable, with `quorum=true` or without: whoever asks another server than the
//! one it wrote to reads what it wrote.

use std::collections::HashSet;

use super::Served;
use super::around::Around;
use super::fault::KeysFault;
use super::listing::{Tree, pairs};
use super::node::{Node, NodeEvent};
use super::request::KeyRequest;
use crate::etcd::Stamp;

/// Directories that are listed at once; more wait. One listing may ask after thousands of
/// leases.
pub(super) const LISTINGS_MAX: usize = 2;

impl Served {
    /// Reads a node.
    ///
    /// # Errors
    /// [`KeysFault`]: it is not there, or the registry did not say.
    pub(super) async fn read(&self, request: &KeyRequest) -> Result<(NodeEvent, Stamp), KeysFault> {
        let around = Around::read(&self.upkeep, &self.scope, &request.path).await?;
        around.found()?;
        let node = match &around.own.file {
            Some(file) if !around.own.is_dir() => {
                let lease = Some(file.lease).filter(|lease| *lease != around.lease_around());
                let lives = self.leases.lives(HashSet::from_iter(lease)).await?;
                Node::file(&request.path, file).ending(lives.get(&file.lease))
            }
            _ => self.list(request, &around).await?,
        };
        Ok((NodeEvent { action: "get", node: Some(node), prev_node: None }, around.stamp))
    }

    /// Reads a directory.
    async fn list(&self, request: &KeyRequest, around: &Around) -> Result<Node, KeysFault> {
        let _turn = self.listings.acquire().await.expect("turns are never closed");
        let found = pairs(self, &request.path.below(), around.stamp).await?;
        let tree = Tree::new(&request.path, found);
        let lives = self.leases.lives(tree.leases(around, request.recursive)).await?;
        Ok(tree.node(&request.path, request.recursive, around.lease_around(), &lives))
    }
}
