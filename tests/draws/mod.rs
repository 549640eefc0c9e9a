//! Who comes first, over many draws from one seed.

use hickory_proto::rr::{DNSClass, Name, RecordType};
use srvd::authority::{Draw, Overflow, Question, Room, answer, pick};
use srvd::index::Site;

use crate::fixture::Fixture;

/// How many draws each test makes.
const DRAWS: u32 = 20_000;
/// The 0.1 % point of chi-square with one degree of freedom.
const CRITICAL: f64 = 10.83;

/// Two addresses: one has the weights 1 and 2 and, at a higher priority, 50; the other 1.
fn fixture() -> Fixture {
    let mut fixture = Fixture::new("services.internal.");
    for (id, host, priority, weight) in [
        ("a", "10.0.0.1:80", 0, 1),
        ("b", "10.0.0.1:81", 0, 2),
        ("c", "10.0.0.1:82", 7, 50),
        ("d", "10.0.0.2:80", 0, 1),
    ] {
        let value = format!(r#"{{"host":"{host}","priority":{priority},"weight":{weight}}}"#);
        fixture.put(&format!("web/{id}"), &value);
    }
    fixture
}

/// How often a record comes first.
fn first(name: &str, kind: RecordType, record: &str) -> u32 {
    let generation = fixture().index.load().clone();
    let name = Name::from_ascii(name).unwrap();
    let room = Room { octets: 1200, overflow: Overflow::Truncate };
    let question = Question { name: &name, kind, class: DNSClass::IN, room };
    let mut draw = Draw::seeded(9);
    let is_first = |_: &u32| {
        let answers = answer(&generation, &question, &mut draw).answers.remove(0);
        answers.data[0].to_string().contains(record)
    };
    (0..DRAWS).filter(is_first).count() as u32
}

/// Pearson's statistic of counts against weights.
pub(crate) fn chi_square(counts: &[u32], weights: &[f64]) -> f64 {
    let draws = f64::from(counts.iter().sum::<u32>());
    let total: f64 = weights.iter().sum();
    counts.iter().zip(weights).fold(0.0, |sum, (count, weight)| {
        let wanted = weight / total * draws;
        sum + (f64::from(*count) - wanted).powi(2) / wanted
    })
}

/// The statistic of a count that should be a share of all.
fn chi_square_of(count: u32, share: f64) -> f64 {
    chi_square(&[count, DRAWS - count], &[share, 1.0 - share])
}

#[test]
fn contract_9_3_an_address_has_the_weights_of_its_lowest_priority() {
    let count = first("web.services.internal.", RecordType::A, "10.0.0.1");
    assert!(chi_square_of(count, 3.0 / 4.0) < CRITICAL, "{count}");
    assert!(chi_square_of(count, 2.0 / 3.0) > CRITICAL, "the test can fail");
}

#[test]
fn rfc2782_the_first_srv_is_drawn_by_weight() {
    let count = first("_web._tcp.services.internal.", RecordType::SRV, " 81 ");
    assert!(chi_square_of(count, 2.0 / 4.0) < CRITICAL, "{count}");
}

#[test]
fn a_single_pick_is_drawn_as_the_first_answer_is() {
    let generation = fixture().index.load().clone();
    let service = generation.zone(Site::Zone(0)).service(b"web").unwrap();
    let mut draw = Draw::seeded(4);
    let picks: Vec<_> =
        (0..DRAWS).map(|_| &*pick(service.instances(), &mut draw).unwrap().id).collect();
    let count = |id| picks.iter().filter(|pick| **pick == id).count() as u32;
    assert!(chi_square_of(count("b"), 2.0 / 4.0) < CRITICAL);
    assert_eq!(count("c"), 0, "a higher priority is for when the lower is gone");
    assert!(pick([], &mut draw).is_none());
}
