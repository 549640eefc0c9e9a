//! Every fault, with its line and what to do.

use super::*;

/// Each text is refused with a message of this beginning and end.
fn refused(cases: &[(&str, &str, &str)]) {
    for (text, start, end) in cases {
        let fault = read_text(text).unwrap_err().to_string();
        assert!(fault.starts_with(&format!("zone file x.zone:{start}")), "{text:?}: {fault}");
        assert!(fault.contains(end), "{text:?}: {fault}");
    }
}

#[test]
fn of_lines() {
    refused(&[
        ("\n\na 5 TXT (\n\"x\"\n", "3: the parenthesis is not closed", "write `)`"),
        ("a 5 TXT x )\n", "1: `)` closes nothing", "write `(` before it"),
        ("a 5 TXT (\n\"x\ny\" )", "2: a quoted string is not closed on its line", "\\010"),
        ("a 5 TXT \"x", "1: a quoted string is not closed", "write `\"`"),
        ("\na 5 TXT x\\\n", "2: nothing follows the backslash after `x`", "write `\\\\`"),
        ("\u{0}\u{1}(((", "1: the parenthesis is not closed", ""),
    ]);
}

#[test]
fn of_directives() {
    refused(&[
        ("$GENERATE 1-2 a A 10.0.0.$\n", "1: the directive `$GENERATE` is not known", "$INCLUDE"),
        ("$TTL\n", "1: `$TTL` takes one TTL", "`$TTL 3600`"),
        ("$TTL soon\n", "1: `soon` is no TTL", "1h"),
        ("$TTL 2147483648\n", "1: the TTL 2147483648 is above 2147483647", "smaller"),
        ("\n$ORIGIN a b\n", "2: `$ORIGIN` takes one name", ""),
        ("$ORIGIN a..b\nx 5 A 10.0.0.1", "1: the origin is no domain name", "two dots"),
        ("$INCLUDE\n", "1: `$INCLUDE` takes a file", ""),
        ("$INCLUDE missing.txt\n", "1: missing.txt cannot be included: No such file", ""),
    ]);
}

#[test]
fn of_heads() {
    refused(&[
        ("\n A 10.0.0.1\n", "2: the line begins with a space", "write the owner's name"),
        ("a\n", "1: the record ends before its type", "OWNER [TTL] [IN] TYPE DATA"),
        ("a 5 IN\n", "1: the record ends before its type", ""),
        ("a 5 WHAT x\n", "1: `WHAT` is no type, no class and no TTL", ""),
        ("a 5 6 A 10.0.0.1\n", "1: `6` is no type", ""),
        ("a 5 CH TXT x\n", "1: class CH is not served", "only IN is"),
        ("a 5 CLASS255 TXT x\n", "1: class CLASS255 is not served", ""),
        ("a A 10.0.0.1\n", "1: the record has no TTL", "write `$TTL 3600` above it"),
        ("a A 10.0.0.1\n@ SOA a b 1 2 3 4 5\n", "1: the record has no TTL", "or SOA"),
        ("@ SOA a b 1 2 3 4 soon\n", "1: `soon` is no TTL", ""),
        ("a 5 LOC 1 N 200 E 0\n", "1: a record of type LOC is written as DEG", ""),
        ("a 5 EUI48 0\n", "1: a record of type EUI48 is written as six pairs", ""),
        ("a 2147483648 A 10.0.0.1\n", "1: the TTL 2147483648 is above", ""),
        ("a 5 ANY x\n", "1: a zone holds no record of type ANY", "remove it"),
        ("a 5 TYPE41 \\# 0\n", "1: a zone holds no record of type TYPE41", ""),
        ("\n\nb.example. 5 A 10.0.0.1\n", "3: `b.example.` is not in the zone `a.example.`", "dot"),
        ("xa.example. 5 A 10.0.0.1\n", "1: `xa.example.` is not in the zone", ""),
    ]);
}

