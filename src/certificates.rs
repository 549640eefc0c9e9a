//! Certificates: when they end.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::CertificateDer;
use x509_parser::parse_x509_certificate;

/// When the certificate of a chain ends that ends first; what cannot be read is no certificate
/// that ends.
#[must_use]
pub fn end(chain: &[CertificateDer<'_>]) -> Option<SystemTime> {
    chain.iter().filter_map(end_of).min()
}

/// When a certificate ends.
fn end_of(certificate: &CertificateDer<'_>) -> Option<SystemTime> {
    let (_, certificate) = parse_x509_certificate(certificate).ok()?;
    let seconds = u64::try_from(certificate.validity().not_after.timestamp()).unwrap_or(0);
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}
