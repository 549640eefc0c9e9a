//! The configuration file, TOML. Each value is validated as it is read, so that errors
//! show the file, the line and the key.

use std::io::Read;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde::de::Error as _;
use toml::Spanned;

use super::fault::fault;
use super::format::KeyFormat;
use crate::cli::HttpAddress;
use crate::error::Failure;
use crate::files::{self, FileStamp};
use crate::names::{Network, Span, TTL_MAX, WireName};
use crate::registry::WrittenTemplate;
use crate::telemetry::LogFormat;

/// The file's keys.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct File {
    /// The registry of every zone that names none of its own.
    pub registry: FileValue<String>,
    /// Authorities that sign etcd's certificates.
    pub ca: FileValue<PathBuf>,
    /// Client certificate.
    pub cert: FileValue<PathBuf>,
    /// Its key.
    pub key: FileValue<PathBuf>,
    /// User in etcd.
    pub user: FileValue<String>,
    /// Where its password stands.
    pub password_file: FileValue<PathBuf>,
    /// How log lines are written.
    pub log_format: Option<LogFormat>,
    /// Where to answer.
    pub listen: FileValue<Vec<SocketAddr>>,
    /// Where to answer HTTP.
    pub http: Option<HttpAddress>,
    /// Where to answer etcd's v2 API.
    pub etcd_v2: Option<SocketAddr>,
    /// Tokens of those who write over HTTP.
    pub http_token_file: FileValue<PathBuf>,
    /// The certificate that HTTP is served with.
    pub http_cert: FileValue<PathBuf>,
    /// Its key.
    pub http_key: FileValue<PathBuf>,
    /// Names that HTTP on loopback may be asked by.
    pub http_hosts: Option<Vec<String>>,
    /// How long a registration made over HTTP outlives its last renewal.
    pub registration_ttl: FileValue<Span>,
    /// UDP workers.
    pub workers: FileValue<usize>,
    /// Directory of zone files.
    pub zones: FileValue<PathBuf>,
    /// Whether names without a zone are answered.
    pub bare_names: Option<bool>,
    /// Whether files are read again when they change.
    pub watch_files: Option<bool>,
    /// Directory of snapshots.
    pub state: FileValue<PathBuf>,
    /// How long old answers are given.
    pub max_stale: FileValue<Span>,
    /// How long the removals of a collapse are held.
    pub hold_collapse: FileValue<Span>,
    /// How long answers go on once it is told to stop.
    pub shutdown_delay: FileValue<Span>,
    /// The reverse zones.
    pub reverse: FileValue<Vec<String>>,
    /// Who is asked for other names.
    pub forward: Option<Vec<Spanned<String>>>,
    /// Whether private addresses stay in what they say.
    pub forward_private: Option<bool>,
    /// Whether they are asked in mixed case.
    #[serde(rename = "forward-0x20")]
    pub forward_0x20: Option<bool>,
    /// Whom queries are answered.
    pub allow_query: FileValue<Vec<Network>>,
    /// Whom names outside the zones are looked up for.
    pub allow_recursion: FileValue<Vec<Network>>,
    /// Replies of one kind that a network is sent a second.
    pub rate_limit: FileValue<u32>,
    /// One of so many replies over the rate is sent, empty.
    pub rate_limit_slip: FileValue<u32>,
    /// Bits that the addresses of a limited IPv4 network share.
    pub rate_limit_ipv4_prefix: FileValue<u8>,
    /// Bits that the addresses of a limited IPv6 network share.
    pub rate_limit_ipv6_prefix: FileValue<u8>,
    /// Networks that are never limited.
    pub rate_limit_exempt: FileValue<Vec<Network>>,
    /// TCP connections at once.
    pub tcp_connections: FileValue<usize>,
    /// TCP connections of one client at once.
    pub tcp_connections_per_client: FileValue<usize>,
    /// How long a TCP connection may be quiet.
    pub tcp_idle: FileValue<Span>,
    /// Whom to become once everything is bound.
    pub run_as: FileValue<String>,
    /// Secrets that cookies are made with.
    pub cookie_secret_file: FileValue<PathBuf>,
    /// The most octets of a reply over UDP.
    pub udp_size: FileValue<u32>,
    /// Whether replies over UDP to unknown clients are kept small.
    pub strict_amplification: Option<bool>,
    /// The name of this server.
    pub nsid: FileValue<String>,
    /// Whether the class CHAOS is answered.
    pub chaos: Option<bool>,
    /// Where others reach this server.
    pub ns_address: FileValue<Vec<IpAddr>>,
    /// One of so many queries is logged.
    pub query_log: Option<u32>,
    /// The registry zones.
    pub zone: Vec<Zone>,
    /// The file itself; relative paths begin where it stands.
    #[serde(skip)]
    path: PathBuf,
    /// Its text, to find the line of a key by.
    #[serde(skip)]
    text: String,
    /// What it looked like when it was read.
    #[serde(skip)]
    stamp: Option<FileStamp>,
}

