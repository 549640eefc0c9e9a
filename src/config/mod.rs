//! What was configured, validated: flag > variable > file > default.
//!
//! From here on nothing is a `String` that should be a name, a duration or a url.
//! Nothing is bound or connected here; files that are named are read.

mod file;
mod serve;

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::Common;
use crate::error::Failure;
use crate::etcd::Access;
use crate::names::DEFAULT_REGISTRY;
use crate::registry::RegistryUrl;
use crate::telemetry::LogFormat;

pub use self::file::File;
pub use self::serve::{Listen, Serve, ZoneConfig};

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

impl Registry {
    /// The registry that the options and the file name.
    ///
    /// # Errors
    /// [`Failure::Usage`]: what is wrong, where, and what to do.
    pub fn new(common: &Common, file: &File) -> Result<Self, Failure> {
        let typed = common.registry.as_deref().map(|text| {
            text.parse::<RegistryUrl>()
                .map_err(|fault| Failure::usage(format!("--registry `{text}` {fault}")))
        });
        let configured = typed.transpose()?.or_else(|| file.registry.clone().map(|url| url.0));
        let is_explicit = configured.is_some();
        let default = || DEFAULT_REGISTRY.parse().expect("the default is a registry url");
        let url = configured.unwrap_or_else(default);
        let access = access(common, file)?;
        if !url.tls && (access.ca.is_some() || access.identity.is_some()) {
            return Err(Failure::usage("--ca, --cert and --key need a registry url with https://"));
        }
        Ok(Self { url, is_explicit, access })
    }
}

/// The log format that the options and the file name.
#[must_use]
pub fn log_format(common: &Common, file: &File) -> LogFormat {
    common.log_format.or(file.log_format).unwrap_or_default()
}

/// Credentials and certificates.
fn access(common: &Common, file: &File) -> Result<Access, Failure> {
    let path = |typed: &Option<PathBuf>, written: &Option<PathBuf>| {
        typed.clone().or_else(|| written.as_deref().map(|path| file.resolve(path)))
    };
    let ca = path(&common.ca, &file.ca).map(|path| read("--ca", &path)).transpose()?;
    let cert = path(&common.cert, &file.cert).map(|path| read("--cert", &path)).transpose()?;
    let key = path(&common.key, &file.key).map(|path| read("--key", &path)).transpose()?;
    if cert.is_some() != key.is_some() {
        return Err(Failure::usage("--cert and --key go together; give both or none"));
    }
    let password = path(&common.password_file, &file.password_file);
    let password = password.map(|path| password_of(&path)).transpose()?;
    let user = common.user.clone().or_else(|| file.user.clone());
    if user.as_ref().is_some_and(|user| user.contains(':')) {
        return Err(Failure::usage(
            "--user is the name alone; put the password into a file, --password-file",
        ));
    }
    if user.is_some() != password.is_some() {
        return Err(Failure::usage("--user and --password-file go together; give both or none"));
    }
    Ok(Access { ca, identity: cert.zip(key), user: user.zip(password) })
}

/// Reads a file that an option names.
fn read(option: &str, path: &Path) -> Result<Vec<u8>, Failure> {
    let usage = |text: String| Failure::usage(format!("{option} {}: {text}", path.display()));
    let length = fs::metadata(path).map_err(|error| usage(error.to_string()))?.len();
    if length > SECRET_OCTETS {
        return Err(usage(format!("has {length} octets, at most {SECRET_OCTETS} are read")));
    }
    fs::read(path).map_err(|error| usage(error.to_string()))
}

/// The first line of a password file.
fn password_of(path: &Path) -> Result<String, Failure> {
    let usage = |text: &str| Failure::usage(format!("--password-file {}: {text}", path.display()));
    let octets = read("--password-file", path)?;
    let text = String::from_utf8(octets).map_err(|_| usage("is not UTF-8"))?;
    let password = text.lines().next().unwrap_or_default();
    if password.is_empty() {
        return Err(usage("its first line is empty; write the password there"));
    }
    Ok(password.to_owned())
}
