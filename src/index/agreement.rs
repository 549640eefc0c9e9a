//! That every name of an instance agrees with the roster, whatever came and went before.
//!
//! The sets are trees, and a tree remembers entries that are gone: they part the branches.
//! Only services of more instances than one leaf holds have any, and only where several
//! entries are equal to a question (ids of one label form, instances at one address, of one
//! port name or one tag) does it matter on which side of such a mark the question falls.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use hickory_proto::rr::Name;
use hickory_proto::rr::rdata::SOA;
use proptest::prelude::*;

use super::{Generation, Index, Publisher, Service, Settings};
use crate::names::{WireName, folded};
use crate::registry::{Instance, Layout, Proto, Publish, Table, Update};

/// Ids of one label form each, all different as keys.
const SPELLINGS: usize = 4;
/// Label forms of ids: more instances than leaves of a tree hold, several times over.
const LABELS: usize = 24;

/// One id of a label form.
fn id(label: usize, spelling: usize) -> String {
    match (label, spelling) {
        // An id that an address of the service hides while it is there.
        (0, _) => ["10-0-0-1", "10.0.0.1", "10_0_0_1", "10:0:0:1"][spelling].to_owned(),
        _ => {
            [format!("n-{label}"), format!("n.{label}"), format!("N_{label}"), format!("N-{label}")]
                [spelling]
                .clone()
        }
    }
}

/// What a key holds: an instance of one of a few addresses, port names, tags and versions.
fn value(kind: u8) -> String {
    let (address, port) = (kind % 3, ["http", "grpc"][usize::from(kind / 3 % 2)]);
    match kind % 4 {
        0 => format!("10.0.0.{address}:80"),
        1 => format!(
            r#"{{"host":"10.0.0.{address}:80","protocol":"{port}","tags":["n.{kind}","t"]}}"#
        ),
        2 => format!(r#"{{"host":"10.0.0.{address}:53","proto":"udp","version":"n-2"}}"#),
        _ => format!(r#"{{"endpoints":["http://10.0.0.{address}:1","{port}://10.0.0.9:2"]}}"#),
    }
}

/// An index of one zone, and what writes it.
fn fed() -> (Table, Publisher, Arc<Index>) {
    let name = |text: &str| Name::from_ascii(text).unwrap();
    let soa = SOA::new(name("ns.example."), name("admin.example."), 0, 1, 1, 1, 5);
    let settings = Settings::new(name("z."), (soa, 60), (vec![name("ns.example.")], 60), 5);
    let index = Arc::new(Index::new(vec![Arc::new(settings.unwrap())], true));
    let publisher = Publisher::new(Arc::clone(&index), 0);
    (Table::new(Layout::new("", None).unwrap()), publisher, index)
}

/// Whether a name exists.
fn exists(generation: &Generation, name: &str) -> bool {
    let name = WireName::from_text(name).unwrap();
    let (site, below) = generation.locate(&name).unwrap();
    generation.find(site, &name, below).is_some()
}

/// Whether the names of an instance exist, and what is at them has it.
fn is_whole(
    generation: &Generation,
    service: &Service,
    of: &Instance,
) -> Result<(), TestCaseError> {
    let label: String = folded(&of.id).map(char::from).collect();
    let has = |mut found: Box<dyn Iterator<Item = &Instance> + '_>| found.any(|it| it.id == of.id);
    prop_assert!(exists(generation, &format!("{label}.web.z")), "{label}");
    prop_assert!(
        service.has_id(label.as_bytes()) && has(Box::new(service.with_id(label.as_bytes())))
    );
    prop_assert!(has(Box::new(service.with_raw_id(&of.id.to_ascii_lowercase()))), "{}", of.id);
    for address in of.addresses() {
        prop_assert!(service.has_address(address) && has(Box::new(service.at_address(address))));
        let label = crate::names::address_label(address);
        prop_assert!(exists(generation, &format!("{label}.web.z")), "{label}");
    }
    for tag in of.selectors() {
        let label: String = folded(tag).map(char::from).collect();
        prop_assert!(exists(generation, &format!("{label}.web.z")), "{label}");
        prop_assert!(has(Box::new(service.with_tag(label.as_bytes()))));
        prop_assert!(service.tags().unwrap().has(label.as_bytes()));
        prop_assert!(service.tags().unwrap().has_on(label.as_bytes(), of.proto));
    }
    if let Some(port) = of.protocol() {
        prop_assert!(exists(generation, &format!("_{port}._{}.web.z", of.proto)), "{port}");
        prop_assert!(service.has_port(of.proto, port.as_bytes()));
    }
    Ok(())
}

/// Whether nothing is said to be there that no instance has.
fn is_empty_elsewhere(service: &Service, all: &[Arc<Instance>]) -> Result<(), TestCaseError> {
    for label in (0..LABELS).map(|label| id(label, 0)) {
        let is_there = all.iter().any(|it| folded(&it.id).eq(label.bytes()));
        prop_assert_eq!(service.has_id(label.as_bytes()), is_there, "{}", label);
    }
    for last in 0..10 {
        let address = IpAddr::from([10, 0, 0, last]);
        let is_there = all.iter().any(|it| it.addresses().any(|at| at == address));
        prop_assert_eq!(service.has_address(address), is_there, "{}", address);
    }
    let named = |it: &Instance, port: &str| it.protocol() == Some(port);
    for (proto, port) in [(Proto::Tcp, "http"), (Proto::Tcp, "grpc"), (Proto::Udp, "http")] {
        let of = |it: &Instance| it.proto == proto && named(it, port);
        let is_there = all.iter().any(|it| of(it) || it.elsewhere().any(|it| of(&it)));
        prop_assert_eq!(service.has_port(proto, port.as_bytes()), is_there, "{}", port);
    }
    Ok(())
}

/// A step: a key that is put or deleted, or a list of the whole that is published at once.
fn step() -> impl Strategy<Value = (usize, usize, Option<u8>)> {
    (0..LABELS, 0..SPELLINGS, prop::option::weighted(0.6, 0u8..12))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_name_of_an_instance_agrees_with_the_roster(
        steps in prop::collection::vec(step(), 0..400),
        listed_every in 2usize..90,
    ) {
        let (mut table, mut publisher, index) = fed();
        let mut truth = BTreeMap::new();
        for (at, (label, spelling, kind)) in steps.into_iter().enumerate() {
            let key = format!("web/{}", id(label, spelling));
            let mut update = Update { revision: at as i64 + 1, ..Update::default() };
            let held = kind.map(value);
            match &held {
                Some(value) => truth.insert(key.clone(), value.clone()),
                None => truth.remove(&key),
            };
            // What happened is learned by an event, or with the next list.
            let is_list = at % listed_every == 0;
            match held {
                _ if is_list => {
                    table.begin_listing();
                    truth.iter().for_each(|(key, value)| table.list(key.as_bytes(), value.as_bytes()));
                    table.finish_listing(&mut update);
                }
                Some(value) => table.put(key.as_bytes(), value.as_bytes(), &mut update),
                None => table.delete(key.as_bytes(), &mut update),
            }
            publisher.publish(update);
            if at % 20 != 0 {
                continue;
            }
            let generation = index.load();
            let all: Vec<_> = table.instances().map(|(_, it)| Arc::clone(it)).collect();
            let Some(service) = generation.zones()[0].service(b"web") else {
                prop_assert!(all.is_empty());
                continue;
            };
            prop_assert_eq!(service.len(), all.len());
            all.iter().try_for_each(|it| is_whole(&generation, service, it))?;
            is_empty_elsewhere(service, &all)?;
        }
    }
}
