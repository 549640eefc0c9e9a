//! Options of forwarding: the upstream servers for names outside local zones.

use rustls::pki_types::CertificateDer;

use super::Listen;
use crate::error::Failure;
use crate::files::NamedFile;
use crate::files::pem::check_certificates;
use crate::forward::{FORWARD_ZONES_MAX, ForwardZone, Own, Rules, Source, UPSTREAMS_MAX};
use crate::options::{File, ForwardEntry, Given, ServeArgs};

/// The upstreams that the options and the file name, by the zones that they are asked for; none
/// where other names are refused. Paths of the file begin where it stands.
///
/// # Errors
/// [`Failure::Usage`]: one that is this server, or too many.
pub(super) fn forward(
    args: &ServeArgs,
    file: &File,
    listen: &Listen,
) -> Result<Vec<ForwardZone>, Failure> {
    let Some(given) = args.forward(file) else { return Ok(Vec::new()) };
    let own = Own::new(listen.addresses.clone());
    let zones = by_zone(&given);
    check(&zones, &own).map_err(|fault| given.fault(fault))?;
    let resolved = |source| match source {
        Source::File(path) if given.is_written => Source::File(file.resolve(&path)),
        source => source,
    };
    let resolve = |mut zone: ForwardZone| {
        let upstreams = std::mem::take(&mut zone.upstreams).into_iter().map(resolved).collect();
        ForwardZone { upstreams, ..zone }
    };
    Ok(zones.into_iter().map(resolve).collect())
}

/// The zones of all entries, in order; what several entries name of one zone is asked in turn.
fn by_zone(given: &Given<Vec<ForwardEntry>>) -> Vec<ForwardZone> {
    let mut zones: Vec<ForwardZone> = Vec::new();
    for ForwardEntry { zone, to, fallthrough } in given.value.clone() {
        match zones.iter_mut().find(|it| it.name == zone) {
            Some(same) => {
                same.upstreams.extend(to);
                same.falls_through |= fallthrough;
            }
            None => {
                zones.push(ForwardZone { name: zone, upstreams: to, falls_through: fallthrough })
            }
        }
    }
    zones
}

/// Checks how many there are, and that none of them is this server.
fn check(zones: &[ForwardZone], own: &Own) -> Result<(), String> {
    if zones.len() > FORWARD_ZONES_MAX {
        return Err(format!("there are more than {FORWARD_ZONES_MAX} zones; leave some out"));
    }
    for zone in zones {
        let of = || if zone.name.is_root() { String::new() } else { format!("{}: ", zone.title()) };
        if zone.upstreams.len() > UPSTREAMS_MAX {
            return Err(format!("{}at most {UPSTREAMS_MAX} are asked; leave some out", of()));
        }
        let servers = zone.upstreams.iter().filter_map(Source::server);
        if let Some(server) = servers.into_iter().find(|it| own.at(it.at).is_some()) {
            return Err(format!(
                "{}{server} is this server itself, which would ask itself for ever; name others",
                of()
            ));
        }
    }
    Ok(())
}

/// How they are asked, and what is done with what they say.
///
/// # Errors
/// [`Failure::Usage`]: the authorities cannot be read.
pub(super) fn rules(args: &ServeArgs, file: &File) -> Result<Rules, Failure> {
    let default = Rules::default();
    let private = args.forward_private(file).map(|given| given.value);
    let mixed_case = args.forward_0x20(file).map(|given| given.value);
    let named = args.forward_ca(file).map(|given| given.named(file));
    Ok(Rules {
        keeps_private: private.unwrap_or(default.keeps_private),
        mixes_case: mixed_case.unwrap_or(default.mixes_case),
        authorities: named.as_ref().map_or(Ok(default.authorities), authorities)?,
    })
}

/// The authorities of a file.
fn authorities(file: &NamedFile) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let pem = file.read()?;
    Ok(check_certificates(&pem).map_err(|text| file.fault(text))?)
}
