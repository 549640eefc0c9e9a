//! The configuration, validated: flag > variable > file > default.
//!
//! From here on nothing is a `String` that should be a name, a duration or a url.
//! Nothing is bound or connected here; files that are named are read.

mod answering;
mod designated;
mod differences;
mod encrypted;
mod expiry;
mod forward;
mod http;
mod identity;
mod known;
mod limits;
mod outage;
mod readers;
mod reverse;
mod secrets;
mod serve;
mod servers;
mod watched;
mod zones;

use std::time::Duration;

use crate::error::Failure;
use crate::etcd::{Access, Files};
use crate::files::NamedFile;
use crate::names::{self, DEFAULT_REGISTRY};
use crate::options::{Common, File};
use crate::registry::{Diagnostic, RegistryUrl};
use crate::telemetry::LogFormat;

use self::secrets::exposed;
use self::zones::registry_zones;

pub use self::answering::Answering;
pub use self::designated::{designated_name, designations};
pub use self::differences::differences;
pub use self::encrypted::Encrypted;
pub use self::http::{Http, server};
pub use self::known::KnownZones;
pub use self::limits::Limits;
pub use self::outage::{Outage, State};
pub use self::serve::{Fixed, Listen, Serve};
pub use self::watched::watched;
pub use self::zones::{ZoneConfig, ZoneSource, indexed, settings as zone_settings};

/// The options that every command has.
#[derive(Debug, Clone)]
pub struct Registry {
    /// Where the registry is.
    pub url: RegistryUrl,
    /// Whether somebody said so, rather than the default.
    pub is_explicit: bool,
    /// How to be let in.
    pub access: Access,
    /// Warnings of files with secrets that everybody may read.
    pub exposed: Vec<Diagnostic>,
}

impl Registry {
    /// The registry that the options and the file name.
    ///
    /// # Errors
    /// [`Failure::Usage`]: what is wrong, where, and what to do.
    pub fn new(common: &Common, file: &File) -> Result<Self, Failure> {
        let registry = Self::without_check(common, file)?;
        check_tls(registry.access.wants_tls(), [&registry.url])?;
        Ok(registry)
    }

    /// The same where the zones may have registries of their own: whether the access fits
    /// is checked when they are known.
    fn without_check(common: &Common, file: &File) -> Result<Self, Failure> {
        let (url, is_explicit) = registry_url(common, file)?;
        let files = files(common, file)?;
        let exposed = exposed(&files);
        Ok(Self { url, is_explicit, access: Access::read(files)?, exposed })
    }
}

/// The registries that a command reads: nothing that only `serve` may read.
#[derive(Debug)]
pub struct Registries {
    /// The registry zones, in the order of the file; of zone files nothing is read.
    pub zones: Vec<ZoneConfig>,
    /// How their registries let us in.
    pub access: Access,
}

impl Registries {
    /// The registries that the options and the file name.
    ///
    /// # Errors
    /// [`Failure::Usage`]: what is wrong, where, and what to do.
    pub fn new(common: &Common, file: &File) -> Result<Self, Failure> {
        let Registry { url, access, .. } = Registry::without_check(common, file)?;
        let zones = registry_zones(&url, &[], file)?;
        check_tls(access.wants_tls(), zones.iter().map(|zone| &zone.registry))?;
        Ok(Self { zones, access })
    }
}

/// The registry that the options and the file name, and whether they name one.
fn registry_url(common: &Common, file: &File) -> Result<(RegistryUrl, bool), Failure> {
    let configured =
        common.registry(file).map(|given| read_url(&given.origin, &given.value)).transpose()?;
    let is_explicit = configured.is_some();
    let default = || DEFAULT_REGISTRY.parse().expect("the default is a registry url");
    Ok((configured.unwrap_or_else(default), is_explicit))
}

/// The log format that the options and the file name.
#[must_use]
pub fn log_format(common: &Common, file: &File) -> LogFormat {
    common.log_format(file).map(|given| given.value).unwrap_or_default()
}

