//! Runs one golden file.

use std::fmt::Write;
use std::fs;
use std::sync::Arc;

use hickory_proto::rr::{DNSClass, Name, RData, RecordType};
use srvd::authority::{Answer, Draw, Overflow, Question, Room, RrSet, answer};
use srvd::index::{Index, Schema, Settings};
use srvd::wire::{Fast, Peer, Policy, READY_MAX, Responder, Transport, Verdict, View};

use crate::fixture::{Fixture, settings, settings_of_file};

/// Compares a file with what is answered now, or writes it anew.
pub(crate) fn check(name: &str) {
    let path = format!("tests/rfc/{name}.txt");
    let text = fs::read_to_string(&path).unwrap();
    let now = Run::default().all(&text);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, now).unwrap();
    } else {
        assert_eq!(text, now, "{path} differs; see UPDATE_GOLDEN");
    }
}

/// The state while a file is read.
#[derive(Default)]
struct Run {
    zones: Vec<Zone>,
    fixture: Option<Fixture>,
}

/// A zone of a file.
struct Zone {
    apex: String,
    is_static: bool,
    is_reverse: bool,
    max_answers: u16,
    servers: Vec<std::net::IpAddr>,
    records: String,
}

impl Zone {
    fn new(apex: &str, is_static: bool) -> Self {
        let (apex, records, servers) = (apex.to_owned(), String::new(), Vec::new());
        Self { apex, is_static, is_reverse: false, max_answers: 0, servers, records }
    }

    fn reverse(apex: &str) -> Self {
        Self { is_reverse: true, ..Self::new(apex, true) }
    }

    /// What is configured of it, in a world that may have reverse zones.
    fn settings(&self, has_reverse: bool) -> Settings {
        let text = format!("$TTL 3600\n{}", self.records);
        let mut settings = match self.records.is_empty() {
            true => settings(&self.apex),
            false => settings_of_file(&self.apex, &text, self.is_static),
        };
        settings.max_answers = self.max_answers;
        let settings = settings.served_at(&self.servers);
        match (self.is_reverse, self.is_static) {
            (true, _) => settings.of_schema(Schema::Static).reversing(),
            (_, true) => settings,
            _ => settings.naming_addresses(has_reverse),
        }
    }
}

impl Run {
    /// The file with its answers made anew.
    fn all(mut self, text: &str) -> String {
        let mut output = String::new();
        for line in text.lines().filter(|line| !line.starts_with("  ")) {
            writeln!(output, "{line}").unwrap();
            output += &self.line(line);
        }
        output
    }

    /// Does what a line says; what it answers.
    fn line(&mut self, line: &str) -> String {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "" | "#" => {}
            "zone" => self.zones.push(Zone::new(rest, false)),
            "static" => self.zones.push(Zone::new(rest, true)),
            "reverse" => self.zones.push(Zone::reverse(rest)),
            "limit" => self.zones.last_mut().unwrap().max_answers = rest.parse().unwrap(),
            "served" => {
                let addresses = rest.split(' ').map(|it| it.parse().unwrap());
                self.zones.iter_mut().for_each(|zone| zone.servers = addresses.clone().collect());
            }
            "record" => self.zones.last_mut().unwrap().records += &format!("{rest}\n"),
            "?" => return self.ask(rest),
            _ => self.change(word, rest),
        }
        String::new()
    }

    /// The zones, once all are known.
    fn fixture(&mut self) -> &mut Fixture {
        let has_reverse = self.zones.iter().any(|zone| zone.is_reverse);
        let zones = || self.zones.iter().map(|zone| zone.settings(has_reverse)).collect();
        self.fixture.get_or_insert_with(|| Fixture::unlisted(zones()))
    }

    /// A change of the registry.
    fn change(&mut self, word: &str, rest: &str) {
        let zone = self.zones.iter().position(|zone| zone.apex == rest);
        let fixture = self.fixture();
        match word {
            "in" => fixture.turn_to(zone.unwrap()),
            "list" => fixture.list(rest.parse().unwrap()),
            "put" => {
                let (key, value) = rest.split_once(' ').unwrap();
                fixture.put(&read_key(key), value);
            }
            "delete" => fixture.delete(&read_key(rest)),
            "stale" => fixture.set_stale(rest == "yes"),
            "expired" => fixture.set_expired(rest == "yes"),
            other => panic!("no such word: {other}"),
        }
    }

    /// Asks, and writes the answer down.
    fn ask(&mut self, rest: &str) -> String {
        let mut words = rest.split(' ');
        let name = read_name(words.next().unwrap());
        let kind = record_type(words.next().unwrap());
        let mut class = DNSClass::IN;
        let mut room = Room { octets: 1200, overflow: Overflow::Truncate };
        for word in words {
            match word.split_once('=') {
                Some(("room", octets)) => room.octets = octets.parse().unwrap(),
                _ if word == "tcp" => room.overflow = Overflow::Cut,
                _ => class = word.parse().unwrap(),
            }
        }
        check_streams(&self.fixture().index, &message(&name, kind, class));
        let generation = self.fixture().index.load().clone();
        let question = Question { name: &name, kind, class, room };
        show(&answer(&generation, &question, &mut Draw::seeded(1)))
    }
}

