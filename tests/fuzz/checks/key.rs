//! Any keys, put and deleted in any order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arbitrary::{Arbitrary, Unstructured};
use srvd::index::{Index, Publisher, Schema};
use srvd::names::label;
use srvd::registry::{Grammar, KeyParts, Layout, Publish, Table, Update};

use super::document::question;
use super::paths::{Paths, check_records};
use crate::fixture::settings;

/// Prefixes that zones read below.
const PREFIXES: [&str; 3] = ["/services", "", "kitex/registry"];
/// What the keys of a SkyDNS zone begin with.
const LABELS: &str = "/skydns/z";
/// First segments of keys, of which some mean the same and some more.
const NAMES: [&str; 11] =
    ["a", "/a", "b_c", "B-c", "_backends", "_frontends", "", "x/y", "a/*", "b.a", "a/1"];
/// Their last segments.
const IDS: [&str; 15] = [
    "0",
    "1",
    "a",
    "b-c",
    "B_C",
    "f",
    "10-0-0-1",
    "tcp@10.0.0.3:1",
    "leader",
    "members/0",
    "members/a",
    "providers/tri%3A%2F%2F10.0.0.1%3A80%2Fa%3Fgroup%3Dt%26version%3D1",
    "providers/tri%3A%2F%2F10.0.0.1%3A80%2Fa%3Fgroup%3Dt%26version%3D1%26x%3D1",
    "b/c/1/10.0.0.1:80,10.0.0.2:80",
    "e/c/1/10.0.0.1:80",
];
/// Values.
const VALUES: [&str; 21] = [
    "10.0.0.1:80",
    "10.0.0.2",
    r#"{"host":"10.0.0.1:80","version":"1","protocol":"http"}"#,
    r#"{"host":"10.0.0.1:81","version":"2","tags":["t","u.v"],"ttl":9}"#,
    r#"{"host":"[2001:db8::1]:53","proto":"udp","text":"words"}"#,
    r#"{"endpoints":["http://10.0.0.1:80","grpc://10.0.0.2:9","x://a.b:1"]}"#,
    "10-0-0-1.a.z:7",
    "no document",
    r#"{"resource":"Backend","app":"a","version":"1"}"#,
    r#"{"resource":"Backend","app":"b-C"}"#,
    r#"{"resource":"Frontend","backend":"f"}"#,
    r#"{"resource":"Frontend","backend":"A"}"#,
    r#"{"host":"10.0.0.1","port":80,"priority":1,"text":"t","targetstrip":1}"#,
    r#"{"host":"0.a.z","group":"g","ttl":60}"#,
    r#"{"host":"a.b","mail":true,"text":"t"}"#,
    r#"{"text":"words"}"#,
    r#"{"conn_url":"postgres://10.0.0.1:5432/p","tags":{"nofailover":true}}"#,
    "0",
    "a",
    "",
    r#"{"protocol":"http"}"#,
];
/// More events than this say nothing new.
const EVENTS_MAX: usize = 16;
/// More names than this are not asked for.
const NAMES_MAX: usize = 24;

/// What happens to the keys of a zone.
#[derive(Debug, Arbitrary)]
struct History<'a> {
    prefix: u8,
    events: Vec<Event<'a>>,
}

/// What happens to a key.
#[derive(Debug, Arbitrary)]
struct Event<'a> {
    key: Key<'a>,
    value: Value<'a>,
}

/// A key below the prefix, or any.
#[derive(Debug, Arbitrary)]
enum Key<'a> {
    Known(u8, u8),
    KnownToo(u8, u8),
    Below(&'a [u8]),
    Any(&'a [u8]),
}

/// What is put there; none when it is deleted.
#[derive(Debug, Arbitrary)]
enum Value<'a> {
    None,
    Known(u8),
    KnownToo(u8),
    Any(&'a [u8]),
}

/// A zone as the server runs it.
struct Zone {
    table: Table,
    publisher: Publisher,
    index: Arc<Index>,
}

/// Plays the history that the octets choose, and compares with a fresh list of its end.
pub(crate) fn check(octets: &[u8]) {
    let Ok(history) = History::arbitrary(&mut Unstructured::new(octets)) else { return };
    let choice = usize::from(history.prefix) % (PREFIXES.len() + 1);
    let prefix = PREFIXES.get(choice).copied().unwrap_or(LABELS);
    let (mut followed, mut listed) = (Zone::new(prefix), Zone::new(prefix));
    let mut truth = BTreeMap::new();
    for event in history.events.iter().take(EVENTS_MAX) {
        let (key, value) = (event.key.bytes(prefix), event.value.bytes());
        followed.happens(&key, value);
        truth.insert(key, value);
    }
    let there = || truth.iter().filter_map(|(key, value)| Some((key.as_slice(), (*value)?)));
    listed.list(there());
    assert_eq!(followed.view(), listed.view());
    let (mut one, other) = (Paths::of(&followed.index), Paths::of(&listed.index));
    for name in names(followed.table.layout(), there()).iter().take(NAMES_MAX) {
        for kind in [33, 1] {
            let question = question(name, kind);
            let [one, other] = [one.ask(&question), other.answer(&question)];
            assert_eq!(one.metadata.response_code, other.metadata.response_code, "{name}");
            check_records(&one.answers, &other.answers, name);
            check_records(&one.additionals, &other.additionals, name);
        }
    }
}

/// The names that keys bring about, and those above them.
fn names<'k>(
    layout: &Layout,
    there: impl Iterator<Item = (&'k [u8], &'k [u8])>,
) -> BTreeSet<String> {
    let below = there.flat_map(|(key, _)| match layout.grammar() {
        Grammar::Instances => layout.read(key).map(names_of_instance).unwrap_or_default(),
        Grammar::Labels(_) => names_of_labels(key),
    });
    let always = ["_tcp.z", "_http._tcp.a.z", "f.z", "x.a.z", "z", "a._tcp.z", "_b.a._tcp", "_t.z"];
    let names = below.chain(always.map(str::to_owned));
    names.filter(|name| name.split('.').all(|label| (1..64).contains(&label.len()))).collect()
}

