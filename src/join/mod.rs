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
//!
//! # Keep
//! A heartbeat renews the lease and then reads the key, for a lease can live on while its
//! key is deleted or overwritten. Each endpoint has a sixth of the TTL to answer, so that
//! three are tried before the lease ends. A watch on the key makes changes known at once;
//! it only calls the next heartbeat early, so nothing is lost when it breaks.
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
//! # Leave
//! Revoking the lease removes the key in one step. It is tried for at most the registry's
//! timeout; what could not be revoked ends with its TTL. The signals are TERM, INT, HUP and
//! QUIT; they reach COMMAND as what they are. With COMMAND the order is: the
//! signal, `--wait`, leave, `--slack`, the signal passed on. A second signal ends it now.
//! Where the first was passed on already, COMMAND had its chance and is killed, with all of
//! its process group. Else the second is passed on at once, without any wait, and COMMAND
//! is killed if it has not ended a second later.
//!
//! | file | holds |
//! | --- | --- |
//! | `options` | what was typed, and what it means |
//! | `check` | what is asked of a name and an id |
//! | `host` | the host that is registered when none was typed |
//! | `registration` | [`Registration`]: claimed, kept, regained, left |
//! | `claim`, `contest` | getting the key, and whether another owner lives |
//! | `event` | what a registration goes through, and how it ends |
//! | `supervise` | signals, COMMAND and registration together |
//! | `command`, `signals` | the child process, and what tells us to stop |
//! | `leave` | `srvd leave` |

mod check;
mod claim;
mod command;
mod contest;
mod event;
mod host;
mod leave;
mod options;
mod registration;
mod signals;
mod supervise;

use crate::cli::JoinArgs;
use crate::config;
use crate::error::Failure;
use crate::etcd::{Etcd, Lease};
use crate::telemetry::say;

use self::options::{Options, Place};
use self::signals::Signals;

pub use self::event::{Event, Fault, Loss};
pub use self::leave::leave;
pub use self::registration::{Registration, Terms};

/// Runs `srvd join` until it is told to stop. Gives the exit code.
///
/// # Errors
/// [`Failure::Usage`] before anything was done; [`Failure::Failed`] when the key belongs to
/// somebody else, the registry refuses, or COMMAND cannot be started.
pub async fn run(registry: &config::Registry, args: &JoinArgs) -> Result<u8, Failure> {
    let options = Options::new(args, &registry.url)?;
    let place = options.place(&registry.url.layout())?;
    let signals = Signals::new().map_err(Failure::failed)?;
    let etcd = Etcd::new(&registry.url, &registry.access);
    let registration =
        Registration::new(etcd.clone(), place.key.clone(), place.document.clone(), options.terms);
    let joined = supervise::run(&options, &place, registration, signals);
    tokio::select! {
        end = joined => end,
        never = etcd.upkeep() => match never {},
    }
}

/// Tells people, the log and systemd what a registration went through.
fn announce(place: &Place, event: &Event) {
    event.log(&place.key);
    if let Event::Registered(lease) = event {
        print_registered(place, lease);
        notify(sd_notify::NotifyState::Ready);
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

/// Tells systemd, where it started us.
fn notify(state: sd_notify::NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!("systemd was not told: {error}");
    }
}
