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
#[derive(Debug, Default)]
struct Follower {
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
    let (mut follower, form) = (Follower::default(), print::form(args.output));
    let mut printed = Ok(());
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
                for event in follower.take(event) {
                    if printed.is_ok() {
                        printed = print_event(form, &event);
                    }
                }
            })
            .await;
        std::mem::replace(&mut printed, Ok(()))?;
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
    /// Takes an event. Gives what is new of it.
    fn take(&mut self, event: ServerEvent) -> Vec<Value> {
        self.has_heard = true;
        let mut news: Vec<_> = self.tell(&event).into_iter().collect();
        let Some(id) = event.id else { return news };
        if id == KNOWS_NOTHING {
            self.listed = Some(HashSet::new());
        } else if is_of_lists(&id)
            && let Some(listed) = self.listed.take()
        {
            news.extend(self.forget(&listed));
        }
        self.id = Some(id);
        news
    }

    /// What an event tells that is not known.
    fn tell(&mut self, event: &ServerEvent) -> Option<Value> {
        let ServerEvent { kind, data, .. } = event;
        if !matches!(kind.as_str(), "online" | "offline" | "changed") {
            return None;
        }
        let mut told: Value = serde_json::from_str(data).ok()?;
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
            Some(before) if kind != "offline" && *before == *text => return None,
            Some(_) if kind == "online" => told["event"] = "changed".into(),
            _ => {}
        }
        Some(told)
    }

    /// What was not told of in a complete list is gone.
    fn forget(&mut self, listed: &HashSet<String>) -> Vec<Value> {
        let mut gone: Vec<_> = self.known.extract_if(|place, _| !listed.contains(place)).collect();
        gone.sort_unstable();
        let instance = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
        let event = |text: &str| json!({ "event": "offline", "revision": self.revision, "instance": instance(text) });
        gone.iter().map(|(_, text)| event(text)).collect()
    }
}

/// Whether an id is that of a server which has listed the registry of each zone: there is no
/// revision 0. Before, it tells that nothing is there, and does not know.
fn is_of_lists(id: &str) -> bool {
    id.split(',').all(|id| id.split('.').next() != Some(KNOWS_NOTHING))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What a follower prints of some events: kind, instance and its host, id.
    fn printed(follower: &mut Follower, events: &[(&str, &str, &str, &str)]) -> Vec<String> {
        let told = |(kind, id, host, last): &(&str, &str, &str, &str)| {
            let instance =
                json!({ "zone": "z", "key": format!("/s/{id}"), "id": id, "host": host });
            let data = json!({ "event": kind, "revision": 7, "instance": instance });
            let id = Some((*last).to_owned()).filter(|it| !it.is_empty());
            ServerEvent { kind: (*kind).to_owned(), data: data.to_string(), id }
        };
        let news = events.iter().flat_map(|event| follower.take(told(event)));
        let news = news.map(|it| format!("{} {}", it["event"], it["instance"]["id"]));
        news.map(|it| it.replace('"', "")).collect()
    }

    #[test]
    fn what_is_told_again_is_compared_with_what_is_known() {
        let mut follower = Follower::default();
        let first = [("", "", "", "0"), ("online", "1", "a", ""), ("online", "2", "a", "5")];
        assert_eq!(printed(&mut follower, &first), ["online 1", "online 2"]);
        assert_eq!(printed(&mut follower, &[("offline", "2", "a", "6")]), ["offline 2"]);
        assert_eq!(printed(&mut follower, &[("online", "3", "a", "7")]), ["online 3"]);
        let again = [
            ("reset", "", "", ""),
            ("", "", "", "0"),
            ("online", "1", "b", ""),
            ("online", "4", "a", "9"),
        ];
        assert_eq!(printed(&mut follower, &again), ["changed 1", "online 4", "offline 3"]);
        assert_eq!(follower.id.as_deref(), Some("9"));
    }

    #[test]
    fn a_server_that_has_not_listed_yet_says_nothing_of_what_is_gone() {
        let mut follower = Follower::default();
        printed(&mut follower, &[("", "", "", "0"), ("online", "1", "a", "5,6")]);
        let unready = [("", "", "", "0"), ("", "", "", "0.ab-0,8"), ("", "", "", "0.ab-0,9")];
        assert_eq!(printed(&mut follower, &unready), [""; 0]);
        let listed = [("online", "2", "a", "7,9")];
        assert_eq!(printed(&mut follower, &listed), ["online 2", "offline 1"]);
    }
}
