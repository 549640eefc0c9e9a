//! Stamps of files: whether one changed is told without reading it.
//!
//! Links are followed, so a link that leads elsewhere now, as those of Kubernetes' volumes do,
//! is a change. The time looked at is that of the inode: nobody can set it back, and it tells
//! of a file that may be read now and could not before.

use std::collections::BTreeMap;
use std::fs::{self, DirEntry, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Files of a directory of zones that are looked at: those of as many zones as are served, and
/// as many that they include.
const FILES_MAX: usize = 20_000;
/// How deep directories in it are looked into, for what zone files include.
const DEPTH_MAX: usize = 4;

/// The device, inode, change time and size of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStamp {
    /// The device and the inode.
    place: (u64, u64),
    /// The inode's last change, in seconds and nanoseconds.
    changed: (i64, i64),
    octets: u64,
}

/// The stamps of all files at one moment; none for one that is not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileStamps {
    /// By path.
    files: BTreeMap<PathBuf, Option<FileStamp>>,
}

/// The files whose stamps are taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WatchedFiles {
    /// Single files.
    pub files: Vec<PathBuf>,
    /// The directory of zone files, with all that is in it.
    pub zones: Option<PathBuf>,
}

impl FileStamp {
    /// That of what is known of a regular file. What is none, a pipe, has nothing to read
    /// again.
    #[must_use]
    pub fn of(file: &Metadata) -> Option<Self> {
        file.is_file().then(|| Self {
            place: (file.dev(), file.ino()),
            changed: (file.ctime(), file.ctime_nsec()),
            octets: file.len(),
        })
    }
}

impl FileStamp {
    /// Whether the file last changed before a moment: one that changes again within the same
    /// tick of its disk's clock looks the same.
    #[must_use]
    pub fn is_before(&self, moment: SystemTime) -> bool {
        let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
        let (seconds, nanoseconds) = self.changed;
        (seconds, nanoseconds) < (since.as_secs() as i64, i64::from(since.subsec_nanos()))
    }
}

impl FileStamps {
    /// Looks at everything. It reads no file.
    #[must_use]
    pub fn of(watched: &WatchedFiles) -> Self {
        let mut stamps = Self::default();
        for path in &watched.files {
            stamps.put(path, fs::metadata(path).ok().as_ref().and_then(FileStamp::of));
        }
        if let Some(directory) = &watched.zones {
            stamps.look_into(directory, 0);
        }
        stamps
    }

    /// What one file looked like when it was read.
    pub fn put(&mut self, path: &Path, stamp: Option<FileStamp>) {
        self.files.insert(path.to_owned(), stamp);
    }

    /// Looks at what is in a directory. What is hidden is neither a zone nor included.
    fn look_into(&mut self, directory: &Path, depth: usize) {
        let entries = fs::read_dir(directory).into_iter().flatten().map_while(Result::ok);
        let is_shown = |entry: &DirEntry| !entry.file_name().as_encoded_bytes().starts_with(b".");
        for entry in entries.filter(is_shown) {
            if self.files.len() >= FILES_MAX {
                return;
            }
            let path = entry.path();
            match fs::metadata(&path) {
                Ok(file) if file.is_dir() && depth < DEPTH_MAX => self.look_into(&path, depth + 1),
                Ok(file) if file.is_dir() => {}
                file => _ = self.files.insert(path, file.ok().as_ref().and_then(FileStamp::of)),
            }
        }
    }

    /// The files whose stamps differ from earlier ones, in order.
    pub fn changed<'s>(&'s self, earlier: &'s Self) -> Vec<&'s Path> {
        let is_other = |stamps: &Self, path, stamp| stamps.files.get(path) != Some(stamp);
        let new = self.files.iter().filter(|(path, stamp)| is_other(earlier, *path, *stamp));
        let gone = earlier.files.keys().filter(|path| !self.files.contains_key(*path));
        let mut changed: Vec<_> = new.map(|(path, _)| path).chain(gone).map(|it| &**it).collect();
        changed.sort_unstable();
        changed
    }
}
