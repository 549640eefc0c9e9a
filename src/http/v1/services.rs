//! `/v1/services`: what is registered, as DNS has it: by label. And what its pages have in
//! common with those of `instances`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::choice::{Filter, Sort, SortOrder};
use super::hidden::Hidden;
use super::paging::{first, limit};
use super::zones;
use super::{schema, timestamp};
use crate::events::Events;
use crate::http::Subject;
use crate::http::server::extract::Parameters;
use crate::http::server::refusal::Refusal;
use crate::index::{Generation, Service, Zone};

/// The services that are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Search {
    /// The zone; all zones with services when absent
    zone: Option<String>,
    /// What their names have somewhere, upper and lower case alike
    pub(super) q: Option<String>,
    /// A tag that an instance has
    pub(super) tag: Option<String>,
    /// The version of an instance
    pub(super) version: Option<String>,
    /// The address or host name of an instance
    pub(super) address: Option<String>,
    /// `name` when absent; `instances`, the most first; `newest`, by their newest instance
    #[param(value_type = Option<String>)]
    sort: Option<Sort>,
    /// How many at most: 1 to 1000, 100 when absent
    limit: Option<usize>,
    /// Those behind this `next` of the page before
    after: Option<String>,
}

/// A zone, and how new what is shown of it is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ShownZone {
    /// The zone, without its last dot.
    zone: String,
    /// The registry's revision that is held whole; none before the first list.
    revision: Option<i64>,
}

/// A page of services, by zone and name.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Services {
    /// The zones that were looked in.
    zones: Vec<ShownZone>,
    /// How many there are, on all pages.
    total: usize,
    /// The services.
    services: Vec<ListedName>,
    /// What `after` is to be for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A name that stands for instances.
#[derive(Debug, Serialize, ToSchema)]
struct ListedName {
    /// The zone, without its last dot.
    zone: String,
    /// The label, in lower case.
    name: String,
    /// How many instances it has.
    instances: usize,
    /// The backend or frontend that it is, where it is no service itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Alias>)]
    alias: Option<Value>,
    /// The service of that name, where something else is answered there.
    #[serde(skip_serializing_if = "Option::is_none")]
    hidden: Option<Hidden>,
    /// When its newest instance came, as far as that is remembered (RFC 3339); where these are
    /// sorted by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    newest: Option<String>,
}

/// Services and aliases, with how many instances each has.
#[utoipa::path(get, path = "/v1/services", tag = "registry", params(Search), responses(
    (status = 200, body = Services), (status = 400, body = Refusal), (status = 404, body = Refusal),
))]
pub(super) async fn list(
    State(subject): State<Subject>,
    Parameters(search): Parameters<Search>,
) -> Result<Response, Refusal> {
    let limit = limit(search.limit)?;
    let generation = Arc::clone(&subject.index.load());
    let Subject { events, heavy, .. } = subject;
    heavy.beside(move || found((&generation, &events), &search, limit)).await
}

/// A page of the services that are searched for.
fn found(
    (generation, events): (&Generation, &Events),
    search: &Search,
    limit: usize,
) -> Result<Services, Refusal> {
    let places = zones::with_services(generation, search.zone.as_deref())?;
    let order = SortOrder::new(search.sort.unwrap_or_default(), (generation, events), &places);
    let after = search.after.as_deref().map(|after| order.place(generation, after)).transpose()?;
    let filter = Filter::of(search);
    let mut total = 0;
    let labels = places
        .iter()
        .flat_map(|at| generation.zones()[*at].labels().map(move |label| (*at, label)));
    let wanted = labels
        .filter(|(at, label)| filter.takes(&generation.zones()[*at], label))
        .inspect(|_| total += 1)
        .map(|(at, label)| (order.of(generation, at, label), at, label));
    let is_behind = |(order, at, label): &(u64, usize, &[u8])| {
        after.as_ref().is_none_or(|(last, zone, name)| (*order, *at, *label) > (*last, *zone, name))
    };
    let (page, has_more) = first(wanted.filter(is_behind), limit);
    let next = page.last().filter(|_| has_more);
    let next = next.map(|(number, at, label)| order.next(*number, &generation.zones()[*at], label));
    let entry = |(number, at, label): (u64, usize, &[u8])| {
        let newest = order.time(number).map(timestamp);
        ListedName { newest, ..entry(&generation.zones()[at], label) }
    };
    let services = page.into_iter().map(entry).collect();
    Ok(Services { zones: shown(generation, &places), total, services, next })
}

/// What is between a label and instances.
pub(super) fn aliases(zone: &Zone, label: &[u8]) -> Vec<Value> {
    let (title, layout) = (zone.settings().title(), zone.settings().layout());
    zone.aliases_at(label).map(|it| it.to_json(&title, &layout.key_of_alias(it))).collect()
}

/// A label as an entry.
fn entry(zone: &Zone, label: &[u8]) -> ListedName {
    ListedName {
        zone: zone.settings().title(),
        name: String::from_utf8_lossy(label).into_owned(),
        instances: zone.named(label).map_or(0, Service::len),
        alias: aliases(zone, label).into_iter().next(),
        hidden: Hidden::at(zone, label),
        newest: None,
    }
}

/// The zones that were looked in.
pub(super) fn shown(generation: &Generation, places: &[usize]) -> Vec<ShownZone> {
    let zones = places.iter().map(|at| &generation.zones()[*at]);
    zones.map(|it| ShownZone { zone: it.settings().title(), revision: it.revision() }).collect()
}

/// The zone, by its place, and what else `next` of a page says.
pub(super) fn behind(generation: &Generation, after: &str) -> Result<(usize, String), Refusal> {
    let (zone, rest) = after.split_once('/').ok_or_else(no_next)?;
    let at = zones::named(generation, zone).map_err(|_| no_next())?;
    Ok((at, rest.to_owned()))
}

/// An `after` that no page gave.
pub(super) fn no_next() -> Refusal {
    Refusal::invalid("`after` is no `next` of a page; leave it out to begin anew")
}
