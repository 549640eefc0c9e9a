//! Datagrams: a thread per socket, which reads many at once, answers what it can from
//! ready-made answers, and sends the replies at once. For a datagram it takes no lock,
//! allocates nothing and wakes no task. What needs more is handed to the full path, and
//! the worker goes on.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use super::batch::Batch;
use super::counters::{Event, Tally};
use super::fast::{Fast, Verdict};
use super::full::Queue;
use super::responder::contain;
use crate::index::{Generation, Index};

/// How long a socket that reports an error is left alone. Such errors (an ICMP message, a
/// lack of memory) pass; without a pause one that does not would take a whole core.
const ERROR_PAUSE: Duration = Duration::from_millis(10);
/// Datagrams that are still answered after the end: those that had come before it, as far
/// as the socket's buffer has room for them. There is no end to those that come after.
const LAST: usize = 4096;

/// A socket with its buffers, and what answers on it.
pub(super) struct Worker {
    /// The socket and the buffers.
    pub(super) batch: Batch,
    /// Where the newest generation is found.
    pub(super) index: Arc<Index>,
    /// The full path.
    pub(super) queue: Queue,
    /// Counts.
    pub(super) tally: Tally,
    /// Set before the socket is ended.
    pub(super) stop: Arc<AtomicBool>,
}

impl Worker {
    /// Answers datagrams until told to stop, and then those that had come by then.
    pub(super) fn serve(self) {
        let mut fast = Fast::new();
        self.run(|generation, message, reply| fast.respond(generation, message, reply));
    }

    /// Does so with any fast path.
    fn run(mut self, mut fast: impl FnMut(&Generation, &[u8], &mut [u8]) -> Verdict) {
        let (mut last, mut faults) = (0, 0);
        while last < LAST {
            let is_ending = self.stop.load(Ordering::Acquire);
            match self.batch.receive() {
                Ok(0) if is_ending => break,
                Ok(count) => {
                    faults = 0;
                    self.answer(count, &mut fast);
                    last += if is_ending { count } else { 0 };
                }
                Err(_) if is_ending => break,
                Err(fault) => {
                    faults += 1;
                    pause(&fault, faults);
                }
            }
        }
    }

    /// Answers the datagrams of a batch, all of them from one generation.
    fn answer(
        &mut self,
        count: usize,
        fast: &mut impl FnMut(&Generation, &[u8], &mut [u8]) -> Verdict,
    ) {
        self.tally.count(Event::Received, count);
        let generation = self.index.load();
        for at in 0..count {
            self.answer_one(at, &generation, fast);
        }
        drop(generation);
        if let Err(unsent) = self.batch.send() {
            self.tally.count(Event::Unsent, unsent.count);
            tracing::debug!("{} replies not sent: {}", unsent.count, unsent.fault);
        }
    }

    /// Answers the datagram at a place of the batch. One that makes the fast path panic is
    /// for the full path, which says SERVFAIL if it panics as well.
    fn answer_one(
        &mut self,
        at: usize,
        generation: &Generation,
        fast: &mut impl FnMut(&Generation, &[u8], &mut [u8]) -> Verdict,
    ) {
        let Some((message, reply)) = self.batch.exchange(at) else {
            return self.tally.count(Event::Silent, 1);
        };
        match contain(|| fast(generation, message, reply)).unwrap_or(Verdict::Full) {
            Verdict::Reply { octets, code, truncated } => {
                self.batch.reply(at, octets);
                self.tally.reply(code, truncated);
            }
            Verdict::Silence => self.tally.count(Event::Silent, 1),
            Verdict::Full => self.hand_over(at),
        }
    }

    /// Hands the datagram at a place to the full path, or loses it.
    fn hand_over(&mut self, at: usize) {
        let (route, socket) = (self.batch.route(at), Arc::clone(self.batch.socket()));
        let is_taken = route
            .zip(self.batch.exchange(at))
            .is_some_and(|(route, (message, _))| self.queue.offer(message, route, &socket));
        self.tally.count(if is_taken { Event::Handed } else { Event::Dropped }, 1);
    }
}

/// Waits a little after an error, and logs ever fewer of a row of them.
fn pause(fault: &io::Error, number: u32) {
    if number.is_power_of_two() {
        tracing::debug!(number, "datagrams not received: {fault}");
    }
    sleep(ERROR_PAUSE);
}
