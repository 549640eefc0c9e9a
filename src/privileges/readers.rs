//! FileReaders of files: what another account may read, by owners and modes. Access lists may allow
//! more.

use std::fs::{Metadata, canonicalize, metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::unistd::getgrouplist;

use super::Account;

/// Bits of a mode, of those who are neither the owner nor of the group.
const READ: u32 = 0o4;
/// To go through a directory.
const SEARCH: u32 = 0o1;

/// Somebody who would read files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileReader {
    /// The user; none who owns nothing.
    uid: Option<u32>,
    /// The groups.
    groups: Vec<u32>,
}

impl FileReader {
    /// An account that is made for a process alone (systemd's `DynamicUser`): it owns nothing.
    pub const STRANGER: Self = Self { uid: None, groups: Vec::new() };

    /// An account with all its groups.
    #[must_use]
    pub fn of(account: &Account) -> Self {
        let groups = getgrouplist(&account.name, account.gid).unwrap_or_default();
        let groups = groups.iter().chain([&account.gid]).map(|gid| gid.as_raw()).collect();
        Self { uid: Some(account.uid.as_raw()), groups }
    }

    /// Whether this one may read what is at a path, and go there. What is not there, or may not be
    /// looked at by us, is nothing that could be said of.
    #[must_use]
    pub fn may_read(&self, path: &Path) -> bool {
        let Ok(path) = canonicalize(path) else { return true };
        let Ok(file) = metadata(&path) else { return true };
        let wanted = if file.is_dir() { READ | SEARCH } else { READ };
        let mut above = path.ancestors().skip(1);
        self.may(&file, wanted)
            && above.all(|it| metadata(it).map_or(true, |it| self.may(&it, SEARCH)))
    }

    /// Whether a mode allows something.
    fn may(&self, file: &Metadata, wanted: u32) -> bool {
        let shift = match self.uid {
            Some(0) => return true,
            Some(uid) if uid == file.uid() => 6,
            _ if self.groups.contains(&file.gid()) => 3,
            _ => 0,
        };
        file.mode() >> shift & wanted == wanted
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, create_dir, set_permissions, write};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn modes_say_who_may_read() {
        let directory = tempfile::tempdir().unwrap();
        let mode = |path: &Path, mode| set_permissions(path, Permissions::from_mode(mode)).unwrap();
        mode(directory.path(), 0o755);
        let (within, file) = (directory.path().join("d"), directory.path().join("d/f"));
        create_dir(&within).unwrap();
        write(&file, "").unwrap();
        let of = metadata(&file).unwrap();
        let (uid, gid) = (of.uid(), of.gid());
        let owner = FileReader { uid: Some(uid), groups: Vec::new() };
        let member = FileReader { uid: Some(uid + 1), groups: vec![gid] };
        let may = |path: &Path| {
            [&owner, &member, &FileReader::STRANGER]
                .map(|it| it.uid == Some(0) || it.may_read(path))
        };
        for (of_directory, of_file, expected) in [
            (0o755, 0o644, [true, true, true]),
            (0o755, 0o640, [true, true, false]),
            (0o755, 0o600, [true, false, false]),
            (0o750, 0o644, [true, true, false]),
            (0o700, 0o644, [true, false, false]),
        ] {
            mode(&within, of_directory);
            mode(&file, of_file);
            assert_eq!(may(&file), expected, "{of_directory:o} {of_file:o}");
        }
        mode(&within, 0o744);
        assert_eq!(may(&within), [true, false, false], "a directory is gone through, too");
        mode(&within, 0o755);
        let root = FileReader { uid: Some(0), groups: Vec::new() };
        mode(&file, 0o000);
        assert!(root.may_read(&file) && root.may_read(Path::new("/nowhere")));
    }
}
