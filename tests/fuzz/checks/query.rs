//! Queries that are mostly proper: names that are there, options of every kind. It goes
//! deeper than `packet`, whose octets are mostly malformed.

use arbitrary::{Arbitrary, Unstructured};

use super::packet;

/// Labels of which names are made: of everything that is registered, and beside it.
const LABELS: [&str; 60] = [
    "services",
    "internal",
    "web",
    "_web",
    "_tcp",
    "_udp",
    "_http",
    "_grpc",
    "_x",
    "db",
    "_db",
    "crowd",
    "_crowd",
    "large",
    "_large",
    "portless",
    "several",
    "_several",
    "blue",
    "_blue",
    "none",
    "shop",
    "_shop",
    "bad",
    "a-b-c",
    "i-d",
    "x",
    "1",
    "2",
    "v1",
    "10-0-0-1",
    "2001-db8--1",
    "10-0-0-7",
    "other",
    "test",
    "ns",
    "dns",
    "_dns-sd",
    "_services",
    "_sub",
    "*",
    "b",
    "static",
    "www",
    "a",
    "c",
    "deep",
    "out",
    "loop",
    "into",
    "wild",
    "y",
    "_sip",
    "mail",
    "sub",
    "moved",
    "new",
    "no",
    "such",
    "com",
];

/// The types that clients ask for, and some that nobody should.
const KINDS: [u16; 20] =
    [1, 2, 5, 6, 12, 15, 16, 28, 33, 35, 39, 41, 64, 65, 250, 251, 252, 255, 257, 65280];

/// A query.
#[derive(Debug, Arbitrary)]
struct Query {
    id: u16,
    flags: [u8; 2],
    questions: Questions,
    options: Vec<Additional>,
    /// What stands behind its last record.
    tail: Option<u8>,
}

/// How many questions; nearly always one.
#[derive(Debug, Arbitrary)]
enum Questions {
    One(Question),
    InZone(Question),
    Static(Question),
    Bare(Question),
    Many(Vec<Question>),
}

/// A question.
#[derive(Debug, Arbitrary)]
struct Question {
    labels: Vec<Label>,
    /// Which of the name's octets are in upper case.
    case: u32,
    kind: Kind,
    class: Class,
}

/// A label.
#[derive(Debug, Arbitrary)]
enum Label {
    Known(u8),
    Other(Vec<u8>),
}

/// A type.
#[derive(Debug, Arbitrary)]
enum Kind {
    Srv,
    Known(u8),
    Any(u16),
}

/// A class.
#[derive(Debug, Arbitrary)]
enum Class {
    In,
    InToo,
    Chaos,
    Any(u16),
}

/// An additional record.
#[derive(Debug, Arbitrary)]
enum Additional {
    Opt { size: u16, code: u8, version: Version, flags: u16, options: Vec<EdnsOption> },
    Record { kind: u16, data: Vec<u8> },
}

/// The version of EDNS.
#[derive(Debug, Arbitrary)]
enum Version {
    Zero,
    ZeroToo,
    Any(u8),
}

/// An option.
#[derive(Debug, Arbitrary)]
enum EdnsOption {
    Nsid,
    Cookie { client: [u8; 8], server: Vec<u8> },
    Subnet { family: u16, source: u8, scope: u8, address: Vec<u8> },
    Keepalive(Vec<u8>),
    Padding(u8),
    ZoneVersion(Vec<u8>),
    Other { code: u16, data: Vec<u8> },
}

/// Asks the query that the octets choose.
pub(crate) fn check(octets: &[u8]) {
    if let Ok(query) = Query::arbitrary(&mut Unstructured::new(octets)) {
        packet::check(&query.bytes());
    }
}

