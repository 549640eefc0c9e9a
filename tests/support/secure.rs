//! A real etcd behind TLS, with or without client certificates. It listens in plain text
//! too, for its health and for `etcdctl`.

use std::net::SocketAddr;
use std::path::Path;

use tempfile::TempDir;

use super::certificates::{Authority, Pair};
use super::etcd::{CLIENT, Etcd};
use super::free_addr;

/// A real etcd that speaks TLS.
pub(crate) struct SecureEtcd {
    /// The process, with its plain url.
    pub(crate) process: Etcd,
    /// Where it speaks TLS.
    at: SocketAddr,
    /// Its files: the authorities it trusts, and its own certificate.
    files: TempDir,
}

impl SecureEtcd {
    /// Starts one that shows this certificate and asks its clients for none.
    pub(crate) fn start(server: &Pair) -> Self {
        Self::start_with(server, &[], &[])
    }

    /// Starts one that shows this certificate and wants one of these authorities' from its
    /// clients, with further arguments of etcd's own.
    pub(crate) fn start_with(server: &Pair, clients: &[&Authority], more: &[&str]) -> Self {
        let (files, at) = (TempDir::new().unwrap(), free_addr());
        let pair = server.write(files.path(), "server");
        trust(files.path(), clients);
        let listen = format!("http://{CLIENT},https://{at}");
        let (advertise, trusted) = (format!("https://{at}"), files.path().join("ca.pem"));
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let (certificate, key, trusted) =
            (text(&pair.certificate), text(&pair.key), text(&trusted));
        let mut arguments = vec!["--listen-client-urls", &listen];
        arguments.extend(["--advertise-client-urls", &advertise]);
        arguments.extend(["--cert-file", &certificate, "--key-file", &key]);
        if !clients.is_empty() {
            arguments.extend(["--client-cert-auth", "--trusted-ca-file", &trusted]);
        }
        arguments.extend(more);
        Self { process: Etcd::start_with(&arguments), at, files }
    }

    /// The url of its TLS port.
    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.at)
    }

    /// Its TLS port.
    pub(crate) const fn addr(&self) -> SocketAddr {
        self.at
    }

    /// Starts it again with another certificate, trusting other authorities.
    pub(crate) fn restart_as(&mut self, server: &Pair, clients: &[&Authority]) {
        self.process.kill9();
        server.write(self.files.path(), "server");
        trust(self.files.path(), clients);
        self.process.restart();
    }
}

/// Writes the authorities that are trusted into one file.
fn trust(directory: &Path, authorities: &[&Authority]) {
    let pems: String = authorities.iter().map(|authority| authority.pem.as_str()).collect();
    std::fs::write(directory.join("ca.pem"), pems).unwrap();
}
