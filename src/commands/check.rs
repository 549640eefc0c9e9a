//! `srvd check`: everything that is wrong, before `serve` meets it or while it runs.
//!
//! The configuration and the zone files were read before this begins: who comes here has
//! sound ones. Each zone is then built as `serve` builds it, and lists its own problems.

use super::{build, print};
use crate::cli::{CheckArgs, Output};
use crate::config::{Serve, ZoneConfig};
use crate::error::Failure;
use crate::etcd::{Access, Etcd, PageSize};
use crate::forward::{ForwardZone, Source};
use crate::index::{Service, Settings, Zone};
use crate::names::shown;
use crate::privileges::is_root;
use crate::registry::{Diagnostic, Layout, shown_key};
use crate::telemetry::complain;

/// The exit code when something is wrong.
const PROBLEMS: u8 = 1;

/// Segments of a prefix that are left out, one after the other, to find the nearest key: each
/// is a question to the registry, and a SkyDNS zone's prefix has some for its own labels.
const SEGMENTS_TRIED: usize = 16;

/// What stands in the place of a zone where the configuration is meant.
const CONFIGURATION: &str = "configuration";

/// The findings of one zone.
struct Checked {
    /// The zone, without the last dot.
    zone: String,
    /// How many keys it has; none where it is a file alone.
    keys: Option<usize>,
    /// What is wrong with them, by key.
    findings: Vec<Diagnostic>,
}

/// Prints what is wrong in every zone. Gives the exit code: that of the worst.
///
/// # Errors
/// [`Failure::Failed`]: standard output cannot be written to.
pub async fn check(config: Serve, args: &CheckArgs) -> Result<u8, Failure> {
    let configuration = Checked::of_configuration(&config);
    complain(format_args!(
        "configuration: {}, {} to check",
        configuration.count(),
        zones(config.zones.len() + config.static_zones.len())
    ));
    note_closed(&config);
    let mut all: Vec<_> = config.static_zones.iter().map(Checked::of_file).collect();
    let mut away = 0;
    for zone in config.zones {
        let text = zone.settings.title();
        let checked = match args.offline {
            true => Ok(Checked::of_file(&zone.settings)),
            false => check_zone(zone, &config.access).await,
        };
        match checked {
            Ok(checked) => all.push(checked),
            Err(failure) => {
                complain(format_args!("srvd: zone {text}: {failure}"));
                away = away.max(failure.code());
            }
        }
    }
    let shown = [&configuration].into_iter().chain(&all);
    let code = shown.clone().map(Checked::code).fold(away, u8::max);
    match args.output.unwrap_or(Output::Table) {
        Output::Table => print::lines(shown.flat_map(Checked::lines))?,
        Output::Json => print::array(shown.flat_map(Checked::objects))?,
    }
    all.iter().for_each(|checked| complain(checked.summary()));
    Ok(code)
}

/// Says what only this account can read, if that is root's: a unit has another as a rule.
fn note_closed(config: &Serve) {
    let closed = config.closed();
    if closed.is_empty() || config.limits.run_as.is_some() || !is_root() {
        return;
    }
    let closed: Vec<_> = closed.iter().map(|path| path.display().to_string()).collect();
    complain(format_args!(
        "note: with DynamicUser=, or as another user, srvd cannot read {}; use LoadCredential=, or \
         `run-as` and its group",
        closed.join(", ")
    ));
}

/// Builds a zone as `serve` does and lists what is wrong with it.
async fn check_zone(config: ZoneConfig, access: &Access) -> Result<Checked, Failure> {
    let text = config.settings.title();
    let (etcd, layout) = (Etcd::new(&config.registry, access), config.layout.clone());
    let (zone, keys) = build(config, access, None).await?;
    if let Some(line) = template(&zone) {
        complain(line);
    }
    let mut findings: Vec<_> = zone.problems().collect();
    if keys == 0 {
        findings.extend(elsewhere(&etcd, &layout).await);
    }
    findings.sort_unstable();
    Ok(Checked { zone: text, keys: Some(keys), findings })
}

