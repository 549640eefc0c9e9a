//! The listener of a session, which learns, while nothing changes, that its member lives.
//!
//! A request for progress is answered by etcd as soon as the watch has come so far. Some
//! servers never answer: etcd's grpc-proxy, and whatever else does not know the request. They
//! are told from a member that is frozen by a read of one key, which the same connection
//! carries: where it is answered and the request was not, the endpoint is known as mute, and
//! is asked by such reads from then on. That its watch goes on is then shown by the audit
//! alone.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::SILENCE_LIMIT;
use crate::etcd::{Error, Etcd, Message, MessageOrigin, Messages, Requests, Watch};

/// A watch, and how it is asked in a silence.
pub(super) struct Listener {
    /// The registry.
    etcd: Etcd,
    /// The endpoint that the watch stands on.
    address: String,
    /// The key that is read: one that whoever may read the zone may read.
    key: Vec<u8>,
    /// The half of the watch that asks.
    requests: Requests,
    /// The half that answers.
    pub(super) messages: Messages,
    /// Whether a request for progress was ever answered on this watch: one that is not
    /// answered then means trouble.
    has_answered: bool,
}

impl Listener {
    /// A watch that nothing was heard of yet.
    pub(super) fn new(etcd: Etcd, watch: Watch, key: Vec<u8>) -> Self {
        let Watch { requests, messages, address } = watch;
        Self { etcd, address, key, requests, messages, has_answered: false }
    }

    /// Whether the endpoint is asked by reads, which say nothing of the watch.
    pub(super) fn is_mute(&self) -> bool {
        !self.has_answered && self.etcd.is_mute(&self.address)
    }

    /// Waits for a message. After a silence of `patience` the member is asked; a silence of
    /// [`SILENCE_LIMIT`] is an error.
    pub(super) async fn next(&mut self, patience: Duration) -> Result<Message, Error> {
        let message = match timeout(patience, self.messages.next()).await {
            Ok(message) => message?,
            Err(_) => self.ask(SILENCE_LIMIT.saturating_sub(patience)).await?,
        };
        if message.origin == MessageOrigin::Asked {
            self.has_answered = true;
            self.etcd.set_mute(&self.address, false);
        }
        Ok(message)
    }

    /// Asks, and waits so long for a word: of the watch, or of the member where the watch is
    /// not known to answer.
    async fn ask(&mut self, patience: Duration) -> Result<Message, Error> {
        let is_mute = self.is_mute();
        if !is_mute {
            self.requests.progress().await?;
        }
        let mut over = pin!(sleep(patience));
        let mut reading = pin!(self.etcd.ask(&self.address, &self.key, patience));
        let mut read = None;
        loop {
            tokio::select! {
                biased;
                message = self.messages.next() => return message,
                end = &mut reading, if !self.has_answered && read.is_none() => {
                    if is_mute {
                        return end.map_err(as_silence);
                    }
                    read = Some(end);
                }
                () = &mut over => break,
            }
        }
        match read {
            Some(Ok(message)) => {
                self.learn_mute();
                Ok(message)
            }
            _ => Err(Error::Silent(SILENCE_LIMIT)),
        }
    }

    /// Notes that the endpoint answers reads, and no request for progress.
    fn learn_mute(&self) {
        if self.etcd.set_mute(&self.address, true) {
            tracing::info!(
                endpoint = %self.address,
                "no answer to progress requests (etcd's grpc-proxy has none); reading one key \
                 instead"
            );
        }
    }
}

/// The same error, with all of the silence where there was no answer.
fn as_silence(error: Error) -> Error {
    if matches!(error, Error::Silent(_)) { Error::Silent(SILENCE_LIMIT) } else { error }
}
