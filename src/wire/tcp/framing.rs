//! Octets of a connection: messages framed by their length, sent and read.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;

/// Octets that are read at once: some dozens of pipelined queries.
pub(super) const READ: usize = 4096;
/// Octets of a buffer that is kept while there is nothing in it.
pub(in crate::wire) const KEPT: usize = READ;
/// Octets of the length before a message (RFC 1035 section 4.2.2).
pub(in crate::wire) const PREFIX: usize = 2;

/// Sends octets from where it came to, and then what TLS still holds of them.
pub(super) fn send(
    mut stream: Pin<&mut (impl AsyncWrite + ?Sized)>,
    cx: &mut Context<'_>,
    octets: &[u8],
    written: &mut usize,
) -> Poll<io::Result<()>> {
    while *written < octets.len() {
        match ready!(stream.as_mut().poll_write(cx, &octets[*written..]))? {
            0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            sent => *written += sent,
        }
    }
    stream.poll_flush(cx)
}

/// What was read. Who ends TCP without a word of TLS has asked what it asked all the same: its
/// messages say where they end.
pub(super) fn end_of_stream(read: io::Result<usize>) -> io::Result<usize> {
    match read {
        Err(fault) if fault.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
        read => read,
    }
}

/// Gives back what a buffer had room for and need not have any more.
pub(super) fn shrink(buffer: &mut Vec<u8>) {
    if buffer.capacity() > KEPT.max(2 * buffer.len()) {
        buffer.shrink_to(KEPT);
    }
}

/// Appends a reply and before it its length.
pub(in crate::wire) fn frame(reply: &[u8], output: &mut Vec<u8>) {
    output.extend((reply.len() as u16).to_be_bytes());
    output.extend_from_slice(reply);
}

/// The first message of what was read, if it is whole.
pub(in crate::wire) fn whole_message(input: &[u8]) -> Option<&[u8]> {
    let (length, rest) = input.split_first_chunk::<PREFIX>()?;
    rest.get(..usize::from(u16::from_be_bytes(*length)))
}
