//! Tests of warnings: records that are served otherwise than they are written.

use super::*;

/// The warnings of a text, without what all begin with.
fn warned(text: &str) -> Vec<String> {
    let file = read_text(text).unwrap();
    let texts = file.warnings.iter().map(ToString::to_string);
    texts.map(|it| it.strip_prefix("zone file x.zone:").unwrap().to_owned()).collect()
}

/// `OWNER TYPE` of what is served of a text.
fn served(text: &str) -> Vec<String> {
    let file = read_text(text).unwrap();
    let records = file.records.iter().map(|it| &it.record);
    records
        .map(|it| {
            format!(
                "{} {}",
                it.name.iter().next().map_or("".into(), String::from_utf8_lossy),
                form::mnemonic(it.record_type())
            )
        })
        .collect()
}

#[test]
fn a_delegation_that_another_hides_has_no_glue() {
    let text = format!("{SOA}$TTL 5\nsub NS ns.b.test.\nm.sub NS ns.sub\nns.sub A 10.0.0.1\n");
    assert_eq!((served(&text).len(), warned(&text).len()), (2, 2));
    let alone = text.replace("\nsub NS ns.b.test.", "");
    assert_eq!((served(&alone).len(), warned(&alone).len()), (3, 0));
}

#[test]
fn rfc2181_s5_2_one_ttl_the_least() {
    let text = "x 9 A 10.0.0.1\nx 7 A 10.0.0.2\nx 8 A 10.0.0.3\nx 5 TXT x\nx 6 A 10.0.0.1\n";
    let ttls: Vec<_> = read_text(text).unwrap().records.iter().map(|it| it.record.ttl).collect();
    assert_eq!(ttls, [6, 6, 6, 5]);
    let warned = warned(text);
    assert_eq!(warned.len(), 1);
    assert_eq!(
        warned[0],
        "1: the A records of `x.a.example.` have several TTLs; the least, 6, is served; write one"
    );
}

#[test]
fn at_and_below_a_delegation_only_glue_is_served() {
    let text = "$TTL 5\n\
        @ NS ns\n\
        ns A 10.0.0.1\n\
        d NS ns.d\n\
        d NS ns.e\n\
        d DS 1 13 2 aa\n\
        d TXT hidden\n\
        ns.d A 10.0.0.2\n\
        ns.d TXT hidden\n\
        www.d A 10.0.0.3\n\
        sub.d NS ns.sub.d\n\
        e NS ns.d\n\
        ns.e AAAA ::1\n";
    assert_eq!(
        served(text),
        [" NS", "ns A", "d NS", "d NS", "d DS", "ns A", "e NS", "ns AAAA"]
            .map(|it| { if it == " NS" { "a NS".to_owned() } else { it.to_owned() } })
    );
    let warned = warned(text);
    assert_eq!(warned.len(), 4);
    assert_eq!(
        warned[0],
        "7: `d.a.example.` TXT is at or below the delegation `d.a.example.`, and no glue: it is \
         not served; remove it"
    );
    assert!(warned[3].starts_with("11: `sub.d.a.example.` NS"), "{}", warned[3]);
}

#[test]
fn rfc6672_s2_4_below_a_dname_nothing_is_served() {
    let text =
        "$TTL 5\nx DNAME b.example.\nx A 10.0.0.1\ny.x A 10.0.0.2\nz.y.x TXT x\nxx A 10.0.0.3\n";
    assert_eq!(served(text), ["x DNAME", "x A", "xx A"]);
    let warned = warned(text);
    assert_eq!(warned.len(), 2);
    assert_eq!(
        warned[0],
        "4: `y.x.a.example.` A is below the DNAME `x.a.example.` (RFC 6672 section 2.4): it is \
         not served; remove it"
    );
    let text = format!("{SOA}@ 5 NS ns.b.\n@ 5 DNAME b.\nx 5 A 10.0.0.1\n");
    assert_eq!(read_text(&text).unwrap().records.len(), 3);
}

#[test]
fn the_end_nearest_the_apex_rules() {
    let text = "$TTL 5\nd NS ns.x.d\nx.d DNAME b.\nns.x.d A 10.0.0.1\n\
        a DNAME b.\nd.a NS ns.d.a\nns.d.a A 10.0.0.1\n";
    assert_eq!(served(text), ["d NS", "ns A", "a DNAME"]);
    let warned = warned(text);
    assert!(warned[0].contains("below the delegation `d.a.example.`"), "{}", warned[0]);
    assert!(warned[2].contains("below the DNAME `a.a.example.`"), "{}", warned[2]);
}

#[test]
fn rfc2181_s10_3_targets_are_no_aliases() {
    let text = "$TTL 5\nc CNAME www\nwww A 10.0.0.1\nm MX 10 C\n_a._tcp SRV 0 0 1 c\n\
        p PTR c\n@ NS c\nn MX 10 www\n";
    let warned = warned(text);
    assert_eq!(warned.len(), 3);
    assert_eq!(
        warned[0],
        "4: the MX of `m.a.example.` names `C.a.example.`, which is a CNAME (RFC 2181 section \
         10.3); name what that stands for"
    );
    assert_eq!(served(text).len(), 7);
}

#[test]
fn a_zone_without_any_of_it_has_no_warning() {
    let text = format!("{SOA}@ 5 NS ns\nns 5 A 10.0.0.1\n*.w 5 A 10.0.0.2\nx.y.z 5 TXT x\n");
    assert_eq!(warned(&text), [] as [String; 0]);
}
