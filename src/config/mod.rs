//! What was configured, validated: flag > variable > file > default.
//!
//! From here on nothing is a `String` that should be a name, a duration or a url.
//! Nothing is bound or connected here; files that are named are read.

mod file;
mod outage;
mod serve;
mod tls;

use std::fs;
use std::io::Read;
use std::path::PathBuf;

use rustls::pki_types::CertificateDer;

use crate::cli::Common;
use crate::error::Failure;
use crate::etcd::Access;
use crate::names::DEFAULT_REGISTRY;
use crate::registry::RegistryUrl;
use crate::telemetry::LogFormat;

use self::file::Written;

pub use self::file::File;
pub use self::outage::{Outage, State};
pub use self::serve::{Http, Listen, Serve, ZoneConfig};

/// The largest certificate, key or password file that is read.
const SECRET_OCTETS: u64 = 1 << 20;

/// What every command needs to know.
#[derive(Debug, Clone)]
pub struct Registry {
    /// Where the registry is.
    pub url: RegistryUrl,
    /// Whether somebody said so, rather than the default.
    pub is_explicit: bool,
    /// How to be let in.
    pub access: Access,
}

/// PEM of a certificate and of its key.
type Identity = (Vec<u8>, Vec<u8>);

/// A path that an option names, and how to call the option in an error.
struct Named {
    /// The path, relative to the working directory.
    path: PathBuf,
    /// `--ca`, or `srvd.toml:3: ca`.
    origin: String,
}

impl Registry {
    /// The registry that the options and the file name.
    ///
    /// # Errors
    /// [`Failure::Usage`]: what is wrong, where, and what to do.
    pub fn new(common: &Common, file: &File) -> Result<Self, Failure> {
        let registry = Self::without_check(common, file)?;
        check_tls(&registry.access, [&registry.url])?;
        Ok(registry)
    }

    /// The same where the zones may have registries of their own: whether the access fits
    /// is checked when they are known.
    fn without_check(common: &Common, file: &File) -> Result<Self, Failure> {
        let typed = common.registry.as_deref().map(|text| read_url("--registry", text));
        let written =
            file.registry.as_ref().map(|url| read_url(&file.origin("registry", url), url.as_ref()));
        let configured = typed.or(written).transpose()?;
        let is_explicit = configured.is_some();
        let default = || DEFAULT_REGISTRY.parse().expect("the default is a registry url");
        let url = configured.unwrap_or_else(default);
        Ok(Self { url, is_explicit, access: access(common, file)? })
    }
}

/// The log format that the options and the file name.
#[must_use]
pub fn log_format(common: &Common, file: &File) -> LogFormat {
    common.log_format.or(file.log_format).unwrap_or_default()
}

/// Reads a registry url. What may be a password in it is not repeated.
fn read_url(origin: &str, text: &str) -> Result<RegistryUrl, Failure> {
    text.parse().map_err(|fault| Failure::usage(format!("{origin} `{}` {fault}", masked(text))))
}

/// A url without its user and password.
fn masked(text: &str) -> String {
    let Some((before, place)) = text.rsplit_once('@') else { return text.to_owned() };
    let scheme = before.split_once("://").map_or("", |(scheme, _)| scheme);
    let separator = if scheme.is_empty() { "" } else { "://" };
    format!("{scheme}{separator}***@{place}")
}

/// Certificates are of use only where TLS is spoken.
fn check_tls<'u>(
    access: &Access,
    urls: impl IntoIterator<Item = &'u RegistryUrl>,
) -> Result<(), Failure> {
    let is_wanted = access.ca.is_some() || access.identity.is_some();
    if is_wanted && !urls.into_iter().any(|url| url.tls) {
        return Err(Failure::usage("--ca, --cert and --key need a registry url with https://"));
    }
    Ok(())
}

/// Credentials and certificates.
fn access(common: &Common, file: &File) -> Result<Access, Failure> {
    let ca = named("ca", &common.ca, &file.ca, file).map(|named| certificates_of(&named));
    let ca = ca.transpose()?.map(|(pem, _)| pem);
    Ok(Access { ca, identity: identity(common, file)?, user: user(common, file)? })
}