/// A key's value, and where in the file it stands.
pub(super) type FileValue<T> = Option<Spanned<T>>;

/// One `[[zone]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Zone {
    /// The apex.
    pub name: Spanned<ZoneName>,
    /// The prefix of its keys, where it is not the registry's.
    pub prefix: Option<String>,
    /// The namespace below the prefix, where it is not the registry's.
    pub namespace: Option<String>,
    /// Its registry, where it is not the file's.
    pub registry: FileValue<String>,
    /// TTL of dynamic records.
    pub ttl: Option<Seconds>,
    /// TTL of negative answers.
    pub negative_ttl: Option<Seconds>,
    /// How its keys and values are read.
    #[serde(default)]
    pub schema: RegistrySchema,
    /// How many A, AAAA, SRV or PTR records an answer has at most; 0 for all.
    pub max_answers: Option<u16>,
    /// Which of more than that, or than a datagram holds, are drawn.
    #[serde(default)]
    pub max_answers_order: DrawnOrder,
    /// Whose keys of more segments than NAME/ID are read, if not everybody's.
    #[serde(default)]
    pub format: KeyFormat,
    /// How all keys and values are read.
    pub template: FileValue<WrittenTemplate>,
}

/// The order by which many records are drawn for an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DrawnOrder {
    /// Others for each query.
    #[default]
    Fresh,
    /// The same for a client each time.
    Stable,
}

/// The schema by which a zone's keys and values are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RegistrySchema {
    /// Registrations of services.
    #[default]
    Services,
    /// SkyDNS's tree of labels.
    SkyDns,
}

/// A zone's name.
#[derive(Debug, Clone)]
pub struct ZoneName(pub hickory_proto::rr::Name);

/// A duration of whole seconds that fits a TTL.
#[derive(Debug, Clone, Copy)]
pub struct Seconds(pub u32);

impl File {
    /// Reads a file; no file is an empty one.
    ///
    /// # Errors
    /// [`Failure::Usage`] with file, line and key.
    pub fn read(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self::default()) };
        let usage = |text: String| Failure::usage(format!("{}: {text}", path.display()));
        let (text, stamp) = contents(path).map_err(|error| usage(error.to_string()))?;
        let mut file: Self = toml::from_str(&text).map_err(|error| {
            Failure::usage(format!("{}:{}", path.display(), fault(&text, &error)))
        })?;
        (file.path, file.text, file.stamp) = (path.to_owned(), text, stamp);
        Ok(file)
    }

    /// Reads a file that was read before.
    ///
    /// # Errors
    /// As [`Self::read`]; or it is a pipe, in which nothing is left.
    pub fn read_again(path: Option<&Path>) -> Result<Self, Failure> {
        let is_file = |path: &Path| std::fs::metadata(path).is_ok_and(|it| it.is_file());
        match path.filter(|path| !is_file(path) && path.exists()) {
            None => Self::read(path),
            Some(path) => Err(Failure::usage(format!(
                "{}: it is no regular file, and can be read at the start alone; restart",
                path.display()
            ))),
        }
    }

    /// What it looked like when it was read; nothing where there is none.
    #[must_use]
    pub const fn stamp(&self) -> Option<FileStamp> {
        self.stamp
    }

    /// A path as the file means it: relative to itself.
    #[must_use]
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }

    /// A key as an error names it: `srvd.toml:3: zones`.
    #[must_use]
    pub fn origin<T>(&self, key: &str, written: &Spanned<T>) -> String {
        let before = self.text.get(..written.span().start).unwrap_or_default();
        let line = before.bytes().filter(|octet| *octet == b'\n').count() + 1;
        format!("{}:{line}: {key}", self.path.display())
    }
}

/// The text of a file, and what it looked like before it was read.
fn contents(path: &Path) -> std::io::Result<(String, Option<FileStamp>)> {
    let (mut file, mut text) = (files::open(path)?, String::new());
    let stamp = FileStamp::of(&file.metadata()?);
    file.read_to_string(&mut text)?;
    Ok((text, stamp))
}

impl<'de> Deserialize<'de> for ZoneName {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let is_plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-_.".contains(&octet);
        let fault = || {
            D::Error::custom(format!("`{text}` is no zone name; write it like services.internal"))
        };
        let wire = WireName::from_text(&text).map_err(|_| fault())?;
        if text.is_empty() || !text.bytes().all(is_plain) {
            return Err(fault());
        }
        let labels = (0..wire.labels()).map(|at| wire.label(at));
        hickory_proto::rr::Name::from_labels(labels).map(Self).map_err(|_| fault())
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let wanted = "a TTL is whole seconds up to 24855d, written like 5s or 1m";
        let duration = humantime::parse_duration(&text).ok().filter(|it| it.subsec_nanos() == 0);
        let seconds =
            duration.map(|it: Duration| it.as_secs()).filter(|it| *it <= u64::from(TTL_MAX));
        seconds
            .map(|it| Self(it as u32))
            .ok_or_else(|| D::Error::custom(format!("`{text}`: {wanted}")))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let fault =
            |_| D::Error::custom(format!("`{text}` is no duration; write it like 30s or 1h"));
        humantime::parse_duration(&text).map(Self).map_err(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("srvd.toml");
        std::fs::write(&path, text).unwrap();
        File::read(Some(&path)).unwrap_err().to_string()
    }

