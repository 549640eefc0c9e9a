//! Everything is read again while the server runs, and used whole or not at all.
//!
//! What is read is checked by what checks it at the start and in `srvd check`; one bad file
//! leaves everything as it was. What only a restart changes is named, with the value that goes
//! on being used; all else is used from the next query on.
//!
//! # When
//! SIGHUP asks for it, and is always answered in the log. Files are looked at every
//! [`LOOK_EVERY`]; those that are not as they were read, and look the same twice in a row, so
//! that nobody is writing them any more, are read. A bad file that nobody touches is therefore
//! complained of once.
//!
//! # Who else reads files
//! Certificates and passwords for etcd are followed by `etcd`'s access, and resolv.conf by the
//! forwarder: both go on with what they had where a file is bad. Here they are only named.

use std::mem::take;
use std::path::Path;
use std::time::{Duration, SystemTime};

use tokio::signal::unix::{SignalKind, signal};
use tokio::task::block_in_place;
use tokio::time::timeout;
use toml::Table;

use crate::app::{Reloadable, ZoneChanges, warn_of};
use crate::config::{self, Fixed, KnownZones, Serve};
use crate::error::Failure;
use crate::etcd::Access;
use crate::files::{FileStamp, FileStamps, LOOK_EVERY, WatchedFiles};
use crate::metrics::{ReloadOutcome, State};
use crate::options::{Common, File, ServeArgs};
use crate::systemd;

/// Files that are named when they changed: a directory may be replaced whole.
const NAMED: usize = 3;
/// Zones that are named when they come, go or move: there may be a thousand.
const ZONES_SHOWN: usize = 20;
/// How long the configuration file must not have changed before it is read: whoever writes it anew
/// empties it first, and what is written by half may well be sound.
const SETTLED: Duration = Duration::from_millis(100);
/// How often that is waited for: somebody may be writing it all the time.
const SETTLING: u32 = 10;
/// Why everything is read, where a signal says so.
const HANGUP: &str = "SIGHUP";

/// The function that makes of a configuration that was read what is used.
pub type Adapt = Box<dyn Fn(&mut Serve) + Send>;

/// The reloader, which reads everything again.
pub struct Reload {
    /// What was typed.
    common: Common,
    /// What was typed of serving.
    args: ServeArgs,
    /// What only a restart changes.
    fixed: Fixed,
    /// How the registries let us in.
    access: Access,
    /// What else is made of what was read.
    adapt: Adapt,
    /// The configuration file that is used, as it is written.
    used: Table,
    /// What all files looked like when they were used.
    used_stamps: FileStamps,
    /// The zone files that were read.
    known: KnownZones,
    /// Whether files are followed.
    is_watching: bool,
    watched: WatchedFiles,
    /// What they looked like when they were read last, whether they could be used or not.
    read: FileStamps,
    /// What they look like since the last look, if not so: they may be written still.
    pending: Option<FileStamps>,
}

impl Reload {
    /// Reads all that a configuration file names, and what reads it again. `adapt` makes of it
    /// what is used, each time. Files that change meanwhile are read again.
    ///
    /// # Errors
    /// As [`Serve::new`].
    pub fn of(
        common: &Common,
        args: &ServeArgs,
        file: &File,
        adapt: Adapt,
    ) -> Result<(Self, Serve), Failure> {
        let (watched, stamps) = look(common, args, file);
        let mut config = Serve::new(common, args, file)?;
        adapt(&mut config);
        let reload = Self {
            common: common.clone(),
            args: args.clone(),
            fixed: config.fixed(),
            access: config.access.clone(),
            adapt,
            used: file.written(),
            used_stamps: stamps.clone(),
            known: take(&mut config.known_zones),
            is_watching: config.watch_files,
            watched,
            read: stamps,
            pending: None,
        };
        Ok((reload, config))
    }

    /// Reads again whenever SIGHUP asks for it, or files have changed, until the runtime ends.
    ///
    /// # Errors
    /// The signal cannot be listened to.
    pub fn start(mut self, live: Reloadable) -> std::io::Result<()> {
        let mut hangup = signal(SignalKind::hangup())?;
        live.outcomes().read_from(self.common.config.as_deref());
        tokio::spawn(async move {
            loop {
                let asked = timeout(LOOK_EVERY, hangup.recv()).await.map(|_| HANGUP.to_owned());
                block_in_place(|| {
                    if let Some(cause) = asked.ok().or_else(|| self.look()) {
                        self.reload(cause, &live);
                    }
                });
            }
        });
        Ok(())
    }

    /// Looks at the files. Gives why they are to be read again, if they are: they are not as
    /// they were read, and did not change any more since the last look.
    fn look(&mut self) -> Option<String> {
        if !self.is_watching {
            return None;
        }
        let stamps = FileStamps::of(&self.watched);
        if stamps == self.read {
            self.pending = None;
            return None;
        }
        let is_whole = self.pending.as_ref() == Some(&stamps);
        let cause = is_whole.then(|| named(&stamps.changed(&self.read)));
        self.pending = Some(stamps);
        cause
    }

