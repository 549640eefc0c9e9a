//! The instances of a name as they change: a stream of complete sets.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::time::sleep;
use tokio_stream::wrappers::WatchStream;
use tokio_util::task::AbortOnDropHandle;

use super::Instances;
use super::named::Named;
use crate::etcd::Etcd;
use crate::metrics::{Freshness, Vitals};
use crate::mirror::{Mirror, MirrorOptions};
use crate::registry::{Publish, Update};

/// The least time between two lists that are read since an alias leads elsewhere: whoever flips
/// one all the time must not have the registry listed as often.
const LISTS_APART: Duration = Duration::from_millis(500);

/// The instances of a name, as a stream of complete sets. See
/// [`Client::watch`](super::Client::watch).
///
/// It ends only with its runtime. While the registry is away the last set stands.
#[derive(Debug)]
#[must_use = "nothing is watched once it is dropped"]
pub struct ServiceWatch {
    /// The sets.
    sets: WatchStream<Option<Instances>>,
    /// Whether there was one.
    known: watch::Receiver<Option<Instances>>,
    /// When the registry was last heard of.
    freshness: Arc<Freshness>,
    /// What keeps it from being heard of.
    vitals: Arc<Vitals>,
    /// What follows the registry.
    _task: AbortOnDropHandle<()>,
}

impl ServiceWatch {
    /// Begins to watch a name.
    pub(super) fn start(runtime: &Handle, etcd: Etcd, name: String) -> Self {
        let (sets, known) = watch::channel(None);
        let (freshness, vitals) = (Arc::<Freshness>::default(), Arc::<Vitals>::default());
        let signs = (Arc::clone(&freshness), Arc::clone(&vitals));
        let task = AbortOnDropHandle::new(runtime.spawn(follow(etcd, name, sets, signs)));
        Self {
            sets: WatchStream::from_changes(known.clone()),
            known,
            freshness,
            vitals,
            _task: task,
        }
    }

    /// The next set: the first as soon as it is known, then whenever it changed. None only when
    /// the runtime ends.
    pub async fn next(&mut self) -> Option<Instances> {
        StreamExt::next(self).await
    }

    /// The set that was known last, taken or not; none before the first.
    #[must_use]
    pub fn current(&self) -> Option<Instances> {
        self.known.borrow().clone()
    }

    /// How long ago the registry said that the set is true; none before the first. Under 10 s
    /// while all is well.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        let is_known = self.known.borrow().is_some();
        is_known.then(|| self.freshness.age())
    }

    /// Why the registry is not followed now, and what to do about it; none while it is.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.vitals.trouble.get()
    }
}

impl Stream for ServiceWatch {
    type Item = Instances;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Instances>> {
        Pin::new(&mut self.sets).poll_next(context).map(Option::flatten)
    }
}

/// Follows a name for as long as it is polled. Where an alias leads to what was not listed, it
/// begins anew.
async fn follow(
    etcd: Etcd,
    name: String,
    sets: watch::Sender<Option<Instances>>,
    (freshness, vitals): (Arc<Freshness>, Arc<Vitals>),
) {
    let layout = etcd.url().layout();
    loop {
        let moved = Arc::new(Notify::new());
        let named = Named::new(layout.clone(), &name);
        let follower = SetTeller { named, sets: sets.clone(), moved: Arc::clone(&moved) };
        let options = MirrorOptions {
            zone: name.clone(),
            name: Some(name.clone()),
            vitals: Arc::clone(&vitals),
            ..MirrorOptions::default()
        };
        let freshness = Arc::clone(&freshness);
        let mirror = Mirror::with(options, etcd.clone(), layout.clone(), follower, freshness);
        tokio::select! {
            () = mirror.run() => return,
            () = moved.notified() => sleep(LISTS_APART).await,
        }
    }
}

/// Tells the sets of a name.
struct SetTeller {
    /// What is known.
    named: Named,
    /// Where the sets are told.
    sets: watch::Sender<Option<Instances>>,
    /// Told when more must be listed.
    moved: Arc<Notify>,
}

impl Publish for SetTeller {
    fn publish(&mut self, update: Update) {
        if !self.named.apply(&update) {
            return;
        }
        if self.named.is_partial() {
            return self.moved.notify_one();
        }
        let set: Instances = self.named.instances().into();
        self.sets.send_if_modified(|told| {
            let is_new = told.as_ref() != Some(&set);
            if is_new {
                *told = Some(set);
            }
            is_new
        });
    }
}