    #[test]
    fn faults_name_file_line_and_key() {
        for (text, parts) in [
            (
                "listen = [\"x\"]",
                &["srvd.toml", ".toml:1:", "listen", "invalid socket address"][..],
            ),
            (
                "listen = [\"127.0.0.1\"]",
                &["write address and port, like 127.0.0.1:53 or [::1]:53"],
            ),
            ("etcd-v2 = \"4001\"", &[".toml:1:", ": etcd-v2:", "write address and port"]),
            (
                "[[zone]]\nname = \"a\"\ntemplate = \"/{name}/{id}\"",
                &[".toml:3:", ": template:", "it is a table; write { KEY = VALUE, … }"],
            ),
            ("colour = 1", &[".toml:1:", "unknown key `colour`; remove it"]),
            ("tcp-idel = \"1s\"", &[".toml:1:", "unknown key `tcp-idel`; is it `tcp-idle`?"]),
            ("[[zone]]\nnam = 1", &[".toml:2:", "unknown key `nam`; is it `name`?"]),
            ("[[zone]]\nprefix = \"/a\"", &["missing field `name`"]),
            ("[[zone]]\nname = \"a..b\"", &[".toml:2:", "`a..b` is no zone name"]),
            ("[[zone]]\nname = \"a\"\nttl = \"500ms\"", &[".toml:3:", "whole seconds"]),
            ("[[zone]]\nname = \"a\"\nmax-answers = -1", &[".toml:3:", ": max-answers:"]),
            (
                "[[zone]]\nname = \"a\"\nmax-answers-order = \"random\"",
                &[".toml:3:", ": max-answers-order:", "`fresh` or `stable`"],
            ),
            ("http = \"5380\"", &[".toml:1:", ": http:", "write 127.0.0.1:5380, or off"]),
            ("forward = \"1.1.1.1\"", &[".toml:1:", ": forward:", "a list; write [\"1.1.1.1\"]"]),
            ("max-stale = 5", &[".toml:1:", ": max-stale:", "in quotes", "\"5s\""]),
            ("udp-size = \"1232\"", &[".toml:1:", ": udp-size:", "whole number, without quotes"]),
            ("chaos = \"yes\"", &[".toml:1:", ": chaos:", "true or false, without quotes"]),
            ("[zone]\nname = \"a\"", &[".toml:1:", "write [[zone]]"]),
            (
                "\nhold-collapse = \"soon\"",
                &[".toml:2:", "`soon` is no duration; write it like 30s"],
            ),
            ("[[zone]]\nname = \"a\"\nschema = \"x\"", &[".toml:3:", "`services` or `skydns`"]),
            ("[[zone]]\nname = \"a\"\nformat = \"x\"", &[".toml:3:", "`auto`, `dubbo`, "]),
            (
                "[[zone]]\nname = \"a\"\ntemplate = { kee = \"\" }",
                &[".toml:3:", "unknown key `kee`; is it `key`?"],
            ),
            ("workers = -1", &[".toml:1:", ": workers:"]),
            ("registry = ", &[".toml:1:"]),
        ] {
            let fault = fault(text);
            assert!(parts.iter().all(|part| fault.contains(part)), "{text}: {fault}");
        }
        let fault = fault("\nregistry = \"http://root:s3cret@a\nlisten = []");
        assert!(fault.contains(":2: registry: ") && !fault.contains("s3cret"), "{fault}");
    }

    #[test]
    fn the_whole_file_is_read() {
        let text = r#"
            registry = "http://a,b/ns?prefix=/p"
            listen = ["127.0.0.1:0", "[::1]:0"]
            http = "off"
            hold-collapse = "0s"
            max-stale = "1h"
            state = "kept"
            cookie-secret-file = "secrets"
            udp-size = 1400
            strict-amplification = true
            nsid = "replica-1"
            chaos = true
            [[zone]]
            name = "Services.internal"
            schema = "services"
            max-answers = 8
            max-answers-order = "stable"
            ttl = "1m"
        "#;
        let file: File = toml::from_str(text).unwrap();
        assert_eq!(file.zone[0].ttl.unwrap().0, 60);
        assert_eq!(file.zone[0].max_answers, Some(8));
        assert_eq!(file.zone[0].max_answers_order, DrawnOrder::Stable);
        assert_eq!(file.listen.unwrap().as_ref().len(), 2);
    }
}
