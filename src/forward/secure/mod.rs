//! Encrypted ways to upstreams: DNS over TLS (RFC 7858) and over HTTPS (RFC 8484).
//!
//! ```text
//!   upstream ─→ channel ─→ session ─┬─→ tls
//!                                   └─→ https
//! ```
//!
//! A question waits for a connection that is kept, and never goes another way: where none can
//! be made, or the certificate is not the server's, there is no answer.
//!
//! | bound | what it holds |
//! | --- | --- |
//! | `SESSIONS`, `IN_FLIGHT` | connections to a server, and questions on one at once |
//! | `CONNECT`, `WRITE` | how long a connection and its handshake take, and a question's octets |
//! | `IDLE`, `STALLED`, `LOST` | how long a connection is kept without questions, without any answer to some, and an answer is waited for |
//! | `BACKOFF` | how long nobody connects after a failure |
//! | `BODY` | octets of a reply over HTTPS; over TLS their count has 16 bits |
//!
//! | RFC | what of it | status |
//! | --- | --- | --- |
//! | 7766 s6.2.1.1 | queries are pipelined, answers come in any order | done |
//! | 7858 s3.4, 8310 s5 | connections are kept; strict: the certificate is verified, always | done |
//! | 7830, 8467 s4.1 | queries are padded to 128 octets | done |
//! | 8484 s4.1 | POST over HTTP/2, with the id 0 | done |
//! | 8484 s4.2.1 | only a success has an answer, with its media type | done |
//! | 8484 s5.1 | ages of HTTP caches | not needed: the replies to POST are not cached |

mod fault;
mod https;
mod tls;
mod trust;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::message::{Reply, Request};
use super::server::UpstreamServer;
use super::upstream::UpstreamFault;
use crate::backoff::Backoff;
use crate::lock::Lock;

pub(super) use self::trust::Trust;

/// Connections to one server. Together they carry as many questions as there may be.
const SESSIONS: usize = 4;
/// Questions on one connection at once.
const IN_FLIGHT: usize = 250;
/// How long a connection and its handshake may take: less than a question waits.
const CONNECT: Duration = Duration::from_secs(3);
/// How long a connection is kept that nobody uses: servers keep it a little longer.
const IDLE: Duration = Duration::from_secs(10);
/// The waits after connections that failed: soon again, for a server that restarts.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// What is said where HTTPS has no HTTP/2.
const NO_HTTP2: &str = "it does not speak HTTP/2 there; name the port where it does";
/// How often a question is sent: a server may close a connection just as it is written to.
const TRIES: usize = 2;

/// The connections to one server.
#[derive(Debug)]
pub(super) struct Channel {
    /// Where it is, and what is spoken.
    server: UpstreamServer,
    /// Whom it must prove to be.
    name: ServerName<'static>,
    /// How.
    tls: Arc<ClientConfig>,
    /// The connections.
    pool: Lock<SessionPool>,
    /// Why the last attempt failed.
    fault: Lock<Option<String>>,
}

/// Connections, and when the next may be made.
#[derive(Debug)]
struct SessionPool {
    /// Those that are there, or are being made.
    sessions: Vec<Session>,
    /// How long none is made after one failed.
    backoff: Backoff,
    /// Until when none is made.
    rests_until: Option<Instant>,
}

/// The hither end of one connection, whose task has the other.
#[derive(Debug)]
struct Session {
    /// Takes what is to be sent.
    queries: mpsc::Sender<SecureQuery>,
    /// One place for each question at once.
    room: Arc<Semaphore>,
}

/// A question on its way.
#[derive(Debug)]
struct SecureQuery {
    /// The message.
    octets: Vec<u8>,
    /// What its answer is handed to; an error where there is none on this server.
    reply: oneshot::Sender<Result<Vec<u8>, ()>>,
    /// Its place, until it is answered or given up.
    _place: OwnedSemaphorePermit,
}

impl Channel {
    /// The way to a server, which is believed as `trust` says.
    pub(super) fn new(server: &UpstreamServer, trust: &Trust) -> Self {
        let is_https = server.encryption.as_ref().is_some_and(|it| it.path.is_some());
        Self {
            name: server.server_name(),
            server: server.clone(),
            tls: if is_https { trust.https() } else { trust.tls() },
            pool: Lock::new(SessionPool {
                sessions: Vec::new(),
                backoff: Backoff::new(BACKOFF.0, BACKOFF.1),
                rests_until: None,
            }),
            fault: Lock::default(),
        }
    }

    /// Why the server could not be asked when that was tried last; none where it could.
    pub(super) fn fault(&self) -> Option<String> {
        self.fault.lock().clone()
    }

