//! Connections that ask as much as is taken.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::client::connect;
use crate::kinds::Replies;

/// Where they come from.
const OWN: &str = "127.0.0.1";
/// Octets that are written at once.
const CHUNK: usize = 16 * 1024;

/// One connection.
struct Stream {
    /// The socket.
    socket: TcpStream,
    /// How many octets of the messages were written.
    written: usize,
}

/// Sends messages over connections, which are opened again when they are closed, until told to
/// stop; counts the octets that were taken.
pub(crate) fn run(
    server: SocketAddr,
    (message, connections, replies): (&[u8], usize, Replies),
    stop: &AtomicBool,
    taken: &AtomicU64,
) {
    let framed = [&(message.len() as u16).to_be_bytes(), message].concat();
    let all = framed.repeat((CHUNK / framed.len()).max(1));
    let mut streams: Vec<Option<Stream>> = (0..connections).map(|_| None).collect();
    let mut sink = vec![0; 1 << 16];
    while !stop.load(Ordering::Relaxed) {
        let mut is_idle = true;
        for slot in &mut streams {
            let Some(stream) = slot else {
                *slot = connect(OWN, server).ok().map(|socket| Stream { socket, written: 0 });
                continue;
            };
            match stream.step(if message.is_empty() { &[] } else { &all }, replies, &mut sink) {
                Some(octets) => {
                    is_idle &= octets == 0;
                    taken.fetch_add(octets as u64, Ordering::Relaxed);
                }
                None => *slot = None,
            }
        }
        if is_idle {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }
}

impl Stream {
    /// Writes what is taken and reads what is there; how much was written, none at its end.
    fn step(&mut self, all: &[u8], replies: Replies, sink: &mut [u8]) -> Option<usize> {
        self.socket.set_nonblocking(true).ok()?;
        let mut octets = 0;
        if !all.is_empty() {
            octets = waits(self.socket.write(&all[self.written..]))?;
            self.written = (self.written + octets) % all.len();
        }
        // Who reads nothing does not see the end either, but by writing.
        if replies == Replies::Read {
            loop {
                match self.socket.read(sink) {
                    Ok(0) => return None,
                    Ok(_) => {}
                    Err(fault) if fault.kind() == ErrorKind::WouldBlock => break,
                    Err(_) => return None,
                }
            }
        } else if all.is_empty() && matches!(self.socket.peek(&mut sink[..1]), Ok(0)) {
            return None;
        }
        Some(octets)
    }
}

/// How many octets; none that would have to wait are no fault.
fn waits(result: std::io::Result<usize>) -> Option<usize> {
    match result {
        Err(fault) if fault.kind() == ErrorKind::WouldBlock => Some(0),
        result => result.ok(),
    }
}
