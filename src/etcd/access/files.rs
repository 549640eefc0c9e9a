//! The files of credentials for etcd: where they are, and what is in them.

use crate::files::{FileFault, NamedFile, pem};

/// The files that let us in; none of them is needed.
#[derive(Debug, Clone, Default)]
pub struct Files {
    /// PEM of the authorities that sign etcd's certificates; the system's when absent.
    pub ca: Option<NamedFile>,
    /// PEM of a client certificate, and of its key.
    pub identity: Option<(NamedFile, NamedFile)>,
    /// A user, and the file whose first line is the password.
    pub user: Option<(String, NamedFile)>,
}

/// PEM of a certificate and of its key.
pub(in crate::etcd) type CertificateAndKey = (Vec<u8>, Vec<u8>);

impl Files {
    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &NamedFile> {
        let identity = self.identity.iter().flat_map(|(certificate, key)| [certificate, key]);
        self.ca.iter().chain(identity).chain(self.user.iter().map(|(_, password)| password))
    }

    /// The authorities.
    pub(super) fn read_ca(&self) -> Result<Option<Vec<u8>>, FileFault> {
        let Some(file) = &self.ca else { return Ok(None) };
        let pem = file.read()?;
        pem::check_certificates(&pem).map_err(|text| file.fault(text))?;
        Ok(Some(pem))
    }

    /// The client certificate and its key, which must belong together.
    pub(super) fn read_identity(&self) -> Result<Option<CertificateAndKey>, FileFault> {
        let Some((certificate, key)) = &self.identity else { return Ok(None) };
        let (pem, key_pem) = (certificate.read()?, key.read()?);
        let certificates = pem::check_certificates(&pem).map_err(|text| certificate.fault(text))?;
        pem::pair(certificates, &key_pem, "--cert").map_err(|text| key.fault(text))?;
        Ok(Some((pem, key_pem)))
    }

    /// The user and the password.
    pub(super) fn read_user(&self) -> Result<Option<(String, String)>, FileFault> {
        let Some((user, file)) = &self.user else { return Ok(None) };
        let text = String::from_utf8(file.read()?).map_err(|_| file.fault("is not UTF-8"))?;
        let password = text.lines().next().unwrap_or_default();
        if password.is_empty() {
            return Err(file.fault("its first line is empty; write the password there"));
        }
        Ok(Some((user.clone(), password.to_owned())))
    }

    /// The options that name them, each with its value in words; no secret.
    #[must_use]
    pub fn named(&self) -> Vec<(&'static str, String)> {
        let path = |file: &NamedFile| file.path.display().to_string();
        let (identity, user) = (self.identity.as_ref(), self.user.as_ref());
        let all = [
            ("ca", self.ca.as_ref().map(path)),
            ("cert", identity.map(|(certificate, _)| path(certificate))),
            ("key", identity.map(|(_, key)| path(key))),
            ("user", user.map(|(user, _)| user.clone())),
            ("password-file", user.map(|(_, password)| path(password))),
        ];
        all.map(|(key, value)| (key, value.unwrap_or_else(|| "none".to_owned()))).into()
    }

    /// Whether there is something in it that only TLS has a use for.
    #[must_use]
    pub const fn wants_tls(&self) -> bool {
        self.ca.is_some() || self.identity.is_some()
    }

    /// Whether there is any file.
    pub(super) const fn is_empty(&self) -> bool {
        self.ca.is_none() && self.identity.is_none() && self.user.is_none()
    }
}
