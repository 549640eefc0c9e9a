//! Replies that a connection waits for: others are asked for them, or another thread makes
//! them. Whoever has to make one holds a promise of it, and the connection learns when it is
//! kept, and when it never will be.

use std::sync::Arc;

use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::Instant;

use super::connections::{Account, HeldOctets};
use crate::wire::{Path, Policy};

/// The replies that a connection waits for.
pub(in crate::wire) struct Awaited {
    /// For those who promise them.
    sender: Sender<Later>,
    /// There is room for all of them.
    receiver: Receiver<Later>,
    /// How many have not come yet.
    count: usize,
}

/// A reply that was waited for.
pub(in crate::wire) struct Later {
    /// The reply; none where it will never come.
    pub(in crate::wire) reply: Option<(HeldOctets, Path)>,
    /// By which policy its query was read.
    pub(in crate::wire) by: Arc<Policy>,
    /// When that was.
    pub(in crate::wire) since: Instant,
    /// Octets of the message that were lent to whoever makes the reply.
    pub(super) lent: usize,
}

/// The duty to make a reply. Whoever drops it says that there will be none.
pub(in crate::wire) struct Promise {
    /// Where the reply is waited for.
    sender: Sender<Later>,
    /// Where its octets are counted.
    account: Account,
    /// The reply, as it is so far.
    later: Option<Later>,
}

impl Awaited {
    /// None yet, and at most so many at once.
    pub(in crate::wire) fn new(most: usize) -> Self {
        let (sender, receiver) = channel(most);
        Self { sender, receiver, count: 0 }
    }

    /// How many are waited for.
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// Waits for one more, for which so many octets of its message are lent; it is promised.
    pub(in crate::wire) fn promise(
        &mut self,
        by: &Arc<Policy>,
        since: Instant,
        account: Account,
        lent: usize,
    ) -> Promise {
        self.count += 1;
        let later = Later { reply: None, by: Arc::clone(by), since, lent };
        Promise { sender: self.sender.clone(), account, later: Some(later) }
    }

    /// The next that is here; never if none is waited for.
    pub(in crate::wire) async fn next(&mut self) -> Option<Later> {
        let later = self.receiver.recv().await;
        self.count -= usize::from(later.is_some());
        later
    }
}

impl Promise {
    /// Here is the reply.
    pub(in crate::wire) fn keep(mut self, reply: Vec<u8>, path: Path) {
        if let Some(later) = &mut self.later {
            later.reply = Some((HeldOctets::new(reply, self.account.clone()), path));
        }
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        if let Some(later) = self.later.take() {
            // A connection that has ended wants no reply any more.
            let _ = self.sender.try_send(later);
        }
    }
}
