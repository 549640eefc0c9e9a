//! The zones that are followed: which they are, from where, and what follows each.
//!
//! The zones of a configuration are applied at the start as at any time later: a zone is told
//! by its apex, and one that is read from the same source as before is left alone. Each has one
//! follower, which begins when the zone comes, or is read from elsewhere, and ends with that. The
//! next of the same name waits for its end, so that no two write one snapshot.

use std::collections::HashMap;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::follower::{Follower, ZoneOrigin};
use super::serials::SerialPace;
use super::writers::Writers;
use crate::config::{Outage, Serve, ZoneConfig};
use crate::etcd::{Access, Etcd};
use crate::events::Events;
use crate::index::{Index, NextZone, NextZones, Schema, SerialKept, Settings, Zone, ZoneId};
use crate::lock::Lock;
use crate::mirror::{Patience, Waits};

/// How long after the end of a zone the memory that it took is given back: queries that read it
/// are answered by then.
const TIDY_AFTER: Duration = Duration::from_secs(1);

/// The zones that are followed.
pub(super) struct ZoneSet {
    /// What is answered from.
    pub(super) index: Arc<Index>,
    /// What happened to it, lately.
    pub(super) events: Arc<Events>,
    /// What writes to their registries.
    pub(super) writers: Writers,
    /// How long mirrors wait.
    patience: Arc<Patience>,
    /// When serials move.
    pub(super) serials: Arc<SerialPace>,
    /// How registries let us in.
    access: Access,
    /// Where snapshots are kept.
    state: Option<PathBuf>,
    /// What follows them.
    following: Lock<Following>,
}

/// The followers.
#[derive(Default)]
struct Following {
    /// By apex, in wire form.
    zones: HashMap<Box<[u8]>, FollowedZone>,
    /// The ends that followers of zones come to which are gone, or read from elsewhere.
    ending: Vec<(Box<[u8]>, JoinHandle<()>)>,
    /// Cancelled when all are to end; none before the server runs.
    closing: Option<CancellationToken>,
}

/// A zone that is followed.
struct FollowedZone {
    id: ZoneId,
    source: ZoneOrigin,
    etcd: Etcd,
    work: Work,
}

/// The work of following a zone.
enum Work {
    /// It begins when the server runs.
    Ready(Box<Follower>),
    /// It is being done, until that is cancelled.
    Running(CancellationToken, JoinHandle<()>),
}

/// The differences between the zones of one configuration and the next.
#[derive(Debug, Default)]
pub struct ZoneChanges {
    /// Apexes of zones that came.
    pub added: Vec<String>,
    /// Those that went.
    pub removed: Vec<String>,
    /// Those that are read from elsewhere.
    pub moved: Vec<String>,
    /// What is to be said of serials.
    pub kept: Vec<SerialKept>,
}

impl ZoneSet {
    /// No zones yet: those of a configuration follow, which is otherwise like this one.
    pub(super) fn new(config: &Serve) -> Self {
        let index = Arc::new(Index::empty());
        Self {
            events: Arc::new(Events::new(Arc::clone(&index))),
            index,
            writers: Writers::new(config.http.registration_ttl),
            patience: Arc::default(),
            serials: Arc::default(),
            access: config.access.clone(),
            state: config.outage.state.as_ref().map(|it| it.directory.clone()),
            following: Lock::default(),
        }
    }

    /// How long mirrors wait, and how long what they hold is answered, as a configuration says.
    pub(super) fn wait(&self, outage: &Outage) {
        let Outage { hold_collapse, max_stale, .. } = *outage;
        self.patience.replace(Waits { hold_collapse, max_stale });
        self.expire();
    }

    /// Has what zones hold be answered as long as was said last.
    fn expire(&self) {
        let max_stale = self.patience.max_stale();
        let generation = self.index.load();
        let is_read =
            |zone: &&Arc<Zone>| zone.is_moving() || zone.settings().schema() != Schema::Static;
        for zone in generation.zones().iter().filter(is_read) {
            zone.freshness().expire_after(max_stale);
        }
    }

    /// Serves the zones of a configuration from now on: those of registries, those that are
    /// files alone, and names without a zone.
    pub(super) fn apply(
        &self,
        zones: Vec<ZoneConfig>,
        others: Vec<Settings>,
        bare_names: bool,
    ) -> ZoneChanges {
        let mut following = self.following.lock();
        following.ending.retain(|(_, task)| !task.is_finished());
        let (sources, registry): (Vec<_>, Vec<_>) =
            zones.into_iter().map(|zone| following.next(zone)).unzip();
        let others = others.into_iter().map(Arc::new).collect();
        let kept = self.index.renew(NextZones { registry, others, bare_names });
        self.serials.wake();
        self.expire();
        let mut changes = ZoneChanges { kept, ..ZoneChanges::default() };
        let ids = self.index.load().read_ids();
        let mut zones = HashMap::new();
        let mut places = Vec::new();
        for (source, id) in sources.into_iter().zip(ids) {
            let etcd = following.etcd(&zones, &source, &self.access);
            places.push((id, source.clone(), etcd.clone()));
            let zone = match following.zones.remove(&source.apex) {
                Some(same) if same.id == id => same,
                earlier => {
                    let list =
                        if earlier.is_some() { &mut changes.moved } else { &mut changes.added };
                    list.push(source.identity().zone);
                    earlier.into_iter().for_each(|it| following.end(it));
                    self.followed(id, source, etcd, &following)
                }
            };
            zones.insert(zone.source.apex.clone(), zone);
        }
        for (_, gone) in std::mem::replace(&mut following.zones, zones) {
            changes.removed.push(gone.source.identity().zone);
            following.end(gone);
        }
        changes.removed.sort();
        following.begin(self);
        self.events.forget_gone();
        self.writers.follow(places);
        changes
    }

