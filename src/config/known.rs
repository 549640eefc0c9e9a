//! Static zones whose files are as they were when they were read last: these are not read again.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hickory_proto::rr::Name;

use super::zones::settings;
use crate::error::Failure;
use crate::files::FileStamp;
use crate::index::{Schema, Settings};
use crate::zonefile::{self, ZoneFile};

/// How long before it was read a file must have changed last for its stamp to be believed: one
/// that changes twice within a tick of its disk's clock looks the same. Some count in seconds.
const OLD: Duration = Duration::from_secs(2);

/// The static zones of one reading of the configuration.
#[derive(Debug, Default)]
pub struct KnownZones {
    /// By their files.
    zones: HashMap<PathBuf, KnownZone>,
    /// How many files were read.
    read: usize,
}

/// One zone that was read.
#[derive(Debug)]
struct KnownZone {
    apex: Name,
    /// What its files looked like; nothing where one may have changed again unseen.
    stamps: Option<Vec<(PathBuf, FileStamp)>>,
    /// What they said.
    settings: Settings,
}

impl KnownZones {
    /// How many zone files were read, rather than known.
    #[must_use]
    pub const fn read(&self) -> usize {
        self.read
    }

    /// What a zone's file says, which may be known from an earlier reading.
    ///
    /// # Errors
    /// [`Failure::Usage`]: the file cannot be used.
    pub(super) fn settings(
        &mut self,
        earlier: &Self,
        apex: Name,
        path: &Path,
    ) -> Result<Settings, Failure> {
        let same = earlier.zones.get(path).filter(|it| it.apex == apex && it.is_as_it_was());
        let zone = match same {
            Some(same) => same.again(),
            None => {
                self.read += 1;
                KnownZone::read(apex, path)?
            }
        };
        let settings = zone.settings.copied();
        self.zones.insert(path.to_owned(), zone);
        Ok(settings)
    }
}

impl KnownZone {
    /// Reads a zone's file.
    fn read(apex: Name, path: &Path) -> Result<Self, Failure> {
        let begun = SystemTime::now();
        let read = zonefile::read_file(path, &apex).and_then(ZoneFile::standing_alone);
        let file = read.map_err(Failure::usage)?;
        let paths = file.included.iter().cloned().chain([path.to_owned()]);
        let stamps = paths.map(|path| {
            let stamp = stamp(&path).filter(|stamp| stamp.is_before(begun - OLD))?;
            Some((path, stamp))
        });
        let stamps = stamps.collect();
        let settings = settings(file, None)?.of_schema(Schema::Static);
        Ok(Self { apex, stamps, settings })
    }

    /// Whether its files look as they did when they were read.
    fn is_as_it_was(&self) -> bool {
        let is_same = |(path, read): &(PathBuf, FileStamp)| stamp(path) == Some(*read);
        self.stamps.as_ref().is_some_and(|stamps| stamps.iter().all(is_same))
    }

    /// The same zone.
    fn again(&self) -> Self {
        let (apex, stamps) = (self.apex.clone(), self.stamps.clone());
        Self { apex, stamps, settings: self.settings.copied() }
    }
}

/// What a file looks like.
fn stamp(path: &Path) -> Option<FileStamp> {
    fs::metadata(path).ok().as_ref().and_then(FileStamp::of)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A zone file with a record.
    fn text(address: &str) -> String {
        format!("@ 60 SOA ns a 1 1 1 1 1\n@ NS ns.example.\n$INCLUDE more\nwww A {address}\n")
    }

    #[test]
    fn a_file_is_read_again_when_it_or_what_it_includes_changes() {
        let directory = tempfile::tempdir().unwrap();
        let (path, more) = (directory.path().join("a.test.zone"), directory.path().join("more"));
        let apex = Name::from_ascii("a.test.").unwrap();
        fs::write(&path, text("192.0.2.1")).unwrap();
        fs::write(&more, "more A 192.0.2.7\n").unwrap();
        let read = |earlier: &KnownZones| {
            let mut known = KnownZones::default();
            known.settings(earlier, apex.clone(), &path).unwrap();
            known
        };
        // Before that it might change once more, unseen.
        std::thread::sleep(OLD + Duration::from_millis(100));
        let first = read(&KnownZones::default());
        let second = read(&first);
        assert_eq!((first.read(), second.read(), read(&second).read()), (1, 0, 0));
        fs::write(&more, "more A 192.0.2.8\n").unwrap();
        let third = read(&second);
        assert_eq!(third.read(), 1);
        fs::remove_file(&more).unwrap();
        assert!(KnownZones::default().settings(&third, apex.clone(), &path).is_err());
    }
}
