//! The threads that answer datagrams: UDP workers, and the full path behind them. They are
//! threads of their own, and no tasks, since they do nothing but wait in the kernel.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Builder;

use socket2::Socket;
use tokio_util::task::TaskTracker;

use super::batch::{Batch, UdpSocket};
use super::worker::Worker;
use crate::wire::full::{Full, Queue};
use crate::wire::{Family, Responder};

/// Threads that run. Dropping this tells them to stop: each answers what has come, and
/// ends.
pub(in crate::wire) struct Workers {
    /// What is answered from, and how.
    responder: Responder,
    /// Waits for all of them.
    tasks: TaskTracker,
    /// Tells them to stop.
    stop: Arc<AtomicBool>,
    /// The sockets they wait at.
    sockets: Vec<Arc<UdpSocket>>,
    /// The full paths. Each ends when no worker can hand it anything.
    queues: Vec<Queue>,
    /// The full path of names in no zone of ours. It is there while nobody else is asked for
    /// them, too: that may change.
    foreign: Queue,
    /// The full path of names that can mean much of a zone.
    patterns: Queue,
}

impl Workers {
    /// Starts the full path: one thread for two workers of an address, one for names in no
    /// zone of ours, and one for names that can mean much of a zone, so that however many of
    /// these there are, the others do not wait behind them.
    ///
    /// # Errors
    /// [`io::Error`] when the system has no thread left.
    pub(in crate::wire) fn new(
        responder: Responder,
        tasks: TaskTracker,
        workers: usize,
    ) -> io::Result<Self> {
        let full = |name: String| {
            let (queue, full) = Full::new(responder.clone());
            spawn(&tasks, name, move || full.serve()).map(|()| queue)
        };
        let queues = (0..workers.div_ceil(2)).map(|number| full(format!("full-{number}")));
        let queues = queues.collect::<io::Result<_>>()?;
        let foreign = full("full-foreign".to_owned())?;
        let patterns = full("full-patterns".to_owned())?;
        let (sockets, stop) = (Vec::new(), Arc::default());
        Ok(Self { responder, tasks, stop, sockets, queues, foreign, patterns })
    }

    /// The full path of names that can mean much of a zone.
    pub(in crate::wire) const fn patterns(&self) -> &Queue {
        &self.patterns
    }

    /// Starts a worker on each socket of an address. Those that somebody else keeps are one and the
    /// same, which one worker relieves.
    ///
    /// # Errors
    /// [`io::Error`] when the system has no thread left, or does not tell which address a
    /// datagram was sent to.
    pub(in crate::wire) fn start(
        &mut self,
        address: IpAddr,
        sockets: Vec<Socket>,
        is_kept: bool,
    ) -> io::Result<()> {
        for (at, socket) in sockets.into_iter().enumerate() {
            let family = Family::of(address);
            let (tally, own) = self.responder.counters().worker(family);
            let socket = Arc::new(UdpSocket::new(socket, is_kept)?);
            let queue = &self.queues[at / 2];
            let worker = Worker {
                batch: Batch::new(Arc::clone(&socket)),
                index: Arc::clone(self.responder.index()),
                policies: Arc::clone(self.responder.policies()),
                queue: queue.clone(),
                foreign: self.foreign.clone(),
                patterns: self.patterns.clone(),
                tally,
                counters: Arc::clone(self.responder.counters()),
                own,
                other: None,
                family,
                stop: Arc::clone(&self.stop),
                relieves: at == 0 || !is_kept,
            };
            let name = format!("udp-{}", self.sockets.len());
            spawn(&self.tasks, name, move || worker.serve())?;
            self.sockets.push(socket);
        }
        Ok(())
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.sockets.iter().for_each(|socket| socket.end());
    }
}

/// Starts a thread, which the tracker waits for.
fn spawn(
    tasks: &TaskTracker,
    name: String,
    work: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    let token = tasks.token();
    let thread = Builder::new().name(name).spawn(move || {
        let _token = token;
        work();
    });
    let short = |fault| {
        io::Error::other(format!(
            "a thread for UDP cannot be started ({fault}); allow more, or set fewer workers"
        ))
    };
    thread.map(drop).map_err(short)
}
