//! Registering: one instance, held in the registry for as long as its process lives.
//! The only writer of etcd.
//!
//! # Grant
//! A registration is a key under a lease, one lease each: what many keys share, they lose
//! together. The TTL that counts is the one the server gives back. The key is claimed in a
//! transaction that expects it absent, so that nobody is overwritten. Found under another
//! lease it is a contest: that lease is watched, and either seen renewed (an owner lives,
//! and `join` fails) or seen running out (a crash left it, and the key is taken over before
//! it can vanish). A claim whose answer was lost shows as held by our own lease, and is won.
//! Claims take turns, lease and key together, so that of ten thousand none waits with a
//! lease that runs out.
//!
//! # Keep
//! A heartbeat renews the lease and then looks at the key, for a lease can live on while its
//! key is deleted or overwritten. Each endpoint has a sixth of the TTL to answer, so that
//! three are tried before the lease ends. A watch on the key makes changes known at once;
//! it only calls for a look, so nothing is lost when it breaks. The first heartbeat
//! comes at some moment of the interval and each later one a little early, so that those
//! who registered together do not beat together.
//!
//! # Share
//! Whatever is held in one process is kept by one [`Upkeep`]: leases are renewed over a few
//! streams, keys are looked at many to a request, watches have one stream, and while the
//! registry is away one try a second finds out for all. A single registration goes the same
//! way. Ownership, heartbeats and losses stay each registration's own.
//!
//! # Lose
//! A registration is lost when the registry says so: the lease is gone (expired, revoked,
//! or we were frozen past it), the key is gone, or it holds something else. Silence says
//! nothing: etcd may have been away for longer than the lease and extended it meanwhile
//! (it does so when it elects a leader), so the same lease is tried first when it is back.
//!
//! # Regain
//! What is lost is claimed again, after a pause with jitter, for ever. A put without a
//! lease is replaced. Another lease that is being renewed is an owner: we stand aside, say
//! so once, and come back when the key is free. Before the first registration a refusal
//! ends `join`, since nothing will change by itself; after it, it is only logged.
//!
//! # Check
//! With `--check` an instance is registered once its check passes. Some failures in a row
//! take it out: its lease is revoked, and that is tried until it is done. One success
//! brings it back, as after a loss. Checks go on whatever etcd does.
//!
//! # Leave
//! Revoking the lease removes the key in one step. It is tried for at most the registry's
//! timeout; many leave in turns, each with that time while the registry answers, and all
//! together with no more when it is away. What could not be revoked ends with its TTL. The signals are TERM, INT, HUP and
//! QUIT; they reach COMMAND as what they are. With COMMAND the order is: the
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
//! | `options`, `from` | what was typed, or stands in a file, and what it means |
//! | `check` | what is asked of a name and an id |
//! | `host` | the host that is registered when none was typed |
//! | `registration` | [`Registration`]: claimed, kept, regained, left |
//! | `pace` | when the next heartbeat is due |
//! | `claim`, `contest` | getting the key, and whether another owner lives |
//! | `withdraw` | taking it away, while ill and at the end |
//! | `event` | what a registration goes through, and how it ends |
//! | `probe`, `health` | one look at an instance, and what follows from many |
//! | `membership` | a registration and its check, held together |
//! | `tenant` | the instance, at whatever address this machine has |
//! | `supervise` | signals, COMMAND and registration together |
//! | `fleet` | many registrations together |
//! | `command`, `signals` | the child process, and what tells us to stop |
//! | `holder`, `processes` | who holds its port |
//! | `orphans` | as PID 1, the ends of others |
//! | `pulse` | whether the loops go round, for systemd's watchdog |
//! | `leave` | `srvd leave` |
//! | [`registrar`] | registrations that clients of bender's interface renew |

mod check;
mod claim;
mod command;
mod contest;
mod event;
mod fleet;
mod from;
mod health;
mod holder;
mod host;
mod leave;
mod membership;
mod options;
mod orphans;
mod pace;
mod probe;
mod processes;
mod pulse;
pub mod registrar;
mod registration;
mod signals;
mod supervise;
mod tenant;
mod withdraw;

use std::path::Path;
use std::sync::Arc;

use crate::cli::JoinArgs;
use crate::config;
use crate::error::Failure;
use crate::etcd::{Etcd, Lease, Upkeep};
use crate::registry::RegistryUrl;
use crate::systemd;
use crate::telemetry::say;

use self::membership::Membership;
use self::options::{Options, Place};
use self::orphans::Family;
use self::probe::Checks;
use self::pulse::Pulse;
use self::signals::Signals;
use self::tenant::Tenant;

