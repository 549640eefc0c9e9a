//! What is asked.

use std::cell::Cell;
use std::io::{BufWriter, Result, Write};
use std::path::Path;

use fastrand::Rng;

use crate::data::ZONE;
use crate::population::{Population, address};

/// The seed of what is drawn: every run asks the same.
const SEED: u64 = 0x7372_7664;
/// The UDP payload size of clients with EDNS.
const PAYLOAD: u16 = 1232;
/// Types (RFC 1035 section 3.2.2, RFC 3596, RFC 2782), with their names in dnsperf's files.
pub(crate) const A: (u16, &str) = (1, "A");
/// As above.
pub(crate) const PTR: (u16, &str) = (12, "PTR");
/// As above.
pub(crate) const AAAA: (u16, &str) = (28, "AAAA");
/// As above.
pub(crate) const SRV: (u16, &str) = (33, "SRV");
/// The response codes that are expected.
pub(crate) const NOERROR: u8 = 0;
/// As above.
pub(crate) const NXDOMAIN: u8 = 3;

/// What kind of questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Workload {
    /// SRV of services that exist.
    Srv,
    /// The same with EDNS.
    SrvEdns,
    /// The address of one instance: small answers, whatever the population.
    Address,
    /// The instances of a service, as DNS-SD lists them: what only srvd knows.
    Ptr,
    /// Names that do not exist, hardly one twice.
    Nxdomain,
    /// A quarter each: A, AAAA (which there are none of), SRV, names that do not exist.
    Mix,
}

/// One question.
#[derive(Debug)]
pub(crate) struct Ask {
    /// The name, without the root's dot.
    pub(crate) name: String,
    /// The type, with its name in dnsperf's files.
    pub(crate) kind: (u16, &'static str),
    /// The response code to expect.
    pub(crate) code: u8,
}

/// The OPT record of a query (RFC 6891).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opt {
    /// There is none.
    Absent,
    /// It says the payload size alone.
    Plain,
    /// It asks for DNSSEC (RFC 3225).
    Dnssec,
    /// It has a client's cookie (RFC 7873 section 4).
    Cookie,
    /// It asks for the server's name (RFC 5001).
    Nsid,
}

/// A question as it is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'q> {
    /// The message; its id is 0.
    pub(crate) octets: &'q [u8],
    /// The response code to expect.
    pub(crate) code: u8,
    /// Whether the reply is to be cut (TC).
    pub(crate) is_cut: bool,
}

/// Questions, asked one after the other and then from the start again.
pub(crate) struct Questions {
    /// Their octets, one after the other.
    octets: Vec<u8>,
    /// Where each ends, and the response code to expect.
    ends: Vec<(usize, u8)>,
    /// Whether replies are to be cut (TC).
    is_cut: bool,
    /// The next.
    next: Cell<usize>,
}

impl Workload {
    /// Each of them that all servers know.
    pub(crate) const ALL: [Self; 5] =
        [Self::Srv, Self::SrvEdns, Self::Address, Self::Nxdomain, Self::Mix];

    /// What it is called in tables.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Srv => "SRV",
            Self::SrvEdns => "SRV with EDNS",
            Self::Address => "A of one instance",
            Self::Ptr => "PTR of DNS-SD with EDNS",
            Self::Nxdomain => "NXDOMAIN",
            Self::Mix => "Mix (A, NODATA, SRV, NXDOMAIN)",
        }
    }

    /// How many to draw: of names that do not exist so many that one hardly comes again.
    const fn count(self) -> usize {
        match self {
            Self::Nxdomain => 2_000_000,
            _ => 400_000,
        }
    }

    /// Draws one question.
    fn ask(self, population: Population, number: usize, random: &mut Rng) -> Ask {
        let n = random.usize(..population.instances);
        let service = n % population.services;
        let (name, kind, code) = match (self, number % 4) {
            (Self::Srv | Self::SrvEdns, _) | (Self::Mix, 2) => {
                (format!("_service-{service}._tcp"), SRV, NOERROR)
            }
            (Self::Ptr, _) => (format!("_service-{service}._tcp"), PTR, NOERROR),
            (Self::Address, _) => {
                (format!("{}.service-{service}", address(n).replace('.', "-")), A, NOERROR)
            }
            (Self::Mix, 0) => (format!("service-{service}"), A, NOERROR),
            (Self::Mix, 1) => (format!("service-{service}"), AAAA, NOERROR),
            (Self::Mix, _) | (Self::Nxdomain, 0 | 2) => {
                (format!("_{:x}._tcp", random.u64(..)), SRV, NXDOMAIN)
            }
            (Self::Nxdomain, _) => (format!("{:x}", random.u64(..)), A, NXDOMAIN),
        };
        Ask { name: format!("{name}.{ZONE}"), kind, code }
    }
}

