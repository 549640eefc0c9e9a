//! One registration: claimed, kept, regained for ever, left.

use std::convert::Infallible;
use std::mem::Discriminant;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::event::{Event, Fault, Loss};
use crate::backoff::Backoff;
use crate::etcd::{Error, Etcd, Lease};

/// The first wait before another try, and the longest: one small request every other
/// second is no load, and who waits for a registration waits no longer.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// How many tries fit into a lease at the least, however short it is.
const TRIES_PER_LEASE: u32 = 4;
/// The longest wait before the watch is opened again. It only hastens what heartbeats
/// find out anyway.
const WATCH_RETRY_MAX: Duration = Duration::from_secs(5);
/// A registration that stood this long was a good one: the next loss is made good without
/// a long wait.
const GOOD_TENURE: Duration = Duration::from_secs(10);
/// A heartbeat may come this part of the interval early, so that a fleet that registered
/// together does not beat together.
const HEARTBEAT_JITTER: f64 = 0.15;
/// Endpoints that are tried before a lease ends: with heartbeats at half of the TTL, each
/// has a third of the rest.
const PATIENCE_PER_TTL: u32 = 6;
/// The least patience for what etcd writes to its disk: a busy one takes its time.
const WRITE_PATIENCE_MIN: Duration = Duration::from_secs(1);
/// Endpoints that are tried to leave, within the registry's timeout.
const LEAVE_TRIES: u32 = 3;

/// How a registration is held.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// The lease's TTL, in whole seconds. The server may make more of it.
    pub ttl: Duration,
    /// How often it is renewed; at most half of the TTL.
    pub heartbeat: Duration,
    /// Whether the first claim takes the key from whoever has it.
    pub by_force: bool,
}

/// A key and a value, to be held in the registry.
#[derive(Debug)]
pub struct Registration {
    /// Where the registry is.
    pub(super) etcd: Etcd,
    /// The key.
    pub(super) key: String,
    /// The document.
    pub(super) value: String,
    /// How it is held.
    pub(super) terms: Terms,
}

/// A registration being held.
pub(super) struct Tenure<E> {
    /// What is held.
    pub(super) what: Registration,
    /// Who is told.
    events: E,
    /// Our lease, which may have ended without our knowing.
    pub(super) lease: Option<Kept>,
    /// Whether it was in the registry already.
    pub(super) is_registered: bool,
    /// The kind of trouble that was told last and has not ended.
    trouble: Option<Discriminant<Error>>,
    /// Between tries to claim.
    backoff: Backoff,
}

/// A lease of ours.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept {
    /// The lease.
    pub(super) lease: Lease,
    /// When it was last renewed, at the latest.
    pub(super) renewed: Instant,
}

impl Registration {
    /// A registration of `value` at `key`. Nothing is done until it is held.
    #[must_use]
    pub const fn new(etcd: Etcd, key: String, value: String, terms: Terms) -> Self {
        Self { etcd, key, value, terms }
    }

    /// Registers, keeps the registration and regains it until `shutdown`; then leaves.
    ///
    /// # Errors
    /// [`Fault`], only before the first registration.
    pub async fn hold(
        self,
        events: impl FnMut(Event),
        shutdown: CancellationToken,
    ) -> Result<(), Fault> {
        let backoff = Backoff::new(RETRY.0, retry_max(self.terms.ttl));
        let (lease, is_registered, trouble) = (None, false, None);
        let mut tenure = Tenure { what: self, events, lease, is_registered, trouble, backoff };
        let end = shutdown.run_until_cancelled(tenure.live()).await;
        tenure.leave().await;
        match end {
            Some(Err(fault)) => Err(fault),
            None => Ok(()),
        }
    }
}

impl<E: FnMut(Event)> Tenure<E> {
    /// Claims and keeps, for ever.
    async fn live(&mut self) -> Result<Infallible, Fault> {
        loop {
            let lease = self.claim().await?;
            let is_first = !std::mem::replace(&mut self.is_registered, true);
            self.trouble = None;
            self.tell(if is_first { Event::Registered(lease) } else { Event::Regained(lease) });
            let since = Instant::now();
            let loss = self.keep(lease).await;
            self.tell(Event::Lost(loss));
            if since.elapsed() > GOOD_TENURE {
                self.backoff.reset();
            }
            sleep(self.backoff.wait()).await;
        }
    }

    /// Keeps the registration until it is lost.
    async fn keep(&mut self, lease: Lease) -> Loss {
        let (etcd, key) = (self.what.etcd.clone(), self.what.key.clone());
        let changed = Notify::new();
        tokio::select! {
            loss = self.beat(lease, &changed) => loss,
            never = watch(&etcd, &key, &changed) => match never {},
        }
    }

