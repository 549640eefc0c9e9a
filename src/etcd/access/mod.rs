//! Access to the registry: authorities, a client certificate, a user; read from files at the
//! start and again when these change.
//!
//! # When files are read
//! Before a connection is made, and every [`LOOK_EVERY`] while a registry is used for long
//! ([`super::Etcd::keep_up`]). The contents are compared, so a file replaced by a link to another
//! counts as changed. No query waits for it: queries never come here.
//!
//! # What a change does
//! Authorities, certificate with key, and password are taken one by one. What cannot be
//! used (half written, no PEM, a key of another certificate) leaves the one read before in
//! use, is told once if it lasts, and is read again. Connections made before a change are
//! replaced at the next call; a stream (a watch) stays on its connection until that ends,
//! since etcd looks at certificates and passwords only when a connection or a token is made.

mod files;

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use rustls::pki_types::CertificateDer;

use self::files::CertificateAndKey;
use crate::files::{FileFault, pem};
use crate::lock::Lock;

pub use self::files::Files;

/// How often the files are looked at: soon enough for whoever replaced one and waits, and
/// no load (four small files).
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(3);
/// How long a fault must last before it is told: certificate and key are written one after
/// the other.
const SETTLE: Duration = Duration::from_secs(2);

/// Files and credentials that let us in. Clones share what was read last. Secrets stay out
/// of `Debug`.
#[derive(Clone, Default)]
pub struct Access {
    /// What the clones share.
    shared: Arc<Shared>,
}

/// The state that clones share of an [`Access`] share.
#[derive(Default)]
struct Shared {
    /// Where everything is read.
    files: Files,
    /// What was read last and can be used.
    now: ArcSwap<Credentials>,
    /// What is wrong with newer contents; locked while somebody looks.
    doubts: Lock<Doubts>,
}

/// The credentials at one moment.
#[derive(Clone, Default)]
pub(super) struct Credentials {
    /// Which state of the files it is; it only rises.
    pub(super) edition: u64,
    /// PEM of the authorities; the system's when absent.
    pub(super) ca: Option<Vec<u8>>,
    /// PEM of a client certificate and its key.
    pub(super) identity: Option<CertificateAndKey>,
    /// User and password.
    pub(super) user: Option<(String, String)>,
}

/// The faults of the files as they are now.
#[derive(Default)]
struct Doubts {
    /// With the authorities.
    ca: Option<Doubt>,
    /// With certificate and key.
    identity: Option<Doubt>,
    /// With the password.
    user: Option<Doubt>,
}

/// A fault of a file that was good before.
struct Doubt {
    fault: FileFault,
    /// Since when it is there.
    since: Instant,
    /// Whether it was told.
    is_told: bool,
}

impl Access {
    /// Reads the files for the first time.
    ///
    /// # Errors
    /// [`FileFault`]: which file cannot be used, and why.
    pub fn read(files: Files) -> Result<Self, FileFault> {
        let credentials = Credentials {
            edition: 0,
            ca: files.read_ca()?,
            identity: files.read_identity()?,
            user: files.read_user()?,
        };
        let now = ArcSwap::from_pointee(credentials);
        Ok(Self { shared: Arc::new(Shared { files, now, doubts: Lock::default() }) })
    }

    /// Whether there is something in it that only TLS has a use for.
    #[must_use]
    pub fn wants_tls(&self) -> bool {
        self.shared.files.wants_tls()
    }

    /// The user's name.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.shared.files.user.as_ref().map(|(user, _)| user.as_str())
    }

    /// The certificates that are shown, as they were read last.
    #[must_use]
    pub fn certificates(&self) -> Vec<CertificateDer<'static>> {
        let now = self.now();
        let pem = now.identity.as_ref().map_or(&[][..], |(pem, _)| pem);
        pem::check_certificates(pem).unwrap_or_default()
    }

    /// What was read last.
    pub(super) fn now(&self) -> Arc<Credentials> {
        self.shared.now.load_full()
    }

    /// Reads the files again, away from the threads that serve. Should a look hang (a file
    /// system that is away), the others go on with what is known.
    pub(super) async fn look(&self) {
        if self.shared.files.is_empty() {
            return;
        }
        let shared = Arc::clone(&self.shared);
        if tokio::task::spawn_blocking(move || shared.look()).await.is_err() {
            tracing::debug!("could not read the files of certificates and password");
        }
    }
}

impl Shared {
    /// Reads the files and takes what is new and can be used.
    fn look(&self) {
        let Some(mut doubts) = self.doubts.try_lock() else { return };
        let mut next = Credentials::clone(&self.now.load());
        let taken = [
            take(&mut next.ca, self.files.read_ca(), &mut doubts.ca),
            take(&mut next.identity, self.files.read_identity(), &mut doubts.identity),
            take(&mut next.user, self.files.read_user(), &mut doubts.user),
        ];
        if taken.contains(&true) {
            next.edition += 1;
            tracing::info!("certificates or password reloaded; new connections use them");
            self.now.store(Arc::new(next));
        }
    }
}

/// Takes what was read, if it is new. Says whether it is.
fn take<T: PartialEq>(held: &mut T, read: Result<T, FileFault>, doubt: &mut Option<Doubt>) -> bool {
    match read {
        Ok(read) => {
            *doubt = None;
            let is_new = *held != read;
            *held = read;
            is_new
        }
        Err(fault) => {
            note(fault, doubt);
            false
        }
    }
}

/// Notes a fault, and tells it once when it has lasted.
fn note(fault: FileFault, doubt: &mut Option<Doubt>) {
    let is_known = doubt.as_ref().is_some_and(|known| known.fault == fault);
    if !is_known {
        *doubt = Some(Doubt { fault: fault.clone(), since: Instant::now(), is_told: false });
    }
    let Some(known) = doubt else { return };
    if !known.is_told && known.since.elapsed() >= SETTLE {
        known.is_told = true;
        tracing::warn!(
            "{fault}; still using what was read before: write the file anew, it is read again \
             every {}",
            humantime::format_duration(LOOK_EVERY)
        );
    }
}

impl std::fmt::Debug for Access {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Access").field("user", &self.user()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::NamedFile;

    #[test]
    fn what_is_new_and_good_is_taken_and_what_is_bad_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("password");
        let write = |text: &str| std::fs::write(&path, text).unwrap();
        write("one\n");
        let file = NamedFile { path: path.clone(), origin: "--password-file".to_owned() };
        let user = Some(("u".to_owned(), file));
        let access = Access::read(Files { user, ..Files::default() }).unwrap();
        let sees = |password: &str, edition: u64| {
            access.shared.look();
            let now = access.now();
            assert_eq!(now.user.as_ref().unwrap().1, password);
            assert_eq!(now.edition, edition);
        };
        sees("one", 0);
        write("\n");
        sees("one", 0);
        write("two\nthe second line is not read");
        sees("two", 1);
        std::fs::remove_file(&path).unwrap();
        sees("two", 1);
        write("two\n");
        sees("two", 1);
        assert!(!format!("{access:?}").contains("two"));
    }
}
