//! Files that options name: certificates, keys, passwords, tokens and secrets.

use std::path::PathBuf;

use rustls::sign::CertifiedKey;

use super::pem;
use crate::error::Failure;

/// The largest certificate, key or password file that is read.
const FILE_OCTETS: u64 = 1 << 20;

/// A file, and how to call the option that names it.
#[derive(Debug, Clone)]
pub struct NamedFile {
    /// The path, relative to the working directory.
    pub path: PathBuf,
    /// `--ca`, or `srvd.toml:3: ca`.
    pub origin: String,
}

/// The reason that a file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{origin} {path}: {text}")]
pub struct FileFault {
    /// The option that names it.
    origin: String,
    path: String,
    /// What is wrong, and what to do.
    text: String,
}

impl NamedFile {
    /// Reads the file.
    ///
    /// # Errors
    /// [`FileFault`]: it cannot be read, or is too large.
    pub fn read(&self) -> Result<Vec<u8>, FileFault> {
        let read = super::read(&self.path, FILE_OCTETS);
        let octets = read.map_err(|error| self.fault(error.to_string()))?;
        if octets.len() as u64 > FILE_OCTETS {
            return Err(
                self.fault(format!("is larger than the {FILE_OCTETS} octets that are read"))
            );
        }
        Ok(octets)
    }

    /// What is wrong with the file.
    #[must_use]
    pub fn fault(&self, text: impl Into<String>) -> FileFault {
        let path = self.path.display().to_string();
        FileFault { origin: self.origin.clone(), path, text: text.into() }
    }
}

/// The certificate chain of a file and the key of another, which must belong together;
/// `option` names the former.
///
/// # Errors
/// [`FileFault`]: which file cannot be used, and why.
pub fn certified(
    (certificate, key): (&NamedFile, &NamedFile),
    option: &str,
) -> Result<CertifiedKey, FileFault> {
    let (pem, key_pem) = (certificate.read()?, key.read()?);
    let certificates = pem::check_certificates(&pem).map_err(|text| certificate.fault(text))?;
    pem::pair(certificates, &key_pem, option).map_err(|text| key.fault(text))
}

impl From<FileFault> for Failure {
    fn from(fault: FileFault) -> Self {
        Self::usage(fault)
    }
}