#[test]
fn of_data() {
    refused(&[
        ("a 5 A\n", "1: A: unexpected end of entry", "\\# LENGTH HEX"),
        ("a 5 A 10.0.0\n", "1: ", "correct it"),
        ("a 5 A 10.0.0.1 x\n", "1: A: trailing tokens", ""),
        ("@ SOA nonsense\n", "1: the record has no TTL", ""),
        ("@ 5 SOA nonsense\n", "1: SOA: unexpected end of entry", ""),
        ("@ 5 SOA a b 1 soon 3 4 5\n", "1: `soon` is no TTL", ""),
        ("a 5 NS a..b\n", "1: no data of type NS", ""),
        ("a..b 5 A 10.0.0.1\n", "1: the owner's name is no domain name", "two dots"),
        ("a 5 A \\# 3 0a0000\n", "1: no data of type A", ""),
        ("a 5 MX \\# 4 000ac000\n", "1: no data of type MX", ""),
        ("a 5 TYPE65280 \\# 3 0a00\n", "1: ", "\\# LENGTH HEX"),
        ("a 5 TYPE65280 10.0.0.1\n", "1: TYPE65280: unknown record type", "\\# LENGTH HEX"),
        ("a 5 URI 1 2 x\n", "1: a URI is written as PRIORITY", ""),
        ("a 5 URI 1 2 \"\"\n", "1: a URI is written as PRIORITY", ""),
        ("a 5 TXT \\256\n", "1: TXT: bad symbol", ""),
    ]);
    let label = "x".repeat(64);
    refused(&[(&format!("{label} 5 A 10.0.0.1\n"), "1: A: bad name", "correct it")]);
    let string = "x".repeat(256);
    for string in [string.clone(), format!("\"{string}\""), "\\065".repeat(256)] {
        let says = "1: a string has 256 octets, at most 255 fit one";
        refused(&[(&format!("a 5 TXT x {string}\n"), says, "split it into several")]);
    }
    let long = "a.".repeat(122) + "a";
    refused(&[(&format!("{long} 5 A 10.0.0.1\n"), "1: A: bad name", "")]);
}

#[test]
fn of_what_stands_beside_what() {
    refused(&[
        ("$TTL 5\nb SOA a b 1 2 3 4 5\n", "2: a SOA record stands at the zone's apex alone", ""),
        (
            "$TTL 5\n@ SOA a b 1 2 3 4 5\n@ SOA a b 2 2 3 4 5\n",
            "3: the zone has its SOA on line 2 already",
            "remove one",
        ),
        (
            "$TTL 5\nx A 10.0.0.1\nX CNAME b\n",
            "2: `x.a.example.` has a CNAME on line 3",
            "RFC 2181 section 10.1",
        ),
        ("$TTL 5\nx CNAME b\nx CNAME c\n", "3: `x.a.example.` has its CNAME on line 2", "alone"),
        ("$TTL 5\nx DNAME b\nx DNAME c\n", "3: `x.a.example.` has its DNAME on line 2", "alone"),
        ("$TTL 5\nx DNAME b\nx CNAME c\n", "2: `x.a.example.` has a CNAME on line 3", ""),
        ("$TTL 5\nx NS b\nx DNAME c\n", "3: `x.a.example.` is delegated on line 2", "RFC 6672"),
        ("$TTL 5\n@ CNAME b\n", "2: the apex of a zone holds its SOA", "write the addresses"),
    ]);
}

#[test]
fn rfc4035_s2_5_signatures_stand_beside_aliases() {
    let text = "$TTL 5\n\
        x CNAME b\n\
        x NSEC y CNAME\n\
        x RRSIG CNAME 13 3 5 20301231235959 20030220173103 2642 a.example. AQPS\n\
        x CNAME B\n";
    assert_eq!(records(text).len(), 3);
}

#[test]
fn of_size() {
    let long = vec![b'\n'; 16 << 20];
    let apex = name("a.example.");
    assert!(parse(&long, &apex, Path::new("x.zone")).is_ok());
    let longer = [&long[..], b"\n"].concat();
    let fault = parse(&longer, &apex, Path::new("x.zone")).unwrap_err().to_string();
    assert_eq!(
        fault,
        "zone file x.zone: the zone's files are larger than 16777216 octets together"
    );
    let words = format!("a 5 TXT {}\n", "x ".repeat(70_000));
    refused(&[(&words, "1: the record has more words than any record data", "")]);
    let text = format!("a 5 TXT {}\n", format!("{} ", "x".repeat(255)).repeat(257));
    refused(&[(&text, "1: TXT: TXT record is too long", "")]);
}
