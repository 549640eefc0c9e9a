//! The place of a connection: how long it is kept, and how long a client may not read.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Sleep, sleep};
use tokio_util::sync::CancellationToken;

use super::connections::Connections;
use crate::lock::Lock;

/// The longest a connection lives that answers requests: a client that dawdles must not keep
/// its place.
pub(super) const CONNECTION_LIFE: Duration = Duration::from_secs(120);
/// How long a client may leave unread what was sent: as long as a network may be away
/// without anybody noticing.
pub(super) const UNREAD_TIMEOUT: Duration = Duration::from_secs(10);

/// The place of one connection among all that may be open, given back with its last copy.
#[derive(Debug, Clone)]
pub struct Place(Arc<Seat>);

/// The parts of a place.
#[derive(Debug)]
struct Seat {
    /// Among which.
    connections: Arc<Connections>,
    /// Its number.
    number: u64,
    /// Whose it is.
    client: IpAddr,
    /// What holds the place, while it is held.
    permit: Lock<Option<OwnedSemaphorePermit>>,
    /// Cancelled when another takes the place.
    close: CancellationToken,
}

/// A stream whose other side must read.
#[derive(Debug)]
pub(super) struct Impatient<S> {
    /// The stream.
    stream: S,
    /// When it is given up; none while it takes what is written.
    end: Option<Pin<Box<Sleep>>>,
    /// Where it is told that the other side reads.
    place: Place,
}

impl Place {
    /// The place of a number that a permit gives, until it is cancelled.
    pub(super) fn new(
        connections: Arc<Connections>,
        (number, client): (u64, IpAddr),
        permit: OwnedSemaphorePermit,
        close: CancellationToken,
    ) -> Self {
        Self(Arc::new(Seat { connections, number, client, permit: Lock::new(Some(permit)), close }))
    }

    /// The address of the client.
    #[must_use]
    pub fn client(&self) -> IpAddr {
        self.0.client
    }

    /// Gives the place to another connection. This one, which has a place elsewhere, lives as
    /// long as it has something to send and its client reads.
    pub fn leave(&self) {
        self.0.connections.remove(self.0.number);
        self.permit().take();
    }

    /// The client took something.
    pub(super) fn touch(&self) {
        self.0.connections.touch(self.0.number);
    }

    /// A request is worked on: the connection is not silent.
    pub fn work(&self) {
        self.0.connections.work(self.0.number, true);
    }

    /// It is the client's turn.
    pub fn rest(&self) {
        self.0.connections.work(self.0.number, false);
    }

    /// Waits until another has the place.
    pub(super) async fn closed(&self) {
        self.0.close.cancelled().await;
    }

    /// Whether others may soon want the place: fewer than so many are free, or its client has
    /// many.
    pub(super) fn is_wanted(&self, few: usize) -> bool {
        let free = self.permit().as_ref().map(|permit| permit.semaphore().available_permits());
        free.is_some_and(|free| free < few || self.0.connections.are_many(self.0.number))
    }

    /// Waits until the connection has lived long enough.
    pub(super) async fn expired(self) {
        sleep(CONNECTION_LIFE).await;
        if self.permit().is_none() {
            std::future::pending::<()>().await;
        }
    }

    /// What holds the place, while it is held.
    fn permit(&self) -> std::sync::MutexGuard<'_, Option<OwnedSemaphorePermit>> {
        self.0.permit.lock()
    }

    /// Whether another has the place.
    #[cfg(test)]
    pub(super) fn is_closed(&self) -> bool {
        self.0.close.is_cancelled()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.connections.remove(self.number);
    }
}

impl<S> Impatient<S> {
    /// A stream whose other side must read.
    pub(super) const fn new(stream: S, place: Place) -> Self {
        Self { stream, end: None, place }
    }

    /// Passes on how writing went, unless it has waited for too long.
    fn judge<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.end = None;
            self.place.touch();
            return written;
        }
        let end = self.end.get_or_insert_with(|| Box::pin(sleep(UNREAD_TIMEOUT)));
        ready!(end.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Impatient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Impatient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, octets);
        self.judge(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.judge(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.judge(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.judge(context, shut)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    /// A place among two.
    async fn place(connections: &Arc<Connections>) -> Place {
        connections.admit([127, 0, 0, 1].into()).await
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_read_is_cut_and_who_reads_late_is_not() {
        let (near, mut far) = duplex(4);
        let mut near = Impatient::new(near, place(&Connections::new(1)).await);
        let reader = tokio::spawn(async move {
            for _ in 0..4 {
                sleep(UNREAD_TIMEOUT * 3 / 4).await;
                far.read_exact(&mut [0; 4]).await.unwrap();
            }
            far
        });
        near.write_all(&[0; 16]).await.unwrap();
        let _far = reader.await.unwrap();
        let fault = near.write_all(&[0; 16]).await.unwrap_err();
        assert_eq!(fault.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_that_was_left_is_free_and_its_connection_lives_on() {
        let connections = Connections::new(2);
        let kept = place(&connections).await;
        assert!(kept.is_wanted(2) && !kept.is_wanted(1));
        let left = place(&connections).await;
        let end = tokio::spawn(left.clone().expired());
        left.leave();
        assert!(kept.is_wanted(2) && !kept.is_wanted(1));
        kept.expired().await;
        sleep(CONNECTION_LIFE).await;
        assert!(!end.is_finished());
        end.abort();
    }
}
