//! Certificates and keys, looked into when they are read: a file that cannot be used must
//! not look like a registry that cannot be reached.

use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};

/// The reason that a certificate or key cannot be used, in words that follow the file's name.
type PemFault = String;

/// Checks that there is at least one certificate.
pub(crate) fn check_certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, PemFault> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => {
            Err("has no certificate in it; write PEM, BEGIN CERTIFICATE".to_owned())
        }
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(format!("is no PEM that can be read: {error}")),
    }
}

/// A certificate chain and the key that belongs to it; `option` names the former's file.
pub(crate) fn pair(
    certificates: Vec<CertificateDer<'static>>,
    key_pem: &[u8],
    option: &str,
) -> Result<CertifiedKey, PemFault> {
    let key = PrivateKeyDer::from_pem_slice(key_pem)
        .map_err(|error| format!("has no private key in it that can be read: {error}"))?;
    let key = any_supported_type(&key).map_err(|error| format!("cannot be used: {error}"))?;
    let pair = CertifiedKey::new(certificates, key);
    match pair.keys_match() {
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(pair),
        Err(Error::InconsistentKeys(_)) => {
            Err(format!("does not belong to the certificate of {option}"))
        }
        Err(error) => Err(format!(
            "cannot be compared with the certificate of {option}, which must be X.509 v3: {error}"
        )),
    }
}
