//! Streams: each carries one query and its reply, with their lengths before them (RFC 9250 section 4.2).

use std::time::Duration;

use hyper::body::Bytes;
use quinn::{ReadError, RecvStream, SendStream, WriteError};
use tokio::time::timeout;

use super::fault::{DoqCode, DoqFault};
use crate::wire::tcp::{Account, Awaited, HeldOctets, Later, PREFIX, frame, whole_message};

/// How long a query may take from the first octet of its stream to the end of it.
const MESSAGE: Duration = Duration::from_secs(5);
/// How long a client may take for a reply.
const WRITE: Duration = Duration::from_secs(5);
/// How long others are waited for: longer than the forwarder does.
const FOREIGN_WAIT: Duration = Duration::from_secs(5);
/// Octets that are taken from a stream at once.
const READ: usize = 4096;
/// Octets of the longest message and its length.
const FRAMED_MAX: usize = PREFIX + u16::MAX as usize;

/// A query, whole, and where its reply goes.
pub(super) struct StreamQuery {
    /// Its octets, the length before them.
    framed: HeldOctets,
    /// The other direction of its stream.
    pub(super) send: SendStream,
}

/// The outcome of a stream, or of a part of it.
pub(super) enum StreamStep {
    /// Its query is here.
    Asked(StreamQuery),
    /// A reply that others make is here, or will never be.
    Made(SendStream, Option<Later>),
    /// The client has its reply, or is gone.
    Done,
    /// The client has taken its query back.
    TakenBack,
    /// The connection is to end.
    Fault(DoqFault),
}

impl StreamQuery {
    /// The query.
    pub(super) fn message(&self) -> &[u8] {
        &self.framed[PREFIX..]
    }
}

/// Reads a query.
pub(super) async fn receive(
    mut send: SendStream,
    mut from: RecvStream,
    account: Account,
) -> StreamStep {
    let mut framed = HeldOctets::new(Vec::new(), account);
    match timeout(MESSAGE, fill(&mut from, &mut framed)).await {
        Ok(Ok(())) if whole_message(&framed).is_none() => StreamStep::Fault(DoqFault::Cut),
        Ok(Ok(())) => StreamStep::Asked(StreamQuery { framed, send }),
        Ok(Err(StreamStep::TakenBack)) => take_back(&mut send),
        Ok(Err(step)) => step,
        Err(_) if whole_message(&framed).is_some() => StreamStep::Fault(DoqFault::Unended),
        Err(_) => StreamStep::Fault(DoqFault::Slow),
    }
}

/// Reads a stream to its end, unless there is more on it than a query.
async fn fill(from: &mut RecvStream, framed: &mut HeldOctets) -> Result<(), StreamStep> {
    loop {
        match from.read_chunk(READ, true).await {
            Ok(Some(chunk)) if framed.len() + chunk.bytes.len() > FRAMED_MAX => {
                return Err(StreamStep::Fault(DoqFault::Several));
            }
            Ok(Some(chunk)) => framed.extend(&chunk.bytes),
            Ok(None) => return Ok(()),
            Err(ReadError::Reset(_)) => return Err(StreamStep::TakenBack),
            Err(_) => return Err(StreamStep::Done),
        }
        if has_more(framed) {
            return Err(StreamStep::Fault(DoqFault::Several));
        }
    }
}

/// Whether there are octets after the first message.
fn has_more(framed: &[u8]) -> bool {
    whole_message(framed).is_some_and(|message| PREFIX + message.len() < framed.len())
}

/// Sends a reply, and waits until the client has it.
pub(super) async fn reply(mut send: SendStream, framed: HeldOctets) -> StreamStep {
    let sent = async {
        send.write_chunk(Bytes::from_owner(framed)).await?;
        let _ = send.finish();
        match send.stopped().await {
            Ok(Some(code)) => Err(WriteError::Stopped(code)),
            Ok(None) | Err(_) => Ok(()),
        }
    };
    match timeout(WRITE, sent).await {
        Ok(Err(WriteError::Stopped(_))) => take_back(&mut send),
        Ok(_) => StreamStep::Done,
        Err(_) => StreamStep::Fault(DoqFault::Untaken),
    }
}

/// Waits for the reply that others make.
pub(super) async fn made(mut send: SendStream, mut awaited: Awaited) -> StreamStep {
    let stopped = send.stopped();
    tokio::select! {
        later = timeout(FOREIGN_WAIT, awaited.next()) => StreamStep::Made(send, later.ok().flatten()),
        _ = stopped => take_back(&mut send),
    }
}

/// A reply with its length before it, taken down for a connection.
pub(super) fn framed(reply: &[u8], account: Account) -> HeldOctets {
    let mut framed = Vec::with_capacity(PREFIX + reply.len());
    frame(reply, &mut framed);
    HeldOctets::new(framed, account)
}

/// Ends a stream whose query was taken back (RFC 9250 section 4.3.1).
fn take_back(send: &mut SendStream) -> StreamStep {
    let _ = send.reset(DoqCode::RequestCancelled.into());
    StreamStep::TakenBack
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9250_s4_2_a_stream_has_one_query() {
        for (octets, is_whole, more) in [
            (&[][..], false, false),
            (&[0], false, false),
            (&[0, 0], true, false),
            (&[0, 0, 0], true, true),
            (&[0, 2, 1], false, false),
            (&[0, 2, 1, 2], true, false),
            (&[0, 2, 1, 2, 3], true, true),
        ] {
            assert_eq!((whole_message(octets).is_some(), has_more(octets)), (is_whole, more));
        }
    }
}