pub use self::event::{Event, Fault, Loss};
pub use self::leave::leave;
pub use self::registration::{Registration, Terms};

/// Runs `srvd join` until it is told to stop. Gives the exit code.
///
/// # Errors
/// [`Failure::Usage`] before anything was done; [`Failure::Failed`] when the key belongs to
/// somebody else, the registry refuses, or COMMAND cannot be started.
pub async fn run(registry: &config::Registry, args: &JoinArgs) -> Result<u8, Failure> {
    registry.exposed.iter().for_each(|finding| tracing::warn!("{finding}"));
    let etcd = Etcd::new(&registry.url, &registry.access);
    let (upkeep, range) = (Upkeep::new(etcd.clone()), registry.url.layout().range());
    tokio::select! {
        end = join(registry, args, upkeep) => end,
        never = etcd.keep_up(&range) => match never {},
    }
}

/// Registers one instance, or those of a file.
async fn join(registry: &config::Registry, args: &JoinArgs, upkeep: Upkeep) -> Result<u8, Failure> {
    if let Some(file) = &args.from {
        return join_all(registry, args, upkeep, file).await;
    }
    let options = Options::new(args, &registry.url)?;
    let desk = Desk::new(upkeep, options.terms, &registry.url);
    let tenant = Tenant::new(&options, &registry.url, &desk)?;
    let signals = Signals::new().map_err(Failure::failed)?;
    let joined = supervise::run(&options, tenant, signals, &desk.family);
    tokio::select! {
        end = joined => end,
        never = desk.family.reap_others() => match never {},
        never = systemd::watchdog(|| desk.pulse.is_alive()) => match never {},
    }
}

/// Registers the instances of a file.
async fn join_all(
    registry: &config::Registry,
    args: &JoinArgs,
    upkeep: Upkeep,
    file: &Path,
) -> Result<u8, Failure> {
    let (checks, terms) = (Checks::new(args)?, options::terms(args)?);
    checks.as_ref().map_or(Ok(()), Checks::fit_many)?;
    let places = from::read(file, &registry.url.layout())?;
    let desk = Desk::new(upkeep, terms, &registry.url);
    let member =
        |place: Arc<Place>| Ok((Arc::clone(&place), desk.member(&place, checks.as_ref())?));
    let members = places.into_iter().map(member).collect::<Result<_, Failure>>()?;
    let signals = Signals::new().map_err(Failure::failed)?;
    tokio::select! {
        end = fleet::run(file.display().to_string(), members, &desk.pulse, signals) => end,
        never = desk.family.reap_others() => match never {},
    }
}

/// What all registrations of one `join` have in common.
struct Desk {
    /// The registry, and what is shared there.
    upkeep: Upkeep,
    /// How they are held.
    terms: Terms,
    /// Whether their loops go round.
    pulse: Pulse,
    /// The children that somebody waits for.
    family: Family,
}

impl Desk {
    /// For registrations in a registry, held like this.
    fn new(upkeep: Upkeep, terms: Terms, registry: &RegistryUrl) -> Self {
        Self { upkeep, terms, pulse: Pulse::of(registry), family: Family::default() }
    }

    /// A registration and its check.
    fn member(&self, place: &Arc<Place>, checks: Option<&Checks>) -> Result<Membership, Failure> {
        let (key, value) = (place.key.clone(), place.document.clone());
        let registration = Registration::new(self.upkeep.clone(), key, value, self.terms);
        let checks = checks.cloned().map(|checks| checks.in_family(self.family.clone()));
        let monitor = checks.map(|checks| checks.monitor(place, &self.pulse)).transpose()?;
        Ok(Membership { registration: registration.with_pulse(self.pulse.clone()), monitor })
    }
}

/// Tells people, the log and systemd what a registration went through.
fn announce(place: &Place, event: &Event) {
    event.log(&place.key);
    let (name, location) = (&place.name, &place.location);
    match event {
        Event::Registered(lease) => {
            print_registered(place, lease);
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
        Event::Left => say(format_args!("left {name} at {location}: {}", place.key)),
        Event::Healthy | Event::Contested(_) | Event::Slow { .. } | Event::NotLeft(_) => (),
    }
}

/// The one line on standard output.
fn print_registered(place: &Place, lease: &Lease) {
    let Place { name, location, key, .. } = place;
    let ttl = humantime::format_duration(lease.ttl);
    say(format_args!(
        "registered {name} at {location}: {key} (lease {:016x}, ttl {ttl})",
        lease.id
    ));
}
