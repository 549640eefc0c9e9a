//! Writes: what is around the node is read, decided on, and changed in one transaction; from the
//! beginning where another was faster.

use std::time::Duration;

use tokio::time::sleep;

use super::around::Around;
use super::decide::{Change, Decision, create, delete, put};
use super::fault::{Code, KeysFault};
use super::lives::{Chosen, Life};
use super::memory::Told;
use super::node::{Node, NodeEvent};
use super::path::NodePath;
use super::request::KeyRequest;
use super::steps::{Steps, steps};
use super::{Served, listing};
use crate::etcd::{Error, Pair, Stamp, Transacted, TxnCondition};
use crate::events::PendingWrite;
use crate::http::Author;
use crate::names::shown;

/// Reads and writes of one node before it is said that others change it all the time.
const TRIES: usize = 16;
/// The longest pause after another was faster, some reads and writes of etcd's: two servers that
/// write one node must not stay in step.
const PAUSE_MAX: Duration = Duration::from_millis(8);
/// How long the reply to a write waits for this server's own mirror, so that who wrote finds it
/// by DNS.
const SEEN_WITHIN: Duration = Duration::from_secs(1);
/// Keys in a directory whose end can be changed, since they change with it in one transaction
/// of etcd, which has 128 operations and as many conditions by default.
const ENDING_KEYS_MAX: usize = 100;

/// The method of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Write {
    /// A node with this name.
    Put,
    /// A node in this directory, named so that it comes after all others.
    Post,
    /// No such node.
    Delete,
}

/// A write that is done.
#[derive(Debug)]
pub(super) struct Written {
    /// What happened.
    pub(super) event: NodeEvent,
    /// The state of the registry since.
    pub(super) stamp: Stamp,
    /// Whether it made a revision, which a renewal does not.
    is_new: bool,
}

/// One try: what was found, decided and chosen.
struct Try<'t> {
    /// What is around the node.
    around: &'t Around,
    /// What is done.
    decision: &'t Decision,
    /// What the node hangs on.
    lease: Chosen,
    /// What was left of the lease that it hung on.
    life: Option<Life>,
}

impl Served {
    /// Does a write.
    ///
    /// # Errors
    /// [`KeysFault`]: why it is not done.
    pub(super) async fn write(
        &self,
        write: Write,
        request: &KeyRequest,
        author: &Author,
    ) -> Result<Written, KeysFault> {
        let is_taken = match write {
            Write::Post => self.scope().takes_inside(&request.path),
            Write::Put | Write::Delete => self.scope().takes(&request.path),
        };
        if !is_taken {
            return Err(self.outside(&request.path).await);
        }
        let mut granted = None;
        let end = self.in_turn((write, author), request, &mut granted).await;
        if let (Err(_), Some(lease)) = (&end, granted) {
            self.leases.retire(lease).await;
        }
        let written = end?;
        if written.is_new {
            self.sees(&request.path, written.stamp.revision).await;
        }
        Ok(written)
    }

    /// Does it when no other write of the node, or of few others, is under way here: of those
    /// that meet in etcd, one alone wins each time.
    async fn in_turn(
        &self,
        write: (Write, &Author),
        request: &KeyRequest,
        granted: &mut Option<i64>,
    ) -> Result<Written, KeysFault> {
        let _turn = self.turns.of(&request.path).await;
        let _writing = self.memory.write(&request.path);
        self.try_to(write, request, granted).await
    }

    /// Tries until nobody is faster. `granted` is the lease that was granted for it.
    async fn try_to(
        &self,
        (write, author): (Write, &Author),
        request: &KeyRequest,
        granted: &mut Option<i64>,
    ) -> Result<Written, KeysFault> {
        for _ in 0..TRIES {
            let around = self.around(write, request).await?;
            if let Some(written) = granted.and_then(|lease| found(write, lease, &around)) {
                return Ok(written);
            }
            let decision = match write {
                Write::Put => put(request, &around)?,
                Write::Post => create(request, &around)?,
                Write::Delete => delete(request, &around)?,
            };
            let (lease, life) = self.lease(request, &around, &decision, *granted).await?;
            *granted = granted.or(lease.is_new.then_some(lease.id));
            let one = Try { around: &around, decision: &decision, lease, life };
            if let Some(written) = self.attempt(&one, (write, author)).await? {
                return Ok(written);
            }
            sleep(PAUSE_MAX.mul_f64(fastrand::f64())).await;
        }
        let cause = format!("{} is changed all the time; come back later", request.path.shown());
        Err(KeysFault::of_request(Code::RaftInternal, cause))
    }

