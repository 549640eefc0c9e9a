//! The class CHAOS.

use hickory_proto::rr::{DNSClass, RData};
use srvd::wire::Policy;

use super::World;
use crate::wire::messages::Query;

const TXT: u16 = 16;
const REFUSED: u16 = 5;

/// A question of the class CHAOS.
fn chaos(name: &str, kind: u16) -> Query {
    let mut query = Query::new(name, kind).edns(1232, 0, 0, &[]);
    *query.question.last_mut().unwrap() = 3;
    query
}

/// A server that says who it is.
fn world() -> World {
    World::by(Policy { chaos: Some((*b"replica-1").into()), ..Policy::default() })
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc4892_s3_who_and_what_a_server_is_by_choice() {
    let world = world();
    let version = format!("srvd {}", env!("CARGO_PKG_VERSION"));
    for (name, text) in [
        ("id.server", "replica-1"),
        ("ID.Server", "replica-1"),
        ("hostname.bind", "replica-1"),
        ("version.server", &version),
        ("version.bind", &version),
    ] {
        for kind in [TXT, 255] {
            let reply = world.ask(&chaos(name, kind)).same();
            assert_eq!((reply.code(), reply.flags()), (0, [0x84, 0]), "{name}");
            assert_eq!(reply.counts(), [1, 1, 0, 1], "{name}");
            let [record] = &reply.message.as_ref().unwrap().answers[..] else { panic!("{name}") };
            assert_eq!((record.dns_class, record.ttl), (DNSClass::CH, 0));
            let RData::TXT(found) = &record.data else { panic!("{name}") };
            assert_eq!(found.txt_data[..], [text.as_bytes().into()], "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc4892_s3_other_names_and_types_are_refused() {
    let world = world();
    for (name, kind) in [
        ("id.server", 1),
        ("authors.bind", TXT),
        ("server", TXT),
        ("", TXT),
        ("x.version.bind", TXT),
        ("web.services.internal", TXT),
    ] {
        let reply = world.ask(&chaos(name, kind)).same();
        assert_eq!((reply.code(), reply.counts()), (REFUSED, [1, 0, 0, 1]), "{name}");
    }
    // The names are nothing of the Internet's.
    assert_eq!(world.ask(&Query::new("version.bind", TXT)).same().code(), REFUSED);
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc4892_s4_nothing_is_told_by_default() {
    let world = World::new();
    for name in ["id.server", "hostname.bind", "version.server", "version.bind"] {
        assert_eq!(world.ask(&chaos(name, TXT)).same().code(), REFUSED, "{name}");
    }
}
