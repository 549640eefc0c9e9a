//! `/v1/status`: how the server and each zone stand.

use std::sync::Arc;
use std::time::SystemTime;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::timestamp;
use super::upstream::UpstreamShown;
use crate::events::Events;
use crate::forward::ForwardZoneState;
use crate::http::Subject;
use crate::http::server::refusal::Refusal;
use crate::http::server::samples::{CountSample, Lately, Samples};
use crate::index::{Generation, Schema, Site};
use crate::metrics::{CertificateEnd, Condition, Finding, ListProgress, ReloadOutcome};

/// The status of the server.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Status {
    /// The release of this server.
    version: &'static str,
    /// When it began to serve (RFC 3339).
    started: String,
    /// How many seconds ago that was.
    uptime: u64,
    /// Whether queries are worth sending here; `/readyz` says why not.
    ready: bool,
    /// Whether it is about to end.
    draining: bool,
    /// The number of the generation that is answered from.
    generation: u64,
    /// Clients that follow `/v1/events`.
    followers: usize,
    /// Queries that came, since it began.
    queries: u64,
    /// Changes of instances, aliases and entries, since it began.
    changes: u64,
    /// How much of both there was in the last minutes.
    lately: Lately,
    /// What came of reading the configuration again the last time; none before the first.
    reload: Option<Reload>,
    /// What is not as usual of the server and its zones, the gravest first: none where all is well.
    findings: Vec<FindingShown>,
    /// The servers that are asked for out-of-zone names, in the order of the configuration.
    upstreams: Vec<UpstreamShown>,
    /// The certificates that are shown to others.
    certificates: Vec<CertificateShown>,
    /// The zones, in the order of the configuration.
    zones: Vec<ZoneStatus>,
}

/// The result of the last reload.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Reload {
    /// When it was read (RFC 3339).
    at: String,
    /// Why: `SIGHUP`, or the files that changed.
    cause: String,
    /// What was wrong, so that nothing was changed; none where all of it is used.
    fault: Option<String>,
}

/// A state that is not as usual.
#[derive(Debug, Serialize, ToSchema)]
struct FindingShown {
    /// The state: `starting`, `not-ready`, `stale`, `expired` or `holding` of a zone;
    /// `reload-refused`, `draining`, `no-upstream` or `certificate-ending` of the server.
    state: &'static str,
    /// How grave it is: `error`, `warning` or `info`.
    severity: &'static str,
    /// The zone, without its last dot; none of the server as a whole.
    zone: Option<String>,
    /// It in words, as `/readyz` and the log have it.
    text: String,
}

/// A certificate that is shown to others.
#[derive(Debug, Serialize, ToSchema)]
struct CertificateShown {
    /// The option that names it: `http-cert`, for HTTP, `tls-cert`, for DNS over TLS, or `cert`, for
    /// etcd.
    option: &'static str,
    /// When it ends (RFC 3339).
    expires: String,
    /// Whether that is within two weeks, or over.
    ending: bool,
}

/// The progress of a list.
#[derive(Debug, Serialize, ToSchema)]
struct ListingShown {
    /// Keys that came.
    keys: u64,
    /// How many there will be; none before the first page.
    of: Option<u64>,
}

/// The status of one zone.
#[derive(Debug, Serialize, ToSchema)]
struct ZoneStatus {
    /// The zone, without its last dot.
    zone: String,
    /// Where its names come from: `services`, `skydns` or `static`, a file alone.
    schema: &'static str,
    /// How new it is: `starting`, `not-ready`, `fresh`, `stale` or `expired`.
    standing: &'static str,
    /// How it is, in words.
    condition: String,
    /// Since when it is not confirmed (RFC 3339), where it is `stale` or `expired`.
    since: Option<String>,
    /// Where the registry is asked; none of a file.
    endpoint: Option<String>,
    /// Why the registry is not followed; none while it is.
    trouble: Option<String>,
    /// How far a list of the registry is; none while there is none under way.
    listing: Option<ListingShown>,
    /// The registry's revision that is held whole; none of a file, or before the first list.
    revision: Option<i64>,
    /// What `since` of `/v1/events` is to be to follow from here, among the zones with services.
    id: Option<String>,
    /// How many seconds ago the registry last confirmed what is held; none of a file.
    age: Option<f64>,
    /// The serial of its SOA record.
    serial: u32,
    /// How many services it has.
    services: usize,
    /// How many instances these have.
    instances: usize,
    /// How many backends and frontends it has.
    aliases: usize,
    /// How many entries a zone of SkyDNS's schema has.
    entries: usize,
    /// How many keys cannot be served; `/v1/problems` says why, and what else is wrong.
    problems: usize,
    /// Instances that the collapse guard holds, although the registry has them no more.
    held: u64,
    /// How many instances there were before the collapse whose removals are held.
    held_of: Option<u64>,
    /// When these are published at the latest (RFC 3339).
    held_until: Option<String>,
}

