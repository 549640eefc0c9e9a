//! `srvd explain`: why a name is answered as it is, as `serve` would answer it now.

use std::sync::Arc;

use hickory_proto::rr::Name;

use super::print;
use super::words::words;
use crate::authority::{self, Draw};
use crate::cli::{ExplainArgs, Output};
use crate::config::{Serve, indexed};
use crate::error::Failure;
use crate::forward::{ForwardZone, falls_through};
use crate::index::Index;
use crate::names::{WireName, percent_encoded};
use crate::remote::ServerUrl;
use crate::telemetry::complain;

/// The exit code when the name does not exist.
const NOTHING: u8 = 3;

/// Prints what a name is answered with, and why. Gives the exit code.
///
/// # Errors
/// [`Failure::Usage`] when the name or the type is none; [`Failure::Unreachable`] when the
/// registry of the name's zone is away.
pub async fn explain(config: Serve, args: &ExplainArgs) -> Result<u8, Failure> {
    let (name, kind) =
        authority::asked(&args.name, args.kind.as_deref()).map_err(Failure::usage)?;
    let forward = config.forward.clone();
    let index = read_all(config, &name).await?;
    let mut explanation = authority::explain(&index.load(), &name, kind, &mut Draw::new());
    let elsewhere = explanation.elsewhere(|name| falls_through(&forward, name));
    let note = elsewhere.and_then(|name| ForwardZone::note(&forward, name));
    explanation.notes.extend(note);
    match print::form(args.output) {
        Output::Table => print::text(&explanation.to_string())?,
        Output::Json => print::object(&explanation.to_json())?,
    }
    Ok(if explanation.exists() { 0 } else { NOTHING })
}

/// Prints what a running server answers a name with, and why. Gives the exit code.
///
/// # Errors
/// [`Failure::Usage`] when the name or the type is none; [`Failure::Unreachable`] when no server
/// answers.
pub async fn explain_of(server: &ServerUrl, args: &ExplainArgs) -> Result<u8, Failure> {
    authority::asked(&args.name, args.kind.as_deref()).map_err(Failure::usage)?;
    let kind = args.kind.as_deref().map(|it| format!("&type={}", percent_encoded(it)));
    let (name, kind) = (percent_encoded(&args.name), kind.unwrap_or_default());
    let explained = server.get(&format!("/v1/explain?name={name}{kind}")).await?;
    match print::form(args.output) {
        Output::Table => print::lines(words(&explained))?,
        Output::Json => print::object(&explained)?,
    }
    let is_nothing = matches!(explained["rcode"].as_str(), Some("NXDOMAIN" | "REFUSED"));
    Ok(if is_nothing { NOTHING } else { 0 })
}

/// All zones, as `serve` builds them. Those that the name is not in may be away: what leads
/// there is then not answered.
async fn read_all(config: Serve, name: &Name) -> Result<Arc<Index>, Failure> {
    let Serve { zones, static_zones, access, bare_names, .. } = config;
    let (index, sources) = indexed(zones, static_zones, bare_names);
    for (at, source) in sources.iter().enumerate() {
        if let Err(failure) = super::read(source, &access, (&index, at), None).await {
            if is_needed(&index, name, at) {
                return Err(failure);
            }
            let zone = index.load().zones()[at].settings().title();
            complain(format_args!("srvd: zone {zone} is left out: {failure}"));
        }
    }
    Ok(index)
}

/// Whether a name cannot be answered without the zone at a place.
fn is_needed(index: &Index, name: &Name, at: usize) -> bool {
    let generation = index.load();
    let Ok(name) = WireName::from_labels(name.iter()) else { return false };
    let Some((site, _)) = generation.locate(&name) else { return false };
    let (own, zone) = (generation.zone(site), &generation.zones()[at]);
    own.settings().is_reverse() && zone.settings().names_its_addresses() || Arc::ptr_eq(own, zone)
}