/// What a zone's template makes of a key: of one that is there, else of one like those that it
/// reads.
fn template(zone: &Zone) -> Option<String> {
    let (layout, title) = (zone.settings().layout(), zone.settings().title());
    let template = layout.template()?;
    let text = format!("template of zone {title}: `{}`", template.text());
    let Some(instance) = zone.services().flat_map(Service::instances).next() else {
        let example = shown_key(layout.folder(&template.example(), false).as_bytes());
        return Some(format!("{text} reads keys like {example}; there is none yet"));
    };
    let key = shown_key(layout.key_of(instance).as_bytes());
    let (name, id) = (shown(&instance.name), shown(instance.raw_id()));
    let place = instance.location();
    Some(format!("{text} reads {key}: name {name}, id {id}, at {place}"))
}

/// That a zone has no key at all while its registry has others: its prefix is hardly the right
/// one. What stands nearest is found by leaving out one segment of it after the other.
async fn elsewhere(etcd: &Etcd, layout: &Layout) -> Option<Diagnostic> {
    for range in layout.ranges_above().take(SEGMENTS_TRIED) {
        let page = etcd.list_page(&range, None, &mut PageSize::one()).await;
        // Who may not read there is not told what stands there.
        let Ok(page) = page else { break };
        if let Some(pair) = page.pairs.first() {
            return Some(Diagnostic::nowhere(layout, pair.key()));
        }
    }
    None
}

/// Forwarded zones that nobody is ever asked for: their names are in zones of this server.
fn unreachable(config: &Serve) -> impl Iterator<Item = Diagnostic> {
    let own = config.zones.iter().map(|it| &it.settings).chain(&config.static_zones);
    let own: Vec<_> = own.collect();
    let hidden = move |zone: &ForwardZone| {
        let over = own.iter().find(|it| it.apex().zone_of(&zone.name))?;
        let text = format!(
            "its names are in the zone {} of this server, and never forwarded; leave \
             one out, or write fallthrough = true",
            over.title()
        );
        Some(Diagnostic::in_words(&format!("forward {}", zone.title()), &text))
    };
    config.forward.iter().filter(|zone| !zone.falls_through).filter_map(hidden)
}

impl Checked {
    /// A zone that is a file alone.
    fn of_file(settings: &Settings) -> Self {
        let mut findings = settings.cautions().to_vec();
        findings.sort_unstable();
        Self { zone: settings.title(), keys: None, findings }
    }

    /// What is not wrong, but will be soon: certificates that end, and files of others to ask
    /// that name none yet.
    fn of_configuration(config: &Serve) -> Self {
        let mut findings = config.ending();
        findings.extend(config.unreadable());
        findings.extend(config.forward.iter().flat_map(|it| &it.upstreams).filter_map(|source| {
            let Source::File(path) = source else { return None };
            let text = format!("{}; name a file with nameservers", source.check().err()?);
            Some(Diagnostic::in_words(&format!("forward {}", path.display()), &text))
        }));
        findings.extend(unreachable(config));
        Self { zone: CONFIGURATION.to_owned(), keys: None, findings }
    }

    /// The exit code.
    const fn code(&self) -> u8 {
        if self.findings.is_empty() { 0 } else { PROBLEMS }
    }

    /// One line for each problem.
    fn lines(&self) -> impl Iterator<Item = String> {
        self.findings.iter().map(|finding| format!("{} {finding}", self.zone))
    }

    /// One object for each problem.
    fn objects(&self) -> impl Iterator<Item = serde_json::Value> {
        self.findings.iter().map(|finding| finding.to_json(&self.zone))
    }

    /// The zone in one line.
    fn summary(&self) -> String {
        let Self { zone, keys, findings } = self;
        let keys = match keys {
            None => "the file".to_owned(),
            Some(0) => "no key yet".to_owned(),
            Some(1) => "1 key".to_owned(),
            Some(keys) => format!("{keys} keys"),
        };
        let separator = if findings.is_empty() { ":" } else { " in" };
        format!("{}{separator} {keys} of zone {zone}", self.count())
    }

    /// How many problems there are.
    fn count(&self) -> String {
        match self.findings.len() {
            0 => "no problems".to_owned(),
            1 => "1 problem".to_owned(),
            problems => format!("{problems} problems"),
        }
    }
}

/// So many zones.
fn zones(count: usize) -> String {
    if count == 1 { "1 zone".to_owned() } else { format!("{count} zones") }
}
