//! The zones: those of a registry with their files, and those that are files alone.

use std::path::PathBuf;
use std::sync::Arc;

use hickory_proto::rr::rdata::SOA;
use hickory_proto::rr::{Name, RData};

use super::known::KnownZones;
use super::read_url;
use crate::error::Failure;
use crate::index::{AnswersOrder, Index, Schema, Settings, Tree};
use crate::names::{
    DEFAULT_SKYDNS_NEGATIVE_TTL, DEFAULT_SKYDNS_PREFIX, DEFAULT_SKYDNS_TTL, DEFAULT_TTL,
    DEFAULT_ZONE, WireName,
};
use crate::options::{DrawnOrder, File, KeyFormat, RegistrySchema, Zone};
use crate::registry::{Diagnostic, Layout, RegistryUrl, Template};
use crate::zonefile::{self, Reason, ZoneFault, ZoneFile};

/// How soon a secondary asks again, in the SOA record that CoreDNS makes up.
const SKYDNS_RETRY: i32 = 1800;

/// Zones that are read from registries: each has a task, a watch and a snapshot of its own.
const ZONES_MAX: usize = 1_000;

/// One zone and where its data comes from.
#[derive(Debug)]
pub struct ZoneConfig {
    /// What is served besides the data.
    pub settings: Settings,
    /// The registry.
    pub registry: RegistryUrl,
    /// The part of it that is this zone's.
    pub layout: Layout,
}

/// The registry that a zone is read from.
#[derive(Debug, Clone)]
pub struct ZoneSource {
    /// The registry.
    pub registry: RegistryUrl,
    /// The part of it that is the zone's.
    pub layout: Layout,
}

/// An index of all zones, still without registrations, and where those of the registry zones,
/// which come first, are read from.
#[must_use]
pub fn indexed(
    zones: Vec<ZoneConfig>,
    static_zones: Vec<Settings>,
    bare_names: bool,
) -> (Arc<Index>, Vec<ZoneSource>) {
    let (mut settings, mut sources) = (Vec::new(), Vec::new());
    for ZoneConfig { settings: of_zone, registry, layout } in zones {
        settings.push(Arc::new(of_zone));
        sources.push(ZoneSource { registry, layout });
    }
    settings.extend(static_zones.into_iter().map(Arc::new));
    (Arc::new(Index::new(settings, bare_names)), sources)
}

/// The zone files that there are, each with its zone's apex.
pub(super) type ZoneFiles = [(Name, PathBuf)];

/// The zones of the configuration; without one the default zone alone.
pub(super) fn registry_zones(
    url: &RegistryUrl,
    files: &ZoneFiles,
    file: &File,
) -> Result<Vec<ZoneConfig>, Failure> {
    if file.zone.is_empty() {
        let apex =
            Name::from_ascii(format!("{DEFAULT_ZONE}.")).expect("the default zone is a name");
        let ttls = Schema::Services.ttls();
        let file = read_file(files, &apex)?.unwrap_or_else(|| zonefile::template(&apex));
        let settings = settings(file.completed(), Some(ttls))?;
        return Ok(vec![ZoneConfig::new(settings, url.clone(), url.layout())]);
    }
    if let Some(entry) = file.zone.get(ZONES_MAX) {
        let origin = file.origin("[[zone]] name", &entry.name);
        return Err(Failure::usage(format!(
            "{origin}: there are more than {ZONES_MAX} zones; run a second server for some"
        )));
    }
    let mut zones: Vec<ZoneConfig> = Vec::new();
    for entry in &file.zone {
        let apex = &entry.name.as_ref().0;
        if zones.iter().any(|zone| zone.settings.apex() == apex) {
            let origin = file.origin("[[zone]] name", &entry.name);
            return Err(Failure::usage(format!(
                "{origin}: `{apex}` is listed twice; leave one out"
            )));
        }
        zones.push(written_zone(entry, url, files, file)?);
    }
    Ok(zones)
}

/// The zones of all other files.
pub(super) fn static_zones(
    others: &[ZoneConfig],
    files: &ZoneFiles,
    known: &KnownZones,
) -> Result<(Vec<Settings>, KnownZones), Failure> {
    let is_alone = |apex: &Name| others.iter().all(|zone| zone.settings.apex() != apex);
    let mut read = KnownZones::default();
    let files = files.iter().filter(|(apex, _)| is_alone(apex));
    let settings = files.map(|(apex, path)| read.settings(known, apex.clone(), path));
    let settings = settings.collect::<Result<_, _>>()?;
    Ok((settings, read))
}

/// A zone of the file. What it does not say it takes from the file's registry.
fn written_zone(
    entry: &Zone,
    default: &RegistryUrl,
    files: &ZoneFiles,
    file: &File,
) -> Result<ZoneConfig, Failure> {
    let apex = &entry.name.as_ref().0;
    let own = entry
        .registry
        .as_ref()
        .map(|url| read_url(&file.origin("[[zone]] registry", url), url.as_ref()));
    let registry = own.transpose()?.unwrap_or_else(|| default.clone());
    let schema = match entry.schema {
        RegistrySchema::Services => Schema::Services,
        RegistrySchema::SkyDns => Schema::SkyDns,
    };
    let layout = match schema {
        Schema::SkyDns => layout_of_labels(entry),
        _ => layout(entry, &registry),
    };
    let layout = layout.map_err(|fault| {
        let origin = file.origin("[[zone]]", &entry.name);
        Failure::usage(format!("{origin} `{apex}`: {fault}"))
    })?;
    let [ttl, negative_ttl] = schema.ttls();
    let ttls =
        [entry.ttl.map_or(ttl, |it| it.0), entry.negative_ttl.map_or(negative_ttl, |it| it.0)];
    let read = read_file(files, apex)?;
    let is_made_up = read.is_none();
    let read = read.unwrap_or_else(|| zonefile::template(apex)).completed();
    let mut settings = settings(read, Some(ttls))?.of_schema(schema);
    if is_made_up && schema == Schema::SkyDns {
        settings = as_coredns(settings);
    }
    settings.max_answers = entry.max_answers.unwrap_or_default();
    settings.answers_order = match entry.max_answers_order {
        DrawnOrder::Fresh => AnswersOrder::Fresh,
        DrawnOrder::Stable => AnswersOrder::Stable,
    };
    Ok(ZoneConfig::new(settings, registry, layout))
}

