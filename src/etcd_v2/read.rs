//! Reads: one node, or a directory with what is in it, as etcd has it at this moment.
//!
//! All reads are linearizable, with `quorum=true` or without: whoever asks another server than the
//! one it wrote to reads what it wrote.

use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::timeout;

use super::Served;
use super::around::Around;
use super::fair::FairPlaces;
use super::fault::{Code, KeysFault};
use super::listing::{Tree, pairs};
use super::node::{Node, NodeEvent};
use super::request::KeyRequest;
use crate::etcd::Stamp;

/// Directories that are listed at once, one of each client; more wait. One listing may ask after
/// thousands of leases.
const LISTINGS_MAX: usize = 2;
/// Listings of one client that are made or wait; behind one address there may be many programs.
const LISTINGS_PER_CLIENT: usize = 32;
/// The longest wait for others' listings: less than clients wait.
const LISTING_WAIT: Duration = Duration::from_secs(4);

/// The places of listings.
pub(super) fn listings() -> FairPlaces {
    FairPlaces::new(LISTINGS_MAX, LISTINGS_PER_CLIENT)
}

impl Served {
    /// Reads a node.
    ///
    /// # Errors
    /// [`KeysFault`]: it is not there, or the registry did not say.
    pub(super) async fn read(
        &self,
        request: &KeyRequest,
        client: IpAddr,
    ) -> Result<(NodeEvent, Stamp), KeysFault> {
        let around = Around::read(&self.upkeep, &self.scope(), &request.path).await?;
        around.found()?;
        let node = match &around.own.file {
            Some(file) if !around.own.is_dir() => {
                let lease = Some(file.lease).filter(|lease| *lease != around.lease_around());
                let lives = self.leases.lives(HashSet::from_iter(lease)).await?;
                Node::file(&request.path, file).ending(lives.get(&file.lease))
            }
            _ => self.list(request, &around, client).await?,
        };
        Ok((NodeEvent { action: "get", node: Some(node), prev_node: None }, around.stamp))
    }

    /// Reads a directory.
    async fn list(
        &self,
        request: &KeyRequest,
        around: &Around,
        client: IpAddr,
    ) -> Result<Node, KeysFault> {
        let place = timeout(LISTING_WAIT, self.listings.place(client)).await.ok().flatten();
        let _place = place.ok_or_else(|| {
            let cause = "too many directories are listed at once; come back, or ask for less";
            KeysFault::of_request(Code::ManyListings, cause)
        })?;
        let found = pairs(self, &request.path.below(), around.stamp).await?;
        let tree = Tree::new(&request.path, found);
        let lives = self.leases.lives(tree.leases(around, request.recursive)).await?;
        Ok(tree.node(&request.path, request.recursive, around.lease_around(), &lives))
    }
}
