//! Faults on the way to a member, in words that say what to do.
//!
//! Below tonic the reason lies several errors deep, and its own text is "transport error".

use std::error::Error as Cause;
use std::io;
use std::time::{Duration, UNIX_EPOCH};

use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error as TlsError};

use super::Error;

/// Errors behind errors that are looked at.
const DEPTH_MAX: usize = 16;

/// What tonic, hyper and h2 say before the reason, in this order.
const HOLLOW: [&str; 4] =
    ["transport error", "client error (Connect)", "connection error", "tcp connect error"];
/// What rustls says when the other side just closes.
const HANDSHAKE_CLOSED: &str = "tls handshake eof";

/// What is said where nobody speaks TLS.
const NO_TLS: &str =
    "it does not speak TLS there; write http:// in --registry, or the port where it does";

/// What went wrong with a connection to an address.
pub(super) fn reason(address: &str, error: &(dyn Cause + 'static)) -> Error {
    match causes(error).find_map(tls_error) {
        Some(fault) => misfit(address, fault),
        None => match words(error) {
            text if text.contains(HANDSHAKE_CLOSED) => Error::Tls(NO_TLS.to_owned()),
            // What a server says that knows no TLS may be lost when it closes; or it ended just now.
            text if address.starts_with("https://") && causes(error).any(is_reset) => {
                Error::Transport(format!(
                    "{text}, as TLS began; if it does not speak TLS there, write http:// in \
                     --registry"
                ))
            }
            text => Error::Transport(text),
        },
    }
}

/// Whether the other side broke the connection off.
fn is_reset(error: &(dyn Cause + 'static)) -> bool {
    let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
    matches!(kind, Some(io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe))
}

/// An error and what lies behind it, first to last.
fn causes<'e>(error: &'e (dyn Cause + 'static)) -> impl Iterator<Item = &'e (dyn Cause + 'static)> {
    std::iter::successors(Some(error), |&error| error.source()).take(DEPTH_MAX)
}

/// The TLS error that an error is or carries.
fn tls_error<'e>(error: &'e (dyn Cause + 'static)) -> Option<&'e TlsError> {
    let carried = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.downcast_ref().or_else(|| carried.and_then(|carried| carried.downcast_ref()))
}

/// The texts of an error and of what lies behind it, each once.
fn words(error: &(dyn Cause + 'static)) -> String {
    join(causes(error).map(ToString::to_string))
}

/// Texts in one line, each once, and without those that tell nothing where others do.
fn join(texts: impl Iterator<Item = String>) -> String {
    let mut kept: Vec<String> = Vec::new();
    for text in texts {
        let text = HOLLOW.iter().fold(text.as_str(), |text, hollow| {
            text.strip_prefix(hollow).map_or(text, |rest| rest.trim_start_matches(": "))
        });
        if !text.is_empty() && !kept.iter().any(|known| known.contains(text)) {
            kept.push(text.to_owned());
        }
    }
    if kept.is_empty() { "the connection broke".to_owned() } else { kept.join(": ") }
}

/// What does not fit between our TLS and theirs.
fn misfit(address: &str, fault: &TlsError) -> Error {
    let host = address.trim_start_matches("https://");
    Error::Tls(match fault {
        TlsError::InvalidCertificate(fault) => certificate(host, fault),
        TlsError::InvalidMessage(_) => NO_TLS.to_owned(),
        TlsError::AlertReceived(alert) => refused(*alert),
        other => format!("TLS failed, {other}; check --ca, --cert and --key"),
    })
}

/// What is wrong with the certificate that a member shows.
fn certificate(host: &str, fault: &CertificateError) -> String {
    match fault {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its certificate is signed by an authority we do not know; give that authority's \
             certificate with --ca"
                .to_owned()
        }
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("its certificate expired on {}; renew it, or set the clock", day(*not_after))
        }
        CertificateError::NotValidYetContext { not_before, .. } => {
            let from = day(*not_before);
            format!("its certificate is not valid before {from}; set the clock, or renew it")
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!(
                "its certificate is not for {host} ({fault}); write one of its names in \
                 --registry, or have it issued for this one"
            )
        }
        other => format!("its certificate cannot be used, {other}; renew it"),
    }
}

/// A moment, as people write it.
fn day(time: UnixTime) -> impl std::fmt::Display {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(time.as_secs()))
}

/// What a member says when it does not take us.
fn refused(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::CertificateRequired => {
            "it wants a client certificate; give --cert and --key".to_owned()
        }
        alert => format!(
            "it does not accept our client certificate, or that there is none ({alert:?}); \
             check --cert and --key: that they are valid now, and signed by an authority that \
             etcd trusts"
        ),
    }
}

/// What went wrong with a call, where the status is none that etcd gave.
pub(super) fn of_status(status: &tonic::Status) -> Error {
    match causes(status).find_map(tls_error) {
        Some(fault) => misfit("", fault),
        None => Error::Transport(words_of_status(status)),
    }
}

/// The message of a status, and the texts of what lies behind it.
fn words_of_status(status: &tonic::Status) -> String {
    let behind = Cause::source(status).into_iter().flat_map(causes).map(ToString::to_string);
    join(std::iter::once(status.message().to_owned()).chain(behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_as_tls_begins_may_be_that_nobody_speaks_it() {
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        let said = |address| reason(address, &reset).to_string();
        assert!(said("https://127.0.0.1:1").contains("does not speak TLS there, write http://"));
        assert!(!said("http://127.0.0.1:1").contains("TLS"));
    }
}