impl Query {
    /// The query on the wire.
    fn bytes(&self) -> Vec<u8> {
        let (questions, suffix): (&[Question], &[&str]) = match &self.questions {
            Questions::One(question) => (std::slice::from_ref(question), &[]),
            Questions::InZone(question) => {
                (std::slice::from_ref(question), &["services", "internal"])
            }
            Questions::Static(question) => (std::slice::from_ref(question), &["static", "test"]),
            Questions::Bare(question) => (std::slice::from_ref(question), &["_tcp"]),
            Questions::Many(questions) => (questions, &[]),
        };
        let mut octets = self.id.to_be_bytes().to_vec();
        octets.extend([self.flags[0] & 0x7f, self.flags[1]]);
        for count in [questions.len(), 0, 0, self.options.len()] {
            octets.extend((count as u16).to_be_bytes());
        }
        questions.iter().for_each(|it| it.write(suffix, &mut octets));
        self.options.iter().for_each(|it| it.write(&mut octets));
        octets.extend(self.tail);
        octets
    }
}

impl Question {
    /// Writes it.
    fn write(&self, suffix: &[&str], octets: &mut Vec<u8>) {
        let start = octets.len();
        let known = |at: &u8| LABELS[usize::from(*at) % LABELS.len()].as_bytes();
        let own = self.labels.iter().map(|label| match label {
            Label::Known(at) => known(at),
            Label::Other(text) => text,
        });
        for label in own.chain(suffix.iter().map(|label| label.as_bytes())) {
            octets.push(label.len().min(63) as u8);
            octets.extend(&label[..label.len().min(63)]);
        }
        for (at, octet) in octets[start..].iter_mut().enumerate() {
            if self.case >> (at % 32) & 1 == 1 {
                octet.make_ascii_uppercase();
            }
        }
        octets.push(0);
        octets.extend(self.kind.number().to_be_bytes());
        octets.extend(self.class.number().to_be_bytes());
    }
}

impl Kind {
    /// Its number.
    fn number(&self) -> u16 {
        match self {
            Self::Srv => 33,
            Self::Known(at) => KINDS[usize::from(*at) % KINDS.len()],
            Self::Any(number) => *number,
        }
    }
}

impl Class {
    /// Its number.
    const fn number(&self) -> u16 {
        match self {
            Self::In | Self::InToo => 1,
            Self::Chaos => 3,
            Self::Any(number) => *number,
        }
    }
}

impl Additional {
    /// Writes it, with the root as its owner.
    fn write(&self, octets: &mut Vec<u8>) {
        match self {
            Self::Opt { size, code, version, flags, options } => {
                let version = if let Version::Any(version) = version { *version } else { 0 };
                octets.extend([0, 0, 41]);
                octets.extend(size.to_be_bytes());
                octets.extend([*code, version]);
                octets.extend(flags.to_be_bytes());
                let data: Vec<u8> = options.iter().flat_map(EdnsOption::bytes).collect();
                octets.extend((data.len() as u16).to_be_bytes());
                octets.extend(data);
            }
            Self::Record { kind, data } => {
                octets.push(0);
                octets.extend(kind.to_be_bytes());
                octets.extend([0, 1, 0, 0, 0, 5]);
                octets.extend((data.len() as u16).to_be_bytes());
                octets.extend(data);
            }
        }
    }
}

impl EdnsOption {
    /// It on the wire.
    fn bytes(&self) -> Vec<u8> {
        let (code, data) = match self {
            Self::Nsid => (3, Vec::new()),
            Self::Cookie { client, server } => (10, [&client[..], server].concat()),
            Self::Subnet { family, source, scope, address } => {
                (8, [&family.to_be_bytes()[..], &[*source, *scope], address].concat())
            }
            Self::Keepalive(data) => (11, data.clone()),
            Self::Padding(octets) => (12, vec![0; usize::from(*octets)]),
            Self::ZoneVersion(data) => (19, data.clone()),
            Self::Other { code, data } => (*code, data.clone()),
        };
        let length = (data.len() as u16).to_be_bytes();
        [&code.to_be_bytes()[..], &length, &data].concat()
    }
}
