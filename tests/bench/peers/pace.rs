//! Queries at a steady rate, however slowly they are answered, and how long each took.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use crate::calls::{arrival, sleep_precisely};
use crate::population::asker;
use crate::questions::Questions;

/// Queries a second.
pub(crate) const RATE: u32 = 20_000;
/// The time between two of them.
const INTERVAL: Duration = Duration::from_nanos(1_000_000_000 / RATE as u64);
/// What a generator that is late makes up for: a longer burst would measure the burst.
const BURST: u32 = 4;
/// How long the last replies may take.
const LAST: Duration = Duration::from_millis(100);
/// Ids, and so queries that can be told apart.
const IDS: usize = 1 << 16;

/// How long the answers took.
pub(crate) struct Paced {
    /// Microseconds, sorted.
    pub(crate) took: Vec<f64>,
    /// Queries that were sent.
    pub(crate) sent: usize,
    /// Queries a second that were sent.
    pub(crate) rate: f64,
}

/// Asks for so long at the rate. A reply's time is the kernel's, so that a generator that
/// shares its core measures the server and not itself.
pub(crate) fn pace(at: SocketAddr, questions: &Questions, time: Duration) -> Paced {
    sleep_precisely();
    let socket = asker(at);
    socket.set_nonblocking(true).unwrap();
    // Nothing has come yet; this turns the kernel's times on.
    let _ = arrival(&socket);
    let (mut asked, mut took) = (vec![None; IDS], Vec::new());
    let (mut sent, begun) = (0, now());
    let mut due = begun;
    while now() - begun < time {
        std::thread::sleep(due.saturating_sub(now()));
        let mut query = questions.next().octets.to_vec();
        query[..2].copy_from_slice(&(sent as u16).to_be_bytes());
        asked[sent % IDS] = Some(now());
        socket.send(&query).unwrap();
        sent += 1;
        drain(&socket, &mut asked, &mut took);
        due = (due + INTERVAL).max(now().saturating_sub(BURST * INTERVAL));
    }
    let rate = sent as f64 / (now() - begun).as_secs_f64();
    std::thread::sleep(LAST);
    drain(&socket, &mut asked, &mut took);
    took.sort_by(f64::total_cmp);
    Paced { took, sent, rate }
}

/// Takes the replies that are there.
fn drain(socket: &std::net::UdpSocket, asked: &mut [Option<Duration>], took: &mut Vec<f64>) {
    let mut header = [0; 12];
    while socket.recv(&mut header).is_ok() {
        let id = u16::from_be_bytes([header[0], header[1]]);
        if let Some(begun) = asked[usize::from(id)].take() {
            let came = arrival(socket).unwrap();
            took.push(came.saturating_sub(begun).as_nanos() as f64 / 1_000.0);
        }
    }
}

/// The clock that the kernel's times are of.
fn now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap()
}
