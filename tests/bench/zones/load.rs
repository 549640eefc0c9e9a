//! Queries at a pace, each told from the others, and what became of them.

use std::fmt::{self, Display, Formatter};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, spawn};
use std::time::{Duration, Instant};

use crate::statistics::{median, quantile};

/// Sockets that ask.
const SOCKETS: usize = 2;
/// How often each sends a burst.
const BURST: Duration = Duration::from_millis(1);
/// How long after the last query replies are waited for.
const LATE: Duration = Duration::from_secs(5);
/// Octets of a socket's buffer: replies of a while in which nobody reads them are not lost there.
const BUFFER: usize = 8 << 20;
/// Answers that a reply has.
const ANSWERS: u8 = 3;

/// Those who ask.
pub(crate) struct Askers {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Seen>>,
}

/// What became of queries.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    asked: usize,
    lost: usize,
    wrong: usize,
    /// How late each reply came, in seconds.
    late: Vec<f64>,
}

/// One who asks.
struct Asker {
    socket: UdpSocket,
    query: Vec<u8>,
    /// When the query with an id was sent, while it is not answered.
    open: Vec<Option<Instant>>,
    next: u16,
    seen: Seen,
}

impl Askers {
    /// Asks for the addresses of a name, so often a second.
    pub(crate) fn start(at: SocketAddr, name: &str, rate: usize) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let thread = |_| {
            let (stop, asker) = (Arc::clone(&stop), Asker::new(at, name));
            spawn(move || asker.run(&stop, rate as f64 / SOCKETS as f64))
        };
        let threads = (0..SOCKETS).map(thread).collect();
        Self { stop, threads }
    }

    /// What became of what was asked.
    pub(crate) fn stop(self) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Seen::default();
        for seen in self.threads.into_iter().map(|thread| thread.join().unwrap()) {
            all.asked += seen.asked;
            all.lost += seen.lost;
            all.wrong += seen.wrong;
            all.late.extend(seen.late);
        }
        all.late.sort_by(f64::total_cmp);
        all
    }
}

impl Seen {
    /// Whether every query was answered, and as it should.
    pub(crate) const fn is_sound(&self) -> bool {
        self.lost == 0 && self.wrong == 0
    }
}

impl Display for Seen {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let late = |part| quantile(&self.late, part).unwrap_or_default() * 1e3;
        let Self { asked, lost, wrong, .. } = self;
        let middle = median(self.late.clone()) * 1e3;
        let (most, nearly) = (late(1.0), late(0.99));
        write!(f, "{asked} | {lost} | {wrong} | {middle:.2} | {nearly:.2} | {most:.2}")
    }
}

impl Asker {
    /// One who has not asked yet.
    fn new(at: SocketAddr, name: &str) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.connect(at).unwrap();
        socket.set_nonblocking(true).unwrap();
        let _ = socket2::SockRef::from(&socket).set_recv_buffer_size(BUFFER);
        let mut query = vec![0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            query.push(label.len() as u8);
            query.extend(label.as_bytes());
        }
        query.extend([0, 0, 1, 0, 1]);
        let open = vec![None; usize::from(u16::MAX) + 1];
        Self { socket, query, open, next: 0, seen: Seen::default() }
    }

    /// Asks until told to stop, then waits for what is missing.
    fn run(mut self, stop: &AtomicBool, rate: f64) -> Seen {
        let begun = Instant::now();
        while !stop.load(Ordering::Relaxed) {
            let due = (begun.elapsed().as_secs_f64() * rate) as usize;
            while self.seen.asked < due {
                self.ask();
            }
            self.hear();
            std::thread::sleep(BURST);
        }
        let end = Instant::now();
        while end.elapsed() < LATE && self.open.iter().any(Option::is_some) {
            self.hear();
            std::thread::sleep(BURST);
        }
        self.seen.lost += self.open.iter().flatten().count();
        self.seen
    }

    /// Sends one query.
    fn ask(&mut self) {
        let id = self.next;
        self.next = id.wrapping_add(1);
        self.query[..2].copy_from_slice(&id.to_be_bytes());
        // Of the one that had the id before nothing is to be expected any more.
        let now = Some(Instant::now());
        self.seen.lost +=
            usize::from(std::mem::replace(&mut self.open[usize::from(id)], now).is_some());
        self.seen.asked += 1;
        while let Err(error) = self.socket.send(&self.query) {
            assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}");
            self.hear();
        }
    }

    /// Takes the replies that are there.
    fn hear(&mut self) {
        let mut reply = [0; 512];
        while let Ok(octets) = self.socket.recv(&mut reply) {
            let id = u16::from_be_bytes([reply[0], reply[1]]);
            let Some(sent) = self.open[usize::from(id)].take() else { continue };
            self.seen.late.push(sent.elapsed().as_secs_f64());
            let is_right = octets > 12 && reply[3] & 0xf == 0 && reply[7] == ANSWERS;
            self.seen.wrong += usize::from(!is_right);
        }
    }
}
