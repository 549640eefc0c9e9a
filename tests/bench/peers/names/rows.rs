//! What is asked, row by row.

use fastrand::Rng;

use super::said::{BIG, MANY, REVERSE, SKY, STATIC};
use crate::data::{SMALL, ZONE};
use crate::population::address;
use crate::questions::{A, AAAA, Ask, NOERROR, NXDOMAIN, Opt, PTR, SRV};

/// Types, with their names (RFC 1035 section 3.2.2).
const NS: (u16, &str) = (2, "NS");
/// As above.
const CNAME: (u16, &str) = (5, "CNAME");
/// As above.
const SOA: (u16, &str) = (6, "SOA");
/// As above.
const MX: (u16, &str) = (15, "MX");
/// As above.
const TXT: (u16, &str) = (16, "TXT");
/// The response code of names in nobody's zones.
const REFUSED: u8 = 5;
/// What a row may take for one of the echo's, as a rule.
const MOST: f64 = 1.2;

/// One kind of name.
pub(super) struct Row {
    /// What it is called.
    pub(super) title: &'static str,
    /// Draws a question.
    pub(super) ask: fn(usize, &mut Rng) -> Ask,
    /// The OPT record of the queries.
    pub(super) opt: Opt,
    /// Records of an answer, at least where it is cut; none where they differ.
    pub(super) answers: Option<usize>,
    /// Whether replies are cut.
    pub(super) is_cut: bool,
    /// Whether NSD and Knot hold the same name.
    pub(super) has_peers: bool,
    /// Whether its answers are kept ready.
    pub(super) is_ready: bool,
    /// What it may take for one of the echo's.
    pub(super) most: f64,
}

impl Row {
    /// A row as most are.
    const fn new(title: &'static str, answers: usize, ask: fn(usize, &mut Rng) -> Ask) -> Self {
        Self {
            title,
            ask,
            opt: Opt::Plain,
            answers: Some(answers),
            is_cut: false,
            has_peers: true,
            is_ready: true,
            most: MOST,
        }
    }

    /// Another OPT record.
    const fn opt(self, opt: Opt) -> Self {
        Self { opt, ..self }
    }

    /// What NSD and Knot do not know.
    const fn alone(self) -> Self {
        Self { has_peers: false, ..self }
    }

    /// Another bound.
    const fn most(self, most: f64) -> Self {
        Self { most, ..self }
    }

    /// Answers that are cut.
    const fn cut(self) -> Self {
        Self { is_cut: true, is_ready: false, ..self }
    }

    /// Answers that differ.
    const fn mixed(self) -> Self {
        Self { answers: None, ..self }
    }
}

