//! Faults on the way to an encrypted upstream, in words that say what to do.

use std::io;
use std::time::{Duration, UNIX_EPOCH};

use rustls::pki_types::UnixTime;
use rustls::{CertificateError, Error as TlsError};

use crate::forward::server::UpstreamServer;

/// What is said where nobody speaks TLS.
const NO_TLS: &str = "it does not speak TLS there; name the port where it does";

/// What went wrong with a connection.
pub(super) fn words(server: &UpstreamServer, fault: &io::Error) -> String {
    let tls = fault.get_ref().and_then(|it| it.downcast_ref::<TlsError>());
    match tls {
        Some(TlsError::InvalidCertificate(fault)) => certificate(server, fault),
        Some(TlsError::InvalidMessage(_)) => NO_TLS.to_owned(),
        Some(TlsError::NoApplicationProtocol) => {
            "it speaks another protocol there; name the port of this one".to_owned()
        }
        Some(other) => format!("TLS failed, {other}"),
        None if fault.kind() == io::ErrorKind::UnexpectedEof => {
            "it closed the connection during the TLS handshake".to_owned()
        }
        None => fault.to_string(),
    }
}

/// What is wrong with its certificate.
fn certificate(server: &UpstreamServer, fault: &CertificateError) -> String {
    match fault {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its certificate is signed by an unknown authority; name that authority's certificate \
             in `forward-ca`"
                .to_owned()
        }
        CertificateError::ExpiredContext { not_after, .. } => {
            format!(
                "its certificate expired on {}; have it renewed, or set the clock",
                day(*not_after)
            )
        }
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("its certificate is not valid before {}; set the clock", day(*not_before))
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            let name = server.server_name();
            format!(
                "its certificate is not for {}; write the name that it is for behind #",
                name.to_str()
            )
        }
        other => format!("its certificate cannot be used, {other}; have it renewed"),
    }
}

/// A moment, as people write it.
fn day(time: UnixTime) -> impl std::fmt::Display {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(time.as_secs()))
}
