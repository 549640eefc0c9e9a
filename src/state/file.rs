//! Files that are replaced whole or not at all.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::process::{getegid, geteuid};
use sha2::{Digest, Sha256};

use crate::files::directory;

/// What a snapshot's name ends with.
const SUFFIX: &str = ".snapshot";
/// What the name of one that is being written ends with, behind a number of its own.
const UNFINISHED: &str = ".new";
/// The longest name of a zone that is written out: file names end at 255 octets.
const NAME_MAX: usize = 200;
/// Octets of a longer name that stand before the hash of the whole.
const NAME_KEPT: usize = 150;
/// Octets that are written at once.
const BUFFER: usize = 256 << 10;

/// Makes a directory for snapshots, readable for its owner alone, if it is not there. Says so
/// where others may write to one that is.
///
/// # Errors
/// It cannot be made, or something else stands there.
pub fn prepare(directory: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let about = fs::metadata(directory)?;
    if let Some(who) = strangers(&about, (geteuid().as_raw(), getegid().as_raw())) {
        tracing::warn!(
            "{who} may write to the directory {} and take snapshots away; those that other users \
             put there are not believed; `chmod go-w` it, or name a directory of srvd's own",
            directory.display()
        );
    }
    Ok(())
}

/// Who else than a process of a user and a group may write to a directory, in words. Where
/// it is sticky, others may make files but not take ours away.
fn strangers(directory: &Metadata, (user, group): (u32, u32)) -> Option<&'static str> {
    const STICKY: u32 = 0o1000;
    let may = |bit: u32| directory.mode() & (bit | STICKY) == bit;
    match () {
        () if ![user, 0].contains(&directory.uid()) && user != 0 => Some("another user"),
        () if may(0o002) => Some("everybody"),
        () if may(0o020) && ![group, 0].contains(&directory.gid()) => Some("a group"),
        () => None,
    }
}

/// The name of a zone's snapshot: the apex in lower case, without its last dot. What could
/// mean something to a file system is written as `%` and two hex digits.
#[must_use]
pub fn file_name(apex: &str) -> String {
    let apex = apex.trim_end_matches('.').to_ascii_lowercase();
    let is_plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-_.".contains(&octet);
    let mut name = String::new();
    for (at, octet) in apex.bytes().enumerate() {
        if is_plain(octet) && (at > 0 || octet != b'.') {
            name.push(char::from(octet));
        } else {
            name += &format!("%{octet:02X}");
        }
    }
    if name.len() > NAME_MAX {
        let sum = Sha256::digest(&name);
        name.truncate(NAME_KEPT);
        name.extend(sum.iter().take(8).map(|octet| format!("{octet:02x}")));
    }
    name + SUFFIX
}

/// Writes a new file and puts it in the place of an old one: whoever opens the path finds
/// the one or the other, whole, whenever the machine stops.
///
/// # Errors
/// What failed; the old file is as it was.
pub(super) fn replace<T>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<T>,
) -> io::Result<T> {
    let unfinished = unfinished(path);
    let replaced = write_new(&unfinished, write).and_then(|written| {
        fs::rename(&unfinished, path)?;
        File::open(directory(path))?.sync_all()?;
        Ok(written)
    });
    if replaced.is_err() {
        // It may not be there at all; the next start cleans up after a crash.
        let _ = fs::remove_file(&unfinished);
    }
    replaced
}

/// Writes a file to the disk.
fn write_new<T>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<T>,
) -> io::Result<T> {
    // Whatever stands there already, a link above all, is not written to.
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let mut file = BufWriter::with_capacity(BUFFER, file);
    let written = write(&mut file)?;
    file.flush()?;
    file.get_ref().sync_all()?;
    Ok(written)
}

/// Removes what processes that crashed left unfinished.
pub(super) fn clean(path: &Path) {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return };
    let prefix = format!("{name}.");
    for entry in fs::read_dir(directory(path)).into_iter().flatten().flatten() {
        let is_left = entry
            .file_name()
            .to_str()
            .and_then(|other| other.strip_prefix(&prefix)?.strip_suffix(UNFINISHED))
            .is_some_and(|id| !id.is_empty() && id.bytes().all(|it| it.is_ascii_hexdigit()));
        if is_left {
            // Should it stay, it is in nobody's way.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Where a file is written before it is whole: beside its place, under a name that nobody can
/// have taken beforehand.
fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{:016x}{UNFINISHED}", fastrand::u64(..)));
    name.into()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn names_are_plain_and_short() {
        assert_eq!(file_name("Services.Internal."), "services.internal.snapshot");
        assert_eq!(file_name("a/b\0.z"), "a%2Fb%00.z.snapshot");
        assert_eq!(file_name("..x"), "%2E.x.snapshot");
        let (one, other) = (file_name(&"a".repeat(250)), file_name(&"a".repeat(251)));
        assert!(one.len() < 200 && one != other, "{one}");
    }

    #[test]
    fn a_file_is_replaced_whole_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("z.snapshot");
        let fill =
            |text: &'static str| move |file: &mut BufWriter<File>| file.write_all(text.as_bytes());
        replace(&path, fill("one")).unwrap();
        let fails = |file: &mut BufWriter<File>| {
            file.write_all(b"half")?;
            Err::<(), _>(io::Error::other("the disk is full"))
        };
        assert!(replace(&path, fails).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"one");
        replace(&path, fill("two")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "something was left");
    }

    #[test]
    fn leftovers_are_removed_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let others = ["z.snapshot", "z.snapshot.old.new", "y.snapshot.1.new", "z.snapshot..new"];
        let left = ["z.snapshot.123.new", "z.snapshot.00c0ffee00c0ffee.new"];
        for name in others.iter().chain(&left) {
            fs::write(at(name), "x").unwrap();
        }
        clean(&at("z.snapshot"));
        assert!(left.iter().all(|name| !at(name).exists()));
        assert!(others.iter().all(|name| at(name).exists()));
    }

    #[test]
    fn links_are_replaced_and_not_written_through() {
        let directory = tempfile::tempdir().unwrap();
        let [path, foreign] = ["z.snapshot", "foreign"].map(|name| directory.path().join(name));
        fs::write(&foreign, "theirs").unwrap();
        std::os::unix::fs::symlink(&foreign, &path).unwrap();
        std::os::unix::fs::symlink(&foreign, directory.path().join("z.snapshot.1.new")).unwrap();
        let fill = |file: &mut BufWriter<File>| file.write_all(b"ours");
        assert!(write_new(&path, fill).is_err());
        replace(&path, fill).unwrap();
        clean(&path);
        assert_eq!(fs::read(&foreign).unwrap(), b"theirs");
        assert_eq!(fs::read(&path).unwrap(), b"ours");
        assert!(fs::symlink_metadata(&path).unwrap().is_file());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    }

    #[test]
    fn who_else_may_write_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let about = |mode| {
            fs::set_permissions(directory.path(), fs::Permissions::from_mode(mode)).unwrap();
            fs::metadata(directory.path()).unwrap()
        };
        let (user, group) = (about(0o700).uid(), about(0o700).gid());
        for (mode, of_group, expected) in [
            (0o700, group, None),
            (0o755, group + 1, None),
            (0o777, group, Some("everybody")),
            (0o1777, group, None),
            (0o770, group, None),
        ] {
            assert_eq!(strangers(&about(mode), (user, of_group)), expected, "{mode:o}");
        }
        // A process of somebody else, who is not root.
        assert_eq!(strangers(&about(0o700), (4242, group)).is_some(), user != 0);
    }
}
