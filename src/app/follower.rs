//! The follower of one zone: its registry, and its snapshot on disk.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use super::serials::{PacedPublisher, SerialPace};
use crate::etcd::Etcd;
use crate::events::{Events, RecordingPublisher};
use crate::index::{Index, Publisher, Schema, Settings, ZoneId};
use crate::metrics::{Freshness, Vitals};
use crate::mirror::{Known, Mirror, MirrorOptions, Patience};
use crate::registry::{Layout, RegistryUrl};
use crate::state::{Identity, SnapshotWriter};

/// How often a zone that is not followed any more is judged.
const JUDGE_AGAIN: Duration = Duration::from_secs(1);

/// The follower of one zone.
pub(super) struct Follower {
    /// The registry's side; nothing where the zone is gone already.
    mirror: Option<Mirror<RecordingPublisher<PacedPublisher>>>,
    /// Where the zone is published.
    publisher: Publisher,
    /// The disk's side, if snapshots are kept.
    keeper: Option<SnapshotWriter>,
    /// The zone, for the log.
    zone: String,
    /// When its registry was last heard of.
    freshness: Arc<Freshness>,
    /// What is counted of it.
    vitals: Arc<Vitals>,
}

/// The origin of a zone's names: while it stays the same, so does the zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ZoneOrigin {
    /// The zone's apex, in wire form.
    pub(super) apex: Box<[u8]>,
    /// The same for people, without the last dot.
    title: String,
    /// How its keys become names.
    pub(super) schema: Schema,
    /// The registry.
    pub(super) registry: RegistryUrl,
    /// The part of it that is the zone's.
    pub(super) layout: Layout,
}

impl ZoneOrigin {
    /// The origin of a zone as it is configured.
    pub(super) fn new(settings: &Settings, registry: RegistryUrl, layout: Layout) -> Self {
        let apex = settings.wire().as_wire().into();
        let (title, schema) = (settings.title().to_ascii_lowercase(), settings.schema());
        Self { apex, title, schema, registry, layout }
    }

    /// What its snapshot is bound to.
    pub(super) fn identity(&self) -> Identity {
        Identity::new(&self.title, &self.registry, &self.layout, self.schema.as_str())
    }
}

impl Follower {
    /// What follows a zone of the index.
    pub(super) fn new(
        id: ZoneId,
        source: &ZoneOrigin,
        etcd: &Etcd,
        (index, events): (&Arc<Index>, &Arc<Events>),
        (patience, pace): (&Arc<Patience>, &Arc<SerialPace>),
        state: Option<&Path>,
    ) -> Self {
        let identity = source.identity();
        let zone = index.load().followed(id).map(Arc::clone);
        let (freshness, vitals) = zone.map_or_else(Default::default, |zone| {
            (Arc::clone(zone.freshness()), Arc::clone(zone.vitals()))
        });
        let options = MirrorOptions {
            zone: identity.zone.clone(),
            patience: Arc::clone(patience),
            vitals: Arc::clone(&vitals),
            ..MirrorOptions::default()
        };
        let (title, layout) = (identity.zone.clone(), source.layout.clone());
        let keeper = state.map(|directory| {
            SnapshotWriter::new(directory, identity, layout.clone(), Arc::clone(index), id)
        });
        let publisher = Publisher::of(Arc::clone(index), id);
        let paced = PacedPublisher::new(publisher.clone(), Arc::clone(pace));
        let mirror = events.telling(id, paced).map(|publisher| {
            Mirror::with(options, etcd.clone(), layout, publisher, Arc::clone(&freshness))
        });
        Self { mirror, publisher, keeper, zone: title, freshness, vitals }
    }

    /// Begins with what was known before, if there is a snapshot that can be used.
    pub(super) fn restore(&mut self) {
        let Some(mirror) = &mut self.mirror else { return };
        let restored = self.keeper.as_mut().and_then(SnapshotWriter::restore);
        let Some((snapshot, serial)) = restored else { return };
        self.publisher.recall(serial);
        mirror.restore(Known {
            instances: snapshot.instances,
            aliases: snapshot.aliases,
            entries: snapshot.entries,
            revision: snapshot.revision,
            cluster: snapshot.cluster,
            age: snapshot.age,
        });
    }

    /// Follows the zone until closing.
    pub(super) async fn run(self, closing: CancellationToken) {
        let Self { mirror, keeper, zone, freshness, vitals, .. } = self;
        vitals.begin();
        let keep = async {
            match keeper {
                Some(keeper) => keeper.run(closing).await,
                None => closing.cancelled().await,
            }
        };
        let Some(mirror) = mirror else { return };
        tokio::select! {
            never = supervise(mirror, &zone, &freshness) => match never {},
            () = keep => (),
        }
    }
}

/// Runs a mirror, which never ends. Should a fault of ours end it all the same, its zone
/// goes on being answered, marked as stale: better old answers than none.
async fn supervise(
    mirror: Mirror<RecordingPublisher<PacedPublisher>>,
    zone: &str,
    freshness: &Freshness,
) -> Infallible {
    if let Err(fault) = AssertUnwindSafe(mirror.run()).catch_unwind().await {
        let text = fault
            .downcast_ref::<&str>()
            .copied()
            .or(fault.downcast_ref::<String>().map(String::as_str));
        tracing::error!(
            zone,
            "the mirror panicked, its zone is not followed until a restart: {}",
            text.unwrap_or("no reason given")
        );
    }
    loop {
        freshness.judge(Duration::ZERO);
        tokio::time::sleep(JUDGE_AGAIN).await;
    }
}
