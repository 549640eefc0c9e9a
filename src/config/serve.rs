//! What `serve` and `dev` need to know.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use hickory_proto::rr::Name;
use hickory_proto::rr::rdata::SOA;

use super::file::{File, Zone};
use super::{Registry, file};
use crate::cli::{Common, ServeArgs};
use crate::error::Failure;
use crate::etcd::Access;
use crate::index::Settings;
use crate::names::{DEFAULT_TTL, DEFAULT_ZONE};
use crate::registry::{Layout, RegistryUrl};
use crate::zonefile;

/// Where DNS is answered when nothing says otherwise.
const DEFAULT_PORT: u16 = 5300;
/// UDP workers that may be asked for: more than any machine has cores.
const WORKERS_MAX: usize = 1024;

/// What `serve` and `dev` need to know.
#[derive(Debug)]
pub struct Serve {
    /// Where to answer.
    pub listen: Listen,
    /// UDP workers; 0 is one per core.
    pub workers: usize,
    /// Whether names without a zone are answered.
    pub bare_names: bool,
    /// The registry zones, in the order of the file.
    pub zones: Vec<ZoneConfig>,
    /// How the registries let us in.
    pub access: Access,
}

/// Where to answer.
#[derive(Debug, Clone)]
pub struct Listen {
    /// The addresses.
    pub addresses: Vec<SocketAddr>,
    /// Whether somebody asked for just these: then each must be bound.
    pub is_explicit: bool,
}

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

impl Serve {
    /// What the options and the file say together.
    ///
    /// # Errors
    /// [`Failure::Usage`]: what is wrong, where, and what to do.
    pub fn new(common: &Common, args: &ServeArgs, file: &File) -> Result<Self, Failure> {
        let registry = Registry::new(common, file)?;
        let directory =
            args.zones.clone().or_else(|| file.zones.as_deref().map(|it| file.resolve(it)));
        check_directory(directory.as_deref())?;
        let zones = zones(&registry.url, directory.as_deref(), file)?;
        let workers = args.workers.or(file.workers).unwrap_or_default();
        if workers > WORKERS_MAX {
            return Err(Failure::usage(format!(
                "workers = {workers}: at most {WORKERS_MAX}; 0 is one per core"
            )));
        }
        Ok(Self {
            listen: listen(args, file)?,
            workers,
            bare_names: args.bare_names.or(file.bare_names).unwrap_or(true),
            zones,
            access: registry.access,
        })
    }
}

/// The addresses to answer on.
fn listen(args: &ServeArgs, file: &File) -> Result<Listen, Failure> {
    let typed = Some(args.listen.clone()).filter(|typed| !typed.is_empty());
    let configured = typed.or_else(|| file.listen.clone());
    let is_explicit = configured.is_some();
    let defaults = || {
        vec![(Ipv4Addr::LOCALHOST, DEFAULT_PORT).into(), (Ipv6Addr::LOCALHOST, DEFAULT_PORT).into()]
    };
    let addresses = configured.unwrap_or_else(defaults);
    if addresses.is_empty() {
        return Err(Failure::usage("listen = []: name at least one address, or leave it out"));
    }
    Ok(Listen { addresses, is_explicit })
}

/// A directory of zone files must be one.
fn check_directory(directory: Option<&Path>) -> Result<(), Failure> {
    match directory {
        Some(path) if !path.is_dir() => Err(Failure::usage(format!(
            "--zones {}: is no directory that can be read",
            path.display()
        ))),
        _ => Ok(()),
    }
}

/// The zones of the file; without one the default zone alone.
fn zones(
    url: &RegistryUrl,
    directory: Option<&Path>,
    file: &File,
) -> Result<Vec<ZoneConfig>, Failure> {
    if file.zone.is_empty() {
        let apex =
            Name::from_ascii(format!("{DEFAULT_ZONE}.")).expect("the default zone is a name");
        return Ok(vec![zone(&apex, None, url, directory)?]);
    }
    let mut zones: Vec<ZoneConfig> = Vec::new();
    for entry in &file.zone {
        let apex = &entry.name.0;
        if zones.iter().any(|zone| zone.settings.apex() == apex) {
            return Err(Failure::usage(format!("[[zone]] `{apex}` is there twice; leave one out")));
        }
        zones.push(zone(apex, Some(entry), url, directory)?);
    }
    Ok(zones)
}

/// One zone.
fn zone(
    apex: &Name,
    entry: Option<&Zone>,
    default: &RegistryUrl,
    directory: Option<&Path>,
) -> Result<ZoneConfig, Failure> {
    let registry = entry.and_then(|it| it.registry.as_ref()).map_or(default, |url| &url.0);
    let prefix = entry.and_then(|it| it.prefix.as_deref()).unwrap_or(&registry.prefix);
    let namespace = entry.and_then(|it| it.namespace.as_deref()).or(registry.namespace.as_deref());
    let layout = Layout::new(prefix, namespace)
        .map_err(|fault| Failure::usage(format!("[[zone]] `{apex}`: {fault}")))?;
    let ttl =
        |chosen: Option<file::Seconds>| chosen.map_or(DEFAULT_TTL.as_secs() as u32, |it| it.0);
    let negative = ttl(entry.and_then(|it| it.negative_ttl));
    let read = zonefile::read(directory, apex).map_err(Failure::usage)?;
    let (soa, soa_ttl) = read.soa;
    let soa =
        SOA::new(soa.mname, soa.rname, soa.serial, soa.refresh, soa.retry, soa.expire, negative);
    let settings =
        Settings::new(apex.clone(), (soa, soa_ttl), read.ns, ttl(entry.and_then(|it| it.ttl)))
            .map_err(|fault| Failure::usage(format!("[[zone]] `{apex}`: {fault}")))?;
    Ok(ZoneConfig { settings, registry: registry.clone(), layout })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serve(text: &str) -> Result<Serve, Failure> {
        Serve::new(&Common::default(), &ServeArgs::default(), &toml::from_str(text).unwrap())
    }

    #[test]
    fn zones_take_what_they_do_not_say_from_the_registry() {
        let serve = serve(
            "registry = \"h/ns?prefix=/p\"\n[[zone]]\nname = \"a\"\n[[zone]]\nname = \"b\"\nprefix = \"/q\"\nnegative-ttl = \"7s\"",
        )
        .unwrap();
        assert_eq!(serve.zones[0].layout.key("n", "i"), "/p/ns/n/i");
        assert_eq!(serve.zones[1].layout.key("n", "i"), "/q/ns/n/i");
        assert_eq!(serve.zones[1].settings.soa.minimum, 7);
        assert_eq!(serve.zones[0].settings.ttl, 5);
        assert!(!serve.listen.is_explicit && serve.listen.addresses.len() == 2);
    }

    #[test]
    fn faults_are_usage_errors() {
        for (text, message) in [
            ("[[zone]]\nname = \"a\"\n[[zone]]\nname = \"A\"", "[[zone]] `a.` is there twice"),
            ("listen = []", "name at least one address"),
            ("workers = 5000", "at most 1024"),
            ("zones = \"/nonexistent\"", "is no directory"),
            ("ca = \"/nonexistent\"", "--ca /nonexistent: No such file"),
            ("user = \"u\"", "--user and --password-file go together"),
            (
                "[[zone]]\nname = \"a\"\nprefix = \"/a//b\"",
                "[[zone]] `a.`: `a//b` has an empty path segment",
            ),
        ] {
            let failure = serve(text).unwrap_err();
            assert_eq!(failure.code(), 2, "{text}");
            assert!(failure.to_string().contains(message), "{text}: {failure}");
        }
    }
}
