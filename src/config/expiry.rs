//! Certificates that are over, or will be soon.

use std::time::SystemTime;

use rustls::pki_types::CertificateDer;

use crate::certificates;
use crate::files::NamedFile;
use crate::metrics::CertificateEnd;
use crate::registry::Diagnostic;

/// A warning of the certificate of a chain that ends first, if that is soon.
pub(super) fn ending(
    file: &NamedFile,
    chain: &[CertificateDer<'_>],
    now: SystemTime,
) -> Option<Diagnostic> {
    let end = CertificateEnd::soon("", certificates::end(chain)?, now)?;
    let place = format!("{} {}", file.origin, file.path.display());
    Some(Diagnostic::in_words(&place, &end.to_string()))
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
