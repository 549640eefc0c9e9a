//! SkyDNS zones in process: configured as from a file, fed by hand.

use std::sync::Arc;

use hickory_proto::rr::{DNSClass, Name, RData, RecordType};
use srvd::authority::{Answer, Draw, Overflow, Question, Room, RrSet, answer};
use srvd::config::Serve;
use srvd::index::{Index, Publisher};
use srvd::options::{Common, File, ServeArgs};
use srvd::registry::{Publish, Stored, Table, Update};

/// Room for any answer over TCP.
pub(crate) const TCP: Room = Room { octets: 65_000, overflow: Overflow::Cut };

/// Zones that read below one prefix.
pub(crate) struct Zones {
    pub(crate) index: Arc<Index>,
    feeds: Vec<(Table, Publisher)>,
    revision: i64,
}

/// What an answer says: its code, and the lines of its three sections, each sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) code: String,
    pub(crate) answer: Vec<String>,
    pub(crate) authority: Vec<String>,
    pub(crate) additional: Vec<String>,
}

/// The text of `[[zone]]` for SkyDNS zones with a prefix.
pub(crate) fn configuration(apexes: &[&str], prefix: &str) -> String {
    let zone = |apex: &&str| {
        let apex = apex.trim_end_matches('.');
        format!("[[zone]]\nname = \"{apex}\"\nschema = \"skydns\"\nprefix = \"{prefix}\"\n")
    };
    apexes.iter().map(zone).collect()
}

impl Zones {
    /// Zones with a prefix, listed and empty.
    pub(crate) fn new(apexes: &[&str], prefix: &str) -> Self {
        Self::configured(&configuration(apexes, prefix), &[])
    }

    /// The zones of a configuration file, with zone files of these names and texts.
    pub(crate) fn configured(text: &str, files: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        files.iter().for_each(|(name, text)| {
            std::fs::write(directory.path().join(name), text).unwrap();
        });
        let path = directory.path().join("srvd.toml");
        std::fs::write(&path, format!("zones = \".\"\n{text}")).unwrap();
        let file = File::read(Some(&path)).unwrap();
        let config = Serve::new(&Common::default(), &ServeArgs::default(), &file).unwrap();
        let tables: Vec<_> = config.zones.iter().map(|it| Table::new(it.layout.clone())).collect();
        let settings = config.zones.into_iter().map(|zone| Arc::new(zone.settings)).collect();
        let index = Arc::new(Index::new(settings, true));
        let publisher = |(at, table)| (table, Publisher::new(Arc::clone(&index), at));
        let feeds = tables.into_iter().enumerate().map(publisher).collect();
        let mut zones = Self { index, feeds, revision: 0 };
        zones.publish(|_, _| ());
        zones
    }

    /// One zone `skydns.test` with the keys below it, `KEY VALUE`.
    pub(crate) fn holding(entries: &[&str]) -> Self {
        let mut zones = Self::new(&["skydns.test"], "/skydns");
        for entry in entries {
            let (key, value) = entry.split_once(' ').unwrap();
            zones.put(&format!("/skydns/test/skydns/{key}"), value);
        }
        zones
    }

    /// Puts a value. Every zone is told, as if all read the same range.
    pub(crate) fn put(&mut self, key: &str, value: &str) {
        self.put_stored(key, Stored { value: value.as_bytes(), is_leased: false });
    }

    /// Puts a value with or without a lease.
    pub(crate) fn put_stored(&mut self, key: &str, stored: Stored<'_>) {
        self.publish(|table, update| table.put(key.as_bytes(), stored, update));
    }

    /// Deletes a key.
    pub(crate) fn delete(&mut self, key: &str) {
        self.publish(|table, update| table.delete(key.as_bytes(), update));
    }

    /// Makes a list the truth.
    pub(crate) fn list<'p>(&mut self, pairs: impl Iterator<Item = (&'p str, &'p str)> + Clone) {
        self.publish(|table, update| {
            table.begin_listing();
            pairs.clone().for_each(|(key, value)| table.list(key.as_bytes(), value.as_bytes()));
            table.finish_listing(update);
        });
    }

    /// Changes every zone's table, and publishes what that changes.
    fn publish(&mut self, change: impl Fn(&mut Table, &mut Update)) {
        self.revision += 1;
        for (table, publisher) in &mut self.feeds {
            let mut update = Update { revision: self.revision, ..Update::default() };
            change(table, &mut update);
            publisher.publish(update);
        }
    }

    /// What is wrong in all zones, sorted.
    pub(crate) fn problems(&self) -> Vec<String> {
        let zones = self.index.load().zones().to_vec();
        let mut all: Vec<_> = zones
            .iter()
            .flat_map(|it| it.problems().map(|it| it.to_string()).collect::<Vec<_>>())
            .collect();
        all.sort_unstable();
        all
    }

    /// The answer to a question with some room.
    pub(crate) fn answer(&self, name: &str, kind: RecordType, room: Room) -> Answer {
        let name = Name::from_ascii(name).unwrap();
        let question = Question { name: &name, kind, class: DNSClass::IN, room };
        answer(&self.index.load(), &question, &mut Draw::new())
    }

    /// What is said to a question.
    pub(crate) fn ask(&self, name: &str, kind: &str) -> Said {
        Said::of(&self.answer(name, kind.parse().unwrap(), TCP))
    }

    /// The lines of the answer section.
    pub(crate) fn lines(&self, name: &str, kind: &str) -> Vec<String> {
        self.ask(name, kind).answer
    }

    /// The code and how many answers there are.
    pub(crate) fn code(&self, name: &str, kind: &str) -> (String, usize) {
        let said = self.ask(name, kind);
        (said.code, said.answer.len())
    }
}

impl Said {
    /// What an answer says.
    pub(crate) fn of(answer: &Answer) -> Self {
        let lines = |sets: &[RrSet]| {
            let mut lines: Vec<_> = sets.iter().flat_map(lines).collect();
            lines.sort_unstable();
            lines
        };
        Self {
            code: format!("{:?}", answer.code).to_ascii_uppercase(),
            answer: lines(&answer.answers),
            authority: lines(answer.authority.as_slice()),
            additional: lines(&answer.additional),
        }
    }
}

/// The records of an RRset in presentation form.
fn lines(set: &RrSet) -> impl Iterator<Item = String> + '_ {
    set.data.iter().map(|data| {
        let RrSet { owner, ttl, kind, .. } = set;
        let owner = owner.to_utf8();
        format!("{owner} {ttl} IN {kind} {}", rdata(data))
    })
}

/// A record's data in presentation form.
fn rdata(data: &RData) -> String {
    let RData::TXT(text) = data else { return data.to_string() };
    let strings = text.txt_data.iter().map(|string| format!("\"{}\"", quoted(string)));
    strings.collect::<Vec<_>>().join(" ")
}

/// Octets as a quoted character string has them (RFC 1035 section 5.1).
fn quoted(string: &[u8]) -> String {
    let escaped = |octet: &u8| match octet {
        b'"' | b'\\' => format!("\\{}", char::from(*octet)),
        b' '..=b'~' => char::from(*octet).to_string(),
        _ => format!("\\{octet:03}"),
    };
    string.iter().map(escaped).collect()
}
