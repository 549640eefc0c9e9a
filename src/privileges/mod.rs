//! The privileges of the process: its user, its capabilities, and its file descriptors.
//!
//! A name server answers strangers, so it should be able to do nothing but that. What it
//! needs of the system it asks for while it binds its sockets, before anything is answered:
//! then it becomes somebody else, if it is told to, and gives up every capability, whoever
//! it is. Neither can be had back: no program that it started could be set-uid.
//!
//! Linux keeps capabilities by thread, and a new thread has those of the one that starts
//! it. So they are given up while there is one thread only, before there is a runtime.

mod readers;

use std::ffi::CString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, lchown};
use std::path::Path;

use nix::unistd::{Gid, Group, Uid, User, initgroups, setgid, setuid};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

pub use self::readers::FileReader;

/// What the names of snapshots, whole or not, have in them.
const SNAPSHOT: &str = ".snapshot";
/// Descriptors that are not those of connections, on most machines: sockets of workers,
/// registries, HTTP.
const OTHERS: usize = 320;

/// Somebody to become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The user's name, to find further groups by.
    name: CString,
    /// The user.
    uid: Uid,
    /// The group.
    gid: Gid,
}

/// Something could not be given up.
#[derive(Debug, thiserror::Error)]
#[error("privileges cannot be given up, {what}: {source}; {remedy}")]
pub struct PrivilegeFault {
    /// What.
    what: String,
    /// What the system said.
    source: io::Error,
    /// What to do.
    remedy: &'static str,
}

impl std::fmt::Display for Account {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} ({}:{})", self.name.to_string_lossy(), self.uid, self.gid)
    }
}

impl Account {
    /// The account of `USER` or `USER:GROUP`, names or numbers.
    ///
    /// # Errors
    /// There is no such user or group.
    pub fn find(text: &str) -> Result<Self, String> {
        let (user, group) = text.split_once(':').map_or((text, None), |(it, to)| (it, Some(to)));
        let found = user
            .parse()
            .map_or_else(|_| User::from_name(user), |id| User::from_uid(Uid::from_raw(id)));
        let missing = || format!("there is no user `{user}`; make one, or name another");
        let found = found.ok().flatten().ok_or_else(missing)?;
        let gid = group.map_or(Ok(found.gid), find_group)?;
        let name = CString::new(found.name).map_err(|_| missing())?;
        Ok(Self { name, uid: found.uid, gid })
    }

    /// The user's name.
    #[must_use]
    pub fn name(&self) -> std::borrow::Cow<'_, str> {
        self.name.to_string_lossy()
    }

    /// Whether the process runs as this one already.
    fn is_current(&self) -> bool {
        (self.uid, self.gid) == (Uid::effective(), Gid::effective())
    }

    /// Gives the directory of snapshots, and those in it, to this account.
    ///
    /// # Errors
    /// What cannot be given, and why. A directory that holds anything else is not given
    /// away: it was hardly meant to be.
    pub fn own(&self, directory: &Path) -> Result<(), PrivilegeFault> {
        let remedy = "give `state` to `run-as` by hand, or name a directory for it alone";
        let fault =
            |source| PrivilegeFault { what: directory.display().to_string(), source, remedy };
        if self.is_current() {
            return Ok(());
        }
        self.check()?;
        self.own_all(directory).map_err(fault)
    }

    /// Fails unless the process may become this account.
    fn check(&self) -> Result<(), PrivilegeFault> {
        if Uid::effective().is_root() {
            return Ok(());
        }
        let source = io::Error::from(io::ErrorKind::PermissionDenied);
        Err(self.fault(source, "only root can; start srvd as root, or leave `run-as` out"))
    }

    /// It could not be become.
    fn fault(&self, source: io::Error, remedy: &'static str) -> PrivilegeFault {
        PrivilegeFault {
            what: format!("becoming `{}`", self.name.to_string_lossy()),
            source,
            remedy,
        }
    }

    /// Does so.
    fn own_all(&self, directory: &Path) -> io::Result<()> {
        let directory = fs::canonicalize(directory)?;
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            if !entry.file_name().to_string_lossy().contains(SNAPSHOT) {
                return Err(io::Error::other(format!("it holds {:?} too", entry.file_name())));
            }
            self.give(&entry.path(), &entry.metadata()?)?;
        }
        self.give(&directory, &fs::metadata(&directory)?)
    }

    /// Gives a file of ours to this account. Links are not followed, and what has a second
    /// name is left alone: whoever may write to the directory must not get others' files.
    fn give(&self, path: &Path, file: &Metadata) -> io::Result<()> {
        let is_ours = file.uid() == Uid::effective().as_raw();
        if is_ours && (file.is_dir() || file.is_file() && file.nlink() == 1) {
            return lchown(path, Some(self.uid.as_raw()), Some(self.gid.as_raw()));
        }
        Ok(())
    }

    /// Becomes this account, in all threads, with all its groups and no others.
    fn become_current(&self) -> Result<(), PrivilegeFault> {
        self.check()?;
        let switched = initgroups(&self.name, self.gid)
            .and_then(|()| setgid(self.gid))
            .and_then(|()| setuid(self.uid));
        let remedy = "leave `run-as` out where the system does not let root become others";
        switched.map_err(|fault| self.fault(fault.into(), remedy))
    }
}

