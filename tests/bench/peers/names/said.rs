//! What is registered, and the same in the lines of zone files, as far as these can say it.

use std::fmt::Display;

use crate::data::{SMALL, ZONE};
use crate::population::address;

/// A zone that is a file everywhere.
pub(crate) const STATIC: &str = "static.internal";
/// A zone of SkyDNS's schema.
pub(crate) const SKY: &str = "sky.internal";
/// The zone of all addresses.
pub(crate) const REVERSE: &str = "10.in-addr.arpa";
/// A service of [`LARGE`] instances.
pub(crate) const BIG: &str = "big";
/// So many.
const LARGE: usize = 1_000;
/// How many SkyDNS names have [`ENTRIES`] entries below them.
pub(crate) const MANY: usize = 10;
/// So many.
const ENTRIES: usize = 200;
/// Addresses of what is in no service of the population begin so.
const ELSEWHERE: usize = 0x80_0000;
/// The beginning of every zone file, as srvd makes one.
pub(crate) const HEAD: &str =
    "@ 3600 IN SOA ns.dns hostmaster 1 7200 1800 86400 5\n@ 3600 IN NS ns.dns\n";
/// A key and its value.
pub(crate) type Pair = (String, String);

/// The service and the address of every instance of the population.
fn instances() -> impl Iterator<Item = (usize, usize, String)> {
    (0..SMALL.instances).map(|n| (n % SMALL.services, n / SMALL.services, address(n)))
}

/// What etcd has beside the population, whose documents get tags and metadata.
pub(crate) fn pairs() -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (n, (service, place, host)) in instances().enumerate() {
        let document = format!(
            r#"{{"name":"service-{service}","port":8080,"hostname":"{host}","host":"{host}:8080","url":"http://{host}:8080","tags":["blue"],"meta":{{"zone":"a"}}}}"#
        );
        pairs.push((SMALL.key(n), document));
        let value = format!(r#"{{"host":"{host}","port":8080,"ttl":5}}"#);
        pairs.push((format!("/skydns/internal/sky/svc-{service}/x{place}"), value));
    }
    (0..SMALL.services).for_each(|n| pairs.extend(pairs_of(n)));
    pairs.extend((0..LARGE).map(|n| {
        let host = address(ELSEWHERE + n);
        (format!("/services/{BIG}/{n}"), format!("{host}:8080"))
    }));
    for n in 0..MANY * ENTRIES {
        let (name, entry, host) = (n % MANY, n / MANY, address(ELSEWHERE + n));
        let key = format!("/skydns/internal/sky/many-{name}/x{entry}");
        pairs.push((key, format!(r#"{{"host":"{host}","port":8080,"ttl":5}}"#)));
    }
    pairs
}

/// What there is once for each service's number.
fn pairs_of(n: usize) -> [Pair; 5] {
    let (host, sky) = (address(n), "/skydns/internal/sky");
    [
        (
            format!("/services/_backends/back-{n}"),
            format!(r#"{{"resource":"Backend","name":"back-{n}","app":"service-{n}"}}"#),
        ),
        (
            format!("/services/_frontends/front-{n}"),
            format!(r#"{{"resource":"Frontend","name":"front-{n}","backend":"back-{n}"}}"#),
        ),
        (format!("{sky}/txt-{n}"), r#"{"text":"zone=a","ttl":5}"#.to_owned()),
        (format!("{sky}/alias-{n}"), format!(r#"{{"host":"svc-{n}.{SKY}","ttl":5}}"#)),
        (format!("{sky}/wild-{n}/*"), format!(r#"{{"host":"{host}","ttl":5}}"#)),
    ]
}

/// What the peers' zone has beside the population's services and addresses.
pub(crate) fn registry_lines() -> Vec<String> {
    let mut lines = Vec::new();
    for (service, _, address) in instances() {
        let label = address.replace('.', "-");
        let id = format!("{label}-8080");
        let srv = format!("5 IN SRV 0 1 8080 {label}.service-{service}");
        lines.push(format!("_http._tcp.service-{service} {srv}"));
        lines.push(format!("_front-{service}._tcp {srv}"));
        lines.push(format!("{id}.service-{service} {srv}"));
        lines.push(format!("{id}._service-{service}._tcp {srv}"));
        lines.push(format!("{id}.service-{service} 5 IN A {address}"));
        lines.push(format!("blue.service-{service} 5 IN A {address}"));
        lines.push(format!("front-{service} 5 IN A {address}"));
        lines.push(format!("{id}.service-{service} 5 IN TXT zone=a"));
        lines.push(format!("_service-{service}._tcp 5 IN PTR {id}._service-{service}._tcp"));
    }
    for address in (0..LARGE).map(|n| address(ELSEWHERE + n)) {
        let label = address.replace('.', "-");
        lines.push(format!("_{BIG}._tcp 5 IN SRV 0 1 8080 {label}.{BIG}"));
        lines.push(format!("{BIG} 5 IN A {address}"));
        lines.push(format!("{label}.{BIG} 5 IN A {address}"));
    }
    lines
}

/// The zone that is a file everywhere.
pub(crate) fn static_lines() -> Vec<String> {
    let mut lines = Vec::new();
    for n in 0..SMALL.services {
        let address = address(n);
        let next = |further: usize| (n + further) % SMALL.services;
        lines.push(format!("host-{n} 5 IN A {address}"));
        let srv = |to: usize| format!("_srv-{n}._tcp 5 IN SRV 0 1 8080 host-{to}");
        lines.extend([0, 1, 2].map(|further| srv(next(further))));
        lines.push(format!("mx-{n} 5 IN MX 10 host-{n}"));
        lines.push(format!("txt-{n} 5 IN TXT zone=a"));
        lines.push(format!("alias-{n} 5 IN CNAME host-{n}"));
        lines.push(format!("*.wild-{n} 5 IN A {address}"));
        lines.push(format!("cut-{n} 5 IN NS ns.cut-{n}"));
        lines.push(format!("ns.cut-{n} 5 IN A {address}"));
    }
    lines
}

/// What SkyDNS's entries say.
pub(crate) fn sky_lines() -> Vec<String> {
    let mut lines = Vec::new();
    let mut add = |name: &str, place: &dyn Display, host: String, weight: usize| {
        let entry = format!("x{place}.{name}");
        for owner in [name, &entry] {
            lines.push(format!("{owner} 5 IN A {host}"));
            lines.push(format!("{owner} 5 IN SRV 10 {weight} 8080 {entry}"));
        }
    };
    instances().for_each(|(n, place, host)| add(&format!("svc-{n}"), &place, host, 33));
    for n in 0..MANY * ENTRIES {
        add(&format!("many-{}", n % MANY), &(n / MANY), address(ELSEWHERE + n), 1);
    }
    for n in 0..SMALL.services {
        lines.push(format!("txt-{n} 5 IN TXT zone=a"));
        lines.push(format!("alias-{n} 5 IN CNAME svc-{n}"));
        lines.push(format!("*.wild-{n} 5 IN A {}", address(n)));
    }
    lines
}

/// The names of all addresses.
pub(crate) fn reverse_lines() -> Vec<String> {
    let line = |(service, _, address): (usize, usize, String)| {
        let labels: Vec<_> = address.split('.').rev().take(3).collect();
        let (owner, label) = (labels.join("."), address.replace('.', "-"));
        format!("{owner} 5 IN PTR {label}.service-{service}.{ZONE}.")
    };
    instances().map(line).collect()
}
