//! `/v1/changes`: what happened lately, the newest first, as far as this server remembers.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::paging::{Placed, first, limit};
use super::zones;
use super::{schema, timestamp};
use crate::events::{Authors, ChangeBatch, Events, Happened};
use crate::http::Subject;
use crate::http::server::extract::Parameters;
use crate::http::server::refusal::Refusal;
use crate::index::{Generation, Settings};
use crate::names::folded;
use crate::registry::{Alias, Happening, Instance};

/// The changes that are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// The zone; all zones with services when absent
    zone: Option<String>,
    /// The one service or alias; all of them when absent
    name: Option<String>,
    /// What name, id or host have somewhere, upper and lower case alike
    q: Option<String>,
    /// `online`, `offline`, `changed`, or `alias` for backends and frontends; all when absent
    event: Option<String>,
    /// How many at most: 1 to 1000, 100 when absent
    limit: Option<usize>,
    /// Those before this `next` of the page before
    after: Option<String>,
}

/// A page of changes, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Changes {
    /// Since when all of them are remembered (RFC 3339); none without a zone.
    since: Option<String>,
    /// The changes.
    changes: Vec<RecentChange>,
    /// What `after` is to be for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A change, and when this server learned of it.
#[derive(Debug, Serialize, ToSchema)]
struct RecentChange {
    /// When (RFC 3339).
    time: String,
    /// `online`, `offline` or `changed`.
    event: &'static str,
    /// The registry's revision.
    revision: i64,
    /// The instance as it is since; as it was, where it went.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Instance>)]
    instance: Option<Value>,
    /// The backend or frontend, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Alias>)]
    alias: Option<Value>,
    /// The name of the token that was shown for it, where that was at this server.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
}

/// The place of a change among all: the time in microseconds, the zone, the state that it led to
/// and its place in what led there. The highest is the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct ChangePlace {
    micros: u64,
    zone: usize,
    state: u64,
    place: usize,
}

/// A change that is wanted.
struct FoundChange {
    rank: ChangePlace,
    batch: Arc<ChangeBatch>,
}

