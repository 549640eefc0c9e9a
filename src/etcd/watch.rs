//! Watching a range: a stream of what happens to its keys after a revision.

use std::time::Duration;

use etcd_client::proto::{PbEvent, PbWatchResponse};
use etcd_client::{
    Client, GetOptions, WatchOptions, WatchRequestSender, WatchResponse, WatchResponseStream,
};

use super::permission::Need;
use super::{Error, Etcd};

/// The most octets of one message that are taken. etcd splits larger ones, since the
/// watch asks for fragments.
const MESSAGE_OCTETS: usize = 64 << 20;
/// The watch that answers to requests for progress are said to be of: all of the stream.
const ALL_WATCHES: i64 = -1;

/// One change of one key.
#[derive(Debug)]
pub struct WatchEvent {
    /// The key.
    pub key: Vec<u8>,
    /// The new value; none when the key was deleted.
    pub value: Option<Vec<u8>>,
    /// Whether the key has a lease.
    pub is_leased: bool,
    /// The revision of the change.
    pub revision: i64,
}

/// One message of a watch.
#[derive(Debug)]
pub struct Message {
    /// The registry's revision when it was sent.
    pub revision: i64,
    /// The cluster it comes from.
    pub cluster: u64,
    /// What happened, in order; nothing in a report of progress.
    pub events: Vec<WatchEvent>,
    /// Whether more of the last event's revision is to come.
    pub is_fragment: bool,
    /// How it came.
    pub origin: MessageOrigin,
}

/// The origin of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageOrigin {
    /// The watch said it by itself.
    Told,
    /// It is the answer to a request for progress.
    Asked,
    /// It is no word of the watch: a read was answered by the member that the watch stands on.
    Read,
}

/// A watch, and the endpoint that it stands on.
pub struct Watch {
    /// The half that asks.
    pub requests: Requests,
    /// The half that answers.
    pub messages: Messages,
    /// The endpoint's address.
    pub address: String,
}

/// The half of a watch that asks.
pub struct Requests(WatchRequestSender);

/// The half of a watch that answers.
pub struct Messages {
    stream: WatchResponseStream,
    /// The revision it began at, for errors.
    from: i64,
}

impl Etcd {
    /// Watches a range from a revision on. The watch stands on one endpoint and ends with
    /// it; there is no resumption behind it.
    ///
    /// # Errors
    /// [`Error`]: no endpoint answered, or the registry refused.
    pub async fn watch(&self, range: &(Vec<u8>, Vec<u8>), from: i64) -> Result<Watch, Error> {
        let options = WatchOptions::new()
            .with_range(range.1.clone())
            .with_start_revision(from)
            .with_progress_notify()
            .with_fragment();
        let open = |client: Client| {
            let options = options.clone();
            let mut watch = client.watch_client().max_decoding_message_size(MESSAGE_OCTETS);
            async move {
                let stream = watch.watch(range.0.clone(), Some(options)).await?;
                let (requests, stream) = stream.split();
                let mut messages = Messages { stream, from };
                // A refusal comes in the place of the word that it was created.
                messages.next().await?;
                Ok::<_, Error>((Requests(requests), messages))
            }
        };
        let watched = self.call_anywhere(self.timeout(), open).await;
        let (address, (requests, messages)) =
            watched.map_err(|error| self.explain(error, Need::Read, range))?;
        Ok(Watch { requests, messages, address })
    }

    /// Reads from one endpoint what costs it least and still needs a quorum: whether there is
    /// a key. Gives it as a message, which says that the member lives and nothing of the watch.
    ///
    /// # Errors
    /// [`Error`]: it did not answer, or refused.
    pub async fn ask(
        &self,
        address: &str,
        key: &[u8],
        patience: Duration,
    ) -> Result<Message, Error> {
        let count = |mut client: Client| async move {
            client.get(key, Some(GetOptions::new().with_count_only())).await
        };
        let read = self.call_at(address, patience, count).await;
        let read = read.map_err(|error| self.explain_key(error, Need::Read, key))?;
        let header = read.header();
        Ok(Message {
            revision: header.map_or(0, etcd_client::ResponseHeader::revision),
            cluster: header.map_or(0, etcd_client::ResponseHeader::cluster_id),
            events: Vec::new(),
            is_fragment: false,
            origin: MessageOrigin::Read,
        })
    }

    /// Whether an endpoint is known to answer no request for progress, though it lives.
    #[must_use]
    pub fn is_mute(&self, address: &str) -> bool {
        self.shared.endpoints.is_mute(address)
    }

    /// Notes whether an endpoint answers requests for progress. Says whether that is news.
    pub fn set_mute(&self, address: &str, is_mute: bool) -> bool {
        self.shared.endpoints.set_mute(address, is_mute)
    }
}

impl Requests {
    /// Asks for a message now, so that silence means trouble.
    ///
    /// # Errors
    /// [`Error`]: the stream is gone.
    pub async fn progress(&mut self) -> Result<(), Error> {
        self.0.request_progress().await.map_err(Error::from)
    }
}

impl Messages {
    /// The next message. It can be dropped and asked for again without losing one.
    ///
    /// # Errors
    /// [`Error::Compacted`], [`Error::Forbidden`], [`Error::LoggedOut`] or [`Error::Ended`]:
    /// the stream is over.
    pub async fn next(&mut self) -> Result<Message, Error> {
        match self.stream.message().await? {
            Some(response) => message(response, self.from),
            None => Err(Error::Ended("the member closed it".to_owned())),
        }
    }
}

/// Reads a response. A watch that was cancelled would stay open and silent for ever.
fn message(response: WatchResponse, from: i64) -> Result<Message, Error> {
    let PbWatchResponse {
        header,
        watch_id,
        canceled,
        compact_revision,
        cancel_reason,
        events,
        fragment,
        ..
    } = response.0;
    if canceled {
        return Err(cancelled(&cancel_reason, from, compact_revision));
    }
    let header = header.unwrap_or_default();
    Ok(Message {
        revision: header.revision,
        cluster: header.cluster_id,
        events: events.into_iter().filter_map(event).collect(),
        is_fragment: fragment,
        origin: if watch_id == ALL_WATCHES { MessageOrigin::Asked } else { MessageOrigin::Told },
    })
}

/// Why a watch was cancelled. Credentials and permissions are refused in band.
pub(super) fn cancelled(reason: &str, wanted: i64, oldest: i64) -> Error {
    if oldest > 0 {
        return Error::Compacted { wanted, oldest };
    }
    if let Some(refusal) = Error::of_login(reason) {
        return refusal;
    }
    Error::Ended(format!("cancelled, {reason}"))
}

/// Reads an event. Types other than PUT (0) and DELETE (1) do not exist.
fn event(event: PbEvent) -> Option<WatchEvent> {
    let pair = event.kv?;
    let value = match event.r#type {
        0 => Some(pair.value),
        1 => None,
        _ => return None,
    };
    let is_leased = pair.lease != 0;
    Some(WatchEvent { key: pair.key, value, is_leased, revision: pair.mod_revision })
}
