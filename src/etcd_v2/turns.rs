//! Turns of writes: those of one node are done one after the other.

use std::hash::BuildHasher;

use foldhash::quality::RandomState;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::path::NodePath;

/// Turns that there are. Two nodes share one by chance, which costs a wait and nothing else.
const TURNS: usize = 256;

/// The turns, by the hashes of paths; strangers choose paths, so that the hash is seeded.
#[derive(Debug)]
pub(super) struct Turns {
    /// The turns.
    all: Box<[Semaphore]>,
    /// The hash.
    hash: RandomState,
}

impl Default for Turns {
    fn default() -> Self {
        let all = (0..TURNS).map(|_| Semaphore::new(1)).collect();
        Self { all, hash: RandomState::default() }
    }
}

impl Turns {
    /// Waits for the turn of a node.
    pub(super) async fn of(&self, path: &NodePath) -> SemaphorePermit<'_> {
        let place = self.hash.hash_one(path) as usize % TURNS;
        self.all[place].acquire().await.expect("turns are never closed")
    }
}