/// The rows.
pub(super) const ROWS: [Row; 49] = [
    Row::new("SRV of a service", 3, |_, r| registry(SRV, format!("_service-{}._tcp", n(r)))),
    Row::new("SRV of a service, without EDNS", 3, |_, r| {
        registry(SRV, format!("_service-{}._tcp", n(r)))
    })
    .opt(Opt::Absent),
    Row::new("SRV of a service, DO", 3, |_, r| registry(SRV, format!("_service-{}._tcp", n(r))))
        .opt(Opt::Dnssec),
    Row::new("SRV of a service, cookie", 3, |_, r| {
        registry(SRV, format!("_service-{}._tcp", n(r)))
    })
    .opt(Opt::Cookie),
    Row::new("SRV of a service, NSID", 3, |_, r| registry(SRV, format!("_service-{}._tcp", n(r))))
        .opt(Opt::Nsid),
    Row::new("SRV of a bare name", 3, |_, r| at(SRV, format!("_service-{}._tcp", n(r)))).alone(),
    Row::new("SRV of a port's name (_N._P.S.Z)", 3, |_, r| {
        registry(SRV, format!("_http._tcp.service-{}", n(r)))
    }),
    Row::new("A of a service", 3, |_, r| registry(A, format!("service-{}", n(r)))),
    Row::new("AAAA of a service, NODATA", 0, |_, r| registry(AAAA, format!("service-{}", n(r)))),
    Row::new("A of a target (ADDR.S.Z)", 1, |_, r| {
        let (service, address) = instance(r);
        registry(A, format!("{}.service-{service}", address.replace('.', "-")))
    })
    .most(1.12),
    Row::new("A of an instance (I.S.Z)", 1, |_, r| {
        let (service, address) = instance(r);
        registry(A, format!("{}-8080.service-{service}", address.replace('.', "-")))
    }),
    Row::new("SRV of an instance", 1, |_, r| {
        let (service, address) = instance(r);
        registry(SRV, format!("{}-8080.service-{service}", address.replace('.', "-")))
    }),
    Row::new("TXT of an instance", 1, |_, r| {
        let (service, address) = instance(r);
        registry(TXT, format!("{}-8080.service-{service}", address.replace('.', "-")))
    }),
    Row::new("A of a tag (T.S.Z)", 3, |_, r| registry(A, format!("blue.service-{}", n(r)))),
    Row::new("PTR of DNS-SD", 3, |_, r| registry(PTR, format!("_service-{}._tcp", n(r)))),
    Row::new("SRV of DNS-SD", 1, |_, r| {
        let (service, address) = instance(r);
        let label = address.replace('.', "-");
        registry(SRV, format!("{label}-8080._service-{service}._tcp"))
    }),
    Row::new("SRV of a frontend", 3, |_, r| registry(SRV, format!("_front-{}._tcp", n(r)))),
    Row::new("A of a frontend", 3, |_, r| registry(A, format!("front-{}", n(r)))),
    Row::new("mix of A, NODATA, SRV, NXDOMAIN", 0, |number, r| match number % 4 {
        0 => registry(A, format!("service-{}", n(r))),
        1 => registry(AAAA, format!("service-{}", n(r))),
        2 => registry(SRV, format!("_service-{}._tcp", n(r))),
        _ => missing(format!("_{:x}._tcp.{ZONE}", r.u64(..))),
    })
    .mixed(),
    Row::new("NXDOMAIN", 0, |_, r| missing(format!("{:x}.{ZONE}", r.u64(..)))),
    Row::new("NXDOMAIN below a service", 0, |_, r| {
        missing(format!("{:x}.service-{}.{ZONE}", r.u64(..), n(r)))
    }),
    Row::new("REFUSED", 0, |_, r| Ask {
        code: REFUSED,
        ..at(A, format!("{:x}.example.com", r.u64(..)))
    }),
    Row::new("SOA of the apex", 1, |_, _| at(SOA, ZONE.to_owned())),
    Row::new("NS of the apex", 1, |_, _| at(NS, ZONE.to_owned())),
    Row::new("A of the apex, NODATA", 0, |_, _| at(A, ZONE.to_owned())),
    Row::new("TC: SRV of 1,000", 1, |_, _| registry(SRV, format!("_{BIG}._tcp"))).cut().most(1.5),
    Row::new("TC: A of 1,000", 1, |_, _| registry(A, BIG.to_owned())).cut().most(1.5),
    Row::new("PTR of an address (reverse zone)", 1, |_, r| {
        let (_, address) = instance(r);
        let labels: Vec<_> = address.split('.').rev().take(3).collect();
        at(PTR, format!("{}.{REVERSE}", labels.join(".")))
    }),
    Row::new("zone file, A", 1, |_, r| at(A, format!("host-{}.{STATIC}", n(r)))),
    Row::new("zone file, NODATA", 0, |_, r| at(AAAA, format!("host-{}.{STATIC}", n(r)))),
    Row::new("zone file, SRV of 3 with glue", 3, |_, r| {
        at(SRV, format!("_srv-{}._tcp.{STATIC}", n(r)))
    }),
    Row::new("zone file, MX with glue", 1, |_, r| at(MX, format!("mx-{}.{STATIC}", n(r)))),
    Row::new("zone file, TXT", 1, |_, r| at(TXT, format!("txt-{}.{STATIC}", n(r)))),
    Row::new("zone file, A of a CNAME", 2, |_, r| at(A, format!("alias-{}.{STATIC}", n(r)))),
    Row::new("zone file, CNAME", 1, |_, r| at(CNAME, format!("alias-{}.{STATIC}", n(r)))),
    Row::new("zone file, wildcard, hardly a name twice", 1, |_, r| {
        at(A, format!("{:x}.wild-{}.{STATIC}", r.u64(..), n(r)))
    }),
    Row::new("zone file, delegation", 0, |_, r| at(A, format!("www.cut-{}.{STATIC}", n(r)))),
    Row::new("zone file, NXDOMAIN", 0, |_, r| missing(format!("{:x}.{STATIC}", r.u64(..)))),
    Row::new("skydns, SRV of 3 (subtree)", 3, |_, r| at(SRV, format!("svc-{}.{SKY}", n(r)))),
    Row::new("skydns, A of 3 (subtree)", 3, |_, r| at(A, format!("svc-{}.{SKY}", n(r)))),
    Row::new("skydns, AAAA, NODATA", 0, |_, r| at(AAAA, format!("svc-{}.{SKY}", n(r)))),
    Row::new("skydns, SRV of an exact name", 1, |_, r| {
        at(SRV, format!("x{}.svc-{}.{SKY}", r.usize(..3), n(r)))
    }),
    Row::new("skydns, A of an exact name", 1, |_, r| {
        at(A, format!("x{}.svc-{}.{SKY}", r.usize(..3), n(r)))
    }),
    Row::new("skydns, TXT", 1, |_, r| at(TXT, format!("txt-{}.{SKY}", n(r)))),
    Row::new("skydns, A of a CNAME", 4, |_, r| at(A, format!("alias-{}.{SKY}", n(r)))),
    Row::new("skydns, wildcard in the data, hardly a name twice", 1, |_, r| {
        at(A, format!("{:x}.wild-{}.{SKY}", r.u64(..), n(r)))
    }),
    Row::new("skydns, wildcard in the query", 3, |_, r| at(SRV, format!("*.svc-{}.{SKY}", n(r))))
        .alone(),
    Row::new("skydns, TC: SRV of 200 (subtree)", 1, |_, r| {
        at(SRV, format!("many-{}.{SKY}", r.usize(..MANY)))
    })
    .cut()
    .most(1.5),
    Row::new("skydns, NXDOMAIN", 0, |_, r| missing(format!("{:x}.{SKY}", r.u64(..)))),
];

/// The number of a service.
fn n(random: &mut Rng) -> usize {
    random.usize(..SMALL.services)
}

/// An instance: its service's number and its address.
fn instance(random: &mut Rng) -> (usize, String) {
    let n = random.usize(..SMALL.instances);
    (n % SMALL.services, address(n))
}

/// A question whose name exists.
fn at(kind: (u16, &'static str), name: String) -> Ask {
    Ask { name, kind, code: NOERROR }
}

/// The same below the registry's zone.
fn registry(kind: (u16, &'static str), name: String) -> Ask {
    at(kind, format!("{name}.{ZONE}"))
}

/// A question whose name does not exist.
fn missing(name: String) -> Ask {
    Ask { name, kind: A, code: NXDOMAIN }
}
