//! `/v1/services`: what is registered, as DNS has it: by label. And what its pages have in
//! common with those of `instances`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::paging::{first, limit};
use super::schema;
use super::zones;
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
    q: Option<String>,
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
    subject.heavy.beside(move || found(&generation, &search, limit)).await
}

/// A page of the services that are searched for.
fn found(generation: &Generation, search: &Search, limit: usize) -> Result<Services, Refusal> {
    let places = zones::with_services(generation, search.zone.as_deref())?;
    let after = search.after.as_deref().map(|after| place(generation, after)).transpose()?;
    let query = search.q.as_deref().unwrap_or_default().to_ascii_lowercase();
    let labels = places
        .iter()
        .flat_map(|at| generation.zones()[*at].labels().map(move |label| (*at, label)));
    let is_wanted = |(at, label): &(usize, &[u8])| {
        let is_behind = after.as_ref().is_none_or(|(zone, last)| (*at, *label) > (*zone, last));
        is_behind && contains(label, query.as_bytes())
    };
    let (page, has_more) = first(labels.filter(is_wanted), limit);
    let services: Vec<_> =
        page.into_iter().map(|(at, label)| entry(&generation.zones()[at], label)).collect();
    let last = services.last().filter(|_| has_more);
    let next = last.map(|it| format!("{}/{}", it.zone, it.name));
    Ok(Services { zones: shown(generation, &places), services, next })
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
    }
}

/// The zones that were looked in.
pub(super) fn shown(generation: &Generation, places: &[usize]) -> Vec<ShownZone> {
    let zones = places.iter().map(|at| &generation.zones()[*at]);
    zones.map(|it| ShownZone { zone: it.settings().title(), revision: it.revision() }).collect()
}

/// Whether a label has a text somewhere.
fn contains(label: &[u8], text: &[u8]) -> bool {
    text.is_empty() || label.windows(text.len()).any(|window| window == text)
}

/// The place and label that `next` of a page of services says.
fn place(generation: &Generation, after: &str) -> Result<(usize, Vec<u8>), Refusal> {
    let (at, label) = behind(generation, after)?;
    Ok((at, label.to_ascii_lowercase().into_bytes()))
}

/// The zone, by its place, and what else `next` of a page says.
pub(super) fn behind(generation: &Generation, after: &str) -> Result<(usize, String), Refusal> {
    let fault = || Refusal::invalid("`after` is no `next` of a page; leave it out to begin anew");
    let (zone, rest) = after.split_once('/').ok_or_else(fault)?;
    let at = zones::named(generation, zone).map_err(|_| fault())?;
    Ok((at, rest.to_owned()))
}
