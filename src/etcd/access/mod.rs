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
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::pki_types::CertificateDer;

use self::files::CertificateAndKey;
use crate::files::{FileFault, Followed, LOOK_EVERY, pem};
use crate::lock::Lock;

pub use self::files::Files;

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
    /// What the files said last; locked while somebody looks.
    followed: Lock<FollowedCredentials>,
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

/// The credentials, one by one: each stays as it was while its files cannot be used.
#[derive(Default)]
struct FollowedCredentials {
    ca: Followed<Option<Vec<u8>>>,
    identity: Followed<Option<CertificateAndKey>>,
    user: Followed<Option<(String, String)>>,
}

impl Access {
    /// Reads the files for the first time.
    ///
    /// # Errors
    /// [`FileFault`]: which file cannot be used, and why.
    pub fn read(files: Files) -> Result<Self, FileFault> {
        let followed = FollowedCredentials {
            ca: Followed::new(files.read_ca()?),
            identity: Followed::new(files.read_identity()?),
            user: Followed::new(files.read_user()?),
        };
        let now = ArcSwap::from_pointee(followed.credentials(0));
        Ok(Self { shared: Arc::new(Shared { files, now, followed: Lock::new(followed) }) })
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
        let Some(mut followed) = self.followed.try_lock() else { return };
        let FollowedCredentials { ca, identity, user } = &mut *followed;
        let taken = [
            take(ca, self.files.read_ca()),
            take(identity, self.files.read_identity()),
            take(user, self.files.read_user()),
        ];
        if taken.contains(&true) {
            tracing::info!("certificates or password reloaded; new connections use them");
            self.now.store(Arc::new(followed.credentials(self.now.load().edition + 1)));
        }
    }
}

impl FollowedCredentials {
    /// The credentials as they are to be used.
    fn credentials(&self, edition: u64) -> Credentials {
        let Self { ca, identity, user } = self;
        let (ca, identity, user) = (ca.value.clone(), identity.value.clone(), user.value.clone());
        Credentials { edition, ca, identity, user }
    }
}

/// Takes what was read, if it is new; says whether it is.
fn take<T: PartialEq>(followed: &mut Followed<T>, read: Result<T, FileFault>) -> bool {
    followed.take(read, SETTLE, |_| {
        let again = humantime::format_duration(LOOK_EVERY);
        format!(
            "still using what was read before: write the file anew, it is read again every {again}"
        )
    })
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