/// Becomes an account, if one is given, and gives up every capability. To be called once
/// everything is bound, while the process has one thread.
///
/// # Errors
/// [`PrivilegeFault`]: what remains, and what to do.
pub fn give_up(account: Option<&Account>) -> Result<(), PrivilegeFault> {
    if let Some(account) = account.filter(|account| !account.is_current()) {
        account.become_current()?;
    }
    give_up_capabilities()
}

/// Lets the process have as many descriptors as the system allows, and says so where these
/// are too few for so many connections.
pub fn make_room(connections: usize) {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    let raised = setrlimit(Resource::Nofile, raised).map_or(limit.current, |()| limit.maximum);
    if let Some(allowed) = raised.filter(|allowed| *allowed < (connections + OTHERS) as u64) {
        tracing::warn!(
            "{connections} TCP connections may take more descriptors than the {allowed} that the \
             system allows (ulimit -n); then the quietest is closed for a new one"
        );
    }
}

/// Whether the process is root still: without capabilities, but the owner of root's files.
#[must_use]
pub fn is_root() -> bool {
    Uid::effective().is_root()
}

/// Gives up every capability of this thread, and what could bring one back.
#[cfg(target_os = "linux")]
fn give_up_capabilities() -> Result<(), PrivilegeFault> {
    use rustix::thread::{
        CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set,
        set_capabilities, set_no_new_privs,
    };
    let none = CapabilitySet::empty();
    let none = CapabilitySets { effective: none, permitted: none, inheritable: none };
    let remedy = "allow prctl and capset where system calls are filtered";
    let fault = |what: &str, source: rustix::io::Errno| PrivilegeFault {
        what: what.to_owned(),
        source: source.into(),
        remedy,
    };
    set_no_new_privs(true).map_err(|it| fault("no_new_privs", it))?;
    // Old kernels have none, and then there is nothing in it.
    let _ = clear_ambient_capability_set();
    if capabilities(None).is_ok_and(|current| current == none) {
        return Ok(());
    }
    set_capabilities(None, none).map_err(|it| fault("capabilities", it))
}

/// Other systems have none.
#[cfg(not(target_os = "linux"))]
fn give_up_capabilities() -> Result<(), PrivilegeFault> {
    Ok(())
}

/// A group by its name or number.
fn find_group(text: &str) -> Result<Gid, String> {
    let found = text
        .parse()
        .map_or_else(|_| Group::from_name(text), |id| Group::from_gid(Gid::from_raw(id)));
    let found = found.ok().flatten().map(|group| group.gid);
    found.ok_or_else(|| format!("there is no group `{text}`; make one, or name another"))
}
