//! Queries one after the other, for as long as something else goes on.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::support::PATIENCE;
use crate::wire::messages::{A, Query};

/// Between two of them.
const PAUSE: Duration = Duration::from_millis(2);

/// Queries that are being sent.
pub(super) struct Asking {
    is_over: Arc<AtomicBool>,
    counts: JoinHandle<(usize, usize)>,
}

impl Asking {
    /// Begins to ask a server, and waits for each reply.
    pub(super) fn start(at: SocketAddr) -> Self {
        let is_over = Arc::<AtomicBool>::default();
        let stop = Arc::clone(&is_over);
        let counts = std::thread::spawn(move || ask(at, &stop));
        Self { is_over, counts }
    }

    /// Ends it. Gives how many were sent, and how many of them were not answered.
    pub(super) fn end(self) -> (usize, usize) {
        self.is_over.store(true, Ordering::Relaxed);
        self.counts.join().unwrap()
    }
}

/// Asks until it is over.
fn ask(at: SocketAddr, is_over: &AtomicBool) -> (usize, usize) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let query = Query::new("services.internal", A).bytes();
    let (mut asked, mut lost) = (0, 0);
    while !is_over.load(Ordering::Relaxed) || asked == 0 {
        socket.send_to(&query, at).unwrap();
        asked += 1;
        // NOERROR: the apex is there.
        let is_answered = socket.recv(&mut [0; 512]).is_ok_and(|octets| octets >= 12);
        lost += usize::from(!is_answered);
        std::thread::sleep(PAUSE);
    }
    (asked, lost)
}
