//! Looking whether keys are as they were put, many in one request.
//!
//! A transaction compares the revisions of up to 128 keys and reads nothing while all of
//! them are untouched, which is nearly always; only where one is not are they looked up. Whoever
//! asks waits a moment for others, so that 10,000 registrations make some twenty requests
//! a second.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use etcd_client::{Client, Compare, CompareOp, GetOptions, Txn, TxnOp, TxnOpResponse};
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

use super::outage::Outage;
use crate::etcd::permission::Need;
use crate::etcd::{Error, Etcd, LeasedKey};

/// Keys in one transaction: the default of etcd's `--max-txn-ops`.
const BATCH_MAX: usize = 128;
/// Looks that wait for a batch to take them; who finds it full waits for a place.
const ASKS_MAX: usize = 1_024;

/// The state of a key that was put at some revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sighting {
    /// What was put.
    Untouched,
    /// Nothing.
    Gone,
    /// What was put later, under this lease; 0 for none.
    Put(i64),
}

/// The verifier of keys.
pub(super) struct Verifier {
    /// Where they are.
    etcd: Etcd,
    /// What is known of an outage.
    outage: Arc<Outage>,
    /// How long the first of a batch waits for others.
    gather: Duration,
    /// The task that makes batches, once it is needed.
    asks: OnceLock<mpsc::Sender<Ask>>,
}

/// A key to look at.
struct Ask {
    key: String,
    /// The revision it was put at.
    revision: i64,
    /// How long one member may take to answer.
    patience: Duration,
    /// Who waits.
    reply: oneshot::Sender<Result<Sighting, Error>>,
}

impl Verifier {
    /// Nothing is asked until it is needed.
    pub(super) const fn new(etcd: Etcd, outage: Arc<Outage>, gather: Duration) -> Self {
        Self { etcd, outage, gather, asks: OnceLock::new() }
    }

    /// What became of a key since it was put at `revision`, read linearizably.
    ///
    /// # Errors
    /// [`Error`]: no member answered, or the registry refused.
    pub(super) async fn look(
        &self,
        key: &str,
        revision: i64,
        patience: Duration,
    ) -> Result<Sighting, Error> {
        let (reply, answer) = oneshot::channel();
        let ended = || Error::Ended("nobody looks at keys any more".to_owned());
        let ask = Ask { key: key.to_owned(), revision, patience, reply };
        self.asks().send(ask).await.map_err(|_| ended())?;
        answer.await.unwrap_or_else(|_| Err(ended()))
    }

    /// The task that makes batches.
    fn asks(&self) -> &mpsc::Sender<Ask> {
        self.asks.get_or_init(|| {
            let (sender, asks) = mpsc::channel(ASKS_MAX);
            let (etcd, outage) = (self.etcd.clone(), Arc::clone(&self.outage));
            tokio::spawn(answer_batches(etcd, outage, self.gather, asks));
            sender
        })
    }
}

/// Gathers batches and answers them, until nobody can ask any more.
async fn answer_batches(
    etcd: Etcd,
    outage: Arc<Outage>,
    gather: Duration,
    mut asks: mpsc::Receiver<Ask>,
) {
    while let Some(first) = asks.recv().await {
        let mut batch = vec![first];
        // Where a whole batch waits already, a moment more would only make the queue longer.
        if asks.len() + 1 < BATCH_MAX {
            sleep(gather).await;
        }
        while batch.len() < BATCH_MAX
            && let Ok(ask) = asks.try_recv()
        {
            batch.push(ask);
        }
        let seen = outage.guard(look_at(&etcd, &batch)).await;
        answer(batch, seen);
    }
}

/// Answers everybody in a batch.
fn answer(batch: Vec<Ask>, seen: Result<Option<Vec<Option<LeasedKey>>>, Error>) {
    let mut seen = seen.map(|found| found.map(Vec::into_iter));
    for ask in batch {
        let sighting = match &mut seen {
            Ok(None) => Ok(Sighting::Untouched),
            Ok(Some(found)) => Ok(sighting(found.next().flatten().as_ref(), ask.revision)),
            Err(error) => Err(error.clone()),
        };
        // Who does not wait any more needs no answer.
        let _ = ask.reply.send(sighting);
    }
}

/// What a key that was read shows.
fn sighting(held: Option<&LeasedKey>, revision: i64) -> Sighting {
    match held {
        None => Sighting::Gone,
        Some(held) if held.revision == revision => Sighting::Untouched,
        Some(held) => Sighting::Put(held.lease),
    }
}

/// Looks at the keys of a batch. Gives what stands at each, without its value, unless all
/// are untouched. An answer with values might be larger than what is taken.
async fn look_at(etcd: &Etcd, batch: &[Ask]) -> Result<Option<Vec<Option<LeasedKey>>>, Error> {
    let untouched =
        |ask: &Ask| Compare::mod_revision(ask.key.as_str(), CompareOp::Equal, ask.revision);
    let without_value = GetOptions::new().with_keys_only();
    let read = |ask: &Ask| TxnOp::get(ask.key.as_str(), Some(without_value.clone()));
    let txn = Txn::new().when(batch.iter().map(untouched).collect::<Vec<_>>());
    let txn = txn.or_else(batch.iter().map(read).collect::<Vec<_>>());
    let run = |mut client: Client| {
        let txn = txn.clone();
        async move { client.txn(txn).await }
    };
    let patience = batch.iter().map(|ask| ask.patience).min().unwrap_or_default();
    let response = etcd.call(patience, run).await.map_err(|error| match batch.first() {
        Some(ask) => etcd.explain_key(error, Need::Read, ask.key.as_bytes()),
        None => error,
    })?;
    if response.succeeded() {
        return Ok(None);
    }
    let held = |response: TxnOpResponse| match response {
        TxnOpResponse::Get(mut get) => get.take_kvs().into_iter().next().map(LeasedKey::from),
        _ => None,
    };
    Ok(Some(response.op_responses().into_iter().map(held).collect()))
}
