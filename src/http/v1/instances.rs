//! `/v1/services/{name}`: the instances of one name, as DNS has them.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::hidden::Hidden;
use super::paging::limit;
use super::services::{ShownZone, aliases, behind, no_next, shown};
use super::zones::{self, quoted};
use super::{schema, timestamp};
use crate::authority::nobody;
use crate::events::{Events, Since};
use crate::http::Subject;
use crate::http::server::extract::{Parameters, Segments};
use crate::http::server::refusal::Refusal;
use crate::index::{Generation, Place, PlaceParts, Service, Zone};
use crate::names::{folded, nearest};
use crate::registry::Instance;

/// The part of the instances that is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Part {
    /// The zone; all zones with services when absent
    zone: Option<String>,
    /// The service itself, also where an alias of its name hides it
    own: Option<bool>,
    /// How many at most: 1 to 1000, 100 when absent
    limit: Option<usize>,
    /// Those behind this `next` of the page before
    after: Option<String>,
}

/// A page of the instances of one name, by zone and id.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Instances {
    /// The label, in lower case.
    name: String,
    /// The zones that were looked in.
    zones: Vec<ShownZone>,
    /// What is between the name and the instances: a frontend, then the backend that it
    /// leads to; or a backend.
    #[schema(value_type = Vec<schema::Alias>)]
    aliases: Vec<Value>,
    /// The service of that name, where something else is answered there.
    #[serde(skip_serializing_if = "Option::is_none")]
    hidden: Option<Hidden>,
    /// Why there is no instance, where an alias leads to none.
    #[serde(skip_serializing_if = "Option::is_none")]
    nobody: Option<String>,
    /// How many instances there are, on all pages.
    total: usize,
    /// The instances.
    #[schema(value_type = Vec<schema::Instance>)]
    instances: Vec<Value>,
    /// What `after` is to be for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// The instances of one service, or of what a backend or frontend stands for.
#[utoipa::path(get, path = "/v1/services/{name}", tag = "registry",
    params(("name" = String, Path, description = "The service, backend or frontend"), Part),
    responses(
        (status = 200, body = Instances), (status = 400, body = Refusal),
        (status = 404, body = Refusal), (status = 503, body = Refusal),
))]
pub(super) async fn show(
    State(subject): State<Subject>,
    Segments(name): Segments<String>,
    Parameters(part): Parameters<Part>,
) -> Result<Response, Refusal> {
    let limit = limit(part.limit)?;
    let generation = Arc::clone(&subject.index.load());
    let Subject { events, heavy, .. } = subject;
    heavy.beside(move || members(&generation, &events, &name, (&part, limit))).await
}

/// A page of the instances of a name.
fn members(
    generation: &Generation,
    events: &Events,
    name: &str,
    (part, limit): (&Part, usize),
) -> Result<Instances, Refusal> {
    let places = zones::with_services(generation, part.zone.as_deref())?;
    let label: Vec<u8> = folded(name).collect();
    let zones = || places.iter().map(|at| (*at, &generation.zones()[*at]));
    let aliases: Vec<_> = zones().flat_map(|(_, zone)| aliases(zone, &label)).collect();
    let of = |zone| service(zone, &label, part.own.unwrap_or(false));
    let total = zones().filter_map(|(_, zone)| of(zone)).map(Service::len).sum();
    if total == 0 && aliases.is_empty() {
        return Err(nothing(generation, &places, name, &label));
    }
    let after = part.after.as_deref().map(|after| place(generation, after)).transpose()?;
    let rest = zones().flat_map(|(at, zone)| rest_of((at, of(zone)), after.as_ref()));
    let mut page: Vec<_> = rest.take(limit + 1).collect();
    let has_more = page.len() > limit;
    page.truncate(limit);
    let next = page.last().filter(|_| has_more).map(|last| next_of(generation, last));
    let instances = objects(generation, events, &page);
    let name = String::from_utf8_lossy(&label).into_owned();
    let hidden = zones().find_map(|(_, zone)| Hidden::at(zone, &label));
    let nobody = zones().find_map(|(_, zone)| nobody(zone, &label)).filter(|_| total == 0);
    let zones = shown(generation, &places);
    Ok(Instances { name, zones, aliases, hidden, nobody, total, instances, next })
}

/// An instance, and the place of its zone among all.
type Placed<'g> = (usize, &'g Instance);

/// What `after` is to be for those behind an instance: its zone, and its place there.
fn next_of(generation: &Generation, (at, instance): &Placed<'_>) -> String {
    let place = json!(Place::of(instance).parts()).to_string();
    let zone = generation.zones()[*at].settings().title();
    format!("{zone}/{}", BASE64URL_NOPAD.encode(place.as_bytes()))
}

/// The place that an `after` names.
fn place(generation: &Generation, after: &str) -> Result<(usize, Place), Refusal> {
    let (at, text) = behind(generation, after)?;
    let octets = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| no_next())?;
    let parts: PlaceParts = serde_json::from_slice(&octets).map_err(|_| no_next())?;
    Ok((at, parts.into()))
}

/// The instances of a zone's service that are behind a place: none of zones before that of the
/// place, all of those after it.
fn rest_of<'g>(
    (at, service): (usize, Option<&'g Service>),
    after: Option<&(usize, Place)>,
) -> impl Iterator<Item = Placed<'g>> + use<'g> {
    let is_past = after.is_some_and(|(zone, _)| at < *zone);
    let place = after.filter(|(zone, _)| *zone == at).map(|(_, place)| place);
    let instances = service.filter(|_| !is_past).map(|service| service.behind(place));
    instances.into_iter().flatten().map(move |instance| (at, instance))
}

/// What is answered at a label of a zone, or the service itself.
fn service<'z>(zone: &'z Zone, label: &[u8], is_own: bool) -> Option<&'z Service> {
    if is_own { zone.service(label) } else { zone.named(label) }
}

/// Instances as objects, with since when they are there.
fn objects(generation: &Generation, events: &Events, page: &[Placed<'_>]) -> Vec<Value> {
    let of_zone = |all: &[Placed<'_>]| {
        let zone = generation.zones()[all[0].0].id();
        events.since(zone, all.iter().map(|it| it.1))
    };
    let since = page.chunk_by(|one, other| one.0 == other.0).flat_map(of_zone);
    let object = |((at, instance), since): (&Placed<'_>, Since)| {
        let (member, time) = match since {
            Since::At(time) => ("since", time),
            Since::Before(time) => ("since_before", time),
        };
        let settings = generation.zones()[*at].settings();
        let key = settings.layout().key_of(instance);
        let mut object = instance.to_json(&settings.title(), &key);
        object[member] = timestamp(time).into();
        object["leased"] = instance.is_leased.into();
        object
    };
    page.iter().zip(since).map(object).collect()
}

/// There is no such service, or nobody knows yet.
fn nothing(generation: &Generation, places: &[usize], name: &str, label: &[u8]) -> Refusal {
    let zones: Vec<_> = places.iter().map(|at| &generation.zones()[*at]).collect();
    if let Some(zone) = zones.iter().find(|zone| !zone.is_ready()) {
        let title = zone.settings().title();
        return Refusal::unavailable(format!("the registry of {title} has not been listed yet"));
    }
    let near = nearest(label, zones.iter().flat_map(|zone| zone.labels()));
    let hint = near.map_or_else(
        || "/v1/services shows what is".to_owned(),
        |near| format!("there is `{}`", String::from_utf8_lossy(near)),
    );
    Refusal::not_found(format!("no instance of `{}` is registered; {hint}", quoted(name)))
}
