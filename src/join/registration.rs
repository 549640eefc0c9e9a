//! One registration: claimed, kept, regained for ever, left.

use std::convert::Infallible;
use std::mem::Discriminant;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::event::{Event, Fault, Loss};
use super::health::{Condition, Health};
use super::pace::{AWAY, Call, Pace};
use super::pulse::LoopWatchdog;
use crate::backoff::Backoff;
use crate::etcd::{Error, Lease, SharedClient, Sighting};

/// The first wait before another try, and the longest: one small request every other
/// second is no load, and who waits for a registration waits no longer.
pub(super) const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// How many tries fit into a lease at the least, however short it is.
const TRIES_PER_LEASE: u32 = 4;
/// A registration that stood this long was a good one: the next loss is made good without
/// a long wait.
const GOOD_TENURE: Duration = Duration::from_secs(10);
/// Losses that are made good without any wait. Who loses a registration again and again, in
/// less than [`GOOD_TENURE`], waits from then on: somebody takes it away.
const LOSSES_AT_ONCE: u32 = 2;
/// Endpoints that are tried before a lease ends: with heartbeats at half of the TTL, each
/// has a third of the rest.
pub(super) const PATIENCE_PER_TTL: u32 = 6;
/// The same where haste is of no use: there is one endpoint only, or all were too slow.
const PATIENCE_PER_TTL_UNHURRIED: u32 = 3;
/// The least patience for what etcd writes to its disk: a busy one takes its time.
pub(super) const WRITE_PATIENCE_MIN: Duration = Duration::from_secs(1);

/// The terms on which a registration is held.
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
#[derive(Debug, Clone)]
pub struct Registration {
    /// The registry, and what is shared with other registrations.
    pub(super) upkeep: SharedClient,
    /// The key.
    pub(super) key: String,
    /// The document.
    pub(super) value: String,
    /// How it is held.
    pub(super) terms: Terms,
    /// Told whenever the loops go round.
    pub(super) pulse: LoopWatchdog,
    /// Whether it follows on another one, elsewhere: then nothing ends it any more.
    is_again: bool,
}

/// A registration being held.
pub(super) struct Tenure<E> {
    /// What is held.
    pub(super) what: Registration,
    /// Who is told.
    events: E,
    /// Our lease, which may have ended without our knowing.
    pub(super) lease: Option<OwnLease>,
    /// Whether it was in the registry already.
    pub(super) is_registered: bool,
    /// Whether that was told.
    is_told: bool,
    /// The kind of trouble that was told last and has not ended.
    trouble: Option<Discriminant<Error>>,
    /// Between tries to claim.
    pub(super) backoff: Backoff,
    /// Losses since it last stood for long.
    losses: u32,
    /// Whether the registry was too slow for a heartbeat's patience.
    is_slow: bool,
}

/// A lease of ours.
#[derive(Debug, Clone, Copy)]
pub(super) struct OwnLease {
    /// The lease.
    pub(super) lease: Lease,
    /// When it was last renewed, at the latest.
    pub(super) renewed: Instant,
}

impl Registration {
    /// A registration of `value` at `key`. Nothing is done until it is held.
    #[must_use]
    pub fn new(upkeep: SharedClient, key: String, value: String, terms: Terms) -> Self {
        Self { upkeep, key, value, terms, pulse: LoopWatchdog::default(), is_again: false }
    }

    /// The same, which tells that its loops go round.
    #[must_use]
    pub fn with_pulse(self, pulse: LoopWatchdog) -> Self {
        Self { pulse, ..self }
    }

    /// The same, which follows on another one elsewhere.
    pub(super) fn again(self) -> Self {
        Self { is_again: true, ..self }
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
        self.hold_while(Health::always(), events, shutdown).await
    }