/// The names of an instance.
fn names_of_instance(place: KeyParts<'_>) -> Vec<String> {
    let (name, id) = (label(place.name).to_lowercase(), label(place.id).to_lowercase());
    let names = [format!("{name}.z"), format!("{id}.{name}.z"), format!("_{name}._tcp.z")];
    names.into_iter().chain([format!("{id}.z")]).collect()
}

/// The name that SkyDNS keeps at a key, and that above it.
fn names_of_labels(key: &[u8]) -> Vec<String> {
    let Ok(path) = std::str::from_utf8(key) else { return Vec::new() };
    let path = path.strip_prefix(LABELS).unwrap_or_default();
    let mut labels: Vec<_> = path.split('/').filter(|label| !label.is_empty()).collect();
    labels.reverse();
    let from = |skipped| format!("{}.z", labels.get(skipped..).unwrap_or_default().join("."));
    let is_name = |name: &String| name.is_ascii() && name.len() < 250;
    [from(0), from(1)].into_iter().filter(is_name).collect()
}

impl Key<'_> {
    /// Its octets.
    fn bytes(&self, prefix: &str) -> Vec<u8> {
        let slash = if prefix.is_empty() { "" } else { "/" };
        let lead = format!("{prefix}{slash}").into_bytes();
        match self {
            Self::Known(name, id) | Self::KnownToo(name, id) => {
                let (name, id) = (usize::from(*name) % NAMES.len(), usize::from(*id) % IDS.len());
                [&lead[..], format!("{}/{}", NAMES[name], IDS[id]).as_bytes()].concat()
            }
            Self::Below(key) => [&lead[..], key].concat(),
            Self::Any(key) => key.to_vec(),
        }
    }
}

impl<'a> Value<'a> {
    /// Its octets.
    fn bytes(&self) -> Option<&'a [u8]> {
        match self {
            Self::None => None,
            Self::Known(at) | Self::KnownToo(at) => {
                Some(VALUES[usize::from(*at) % VALUES.len()].as_bytes())
            }
            Self::Any(value) => Some(value),
        }
    }
}

impl Zone {
    /// An empty one that has been listed.
    fn new(prefix: &str) -> Self {
        let (settings, layout) = if prefix == LABELS {
            let settings = settings("z.").of_schema(Schema::SkyDns);
            let layout = Layout::of_labels("/skydns", settings.wire());
            (settings, layout.expect("prefixes are sound"))
        } else {
            (settings("z."), Layout::new(prefix, None).expect("prefixes are sound"))
        };
        let index = Arc::new(Index::new(vec![Arc::new(settings)], true));
        let publisher = Publisher::new(Arc::clone(&index), 0);
        let mut zone = Self { table: Table::new(layout), publisher, index };
        zone.publish(Update::default());
        zone
    }

    /// Publishes changes under a revision that only grows.
    fn publish(&mut self, update: Update) {
        self.publisher.publish(Update { revision: 1, ..update });
    }

    /// A key is put or deleted.
    fn happens(&mut self, key: &[u8], value: Option<&[u8]>) {
        let mut update = Update::default();
        match value {
            Some(value) => self.table.put(key, value, &mut update),
            None => self.table.delete(key, &mut update),
        }
        self.publish(update);
    }

    /// All there is is listed.
    fn list<'k>(&mut self, all: impl Iterator<Item = (&'k [u8], &'k [u8])>) {
        let mut update = Update::default();
        self.table.begin_listing();
        all.for_each(|(key, value)| self.table.list(key, value));
        self.table.finish_listing(&mut update);
        self.publish(update);
    }

    /// Everything it shows, in words.
    fn view(&self) -> Vec<String> {
        let generation = self.index.load();
        let zone = &generation.zones()[0];
        let instances = zone.services().flat_map(|it| it.instances()).map(|it| format!("{it:?}"));
        let aliases = zone.aliases().map(|it| format!("{it:?}"));
        let problems = zone.problems().map(|it| it.to_string());
        let strays = self.table.strays().into_iter().map(|it| format!("{it:?}"));
        let entries = self.table.entries().map(|it| format!("{it:?}"));
        let all = instances.chain(aliases).chain(problems).chain(strays).chain(entries);
        let mut all: Vec<_> = all.collect();
        all.sort_unstable();
        all
    }
}