    /// A zone that is to be followed. One that is not answered yet begins with its snapshot.
    fn followed(
        &self,
        id: ZoneId,
        source: ZoneOrigin,
        etcd: Etcd,
        following: &Following,
    ) -> FollowedZone {
        let (of, waits) = ((&self.index, &self.events), (&self.patience, &self.serials));
        let follower = Follower::new(id, &source, &etcd, of, waits, self.state.as_deref());
        let mut follower = Box::new(follower);
        let is_answered = self.index.load().shown(id).is_none_or(|zone| zone.is_ready());
        // Another of its name, which is about to end, may have a newer one to write.
        let is_first = following.ending.iter().all(|(apex, _)| *apex != source.apex);
        if !is_answered && is_first {
            follower.restore();
        }
        FollowedZone { id, source, etcd, work: Work::Ready(follower) }
    }

    /// Begins to follow, until that is cancelled.
    pub(super) fn start(&self, closing: CancellationToken) {
        let mut following = self.following.lock();
        following.closing = Some(closing);
        following.begin(self);
    }

    /// Waits until all that followed has ended.
    pub(super) async fn ended(&self) {
        let tasks = self.following.lock().tasks();
        for task in tasks {
            // Whoever panicked has said so.
            let _ = task.await;
        }
    }
}

impl Following {
    /// A zone of the next configuration: where it is read from, and what is said of it.
    fn next(&self, zone: ZoneConfig) -> (ZoneOrigin, NextZone) {
        let ZoneConfig { settings, registry, layout } = zone;
        let source = ZoneOrigin::new(&settings, registry, layout);
        let is_same = self.zones.get(&source.apex).is_some_and(|it| it.source == source);
        (source, NextZone { settings: Arc::new(settings), is_same })
    }

    /// The client of a zone's registry: zones of one registry share it.
    fn etcd(
        &self,
        next: &HashMap<Box<[u8]>, FollowedZone>,
        source: &ZoneOrigin,
        access: &Access,
    ) -> Etcd {
        let mut known = self.zones.values().chain(next.values());
        let known = known.find(|it| it.source.registry == source.registry);
        known.map_or_else(|| Etcd::new(&source.registry, access), |it| it.etcd.clone())
    }

    /// Ends following a zone.
    fn end(&mut self, zone: FollowedZone) {
        if let Work::Running(closing, task) = zone.work {
            closing.cancel();
            self.ending.push((zone.source.apex, task));
        }
    }

    /// Begins all work that has not begun, once the server runs.
    fn begin(&mut self, zones: &ZoneSet) {
        let Some(closing) = &self.closing else { return };
        for zone in self.zones.values_mut() {
            if let Work::Running(..) = zone.work {
                continue;
            }
            let token = closing.child_token();
            let ending = self.ending.extract_if(.., |(apex, _)| *apex == zone.source.apex);
            let before = ending.map(|(_, task)| task).collect();
            let running = Work::Running(token.clone(), tokio::spawn(async {}));
            if let Work::Ready(follower) = std::mem::replace(&mut zone.work, running) {
                let index = (Arc::clone(&zones.index), zone.id);
                let work = follow(*follower, before, index, token.clone());
                zone.work = Work::Running(token, tokio::spawn(work));
            }
        }
    }

    /// All tasks, to be waited for.
    fn tasks(&mut self) -> Vec<JoinHandle<()>> {
        let running = self.zones.drain().filter_map(|(_, zone)| match zone.work {
            Work::Running(_, task) => Some(task),
            Work::Ready(_) => None,
        });
        running.chain(self.ending.drain(..).map(|(_, task)| task)).collect()
    }
}

/// Follows a zone until that is cancelled, once what followed it before has ended; then gives
/// back what it took.
async fn follow(
    follower: Follower,
    before: Vec<JoinHandle<()>>,
    (index, id): (Arc<Index>, ZoneId),
    closing: CancellationToken,
) {
    for task in before {
        // Whoever panicked has said so.
        let _ = task.await;
    }
    if !closing.is_cancelled() {
        tokio::select! {
            () = follower.run(closing) => (),
            never = tidy_once_shown(&index, id) => match never {},
        }
    }
    tokio::spawn(async move {
        tokio::time::sleep(TIDY_AFTER).await;
        index.tidy();
    });
}

/// Gives back what an earlier zone took, once the later is shown in its place.
async fn tidy_once_shown(index: &Index, id: ZoneId) -> Infallible {
    while index.load().shown(id).is_none() {
        tokio::time::sleep(TIDY_AFTER).await;
    }
    tokio::time::sleep(TIDY_AFTER).await;
    index.tidy();
    std::future::pending().await
}