impl ZoneConfig {
    /// A zone that reads a part of a registry.
    fn new(settings: Settings, registry: RegistryUrl, layout: Layout) -> Self {
        Self { settings: settings.reading(layout.clone()), registry, layout }
    }
}

impl Schema {
    /// TTL of records and of "no" where the file says neither, in seconds.
    fn ttls(self) -> [u32; 2] {
        let ttls = match self {
            Self::SkyDns => [DEFAULT_SKYDNS_TTL, DEFAULT_SKYDNS_NEGATIVE_TTL],
            _ => [DEFAULT_TTL; 2],
        };
        ttls.map(|ttl| ttl.as_secs() as u32)
    }
}

/// A made-up apex as CoreDNS makes it up for SkyDNS zones.
fn as_coredns(mut settings: Settings) -> Settings {
    (settings.soa.retry, settings.soa_ttl) = (SKYDNS_RETRY, settings.soa.minimum);
    settings.ns_ttl = settings.ttl;
    settings
}

/// Where the keys of a zone's services stand, and how they are read.
fn layout(entry: &Zone, registry: &RegistryUrl) -> Result<Layout, String> {
    let prefix = entry.prefix.as_deref().unwrap_or(&registry.prefix);
    let namespace = entry.namespace.as_deref().or(registry.namespace.as_deref());
    let layout =
        Layout::new(prefix, namespace).map_err(|fault| format!("prefix or namespace: {fault}"))?;
    let writer = entry.format.writer();
    let template = entry.template.as_ref().map(|it| Template::new(it.as_ref()));
    let template = template.transpose().map_err(|fault| format!("template: {fault}"))?;
    if template.is_some() && writer.is_some() {
        return Err("format: a zone with a template has none; leave one out".to_owned());
    }
    Ok(layout.of_writer(writer).by(template))
}

/// Where the keys of a SkyDNS zone stand.
fn layout_of_labels(entry: &Zone) -> Result<Layout, String> {
    if entry.namespace.is_some() {
        let text = "namespace: a zone of schema skydns has none; write it into the prefix";
        return Err(text.to_owned());
    }
    if entry.template.is_some() || entry.format != KeyFormat::Auto {
        let text = "format or template: a zone of schema skydns has neither; leave it out";
        return Err(text.to_owned());
    }
    let prefix = entry.prefix.as_deref().unwrap_or(DEFAULT_SKYDNS_PREFIX);
    let apex = WireName::from_labels(entry.name.as_ref().0.iter()).map_err(|it| it.to_string())?;
    Layout::of_labels(prefix, &apex).map_err(|fault| format!("prefix: {fault}"))
}

/// A zone's file, if it has one.
fn read_file(files: &ZoneFiles, apex: &Name) -> Result<Option<ZoneFile>, Failure> {
    zonefile::read(files, apex).map_err(Failure::usage)
}

/// What a zone's file says, and the TTLs of a registry's records and of "no", where there is
/// a registry.
///
/// # Errors
/// [`Failure::Usage`]: the file has no SOA, or a name that is too long.
pub fn settings(file: ZoneFile, ttls: Option<[u32; 2]>) -> Result<Settings, Failure> {
    let (mut soa, soa_ttl) = start_of_authority(&file).map_err(Failure::usage)?;
    let [ttl, negative_ttl] = ttls.unwrap_or([soa_ttl, soa.minimum]);
    soa.minimum = negative_ttl;
    let usage = |fault| Failure::usage(format!("zone `{}`: {fault}", file.apex));
    let apex = (soa, soa_ttl);
    let settings = Settings::new(file.apex.clone(), apex, servers(&file), ttl).map_err(usage)?;
    let findings = file.warnings.iter().map(|warning| {
        let place = format!("{}:{}", warning.file.display(), warning.line);
        Diagnostic::in_words(&place, &warning.caution.to_string())
    });
    let findings = findings.collect();
    let records = file.records.iter().map(|entry| entry.record.clone());
    let tree = Tree::new(settings.wire(), records).map_err(usage)?;
    Ok(settings.holding(tree, findings))
}

/// A file's SOA record and its TTL.
fn start_of_authority(file: &ZoneFile) -> Result<(SOA, u32), ZoneFault> {
    let soa = file.soa().and_then(|entry| match &entry.record.data {
        RData::SOA(soa) => Some((soa.clone(), entry.record.ttl)),
        _ => None,
    });
    soa.ok_or_else(|| ZoneFault {
        path: file.path.clone(),
        line: None,
        reason: Reason::NoSoa(Box::new(file.apex.clone())),
    })
}

/// A file's name servers and their TTL.
fn servers(file: &ZoneFile) -> (Vec<Name>, u32) {
    let ttl = file.servers().next().map_or(0, |entry| entry.record.ttl);
    let names = file.servers().filter_map(|entry| match &entry.record.data {
        RData::NS(ns) => Some(ns.0.clone()),
        _ => None,
    });
    (names.collect(), ttl)
}
