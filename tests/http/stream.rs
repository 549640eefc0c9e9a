//! Server-sent events, read as a client does that keeps what it is told.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use crate::support::PATIENCE;

/// A stream of events.
pub(super) struct Stream {
    /// What comes.
    lines: BufReader<TcpStream>,
    /// The first line of the reply.
    pub(super) status: String,
    /// The rest of its head.
    pub(super) head: String,
}

/// One event; only an id where it has no name.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    /// Its name.
    pub(super) name: String,
    /// Its data.
    pub(super) data: Value,
    /// Its id, if it has one.
    pub(super) id: Option<String>,
}

/// What a client knows.
#[derive(Debug, Default)]
pub(super) struct Client {
    /// The instances, by key.
    pub(super) known: BTreeMap<String, Value>,
    /// The aliases, by key.
    pub(super) aliases: BTreeMap<String, Value>,
    /// The last id.
    pub(super) id: Option<String>,
    /// How often it had to begin anew.
    pub(super) resets: usize,
    /// How many events came.
    pub(super) told: usize,
}

impl Stream {
    /// Follows with a query (`?name=web`), and the last id that was seen.
    pub(super) fn open(at: SocketAddr, query: &str, id: Option<&str>) -> Self {
        let mut stream = TcpStream::connect(at).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let id = id.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
        let request = format!("GET /v1/events{query} HTTP/1.0\r\n{id}\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut lines = BufReader::new(stream);
        let (mut status, mut head) = (String::new(), String::new());
        lines.read_line(&mut status).unwrap();
        while !head.ends_with("\r\n\r\n") && lines.read_line(&mut head).unwrap() > 2 {}
        Self { lines, status, head }
    }

    /// The next event; none when the stream has ended.
    pub(super) fn next(&mut self) -> Option<Told> {
        let mut told = Told { name: String::new(), data: Value::Null, id: None };
        let mut line = String::new();
        loop {
            line.clear();
            if self.lines.read_line(&mut line).ok()? == 0 {
                return None;
            }
            match line.trim_end().split_once(": ") {
                Some(("event", name)) => told.name = name.to_owned(),
                Some(("data", data)) => told.data = serde_json::from_str(data).unwrap(),
                Some(("id", id)) => told.id = Some(id.to_owned()),
                None if line == "\n" && (told.id.is_some() || !told.name.is_empty()) => {
                    return Some(told);
                }
                _ => (),
            }
        }
    }

    /// The next event that has a name.
    pub(super) fn event(&mut self) -> Told {
        std::iter::from_fn(|| self.next()).find(|it| !it.name.is_empty()).unwrap()
    }
}

impl Told {
    /// The id of the instance that it is about.
    pub(super) fn instance(&self) -> &str {
        self.data["instance"]["id"].as_str().unwrap_or_default()
    }
}

impl Client {
    /// Takes an event in.
    pub(super) fn take(&mut self, told: Told) {
        self.told += 1;
        let Told { name, data, id } = told;
        match name.as_str() {
            "reset" => {
                self.resets += 1;
                self.known.clear();
                self.aliases.clear();
            }
            "alias" => {
                let key = data["alias"]["key"].as_str().unwrap().to_owned();
                match data["change"].as_str().unwrap() {
                    "offline" => self.aliases.remove(&key),
                    _ => self.aliases.insert(key, data["alias"].clone()),
                };
            }
            "" => (),
            _ => {
                assert_eq!(data["event"], name);
                let key = data["instance"]["key"].as_str().unwrap().to_owned();
                match name.as_str() {
                    "offline" => self.known.remove(&key),
                    _ => self.known.insert(key, data["instance"].clone()),
                };
            }
        }
        self.id = id.or(self.id.take());
    }

    /// Follows until it knows of a key that it is there, or that it is not, and all that came
    /// with that.
    pub(super) fn follow(&mut self, stream: &mut Stream, key: &str, is_there: bool) {
        let mut is_whole = self.id.as_deref().is_some_and(|id| id != "0");
        while self.known.contains_key(key) != is_there || !is_whole {
            let told = stream.next().unwrap_or_else(|| panic!("ended before {key} was told"));
            is_whole = told.id.as_deref().is_some_and(|id| id != "0");
            self.take(told);
        }
    }
}