/// The thing that changed.
enum Thing<'c> {
    /// An instance.
    Instance(&'c Instance),
    /// A backend or frontend.
    Alias(&'c Alias),
}

/// The choice of changes.
struct Choice {
    name: Option<Vec<u8>>,
    query: String,
    event: Option<String>,
    before: Option<ChangePlace>,
    most: usize,
}

/// Changes of instances, backends and frontends that this server remembers, the newest first.
#[utoipa::path(get, path = "/v1/changes", tag = "registry", params(Wanted), responses(
    (status = 200, body = Changes), (status = 400, body = Refusal), (status = 404, body = Refusal),
))]
pub(super) async fn list(
    State(subject): State<Subject>,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Response, Refusal> {
    let generation = Arc::clone(&subject.index.load());
    let places = zones::with_services(&generation, wanted.zone.as_deref())?;
    let choice = Choice::new(wanted)?;
    let Subject { events, heavy, .. } = subject;
    heavy.beside(move || Ok(page(&generation, &events, &places, &choice))).await
}

/// A page of what is chosen of the zones at some places.
fn page(generation: &Generation, events: &Events, places: &[usize], choice: &Choice) -> Changes {
    let found = places.iter().flat_map(|at| choice.of_zone(generation, events, *at));
    let (found, has_more) = first(found.map(|it| Placed(Reverse(it.rank), it)), choice.most);
    let found: Vec<_> = found.into_iter().map(|Placed(_, it)| it).collect();
    let next = found.last().filter(|_| has_more).map(|it| it.rank.to_text());
    let ids = places.iter().map(|at| generation.zones()[*at].id());
    let since = ids.filter_map(|zone| events.remembered_since(zone)).max();
    let shown =
        |it: &FoundChange| it.shown(generation.zones()[it.rank.zone].settings(), events.authors());
    Changes { since: since.map(timestamp), changes: found.iter().filter_map(shown).collect(), next }
}

impl Choice {
    /// What a client wants.
    fn new(wanted: Wanted) -> Result<Self, Refusal> {
        let most = limit(wanted.limit)?;
        let known = ["online", "offline", "changed", "alias"];
        if wanted.event.as_deref().is_some_and(|it| !known.contains(&it)) {
            let text = format!("`event` is none of {}", known.join(", "));
            return Err(Refusal::invalid(text));
        }
        let before = wanted.after.as_deref().map(ChangePlace::read).transpose()?;
        let name = wanted.name.map(|name| folded(&name).collect());
        let query = wanted.q.unwrap_or_default().to_lowercase();
        Ok(Self { name, query, event: wanted.event, before, most })
    }

    /// What is chosen of a zone: one more than a page has, for whether there are more.
    fn of_zone(&self, generation: &Generation, events: &Events, zone: usize) -> Vec<FoundChange> {
        let all = events.history(generation.zones()[zone].id()).flat_map(
            move |Happened { at, batch }| {
                let micros =
                    at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_micros() as u64;
                let state = batch.state;
                let places = (0..batch.len()).rev();
                places.map(move |place| FoundChange {
                    rank: ChangePlace { micros, zone, state, place },
                    batch: Arc::clone(&batch),
                })
            },
        );
        let is_before = |it: &FoundChange| self.before.is_none_or(|before| it.rank < before);
        all.filter(is_before).filter(|it| self.wants(it)).take(self.most + 1).collect()
    }

    /// Whether a change is chosen.
    fn wants(&self, found: &FoundChange) -> bool {
        let Some((happening, thing)) = found.thing() else { return false };
        let is_named = |label: &Vec<u8>| folded(thing.name()).eq(label.iter().copied());
        let is_kind = |event: &String| match thing {
            Thing::Alias(_) => event == "alias",
            Thing::Instance(_) => event == happening.as_str(),
        };
        self.event.as_ref().is_none_or(is_kind)
            && self.name.as_ref().is_none_or(is_named)
            && (self.query.is_empty() || thing.has(&self.query))
    }
}

impl FoundChange {
    /// What happened, and to what.
    fn thing(&self) -> Option<(Happening, Thing<'_>)> {
        let (batch, place) = (&self.batch, self.rank.place);
        match place.checked_sub(batch.aliases.len()) {
            Some(place) => {
                let event = batch.changes.get(place)?.event()?;
                Some((event.happening, Thing::Instance(event.instance)))
            }
            None => {
                let (happening, alias) = batch.aliases[place].happening()?;
                Some((happening, Thing::Alias(alias)))
            }
        }
    }

    /// What is shown of it.
    fn shown(&self, settings: &Settings, authors: &Authors) -> Option<RecentChange> {
        let (happening, thing) = self.thing()?;
        let (title, layout) = (settings.title(), settings.layout());
        let (instance, alias) = match thing {
            Thing::Instance(it) => (Some(it.to_json(&title, &layout.key_of(it))), None),
            Thing::Alias(it) => (None, Some(it.to_json(&title, &layout.key_of_alias(it)))),
        };
        let time: SystemTime = UNIX_EPOCH + Duration::from_micros(self.rank.micros);
        let (event, revision) = (happening.as_str(), self.batch.revision);
        let key = instance.as_ref().or(alias.as_ref()).and_then(|it| it["key"].as_str());
        let by = key.and_then(|key| authors.of(key, revision)).map(|it| it.to_string());
        Some(RecentChange { time: timestamp(time), event, revision, instance, alias, by })
    }
}

impl<'c> Thing<'c> {
    /// Its name.
    fn name(&self) -> &'c str {
        match self {
            Self::Instance(it) => &it.name,
            Self::Alias(it) => &it.name,
        }
    }

    /// Whether its name, id or host has a text somewhere, given in lower case.
    fn has(&self, text: &str) -> bool {
        let has = |it: &str| it.to_lowercase().contains(text);
        has(self.name())
            || match self {
                Self::Instance(it) => has(it.raw_id()) || has(&it.location()),
                Self::Alias(_) => false,
            }
    }
}

impl ChangePlace {
    /// The rank as a page's `next` has it.
    fn to_text(self) -> String {
        let Self { micros, zone, state, place } = self;
        format!("{micros}-{zone}-{state}-{place}")
    }

    /// Reads what [`Self::to_text`] wrote.
    fn read(text: &str) -> Result<Self, Refusal> {
        let numbers: Result<Vec<u64>, _> = text.splitn(4, '-').map(str::parse).collect();
        match numbers.as_deref() {
            Ok(&[micros, zone, state, place]) => {
                Ok(Self { micros, zone: zone as usize, state, place: place as usize })
            }
            _ => {
                Err(Refusal::invalid("`after` is no `next` of a page; leave it out to begin anew"))
            }
        }
    }
}
