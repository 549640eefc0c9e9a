//! What a connection carries.

use std::io::Write;
use std::net::TcpStream;

use super::{World, framed, read_reply};
use crate::wire::messages::{A, Query, SRV};

#[tokio::test(flavor = "multi_thread")]
async fn rfc7766_s6_2_1_1_pipelined_queries_of_every_kind_are_answered_in_turn() {
    let world = World::new();
    let queries = [
        Query::new("web.services.internal", A),
        Query::new("web.services.internal", 255),
        Query::new("_web._tcp", SRV).edns(1232, 0, 0, &[0, 11, 0, 0]),
        Query::new("web.services.internal", A).opcode(2),
        Query::new("services.internal", 252),
        Query::new("example.com", A).edns(1232, 1, 0, &[]),
    ];
    for address in [world.server.v4, world.server.v6] {
        let mut stream = TcpStream::connect(address).unwrap();
        let mut all = Vec::new();
        for (id, query) in queries.iter().cycle().take(60).enumerate() {
            all.extend(framed(&[&[0, id as u8], &query.bytes()[2..]].concat()));
        }
        stream.write_all(&all).unwrap();
        for (id, code) in [0, 0, 0, 4, 5, 0].iter().cycle().take(60).enumerate() {
            let reply = read_reply(&mut stream);
            assert_eq!((reply[1], reply[3] & 0x0f), (id as u8, *code));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc7766_s6_2_1_a_connection_outlives_one_query_and_one_error() {
    let world = World::new();
    let good = framed(&Query::new("web.services.internal", A).bytes());
    let bad = framed(&[&Query::new("web.services.internal", A).bytes()[..], b"x"].concat());
    for address in [world.server.v4, world.server.v6] {
        let mut stream = TcpStream::connect(address).unwrap();
        for (message, code) in [(&good, 0), (&bad, 1), (&good, 0), (&bad, 1), (&good, 0)] {
            stream.write_all(message).unwrap();
            assert_eq!(read_reply(&mut stream)[3] & 0x0f, code);
        }
    }
}
