//! `/v1/zones/{zone}/entries`: the entries of a SkyDNS zone, as its registry has them.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::paging::{Placed, first, limit};
use super::zones;
use crate::http::Subject;
use crate::http::server::extract::{Parameters, Segments};
use crate::http::server::refusal::Refusal;
use crate::index::{Generation, Schema, Zone};
use crate::names::reversed::labels;
use crate::names::written;
use crate::registry::skydns;

/// The entries or records that are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PageSearch {
    /// What they have somewhere in key, name, data or text, upper and lower case alike
    pub(super) q: Option<String>,
    /// How many at most: 1 to 1000, 100 when absent
    pub(super) limit: Option<usize>,
    /// Those behind this `next` of the page before
    pub(super) after: Option<String>,
}

impl PageSearch {
    /// A page of what is found in a zone, made beside the runtime's threads.
    pub(super) async fn page<T: Serialize + Send + 'static>(
        self,
        subject: &Subject,
        zone: String,
        found: impl FnOnce(&Generation, &str, (&Self, usize)) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<Response, Refusal> {
        let limit = limit(self.limit)?;
        let generation = Arc::clone(&subject.index.load());
        subject.heavy.beside(move || found(&generation, &zone, (&self, limit))).await
    }
}

/// A page of entries, by key.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Entries {
    /// The zone, without its last dot.
    zone: String,
    /// The registry's revision that is held whole; none before the first list.
    revision: Option<i64>,
    /// How many there are, on all pages.
    total: usize,
    /// The entries.
    entries: Vec<EntryShown>,
    /// What `after` is to be for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// An entry of a SkyDNS zone.
#[derive(Debug, Serialize, ToSchema)]
struct EntryShown {
    /// Its name, absolute.
    name: String,
    /// Its key in the registry.
    key: String,
    /// Whether its key has a lease, and so an end.
    leased: bool,
    /// An address, or a name that stands for others' addresses.
    host: Option<String>,
    /// The port; 0 where there is none.
    port: u16,
    /// SRV priority and MX preference.
    priority: u16,
    /// SRV weight.
    weight: u16,
    /// TTL of its records in seconds.
    ttl: u32,
    /// Text for TXT.
    text: Option<String>,
    /// Whether the host takes mail.
    mail: bool,
    /// The group that it is answered with.
    group: Option<String>,
}

/// The entries of a zone of the schema `skydns`.
#[utoipa::path(get, path = "/v1/zones/{zone}/entries", tag = "registry",
    params(("zone" = String, Path, description = "The zone"), PageSearch), responses(
    (status = 200, body = Entries), (status = 400, body = Refusal), (status = 404, body = Refusal),
))]
pub(super) async fn list(
    State(subject): State<Subject>,
    Segments(zone): Segments<String>,
    Parameters(search): Parameters<PageSearch>,
) -> Result<Response, Refusal> {
    search.page(&subject, zone, found).await
}

/// A page of the entries that are searched for.
fn found(
    generation: &Generation,
    zone: &str,
    (search, limit): (&PageSearch, usize),
) -> Result<Entries, Refusal> {
    let zone = &generation.zones()[zones::named(generation, zone)?];
    if zone.settings().schema() != Schema::SkyDns {
        let title = zone.settings().title();
        let text = format!("{title} has no entries; /v1/services and its records show what it has");
        return Err(Refusal::not_found(text));
    }
    let query = search.q.as_deref().unwrap_or_default().to_ascii_lowercase();
    let after = search.after.as_deref();
    let mut total = 0;
    let counted = zone.skydns().iter().filter(|entry| has(entry, &query)).inspect(|_| total += 1);
    let rest = counted.filter(|entry| after.is_none_or(|after| &*entry.key > after));
    let (page, has_more) = first(rest.map(|entry| Placed(&*entry.key, &**entry)), limit);
    let next = page.last().filter(|_| has_more).map(|it| it.0.to_owned());
    let entries = page.iter().map(|Placed(_, entry)| EntryShown::new(zone, entry)).collect();
    Ok(Entries { zone: zone.settings().title(), revision: zone.revision(), total, entries, next })
}

/// Whether an entry has a text somewhere, given in lower case.
fn has(entry: &skydns::Entry, text: &str) -> bool {
    let contains = |it: &str| it.to_ascii_lowercase().contains(text);
    text.is_empty()
        || contains(&entry.key)
        || entry.value.host.as_ref().is_some_and(|host| contains(&host.to_string()))
        || entry.value.text.as_deref().is_some_and(contains)
        || is_below(entry, text)
}

/// Whether the name of an entry below the apex has a text somewhere.
fn is_below(entry: &skydns::Entry, text: &str) -> bool {
    let mut path: Vec<_> = labels(&entry.path).collect();
    path.reverse();
    written(path).contains(text)
}

impl EntryShown {
    /// What is shown of an entry.
    fn new(zone: &Zone, entry: &skydns::Entry) -> Self {
        let (settings, value) = (zone.settings(), &entry.value);
        let mut name: Vec<_> = labels(&entry.path).collect();
        name.reverse();
        let name = name.into_iter().chain(settings.apex().iter());
        Self {
            name: written(name),
            key: entry.key.to_string(),
            leased: entry.is_leased,
            host: value.host.as_ref().map(ToString::to_string),
            port: value.port,
            priority: value.priority,
            weight: value.weight,
            ttl: entry.ttl(settings.ttl),
            text: value.text.as_deref().map(str::to_owned),
            mail: value.is_mail,
            group: value.group.as_deref().map(str::to_owned),
        }
    }
}