    /// The same, while it is healthy; else it is not in the registry.
    ///
    /// # Errors
    /// [`Fault`], only before the first registration.
    pub(super) async fn hold_while(
        self,
        health: Health,
        events: impl FnMut(Event),
        shutdown: CancellationToken,
    ) -> Result<(), Fault> {
        let backoff = Backoff::new(RETRY.0, retry_max(self.terms.ttl));
        let is_registered = self.is_again;
        let mut tenure = Tenure {
            what: self,
            events,
            lease: None,
            is_registered,
            is_told: false,
            trouble: None,
            backoff,
            losses: 0,
            is_slow: false,
        };
        let end = shutdown.run_until_cancelled(tenure.live(health)).await;
        tenure.leave().await;
        match end {
            Some(Err(fault)) => Err(fault),
            None => Ok(()),
        }
    }
}

impl<E: FnMut(Event)> Tenure<E> {
    /// Is in the registry while healthy, and out of it while not, for ever.
    async fn live(&mut self, mut health: Health) -> Result<Infallible, Fault> {
        loop {
            if let Condition::Ill(reason) = health.known().await {
                self.tell(Event::Unhealthy(reason));
                tokio::select! {
                    never = self.withdraw() => match never {},
                    () = health.well() => self.tell(Event::Healthy),
                }
            }
            tokio::select! {
                end = self.stay() => return end,
                () = health.ill() => (),
            }
        }
    }

    /// Claims and keeps, for ever.
    async fn stay(&mut self) -> Result<Infallible, Fault> {
        loop {
            let (lease, revision) = self.claim().await?;
            self.is_registered = true;
            let is_first = !std::mem::replace(&mut self.is_told, true);
            self.trouble = None;
            self.tell(if is_first { Event::Registered(lease) } else { Event::Regained(lease) });
            let since = Instant::now();
            let loss = self.keep(lease, revision).await;
            self.tell(Event::Lost(loss));
            self.recoil(since).await;
        }
    }

    /// Waits before a registration that stood since then is claimed again: not at all after
    /// the first losses.
    async fn recoil(&mut self, since: Instant) {
        if since.elapsed() > GOOD_TENURE {
            self.backoff.reset();
            self.losses = 0;
        }
        self.losses = self.losses.saturating_add(1);
        if self.losses > LOSSES_AT_ONCE {
            let wait = self.backoff.wait();
            self.pause(wait).await;
        }
    }

    /// Keeps the registration until it is lost: one heartbeat after the other, each of
    /// which renews the lease and looks at the key. When the key changed, it is looked at.
    async fn keep(&mut self, lease: Lease, mut revision: i64) -> Loss {
        let watched = self.what.upkeep.watch(&self.what.key);
        let interval = self.what.terms.heartbeat.min(lease.ttl / 2);
        let mut pace = Pace::new(interval, Instant::now());
        loop {
            self.what.pulse.promise(pace.next());
            let call = tokio::select! {
                () = sleep_until(pace.next()) => Call::Due,
                () = self.is_back(pace.heeds_from()) => Call::Back,
                () = watched.changed() => Call::Changed,
            };
            let begun = Instant::now();
            match self.verify(lease, &mut revision, call.is_heartbeat()).await {
                Ok(Some(loss)) => return loss,
                Ok(None) => {
                    if call.is_heartbeat() {
                        self.recover();
                    }
                    pace.went_well(call, Instant::now());
                }
                Err(error) => {
                    // Where renewals go on, they must not wait for the rest.
                    let is_renewed = self.lease.is_some_and(|it| it.renewed >= begun);
                    pace.failed(call, error.is_away() && !is_renewed, Instant::now());
                    self.complain(error);
                }
            }
        }
    }

    /// Waits until a registry that is away is back, but no less than until then; for ever
    /// where it is not away.
    async fn is_back(&self, from: Option<Instant>) {
        let Some(from) = from else { return std::future::pending().await };
        sleep_until(from).await;
        // It is large, and mostly not waited for.
        Box::pin(self.what.upkeep.returned()).await;
    }

