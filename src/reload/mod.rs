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

use std::path::Path;
use std::time::SystemTime;

use tokio::signal::unix::{SignalKind, signal};
use tokio::task::block_in_place;
use tokio::time::timeout;

use crate::app::{Reloadable, warn_of};
use crate::config::{self, Fixed, Serve, ZoneConfig};
use crate::error::Failure;
use crate::etcd::Access;
use crate::files::{FileStamps, LOOK_EVERY, WatchedFiles};
use crate::index::Schema;
use crate::metrics::{ReloadOutcome, State};
use crate::options::{Common, File, ServeArgs};
use crate::registry::{Layout, RegistryUrl};
use crate::systemd;

/// Files that are named when they changed: a directory may be replaced whole.
const NAMED: usize = 3;
/// Why everything is read, where a signal says so.
const HANGUP: &str = "SIGHUP";

/// The origin of a registry zone's names, which stays the same as long as this process runs.
#[derive(Debug, PartialEq, Eq)]
struct ZoneOrigin {
    /// The apex, without the last dot.
    zone: String,
    schema: Schema,
    registry: RegistryUrl,
    /// The part of it that is the zone's.
    layout: Layout,
}

/// The reloader, which reads everything again.
pub struct Reload {
    /// What was typed.
    common: Common,
    /// What was typed of serving.
    args: ServeArgs,
    /// Where the registry zones come from, in their order.
    origins: Vec<ZoneOrigin>,
    /// What only a restart changes.
    fixed: Fixed,
    /// How the registries let us in.
    access: Access,
    /// Whether files are followed.
    is_watching: bool,
    watched: WatchedFiles,
    /// What they looked like when they were read last, whether they could be used or not.
    read: FileStamps,
    /// What they look like since the last look, if not so: they may be written still.
    pending: Option<FileStamps>,
}

impl Reload {
    /// What reads again what was read: the configuration file, and all else by `read`. Files
    /// that change meanwhile are read again.
    ///
    /// # Errors
    /// What `read` fails with.
    pub fn of(
        common: &Common,
        args: &ServeArgs,
        file: &File,
        read: impl FnOnce() -> Result<Serve, Failure>,
    ) -> Result<(Self, Serve), Failure> {
        let (watched, stamps) = look(common, args, file);
        let config = read()?;
        let reload = Self {
            common: common.clone(),
            args: args.clone(),
            origins: config.zones.iter().map(ZoneOrigin::new).collect(),
            fixed: config.fixed(),
            access: config.access.clone(),
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
            Ok(zones) => {
                tracing::info!(zones, "configuration reloaded ({cause})");
                None
            }
            Err(fault) => {
                let (cause, fault) = (cause.clone(), fault.to_string());
                let state = State::ReloadRefused { cause, fault: fault.clone() };
                tracing::error!("{state}");
                Some(fault)
            }
        };
        live.outcomes().note(ReloadOutcome { at: SystemTime::now(), cause, fault });
        systemd::reloaded();
    }

    /// Reads everything, and uses it. Gives how many zones there are now.
    fn apply(&mut self, live: &Reloadable) -> Result<usize, Failure> {
        let config = self.read()?;
        if self.origins != config.zones.iter().map(ZoneOrigin::new).collect::<Vec<_>>() {
            let text = "[[zone]] names, prefixes, schemas, formats, templates or registries changed; restart to apply";
            return Err(Failure::usage(text));
        }
        let (fixed, count) = (config.fixed(), config.zones.len() + config.static_zones.len());
        let (cautions, ending) = (config.cautions(), config.of_files());
        let is_watching = config.watch_files;
        live.follow(config).map_err(Failure::failed)?;
        self.is_watching = is_watching;
        warn_of(&cautions, &ending);
        self.warn_of_fixed(&fixed);
        Ok(count)
    }

    /// Reads everything.
    fn read(&mut self) -> Result<Serve, Failure> {
        let Self { common, args, access, .. } = self;
        (self.read, self.pending) = (FileStamps::of(&self.watched), None);
        let file = File::read_again(common.config.as_deref())?;
        (self.watched, self.read) = look(common, args, &file);
        Serve::again(common, args, &file, access)
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

/// Files that changed, in words.
fn named(changed: &[&Path]) -> String {
    let names: Vec<_> = changed.iter().take(NAMED).map(|path| path.display().to_string()).collect();
    let names = names.join(", ");
    match changed.len().saturating_sub(NAMED) {
        0 => format!("{names} changed"),
        more => format!("{names} and {more} more changed"),
    }
}

impl ZoneOrigin {
    /// Where a zone comes from.
    fn new(zone: &ZoneConfig) -> Self {
        Self {
            zone: zone.settings.title(),
            schema: zone.settings.schema(),
            registry: zone.registry.clone(),
            layout: zone.layout.clone(),
        }
    }
}