    /// Reads everything and uses it, or nothing; and says so.
    fn reload(&mut self, cause: String, live: &Reloadable) {
        systemd::reloading();
        let fault = match self.apply(live) {
            Ok((zones, changes)) => {
                let zone_files_read = self.known.read();
                tracing::info!(
                    zones,
                    zone_files_read,
                    "configuration reloaded ({cause}){}",
                    in_words(&changes)
                );
                None
            }
            Err(fault) => {
                let (cause, fault) = (cause.clone(), self.with_all_else(&fault.to_string()));
                let state = State::ReloadRefused { cause, fault: fault.clone() };
                tracing::error!("{state}");
                Some(fault)
            }
        };
        live.outcomes().note(ReloadOutcome { at: SystemTime::now(), cause, fault });
        systemd::reloaded();
    }

    /// Reads everything, and uses it. Gives how many zones there are now, and which are others.
    fn apply(&mut self, live: &Reloadable) -> Result<(usize, ZoneChanges), Failure> {
        let (config, written) = self.read()?;
        let (fixed, count) = (config.fixed(), config.zones.len() + config.static_zones.len());
        let (cautions, ending) = (config.cautions(), config.of_files());
        let is_watching = config.watch_files;
        let changes = live.follow(config).map_err(Failure::failed)?;
        (self.is_watching, self.used) = (is_watching, written);
        self.used_stamps.clone_from(&self.read);
        warn_of(&cautions, &ending);
        self.warn_of_fixed(&fixed);
        Ok((count, changes))
    }

    /// Reads everything. Gives the configuration file as it is written, too.
    fn read(&mut self) -> Result<(Serve, Table), Failure> {
        let Self { common, args, access, known, .. } = self;
        (self.read, self.pending) = (FileStamps::of(&self.watched), None);
        settle(common.config.as_deref());
        let file = File::read_again(common.config.as_deref())?;
        (self.watched, self.read) = look(common, args, &file);
        let mut config = Serve::again(common, args, &file, access, known)?;
        (self.adapt)(&mut config);
        self.known = take(&mut config.known_zones);
        Ok((config, file.written()))
    }

    /// A fault, and all that would have changed beside it: one look shows what is not used.
    fn with_all_else(&self, fault: &str) -> String {
        let written = self.common.config.as_deref().and_then(File::written_at);
        let keys = written.map_or_else(Vec::new, |it| config::differences(&self.used, &it));
        let is_other = |key: &String| !fault.contains(&format!(": {}: ", key.trim_matches('`')));
        let is_configuration = |path: &Path| self.common.config.as_deref() == Some(path);
        let changed = self.read.changed(&self.used_stamps);
        let files: Vec<_> = changed.into_iter().filter(|path| !is_configuration(path)).collect();
        let files = (!files.is_empty()).then(|| named(&files));
        let all: Vec<_> = keys.into_iter().filter(is_other).chain(files).collect();
        match all.is_empty() {
            true => fault.to_owned(),
            false => format!("{fault}; not used either: {}", all.join(", ")),
        }
    }

    /// Names what changed and is not used.
    fn warn_of_fixed(&self, read: &Fixed) {
        let unused = self.fixed.iter().filter(|it| !read.contains(it));
        let unused: Vec<_> = unused.map(|(key, used)| format!("`{key}` ({used})")).collect();
        if !unused.is_empty() {
            let keys = unused.join(", ");
            tracing::warn!("{keys} changed; takes effect after a restart");
        }
    }
}

/// The files that a configuration names, and what they look like; itself as it was read.
fn look(common: &Common, args: &ServeArgs, file: &File) -> (WatchedFiles, FileStamps) {
    let watched = config::watched(common, args, file);
    let mut stamps = FileStamps::of(&watched);
    if let Some(path) = &common.config {
        stamps.put(path, file.stamp());
    }
    (watched, stamps)
}

/// Waits, not for long, until nobody is writing a file.
fn settle(path: Option<&Path>) {
    let Some(path) = path else { return };
    let stamp = || std::fs::metadata(path).ok().as_ref().and_then(FileStamp::of);
    let is_young = |stamp: FileStamp| !stamp.is_before(SystemTime::now() - SETTLED);
    for _ in 0..SETTLING {
        if !stamp().is_some_and(is_young) {
            return;
        }
        std::thread::sleep(SETTLED / 2);
    }
}

/// Which zones are others, in words.
fn in_words(changes: &ZoneChanges) -> String {
    let ZoneChanges { added, removed, moved, .. } = changes;
    let kinds = [("added", added), ("removed", removed), ("moved", moved)];
    let kinds = kinds.into_iter().filter(|(_, zones)| !zones.is_empty());
    let some = |zones: &[String]| {
        let shown = zones.iter().take(ZONES_SHOWN).map(String::as_str).collect::<Vec<_>>();
        match zones.len() - shown.len() {
            0 => shown.join(", "),
            more => format!("{} and {more} more", shown.join(", ")),
        }
    };
    kinds.map(|(kind, zones)| format!("; {kind}: {}", some(zones))).collect()
}

/// Files that changed, in words.
fn named(changed: &[&Path]) -> String {
    let names: Vec<_> = changed.iter().take(NAMED).map(|path| path.display().to_string()).collect();
    let names = names.join(", ");
    match changed.len().saturating_sub(NAMED) {
        0 => format!("{names} changed"),
        more => format!("{names} and {more} more changed"),
    }
}
