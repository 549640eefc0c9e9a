//! The follower of one zone: its registry, and its snapshot on disk.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use super::live::Mirrors;
use crate::etcd::Etcd;
use crate::events::{Events, RecordingPublisher};
use crate::index::{Publisher, Zone};
use crate::mirror::{Known, Mirror, MirrorOptions};
use crate::registry::Layout;
use crate::state::{Identity, SnapshotWriter};

/// How often a zone that is not followed any more is judged.
const JUDGE_AGAIN: Duration = Duration::from_secs(1);

/// The follower of one zone.
pub(super) struct Follower {
    /// The registry's side.
    mirror: Mirror<RecordingPublisher<Publisher>>,
    /// The disk's side, if snapshots are kept.
    keeper: Option<SnapshotWriter>,
}

/// The source of a zone: all that a follower is made of, besides the index.
pub(super) struct FollowedZone {
    /// The registry.
    pub(super) etcd: Etcd,
    /// The part of it that is the zone's.
    pub(super) layout: Layout,
    /// What its snapshot is bound to.
    pub(super) identity: Identity,
}

impl Follower {
    /// What follows the zone at a place of the index.
    pub(super) fn new(
        source: FollowedZone,
        mirrors: &Mirrors,
        events: &Arc<Events>,
        state: Option<&Path>,
        at: usize,
    ) -> Self {
        let FollowedZone { etcd, layout, identity } = source;
        let Mirrors { index, patience } = mirrors;
        let zone = Arc::clone(&index.load().zones()[at]);
        let options = MirrorOptions {
            zone: identity.zone.clone(),
            patience: Arc::clone(patience),
            vitals: Arc::clone(zone.vitals()),
            ..MirrorOptions::default()
        };
        let keeper = state.map(|directory| {
            SnapshotWriter::new(directory, identity, layout.clone(), Arc::clone(index), at)
        });
        let publisher = events.telling(at, Publisher::new(Arc::clone(index), at));
        let freshness = Arc::clone(zone.freshness());
        Self { mirror: Mirror::with(options, etcd, layout, publisher, freshness), keeper }
    }

    /// Begins with what was known before, if there is a snapshot that can be used.
    pub(super) fn restore(&mut self) {
        let Some(snapshot) = self.keeper.as_mut().and_then(SnapshotWriter::restore) else { return };
        self.mirror.restore(Known {
            instances: snapshot.instances,
            aliases: snapshot.aliases,
            entries: snapshot.entries,
            revision: snapshot.revision,
            cluster: snapshot.cluster,
            age: snapshot.age,
        });
    }

    /// Follows the zone until closing.
    pub(super) async fn run(self, zone: Arc<Zone>, closing: CancellationToken) {
        let Self { mirror, keeper } = self;
        let keep = async {
            match keeper {
                Some(keeper) => keeper.run(closing).await,
                None => closing.cancelled().await,
            }
        };
        tokio::select! {
            never = supervise(mirror, zone) => match never {},
            () = keep => (),
        }
    }
}

/// Runs a mirror, which never ends. Should a fault of ours end it all the same, its zone
/// goes on being answered, marked as stale: better old answers than none.
async fn supervise(mirror: Mirror<RecordingPublisher<Publisher>>, zone: Arc<Zone>) -> Infallible {
    if let Err(fault) = AssertUnwindSafe(mirror.run()).catch_unwind().await {
        let apex = zone.settings().apex();
        let text = fault
            .downcast_ref::<&str>()
            .copied()
            .or(fault.downcast_ref::<String>().map(String::as_str));
        tracing::error!(zone = %apex, "the mirror panicked, its zone is not followed until a restart: {}", text.unwrap_or("no reason given"));
    }
    loop {
        zone.freshness().judge(Duration::ZERO);
        tokio::time::sleep(JUDGE_AGAIN).await;
    }
}