/// The user and the password.
fn user(common: &Common, file: &File) -> Result<Option<(String, String)>, Failure> {
    let password = named("password-file", &common.password_file, &file.password_file, file);
    let password = password.map(|named| password_of(&named)).transpose()?;
    let typed = common.user.as_deref().map(|user| (user, "--user".to_owned()));
    let written =
        file.user.as_ref().map(|user| (user.as_ref().as_str(), file.origin("user", user)));
    let user = typed.or(written);
    if let Some((user, origin)) = &user
        && user.contains(':')
    {
        let text = "is the name alone; put the password into a file, --password-file";
        return Err(Failure::usage(format!("{origin} {text}")));
    }
    if user.is_some() != password.is_some() {
        let origin = user.map_or("--password-file".to_owned(), |(_, origin)| origin);
        return Err(Failure::usage(format!(
            "{origin}: --user and --password-file go together; give both or none"
        )));
    }
    Ok(user.map(|(user, _)| user.to_owned()).zip(password))
}

/// The client certificate and its key.
fn identity(common: &Common, file: &File) -> Result<Option<Identity>, Failure> {
    let cert = named("cert", &common.cert, &file.cert, file);
    let key = named("key", &common.key, &file.key, file);
    let (cert, key) = match (cert, key) {
        (Some(cert), Some(key)) => (cert, key),
        (None, None) => return Ok(None),
        (Some(one), None) | (None, Some(one)) => {
            return Err(one.fault("--cert and --key go together; give both or none"));
        }
    };
    let (pem, certificates) = certificates_of(&cert)?;
    let key_pem = key.read()?;
    tls::check_key(&key_pem, certificates).map_err(|fault| key.fault(&fault))?;
    Ok(Some((pem, key_pem)))
}

/// A file of certificates, as it is and looked into.
fn certificates_of(named: &Named) -> Result<(Vec<u8>, Vec<CertificateDer<'static>>), Failure> {
    let pem = named.read()?;
    let certificates = tls::check_certificates(&pem).map_err(|fault| named.fault(&fault))?;
    Ok((pem, certificates))
}

/// A path that an option or a key of the file names.
fn named(
    option: &str,
    typed: &Option<PathBuf>,
    written: &Written<PathBuf>,
    file: &File,
) -> Option<Named> {
    let typed = typed.clone().map(|path| Named { path, origin: format!("--{option}") });
    typed.or_else(|| {
        let path = written.as_ref()?;
        Some(Named { path: file.resolve(path.as_ref()), origin: file.origin(option, path) })
    })
}

impl Named {
    /// Reads the file.
    fn read(&self) -> Result<Vec<u8>, Failure> {
        let mut octets = Vec::new();
        let read = fs::File::open(&self.path)
            .and_then(|file| file.take(SECRET_OCTETS + 1).read_to_end(&mut octets));
        read.map_err(|error| self.fault(&error.to_string()))?;
        if octets.len() as u64 > SECRET_OCTETS {
            return Err(
                self.fault(&format!("is larger than the {SECRET_OCTETS} octets that are read"))
            );
        }
        Ok(octets)
    }

    /// What is wrong with the file.
    fn fault(&self, text: &str) -> Failure {
        Failure::usage(format!("{} {}: {text}", self.origin, self.path.display()))
    }
}

/// The first line of a password file.
fn password_of(named: &Named) -> Result<String, Failure> {
    let text = String::from_utf8(named.read()?).map_err(|_| named.fault("is not UTF-8"))?;
    let password = text.lines().next().unwrap_or_default();
    if password.is_empty() {
        return Err(named.fault("its first line is empty; write the password there"));
    }
    Ok(password.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_repeated() {
        assert_eq!(masked("http://u:p@a,b/x"), "http://***@a,b/x");
        assert_eq!(masked("u:p@a"), "***@a");
        assert_eq!(masked("http://a"), "http://a");
    }

    #[test]
    fn certificates_need_a_registry_that_speaks_tls() {
        let access = Access { ca: Some(Vec::new()), ..Access::default() };
        let [plain, tls] = ["http://a", "https://a"].map(|url| url.parse().unwrap());
        assert!(check_tls(&access, [&plain]).is_err());
        assert!(check_tls(&access, [&plain, &tls]).is_ok());
        assert!(check_tls(&Access::default(), [&plain]).is_ok());
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
