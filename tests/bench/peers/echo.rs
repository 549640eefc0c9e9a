//! The floor: a server that sends each datagram back as it came. What it costs is what the
//! kernel takes for a datagram in and one out; no server can be cheaper. It shares nothing
//! with srvd.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::process::parent_id;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::calls::{Batch, WAIT};

/// The argument that makes a process of this bench the echo: address and workers follow.
pub(crate) const WORD: &str = "echo-server";
/// Datagrams in one call.
const BATCH: usize = 64;
/// The most octets of one.
const SIZE: usize = 2048;
/// How often a worker that hears nothing looks whether the bench is still there.
const GLANCE: Duration = Duration::from_secs(1);

/// Sends back what comes, by so many workers, until the bench has gone.
pub(crate) fn serve(at: SocketAddr, workers: usize) {
    let threads: Vec<_> = (0..workers).map(|_| std::thread::spawn(move || work(at))).collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

/// One worker with a socket of its own.
fn work(at: SocketAddr) {
    let (socket, bench) = (bind(at), parent_id());
    let mut batch = Batch::new(BATCH, SIZE, true);
    while parent_id() == bench {
        while let Some(count) = receive(&mut batch, &socket) {
            // A client that has gone harms itself alone.
            let _ = batch.send_back(&socket, count);
        }
    }
}

/// Waits for datagrams; none when nothing comes.
fn receive(batch: &mut Batch, socket: &UdpSocket) -> Option<usize> {
    match batch.receive(socket, WAIT) {
        Ok(count) => Some(count),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
            None
        }
        Err(error) => panic!("the echo cannot receive: {error}"),
    }
}

/// A socket that shares its address with the other workers'.
fn bind(at: SocketAddr) -> UdpSocket {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    socket.set_reuse_port(true).unwrap();
    socket.set_read_timeout(Some(GLANCE)).unwrap();
    socket.bind(&at.into()).unwrap();
    socket.into()
}
