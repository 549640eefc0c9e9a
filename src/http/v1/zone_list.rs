//! `/v1/zones`: where each zone's names come from. How each stands is told by `/v1/status`.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::paging::{first, limit};
use super::timestamp;
use crate::http::Subject;
use crate::http::server::extract::Parameters;
use crate::http::server::refusal::Refusal;
use crate::index::{Generation, Schema, Site, Zone};
use crate::metrics::SnapshotVitals;

/// The zones that are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ZoneSearch {
    /// What their names have somewhere, upper and lower case alike
    q: Option<String>,
    /// How many at most: 1 to 1000, 100 when absent
    limit: Option<usize>,
    /// Those behind this `next` of the page before
    after: Option<String>,
}

/// A page of zones, by name.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ListedZones {
    /// How many there are, on all pages.
    total: usize,
    /// The zones.
    zones: Vec<ZoneSource>,
    /// What `after` is to be for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A zone, and where its names come from.
#[derive(Debug, Serialize, ToSchema)]
struct ZoneSource {
    /// The zone, without its last dot.
    zone: String,
    /// Where its names come from: `services`, `skydns` or `static`, a file alone.
    schema: &'static str,
    /// Whether its names are those of addresses, which other zones' registrations have.
    reverse: bool,
    /// What its keys begin with; none of a file.
    prefix: Option<String>,
    /// The template that reads its keys, if there is one.
    template: Option<String>,
    /// The newest revision that the registry was heard to have.
    newest_revision: Option<i64>,
    /// The serial of its SOA record.
    serial: u32,
    /// TTL of its dynamic records in seconds, where their documents set none.
    ttl: u32,
    /// RRsets of its zone file, or of its apex where there is none.
    records: usize,
    /// Keys of its registry that cannot be used.
    unusable: usize,
    /// Keys below its prefix of a form that is not read.
    strays: usize,
    /// Names of its zone file that are served otherwise than written.
    cautions: usize,
    /// Its snapshot on disk; none of a file.
    snapshot: Option<Snapshot>,
}

/// A zone's snapshot on disk.
#[derive(Debug, Serialize, ToSchema)]
struct Snapshot {
    /// Whether this process began with one.
    restored: bool,
    /// When the newest was known to be true (RFC 3339); none where there is none.
    confirmed: Option<String>,
    /// Octets of the newest.
    octets: u64,
    /// How many were written.
    writes: u64,
    /// How many could not be written or read.
    failures: u64,
}

/// Zones, with where their names come from.
#[utoipa::path(get, path = "/v1/zones", tag = "registry", params(ZoneSearch), responses(
    (status = 200, body = ListedZones), (status = 400, body = Refusal),
))]
pub(super) async fn list(
    State(subject): State<Subject>,
    Parameters(search): Parameters<ZoneSearch>,
) -> Result<Response, Refusal> {
    let limit = limit(search.limit)?;
    let generation = Arc::clone(&subject.index.load());
    subject.heavy.standing(move || Ok(found(&generation, &search, limit))).await
}

/// A page of the zones that are searched for.
fn found(generation: &Generation, search: &ZoneSearch, limit: usize) -> ListedZones {
    let query = search.q.as_deref().unwrap_or_default().to_ascii_lowercase();
    let titles = generation.zones().iter().map(|zone| zone.settings().title().to_ascii_lowercase());
    let wanted: Vec<_> = titles.enumerate().filter(|(_, title)| title.contains(&query)).collect();
    let total = wanted.len();
    let is_behind = |title: &str| search.after.as_deref().is_none_or(|after| title > after);
    let rest = wanted.into_iter().filter(|(_, title)| is_behind(title));
    let (page, has_more) = first(rest.map(|(at, title)| (title, at)), limit);
    let next = page.last().filter(|_| has_more).map(|(title, _)| title.clone());
    let zones = page.iter().map(|(_, at)| ZoneSource::new(generation, *at)).collect();
    ListedZones { total, zones, next }
}

impl ZoneSource {
    /// What is shown of the zone at a place.
    fn new(generation: &Generation, at: usize) -> Self {
        let zone: &Zone = &generation.zones()[at];
        let (settings, vitals) = (zone.settings(), zone.vitals());
        let layout = (settings.schema() != Schema::Static).then(|| settings.layout());
        let (unusable, strays) = zone.unusable_keys();
        let of_apex = || 1 + usize::from(!settings.ns.is_empty());
        Self {
            zone: settings.title(),
            schema: settings.schema().as_str(),
            reverse: settings.is_reverse(),
            prefix: layout.map(|it| it.folder("", false)),
            template: layout.and_then(|it| it.template()).map(|it| it.text().to_owned()),
            newest_revision: layout.map(|_| vitals.newest.get()).filter(|it| *it > 0),
            serial: generation.serial(Site::Zone(at)),
            ttl: settings.ttl,
            records: settings.tree().map_or_else(of_apex, |tree| tree.sets()),
            unusable,
            strays,
            cautions: settings.cautions().len(),
            snapshot: layout.map(|_| Snapshot::of(&vitals.snapshot)),
        }
    }
}

impl Snapshot {
    /// What is shown of a snapshot.
    fn of(vitals: &SnapshotVitals) -> Self {
        let confirmed = Some(vitals.confirmed_at.get()).filter(|it| *it > 0);
        Self {
            restored: vitals.restored.get(),
            confirmed: confirmed.map(|it| timestamp(UNIX_EPOCH + Duration::from_secs(it))),
            octets: vitals.octets.get(),
            writes: vitals.writes.get(),
            failures: vitals.failures.get(),
        }
    }
}
