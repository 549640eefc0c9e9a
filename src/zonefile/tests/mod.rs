//! Whole files: what they say, what is wrong with them, and on which line.

mod directory;
mod entries;
mod faults;
mod types;
mod warnings;

use hickory_proto::rr::RData;
use hickory_proto::rr::rdata::NS;
use hickory_proto::serialize::binary::{BinEncodable, BinEncoder, NameEncoding};

use super::*;

/// The head of most texts here: one line.
const SOA: &str = "@ 60 SOA ns hostmaster 1 2 3 4 5\n";

/// A name.
fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

/// Reads a text as the file of `a.example.`.
fn read_text(text: &str) -> Result<ZoneFile, ZoneFault> {
    parse(text.as_bytes(), &name("a.example."), Path::new("x.zone"))
}

/// Data as they are written into a message, without compression, in hexadecimal digits.
fn octets(record: &Record) -> String {
    let mut octets = Vec::new();
    let mut encoder = BinEncoder::new(&mut octets);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    record.data.emit(&mut encoder).unwrap();
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}

/// `OWNER TTL TYPE DATA` of a text's records, the type as its code, the data as octets.
fn records(text: &str) -> Vec<String> {
    let file = read_text(text).unwrap();
    let shown = file.records.iter().map(|entry| {
        let record = &entry.record;
        let code = u16::from(record.record_type());
        format!("{} {} {code} {}", record.name, record.ttl, octets(record))
    });
    shown.collect()
}

#[test]
fn the_template_serves_any_zone() {
    for zone in ["shop.example.", ".", "a.b.c.d."] {
        let file = template(&name(zone)).standing_alone().unwrap();
        assert_eq!((file.records.len(), file.warnings.len()), (2, 0), "{zone}");
    }
    let file = template(&name("shop.example."));
    let RData::SOA(soa) = &file.soa().unwrap().record.data else { panic!("{file:?}") };
    assert_eq!(soa.mname, name("ns.dns.shop.example."));
    assert_eq!(soa.rname, name("hostmaster.shop.example."));
    assert_eq!((soa.serial, soa.expire), (0, 86400));
    let [server] = &file.servers().collect::<Vec<_>>()[..] else { panic!("{file:?}") };
    assert_eq!(server.record.data, RData::NS(NS(name("ns.dns.shop.example."))));
    assert_eq!(server.record.ttl, 3600);
}

#[test]
fn a_registry_zones_file_is_completed_and_a_static_one_stands_alone() {
    let file = read_text("$TTL 5\nwww A 10.0.0.1\n").unwrap();
    let fault = file.clone().standing_alone().unwrap_err().to_string();
    assert!(
        fault.starts_with("zone file x.zone: there is no SOA record at `a.example.`"),
        "{fault}"
    );
    let file = file.completed();
    assert_eq!((file.records.len(), file.servers().count()), (3, 1));
    let file = read_text(SOA).unwrap().standing_alone().unwrap();
    assert!(file.warnings[0].to_string().contains("x.zone:1: there is no NS record"));
    assert_eq!(file.soa().unwrap().record.ttl, 60);
    let file = file.completed();
    assert_eq!((file.soa().unwrap().record.ttl, file.servers().count()), (60, 1));
}
