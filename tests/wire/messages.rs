//! Messages made by hand, and replies taken apart.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use hickory_proto::op::Message;
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder};
use srvd::wire::{Peer, Responder, Transport};

use crate::fixture::Fixture;

/// Who asks.
pub(crate) const CLIENT: SocketAddr =
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 5353);

/// The types that tests ask for.
pub(crate) const A: u16 = 1;
pub(crate) const SRV: u16 = 33;

/// A query in the making.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub header: [u8; 12],
    pub question: Vec<u8>,
    pub rest: Vec<u8>,
}

/// A name on the wire.
pub(crate) fn wire_name(text: &str) -> Vec<u8> {
    let labels = text.trim_end_matches('.').split('.').filter(|label| !label.is_empty());
    let mut octets: Vec<u8> =
        labels.flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat()).collect();
    octets.push(0);
    octets
}

impl Query {
    /// A plain query with the id 0x1234.
    pub(crate) fn new(name: &str, kind: u16) -> Self {
        let mut question = wire_name(name);
        question.extend(kind.to_be_bytes());
        question.extend([0, 1]);
        Self { header: [0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0], question, rest: Vec::new() }
    }

    /// The flags.
    pub(crate) fn flags(mut self, high: u8, low: u8) -> Self {
        (self.header[2], self.header[3]) = (high, low);
        self
    }

    /// Another operation.
    pub(crate) fn opcode(self, opcode: u8) -> Self {
        self.flags(opcode << 3, 0)
    }

    /// An OPT record: payload size, version, flags, options.
    pub(crate) fn edns(self, size: u16, version: u8, flags: u16, options: &[u8]) -> Self {
        let mut data = vec![0, 0, 41];
        data.extend(size.to_be_bytes());
        data.extend([0, version]);
        data.extend(flags.to_be_bytes());
        data.extend((options.len() as u16).to_be_bytes());
        data.extend_from_slice(options);
        self.additional(&data)
    }

    /// Any additional record.
    pub(crate) fn additional(mut self, record: &[u8]) -> Self {
        self.header[11] += 1;
        self.rest.extend_from_slice(record);
        self
    }

    /// The octets.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        [&self.header[..], &self.question, &self.rest].concat()
    }
}

/// What is replied to a message, if anything.
pub(crate) fn respond(fixture: &Fixture, message: &[u8], transport: Transport) -> Option<Vec<u8>> {
    let mut reply = b"what was there before".to_vec();
    Responder::new(fixture.index.clone())
        .respond(message, Peer { address: CLIENT, transport }, &mut reply)
        .then_some(reply)
}

/// A reply over UDP, and what hickory reads in it.
pub(crate) fn ask(fixture: &Fixture, query: &Query) -> (Vec<u8>, Message) {
    ask_over(fixture, query, Transport::Udp)
}

/// A reply, and what hickory reads in it.
pub(crate) fn ask_over(
    fixture: &Fixture,
    query: &Query,
    transport: Transport,
) -> (Vec<u8>, Message) {
    let reply = respond(fixture, &query.bytes(), transport).unwrap();
    let message = parse(&reply).unwrap();
    (reply, message)
}

/// A reply as hickory reads it, if it reads all of it.
pub(crate) fn parse(reply: &[u8]) -> Option<Message> {
    let mut decoder = BinDecoder::new(reply);
    Message::read(&mut decoder).ok().filter(|_| decoder.is_empty())
}

/// The numbers of records after the question.
pub(crate) fn counts(reply: &[u8]) -> [u8; 3] {
    [reply[7], reply[9], reply[11]]
}
