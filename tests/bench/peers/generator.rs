//! Queries as fast as they are answered, from one core.
//!
//! dnsperf is too slow for that: where this was written it asked the echo 175,000 to 197,000
//! times a second from one core, this generator 310,000 to 350,000 times. It sends and
//! receives in batches, reads of a reply only what it verifies, and never sleeps, so that
//! no server has to wake it.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use crate::calls::{Batch, GLANCE};
use crate::questions::{Question, Questions};

/// Sockets: what a server with several workers is spread by.
const LANES: usize = 8;
/// Queries under way on each socket: together so few that no receive buffer overflows.
const OUTSTANDING: usize = 24;
/// The ids of one place are this far apart, so that an id tells the place.
const STEP: u16 = 32;
/// The most octets of a query.
const QUERY: usize = 128;
/// What is read of a reply: its header. The kernel throws away the rest.
const HEADER: usize = 12;
/// How long nothing may come before what is under way counts as lost.
const PATIENCE: Duration = Duration::from_millis(200);

/// What became of the queries.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Outcome {
    /// Answered, as expected.
    pub(crate) answered: u64,
    /// Not answered.
    pub(crate) lost: u64,
    /// How long it took.
    pub(crate) seconds: f64,
}

/// One socket and what is under way on it.
struct Lane {
    /// The socket.
    socket: UdpSocket,
    /// What is sent next.
    queries: Batch,
    /// Where replies are read to.
    replies: Batch,
    /// What each place waits for.
    places: [Place; OUTSTANDING],
    /// Places that wait for nothing.
    free: Vec<usize>,
    /// Whether replies are the queries as they came.
    is_echo: bool,
}

/// A query under way.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// Its id.
    id: u16,
    /// The response code to expect.
    code: u8,
    /// Whether the reply is to be cut.
    is_cut: bool,
    /// Whether it is still waited for.
    is_open: bool,
}

/// Asks for so long, each answer followed by the next question.
pub(crate) fn saturate(
    at: SocketAddr,
    is_echo: bool,
    questions: &Questions,
    time: Duration,
) -> Outcome {
    let mut lanes: Vec<_> = (0..LANES).map(|_| Lane::new(at, is_echo)).collect();
    let (mut outcome, begun) = (Outcome::default(), Instant::now());
    let mut heard = begun;
    loop {
        let now = Instant::now();
        let is_over = now - begun >= time;
        let mut received = 0;
        for lane in &mut lanes {
            received += lane.receive();
            if !is_over {
                lane.send(questions);
            }
        }
        outcome.answered += received;
        if received > 0 {
            heard = now;
        } else if is_over && lanes.iter().all(Lane::is_idle) {
            break;
        } else if now - heard > PATIENCE {
            outcome.lost += lanes.iter_mut().map(Lane::give_up).sum::<u64>();
            heard = now;
        } else {
            // What shares this core may run; sleeping would cost the server wake-ups.
            std::thread::yield_now();
        }
    }
    outcome.seconds = begun.elapsed().as_secs_f64();
    outcome
}

impl Lane {
    /// A socket of its own.
    fn new(at: SocketAddr, is_echo: bool) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.connect(at).unwrap();
        socket.set_nonblocking(true).unwrap();
        let place = |at| Place { id: at as u16, code: 0, is_cut: false, is_open: false };
        Self {
            socket,
            queries: Batch::new(OUTSTANDING, QUERY, false),
            replies: Batch::new(OUTSTANDING, HEADER, false),
            places: std::array::from_fn(place),
            free: (0..OUTSTANDING).collect(),
            is_echo,
        }
    }

    /// Whether nothing is under way.
    const fn is_idle(&self) -> bool {
        self.free.len() == OUTSTANDING
    }

    /// Sends a query for every free place.
    fn send(&mut self, questions: &Questions) {
        for at in 0..self.free.len() {
            let Question { octets, code, is_cut } = questions.next();
            let place = &mut self.places[self.free[at]];
            *place = Place { id: place.id.wrapping_add(STEP), code, is_cut, is_open: true };
            self.queries.write(at, octets)[..2].copy_from_slice(&place.id.to_be_bytes());
        }
        if !self.free.is_empty() {
            let sent = self.queries.send(&self.socket, self.free.len()).unwrap_or(0);
            self.free.drain(..sent);
        }
    }

    /// Takes the replies that are there, and says how many were waited for.
    fn receive(&mut self) -> u64 {
        let count = self.replies.receive(&self.socket, GLANCE).unwrap_or(0);
        let free = self.free.len();
        for at in 0..count {
            let header: [u8; HEADER] = self.replies.received(at).try_into().unwrap();
            let id = u16::from_be_bytes([header[0], header[1]]);
            let number = usize::from(id % STEP);
            let Some(place) = self.places.get_mut(number) else { continue };
            if place.is_open && place.id == id {
                place.is_open = false;
                verify(header, *place, self.is_echo);
                self.free.push(number);
            }
        }
        (self.free.len() - free) as u64
    }

    /// Waits no longer for what is under way, and says how much that was. A reply that
    /// comes later has an id that nobody waits for.
    fn give_up(&mut self) -> u64 {
        let lost = OUTSTANDING - self.free.len();
        self.places.iter_mut().for_each(|place| place.is_open = false);
        self.free = (0..OUTSTANDING).collect();
        lost as u64
    }
}

/// Fails unless a reply is one (QR), whole or cut (TC) as expected, and has the code that is
/// expected; the echo sends the query's header instead.
fn verify(header: [u8; HEADER], place: Place, is_echo: bool) {
    let flags = (header[2] & 0b1000_0010, header[3] & 0b1111);
    let reply = 0b1000_0000 | u8::from(place.is_cut) << 1;
    let wanted = if is_echo { (0, 0) } else { (reply, place.code) };
    assert!(flags == wanted, "a reply has the flags {flags:?}, not {wanted:?}");
}