impl Questions {
    /// Draws as many questions as a workload takes.
    pub(crate) fn of(workload: Workload, population: Population) -> Self {
        Self::draw(workload, population, workload.count())
    }

    /// Draws some questions.
    pub(crate) fn draw(workload: Workload, population: Population, count: usize) -> Self {
        let has_opt = matches!(workload, Workload::SrvEdns | Workload::Ptr);
        let opt = if has_opt { Opt::Plain } else { Opt::Absent };
        let draw = |number, random: &mut Rng| workload.ask(population, number, random);
        Self::gather(count, opt, false, draw)
    }

    /// Some questions, each drawn by its number and chance.
    pub(crate) fn gather(
        count: usize,
        opt: Opt,
        is_cut: bool,
        draw: impl Fn(usize, &mut Rng) -> Ask,
    ) -> Self {
        let mut random = Rng::with_seed(SEED);
        let (mut octets, mut ends) = (Vec::new(), Vec::with_capacity(count));
        for number in 0..count {
            let ask = draw(number, &mut random);
            encode(&ask, opt, &mut octets);
            ends.push((octets.len(), ask.code));
        }
        Self { octets, ends, is_cut, next: Cell::new(0) }
    }

    /// The next question.
    pub(crate) fn next(&self) -> Question<'_> {
        let at = self.next.get();
        self.next.set((at + 1) % self.ends.len());
        let start = at.checked_sub(1).map_or(0, |last| self.ends[last].0);
        let (end, code) = self.ends[at];
        Question { octets: &self.octets[start..end], code, is_cut: self.is_cut }
    }
}

/// Writes questions as dnsperf reads them.
pub(crate) fn write(path: &Path, workload: Workload, population: Population) -> Result<()> {
    let mut random = Rng::with_seed(SEED);
    let mut file = BufWriter::new(std::fs::File::create(path)?);
    for number in 0..workload.count() {
        let Ask { name, kind, .. } = workload.ask(population, number, &mut random);
        writeln!(file, "{name} {}", kind.1)?;
    }
    file.flush()
}

/// Writes a query as a stub resolver does: id 0, recursion desired, one question, class IN,
/// and perhaps an OPT record.
fn encode(ask: &Ask, opt: Opt, octets: &mut Vec<u8>) {
    octets.extend([0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(opt != Opt::Absent)]);
    for label in ask.name.split('.').filter(|label| !label.is_empty()) {
        octets.push(label.len() as u8);
        octets.extend(label.as_bytes());
    }
    octets.push(0);
    octets.extend(ask.kind.0.to_be_bytes());
    octets.extend([0, 1]);
    // Flags, and options with their length.
    let (flags, options): (u8, &[u8]) = match opt {
        Opt::Absent => return,
        Opt::Plain => (0, &[0, 0]),
        Opt::Dnssec => (0x80, &[0, 0]),
        Opt::Cookie => (0, &[0, 12, 0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]),
        Opt::Nsid => (0, &[0, 4, 0, 3, 0, 0]),
    };
    octets.extend([0, 0, 41]);
    octets.extend(PAYLOAD.to_be_bytes());
    octets.extend([0, 0, flags, 0]);
    octets.extend(options);
}
