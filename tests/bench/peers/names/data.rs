//! What is registered, and the same in zone files, as far as these can say it.

use std::fmt::Display;
use std::fs::{File, create_dir};
use std::io::{BufWriter, Result, Write};
use std::path::Path;

use etcd_client::{Client, Txn, TxnOp};
use tokio::runtime::Runtime;

use crate::data::{Data, SMALL, ZONE};
use crate::population::address;

/// A zone that is a file everywhere.
pub(super) const STATIC: &str = "static.internal";
/// A zone of SkyDNS's schema.
pub(super) const SKY: &str = "sky.internal";
/// The zone of all addresses.
pub(super) const REVERSE: &str = "10.in-addr.arpa";
/// A service of [`LARGE`] instances.
pub(super) const BIG: &str = "big";
/// So many.
const LARGE: usize = 1_000;
/// How many SkyDNS names have [`ENTRIES`] entries below them.
pub(super) const MANY: usize = 10;
/// So many.
const ENTRIES: usize = 200;
/// Addresses of what is in no service of the population begin so.
const ELSEWHERE: usize = 0x80_0000;
/// Operations in one transaction: below etcd's limit of 128.
const OPS: usize = 100;
/// The beginning of every zone file, as srvd makes one.
const HEAD: &str = "@ 3600 IN SOA ns.dns hostmaster 1 7200 1800 86400 5\n@ 3600 IN NS ns.dns\n";
/// A key and its value.
type Pair = (String, String);

/// Everything, in every form.
pub(super) fn data() -> Data {
    let mut data = Data::new(SMALL);
    put(&data, pairs());
    let dir = data.dir.path().to_owned();
    let zones = dir.join("zones");
    create_dir(&zones).unwrap();
    let mut add = |apex: &'static str, path: &Path, lines: Vec<String>| {
        write(path, apex, &lines).unwrap();
        data.zones.push((apex, path.to_owned()));
    };
    add(STATIC, &zones.join(format!("{STATIC}.zone")), static_lines());
    add(SKY, &dir.join("sky"), sky_lines());
    add(REVERSE, &dir.join("reverse"), reverse_lines());
    append(&data.zones[0].1, &registry_lines()).unwrap();
    data.arguments = format!(" --config {}", configure(&dir, &zones).display());
    data
}

/// Writes srvd's configuration.
fn configure(dir: &Path, zones: &Path) -> std::path::PathBuf {
    let (path, secret) = (dir.join("srvd.toml"), dir.join("secret"));
    std::fs::write(&secret, format!("{:032x}\n", 0x7372_7664)).unwrap();
    let text = format!(
        "zones = \"{}\"\nreverse = [\"{REVERSE}\"]\nnsid = \"bench\"\n\
         cookie-secret-file = \"{}\"\n[[zone]]\nname = \"{ZONE}\"\n\
         [[zone]]\nname = \"{SKY}\"\nschema = \"skydns\"\nprefix = \"/skydns\"\n",
        zones.display(),
        secret.display()
    );
    std::fs::write(&path, text).unwrap();
    path
}

/// The service and the address of every instance of the population.
fn instances() -> impl Iterator<Item = (usize, usize, String)> {
    (0..SMALL.instances).map(|n| (n % SMALL.services, n / SMALL.services, address(n)))
}

/// What etcd has beside the population, whose documents get tags and metadata.
fn pairs() -> Vec<Pair> {
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
fn registry_lines() -> Vec<String> {
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
fn static_lines() -> Vec<String> {
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
fn sky_lines() -> Vec<String> {
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
fn reverse_lines() -> Vec<String> {
    let line = |(service, _, address): (usize, usize, String)| {
        let labels: Vec<_> = address.split('.').rev().take(3).collect();
        let (owner, label) = (labels.join("."), address.replace('.', "-"));
        format!("{owner} 5 IN PTR {label}.service-{service}.{ZONE}.")
    };
    instances().map(line).collect()
}

/// Writes a zone file.
fn write(path: &Path, apex: &str, lines: &[String]) -> Result<()> {
    std::fs::write(path, format!("$ORIGIN {apex}.\n{HEAD}"))?;
    append(path, lines)
}

/// Writes lines at the end of a zone file.
fn append(path: &Path, lines: &[String]) -> Result<()> {
    let file = File::options().append(true).open(path)?;
    let mut file = BufWriter::new(file);
    lines.iter().try_for_each(|line| writeln!(file, "{line}"))?;
    file.flush()
}

/// Puts keys, a hundred at once.
fn put(data: &Data, pairs: Vec<Pair>) {
    Runtime::new().unwrap().block_on(async {
        let client = Client::connect([data.etcd.url()], None).await.unwrap();
        for some in pairs.chunks(OPS) {
            let put = |(key, value): &Pair| TxnOp::put(key.as_str(), value.as_str(), None);
            let txn = Txn::new().and_then(some.iter().map(put).collect::<Vec<_>>());
            client.kv_client().txn(txn).await.unwrap();
        }
    });
}
