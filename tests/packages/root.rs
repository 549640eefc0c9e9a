//! A root of a test's own: a directory that programs run in as if it were all there is.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A root. It is removed when dropped.
pub(super) struct Root(TempDir);

impl Root {
    /// An empty one.
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// The place outside of a path inside.
    pub(super) fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path.trim_start_matches('/'))
    }

    /// Writes a file inside, with the directories above it.
    pub(super) fn write(&self, path: &str, text: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The text of a file inside.
    pub(super) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// A program inside, to be run there.
    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("chroot");
        command.arg(self.0.path()).arg(program).env_clear().env("PATH", "/usr/bin:/bin:/usr/sbin");
        command
    }

    /// The files inside and their modes, in order: `/usr/bin/srvd 755`.
    pub(super) fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        below(self.0.path(), &mut |path| {
            let mode = path.symlink_metadata().unwrap().mode() & 0o7777;
            let path = path.strip_prefix(self.0.path()).unwrap();
            found.push(format!("/{} {mode:o}", path.display()));
        });
        found.sort();
        found
    }
}

impl AsRef<Path> for Root {
    fn as_ref(&self) -> &Path {
        self.0.path()
    }
}

/// Shows every file below a directory.
fn below(directory: &Path, show: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => below(&entry.path(), show),
            false => show(&entry.path()),
        }
    }
}
