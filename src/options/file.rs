//! The configuration file, TOML. Each value is validated as it is read, so that errors
//! show the file, the line and the key.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::de::DeTable;
use toml::{Spanned, Table};

use super::answering::AnsweringKeys;
use super::common::CommonKeys;
use super::encrypted::EncryptedKeys;
use super::fault::{fault, unknown};
use super::http::HttpKeys;
use super::limits::LimitKeys;
use super::serve::ServeKeys;
use super::zone::Zone;
use crate::error::Failure;
use crate::files::{self, FileStamp};

/// The file's keys, by the sections that declare them.
#[derive(Debug, Default)]
pub struct File {
    pub(super) common: CommonKeys,
    pub(super) serve: ServeKeys,
    pub(super) encrypted: EncryptedKeys,
    pub(super) http: HttpKeys,
    pub(super) limits: LimitKeys,
    pub(super) answering: AnsweringKeys,
    /// The registry zones.
    pub zone: Vec<Zone>,
    /// The file itself; relative paths begin where it stands.
    path: PathBuf,
    /// Its text, to find the line of a key by.
    text: String,
    /// What it looked like when it was read.
    stamp: Option<FileStamp>,
}

/// The tables `[[zone]]` of a file.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Zones {
    zone: Vec<Zone>,
}

/// A key's value, and where in the file it stands.
pub(super) type FileValue<T> = Option<Spanned<T>>;

impl File {
    /// Reads a file; no file is an empty one.
    ///
    /// # Errors
    /// [`Failure::Usage`] with file, line and key.
    pub fn read(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self::default()) };
        let usage = |text: String| Failure::usage(format!("{}: {text}", path.display()));
        let (text, stamp) = contents(path).map_err(|error| usage(error.to_string()))?;
        let file = Self::parse(&text)
            .map_err(|fault| Failure::usage(format!("{}:{fault}", path.display())))?;
        Ok(Self { path: path.to_owned(), text, stamp, ..file })
    }

    /// Reads a file's text, section by section: no section knows the keys of the others.
    ///
    /// # Errors
    /// Line, key and reason.
    fn parse(text: &str) -> Result<Self, String> {
        let table = DeTable::parse(text).map_err(|error| fault(text, &error))?;
        let file = Self::of(&table).map_err(|error| fault(text, &error))?;
        match table.get_ref().keys().find_map(|key| unknown(text, key)) {
            None => Ok(file),
            Some(fault) => Err(fault),
        }
    }

    /// The sections of a document.
    fn of(table: &Spanned<DeTable<'_>>) -> Result<Self, toml::de::Error> {
        Ok(Self {
            common: section(table)?,
            serve: section(table)?,
            encrypted: section(table)?,
            http: section(table)?,
            limits: section(table)?,
            answering: section(table)?,
            zone: section::<Zones>(table)?.zone,
            ..Self::default()
        })
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

    /// Its keys and values as they are written, whatever they mean.
    #[must_use]
    pub fn written(&self) -> Table {
        self.text.parse().unwrap_or_default()
    }

    /// The same of the file at a path, if it is TOML at all.
    #[must_use]
    pub fn written_at(path: &Path) -> Option<Table> {
        contents(path).ok()?.0.parse().ok()
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

/// The keys of a document that one section has.
fn section<T: DeserializeOwned>(table: &Spanned<DeTable<'_>>) -> Result<T, toml::de::Error> {
    T::deserialize(toml::Deserializer::from(table.clone()))
}

/// The text of a file, and what it looked like before it was read.
fn contents(path: &Path) -> std::io::Result<(String, Option<FileStamp>)> {
    let (mut file, mut text) = (files::open(path)?, String::new());
    let stamp = FileStamp::of(&file.metadata()?);
    file.read_to_string(&mut text)?;
    Ok((text, stamp))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::DrawnOrder;

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
                &["srvd.toml", ".toml:1:", ": listen: a host name is no address"][..],
            ),
            ("listen = [\"127.0.0.1\"]", &[": listen: it has no port; write 127.0.0.1:53"]),
            ("etcd-v2 = \"4001\"", &[".toml:1:", ": etcd-v2:", "write 127.0.0.1:4001"]),
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
            (
                "http = \"5380\"",
                &[".toml:1:", ": http:", "write 127.0.0.1:5380 for this machine", ", or off"],
            ),
            ("forward = \"1.1.1.1\"", &[".toml:1:", ": forward:", "a list; write [\"1.1.1.1\"]"]),
            ("max-stale = 5", &[".toml:1:", ": max-stale:", "in quotes", "\"5s\""]),
            ("udp-size = \"1232\"", &[".toml:1:", ": udp-size:", "whole number, without quotes"]),
            ("chaos = \"yes\"", &[".toml:1:", ": chaos:", "true or false, without quotes"]),
            ("[zone]\nname = \"a\"", &[".toml:1:", "write [[zone]]"]),
            ("[zone.a]\nname = \"a\"", &[".toml:1:", "write [[zone]]"]),
            ("zone = \"a\"", &[".toml:1:", ": zone:", "write [[zone]]"]),
            (
                "[forward]\nto = \"a\"",
                &[".toml:1:", "it is one of a list of tables; write [[forward]]"],
            ),
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
        let file = File::parse(text).unwrap();
        assert_eq!(file.zone[0].ttl.unwrap().0, 60);
        assert_eq!(file.zone[0].max_answers, Some(8));
        assert_eq!(file.zone[0].max_answers_order, DrawnOrder::Stable);
        assert_eq!(file.serve.listen.unwrap().as_ref().len(), 2);
    }
}
