//! Renewing many leases over few streams.
//!
//! LeaseKeepAlive is a stream in both directions: a lease id in each request, and what is
//! left of that lease in each answer. One stream therefore serves any number of leases, in
//! the order in which they are asked for. A member that does not lead asks the leader
//! about each in turn, so leases are spread over a few such lanes; a lane opens its stream
//! when it is first needed.
//!
//! An answer that does not come within its patience ends the stream: the member is left,
//! and all that wait are asked again at the next.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use etcd_client::proto::PbLeaseKeepAliveRequest;
use etcd_client::{Client, LeaseKeepAliveStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::outage::Outage;
use crate::etcd::permission::Need;
use crate::etcd::{Error, Etcd};

/// Streams that leases are spread over. A follower takes up to 2 ms to ask a leader that
/// is not near, and 10,000 leases are renewed 2,000 times a second.
const LANES: usize = 8;
/// Renewals that wait until their lane takes them; who finds it full waits for a place.
const ASKS_MAX: usize = 1_024;
/// Streams that a renewal is tried on before it fails.
const LINES_PER_ASK: u8 = 3;
/// The TTL of a lease that is granted only to open a stream with, and revoked then.
const ANCHOR_TTL: Duration = Duration::from_secs(10);
/// Spreads lease ids, which count up in steps, over the lanes (Knuth, multiplicative
/// hashing).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// The renewer of leases.
pub(super) struct LeaseRenewer {
    /// Where they are kept.
    etcd: Etcd,
    /// What is known of an outage.
    outage: Arc<Outage>,
    /// The lanes that were needed so far.
    lanes: [OnceLock<mpsc::Sender<Ask>>; LANES],
}

/// A lease to renew.
struct Ask {
    /// Its id.
    lease: i64,
    /// How long one member may take to answer.
    patience: Duration,
    /// Who waits.
    reply: oneshot::Sender<Result<(), Error>>,
}

/// Somebody who waits for an answer.
struct Waiting {
    /// What was asked.
    ask: Ask,
    /// When the answer is overdue.
    deadline: Instant,
    /// Streams on which it was asked in vain.
    lines: u8,
}

/// The leases of one stream; a task of its own renews them.
struct Lane {
    /// Where the leases are kept.
    etcd: Etcd,
    /// What is known of an outage.
    outage: Arc<Outage>,
    /// What is to be renewed.
    asks: mpsc::Receiver<Ask>,
    /// Who waits, by lease.
    waiting: HashMap<i64, Waiting>,
    /// The same by deadline.
    deadlines: BTreeSet<(Instant, i64)>,
}

/// An open stream.
struct RenewalStream {
    /// The half that asks.
    requests: mpsc::Sender<PbLeaseKeepAliveRequest>,
    /// The half that answers.
    answers: LeaseKeepAliveStream,
    /// The member it stands on.
    address: String,
}

impl LeaseRenewer {
    /// Nothing is opened until it is needed.
    pub(super) fn new(etcd: Etcd, outage: Arc<Outage>) -> Self {
        Self { etcd, outage, lanes: Default::default() }
    }

    /// Renews a lease. Each member may take `patience`.
    ///
    /// # Errors
    /// [`Error::LeaseGone`] when it ended; else no member answered, or one refused.
    pub(super) async fn renew(&self, lease: i64, patience: Duration) -> Result<(), Error> {
        let (reply, answer) = oneshot::channel();
        let ended = || Error::Ended("nobody renews leases any more".to_owned());
        let asked = self.lane(lease).send(Ask { lease, patience, reply }).await;
        asked.map_err(|_| ended())?;
        let renewed = answer.await.unwrap_or_else(|_| Err(ended()));
        // Newer releases ask for the permission to write the keys of a lease.
        renewed.map_err(|error| self.etcd.explain_prefix(error, Need::Write))
    }

    /// The lane of a lease, started when it is first needed.
    fn lane(&self, lease: i64) -> &mpsc::Sender<Ask> {
        let spread = lease.cast_unsigned().wrapping_mul(SPREAD) >> 32;
        self.lanes[spread as usize % LANES].get_or_init(|| {
            let (sender, asks) = mpsc::channel(ASKS_MAX);
            let (etcd, outage) = (self.etcd.clone(), Arc::clone(&self.outage));
            let (waiting, deadlines) = Default::default();
            tokio::spawn(Lane { etcd, outage, asks, waiting, deadlines }.run());
            sender
        })
    }
}

impl Lane {
    /// Opens streams and uses them until nobody can ask any more.
    async fn run(mut self) {
        while self.is_needed().await {
            match self.open().await {
                Ok(Some(line)) => self.hold(line).await,
                Ok(None) => (),
                Err(error) => self.fail(&error),
            }
        }
    }

    /// Waits for something to renew, and takes all there is.
    async fn is_needed(&mut self) -> bool {
        if self.waiting.is_empty() {
            let Some(ask) = self.asks.recv().await else { return false };
            self.take(ask);
        }
        while let Ok(ask) = self.asks.try_recv() {
            self.take(ask);
        }
        true
    }

    /// Opens a stream with the lease that waits longest. If that one is gone while others
    /// wait, one is granted to open the stream with: all may be gone.
    async fn open(&mut self) -> Result<Option<RenewalStream>, Error> {
        let Some((_, first)) = self.deadlines.first().copied() else { return Ok(None) };
        let patience = self.waiting.get(&first).map_or(ANCHOR_TTL, |it| it.ask.patience);
        match self.outage.guard(connect(&self.etcd, first, patience)).await {
            Ok(line) => {
                self.answer(first, Ok(()));
                Ok(Some(line))
            }
            Err(Error::LeaseGone) => {
                self.answer(first, Err(Error::LeaseGone));
                let others = !self.waiting.is_empty();
                if others { self.open_anchored(patience).await.map(Some) } else { Ok(None) }
            }
            Err(error) => Err(error),
        }
    }

    /// Opens a stream with a lease that is granted for that and revoked at once; the
    /// stream outlives it.
    async fn open_anchored(&self, patience: Duration) -> Result<RenewalStream, Error> {
        let anchor = self.outage.guard(self.etcd.grant(ANCHOR_TTL, patience)).await?;
        let line = connect(&self.etcd, anchor.id, patience).await;
        if let Err(error) = self.etcd.revoke(anchor.id, patience).await {
            tracing::debug!("could not revoke lease; it will expire: {error}");
        }
        line.map_err(|error| match error {
            Error::LeaseGone => Error::Ended("a lease ended as soon as it was granted".to_owned()),
            error => error,
        })
    }

    /// Asks and answers over a stream until it ends, or an answer is overdue.
    async fn hold(&mut self, mut line: RenewalStream) {
        let mut unsent = self.ask_anew();
        loop {
            let overdue = self.deadlines.first().map(|(deadline, _)| *deadline);
            tokio::select! {
                ask = self.asks.recv() => {
                    let Some(ask) = ask else { return };
                    unsent.push_back(ask.lease);
                    self.take(ask);
                }
                place = line.requests.reserve(), if !unsent.is_empty() => {
                    let (Ok(place), Some(id)) = (place, unsent.pop_front()) else { break };
                    place.send(PbLeaseKeepAliveRequest { id });
                }
                answer = line.answers.message() => {
                    let Ok(Some(answer)) = answer else { break };
                    let is_there = answer.ttl() > 0;
                    self.answer(answer.id(), if is_there { Ok(()) } else { Err(Error::LeaseGone) });
                }
                () = at(overdue) => {
                    self.etcd.leave(&line.address);
                    break;
                }
            }
        }
        self.count_line();
    }

    /// Takes an ask; one for the same lease that nobody waits for any more is forgotten.
    fn take(&mut self, ask: Ask) {
        let deadline = Instant::now() + ask.patience;
        let lease = ask.lease;
        self.deadlines.insert((deadline, lease));
        if let Some(old) = self.waiting.insert(lease, Waiting { ask, deadline, lines: 0 }) {
            self.deadlines.remove(&(old.deadline, lease));
            self.deadlines.insert((deadline, lease));
        }
    }

    /// Gives all who wait a new deadline. Gives their leases, who waited longest first.
    fn ask_anew(&mut self) -> VecDeque<i64> {
        let leases: VecDeque<_> = self.deadlines.iter().map(|(_, lease)| *lease).collect();
        self.deadlines.clear();
        for (lease, waiting) in &mut self.waiting {
            waiting.deadline = Instant::now() + waiting.ask.patience;
            self.deadlines.insert((waiting.deadline, *lease));
        }
        leases
    }

    /// A stream ended: who waits is asked on the next, but not for ever.
    fn count_line(&mut self) {
        let mut tired = Vec::new();
        for (lease, waiting) in &mut self.waiting {
            waiting.lines += 1;
            if waiting.lines >= LINES_PER_ASK {
                tired.push((*lease, waiting.ask.patience));
            }
        }
        for (lease, patience) in tired {
            self.answer(lease, Err(Error::Silent(patience)));
        }
    }

    /// Answers all who wait.
    fn fail(&mut self, error: &Error) {
        self.deadlines.clear();
        for (_, waiting) in self.waiting.drain() {
            // Who does not wait any more needs no answer.
            let _ = waiting.ask.reply.send(Err(error.clone()));
        }
    }

    /// Answers who waits for a lease.
    fn answer(&mut self, lease: i64, answer: Result<(), Error>) {
        if let Some(waiting) = self.waiting.remove(&lease) {
            self.deadlines.remove(&(waiting.deadline, lease));
            let _ = waiting.ask.reply.send(answer);
        }
    }
}

/// Opens a stream by renewing a lease, on the first member that answers.
async fn connect(etcd: &Etcd, lease: i64, patience: Duration) -> Result<RenewalStream, Error> {
    let open = |mut client: Client| async move { client.lease_keep_alive(lease).await };
    let (keeper, answers) = etcd.call(patience, open).await?;
    Ok(RenewalStream { requests: keeper.sender, answers, address: etcd.endpoint() })
}

/// Waits until then, or for ever.
async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