/// How the server and its zones stand.
#[utoipa::path(get, path = "/v1/status", tag = "registry", responses((status = 200, body = Status)))]
pub(super) async fn show(
    State(subject): State<Subject>,
    Extension(samples): Extension<Arc<Samples>>,
) -> Result<Response, Refusal> {
    let heavy = subject.heavy.clone();
    heavy.standing(move || Ok(status(&subject, &samples))).await
}

/// How the server stands.
fn status(subject: &Subject, samples: &Samples) -> Status {
    let generation = Arc::clone(&subject.index.load());
    let CountSample { queries, changes, .. } = CountSample::now(subject);
    let report = subject.report_of(&generation);
    let zone = |(at, (_, condition)): (usize, &(_, Condition))| {
        ZoneStatus::new(&generation, &subject.events, at, condition)
    };
    Status {
        version: env!("CARGO_PKG_VERSION"),
        started: timestamp(subject.started),
        uptime: samples.begun.elapsed().as_secs(),
        ready: report.is_ready(),
        draining: report.is_draining(),
        generation: generation.number(),
        followers: subject.events.followers(),
        queries,
        changes,
        lately: samples.lately(),
        reload: subject.reloads.last().map(|it| Reload::new(&it)),
        findings: report.findings().into_iter().map(FindingShown::new).collect(),
        upstreams: upstreams(subject),
        certificates: certificates(subject),
        zones: report.zones.iter().enumerate().map(zone).collect(),
    }
}

/// The servers that are asked for out-of-zone names.
fn upstreams(subject: &Subject) -> Vec<UpstreamShown> {
    let policy = subject.policies.load();
    let zones = policy.forwarder.iter().flat_map(|it| it.zones());
    let shown = |zone: ForwardZoneState| {
        let shown = |it| UpstreamShown::new(&zone.title, it);
        zone.upstreams.iter().map(shown).collect::<Vec<_>>()
    };
    zones.flat_map(shown).collect()
}

/// The certificates that are shown.
fn certificates(subject: &Subject) -> Vec<CertificateShown> {
    let shown = |(option, end)| CertificateShown {
        option,
        expires: timestamp(end),
        ending: CertificateEnd::soon(option, end, SystemTime::now()).is_some(),
    };
    subject.certificate_ends().into_iter().map(shown).collect()
}

impl FindingShown {
    /// What is shown of a finding.
    fn new(finding: Finding) -> Self {
        let Finding { zone, state } = finding;
        let severity = state.gravity().as_str();
        Self { state: state.word(), severity, zone, text: state.to_string() }
    }
}

impl Reload {
    /// What is shown of an outcome.
    pub(super) fn new(outcome: &ReloadOutcome) -> Self {
        let ReloadOutcome { at, cause, fault } = outcome.clone();
        Self { at: timestamp(at), cause, fault }
    }
}

impl ZoneStatus {
    /// How the zone at a place stands.
    fn new(generation: &Generation, events: &Events, at: usize, condition: &Condition) -> Self {
        let zone = &generation.zones()[at];
        let settings = zone.settings();
        let has_services = settings.schema() == Schema::Services;
        let id = has_services.then(|| events.id(zone.id(), zone.changes())).flatten();
        let (unusable, strays) = zone.unusable_keys();
        let of_registry = settings.schema() != Schema::Static;
        Self {
            zone: settings.title(),
            schema: settings.schema().as_str(),
            standing: condition.word(),
            condition: condition.to_string(),
            since: condition.since().map(timestamp),
            endpoint: condition.endpoint().map(str::to_owned),
            trouble: condition.trouble().map(str::to_owned),
            listing: condition.listing().map(|ListProgress { keys, of }| ListingShown { keys, of }),
            revision: zone.revision().filter(|_| of_registry),
            id: id.map(|id| id.to_string()),
            age: of_registry.then(|| zone.freshness().age().as_millis() as f64 / 1000.0),
            serial: generation.serial(Site::Zone(at)),
            services: zone.len(),
            instances: zone.instances(),
            aliases: zone.aliases().count(),
            entries: zone.skydns().len(),
            problems: unusable + strays,
            held: zone.vitals().held.get(),
            held_of: condition.holding().map(|it| it.of),
            held_until: condition.holding().map(|it| timestamp(it.until)),
        }
    }
}
