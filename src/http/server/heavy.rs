//! Replies that take more than a moment or a page of memory: made beside the runtime's
//! threads, a few at a time, and few of them kept for clients that are slow to read.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;

use super::refusal::Refusal;
use crate::http::json;

/// Replies that are made at once. One takes a processor for up to a second; the answering of
/// DNS needs the others.
const MADE_AT_ONCE: usize = 2;
/// The same for how the server stands: asked for every few seconds by each open page, and
/// not to be kept waiting by lists.
const STANDING_AT_ONCE: usize = 2;
/// Large replies on their way at once. Each may have some MiB in memory, or keep a generation,
/// for as long as its client reads slowly.
const LARGE_AT_ONCE: usize = 8;
/// Octets from which on a reply is large: as many for every connection are some ten MiB.
const LARGE_OCTETS: usize = 256 << 10;
/// Octets of a long list that are gathered before they are sent on.
const CHUNK_OCTETS: usize = 32 << 10;
/// Chunks of a long list that wait for the client, beside the one that is written.
const CHUNKS_WAITING: usize = 1;
/// The longest wait for others' replies to be made: less than clients wait.
const WAIT: Duration = Duration::from_secs(2);

/// The places of one server's replies. Clones share them.
#[derive(Debug, Clone)]
pub struct Heavy {
    /// Of those that are being made.
    made: Arc<Semaphore>,
    /// Of those that say how the server stands.
    standing: Arc<Semaphore>,
    /// Of large ones on their way.
    large: Arc<Semaphore>,
}

/// The client is gone, or told something else.
#[derive(Debug)]
pub(in crate::http) struct Gone;

/// A JSON array on its way to one client.
#[derive(Debug)]
pub(in crate::http) struct Array {
    /// What takes it to the client.
    to: mpsc::Sender<Result<Bytes, Refusal>>,
    /// What is not sent yet.
    text: Vec<u8>,
    /// Whether some of it is on its way.
    is_large: bool,
    /// The place it has.
    place: OwnedSemaphorePermit,
    /// The places of large ones.
    large: Arc<Semaphore>,
}

/// A large text, with its place.
#[derive(Debug)]
struct BulkPermit {
    /// The text.
    text: String,
    /// The place, given back when the text is sent.
    _place: OwnedSemaphorePermit,
}

impl Default for Heavy {
    fn default() -> Self {
        let places = |most| Arc::new(Semaphore::new(most));
        Self {
            made: places(MADE_AT_ONCE),
            standing: places(STANDING_AT_ONCE),
            large: places(LARGE_AT_ONCE),
        }
    }
}

impl Heavy {
    /// Does what may take a second beside the runtime's threads, and answers with its JSON.
    ///
    /// # Errors
    /// What the work says; 503 if too much else is asked for; 500 if it ended otherwise.
    pub(in crate::http) async fn beside<T: Serialize + Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
    ) -> Result<Response, Refusal> {
        self.made(&self.made, work).await
    }

    /// The same for how the server stands, which other lists do not delay.
    ///
    /// # Errors
    /// As [`Self::beside`].
    pub(in crate::http) async fn standing<T: Serialize + Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
    ) -> Result<Response, Refusal> {
        self.made(&self.standing, work).await
    }

    /// Writes an array beside the runtime's threads, and answers with it. One that is long is
    /// sent while it is written, no faster than the client reads.
    ///
    /// # Errors
    /// 503 if too much else is asked for; 500 if nothing was written.
    pub(in crate::http) async fn array(
        &self,
        write: impl FnOnce(&mut Array) -> Result<(), Gone> + Send + 'static,
    ) -> Result<Response, Refusal> {
        let (place, large) = (place(&self.made).await?, Arc::clone(&self.large));
        let (to, mut from) = mpsc::channel(CHUNKS_WAITING);
        tokio::task::spawn_blocking(move || {
            let mut array = Array { to, text: vec![b'['], is_large: false, place, large };
            write(&mut array).and_then(|()| array.end())
        });
        let first = from.recv().await.ok_or_else(|| Refusal::fault("nothing was written"))??;
        let Some(second) = from.recv().await else { return Ok(json(first)) };
        let rest = stream::iter([Ok(first), second]).chain(ReceiverStream::new(from));
        let body = Body::from_stream(rest.map(|it| it.map_err(|_| axum::BoxError::from("cut"))));
        Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
    }

    /// Does work at one of some places, and answers with its JSON.
    async fn made<T: Serialize + Send + 'static>(
        &self,
        places: &Arc<Semaphore>,
        work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
    ) -> Result<Response, Refusal> {
        let (place, large) = (place(places).await?, Arc::clone(&self.large));
        let text = move || {
            let _place = place;
            held(serde_json::to_string(&work()?).map_err(Refusal::fault)?, large)
        };
        tokio::task::spawn_blocking(text).await.map_err(Refusal::fault)?.map(json)
    }
}

