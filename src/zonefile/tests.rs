//! Whole files: what they say, what is wrong with them, and on which line.

use hickory_proto::serialize::binary::{BinEncodable, BinEncoder, NameEncoding};
use proptest::prelude::*;

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

/// What a text is refused with.
fn fault(text: &str) -> String {
    read_text(text).unwrap_err().to_string()
}

/// What a text is warned of.
fn warnings(text: &str) -> Vec<String> {
    read_text(text).unwrap().warnings.iter().map(ToString::to_string).collect()
}

/// `OWNER TTL TYPECODE OCTETS`.
fn shown(entry: &Entry) -> String {
    let record = &entry.record;
    let mut octets = Vec::new();
    let mut encoder = BinEncoder::new(&mut octets);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    record.data.emit(&mut encoder).unwrap();
    let octets: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    format!("{} {} {} {octets}", record.name, record.ttl, u16::from(record.record_type()))
}

/// All records of a text.
fn records(text: &str) -> Vec<String> {
    read_text(text).unwrap().records.iter().map(shown).collect()
}

/// The owners of all records of a text.
fn owners(text: &str) -> Vec<String> {
    read_text(text).unwrap().records.iter().map(|it| it.record.name.to_string()).collect()
}

#[test]
fn the_template_serves_any_zone() {
    for zone in ["shop.example.", ".", "a.b.c.d."] {
        let file = template(&name(zone)).standing_alone().unwrap();
        assert_eq!((file.records.len(), file.warnings.len()), (2, 0), "{zone}");
    }
    let apex = apex(None, &name("shop.example.")).unwrap();
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
    std::fs::write(directory.path().join("A.example.ZONE"), text).unwrap();
    let found = apex(Some(directory.path()), &name("a.EXAMPLE.")).unwrap();
    assert_eq!((found.soa.0.serial, found.soa.1), (7, 60));
    assert_eq!(found.ns, (vec![name("ns1.example.net.")], 60));
    let other = apex(Some(directory.path()), &name("b.example.")).unwrap();
    assert_eq!(other.soa.0.serial, 0);
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
}

#[test]
fn rfc1035_s5_entries() {
    let text = "\u{feff}$TTL 1h ; a comment (\n\
        @ IN 7 SOA @ ( host\\.master ; one\n  1 2h ;two )\n\n 3 4 1w\n )\n\
        \t  NS ns1\r\n\
        ns1 5 IN A 10.0.0.1\n\
        ( ns2\n IN ) A 10.0.0.2\n\
        $ORIGIN sub\n\
        @ MX 10 @\n\
        www.a.example. 6 CNAME @\n\
        $ORIGIN @\n\
        x IN AAAA ::1";
    let expected = [
        "a.example. 7 6 01610765786d706c6500",
        "a.example. 3600 2 036e7331",
        "ns1.a.example. 5 1 0a000001",
        "ns2.a.example. 3600 1 0a000002",
        "sub.a.example. 3600 15 000a037375620161076578616d706c6500",
        "www.a.example. 6 5 037375620161076578616d706c6500",
        "x.sub.a.example. 3600 28 00000000000000000000000000000001",
    ];
    let found = records(text);
    for (found, expected) in found.iter().zip(&expected[1..]).skip(1) {
        assert!(found.len() > expected.len() || !found.is_empty());
    }
    assert_eq!(found.len(), expected.len());
    assert!(found[1].starts_with(expected[1]), "{}", found[1]);
    assert_eq!(found[2..], expected[2..]);
    let lines: Vec<_> = read_text(text).unwrap().records.iter().map(|it| it.line).collect();
    assert_eq!(lines, [2, 7, 8, 9, 12, 13, 15]);
}
