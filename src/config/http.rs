//! The operator's window: where it is, and whom it lets in.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::sign::CertifiedKey;

use super::check_lease;
use super::identity::identity;
use crate::error::Failure;
use crate::files::{Token, pem, tokens};
use crate::names::{DEFAULT_LEASE, Span};
use crate::options::{Common, File, Given, HttpAddress, HttpArgs};
use crate::registry::Diagnostic;
use crate::remote::ServerUrl;

/// The operator's window.
#[derive(Debug, Clone)]
pub struct Http {
    /// The address, or none.
    pub at: HttpAddress,
    /// Whether somebody asked for just this.
    pub is_explicit: bool,
    /// The address of etcd's v2 API, if there is one.
    pub etcd_v2: Option<SocketAddr>,
    /// Tokens, one of which whoever writes must show, if there are any.
    pub tokens: Vec<Token>,
    /// What TLS is served with; no TLS when absent.
    pub certificate: Option<Arc<CertifiedKey>>,
    /// Names that it may be asked by, in lower case.
    pub hosts: Vec<String>,
    /// How long a registration made over HTTP outlives its last renewal.
    pub registration_ttl: Duration,
    /// A warning of its certificate.
    pub caution: Option<Diagnostic>,
}

/// What the options and the file say.
pub(super) fn http(args: &HttpArgs, file: &File) -> Result<Http, Failure> {
    let asked = args.http(file).map(|given| given.value);
    let token_file = args.http_token_file(file).map(|given| given.named(file));
    let hosts = args.http_hosts(file).map(|given| given.value).unwrap_or_default();
    let pair = [args.http_cert(file), args.http_key(file)];
    let (certificate, caution) = identity(pair, ["--http-cert", "--http-key"], file)?;
    Ok(Http {
        at: asked.unwrap_or_default(),
        is_explicit: asked.is_some(),
        etcd_v2: args.etcd_v2(file).map(|given| given.value),
        tokens: token_file.as_ref().map(tokens).transpose()?.unwrap_or_default(),
        certificate,
        hosts: hosts.iter().map(|host| host.to_ascii_lowercase()).collect(),
        registration_ttl: registration_ttl(args, file)?,
        caution,
    })
}

/// The server that a command asks: the one that was typed, else the one that the file describes.
/// One that listens on all addresses is asked on loopback.
/// Authorities of its certificate are those of --ca, too.
///
/// # Errors
/// [`Failure::Usage`]: there are none in the file of --ca.
pub fn server(
    typed: Option<&ServerUrl>,
    common: &Common,
    file: &File,
) -> Result<ServerUrl, Failure> {
    let nothing = HttpArgs::default();
    let address = match nothing.http(file).map(|given| given.value) {
        Some(HttpAddress::On(address)) => address,
        _ => HttpAddress::DEFAULT,
    };
    let described = || ServerUrl::on(address, nothing.http_cert(file).is_some());
    let url = typed.cloned().unwrap_or_else(described);
    // The file's is etcd's.
    let Some(ca) = common.ca(&File::default()).map(|given| given.named(file)) else {
        return Ok(url);
    };
    let authorities = pem::check_certificates(&ca.read()?).map_err(|text| ca.fault(text))?;
    Ok(url.trusting(authorities))
}

/// How long a registration made over HTTP outlives its last renewal.
fn registration_ttl(args: &HttpArgs, file: &File) -> Result<Duration, Failure> {
    let Some(Given { value: Span(ttl), origin, .. }) = args.registration_ttl(file) else {
        return Ok(DEFAULT_LEASE);
    };
    check_lease(&origin, ttl)?;
    Ok(ttl)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// What a directory with some files, and a configuration in it, says.
    fn read(files: &[(&str, &str)], text: &str) -> Result<Http, Failure> {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(directory.path().join(name), text).unwrap();
        }
        let path = directory.path().join("srvd.toml");
        fs::write(&path, text).unwrap();
        http(&HttpArgs::default(), &File::read(Some(&path))?)
    }

    #[test]
    fn nothing_is_asked_for_by_default() {
        let http = read(&[], "").unwrap();
        assert!(http.tokens.is_empty() && http.certificate.is_none());
        assert!(!http.is_explicit && http.hosts.is_empty());
        assert!(http.etcd_v2.is_none());
        let old = read(&[], "etcd-v2 = \"127.0.0.1:4001\"").unwrap().etcd_v2;
        assert_eq!(old, Some("127.0.0.1:4001".parse().unwrap()));
        let http = read(&[], "http = \"off\"\nhttp-hosts = [\"Ops.Example\"]").unwrap();
        assert_eq!((http.at, &http.hosts[..]), (HttpAddress::Off, &["ops.example".to_owned()][..]));
    }

    #[test]
    fn a_registration_has_a_lease_that_etcd_can_grant() {
        assert_eq!(read(&[], "").unwrap().registration_ttl, DEFAULT_LEASE);
        let minute = read(&[], "registration-ttl = \"1m\"").unwrap().registration_ttl;
        assert_eq!(minute, Duration::from_secs(60));
        for (ttl, message) in [
            ("500ms", "srvd.toml:1: registration-ttl: 500ms is not 1s or more in whole seconds"),
            ("2s 1ms", "registration-ttl: 2s 1ms is not 1s or more in whole seconds"),
            ("25h", "registration-ttl: 1day 1h is more than 24h"),
        ] {
            let fault = read(&[], &format!("registration-ttl = {ttl:?}")).unwrap_err().to_string();
            assert!(fault.contains(message), "{fault}");
        }
    }

    #[test]
    fn tokens_are_lines() {
        let text = "http-token-file = \"t\"";
        let tokens = |file| read(&[("t", file)], text).map(|http| http.tokens.len());
        assert_eq!(tokens("0123456789abcdef\n\n ci fedcba9876543210 \r\n").unwrap(), 2);
        for (file, message) in [
            ("\n \n", "has no token in it"),
            ("0123456789abcdef\nse cret-se cret-se", "line 2: it has characters that"),
            ("\nsecret", "line 2: the token has fewer than 16 characters"),
            (&"0123456789abcdef\n".repeat(65), "has 65 tokens, at most 64"),
        ] {
            let fault = tokens(file).unwrap_err().to_string();
            assert!(fault.contains("srvd.toml:1: http-token-file"), "{fault}");
            assert!(fault.contains(message) && !fault.contains("cret"), "{fault}");
        }
    }

    #[test]
    fn a_certificate_comes_with_its_key() {
        let made = || {
            let key = rcgen::KeyPair::generate().unwrap();
            let params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
            (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
        };
        let ((cert, key), (_, other)) = (made(), made());
        let text = "http-cert = \"c\"\nhttp-key = \"k\"";
        let with = |cert: &str, key: &str| read(&[("c", cert), ("k", key)], text);
        assert!(with(&cert, &key).unwrap().certificate.is_some());
        for (result, message) in [
            (with(&cert, &other), "http-key"),
            (with(&cert, &other), "does not belong to the certificate of --http-cert"),
            (with("", &key), "has no certificate in it"),
            (with(&cert, "nonsense"), "has no private key in it"),
            (read(&[("c", &cert)], "http-cert = \"c\""), "go together; give both or none"),
        ] {
            let fault = result.unwrap_err().to_string();
            assert!(fault.contains(message), "{fault}");
        }
    }
}
