//! Lines, names, strings, TTLs and what they are relative to.

use super::*;

#[test]
fn without_any_ttl_the_minimum_of_the_soa_counts() {
    let text = "@ SOA a b 1 2 3 4 1m\n@ NS a\nx A 10.0.0.1\ny 7 A 10.0.0.2\nz A 10.0.0.3\n";
    let ttls: Vec<_> = read_text(text).unwrap().records.iter().map(|it| it.record.ttl).collect();
    assert_eq!(ttls, [60, 60, 60, 7, 60]);
    // A TTL that is written counts, as ever.
    let text = "@ 9 SOA a b 1 2 3 4 60\n@ NS a\n";
    let ttls: Vec<_> = read_text(text).unwrap().records.iter().map(|it| it.record.ttl).collect();
    assert_eq!(ttls, [9, 9]);
}

#[test]
fn rfc1035_s5_entries_names_and_origins() {
    let text = "\u{feff}$TTL 1h ; a comment (\n\
        @ IN 7 SOA @ ( host\\.master ; one\n  1 2h ;two )\n\n 3m 4 1w\n )\n\
        \t  NS ns1\r\n\
        ns1 5 IN A 10.0.0.1\n\
        ( ns2\n IN ) A 10.0.0.2\n\
        $origin sub\n\
        @ MX 10 @\n\
        www.a.example. 6 CNAME @\n\
        $ORIGIN @\n\
        x IN AAAA ::1";
    let expected = [
        "a.example. 7 6 0161076578616D706C65000B686F73742E6D61737465720161076578616D706C6500\
         0000000100001C20000000B40000000400093A80",
        "a.example. 3600 2 036E73310161076578616D706C6500",
        "ns1.a.example. 5 1 0A000001",
        "ns2.a.example. 3600 1 0A000002",
        "sub.a.example. 3600 15 000A037375620161076578616D706C6500",
        "www.a.example. 6 5 037375620161076578616D706C6500",
        "x.sub.a.example. 3600 28 00000000000000000000000000000001",
    ];
    assert_eq!(records(text), expected);
    let lines: Vec<_> = read_text(text).unwrap().records.iter().map(|it| it.line).collect();
    assert_eq!(lines, [2, 7, 8, 9, 12, 13, 15]);
}

#[test]
fn rfc1035_s5_1_escapes_in_names_and_strings() {
    let text = "$TTL 1\n\
        a\\.b.c TXT \\065\\\\ \"q\\\"u;(o)te\" \"\" x\\ y\n\
        \\065bc 2 A 10.0.0.1\n\
        caf\u{e9} A 10.0.0.2\n\
        \\@ A 10.0.0.3\n\
        x\\$y A 10.0.0.4\n\
        \\000 A 10.0.0.5\n";
    let file = read_text(text).unwrap();
    let labels: Vec<_> =
        file.records.iter().map(|it| it.record.name.iter().next().unwrap().to_vec()).collect();
    let expected: [&[u8]; 6] = [b"a.b", b"Abc", b"caf\xc3\xa9", b"@", b"x$y", b"\0"];
    assert_eq!(labels, expected);
    let strings: [&[u8]; 4] = [b"A\\", b"q\"u;(o)te", b"", b"x y"];
    let RData::TXT(found) = &file.records[0].record.data else { panic!("{file:?}") };
    assert!(found.txt_data.iter().map(|it| &it[..]).eq(strings));
}

#[test]
fn rfc2308_s4_ttls() {
    let text = "a 9 A 10.0.0.1\n\
        b A 10.0.0.1\n\
        $TTL 20\n\
        c A 10.0.0.1\n\
        d 7 A 10.0.0.1\n\
        e A 10.0.0.1\n\
        $TTL 1m\n\
        f IN A 10.0.0.1\n\
        g 0 A 10.0.0.1\n\
        h IN 2m A 10.0.0.1\n";
    let ttls: Vec<_> = read_text(text).unwrap().records.iter().map(|it| it.record.ttl).collect();
    assert_eq!(ttls, [9, 9, 20, 7, 20, 60, 0, 120]);
}

#[test]
fn names_are_compared_without_case_and_kept_with_it() {
    let text = "$TTL 5\nwww A 10.0.0.1\nWWW A 10.0.0.1\nx.A.Example. A 10.0.0.2\n";
    assert_eq!(records(text), ["www.a.example. 5 1 0A000001", "x.A.Example. 5 1 0A000002"]);
}

#[test]
fn nothing_is_nothing() {
    for text in ["", "\n\n", "; only this", " \t\n(\n)\n", "\u{feff}"] {
        assert_eq!(read_text(text).unwrap().records, [], "{text:?}");
    }
}

mod any_bytes {
    use proptest::prelude::*;

    use super::*;

    /// Pieces of zone files, so that the draws get past the first word.
    const PIECES: &[&str] = &[
        "@",
        "a",
        "*.b",
        "\n",
        "\n",
        "\n",
        " ",
        " ",
        "\t",
        "(",
        ")",
        ";",
        "\"",
        "\\",
        "\\#",
        "\\065",
        ".",
        "..",
        "IN",
        "CH",
        "5",
        "1h",
        "A",
        "10.0.0.1",
        "AAAA",
        "::1",
        "TXT",
        "\"x y\"",
        "NS",
        "CNAME",
        "DNAME",
        "MX 10",
        "SOA",
        "a b 1 2 3 4 5",
        "SRV 1 2 3",
        "SVCB 1 .",
        "HTTPS 0",
        "alpn=",
        "key65=\"",
        "port=1",
        "mandatory=",
        "ipv4hint=1.2.3.4",
        "NAPTR 1 2",
        "CAA 0 issue",
        "TYPE65280",
        "TYPE1",
        "\\# 4",
        "0a000001",
        "URI 1 2",
        "LOC",
        "NSEC",
        "RRSIG",
        "IPSECKEY",
        "TLSA 1 1 1",
        "DS 1 2 3",
        "$TTL",
        "$ORIGIN",
        "$INCLUDE",
        "\r\n",
        "\u{e9}",
        "\0",
        "ZONEMD",
        "NSEC3",
        "OPENPGPKEY",
        "HINFO",
        "CDS",
        "DNSKEY",
        "AQPS",
        "KX 1",
        "DHCID",
    ];

    /// What is read of any text is served as it stands: within the zone, of class IN, with
    /// data that fit into a message.
    fn holds(text: &[u8]) {
        let apex = name("a.example.");
        let Ok(file) = parse(text, &apex, Path::new("x.zone")) else { return };
        for entry in &file.records {
            assert!(apex.zone_of(&entry.record.name));
            assert!(octets(&entry.record).len() / 2 <= 65_535);
            assert!(entry.record.ttl <= i32::MAX as u32);
            assert!(entry.line >= 1);
            assert!(entry.record.to_bytes().is_ok());
        }
    }

    proptest! {
        #[test]
        fn never_panic(text in prop::collection::vec(any::<u8>(), 0..200)) {
            holds(&text);
        }

        #[test]
        fn in_pieces_never_panic(
            pieces in prop::collection::vec((prop::sample::select(PIECES), any::<bool>()), 0..30),
        ) {
            let spaced = |(piece, space): &(&str, bool)| {
                format!("{piece}{}", if *space { " " } else { "" })
            };
            holds(pieces.iter().map(spaced).collect::<String>().as_bytes());
        }
    }
}
