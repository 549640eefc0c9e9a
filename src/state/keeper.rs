//! Keeps the snapshot of one zone.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio_util::sync::CancellationToken;

use super::format::{self, Snapshot, Stamp};
use super::pace::{Pace, ZoneState};
use super::{Identity, SnapshotFault, file};
use crate::files;
use crate::index::{Index, SerialRecord, Zone, ZoneId};
use crate::metrics::Staleness;
use crate::names::Span;
use crate::registry::Layout;

/// How often a zone is looked at: one load and a comparison.
const LOOK: Duration = Duration::from_millis(500);
/// How often the file of a zone that does not change is given the time of the last
/// confirmation.
const TOUCH: Duration = Duration::from_secs(60);

/// Writes the snapshot of one zone, and reads it at the start.
#[derive(Debug)]
pub struct SnapshotWriter {
    /// Where it is.
    path: PathBuf,
    /// What it is bound to.
    identity: Identity,
    /// How keys are read.
    layout: Layout,
    /// Where generations are published.
    index: Arc<Index>,
    /// Which zone it is.
    zone: ZoneId,
    /// When to write.
    pace: Pace,
    /// The revision on disk.
    revision: Option<i64>,
    /// When the file was last known to have the right time.
    touched: Instant,
    /// The kinds of failure that were said since the last success.
    said: HashSet<io::ErrorKind>,
}

impl SnapshotWriter {
    /// The keeper of a zone, in a directory that is there.
    #[must_use]
    pub fn new(
        directory: &Path,
        identity: Identity,
        layout: Layout,
        index: Arc<Index>,
        zone: ZoneId,
    ) -> Self {
        let now = Instant::now();
        Self {
            path: directory.join(file::file_name(&identity.zone)),
            identity,
            layout,
            index,
            zone,
            pace: Pace::new(now),
            revision: None,
            touched: now,
            said: HashSet::new(),
        }
    }

    /// Reads the snapshot with the serial of the zone, and says why if it is not used. Takes a second or two where a
    /// million instances are in it. What an earlier process left unfinished is removed.
    pub fn restore(&mut self) -> Option<(Snapshot, SerialRecord)> {
        file::clean(&self.path);
        match self.read() {
            Ok(snapshot) => {
                let serial = self.serial(&snapshot);
                self.say_restored(&snapshot, serial.value());
                Some((snapshot, serial))
            }
            Err(SnapshotFault::Io(error)) if error.kind() == io::ErrorKind::NotFound => None,
            Err(fault) => {
                if let Some(zone) = self.zone() {
                    zone.vitals().snapshot.failures.add(1);
                }
                tracing::error!(
                    "ignoring snapshot {}: it {fault}; it stays as it is until the registry was \
                     listed, and is replaced then",
                    self.path.display()
                );
                None
            }
        }
    }

    /// Keeps the snapshot until closing; then writes what is new once more, or when it was
    /// last confirmed.
    pub async fn run(mut self, closing: CancellationToken) {
        while !closing.is_cancelled() {
            tokio::select! {
                () = closing.cancelled() => (),
                () = tokio::time::sleep(LOOK) => self.look().await,
            }
        }
        // Of a zone that is gone, or read from elsewhere, it stays as it is.
        let Some(zone) = self.zone() else { return };
        if self.is_kept(&zone) {
            // From here `max-stale` counts, should the registry be away at the next start.
            self.touch(&zone).await;
        }
        if zone.is_ready() && !self.is_kept(&zone) {
            self.write(zone).await;
        }
    }

    /// Whether the zone is on disk as it is now, its revision included.
    fn is_kept(&self, zone: &Zone) -> bool {
        self.pace.is_written(state(zone)) && self.revision == zone.revision()
    }

    /// Writes the zone if it is time, or notes that it is as it was.
    async fn look(&mut self) {
        let Some(zone) = self.zone().filter(|zone| zone.is_ready()) else { return };
        if self.pace.is_due(state(&zone), Instant::now()) {
            self.write(zone).await;
        } else if self.touched.elapsed() >= TOUCH && self.pace.is_written(state(&zone)) {
            self.touch(&zone).await;
        }
    }

    /// The zone as it is now, if it is shown.
    fn zone(&self) -> Option<Arc<Zone>> {
        self.index.load().shown(self.zone).map(Arc::clone)
    }

    /// Reads the file.
    fn read(&self) -> Result<Snapshot, SnapshotFault> {
        let mut file = files::open_own(&self.path, File::options().read(true))?;
        let about = file.metadata()?;
        format::read(&mut file, about.modified().ok(), &self.identity, &self.layout)
    }

    /// The serial that a snapshot goes on with. An earlier srvd wrote none: it showed the sum of
    /// the file's and the revision.
    fn serial(&self, snapshot: &Snapshot) -> SerialRecord {
        let of_file = || self.zone().map_or(0, |zone| zone.settings().soa.serial);
        snapshot.serial.unwrap_or_else(|| {
            let (file, registry) = (of_file(), snapshot.revision as u32);
            SerialRecord { file, registry, next_change: None }
        })
    }