/// A query, with RD.
fn message(name: &Name, kind: RecordType, class: DNSClass) -> Vec<u8> {
    let mut message = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name {
        message.push(label.len() as u8);
        message.extend_from_slice(label);
    }
    message.push(0);
    message.extend(u16::from(kind).to_be_bytes());
    message.extend(u16::from(class).to_be_bytes());
    message
}

/// Every transport that is a stream has the octets of TCP.
fn check_streams(index: &Arc<Index>, message: &[u8]) {
    let (generation, policy) = (index.load(), Policy::default());
    let view = View { generation: &generation, policy: &policy };
    // By then the ready-made answer is there.
    let streams = [Transport::Tcp, Transport::Tcp, Transport::Tls, Transport::Https];
    let all = streams.into_iter().chain([Transport::Quic]);
    let all = all.map(|transport| {
        let (mut reply, mut full) = (vec![0; READY_MAX], Vec::new());
        let from = Peer { address: ([192, 0, 2, 1], 5353).into(), transport };
        let mut fast = Fast::with_draw(Draw::seeded(1));
        let verdict = fast.respond(view, message, from, &mut reply);
        let octets = match verdict {
            Verdict::Reply { octets, .. } => octets,
            _ => 0,
        };
        assert!(Responder::new(Arc::clone(index)).respond(message, from, &mut full));
        (format!("{verdict:?}"), reply[..octets].to_vec(), full[..12].to_vec())
    });
    let all: Vec<_> = all.collect();
    assert!(all[2..].iter().all(|it| *it == all[1]), "{all:?}");
}

/// The octets of a text with escapes, split where dots are not escaped (RFC 1035 section
/// 5.1); hickory takes `\DDD` for octal.
fn read_labels(text: &str) -> Vec<Vec<u8>> {
    let mut labels = vec![Vec::new()];
    let mut octets = text.bytes();
    while let Some(octet) = octets.next() {
        let label = labels.last_mut().unwrap();
        match octet {
            b'.' => labels.push(Vec::new()),
            b'\\' => match octets.next().unwrap() {
                digit @ b'0'..=b'9' => {
                    let digits = [digit, octets.next().unwrap(), octets.next().unwrap()];
                    label.push(std::str::from_utf8(&digits).unwrap().parse().unwrap());
                }
                other => label.push(other),
            },
            _ => label.push(octet),
        }
    }
    labels
}

/// A key with escapes; a dot in it is one.
fn read_key(text: &str) -> String {
    String::from_utf8(read_labels(text).join(&b'.')).unwrap()
}

/// A name as a zone file has it.
fn read_name(text: &str) -> Name {
    let labels = read_labels(text);
    let name = Name::from_labels(labels.iter().filter(|it| !it.is_empty()).map(Vec::as_slice));
    name.unwrap()
}

/// A name as [`read_name`] reads it.
fn show_name(name: &Name) -> String {
    let show = |octet: &u8| match octet {
        b'.' | b'\\' | b'"' | b'(' | b')' | b';' | b'@' | b'$' => format!("\\{}", *octet as char),
        0x21..=0x7e => (*octet as char).to_string(),
        _ => format!("\\{octet:03}"),
    };
    let labels = name.iter().map(|label| label.iter().map(show).collect::<String>() + ".");
    if name.is_root() { ".".to_owned() } else { labels.collect() }
}

/// A type by its name, or as RFC 3597 writes it.
fn record_type(text: &str) -> RecordType {
    match (text, text.strip_prefix("TYPE")) {
        ("IXFR", _) => RecordType::IXFR,
        (_, Some(number)) => number.parse::<u16>().unwrap().into(),
        _ => text.parse().unwrap(),
    }
}

/// An answer as text.
fn show(answer: &Answer) -> String {
    let mut text = format!("  {:?}", answer.code).to_uppercase();
    for (flag, set) in [(" AA", answer.authoritative), (" TC", answer.truncated)] {
        text += if set { flag } else { "" };
    }
    if let Some(reason) = answer.reason {
        write!(text, " EDE {} ({reason:?})", reason.info_code()).unwrap();
    }
    text += "\n";
    // The order of aliases says something, that of other RRsets does not.
    text.extend(answer.answers.iter().map(|set| show_set("answer", set)));
    text.extend(answer.authority.iter().map(|set| show_set("authority", set)));
    let mut lines: Vec<_> =
        answer.additional.iter().map(|set| show_set("additional", set)).collect();
    lines.sort();
    text += &lines.concat();
    if let Some(name) = &answer.leaves {
        writeln!(text, "  leaves {name}").unwrap();
    }
    text
}

/// An RRset as text.
fn show_set(section: &str, set: &RrSet) -> String {
    let mut lines: Vec<_> = set
        .data
        .iter()
        .map(|data| {
            let data = show_data(data);
            format!("  {section} {} {} {} {data}\n", show_name(&set.owner), set.ttl, set.kind)
        })
        .collect();
    lines.sort();
    if set.is_cut {
        lines.push(format!("  {section} cut\n"));
    }
    lines.concat()
}

/// A record's data as a zone file has it; hickory would run the strings of TXT together.
fn show_data(data: &RData) -> String {
    let txt = match data {
        RData::TXT(txt) => txt,
        RData::PTR(ptr) => return show_name(&ptr.0),
        _ => return data.to_string(),
    };
    let strings = txt.txt_data.iter().map(|string| format!("\"{}\"", string.escape_ascii()));
    strings.collect::<Vec<_>>().join(" ")
}
