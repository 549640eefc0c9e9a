//! Certificates for tests, made on the spot: authorities, and what they sign.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

/// An authority.
pub(crate) struct Authority {
    /// What it signs with.
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate, PEM.
    pub(crate) pem: String,
}

/// A certificate and its key, PEM.
pub(crate) struct Pair {
    /// The certificate.
    pub(crate) certificate: String,
    /// The key.
    pub(crate) key: String,
}

/// The same as files.
pub(crate) struct PairFiles {
    /// The certificate.
    pub(crate) certificate: PathBuf,
    /// The key.
    pub(crate) key: PathBuf,
}

impl Authority {
    /// A new authority of this name.
    pub(crate) fn new(name: &str) -> Self {
        let mut params = named(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A certificate of a server at this machine's loopback addresses.
    pub(crate) fn server(&self) -> Pair {
        self.sign(named("etcd", &["127.0.0.1", "::1", "localhost"]))
    }

    /// A certificate of a server at this machine's loopback addresses, and by other names.
    pub(crate) fn server_named(&self, names: &[&str]) -> Pair {
        self.sign(named("dns", &[names, &["127.0.0.1", "::1", "localhost"]].concat()))
    }

    /// A certificate of a server elsewhere.
    pub(crate) fn server_elsewhere(&self) -> Pair {
        self.sign(named("etcd", &["etcd.example.net"]))
    }

    /// A certificate of a server that has expired.
    pub(crate) fn expired_server(&self) -> Pair {
        let mut params = named("etcd", &["127.0.0.1"]);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
        self.sign(params)
    }

    /// A certificate of a client that expires so soon that it is warned of, and not while a test
    /// runs.
    pub(crate) fn ending_client(&self) -> Pair {
        let mut params = named("ending", &[]);
        params.not_after = (std::time::SystemTime::now() + Duration::from_secs(24 * 3600)).into();
        self.sign(params)
    }

    /// A certificate of a client: etcd takes its common name for a user.
    pub(crate) fn client(&self, name: &str) -> Pair {
        self.sign(named(name, &[]))
    }

    /// Signs what is asked for.
    fn sign(&self, params: CertificateParams) -> Pair {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Pair { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

impl Pair {
    /// Writes both files, one after the other.
    pub(crate) fn write(&self, directory: &Path, name: &str) -> PairFiles {
        let path = |kind: &str| directory.join(format!("{name}.{kind}.pem"));
        let files = PairFiles { certificate: path("cert"), key: path("key") };
        std::fs::write(&files.certificate, &self.certificate).unwrap();
        std::fs::write(&files.key, &self.key).unwrap();
        files
    }
}

/// What a certificate says whatever it is for: it serves both sides.
fn named(name: &str, places: &[&str]) -> CertificateParams {
    let places: Vec<_> = places.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(places).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params
}