    /// One heartbeat after the other; an early one when the key changed, or when the last
    /// one went unanswered.
    async fn beat(&mut self, lease: Lease, changed: &Notify) -> Loss {
        let mut backoff = Backoff::new(RETRY.0, retry_max(lease.ttl));
        let interval = self.what.terms.heartbeat.min(lease.ttl / 2);
        let mut pause = early(interval);
        loop {
            tokio::select! {
                () = sleep(pause) => (),
                () = changed.notified() => (),
            }
            match self.verify(lease).await {
                Ok(Some(loss)) => return loss,
                Ok(None) => {
                    self.recover();
                    backoff.reset();
                    pause = early(interval);
                }
                Err(error) => {
                    self.complain(error);
                    pause = backoff.wait();
                }
            }
        }
    }

    /// Renews the lease, and looks whether the key is still ours.
    async fn verify(&mut self, lease: Lease) -> Result<Option<Loss>, Error> {
        if !self.renew(lease).await? {
            return Ok(Some(Loss::LeaseEnded));
        }
        let held = self.what.etcd.get(&self.what.key, self.patience(lease.ttl)).await?;
        Ok(match held {
            None => Some(Loss::Deleted),
            Some(held) if held.lease != lease.id => Some(Loss::Overwritten(held.lease)),
            Some(held) if held.value != self.what.value.as_bytes() => Some(Loss::Changed),
            Some(_) => None,
        })
    }

    /// Renews the lease. Says whether it is still there.
    pub(super) async fn renew(&mut self, lease: Lease) -> Result<bool, Error> {
        let renewed = Instant::now();
        match self.what.etcd.keep_alive(lease.id, self.patience(lease.ttl)).await {
            Ok(()) => self.lease = Some(Kept { lease, renewed }),
            Err(Error::LeaseGone) => self.lease = None,
            Err(error) => return Err(error),
        }
        Ok(self.lease.is_some())
    }

    /// Leaves: revokes the lease, and the key goes with it.
    async fn leave(&mut self) {
        let Some(Kept { lease, .. }) = self.lease.take() else { return };
        let etcd = &self.what.etcd;
        let revoke = etcd.revoke(lease.id, etcd.timeout() / LEAVE_TRIES);
        let reason = match timeout(etcd.timeout(), revoke).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error,
            Err(_) => Error::Silent(etcd.timeout()),
        };
        tracing::warn!(key = self.what.key, "not left, it ends with its lease: {reason}");
    }

    /// Bears an error of a claim: gives up on a refusal before the first registration,
    /// else waits for the next try.
    pub(super) async fn endure(&mut self, error: Error) -> Result<(), Fault> {
        if !self.is_registered && error.is_refusal() {
            return Err(Fault::Refused(error));
        }
        // A lease that ended while we claimed is no trouble: the next try grants another.
        if !matches!(error, Error::LeaseGone) {
            self.complain(error);
        }
        sleep(self.backoff.wait()).await;
        Ok(())
    }

    /// Tells of trouble, unless the same kind is known.
    fn complain(&mut self, error: Error) {
        if error.is_refusal() {
            // A new client logs in anew: what was refused may have been an old token.
            self.what.etcd.rotate();
        }
        let kind = std::mem::discriminant(&error);
        if self.trouble.replace(kind) != Some(kind) {
            self.tell(Event::Trouble(error));
        }
    }

    /// Tells that trouble is over, if there was any.
    fn recover(&mut self) {
        if self.trouble.take().is_some() {
            self.tell(Event::Recovered);
        }
    }

    /// Tells an event.
    pub(super) fn tell(&mut self, event: Event) {
        (self.events)(event);
    }

    /// How long one endpoint may take to answer a heartbeat.
    pub(super) fn patience(&self, ttl: Duration) -> Duration {
        (ttl / PATIENCE_PER_TTL).min(self.what.etcd.timeout())
    }

    /// How long one endpoint may take to write.
    pub(super) fn write_patience(&self) -> Duration {
        let patience = self.what.terms.ttl / PATIENCE_PER_TTL;
        patience.max(WRITE_PATIENCE_MIN).min(self.what.etcd.timeout())
    }
}

/// Calls whenever the key changed, for as long as it is polled. A watch that begins knows
/// nothing of what was before, so it calls once then, too.
async fn watch(etcd: &Etcd, key: &str, changed: &Notify) -> Infallible {
    let range = (key.as_bytes().to_vec(), [key.as_bytes(), b"\0"].concat());
    let mut backoff = Backoff::new(RETRY.0, WATCH_RETRY_MAX);
    loop {
        // The half that asks is kept: the watch ends with it.
        if let Ok((_requests, mut messages)) = etcd.watch(&range, 0).await {
            let since = Instant::now();
            changed.notify_one();
            while let Ok(message) = messages.next().await {
                if !message.events.is_empty() {
                    changed.notify_one();
                }
            }
            if since.elapsed() > GOOD_TENURE {
                backoff.reset();
            }
        }
        sleep(backoff.wait()).await;
    }
}

/// An interval, or a little less.
fn early(interval: Duration) -> Duration {
    interval.mul_f64(1.0 - HEARTBEAT_JITTER * fastrand::f64())
}

/// The longest wait between tries where a lease of this TTL is at stake.
fn retry_max(ttl: Duration) -> Duration {
    (ttl / TRIES_PER_LEASE).clamp(RETRY.0, RETRY.1)
}
