//! Zone files (RFC 1035 section 5): the SOA and NS records of a registry zone.

use std::path::{Path, PathBuf};

use hickory_proto::rr::rdata::SOA;
use hickory_proto::rr::{Name, RData, RecordSet, RecordType};
use hickory_proto::serialize::txt::Parser;

/// The default zone's file, which every zone without a file of its own is made from.
const TEMPLATE: &str = include_str!("../zones/services.internal.zone");
/// The largest zone file that is read: static records are written by hand.
const FILE_OCTETS: u64 = 16 << 20;

/// What a zone file says of its zone's apex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Apex {
    /// The start of authority and its TTL.
    pub soa: (SOA, u32),
    /// The name servers and their TTL.
    pub ns: (Vec<Name>, u32),
}

/// Why a zone file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ZoneFault {
    /// It cannot be read.
    #[error("zone file {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// It is no master file.
    #[error("zone file {}: {error}; the form is that of RFC 1035 section 5", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What the parser says.
        error: String,
    },
    /// It has no SOA, or no NS, at its apex.
    #[error("zone file {}: there is no {record} record at `{apex}`; write one", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// Which type is missing.
        record: RecordType,
        /// The apex.
        apex: Name,
    },
}

/// Reads a zone's file from a directory; without one the template serves.
///
/// # Errors
/// [`ZoneFault`]: the file is there and cannot be used.
pub fn read(directory: Option<&Path>, apex: &Name) -> Result<Apex, ZoneFault> {
    let path = directory.map(|directory| directory.join(file_name(apex)));
    match path.filter(|path| path.exists()) {
        Some(path) => parse(&contents(&path)?, apex, &path),
        None => parse(TEMPLATE, apex, Path::new("(template)")),
    }
}

/// `APEX.zone`.
fn file_name(apex: &Name) -> String {
    format!("{}.zone", apex.to_ascii().trim_end_matches('.'))
}

/// A file's text, if it has a sane size.
fn contents(path: &Path) -> Result<String, ZoneFault> {
    let read = || {
        if std::fs::metadata(path)?.len() > FILE_OCTETS {
            return Err(std::io::Error::other(format!("is larger than {FILE_OCTETS} octets")));
        }
        std::fs::read_to_string(path)
    };
    read().map_err(|error| ZoneFault::Read { path: path.to_owned(), error })
}

/// Reads a zone file's text.
fn parse(text: &str, apex: &Name, path: &Path) -> Result<Apex, ZoneFault> {
    let parser = Parser::new(text, None, Some(apex.clone()));
    let (_, sets) = parser
        .parse()
        .map_err(|error| ZoneFault::Parse { path: path.to_owned(), error: error.to_string() })?;
    let at_apex = |record: RecordType| {
        let found = sets.values().find(|set| set.record_type() == record && set.name() == apex);
        found.ok_or_else(|| ZoneFault::Missing {
            path: path.to_owned(),
            record,
            apex: apex.clone(),
        })
    };
    let (soa, ns) = (at_apex(RecordType::SOA)?, at_apex(RecordType::NS)?);
    let others = sets.len() - 2;
    if others > 0 {
        tracing::warn!(
            zone = %apex, file = %path.display(), rrsets = others,
            "only SOA and NS at the apex are read from a zone file in this version; the rest is not served"
        );
    }
    let soa_data = data(soa).find_map(|data| match data {
        RData::SOA(soa) => Some(soa.clone()),
        _ => None,
    });
    let missing =
        ZoneFault::Missing { path: path.to_owned(), record: RecordType::SOA, apex: apex.clone() };
    let servers = data(ns).filter_map(|data| match data {
        RData::NS(ns) => Some(ns.0.clone()),
        _ => None,
    });
    Ok(Apex { soa: (soa_data.ok_or(missing)?, soa.ttl()), ns: (servers.collect(), ns.ttl()) })
}

/// The data of an RRset's records.
fn data(set: &RecordSet) -> impl Iterator<Item = &RData> {
    set.records_without_rrsigs().map(|record| &record.data)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    #[test]
    fn the_template_serves_any_zone() {
        let apex = read(None, &name("shop.example.")).unwrap();
        assert_eq!(apex.ns, (vec![name("ns.dns.shop.example.")], 3600));
        assert_eq!(apex.soa.0.mname, name("ns.dns.shop.example."));
        assert_eq!(apex.soa.0.rname, name("hostmaster.shop.example."));
        assert_eq!((apex.soa.0.serial, apex.soa.0.expire), (0, 86400));
    }

    #[test]
    fn a_file_of_the_zones_name_replaces_it() {
        let directory = tempfile::tempdir().unwrap();
        let text =
            "$TTL 60\n@ SOA ns1.example.net. admin.example.net. 7 1 2 3 4\n@ NS ns1.example.net.\n";
        std::fs::write(directory.path().join("a.example.zone"), text).unwrap();
        let apex = read(Some(directory.path()), &name("a.example.")).unwrap();
        assert_eq!((apex.soa.0.serial, apex.soa.1), (7, 60));
        assert_eq!(apex.ns, (vec![name("ns1.example.net.")], 60));
        assert_eq!(read(Some(directory.path()), &name("b.example.")).unwrap().soa.0.serial, 0);
    }

    #[test]
    fn faults_name_the_file() {
        for (text, message) in [
            ("$TTL 5\n@ NS ns.dns\n", "no SOA record at `a.example.`"),
            ("$TTL 5\n@ SOA a b 1 2 3 4 5\n", "no NS record at `a.example.`"),
            ("@ SOA nonsense\n", "zone file x.zone: "),
            ("\u{0}\u{1}(((", "zone file x.zone: "),
        ] {
            let fault =
                parse(text, &name("a.example."), Path::new("x.zone")).unwrap_err().to_string();
            assert!(fault.contains(message), "{fault}");
        }
    }
}
