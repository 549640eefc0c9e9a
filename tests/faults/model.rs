//! What must be answered, made from nothing but the raw keys and values of etcd. None of
//! srvd's code is used: where both are wrong, they must be so each in their own way.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde_json::Value;

use super::dns::{Kind, Question, Said, ZONE};

/// The prefix of all keys that are served.
pub(super) const PREFIX: &str = "/services/";
/// Octets above which a value is of no use (contract).
const VALUE_MAX: usize = 64 * 1024;
/// The weight where a document names none (contract).
const WEIGHT: u64 = 1;

/// One instance, as the contract reads its document.
#[derive(Debug, Clone)]
struct Place {
    /// The service, in lower case.
    service: String,
    /// Its address; the faults' documents have no host names.
    address: IpAddr,
    /// The port.
    port: u64,
    /// SRV priority and weight.
    priority: u64,
    /// See `priority`.
    weight: u64,
}

/// The keys that are there, and what they mean.
#[derive(Debug, Default)]
pub(super) struct Model {
    /// What each usable key says.
    places: BTreeMap<Vec<u8>, Place>,
    /// The usable keys of each service.
    services: BTreeMap<String, BTreeSet<Vec<u8>>>,
}

impl Model {
    /// What these keys mean.
    pub(super) fn of(pairs: &[(Vec<u8>, Vec<u8>)]) -> Self {
        let mut model = Self::default();
        pairs.iter().for_each(|(key, value)| _ = model.put(key, value));
        model
    }

    /// A key has this value now. Gives the services that this touches.
    pub(super) fn put(&mut self, key: &[u8], value: &[u8]) -> BTreeSet<String> {
        let mut touched = self.delete(key);
        if let Some(place) = place(key, value) {
            touched.insert(place.service.clone());
            self.services.entry(place.service.clone()).or_default().insert(key.to_vec());
            self.places.insert(key.to_vec(), place);
        }
        touched
    }

    /// A key is gone. Gives the services that this touches.
    pub(super) fn delete(&mut self, key: &[u8]) -> BTreeSet<String> {
        let Some(place) = self.places.remove(key) else { return BTreeSet::new() };
        let keys = self.services.get_mut(&place.service).unwrap();
        keys.remove(key);
        if keys.is_empty() {
            self.services.remove(&place.service);
        }
        BTreeSet::from([place.service])
    }

    /// The services that have an instance.
    pub(super) fn services(&self) -> impl Iterator<Item = &str> {
        self.services.keys().map(String::as_str)
    }

    /// `ADDR.SERVICE` of every instance.
    pub(super) fn targets(&self) -> impl Iterator<Item = String> {
        self.places.values().map(|place| format!("{}.{}", addr(place.address), place.service))
    }

    /// What must be said to a question.
    pub(super) fn said(&self, question: &Question) -> Said {
        let name = question.name.strip_suffix(&format!(".{ZONE}")).unwrap();
        let labels: Vec<_> = name.split('.').collect();
        let (service, label) = match labels[..] {
            [service, "_tcp"] => (&service[1..], None),
            [service] => (service, None),
            [label, service] => (service, Some(label)),
            _ => panic!("nobody asks {name}"),
        };
        let Some(keys) = self.services.get(service) else { return Said::Absent };
        let places = keys.iter().map(|key| &self.places[key]);
        let is_meant = |place: &&Place| label.is_none_or(|label| label == addr(place.address));
        let places: Vec<_> = places.filter(is_meant).collect();
        let records: BTreeSet<_> = places.iter().filter_map(|it| record(it, question)).collect();
        match (places.is_empty(), records.is_empty()) {
            (true, _) => Said::Absent,
            (_, true) => Said::NoData,
            _ => Said::Records(records),
        }
    }
}

/// The record that an instance adds to an answer.
fn record(place: &Place, question: &Question) -> Option<String> {
    let Place { service, address, port, priority, weight } = place;
    match question.kind {
        Kind::Srv => {
            Some(format!("{priority} {weight} {port} {}.{service}.{ZONE}", addr(*address)))
        }
        Kind::A => address.is_ipv4().then(|| address.to_string()),
        Kind::Aaaa => address.is_ipv6().then(|| address.to_string()),
    }
}

/// The label of an address; the faults use none that begins or ends with a colon.
fn addr(address: IpAddr) -> String {
    address.to_string().replace(['.', ':'], "-")
}

/// What a key and its value say; nothing where they cannot be used.
fn place(key: &[u8], value: &[u8]) -> Option<Place> {
    let (name, id) = std::str::from_utf8(key).ok()?.strip_prefix(PREFIX)?.split_once('/')?;
    if name.is_empty() || id.is_empty() || id.contains('/') || value.len() > VALUE_MAX {
        return None;
    }
    let text = std::str::from_utf8(value).ok()?;
    let document: Value = match text.starts_with('{') {
        true => serde_json::from_str(text).ok()?,
        false => serde_json::json!({ "host": text }),
    };
    let (address, port) = location(document["host"].as_str()?)?;
    Some(Place {
        service: name.to_ascii_lowercase(),
        address,
        port,
        priority: number(&document["priority"], 0)?,
        weight: number(&document["weight"], WEIGHT)?,
    })
}

/// `ADDRESS:PORT`, a scheme before it or not.
fn location(text: &str) -> Option<(IpAddr, u64)> {
    let place = text.split_once("://").map_or(text, |(_, place)| place);
    let (host, port) = place.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = port.parse().ok().filter(|port| (1..=65_535).contains(port))?;
    let address: IpAddr = host.parse().ok()?;
    (!address.is_unspecified()).then_some((address, port))
}

/// A number of a document, or what stands for one that is missing.
fn number(member: &Value, default: u64) -> Option<u64> {
    if member.is_null() { Some(default) } else { member.as_u64().filter(|it| *it <= 65_535) }
}

#[test]
fn documents_mean_what_the_contract_says() {
    let put = |pairs: &[(&str, &str)]| {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(key, value)| (key.as_bytes().into(), value.as_bytes().into()))
            .collect();
        Model::of(&pairs)
    };
    let records = |texts: &[&str]| Said::Records(texts.iter().map(ToString::to_string).collect());
    let model = put(&[
        ("/services/web/1", "http://10.0.0.1:80"),
        ("/services/Web/2", r#"{"host":"[2001:db8::2]:81","weight":3,"priority":1}"#),
        ("/services/web/3", "of no use"),
        ("/services/web/3/4", "10.0.0.4:80"),
        ("/services/six/1", "[2001:db8::1]:80"),
    ]);
    let web = Question::all_of("web").map(|question| model.said(&question));
    let targets =
        ["0 1 80 10-0-0-1.web.services.internal.", "1 3 81 2001-db8--2.web.services.internal."];
    assert_eq!(web, [records(&targets), records(&["10.0.0.1"]), records(&["2001:db8::2"])]);
    assert_eq!(model.said(&Question::a("six")), Said::NoData);
    assert_eq!(model.said(&Question::a("10-0-0-1.web")), records(&["10.0.0.1"]));
    assert_eq!(model.said(&Question::a("10-0-0-4.web")), Said::Absent);
    assert_eq!(model.said(&Question::srv("none")), Said::Absent);
}