    /// Says what was restored, and takes it for what is on disk. Each instance and
    /// alias is one change of a zone that had none.
    fn say_restored(&mut self, snapshot: &Snapshot, serial: u32) {
        let Snapshot { instances, aliases, entries, unusable, revision, age, octets, .. } =
            snapshot;
        let changes = (instances.len() + aliases.len() + entries.len()) as u64;
        self.pace.wrote((changes, serial), Duration::ZERO, Instant::now());
        self.revision = Some(*revision);
        if let Some(zone) = self.zone() {
            let vitals = &zone.vitals().snapshot;
            vitals.restored.set();
            vitals.octets.set(*octets);
            vitals.confirmed_at.set(format::seconds(SystemTime::now() - *age));
        }
        let age = humantime::format_duration(Duration::from_secs(age.as_secs()));
        tracing::warn!(
            zone = self.identity.zone,
            instances = instances.len() + entries.len(),
            unusable,
            revision,
            "serving snapshot {} ({age} old) until the registry is reachable",
            self.path.display()
        );
    }

    /// Writes a zone on a thread for what blocks.
    async fn write(&mut self, zone: Arc<Zone>) {
        let (path, identity, written) =
            (self.path.clone(), self.identity.clone(), Arc::clone(&zone));
        let stamp = stamp(&zone);
        let begun = Instant::now();
        let write = move || {
            file::replace(&path, |to| {
                let octets = format::write(&mut *to, &identity, &written, stamp)?;
                // The file is as old as what it says, not as its last write.
                to.get_ref().set_modified(stamp.confirmed)?;
                Ok(octets)
            })
        };
        let done = tokio::task::spawn_blocking(write)
            .await
            .unwrap_or_else(|fault| Err(io::Error::other(fault)));
        let (took, vitals) = (begun.elapsed(), &zone.vitals().snapshot);
        match done {
            Ok(octets) => {
                self.pace.wrote(state(&zone), took, Instant::now());
                (self.revision, self.touched) = (zone.revision(), Instant::now());
                vitals.writes.add(1);
                vitals.octets.set(octets);
                vitals.write_millis.set(took.as_millis() as u64);
                vitals.confirmed_at.set(format::seconds(stamp.confirmed));
                if !self.said.is_empty() {
                    tracing::info!("writing {} works again", self.path.display());
                    self.said.clear();
                }
                tracing::debug!(octets, took = %Span(took), "{} was written", self.path.display());
            }
            Err(error) => {
                self.pace.failed(Instant::now());
                vitals.failures.add(1);
                self.complain(&error);
            }
        }
    }

    /// Says a failure, once for each kind.
    fn complain(&mut self, error: &io::Error) {
        if self.said.insert(error.kind()) {
            tracing::error!(
                "{} cannot be written: {error}; {}; answers are unaffected, will retry",
                self.path.display(),
                remedy(error.kind())
            );
        }
    }

    /// Gives the file the time of the last confirmation.
    async fn touch(&mut self, zone: &Zone) {
        self.touched = Instant::now();
        if zone.standing() != Staleness::Fresh {
            return;
        }
        let (path, confirmed) = (self.path.clone(), stamp(zone).confirmed);
        let touch =
            move || files::open_own(&path, File::options().write(true))?.set_modified(confirmed);
        match tokio::task::spawn_blocking(touch).await {
            Ok(Ok(())) => {
                zone.vitals().snapshot.confirmed_at.set(format::seconds(confirmed));
            }
            Ok(Err(error)) => {
                // Somebody took it away, or its disk is in trouble: it is not on disk.
                tracing::debug!("{} is written anew: {error}", self.path.display());
                self.pace.lost();
            }
            Err(fault) => tracing::error!("{fault}"),
        }
    }
}

/// The state of a zone, as it is written.
fn state(zone: &Zone) -> ZoneState {
    (zone.changes(), zone.serial())
}

/// What is said of a zone beside its instances.
fn stamp(zone: &Zone) -> Stamp {
    let age = zone.freshness().age();
    Stamp {
        cluster: zone.vitals().cluster.get(),
        confirmed: SystemTime::now().checked_sub(age).unwrap_or(SystemTime::UNIX_EPOCH),
    }
}

/// What to do about a failure.
const fn remedy(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room on its disk",
        io::ErrorKind::PermissionDenied => "let srvd's user write the directory",
        io::ErrorKind::ReadOnlyFilesystem => "mount its disk for writing",
        io::ErrorKind::NotFound => "make the directory again",
        io::ErrorKind::IsADirectory | io::ErrorKind::DirectoryNotEmpty => {
            "move the directory away that stands there"
        }
        _ => "see that the directory `state` can be written",
    }
}
