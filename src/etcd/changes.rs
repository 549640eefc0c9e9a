//! Changes of a range from a revision on, each with what stood there before.

use etcd_client::proto::{PbEvent, PbWatchResponse};
use etcd_client::{
    Client, KeyValue, WatchOptions, WatchRequestSender, WatchResponse, WatchResponseStream,
};

use super::permission::Need;
use super::txn::{Pair, Range};
use super::watch::cancelled;
use super::{Error, Etcd};

/// The most octets of one message that are taken; etcd splits larger ones, since fragments are
/// asked for.
const MESSAGE_OCTETS: usize = 16 << 20;
/// Changes that are kept of one revision until it is complete: a transaction of etcd has 128
/// operations by default, the end of a lease or a deletion may take more keys with it.
const REVISION_CHANGES_MAX: usize = 10_000;
/// Octets that are kept of it. With them and one message of etcd's, some 2 MiB by default, a
/// stream holds what is its own.
const REVISION_OCTETS_MAX: usize = 4 << 20;

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

impl Changed {
    /// Octets that it holds.
    const fn octets(&self) -> usize {
        let pair = size_of::<Self>() + self.pair.key.len() + self.pair.value.len();
        match &self.previous {
            Some(previous) => pair + previous.key.len() + previous.value.len(),
            None => pair,
        }
    }
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
    /// The next changes, all of their revisions; a revision of more than is kept comes in parts.
    /// It can be dropped and asked for again without losing one.
    ///
    /// # Errors
    /// [`Error::Compacted`], [`Error::Forbidden`], [`Error::LoggedOut`] or [`Error::Ended`]:
    /// the stream is over.
    pub async fn next(&mut self) -> Result<Vec<Changed>, Error> {
        loop {
            let is_whole = self.read().await?;
            let ready = ready(&mut self.pending, is_whole);
            if !ready.is_empty() {
                return Ok(ready);
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

/// Takes the changes whose revisions are complete, or all where the last has too many.
fn ready(pending: &mut Vec<Changed>, is_whole: bool) -> Vec<Changed> {
    let last = pending.last().map(|change| change.pair.modified);
    let is_last = |change: &Changed| Some(change.pair.modified) == last;
    let complete = pending.iter().position(is_last).unwrap_or_default();
    let octets: usize = pending[complete..].iter().map(Changed::octets).sum();
    let count = pending.len() - complete;
    if is_whole || count > REVISION_CHANGES_MAX || octets > REVISION_OCTETS_MAX {
        return std::mem::take(pending);
    }
    let rest = pending.split_off(complete);
    std::mem::replace(pending, rest)
}

/// Reads an event. Types other than PUT (0) and DELETE (1) do not exist.
fn changed(event: PbEvent) -> Option<Changed> {
    let is_deleted = event.r#type == 1;
    let pair = |kv| Pair::from(KeyValue(kv));
    let previous = event.prev_kv.map(pair);
    event.kv.map(|kv| Changed { pair: pair(kv), previous, is_deleted })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Changes at some revisions, each with a value of so many octets.
    fn changes(revisions: &[i64], octets: usize) -> Vec<Changed> {
        let one = |modified: &i64| {
            let pair = Pair { modified: *modified, value: vec![0; octets], ..Pair::default() };
            Changed { pair, previous: None, is_deleted: false }
        };
        revisions.iter().map(one).collect()
    }

    #[test]
    fn only_the_last_revision_of_a_fragment_is_kept() {
        let mut pending = changes(&[1, 2, 2, 3, 3], 1);
        assert_eq!(ready(&mut pending, false), changes(&[1, 2, 2], 1));
        assert!(ready(&mut pending, false).is_empty());
        pending.extend(changes(&[3], 1));
        assert_eq!(ready(&mut pending, true), changes(&[3, 3, 3], 1));
        assert!(pending.is_empty() && ready(&mut pending, true).is_empty());
    }

    #[test]
    fn a_revision_of_too_much_comes_in_parts() {
        let mut many = changes(&vec![7; REVISION_CHANGES_MAX + 1], 0);
        assert_eq!(ready(&mut many, false).len(), REVISION_CHANGES_MAX + 1);
        let mut large = changes(&[7; 3], REVISION_OCTETS_MAX / 2);
        assert_eq!(ready(&mut large, false).len(), 3);
    }
}
