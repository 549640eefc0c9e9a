//! Any zone file: what is read of it is answered, and can be written so that it reads the same.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use hickory_proto::rr::{Name, RData, Record};
use hickory_proto::serialize::binary::{
    BinDecoder, BinEncodable, BinEncoder, NameEncoding, Restrict,
};
use srvd::config::zone_settings;
use srvd::index::{Schema, Settings};
use srvd::zonefile::{Entry, ZoneFile, parse};

use super::document::question;
use super::paths::Paths;
use crate::fixture::Fixture;

/// Types that are asked for at every name: NS, SOA, A, CNAME, DS, DNAME, ANY.
const KINDS: [u16; 7] = [2, 6, 1, 5, 43, 39, 255];
/// More records than this are read, but not asked for.
const ASKED_MAX: usize = 24;

/// Reads one, serves it, and reads it once more from how we would write it.
pub(crate) fn check(octets: &[u8]) {
    let Ok(file) = read(octets) else { return };
    let written = file.records.iter().map(written).collect::<String>();
    let again = read(written.as_bytes()).unwrap_or_else(|fault| panic!("{fault}\n{written}"));
    assert_eq!(records(&file), records(&again), "{written}");
    let entries = file.records.clone();
    // What hickory finds fault with it cannot read in replies either.
    let Some(settings) = serving(file).filter(|_| entries.iter().all(is_known_or_none)) else {
        return;
    };
    let mut fixture = Fixture::unlisted(vec![settings]);
    fixture.list(1);
    let mut paths = Paths::of(&fixture.index);
    for entry in entries.iter().take(ASKED_MAX) {
        let own = u16::from(entry.record.record_type());
        let labels: Vec<_> = entry.record.name.iter().collect();
        for below in [&[] as &[&[u8]], &[b"x"], &[b"*", b"y"]] {
            let labels = [below, &labels[..]].concat();
            if labels.iter().map(|label| label.len() + 1).sum::<usize>() < 255 {
                KINDS.iter().chain(&[own]).for_each(|kind| paths.check(&wire(&labels, *kind)));
            }
        }
    }
}

/// Whether hickory reads a record's data, or does not look into them; it reads none that are
/// empty.
fn is_known_or_none(entry: &Entry) -> bool {
    let octets = encoded(&entry.record.data);
    let Some(length) = u16::try_from(octets.len()).ok().filter(|length| *length > 0) else {
        return false;
    };
    let mut decoder = BinDecoder::new(&octets);
    RData::read(&mut decoder, entry.record.record_type(), Restrict::new(length)).is_ok()
}

/// The settings of a static zone with a file, if that can be one.
pub(crate) fn serving(file: ZoneFile) -> Option<Settings> {
    let file = file.standing_alone().ok()?;
    let settings = zone_settings(file, None).expect("what was read can be served");
    Some(settings.of_schema(Schema::Static))
}

/// Octets read as the file of a zone; what it would include is not there.
pub(crate) fn read(octets: &[u8]) -> Result<ZoneFile, srvd::zonefile::ZoneFault> {
    let apex = Name::from_ascii("static.test.").expect("it is one");
    parse(octets, &apex, Path::new("no such directory/static.test.zone"))
}

/// A question at a name of any labels.
fn wire(labels: &[&[u8]], kind: u16) -> Vec<u8> {
    let mut octets = question("", kind);
    let name = labels.iter().flat_map(|label| [&[label.len() as u8], *label].concat());
    octets.splice(12..12, name);
    octets
}

/// The records, in an order of their own.
fn records(file: &ZoneFile) -> BTreeSet<String> {
    file.records.iter().map(written).collect()
}

/// A line for a record, as RFC 3597 section 5 writes those of unknown types.
fn written(Entry { record, .. }: &Entry) -> String {
    let Record { name, ttl, data, .. } = record;
    let mut line = name.iter().fold(String::new(), |mut line, label| {
        label.iter().for_each(|octet| write!(line, "\\{octet:03}").expect("memory has room"));
        line + "."
    });
    if line.is_empty() {
        line.push('.');
    }
    let octets = encoded(data);
    let kind = u16::from(record.record_type());
    write!(line, " {ttl} IN TYPE{kind} \\# {} ", octets.len()).expect("memory has room");
    octets.iter().for_each(|octet| write!(line, "{octet:02x}").expect("memory has room"));
    line + "\n"
}

/// Data as octets.
fn encoded(data: &RData) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut encoder = BinEncoder::new(&mut octets);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    data.emit(&mut encoder).expect("it was read from octets");
    octets
}
