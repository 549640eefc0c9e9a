//! `srvd watch --server`: the events of a running server, through breaks.
//!
//! A stream that breaks is begun again behind the last id that was seen. Where the server does not
//! know any more what came after that, it tells all that is there: what is known already is not
//! printed again, and what is not told any more has gone.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::print;
use crate::backoff::Backoff;
use crate::cli::{Output, WatchArgs};
use crate::error::Failure;
use crate::names::percent_encoded;
use crate::remote::{ServerEvent, ServerUrl, Severed};
use crate::telemetry::complain;

/// The first wait before a stream is begun again, and the longest.
const RETRY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));
/// The id of who knows nothing: what is told next is all that is there.
const KNOWS_NOTHING: &str = "0";

/// A follower of a server, and what it knows of the instances there.
struct Follower {
    /// How to print.
    form: Output,
    /// Each instance as JSON text, by zone, key and id.
    known: HashMap<String, Box<str>>,
    /// Those that were told of in the list under way.
    listed: Option<HashSet<String>>,
    /// The last id.
    id: Option<String>,
    /// The last revision.
    revision: Value,
    /// Whether anything came since the stream began.
    has_heard: bool,
    /// What went wrong with printing.
    fault: Option<Failure>,
}

/// Prints events of a server until nobody reads them.
///
/// # Errors
/// [`Failure::Unreachable`] when the server is away at the start; later it is waited for.
pub(super) async fn watch_of(
    server: &ServerUrl,
    zone: Option<&str>,
    args: &WatchArgs,
) -> Result<(), Failure> {
    let mut follower = Follower::new(print::form(args.output));
    let mut backoff = Backoff::new(RETRY.0, RETRY.1);
    let (mut is_first, mut is_away) = (true, false);
    loop {
        let path = path(zone, args.name.as_deref(), follower.id.as_deref());
        follower.has_heard = false;
        let end = server
            .follow(&path, |event| {
                if std::mem::take(&mut is_away) {
                    complain(format_args!("srvd: the server {server} answers again"));
                }
                follower.take(event);
            })
            .await;
        if let Some(fault) = follower.fault.take() {
            return Err(fault);
        }
        let fault = match end {
            Ok(never) => match never {},
            Err(Severed::Refused(failure)) => return Err(failure),
            Err(Severed::Broken(fault)) => fault,
        };
        if follower.has_heard {
            backoff.reset();
        } else if is_first {
            return Err(server.away(&fault));
        }
        is_first = false;
        if !std::mem::replace(&mut is_away, true) {
            complain(format_args!("srvd: the server {server} is gone: {fault}; asking it again"));
        }
        tokio::time::sleep(backoff.wait()).await;
    }
}

/// What is asked for.
fn path(zone: Option<&str>, name: Option<&str>, since: Option<&str>) -> String {
    let all = [("zone", zone), ("name", name), ("since", since)];
    let pairs = all
        .into_iter()
        .filter_map(|(key, value)| value.map(|value| format!("{key}={}", percent_encoded(value))));
    format!("/v1/events?{}", pairs.collect::<Vec<_>>().join("&"))
}

impl Follower {
    /// Knows nothing yet.
    fn new(form: Output) -> Self {
        Self {
            form,
            known: HashMap::new(),
            listed: None,
            id: None,
            revision: Value::Null,
            has_heard: false,
            fault: None,
        }
    }

    /// Takes an event, and prints what is new of it.
    fn take(&mut self, event: ServerEvent) {
        self.has_heard = true;
        if let Err(fault) = self.tell(&event) {
            self.fault.get_or_insert(fault);
        }
        let Some(id) = event.id else { return };
        if id == KNOWS_NOTHING {
            self.listed = Some(HashSet::new());
        } else if let Some(listed) = self.listed.take()
            && let Err(fault) = self.forget(&listed)
        {
            self.fault.get_or_insert(fault);
        }
        self.id = Some(id);
    }

    /// Prints what an event tells that is not known.
    fn tell(&mut self, event: &ServerEvent) -> Result<(), Failure> {
        let ServerEvent { kind, data, .. } = event;
        if !matches!(kind.as_str(), "online" | "offline" | "changed") {
            return Ok(());
        }
        let mut told: Value = serde_json::from_str(data).map_err(|fault| {
            Failure::failed(format!("the server tells what is no JSON: {fault}"))
        })?;
        self.revision = told["revision"].clone();
        let (place, text) = (place(&told["instance"]), told["instance"].to_string());
        if let Some(listed) = &mut self.listed {
            listed.insert(place.clone());
        }
        let before = match kind.as_str() {
            "offline" => self.known.remove(&place),
            _ => self.known.insert(place, text.as_str().into()),
        };
        match before {
            Some(before) if kind != "offline" && *before == *text => return Ok(()),
            Some(_) if kind == "online" => told["event"] = "changed".into(),
            _ => {}
        }
        print_event(self.form, &told)
    }

    /// What was not told of in a complete list is gone.
    fn forget(&mut self, listed: &HashSet<String>) -> Result<(), Failure> {
        let mut gone: Vec<_> = self.known.extract_if(|place, _| !listed.contains(place)).collect();
        gone.sort_unstable();
        for (_, text) in gone {
            let instance: Value = serde_json::from_str(&text).unwrap_or_default();
            let event =
                json!({ "event": "offline", "revision": self.revision, "instance": instance });
            print_event(self.form, &event)?;
        }
        Ok(())
    }
}

/// What tells an instance from others.
fn place(instance: &Value) -> String {
    let part = |key: &str| instance[key].as_str().unwrap_or_default();
    [part("zone"), part("key"), part("id")].join("\0")
}

/// Prints one event.
pub(super) fn print_event(form: Output, event: &Value) -> Result<(), Failure> {
    if form == Output::Json {
        return print::object(event);
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let [name, id, host] = ["name", "id", "host"].map(|key| text(&event["instance"][key]));
    print::line(&format!("{:8} {name:24} {id:24} {host}", text(&event["event"])))
}
