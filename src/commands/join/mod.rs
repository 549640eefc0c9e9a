//! `srvd join`: one instance or those of a file, registered until told to stop.
//!
//! # Signals
//! TERM, INT, HUP and QUIT; they reach COMMAND as what they are. With COMMAND the order is: the
//! signal, `--wait`, leave, `--slack`, the signal passed on. A second signal ends it now.
//! Where the first was passed on already, COMMAND had its chance and is killed, with all of
//! its process group. Else the second is passed on at once, without any wait, and COMMAND
//! is killed if it has not ended a second later.
//!
//! # Many
//! `--from` registers all documents of a file. The file is checked as a whole before
//! anything is registered, and one that belongs to somebody else ends all, as it would end
//! a single `join`. systemd is told READY when every entry is registered, or is known not to
//! pass its check.
//!
//! | file | holds |
//! | --- | --- |
//! | `options`, `checks`, `from` | what was typed, or stands in a file, and what it means |
//! | `tenant` | the instance, at whatever address this machine has |
//! | `supervise` | signals, COMMAND and registration together |
//! | `fleet` | many registrations together |
//! | `command`, `signals` | the child process, and what tells us to stop |
//! | `holder` | who holds its port |

mod checks;
mod command;
mod fleet;
mod from;
mod holder;
mod options;
mod signals;
mod supervise;
mod tenant;

use std::path::Path;
use std::sync::Arc;

use crate::cli::JoinArgs;
use crate::config;
use crate::error::Failure;
use crate::etcd::{Etcd, Lease, SharedClient};
use crate::join::{Event, LoopWatchdog, Registrant, Registration, Terms};
use crate::probe::{Family, Probe};
use crate::registry::RegistryUrl;
use crate::systemd;
use crate::telemetry::say;

use self::checks::Checks;
use self::options::Options;
use self::signals::Signals;
use self::tenant::Tenant;

/// A registration and the probe that may check it.
type Membership = crate::join::Membership<Probe>;

/// Runs `srvd join` until it is told to stop. Gives the exit code.
///
/// # Errors
/// [`Failure::Usage`] before anything was done; [`Failure::Failed`] when the key belongs to
/// somebody else, the registry refuses, or COMMAND cannot be started.
pub async fn join(registry: &config::Registry, args: &JoinArgs) -> Result<u8, Failure> {
    registry.exposed.iter().for_each(|finding| tracing::warn!("{finding}"));
    let etcd = Etcd::new(&registry.url, &registry.access);
    let (upkeep, range) = (SharedClient::new(etcd.clone()), registry.url.layout().range());
    tokio::select! {
        end = register(registry, args, upkeep) => end,
        never = etcd.keep_up(&range) => match never {},
    }
}

/// Registers one instance, or those of a file.
async fn register(
    registry: &config::Registry,
    args: &JoinArgs,
    upkeep: SharedClient,
) -> Result<u8, Failure> {
    if let Some(file) = &args.from {
        return register_all(registry, args, upkeep, file).await;
    }
    let options = Options::new(args, &registry.url)?;
    let context = JoinContext::new(upkeep, options.terms, &registry.url);
    let tenant = Tenant::new(&options, &registry.url, &context)?;
    let signals = Signals::new().map_err(Failure::failed)?;
    let joined = supervise::run(&options, tenant, signals, &context.family);
    tokio::select! {
        end = joined => end,
        never = context.family.reap_others() => match never {},
        never = systemd::watchdog(|| context.pulse.is_alive()) => match never {},
    }
}

/// Registers the instances of a file.
async fn register_all(
    registry: &config::Registry,
    args: &JoinArgs,
    upkeep: SharedClient,
    file: &Path,
) -> Result<u8, Failure> {
    let (checks, terms) = (Checks::new(args)?, options::terms(args)?);
    checks.as_ref().map_or(Ok(()), Checks::fit_many)?;
    let registrants = from::read(file, &registry.url.layout())?;
    let context = JoinContext::new(upkeep, terms, &registry.url);
    let member = |registrant: Arc<Registrant>| {
        Ok((Arc::clone(&registrant), context.member(&registrant, checks.as_ref())?))
    };
    let members = registrants.into_iter().map(member).collect::<Result<_, Failure>>()?;
    let signals = Signals::new().map_err(Failure::failed)?;
    tokio::select! {
        end = fleet::run(file.display().to_string(), members, &context.pulse, signals) => end,
        never = context.family.reap_others() => match never {},
    }
}

/// The context that all registrations of one `join` share.
struct JoinContext {
    /// The registry, and what is shared there.
    upkeep: SharedClient,
    /// How they are held.
    terms: Terms,
    /// Whether their loops go round.
    pulse: LoopWatchdog,
    /// The children that somebody waits for.
    family: Family,
}

impl JoinContext {
    /// For registrations in a registry, held like this.
    fn new(upkeep: SharedClient, terms: Terms, registry: &RegistryUrl) -> Self {
        Self { upkeep, terms, pulse: LoopWatchdog::of(registry), family: Family::default() }
    }

    /// A registration and its check.
    fn member(
        &self,
        registrant: &Arc<Registrant>,
        checks: Option<&Checks>,
    ) -> Result<Membership, Failure> {
        let (key, value) = (registrant.key.clone(), registrant.document.clone());
        let registration = Registration::new(self.upkeep.clone(), key, value, self.terms);
        let checks = checks.cloned().map(|checks| checks.in_family(self.family.clone()));
        let monitor = checks.map(|checks| checks.monitor(registrant, &self.pulse)).transpose()?;
        Ok(Membership { registration: registration.with_pulse(self.pulse.clone()), monitor })
    }
}

/// Tells people, the log and systemd what a registration went through.
fn announce(registrant: &Registrant, event: &Event) {
    event.log(&registrant.key);
    let (name, location) = (&registrant.name, &registrant.location);
    match event {
        Event::Registered(lease) => {
            print_registered(registrant, lease);
            systemd::ready(&format!("registered {name} at {location}"));
        }
        Event::Regained(_) => systemd::status(&format!("registered {name} at {location} again")),
        Event::Lost(loss) => systemd::status(&format!("{name} at {location} is lost: {loss}")),
        Event::Unhealthy(reason) => {
            systemd::status(&format!("{name} at {location} is out, its check fails: {reason}"));
        }
        Event::Aside(_) => {
            systemd::status(&format!("{name} at {location} stands aside for another owner"));
        }
        Event::Trouble(error) => systemd::status(&format!("still trying: {error}")),
        Event::Recovered => systemd::status("the registry answers again"),
        Event::Left => say(format_args!("left {name} at {location}: {}", registrant.key)),
        Event::Healthy | Event::Contested(_) | Event::Slow { .. } | Event::NotLeft(_) => (),
    }
}

/// The one line on standard output.
fn print_registered(registrant: &Registrant, lease: &Lease) {
    let Registrant { name, location, key, .. } = registrant;
    let ttl = humantime::format_duration(lease.ttl);
    say(format_args!(
        "registered {name} at {location}: {key} (lease {:016x}, ttl {ttl})",
        lease.id
    ));
}