    /// What is around the node that is written.
    async fn around(&self, write: Write, request: &KeyRequest) -> Result<Around, KeysFault> {
        let mut around = Around::read(&self.upkeep, &self.scope(), &request.path).await?;
        if write == Write::Post {
            // The revision at which it will be made, if nobody writes meanwhile.
            let name = format!("{:020}", around.stamp.revision.saturating_add(1));
            around = around.into_child(&name);
            if !around.own.path.fits() {
                return Err(KeysFault::of_long_path());
            }
        }
        Ok(around)
    }

    /// The lease that the node is to hang on, and what is left of the one that it hangs on.
    async fn lease(
        &self,
        request: &KeyRequest,
        around: &Around,
        decision: &Decision,
        granted: Option<i64>,
    ) -> Result<(Chosen, Option<Life>), KeysFault> {
        let (own, of_directory) = (around.own.lease(), around.lease_around());
        let life = match own {
            0 => None,
            own if own == of_directory => None,
            own => self.leases.life(own).await?,
        };
        if decision.is_removal() {
            return Ok((Chosen::default(), life));
        }
        if let (Some(id), Some(ttl)) = (granted, request.ttl) {
            return Ok((Chosen { id, life: Some(Life::new(ttl)), is_new: true }, life));
        }
        // A lease of no seconds would have its key gone before the reply.
        let ttl = request.ttl.map(|ttl| ttl.max(1));
        Ok((self.leases.choose(ttl, (own, life), of_directory).await?, life))
    }

    /// Does what was decided; none where another was faster.
    async fn attempt(
        &self,
        one: &Try<'_>,
        (write, author): (Write, &Author),
    ) -> Result<Option<Written>, KeysFault> {
        let Try { around, decision, lease, .. } = one;
        if one.is_renewed() {
            let (event, stamp) = (one.renewed(), around.stamp);
            return Ok(Some(Written { event, stamp, is_new: false }));
        }
        let inside = self.ending_inside(one).await?;
        let mut steps = steps(decision, around, lease.id, &inside);
        if write == Write::Post {
            steps.conditions.extend(one.comes_last());
        }
        let signature = self.sign(one, author);
        let Some(stamp) = self.transact(steps, lease).await? else { return Ok(None) };
        if let Some(signature) = signature
            && signature.0.done(stamp.revision)
        {
            let key = shown(around.own.path.as_str());
            tracing::info!(token = %signature.1, %key, "written over etcd's v2 API");
        }
        let told = one.told(stamp.revision);
        let event = told.event.clone();
        self.memory.keep(stamp.revision, told);
        let earlier = around.own.lease();
        if earlier != 0 && earlier != lease.id && earlier != around.lease_around() {
            self.leases.retire(earlier).await;
        }
        Ok(Some(Written { event, stamp, is_new: true }))
    }

