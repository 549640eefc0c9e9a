//! Files: opened without waiting, read as far as they may be large, compared by their stamps.
//!
//! | file | holds |
//! | --- | --- |
//! | `followed` | [`Followed`]: what a file said last, while it is read again and again |
//! | `named` | [`NamedFile`]: a file and the option that names it |
//! | `pem` | certificates and keys |
//! | `stamps` | [`FileStamps`]: whether files have changed |
//! | `token` | [`Token`]: what clients of HTTP show |
//!
//! # Places where others may write
//! Whoever may write to a directory may put a pipe where a file is looked for, and who opens
//! that waits for ever; or a link, and who writes through that writes elsewhere. Files are
//! therefore opened without waiting, and are looked at before they are read.

mod followed;
mod named;
pub(crate) mod pem;
mod stamps;
mod token;

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{OFlags, fcntl_setfl};

pub(crate) use self::followed::{Followed, LOOK_EVERY};
pub use self::named::{FileFault, NamedFile, certified};
pub use self::stamps::{FileStamp, FileStamps, WatchedFiles};
pub use self::token::{Token, tokens};

/// Where pipes stand that a shell has made for us: `/dev/stdin`, and what `<(…)` becomes.
const PIPES: [&str; 3] = ["/dev/stdin", "/dev/fd/", "/proc/self/fd/"];

/// Opens what an option names, for reading: a file, a device, or a pipe that a shell made. A
/// named pipe is refused, since whoever opens it waits for a writer.
///
/// # Errors
/// What the system says, or what stands there.
pub fn open(path: &Path) -> io::Result<File> {
    let file = at_once(path, OpenOptions::new().read(true), OFlags::empty())?;
    let is_of_shell = path.to_str().is_some_and(|it| PIPES.iter().any(|of| it.starts_with(of)));
    if file.metadata()?.file_type().is_fifo() && !is_of_shell {
        return Err(other("it is a named pipe; name a file"));
    }
    Ok(file)
}

/// Opens a regular file for reading, and nothing else.
///
/// # Errors
/// What the system says, or what stands there.
pub fn open_regular(path: &Path) -> io::Result<File> {
    regular(at_once(path, OpenOptions::new().read(true), OFlags::empty())?)
}

/// Opens a regular file of ours in a directory where others may write. It is no link, and it
/// belongs to us, to root, or to whom the directory belongs, who may do with it as he likes.
///
/// # Errors
/// What the system says, or what stands there.
pub fn open_own(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let file = at_once(path, options, OFlags::NOFOLLOW);
    let file = regular(file.map_err(|error| match error.raw_os_error() {
        Some(code) if code == rustix::io::Errno::LOOP.raw_os_error() => {
            other("it is a link, which is not followed; remove it")
        }
        _ => error,
    })?)?;
    let (own, owner) = (rustix::process::geteuid().as_raw(), file.metadata()?.uid());
    let of_directory = std::fs::metadata(directory(path))?.uid();
    if ![own, 0, of_directory].contains(&owner) {
        return Err(other(&format!(
            "it belongs to user {owner}, neither to us ({own}) nor to the owner of its \
             directory; remove it"
        )));
    }
    Ok(file)
}

/// The octets of what an option names, and one more than `limit` where there are more.
///
/// # Errors
/// As [`open`].
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    open(path)?.take(limit + 1).read_to_end(&mut octets)?;
    Ok(octets)
}

/// The directory that a file is in.
#[must_use]
pub fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Opens whatever is there, and waits for nobody. What is read of it later may be waited for.
fn at_once(path: &Path, options: &mut OpenOptions, more: OFlags) -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY | more;
    let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
    let file = options.custom_flags(flags).open(path)?;
    fcntl_setfl(file.as_fd(), OFlags::empty())?;
    Ok(file)
}

/// A file, if it is a regular one.
fn regular(file: File) -> io::Result<File> {
    let kind = file.metadata()?.file_type();
    match () {
        () if kind.is_file() => Ok(file),
        () if kind.is_fifo() => Err(other("it is a named pipe, no regular file; remove it")),
        () => Err(other("it is no regular file")),
    }
}

/// What stands there is nothing for us.
fn other(text: &str) -> io::Error {
    io::Error::other(text.to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// Makes a named pipe.
    fn pipe(path: &Path) {
        let mode = rustix::fs::Mode::from_raw_mode(0o666);
        rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    }

    /// Nobody writes to the pipes here: a test that waits for a writer does not end.
    #[test]
    fn named_pipes_are_not_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pipe");
        pipe(&path);
        for opened in [open(&path), open_regular(&path)] {
            assert!(opened.unwrap_err().to_string().contains("named pipe"));
        }
        for options in [OpenOptions::new().read(true), OpenOptions::new().write(true)] {
            assert!(open_own(&path, options).is_err());
        }
    }

    #[test]
    fn links_are_followed_where_they_are_ours_to_make() {
        let directory = tempfile::tempdir().unwrap();
        let [file, link] = ["file", "link"].map(|name| directory.path().join(name));
        fs::write(&file, "text").unwrap();
        symlink(&file, &link).unwrap();
        assert_eq!(read(&link, 2).unwrap(), b"tex");
        assert!(open_regular(&link).is_ok() && open_regular(directory.path()).is_err());
        assert!(open_own(&file, OpenOptions::new().read(true)).is_ok());
        let fault = open_own(&link, OpenOptions::new().read(true)).unwrap_err();
        assert!(fault.to_string().contains("a link"), "{fault}");
        assert!(open(Path::new("/dev/null")).is_ok());
    }

    #[test]
    fn a_pipe_that_a_shell_made_is_read() {
        use std::io::Write as _;
        use std::os::fd::AsRawFd as _;
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(b"text").unwrap();
        drop(writer);
        let path = format!("/dev/fd/{}", reader.as_raw_fd());
        assert_eq!(read(Path::new(&path), 100).unwrap(), b"text");
    }

    #[test]
    fn files_of_strangers_are_not_ours() {
        if !rustix::process::geteuid().is_root() {
            return; // Only root can give files away.
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, "text").unwrap();
        std::os::unix::fs::lchown(&path, Some(4242), None).unwrap();
        let fault = open_own(&path, OpenOptions::new().read(true)).unwrap_err();
        assert!(fault.to_string().contains("belongs to user 4242"), "{fault}");
        std::os::unix::fs::lchown(directory.path(), Some(4242), None).unwrap();
        assert!(open_own(&path, OpenOptions::new().read(true)).is_ok());
    }
}