/// Waits for a place; who hangs up meanwhile waits no longer.
async fn place(places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Refusal> {
    let place = timeout(WAIT, Arc::clone(places).acquire_owned()).await.map_err(|_| busy())?;
    Ok(place.expect("the places are never closed"))
}

/// A text as it is sent: a large one keeps a place until then.
fn held(text: String, large: Arc<Semaphore>) -> Result<Bytes, Refusal> {
    if text.len() < LARGE_OCTETS {
        return Ok(text.into());
    }
    let place = large.try_acquire_owned().map_err(|_| busy())?;
    Ok(Bytes::from_owner(BulkPermit { text, _place: place }))
}

/// The refusal of what is too much at once.
fn busy() -> Refusal {
    Refusal::unavailable("too many long lists are asked for at once; come back, or ask for less")
}

impl AsRef<[u8]> for BulkPermit {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

impl Array {
    /// Adds an entry. Waits until the client has read most of what was sent before.
    ///
    /// # Errors
    /// [`Gone`]: nobody takes it.
    pub(in crate::http) fn push(&mut self, entry: &impl Serialize) -> Result<(), Gone> {
        if self.is_large || self.text.len() > 1 {
            self.text.push(b',');
        }
        serde_json::to_writer(&mut self.text, entry).expect("an entry is strings and numbers");
        match self.is_large {
            false if self.text.len() >= LARGE_OCTETS => self.grow(),
            true if self.text.len() >= CHUNK_OCTETS => self.send(),
            _ => Ok(()),
        }
    }

    /// Takes a place among the large ones, and begins to send.
    fn grow(&mut self) -> Result<(), Gone> {
        let Ok(place) = Arc::clone(&self.large).try_acquire_owned() else {
            let _gone = self.to.blocking_send(Err(busy()));
            return Err(Gone);
        };
        (self.place, self.is_large) = (place, true);
        self.send()
    }

    /// Ends the array.
    fn end(&mut self) -> Result<(), Gone> {
        self.text.push(b']');
        self.send()
    }

    /// Sends on what there is.
    fn send(&mut self) -> Result<(), Gone> {
        let chunk = Bytes::from(std::mem::take(&mut self.text));
        self.to.blocking_send(Ok(chunk)).map_err(|_| Gone)
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    /// The reply that lists so many numbers.
    async fn numbers(heavy: &Heavy, count: u32) -> Result<Response, Refusal> {
        heavy.array(move |array| (0..count).try_for_each(|number| array.push(&number))).await
    }

    /// The numbers that a reply lists.
    async fn listed(reply: Response) -> Vec<u32> {
        let text = to_bytes(reply.into_body(), usize::MAX).await.unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    #[tokio::test]
    async fn arrays_are_whole_and_large_ones_few() {
        let heavy = Heavy::default();
        for count in [0, 1, 2, 100_000] {
            assert_eq!(
                listed(numbers(&heavy, count).await.unwrap()).await,
                Vec::from_iter(0..count)
            );
        }
        let mut unread = Vec::new();
        for _ in 0..LARGE_AT_ONCE {
            unread.push(numbers(&heavy, 100_000).await.unwrap());
        }
        assert_eq!(numbers(&heavy, 100_000).await.unwrap_err(), busy());
        let text = || Ok("a".repeat(LARGE_OCTETS));
        assert_eq!(heavy.beside(text).await.unwrap_err(), busy());
        // Who asks for less is answered.
        assert_eq!(listed(numbers(&heavy, 3).await.unwrap()).await, [0, 1, 2]);
        drop(unread.pop());
        let reply = loop {
            match heavy.beside(text).await {
                Ok(reply) => break reply,
                Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        };
        assert_eq!(heavy.large.available_permits(), 0);
        drop(reply);
        assert_eq!(heavy.large.available_permits(), 1);
    }
}