    /// Says who writes the node: what has come since it was read is by nobody else.
    fn sign<'a>(
        &'a self,
        one: &Try<'_>,
        Author(author): &'a Author,
    ) -> Option<(PendingWrite<'a>, &'a str)> {
        let (name, after) = (author.as_ref()?, one.around.stamp.revision);
        let (authors, key) = (self.events.authors(), one.around.own.path.as_str());
        let pending = match one.decision.change {
            Change::RemoveAll { .. } => authors.begin_tree(key, name, after),
            _ => authors.begin(key, name, after),
        };
        Some((pending, name))
    }

    /// Runs a transaction; none where a condition does not hold or the lease has ended.
    async fn transact(&self, mut steps: Steps, lease: &Chosen) -> Result<Option<Stamp>, KeysFault> {
        // Keys of others are not asked after: whoever lets us in may not let us see them.
        steps.conditions.retain(|it| self.scope().has(key_of(it)));
        let patience = self.upkeep.etcd().timeout();
        match self.upkeep.transact(&steps.conditions, &steps.operations, patience).await {
            Ok(Transacted { is_done: true, stamp, .. }) => Ok(Some(stamp)),
            Ok(_) => Ok(None),
            Err(Error::LeaseGone) if !lease.is_new => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The keys of a directory that end with it, where it gets another end.
    async fn ending_inside(&self, one: &Try<'_>) -> Result<Vec<Pair>, KeysFault> {
        let (own, earlier) = (&one.around.own, one.around.own.lease());
        if one.decision.change != Change::Touch || earlier == one.lease.id {
            return Ok(Vec::new());
        }
        let stamp = one.around.stamp;
        let mut pairs = listing::pairs(self, &own.path.inside(), stamp).await?;
        pairs.retain(|pair| pair.lease == earlier);
        if pairs.len() > ENDING_KEYS_MAX {
            let cause = format!("the TTL of a directory with over {ENDING_KEYS_MAX} keys is fixed");
            return Err(KeysFault { code: Code::InvalidField, cause, index: stamp.revision });
        }
        Ok(pairs)
    }

    /// The fault of a node outside the zones, as of now.
    pub(super) async fn outside(&self, path: &NodePath) -> KeysFault {
        let now = self.upkeep.etcd().revision(&self.scope().first().unwrap_or_default(), 0).await;
        now.map_or_else(KeysFault::from, |(stamp, _)| KeysFault::outside(path, stamp.revision))
    }

    /// Waits, not for ever, until this server's mirrors have seen a revision of a node.
    async fn sees(&self, path: &NodePath, revision: i64) {
        let key = path.marker();
        for zone in self.scope().readers(&key) {
            self.events.reached(zone, revision, SEEN_WITHIN).await;
        }
    }
}

/// A write whose answer was lost, not the write: what it put hangs on the lease that was granted
/// for it.
fn found(write: Write, lease: i64, around: &Around) -> Option<Written> {
    let own = &around.own;
    let pair = own.pair().filter(|pair| write == Write::Put && pair.lease == lease)?;
    let node = match own.is_dir() {
        true => Node::directory(&own.path, pair.created, pair.modified),
        false => Node::file(&own.path, pair),
    };
    let action = if pair.created == pair.modified { "create" } else { "update" };
    let event = NodeEvent { action, node: Some(node), prev_node: None };
    Some(Written { event, stamp: around.stamp, is_new: true })
}

/// The key that a condition is about, or the first of its range.
fn key_of(condition: &TxnCondition) -> &[u8] {
    match condition {
        TxnCondition::Absent(key) | TxnCondition::Unchanged(key, _) => key,
        TxnCondition::NoneSince((from, _), _) => from,
    }
}

impl Try<'_> {
    /// Whether nothing is to be done any more: the lease is renewed, and the value stays.
    fn is_renewed(&self) -> bool {
        let is_same = self.lease.id != 0 && self.lease.id == self.around.own.lease();
        let keeps = match (&self.decision.change, &self.around.own.file) {
            (Change::Put(value), Some(file)) => *value == file.value,
            (Change::Touch, _) => true,
            _ => false,
        };
        self.decision.is_quiet && is_same && keeps
    }

    /// The reply to a renewal, which is no event.
    fn renewed(&self) -> NodeEvent {
        let modified = self.around.own.pair().map_or(0, |pair| pair.modified);
        NodeEvent { node: self.node(modified), ..self.told(modified).event }
    }

    /// The condition that a new node comes after all others of its directory.
    fn comes_last(&self) -> Option<TxnCondition> {
        let directory = self.around.ancestors.last()?;
        let revision = self.around.stamp.revision;
        Some(TxnCondition::NoneSince(directory.path.inside(), revision))
    }

    /// What is told of it, done at a revision.
    fn told(&self, revision: i64) -> Told {
        let takes_all = matches!(self.decision.change, Change::RemoveAll { .. });
        let event = NodeEvent {
            action: self.decision.action,
            node: self.node(revision),
            prev_node: self.previous(),
        };
        let (path, is_quiet) = (self.around.own.path.clone(), self.decision.is_quiet);
        Told { path, event, takes_all, is_quiet }
    }

    /// The node afterwards.
    fn node(&self, revision: i64) -> Option<Node> {
        let (decision, own) = (self.decision, &self.around.own);
        let path = &own.path;
        let created = own.created(&decision.change).unwrap_or(revision);
        let node = match &decision.change {
            Change::Put(value) => {
                let (value, modified) = (value.clone(), revision);
                Node::file(path, &Pair { value, created, modified, ..Pair::default() })
            }
            Change::Remove => Node::bare(path, created, revision),
            _ => Node::directory(path, created, revision),
        };
        Some(node.ending(self.lease.life.as_ref()))
    }

    /// The node before, if it was there.
    fn previous(&self) -> Option<Node> {
        let own = &self.around.own;
        let node = match (&own.file, own.pair()) {
            (Some(file), _) if !own.is_dir() => Node::file(&own.path, file),
            (_, Some(pair)) => Node::directory(&own.path, pair.created, pair.modified),
            _ => return None,
        };
        Some(node.ending(self.life.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::around::around;
    use super::*;

    #[test]
    fn a_write_whose_answer_was_lost_is_known_by_its_lease() {
        let read = around("/a/b", &["/a/b=7"]);
        let written = found(Write::Put, 7, &read).unwrap();
        assert_eq!(written.event.node.unwrap().modified_index, 6);
        assert!(found(Write::Put, 8, &read).is_none() && found(Write::Post, 7, &read).is_none());
        assert!(found(Write::Put, 7, &around("/a/b", &["/a/=7"])).is_none());
    }
}