    /// Looks whether the key is still ours, and renews the lease if that is due.
    async fn verify(
        &mut self,
        lease: Lease,
        revision: &mut i64,
        is_due: bool,
    ) -> Result<Option<Loss>, Error> {
        if is_due && !self.renew(lease).await? {
            return Ok(Some(Loss::LeaseEnded));
        }
        let (key, patience) = (&self.what.key, self.patience(lease.ttl));
        match self.what.upkeep.look(key, *revision, patience).await? {
            Sighting::Untouched => Ok(None),
            // It went with its lease, or alone.
            Sighting::Gone if !is_due && !self.renew(lease).await? => Ok(Some(Loss::LeaseEnded)),
            Sighting::Gone => Ok(Some(Loss::Deleted)),
            Sighting::Put(other) if other != lease.id => Ok(Some(Loss::Overwritten(other))),
            Sighting::Put(_) => self.compare(lease, revision).await,
        }
    }

    /// Looks at a key that was put again under our lease: what counts is what it says.
    async fn compare(&self, lease: Lease, revision: &mut i64) -> Result<Option<Loss>, Error> {
        let held = self.what.upkeep.read(&self.what.key, self.patience(lease.ttl)).await?;
        let Some(held) = held else { return Ok(Some(Loss::Deleted)) };
        if held.value != self.what.value.as_bytes() {
            return Ok(Some(Loss::Changed));
        }
        *revision = held.revision;
        Ok(None)
    }

    /// Renews the lease. Says whether it is still there.
    pub(super) async fn renew(&mut self, lease: Lease) -> Result<bool, Error> {
        let renewed = Instant::now();
        match self.what.upkeep.renew(lease.id, self.patience(lease.ttl)).await {
            Ok(()) => self.lease = Some(OwnLease { lease, renewed }),
            Err(Error::LeaseGone) => self.lease = None,
            Err(error) => return Err(error),
        }
        Ok(self.lease.is_some())
    }

    /// Bears an error of a claim: gives up on a refusal before the first registration,
    /// else waits for the next try.
    pub(super) async fn endure(&mut self, error: Error) -> Result<(), Fault> {
        if !self.is_registered && error.is_refusal() {
            return Err(Fault::Refused(error));
        }
        let is_away = error.is_away();
        // A lease that ended while we claimed is no trouble: the next try grants another.
        if !matches!(error, Error::LeaseGone) {
            self.complain(error);
        }
        let wait = self.backoff.wait();
        self.pause_while(is_away, wait).await;
        Ok(())
    }

    /// Waits, and while the registry is away until it is back: one finds out for all, and the
    /// others need not try.
    pub(super) async fn pause_while(&self, is_away: bool, pause: Duration) {
        self.pause(pause).await;
        if is_away {
            self.what.pulse.promise(Instant::now() + AWAY);
            let _ = timeout(AWAY, Box::pin(self.what.upkeep.returned())).await;
        }
    }

    /// Waits.
    pub(super) async fn pause(&self, pause: Duration) {
        self.what.pulse.promise(Instant::now() + pause);
        sleep(pause).await;
    }

    /// Tells of trouble, unless the same kind is known.
    pub(super) fn complain(&mut self, error: Error) {
        self.is_slow |= matches!(error, Error::Slow(_) | Error::Silent(_));
        let kind = std::mem::discriminant(&error);
        if self.trouble.replace(kind) != Some(kind) {
            self.tell(Event::Trouble(error));
        }
    }

    /// Tells that trouble is over, if there was any.
    pub(super) fn recover(&mut self) {
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
        let etcd = self.what.upkeep.etcd();
        let is_hurried = !self.is_slow && etcd.endpoints().len() > 1;
        let parts = if is_hurried { PATIENCE_PER_TTL } else { PATIENCE_PER_TTL_UNHURRIED };
        (ttl / parts).min(etcd.timeout())
    }

    /// How long one endpoint may take to write. Until it is registered nothing can be lost by
    /// waiting.
    pub(super) fn write_patience(&self) -> Duration {
        let timeout = self.what.upkeep.etcd().timeout();
        if !self.is_registered || self.is_slow {
            return timeout;
        }
        (self.what.terms.ttl / PATIENCE_PER_TTL).max(WRITE_PATIENCE_MIN).min(timeout)
    }
}

/// The longest wait between tries where a lease of this TTL is at stake.
fn retry_max(ttl: Duration) -> Duration {
    (ttl / TRIES_PER_LEASE).clamp(RETRY.0, RETRY.1)
}