/// Reads a registry url. What may be a password in it is not repeated.
fn read_url(origin: &str, text: &str) -> Result<RegistryUrl, Failure> {
    text.parse().map_err(|fault| {
        Failure::usage(format!("{origin}: `{}` {fault}", RegistryUrl::masked(text)))
    })
}

/// A lease is some whole seconds, and not for ever.
///
/// # Errors
/// [`Failure::Usage`]: it is not, at the option or key that is named.
pub fn check_lease(origin: &str, ttl: Duration) -> Result<(), Failure> {
    names::check_lease(ttl).map_err(|fault| Failure::usage(format!("{origin}: {fault}")))
}

/// Certificates are of use only where TLS is spoken.
fn check_tls<'u>(
    wants_tls: bool,
    urls: impl IntoIterator<Item = &'u RegistryUrl>,
) -> Result<(), Failure> {
    if wants_tls && !urls.into_iter().any(|url| url.tls || url.domain.is_some()) {
        return Err(Failure::usage("--ca, --cert and --key need a registry url with https://"));
    }
    Ok(())
}

/// Where credentials and certificates are. Nothing is read.
fn files(common: &Common, file: &File) -> Result<Files, Failure> {
    let ca = common.ca(file).map(|given| given.named(file));
    Ok(Files { ca, identity: identity(common, file)?, user: user(common, file)? })
}

/// The user, and where the password is.
fn user(common: &Common, file: &File) -> Result<Option<(String, NamedFile)>, Failure> {
    let password = common.password_file(file).map(|given| given.named(file));
    let user = common.user(file);
    if let Some(both) = user.as_ref().filter(|user| user.value.contains(':')) {
        let text = "give the name without a password; that goes into a file, --password-file";
        return Err(both.fault(text));
    }
    if user.is_some() != password.is_some() {
        let origin = user.map_or("--password-file".to_owned(), |user| user.origin);
        return Err(Failure::usage(format!(
            "{origin}: --user and --password-file go together; give both or none"
        )));
    }
    Ok(user.map(|user| user.value).zip(password))
}

/// The client certificate and its key.
fn identity(common: &Common, file: &File) -> Result<Option<(NamedFile, NamedFile)>, Failure> {
    let cert = common.cert(file).map(|given| given.named(file));
    let key = common.key(file).map(|given| given.named(file));
    match (cert, key) {
        (Some(cert), Some(key)) => Ok(Some((cert, key))),
        (None, None) => Ok(None),
        (Some(one), None) | (None, Some(one)) => {
            Err(one.fault("--cert and --key go together; give both or none").into())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn certificates_need_a_registry_that_speaks_tls() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ca.pem");
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap();
        fs::write(&path, certificate.pem()).unwrap();
        let ca = Some(NamedFile { path, origin: "--ca".to_owned() });
        let access = Access::read(Files { ca, ..Files::default() }).unwrap();
        let [plain, tls] = ["http://a", "https://a"].map(|url| url.parse().unwrap());
        assert!(check_tls(access.wants_tls(), [&plain]).is_err());
        assert!(check_tls(access.wants_tls(), [&plain, &tls]).is_ok());
        assert!(check_tls(Access::default().wants_tls(), [&plain]).is_ok());
    }

    #[test]
    fn certificates_are_looked_into() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str, text: &str| {
            let path = directory.path().join(name);
            fs::write(&path, text).unwrap();
            Some(path)
        };
        let registry = Some("https://a".to_owned());
        let common = |ca, cert, key| Common {
            registry: registry.clone(),
            ca,
            cert,
            key,
            ..Common::default()
        };
        for (common, message) in [
            (common(path("ca.pem", "nonsense"), None, None), "--ca "),
            (
                common(path("ca.pem", "-----BEGIN CERTIFICATE-----\n*\n"), None, None),
                "is no PEM that can be read",
            ),
            (common(None, path("cert.pem", ""), path("key.pem", "")), "has no certificate in it"),
            (common(None, path("cert.pem", ""), None), "--cert and --key go together"),
        ] {
            let failure = Registry::new(&common, &File::default()).unwrap_err();
            assert!(failure.code() == 2 && failure.to_string().contains(message), "{failure}");
        }
    }
}
