//! What of a query is stepped over and never read: all records but OPT and TSIG.

use srvd::wire::Policy;

use super::World;
use crate::wire::messages::{A, Query};

const FORMERR: u16 = 1;
const REFUSED: u16 = 5;
/// Questions and records that are stepped over.
const STEPPED_OVER: u8 = 16;

/// A record that whoever reads it finds fault with: its owner is a pointer to itself, so many
/// octets into the message, and its address has three octets.
fn unreadable(at: usize) -> Vec<u8> {
    let [high, low] = (0xc000 | at as u16).to_be_bytes();
    vec![high, low, 0, 1, 0, 1, 0, 0, 0, 0, 0, 3, 1, 2, 3]
}

/// A query with so many of them in a section, 1 to 3.
fn laden(section: usize, records: u16) -> Query {
    let mut query = Query::new("web.services.internal", A);
    query.header[4 + 2 * section..][..2].copy_from_slice(&records.to_be_bytes());
    for _ in 0..records {
        let record = unreadable(query.bytes().len());
        query.rest.extend(record);
    }
    query
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_a_query_are_stepped_over() {
    let world = World::new();
    let plain = world.ask(&Query::new("web.services.internal", A)).same();
    for section in 1..=3 {
        for records in [1, STEPPED_OVER.into()] {
            let reply = world.ask(&laden(section, records)).same();
            assert_eq!((reply.code(), reply.counts()), (0, plain.counts()), "{section} {records}");
        }
    }
    // An OPT record after them is found.
    let mut query = laden(2, 3).edns(1232, 0, 0, &[]);
    assert_eq!(world.ask(&query).same().counts(), [1, 2, 0, 1]);
    query.rest.push(0);
    assert_eq!(world.ask(&query).same().code(), FORMERR, "an octet is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_records_than_any_query_has_are_a_format_error() {
    let world = World::new();
    for section in 1..=3 {
        for records in [u16::from(STEPPED_OVER) + 1, 200] {
            let reply = world.ask(&laden(section, records)).same();
            assert_eq!((reply.code(), reply.counts()), (FORMERR, [1, 0, 0, 0]), "{section}");
        }
    }
    let mut query = Query::new("web.services.internal", A);
    query.header[5] = STEPPED_OVER + 1;
    query.question = query.question.repeat(usize::from(STEPPED_OVER) + 1);
    let reply = world.ask(&query).same();
    assert_eq!((reply.code(), reply.counts()), (FORMERR, [0; 4]));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_ask_is_refused_before_records_are_looked_at() {
    let nobody = Policy { allow_query: Some(srvd::names::Networks::new(&[])), ..Policy::default() };
    let world = World::by(nobody);
    let usual = Query::new("web.services.internal", A).edns(1232, 0, 0, &[]);
    let reply = world.ask(&usual).same();
    assert_eq!((reply.code(), reply.counts(), reply.reason()), (REFUSED, [1, 0, 0, 1], Some(18)));
    for section in 1..=3 {
        let mut query = laden(section, 200);
        // Nor does anybody see that the last is cut off.
        query.rest.truncate(query.rest.len() - 1);
        let reply = world.ask(&query).same();
        assert_eq!((reply.code(), reply.counts()), (REFUSED, [1, 0, 0, 0]), "{section}");
    }
}
