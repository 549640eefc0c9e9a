//! The types, octet by octet.
//!
//! `types.txt` has two lines for each record: the type's code and the record as it is written,
//! then the octets that BIND's `named-rrchecker -o a.example. -u` makes of it.

use super::*;

/// Records and their octets.
const TYPES: &str = include_str!("types.txt");
/// The codes of the types that hickory knows by their fields, of those in the file.
const KNOWN: &[u16] =
    &[1, 2, 5, 6, 12, 13, 15, 16, 28, 33, 35, 37, 44, 52, 53, 61, 62, 64, 65, 257];

/// Each record's code, its written form, and its octets.
fn cases() -> impl Iterator<Item = (u16, &'static str, &'static str)> {
    let lines: Vec<_> = TYPES.lines().collect();
    let pairs = lines.chunks(2).map(|pair| {
        let (code, written) = pair[0].split_once(' ').unwrap();
        (code.parse().unwrap(), written, pair[1])
    });
    pairs.collect::<Vec<_>>().into_iter()
}

/// The one record of a text at the apex.
fn only(written: &str) -> Record {
    let file = read_text(&format!("@ 5 {written}\n")).unwrap_or_else(|fault| panic!("{fault}"));
    let [entry] = &file.records[..] else { panic!("{written}") };
    entry.record.clone()
}

#[test]
fn octets_are_those_that_bind_makes() {
    let mut count = 0;
    for (code, written, expected) in cases().filter(|(code, ..)| *code != 5) {
        let record = only(written);
        assert_eq!(u16::from(record.record_type()), code, "{written}");
        assert_eq!(octets(&record), expected, "{written}");
        count += 1;
    }
    assert!(count > 50, "{count}");
}

#[test]
fn names_of_aliases_are_those_that_bind_makes() {
    for (_, written, expected) in cases().filter(|(code, ..)| *code == 5) {
        let file = read_text(&format!("x 5 {written}\n")).unwrap();
        assert_eq!(octets(&file.records[0].record), expected, "{written}");
    }
}

#[test]
fn types_that_hickory_knows_have_fields_and_the_others_octets() {
    for (code, written, _) in cases().filter(|(code, ..)| *code != 5) {
        let is_opaque = matches!(only(written).data, RData::Unknown { .. });
        assert_eq!(is_opaque, !KNOWN.contains(&code), "{written}");
    }
}

#[test]
fn rfc3597_s5_octets_may_stand_for_any_data() {
    for (code, _, expected) in cases().filter(|(code, ..)| *code != 5) {
        let length = expected.len() / 2;
        let record = only(&format!("CLASS1 TYPE{code} \\# {length} ( {expected} )"));
        assert_eq!((u16::from(record.record_type()), octets(&record).as_str()), (code, expected));
        assert_eq!(matches!(record.data, RData::Unknown { .. }), !KNOWN.contains(&code));
    }
}

#[test]
fn rfc3597_s4_unknown_data_and_srv_are_not_compressed() {
    let known = "SRV 1 2 3 x.a.example.";
    for written in [known, "DNAME a.example.", "KX 1 a.example.", "TYPE65280 \\# 3 016100"] {
        let record = only(written);
        // The owner is before the data, so a name in it could point there.
        let message = record.to_bytes().unwrap();
        let data: String = message.iter().map(|octet| format!("{octet:02X}")).collect();
        assert!(data.ends_with(&octets(&record)), "{written}");
    }
}

#[test]
fn a_uri_may_be_long_and_have_escapes() {
    let long = "x".repeat(300);
    let record = only(&format!("URI 1 2 \"{long}\\065\\\"\u{e9}\""));
    let expected = format!("00010002{}4122C3A9", "78".repeat(300));
    assert_eq!(octets(&record), expected);
}
