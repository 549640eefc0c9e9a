//! Where srvd answers otherwise than CoreDNS, and why.

use serde_json::{Value, json};

/// A difference: the question, the code, the lines of the answer section, those of the
/// additional section, and the reason. A negative answer has the zone's SOA record.
type Difference =
    (&'static str, &'static str, &'static [&'static str], &'static [&'static str], &'static str);

/// A value that cannot be used: its name does not exist, and its neighbours are as ever.
const REFUSED: &str = "one bad value harms only itself";

/// All of them.
const ALL: &[Difference] = &[
    (
        "coredns-etcd/lookup #24",
        "NOERROR",
        &[],
        &[],
        "asking the apex never returns the whole zone",
    ),
    ("coredns-etcd/multi #2", "REFUSED", &[], &[], "the name is in no zone of ours"),
    (
        "cname-external #0",
        "NOERROR",
        &["ext.skydns.test. 300 IN CNAME www.example.org."],
        &[],
        "an alias that leaves our zones is returned as it is when nothing forwards",
    ),
    (
        "cname-external #1",
        "NOERROR",
        &["ext.skydns.test. 300 IN CNAME www.example.org."],
        &[],
        "an alias that leaves our zones is returned as it is when nothing forwards",
    ),
    (
        "cname-external #2",
        "NOERROR",
        &["_e._tcp.skydns.test. 300 IN SRV 10 100 5 www.example.org."],
        &[],
        "the additional section has addresses of our zones alone",
    ),
    ("negative-port #0", "NXDOMAIN", &[], &[], REFUSED),
    ("negative-port #1", "NXDOMAIN", &[], &[], REFUSED),
    (
        "value/host-with-trailing-dot #0",
        "NOERROR",
        &["v.skydns.test. 300 IN CNAME t.example."],
        &[],
        "an alias that leaves our zones is returned as it is when nothing forwards",
    ),
    (
        "value/host-with-trailing-dot #1",
        "NOERROR",
        &["v.skydns.test. 300 IN CNAME t.example."],
        &[],
        "a CNAME never stands beside other data: what is an alias for A is one for SRV too",
    ),
    (
        "txt-quotes #0",
        "NOERROR",
        &[r#"t.skydns.test. 300 IN TXT "say \"hi\" \\ \195\169""#],
        &[],
        "a text is served octet by octet: a backslash in it escapes nothing",
    ),
    (
        "ns-host-name #0",
        "NOERROR",
        &["skydns.test. 300 IN NS ns.example."],
        &[],
        "a host that is a name is the name server",
    ),
    (
        "stored-star-is-not-a-wildcard #0",
        "NOERROR",
        &["foo.skydns.test. 300 IN A 10.1.11.1"],
        &[],
        "a stored * is a DNS wildcard",
    ),
    (
        "stored-star-is-not-a-wildcard #2",
        "NOERROR",
        &["x.foo.skydns.test. 300 IN A 10.1.11.1"],
        &[],
        "a stored * is a DNS wildcard, of any number of labels",
    ),
    (
        "a-dedup #0",
        "NOERROR",
        &["d.skydns.test. 300 IN A 10.1.8.1"],
        &[],
        "equal records appear once",
    ),
    (
        "mixed-ttl-rrset #0",
        "NOERROR",
        &[
            "t.skydns.test. 60 IN A 10.1.7.1",
            "t.skydns.test. 60 IN A 10.1.7.2",
            "t.skydns.test. 60 IN A 10.1.7.3",
        ],
        &[],
        "an RRset has one TTL, the least",
    ),
    (
        "mixed-ttl-rrset #1",
        "NOERROR",
        &[
            "t.skydns.test. 60 IN SRV 10 33 0 a.t.skydns.test.",
            "t.skydns.test. 60 IN SRV 10 33 0 b.t.skydns.test.",
            "t.skydns.test. 60 IN SRV 10 33 0 c.t.skydns.test.",
        ],
        &[
            "a.t.skydns.test. 60 IN A 10.1.7.1",
            "b.t.skydns.test. 120 IN A 10.1.7.2",
            "c.t.skydns.test. 300 IN A 10.1.7.3",
        ],
        "an RRset has one TTL, the least",
    ),
    ("value/float-weight #0", "NXDOMAIN", &[], &[], REFUSED),
    ("value/float-weight #1", "NXDOMAIN", &[], &[], REFUSED),
    ("empty-zone #0", "NOERROR", &[], &[], "the apex always exists"),
    (
        "empty-zone #1",
        "NOERROR",
        &["skydns.test. 300 IN NS ns.dns.skydns.test."],
        &["ns.dns.skydns.test. 300 IN A 127.0.0.1", "ns.dns.skydns.test. 300 IN AAAA ::1"],
        "a zone has a name server, if need be one that is made up, at our address",
    ),
    ("empty-zone #3", "NOERROR", &[], &[], "the apex always exists"),
    ("empty-zone #4", "NXDOMAIN", &[], &[], "there is a SOA record at the apex alone"),
    (
        "srv-rfc2782-name #3",
        "NOERROR",
        &["_http._tcp.skydns.test. 300 IN A 10.1.4.1", "_http._tcp.skydns.test. 300 IN A 10.1.4.3"],
        &[],
        "a CNAME never stands beside other data: what it leads to is answered at the owner",
    ),
    (
        "ptr #1",
        "NOERROR",
        &["2.0.0.10.in-addr.arpa. 300 IN PTR b.example."],
        &[],
        "several keys of one address are several PTR records",
    ),
    ("ptr #4", "NOERROR", &[], &[], "a name above others exists (RFC 8020)"),
    ("port-priority-out-of-range #0", "NXDOMAIN", &[], &[], REFUSED),
    ("value/trailing-garbage #0", "NXDOMAIN", &[], &[], REFUSED),
    ("value/trailing-garbage #1", "NXDOMAIN", &[], &[], REFUSED),
];

/// What is answered to a question in the place of what is recorded, and why.
pub(crate) fn of(id: &str) -> Option<(Value, &'static str)> {
    let (_, code, answer, additional, reason) = ALL.iter().find(|difference| difference.0 == id)?;
    let apex = match id {
        "coredns-etcd/lookup #24" => "skydns_zonea.test.",
        "ptr #4" => "in-addr.arpa.",
        _ => "skydns.test.",
    };
    let soa = format!("{apex} 30 IN SOA ns.dns.{apex} hostmaster.{apex} * 7200 1800 86400 30");
    let is_negative = answer.is_empty() && *code != "REFUSED";
    let authority: &[String] = if is_negative { &[soa] } else { &[] };
    let said = json!({
        "rcode": code, "answer": answer, "authority": authority, "additional": additional,
    });
    Some((said, reason))
}

/// The questions that are answered otherwise.
pub(crate) fn ids() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|difference| difference.0)
}
