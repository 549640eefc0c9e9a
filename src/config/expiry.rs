//! Certificates that are over, or will be soon.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::CertificateDer;
use x509_parser::parse_x509_certificate;

use crate::files::NamedFile;
use crate::registry::Diagnostic;

/// How long before its end a certificate is warned of. Those that are renewed by a program
/// are so about a month before: within two weeks somebody should look.
const SOON: Duration = Duration::from_secs(14 * 24 * 3600);

/// A warning of the certificate of a chain that ends first, if that is soon.
pub(super) fn ending(
    file: &NamedFile,
    chain: &[CertificateDer<'_>],
    now: SystemTime,
) -> Option<Diagnostic> {
    let end = chain.iter().filter_map(end).min()?;
    let when = humantime::format_rfc3339_seconds(end);
    let problem = match end.duration_since(now) {
        Err(_) => format!("the certificate has expired at {when}"),
        Ok(left) if left < SOON => format!("the certificate expires at {when}"),
        Ok(_) => return None,
    };
    let place = format!("{} {}", file.origin, file.path.display());
    Some(Diagnostic::in_words(&place, &format!("{problem}; renew it, it is read again by itself")))
}

/// When a certificate ends; what cannot be read is no certificate that ends.
fn end(certificate: &CertificateDer<'_>) -> Option<SystemTime> {
    let (_, certificate) = parse_x509_certificate(certificate).ok()?;
    let seconds = u64::try_from(certificate.validity().not_after.timestamp()).unwrap_or(0);
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_a_chain_to_end_is_warned_of_two_weeks_before() {
        let made = |year| {
            let mut params = rcgen::CertificateParams::default();
            params.not_after = rcgen::date_time_ymd(year, 3, 15);
            params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().der().clone()
        };
        let chain = [made(2031), made(2030)];
        let file = NamedFile { path: "c.pem".into(), origin: "--http-cert".to_owned() };
        let at = |text: &str| humantime::parse_rfc3339(text).unwrap();
        let warned = |text: &str| ending(&file, &chain, at(text)).map(|it| it.to_string());
        assert_eq!(warned("2030-03-01T00:00:00Z"), None);
        let soon = warned("2030-03-01T00:00:01Z").unwrap();
        assert!(
            soon.starts_with("--http-cert c.pem: the certificate expires at 2030-03-15"),
            "{soon}"
        );
        assert!(warned("2030-03-15T00:00:01Z").unwrap().contains("has expired at 2030-03-15T"));
        assert_eq!(ending(&file, &[], at("2030-03-01T00:00:00Z")), None);
    }
}
