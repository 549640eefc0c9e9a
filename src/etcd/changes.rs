//! Changes of a range from a revision on, each with what stood there before.

use etcd_client::proto::{PbEvent, PbKeyValue, PbWatchResponse};
use etcd_client::{Client, WatchOptions, WatchRequestSender, WatchResponse, WatchResponseStream};

use super::permission::Need;
use super::txn::{Pair, Range};
use super::watch::cancelled;
use super::{Error, Etcd};

/// The most octets of one message that are taken; etcd splits larger ones, since fragments are
/// asked for.
const MESSAGE_OCTETS: usize = 16 << 20;
/// Changes that are kept of one revision until it is complete: a transaction of etcd has 128
/// operations by default, the end of a lease may take more keys with it.
const REVISION_CHANGES_MAX: usize = 10_000;

/// One change of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// What stands there since; of a key that was deleted, the key and the revision alone.
    pub pair: Pair,
    /// What stood there before, as far as etcd still knows.
    pub previous: Option<Pair>,
    /// Whether the key was deleted.
    pub is_deleted: bool,
}

/// The changes of a range. They come from one member, and end with its connection.
pub struct Changes {
    /// The half that asks, kept because the stream ends with it.
    _requests: WatchRequestSender,
    /// The stream.
    stream: WatchResponseStream,
    /// The revision it began at, for errors.
    from: i64,
    /// Changes of a revision of which more is to come.
    pending: Vec<Changed>,
}

impl Etcd {
    /// The changes of a range from a revision on.
    ///
    /// # Errors
    /// [`Error::Compacted`]: that revision is not remembered any more; else no endpoint
    /// answered, or the registry refused.
    pub async fn changes(&self, range: &Range, from: i64) -> Result<Changes, Error> {
        let options = WatchOptions::new().with_range(range.1.clone()).with_start_revision(from);
        let options = options.with_prev_key().with_fragment();
        let open = |client: Client| {
            let options = options.clone();
            let mut watch = client.watch_client().max_decoding_message_size(MESSAGE_OCTETS);
            async move {
                let stream = watch.watch(range.0.clone(), Some(options)).await?;
                let (_requests, stream) = stream.split();
                let mut changes = Changes { _requests, stream, from, pending: Vec::new() };
                // A refusal comes in the place of the word that it was created.
                changes.read().await?;
                Ok::<_, Error>(changes)
            }
        };
        let opened = self.call(self.timeout(), open).await;
        opened.map_err(|error| self.explain(error, Need::Read, range))
    }
}

impl Changes {
    /// The next changes, all of their revisions. It can be dropped and asked for again without
    /// losing one.
    ///
    /// # Errors
    /// [`Error::Compacted`], [`Error::Forbidden`], [`Error::LoggedOut`] or [`Error::Ended`]:
    /// the stream is over.
    pub async fn next(&mut self) -> Result<Vec<Changed>, Error> {
        loop {
            let is_whole = self.read().await?;
            if self.pending.len() > REVISION_CHANGES_MAX {
                return Err(Error::Unsound("a revision of it has no end".to_owned()));
            }
            if is_whole && !self.pending.is_empty() {
                return Ok(std::mem::take(&mut self.pending));
            }
        }
    }

    /// Reads one message. Says whether its last revision is complete.
    async fn read(&mut self) -> Result<bool, Error> {
        match self.stream.message().await? {
            Some(response) => self.take(response),
            None => Err(Error::Ended("the member closed it".to_owned())),
        }
    }

    /// Takes what a message says.
    fn take(&mut self, response: WatchResponse) -> Result<bool, Error> {
        let PbWatchResponse { canceled, compact_revision, cancel_reason, events, fragment, .. } =
            response.0;
        if canceled {
            return Err(cancelled(&cancel_reason, self.from, compact_revision));
        }
        self.pending.extend(events.into_iter().filter_map(changed));
        Ok(!fragment)
    }
}

/// Reads an event. Types other than PUT (0) and DELETE (1) do not exist.
fn changed(event: PbEvent) -> Option<Changed> {
    let is_deleted = event.r#type == 1;
    let previous = event.prev_kv.map(pair);
    event.kv.map(|kv| Changed { pair: pair(kv), previous, is_deleted })
}

/// Reads a pair.
fn pair(kv: PbKeyValue) -> Pair {
    Pair {
        key: kv.key,
        value: kv.value,
        lease: kv.lease,
        created: kv.create_revision,
        modified: kv.mod_revision,
    }
}
