//! Zone files: the static records of a zone (RFC 1035 section 5).
//!
//! | RFC | what of it |
//! | --- | --- |
//! | 1035 section 5 | entries, parentheses, comments, escapes, `@`, `$ORIGIN`, `$INCLUDE` |
//! | 2308 section 4 | `$TTL`; without any TTL, the MINIMUM of the SOA, as BIND, NSD and Knot have it |
//! | 3597 section 5 | `TYPE65280`, `CLASS1`, and data as `\# LENGTH HEX`, for known types too |
//! | 2181 sections 5, 8, 10 | one TTL per RRset, TTLs of 31 bits, CNAME alone, targets |
//! | 1876, 3123, 4398, 6742, 7043, 7477, 8005 | LOC, APL, CERT, NID, L32, L64, EUI48, EUI64, CSYNC, HIP |
//! | 6672 sections 2.3, 2.4 | DNAME: one at a name, nothing below it |
//!
//! A file is read whole or not at all: a [`ZoneFault`] names file, line, reason and remedy.
//! What can be served, but not as it is written, is a [`Warning`].
//!
//! `$GENERATE` is not known. TTLs and the times of a SOA may have units, as in `1h30m`.

mod check;
mod data;
mod directory;
mod fault;
mod form;
mod line;
mod reader;
mod record;
#[cfg(test)]
mod tests;
mod ttl;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hickory_proto::rr::{Name, Record, RecordType};

pub use self::directory::{apexes, read, read_file};
pub use self::fault::{Reason, Warning, WarningReason, ZoneFault};

/// The default zone's file, which every registry zone without a file of its own is made from.
const TEMPLATE: &str = include_str!("../../zones/services.internal.zone");
/// What messages call it.
const TEMPLATE_PATH: &str = "(template)";

/// The contents of a zone's file, checked.
#[derive(Debug, Clone)]
pub struct ZoneFile {
    /// The file.
    pub path: PathBuf,
    /// The zone's apex.
    pub apex: Name,
    /// What is served of it, in its order: no record twice, one TTL an RRset, nothing below
    /// a delegation but glue, nothing below a DNAME.
    pub records: Vec<Entry>,
    /// What is served otherwise than it is written, or not at all.
    pub warnings: Vec<Warning>,
    /// The files that it includes.
    pub included: Vec<PathBuf>,
}

/// A record and where it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The file, which may be an included one.
    pub file: Arc<Path>,
    /// The line it begins on, from 1.
    pub line: usize,
    /// The record: of class IN, its owner absolute. Where hickory does not know the type, or
    /// would write other octets, the data are [`RData::Unknown`](hickory_proto::rr::RData::Unknown) with the file's own.
    pub record: Record,
}

impl Entry {
    /// A fault of this entry.
    fn fault(&self, reason: Reason) -> ZoneFault {
        ZoneFault::at(&self.file, self.line, reason)
    }

    /// A warning of this entry.
    fn warning(&self, caution: WarningReason) -> Warning {
        Warning { file: self.file.clone(), line: self.line, caution }
    }
}

impl ZoneFile {
    /// The start of authority.
    #[must_use]
    pub fn soa(&self) -> Option<&Entry> {
        self.at_apex(RecordType::SOA).next()
    }

    /// The name servers of the zone itself.
    pub fn servers(&self) -> impl Iterator<Item = &Entry> {
        self.at_apex(RecordType::NS)
    }

    /// The file of a registry zone: where it has no SOA, or no NS, the template's are used.
    #[must_use]
    pub fn completed(mut self) -> Self {
        let made = template(&self.apex);
        for record in [RecordType::SOA, RecordType::NS] {
            if self.at_apex(record).next().is_none() {
                self.records.extend(made.at_apex(record).cloned());
            }
        }
        self
    }

    /// The file of a static zone, which nothing completes.
    ///
    /// # Errors
    /// [`Reason::NoSoa`].
    pub fn standing_alone(mut self) -> Result<Self, ZoneFault> {
        if self.soa().is_none() {
            return Err(ZoneFault::of(&self.path, Reason::NoSoa(Box::new(self.apex))));
        }
        if self.servers().next().is_none() {
            let (file, line) = self.soa().map_or_else(
                || (Arc::from(self.path.as_path()), 1),
                |soa| (soa.file.clone(), soa.line),
            );
            let caution = WarningReason::NoServers(self.apex.clone());
            self.warnings.push(Warning { file, line, caution });
        }
        Ok(self)
    }

    /// The records of a type at the apex.
    fn at_apex(&self, record: RecordType) -> impl Iterator<Item = &Entry> {
        let matching = move |entry: &&Entry| {
            entry.record.record_type() == record && entry.record.name == self.apex
        };
        self.records.iter().filter(matching)
    }
}

/// Reads a zone file's text. What it includes is relative to its path, and must be below the
/// directory that it is in.
///
/// # Errors
/// [`ZoneFault`], which names file, line, reason and remedy.
pub fn parse(text: &[u8], apex: &Name, path: &Path) -> Result<ZoneFile, ZoneFault> {
    let (entries, included) = reader::entries(text, apex, path)?;
    let (records, warnings) = check::checked(entries, apex)?;
    Ok(ZoneFile { path: path.to_owned(), apex: apex.clone(), records, warnings, included })
}

/// The SOA and NS of a registry zone without a file.
///
/// They are those of the template where they fit; in a zone whose name is so long that they
/// do not, there are none.
#[must_use]
pub fn template(apex: &Name) -> ZoneFile {
    let path = Path::new(TEMPLATE_PATH);
    parse(TEMPLATE.as_bytes(), apex, path).unwrap_or_else(|_| ZoneFile {
        path: path.to_owned(),
        apex: apex.clone(),
        records: Vec::new(),
        warnings: Vec::new(),
        included: Vec::new(),
    })
}