    /// Asks a question.
    pub(super) async fn ask(self: &Arc<Self>, request: &Request) -> Result<Reply, UpstreamFault> {
        for _ in 0..TRIES {
            let (queries, place) = self.session().ok_or(UpstreamFault::Silent)?;
            let (reply, answered) = oneshot::channel();
            let octets = request.octets().to_vec();
            // There is a place in the queue for each that may be asked.
            if queries.try_send(SecureQuery { octets, reply, _place: place }).is_err() {
                continue;
            }
            match answered.await {
                Ok(Ok(mut octets)) if octets.len() >= 2 => {
                    // Under which id it was asked there is nobody's business here.
                    octets[..2].copy_from_slice(&request.octets()[..2]);
                    return request.read(&mut octets).unwrap_or(Err(UpstreamFault::Broken));
                }
                Ok(_) => return Err(UpstreamFault::Broken),
                Err(_) => {}
            }
        }
        Err(UpstreamFault::Silent)
    }

    /// A connection with a place for a question: one that is there, else a new one.
    fn session(self: &Arc<Self>) -> Option<(mpsc::Sender<SecureQuery>, OwnedSemaphorePermit)> {
        let mut pool = self.pool.lock();
        pool.sessions.retain(|session| !session.queries.is_closed());
        if let Some(found) = pool.sessions.iter().find_map(Session::place) {
            return Some(found);
        }
        let rests = pool.rests_until.is_some_and(|until| Instant::now() < until);
        if rests || pool.sessions.len() >= SESSIONS {
            return None;
        }
        let (queries, asked) = mpsc::channel(IN_FLIGHT);
        let session = Session { queries, room: Arc::new(Semaphore::new(IN_FLIGHT)) };
        let found = session.place();
        pool.sessions.push(session);
        drop(pool);
        tokio::spawn(Arc::clone(self).serve(asked));
        found
    }

    /// Makes a connection, and carries questions until it ends. Those without an answer then
    /// hear of it.
    async fn serve(self: Arc<Self>, mut queries: mpsc::Receiver<SecureQuery>) {
        let connected = timeout(CONNECT, self.connect()).await;
        let silent = || format!("no connection within {} s", CONNECT.as_secs());
        let stream = match connected.unwrap_or_else(|_| Err(silent())) {
            Ok(stream) => stream,
            Err(fault) => {
                self.rest();
                return self.complain(fault);
            }
        };
        self.rise();
        match self.server.encryption.as_ref().and_then(|it| it.path.as_deref()) {
            None => {
                self.praise();
                tls::serve(stream, &mut queries).await;
            }
            Some(path) => https::serve(stream, path, &self, &mut queries).await,
        }
    }

    /// A connection to who proves to be the server.
    async fn connect(&self) -> Result<TlsStream<TcpStream>, String> {
        let words = |fault: std::io::Error| fault::words(&self.server, &fault);
        let stream = TcpStream::connect(self.server.at).await.map_err(words)?;
        stream.set_nodelay(true).map_err(words)?;
        let connector = TlsConnector::from(Arc::clone(&self.tls));
        let stream = connector.connect(self.name.clone(), stream).await.map_err(words)?;
        let is_https = self.server.encryption.as_ref().is_some_and(|it| it.path.is_some());
        match stream.get_ref().1.alpn_protocol() {
            // A server of DNS over TLS may not tell what it speaks (RFC 7858 section 3.1).
            protocol if is_https && protocol != Some(trust::H2) => Err(NO_HTTP2.to_owned()),
            _ => Ok(stream),
        }
    }

    /// Lets nobody connect for a while.
    fn rest(&self) {
        let mut pool = self.pool.lock();
        pool.rests_until = Some(Instant::now() + pool.backoff.wait());
    }

    /// There is a connection: the next may be made at once.
    fn rise(&self) {
        let mut pool = self.pool.lock();
        pool.backoff.reset();
        pool.rests_until = None;
    }

    /// Says why the server cannot be asked, once.
    fn complain(&self, fault: String) {
        let mut told = self.fault.lock();
        if told.as_ref() != Some(&fault) {
            let server = &self.server;
            tracing::warn!(upstream = %server, "upstream server {server} cannot be asked: {fault}");
            *told = Some(fault);
        }
    }

    /// It can be asked.
    fn praise(&self) {
        if self.fault.lock().take().is_some() {
            let server = &self.server;
            tracing::info!(upstream = %server, "upstream server {server} can be asked again");
        }
    }
}

impl Session {
    /// A place for a question, if there is one.
    fn place(&self) -> Option<(mpsc::Sender<SecureQuery>, OwnedSemaphorePermit)> {
        let place = Arc::clone(&self.room).try_acquire_owned().ok()?;
        Some((self.queries.clone(), place))
    }
}
