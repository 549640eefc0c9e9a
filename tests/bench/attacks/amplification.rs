//! How many octets are sent to a forged address for each octet of a query.

use std::time::Duration;

use crate::query::{A, ANY, SOA, SRV, TXT, query};
use crate::stage::{Registered, Server, ask, ask_over_tcp, client};

/// What is asked: the name below the zone, the type, and what it is called.
const ASKED: [(&str, u16, &str); 11] = [
    ("_s1._tcp", SRV, "SRV of 1"),
    ("_s3._tcp", SRV, "SRV of 3"),
    ("_s10._tcp", SRV, "SRV of 10"),
    ("_s100._tcp", SRV, "SRV of 100"),
    ("s10", A, "A of 10"),
    ("s100", A, "A of 100"),
    ("text", TXT, "TXT of 255 octets"),
    ("s10", ANY, "ANY"),
    ("", SOA, "SOA of the zone"),
    ("", ANY, "ANY of the zone"),
    ("no", A, "NXDOMAIN"),
];
/// What an attacker offers to take: as much as most servers send at most.
const OFFERED: u16 = 4096;
/// Queries of a flood, of which the limit lets so many a second through.
const FLOOD: usize = 4_000;
/// Replies a second to a network.
const RATE: &str = "20";

/// Measures it and prints the table.
pub(crate) fn measure(registered: &Registered) {
    let (plain, limited) = (registered.serve(&[]), registered.serve(&["--rate-limit", RATE]));
    let strict = registered.serve(&["--strict-amplification", "true"]);
    println!("\n### Octets sent to a forged address for each octet of the query, over UDP\n");
    println!("| | whole | no EDNS | EDNS | strict | rate limit |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for (number, (name, kind, title)) in ASKED.into_iter().enumerate() {
        let (old, offering) = (query(name, kind, None), query(name, kind, Some(OFFERED)));
        let whole = ask_over_tcp(plain.at, &offering).unwrap().len().min(OFFERED.into());
        println!(
            "| {title} | {:.1} | {:.1} | {:.1} | {:.1} | {:.2} |",
            whole as f64 / offering.len() as f64,
            times(&plain, &old),
            times(&plain, &offering),
            times(&strict, &offering),
            flooded(&limited, &format!("127.3.{number}.1"), &offering),
        );
    }
    println!(
        "\nwhole: what a server would send that fills the {OFFERED} octets a client offers \
         (TCP's reply, cut there); EDNS: the same query, srvd's {} octets at most; strict: the same with strict-amplification; rate limit: \
         {FLOOD} of them as fast as they go, rate-limit = {RATE}, a network sent nothing before",
        srvd::wire::UDP_MAX
    );
}

/// Octets of a reply for each octet of the query.
fn times(server: &Server, query: &[u8]) -> f64 {
    let socket = client("127.0.2.1", server.at);
    ask(&socket, query).unwrap().len() as f64 / query.len() as f64
}

/// Octets received for each octet that is sent, in a flood of one query.
fn flooded(server: &Server, own: &str, query: &[u8]) -> f64 {
    let socket = client(own, server.at);
    socket.set_nonblocking(true).unwrap();
    let (mut received, mut reply) = (0, [0; 4096]);
    for number in 0..FLOOD {
        socket.send(query).unwrap();
        // So many at once fit the buffers, and none is lost but by the limit.
        if number % 64 == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        while let Ok(octets) = socket.recv(&mut reply) {
            received += octets;
        }
    }
    std::thread::sleep(Duration::from_millis(50));
    while let Ok(octets) = socket.recv(&mut reply) {
        received += octets;
    }
    received as f64 / (FLOOD * query.len()) as f64
}
