//! Clients that register over HTTP and renew by POST.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

/// Connections that POST at once: nearly all that the server takes.
const WORKERS: usize = 60;
/// How long a reply may take before it counts as lost.
const PATIENCE: Duration = Duration::from_secs(10);

/// Clients that renew until they are dropped.
pub(crate) struct Clients(Arc<Shared>);

/// What the threads share.
struct Shared {
    /// Where they POST.
    at: SocketAddr,
    /// How many registrations there are.
    count: usize,
    /// How often each is renewed.
    every: Duration,
    /// Whether each POST has a connection of its own, as bender-api does it.
    is_alone: AtomicBool,
    /// How long POSTs took, in milliseconds, counted from when they were due.
    took: Mutex<Vec<f64>>,
    /// How many were not answered with 200.
    failed: AtomicUsize,
    /// Whether it is over.
    is_over: AtomicBool,
}

/// A connection, and what is read from it.
struct Connection(BufReader<TcpStream>);

impl Clients {
    /// Begins to renew so many registrations, each this often.
    pub(crate) fn start(at: SocketAddr, count: usize, every: Duration) -> Self {
        let shared = Arc::new(Shared {
            at,
            count,
            every,
            is_alone: AtomicBool::default(),
            took: Mutex::default(),
            failed: AtomicUsize::default(),
            is_over: AtomicBool::default(),
        });
        for worker in 0..WORKERS {
            let shared = Arc::clone(&shared);
            spawn(move || shared.work(worker));
        }
        Self(shared)
    }

    /// From now on each POST has a connection of its own.
    pub(crate) fn stand_alone(&self) {
        self.0.is_alone.store(true, Ordering::Relaxed);
    }

    /// How long the POSTs since the last call took, sorted, and how many failed in all.
    pub(crate) fn take(&self) -> (Vec<f64>, usize) {
        let mut took = std::mem::take(&mut *self.0.took());
        took.sort_unstable_by(f64::total_cmp);
        (took, self.0.failed.load(Ordering::Relaxed))
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    /// Renews every so-many-th registration, evenly over the interval, until it is over.
    fn work(&self, worker: usize) {
        let begun = Instant::now();
        let mut connection = None;
        for round in 0.. {
            for n in (worker..self.count).step_by(WORKERS) {
                let part = round as f64 + n as f64 / self.count as f64;
                let due = begun + self.every.mul_f64(part);
                sleep(due.saturating_duration_since(Instant::now()));
                if self.is_over.load(Ordering::Relaxed) {
                    return;
                }
                let is_done = self.renew(n, &mut connection).is_ok_and(|status| status == 200);
                self.took().push(due.elapsed().as_secs_f64() * 1000.0);
                self.failed.fetch_add(usize::from(!is_done), Ordering::Relaxed);
                if !is_done || self.is_alone.load(Ordering::Relaxed) {
                    connection = None;
                }
            }
        }
    }

    /// Renews one, on a connection that is there or a new one. Gives the status.
    fn renew(&self, n: usize, connection: &mut Option<Connection>) -> std::io::Result<u16> {
        let (a, b, c) = (n >> 16 & 0xff, n >> 8 & 0xff, n & 0xff);
        let path = format!("/registrations/service-{}/1.0.0/10.{a}.{b}.{c}/8080", n / 10);
        let close =
            if self.is_alone.load(Ordering::Relaxed) { "Connection: close\r\n" } else { "" };
        let text = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\n{close}Content-Length: 0\r\n\r\n",
            self.at
        );
        if let Some(known) = connection {
            // It may have been closed meanwhile: then another is opened.
            match known.exchange(&text) {
                Ok((status, true)) => return Ok(status),
                Ok((status, false)) => {
                    *connection = None;
                    return Ok(status);
                }
                Err(_) => *connection = None,
            }
        }
        let stream = TcpStream::connect_timeout(&self.at, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut new = Connection(BufReader::new(stream));
        let (status, goes_on) = new.exchange(&text)?;
        *connection = Some(new).filter(|_| goes_on);
        Ok(status)
    }

    /// The times. Nothing that holds them can panic half way, so poison says nothing.
    fn took(&self) -> std::sync::MutexGuard<'_, Vec<f64>> {
        self.took.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    /// Sends a request and reads the reply. Gives the status, and whether another request
    /// may follow.
    fn exchange(&mut self, request: &str) -> std::io::Result<(u16, bool)> {
        self.0.get_mut().write_all(request.as_bytes())?;
        let (mut line, mut length, mut goes_on) = (String::new(), 0, true);
        if self.0.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let status = line.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or_default();
        loop {
            line.clear();
            self.0.read_line(&mut line)?;
            match line.trim_end().split_once(": ") {
                Some((field, value)) if field.eq_ignore_ascii_case("content-length") => {
                    length = value.parse().unwrap_or_default();
                }
                Some((field, "close")) if field.eq_ignore_ascii_case("connection") => {
                    goes_on = false;
                }
                Some(_) => (),
                None => break,
            }
        }
        std::io::copy(&mut self.0.by_ref().take(length), &mut std::io::sink())?;
        Ok((status, goes_on))
    }
}
