//! A registration that is held, and what becomes of it.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::check::HealthCheck;
use super::service::Plan;
use super::{Client, Error};
use crate::etcd::Etcd;
use crate::join::{
    CheckTerms, Event, Fault, LoopWatchdog, Membership, Monitor, Registrant, Registration,
};

/// A registration that is held: kept alive by heartbeats, put back whenever it is lost, for as
/// long as this value lives.
///
/// # Leaving
/// [`Self::leave`] takes it out of the registry and waits for that. Dropping it does the same in
/// the background, for at most the connection string's `timeout` (3 s): the task goes on in the
/// runtime, and nothing is waited for, so that it may be dropped anywhere, outside of a runtime
/// too. A value that is dropped while the runtime ends, as at the end of `main`, cannot finish
/// that: its key then ends with its lease ([`Service::ttl`](super::Service::ttl), 10 s). Leave
/// before `main` ends.
#[derive(Debug)]
#[must_use = "the service leaves when this is dropped"]
pub struct Registered {
    /// What is held.
    registrant: Arc<Registrant>,
    /// How it is now.
    state: watch::Receiver<RegistrationState>,
    /// The task that holds it.
    task: JoinHandle<Result<(), Fault>>,
    /// Tells the task to leave, at the latest when this is dropped.
    stop: DropGuard,
}

/// The state of a registration at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistrationState {
    /// It is to be put into the registry: that is away, or another owner's end is waited for, or
    /// the check was not made yet.
    Pending,
    /// It is in the registry, as far as is known: while that is away nobody can tell.
    Registered,
    /// It was lost, and why (its lease ended, its key was deleted or overwritten); it is being put
    /// back.
    Lost(String),
    /// The check fails, and why: it is taken out until the check passes.
    Unhealthy(String),
    /// Another owner holds the key: it comes back when that is free.
    Aside,
    /// It was taken out at the end.
    Left,
    /// It could not be taken out at the end, and why: its key ends with its lease.
    NotLeft(String),
}

impl Registered {
    /// Begins to hold a service.
    pub(super) fn start(client: &Client, plan: Plan) -> Self {
        let Plan { registrant, terms, check } = plan;
        let (told, state) = watch::channel(RegistrationState::Pending);
        let (key, value) = (registrant.key.clone(), registrant.document.clone());
        let pulse = LoopWatchdog::of(client.etcd.url());
        let registration = Registration::new(client.upkeep.clone(), key.clone(), value, terms);
        let member = Membership {
            registration: registration.with_pulse(pulse.clone()),
            monitor: check.map(|check| monitor(check, pulse)),
        };
        let stop = CancellationToken::new();
        let events = move |event: Event| {
            event.log(&key);
            if let Some(state) = RegistrationState::after(&event) {
                told.send_replace(state);
            }
        };
        let held = member.hold(events, stop.clone());
        let task = client.runtime.spawn(beside(client.etcd.clone(), held));
        Self { registrant: Arc::new(registrant), state, task, stop: stop.drop_guard() }
    }

    /// Waits until it is in the registry, or never will be.
    pub(super) async fn begun(&mut self) -> Result<(), Error> {
        if self.state.wait_for(|it| *it == RegistrationState::Registered).await.is_ok() {
            return Ok(());
        }
        // Who tells is gone, and that is the task.
        match (&mut self.task).await {
            Ok(Err(fault)) => Err(fault.into()),
            _ => Err(Error::Ended),
        }
    }

    /// Takes it out of the registry, and waits for that: at most for the connection string's
    /// `timeout`, and where the process holds many at once, until it is its turn.
    ///
    /// # Errors
    /// [`Error::NotLeft`]: the registry did not answer, and the key ends with its lease.
    pub async fn leave(self) -> Result<(), Error> {
        let Self { registrant, state, task, stop } = self;
        drop(stop);
        task.await.map_err(|_| Error::Ended)?.map_err(Error::from)?;
        match &*state.borrow() {
            RegistrationState::NotLeft(reason) => {
                Err(Error::NotLeft { key: registrant.key.clone(), reason: reason.clone() })
            }
            _ => Ok(()),
        }
    }

    /// How it is now.
    #[must_use]
    pub fn state(&self) -> RegistrationState {
        self.state.borrow().clone()
    }

    /// Waits until it is otherwise than when this was called last, and gives how it is then;
    /// states that pass quickly are skipped.
    ///
    /// # Errors
    /// [`Error::Ended`]: it is not held any more, with its runtime.
    pub async fn changed(&mut self) -> Result<RegistrationState, Error> {
        self.state.changed().await.map_err(|_| Error::Ended)?;
        Ok(self.state.borrow_and_update().clone())
    }

    /// Its key in etcd.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.registrant.key
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.registrant.id
    }

    /// Where it is registered: `HOST:PORT`.
    #[must_use]
    pub fn location(&self) -> &str {
        &self.registrant.location
    }
}

impl RegistrationState {
    /// The state that an event leads to, if to another one.
    fn after(event: &Event) -> Option<Self> {
        Some(match event {
            Event::Registered(_) | Event::Regained(_) => Self::Registered,
            Event::Lost(loss) => Self::Lost(loss.to_string()),
            Event::Unhealthy(reason) => Self::Unhealthy(reason.to_string()),
            Event::Healthy => Self::Pending,
            Event::Aside(_) => Self::Aside,
            Event::Left => Self::Left,
            Event::NotLeft(error) => Self::NotLeft(error.to_string()),
            Event::Contested(_) | Event::Trouble(_) | Event::Recovered | Event::Slow { .. } => {
                return None;
            }
        })
    }
}

/// What asks a check again and again.
fn monitor((check, pace): (HealthCheck, CheckTerms), pulse: LoopWatchdog) -> Monitor<HealthCheck> {
    Monitor { check, interval: pace.interval, failures: pace.failures, pulse }
}

/// Holds a registration, and beside it keeps up with the members and the files of credentials.
async fn beside(etcd: Etcd, held: impl Future<Output = Result<(), Fault>>) -> Result<(), Fault> {
    let range = etcd.url().layout().range();
    tokio::select! {
        end = held => end,
        never = etcd.keep_up(&range) => match never {},
    }
}
