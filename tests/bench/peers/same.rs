//! Whether all servers say the same: figures of different answers compare nothing.

use std::time::Duration;

use hickory_proto::op::Message;
use hickory_proto::rr::{RData, Record, RecordType};

use crate::population::{Population, asker};
use crate::questions::{Question, Questions, Workload};
use crate::server::Server;

/// Questions of each workload that are compared.
const SAMPLE: usize = 32;
/// How long one answer may take.
const TIMEOUT: Duration = Duration::from_secs(1);
/// The most octets of a datagram here.
const SIZE: usize = 4096;

/// What an answer says, apart from order.
#[derive(Debug, PartialEq)]
struct Said {
    /// Response code, AA and TC.
    flags: String,
    /// Records by section, sorted.
    sections: [Vec<String>; 3],
    /// Whether there is an OPT record.
    has_edns: bool,
}

/// Fails unless every server answers a sample of all workloads as the first that is no
/// echo does.
pub(crate) fn check<'s>(servers: impl IntoIterator<Item = &'s Server>, population: Population) {
    let mut answering = servers.into_iter().filter(|server| !server.kind.is_echo());
    let Some(first) = answering.next() else { return };
    for other in answering {
        for workload in Workload::ALL {
            let questions = Questions::draw(workload, population, SAMPLE);
            let asked = (0..SAMPLE).map(|_| questions.next());
            asked.for_each(|question| compare(first, other, question));
        }
    }
}

/// Fails unless two servers say the same to a question.
fn compare(first: &Server, other: &Server, question: Question<'_>) {
    let [one, two] = [first, other].map(|server| {
        let reply = ask(server, question.octets);
        said(&reply.unwrap_or_else(|| panic!("{} is silent", server.kind)))
    });
    let asked = Message::from_vec(question.octets).unwrap();
    let (first, other, asked) = (first.kind, other.kind, &asked.queries[0]);
    assert!(one == two, "asked {asked}, {other} and {first} differ:\n{two:#?}\n{one:#?}");
}

/// Whether a server answers a question as it should.
pub(crate) fn answers(server: &Server, question: Question<'_>) -> bool {
    let Some(reply) = ask(server, question.octets) else { return false };
    let code = u16::from(reply.metadata.response_code);
    server.kind.is_echo() || (code == u16::from(question.code) && !reply.answers.is_empty())
}

/// Asks a server; none when it does not answer.
pub(crate) fn ask(server: &Server, query: &[u8]) -> Option<Message> {
    let socket = asker(server.at);
    socket.set_read_timeout(Some(TIMEOUT)).unwrap();
    socket.send(query).unwrap();
    let mut octets = [0; SIZE];
    let received = socket.recv(&mut octets).ok()?;
    Some(Message::from_vec(&octets[..received]).unwrap())
}

/// What a reply says. Two things are left out that cannot be made the same: serials, which
/// follow etcd's revision in srvd, and the name servers that NSD adds to positive answers
/// (its `minimal-responses` would leave out the addresses of the targets too).
fn said(reply: &Message) -> Said {
    let flags = &reply.metadata;
    let authorities = || reply.authorities.iter().filter(|it| it.record_type() != RecordType::NS);
    Said {
        flags: format!("{} {} {}", flags.response_code, flags.authoritative, flags.truncation),
        sections: [
            texts(reply.answers.iter()),
            texts(authorities()),
            texts(reply.additionals.iter()),
        ],
        has_edns: reply.edns.is_some(),
    }
}

/// Records as text, sorted.
fn texts<'r>(records: impl Iterator<Item = &'r Record>) -> Vec<String> {
    let mut texts: Vec<_> = records.map(text).collect();
    texts.sort();
    texts
}

/// A record as text, an SOA without its serial.
fn text(record: &Record) -> String {
    let mut record = record.clone();
    if let RData::SOA(soa) = &mut record.data {
        soa.serial = 0;
    }
    record.to_string().to_ascii_lowercase()
}
