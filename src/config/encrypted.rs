//! Encrypted DNS: where it is answered, and the certificate that it is answered with.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use rustls::sign::CertifiedKey;

use super::designated::{designations, is_for};
use super::identity::identity;
use crate::error::Failure;
use crate::index::Settings;
use crate::options::{EncryptedArgs, File, Given};
use crate::registry::Diagnostic;

/// The options of encrypted DNS.
#[derive(Debug, Clone, Default)]
pub struct Encrypted {
    /// Addresses of DNS over TLS.
    pub tls: Vec<SocketAddr>,
    /// Addresses of DNS over HTTPS.
    pub https: Vec<SocketAddr>,
    /// Addresses of DNS over QUIC.
    pub quic: Vec<SocketAddr>,
    /// What is shown to clients; there where there are addresses.
    pub certificate: Option<Arc<CertifiedKey>>,
    /// Where this server is reached, if it listens on every address.
    pub reached: Vec<IpAddr>,
    /// A warning of it.
    pub caution: Option<Diagnostic>,
}

/// What the options and the file say.
pub(super) fn encrypted(
    args: &EncryptedArgs,
    file: &File,
    reached: &[IpAddr],
) -> Result<Encrypted, Failure> {
    let pair = [args.tls_cert(file), args.tls_key(file)];
    let (certificate, caution) = identity(pair, ["--tls-cert", "--tls-key"], file)?;
    let listen = |given: Option<Given<Vec<SocketAddr>>>| match given {
        Some(given) if certificate.is_none() && !given.value.is_empty() => {
            Err(given.fault("clients must be shown a certificate; set tls-cert and tls-key"))
        }
        given => Ok(given.map(|given| given.value).unwrap_or_default()),
    };
    let (tls, https) = (listen(args.listen_tls(file))?, listen(args.listen_https(file))?);
    let (quic, reached) = (listen(args.listen_quic(file))?, reached.to_vec());
    Ok(Encrypted { tls, https, quic, certificate, reached, caution })
}

impl Encrypted {
    /// A zone whose name server, where it is this one by a name that its certificate is for, is said
    /// to answer encrypted DNS (RFC 9461).
    pub(super) fn designate(&self, settings: Settings) -> Settings {
        let server = settings.ns.first().filter(|_| settings.has_made_up_server());
        let certificate = self.certificate.as_ref();
        let Some(server) = server.filter(|it| certificate.is_some_and(|own| is_for(own, it)))
        else {
            return settings;
        };
        let records = designations(server, [&self.tls, &self.https, &self.quic], &self.reached);
        settings.designating(records)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// What a directory with a certificate, a key, and a configuration says.
    fn read(pair: [&str; 2], text: &str) -> Result<Encrypted, Failure> {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in ["c", "k"].into_iter().zip(pair) {
            fs::write(directory.path().join(name), text).unwrap();
        }
        let path = directory.path().join("srvd.toml");
        fs::write(&path, text).unwrap();
        encrypted(&EncryptedArgs::default(), &File::read(Some(&path))?, &[])
    }

    #[test]
    fn addresses_come_with_a_certificate_and_its_key() {
        let made = || {
            let key = rcgen::KeyPair::generate().unwrap();
            let params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
            (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
        };
        let ((cert, key), (_, other)) = (made(), made());
        let listen = "listen-tls = [\"127.0.0.1:853\", \"[::1]:0\"]\n";
        let text = format!("{listen}tls-cert = \"c\"\ntls-key = \"k\"");
        let both = read([&cert, &key], &text).unwrap();
        assert!(both.certificate.is_some() && both.tls.len() == 2);
        let nothing = read(["", ""], "").unwrap();
        assert!(nothing.certificate.is_none() && nothing.tls.is_empty());
        for (pair, text, message) in [
            ([&cert[..], &key], listen, "srvd.toml:1: listen-tls: clients must be shown a"),
            (
                [&cert, &key],
                "listen-https = [\"[::1]:443\"]",
                "srvd.toml:1: listen-https: clients must be shown a",
            ),
            (
                [&cert, &key],
                "listen-quic = [\"[::1]:853\"]",
                "srvd.toml:1: listen-quic: clients must be shown a",
            ),
            ([&cert, &key], "tls-key = \"k\"", "--tls-cert and --tls-key go together"),
            ([&cert, &other], &text, "does not belong to the certificate of --tls-cert"),
            (["", &key], &text, "srvd.toml:2: tls-cert "),
            ([&cert, &key], "listen-tls = [\"127.0.0.1\"]", "it has no port; write 127.0.0.1:853"),
        ] {
            let fault = read(pair, text).unwrap_err().to_string();
            assert!(fault.contains(message), "{fault}");
        }
    }
}
