//! Connections as they come. Where the system has no descriptor left, the quietest make room,
//! several at once: whoever opens connections faster than they are closed one by one would keep
//! everybody else waiting at the door.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::Connection;
use super::connections::{ConnectionSlot, Connections};
use super::handshakes::HandshakeSlot;
use super::tls::Tls;
use super::turns::Turns;
use crate::wire::full::Queue;
use crate::wire::{Peer, ProxyOutcome, Responder, Transport, https, proxy};

/// How long the connections that were closed have to give their descriptors back.
const CLOSING: Duration = Duration::from_millis(1);
/// How long to wait where none of ours was open, or the system lacks memory.
const PAUSE: Duration = Duration::from_millis(50);

/// The state that connections share.
#[derive(Clone)]
pub(in crate::wire) struct Common {
    /// Answers.
    pub(in crate::wire) responder: Responder,
    /// Who is connected.
    pub(in crate::wire) connections: Arc<Connections>,
    /// Whose turn it is.
    pub(in crate::wire) turns: Arc<Turns>,
    /// Where messages go that can mean much of a zone.
    pub(in crate::wire) patterns: Queue,
    /// Told to stop.
    pub(in crate::wire) shutdown: CancellationToken,
}

/// The protocol that a listener's connections begin with.
#[derive(Clone)]
pub(in crate::wire) enum Door {
    /// None: messages come at once.
    Plain,
    /// TLS, and messages in it.
    Tls(Tls),
    /// TLS, and HTTP in it.
    Https(Tls),
}

impl Door {
    /// What messages come over.
    const fn transport(&self) -> Transport {
        match self {
            Self::Plain => Transport::Tcp,
            Self::Tls(_) => Transport::Tls,
            Self::Https(_) => Transport::Https,
        }
    }
}

/// A descriptor that is given up to accept a connection when there is no other, so that its
/// client is told at once that there is no room.
#[derive(Debug, Default)]
struct Spare(Option<File>);

/// Accepts connections until told to stop.
pub(in crate::wire) async fn serve(
    listener: TcpListener,
    door: Door,
    common: Common,
    tasks: TaskTracker,
) {
    let mut spare = Spare::default();
    spare.refill();
    while let Some(accepted) = common.shutdown.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => {
                let place = common.connections.admit(peer.ip());
                send_at_once(&stream);
                if common.responder.policies().load().is_proxy(peer.ip()) {
                    place.begin(false);
                    let (door, common) = (door.clone(), common.clone());
                    tasks.spawn(behind_proxy((stream, peer), door, common, place, tasks.clone()));
                } else {
                    enter((stream, peer), &door, &common, place, &tasks);
                }
            }
            Err(fault) => recover(&fault, &common.connections, &listener, &mut spare).await,
        }
    }
}

/// Serves the connection of a client, which begins as its listener's do.
fn enter(
    (stream, client): (TcpStream, SocketAddr),
    door: &Door,
    common: &Common,
    place: ConnectionSlot,
    tasks: &TaskTracker,
) {
    match door {
        Door::Plain => tasks.spawn(plain(stream, client, common.clone(), place)),
        Door::Tls(tls) | Door::Https(tls) => {
            place.begin(false);
            let handshake = (tls.clone(), tls.admit(client.ip()));
            let common = (common.clone(), matches!(door, Door::Https(_)));
            tasks.spawn(encrypted(stream, client, common, place, handshake))
        }
    };
}

/// Serves a connection that begins with a proxy's header: that of the client which it names. Until
/// it is here, the connection is the proxy's.
async fn behind_proxy(
    (mut stream, proxy): (TcpStream, SocketAddr),
    door: Door,
    common: Common,
    place: ConnectionSlot,
    tasks: TaskTracker,
) {
    let (close, shutdown) = (place.close.clone(), common.shutdown.clone());
    let received = shutdown.run_until_cancelled(proxy::receive(&mut stream));
    let Some(received) = close.run_until_cancelled(received).await.flatten() else { return };
    let count = |outcome| common.responder.counters().proxy.count(door.transport(), outcome, 1);
    match received {
        Ok(named) => {
            let outcomes = [ProxyOutcome::Local, ProxyOutcome::Client];
            count(outcomes[usize::from(named.is_some())]);
            let client = named.unwrap_or(proxy);
            place.give(client.ip());
            enter((stream, client), &door, &common, place, &tasks);
        }
        Err((outcome, fault)) => {
            count(outcome);
            tracing::debug!(%proxy, "connection closed: {fault}");
        }
    }
}

/// Serves a connection that begins with a message.
async fn plain(stream: TcpStream, peer: SocketAddr, common: Common, place: ConnectionSlot) {
    Connection::new(stream, Peer::tcp(peer), &common).serve(place).await;
}

/// Serves a connection that begins with TLS, unless its place is taken or the server ends
/// before that is done.
async fn encrypted(
    stream: TcpStream,
    peer: SocketAddr,
    (common, is_http): (Common, bool),
    place: ConnectionSlot,
    (tls, handshake): (Tls, HandshakeSlot),
) {
    let (close, shutdown) = (place.close.clone(), common.shutdown.clone());
    let begun = shutdown.run_until_cancelled(tls.begin(stream, peer, handshake));
    let begun = close.run_until_cancelled(begun);
    if let Some(stream) = begun.await.flatten().flatten() {
        place.begin(true);
        let _open = tls.open();
        if is_http {
            return https::serve(stream, Peer::https(peer), common, place).await;
        }
        Connection::new(stream, Peer::tls(peer), &common).serve(place).await;
    }
}

/// Without this the kernel would hold a small reply back until the one before it is
/// acknowledged.
fn send_at_once(stream: &TcpStream) {
    if let Err(fault) = stream.set_nodelay(true) {
        tracing::debug!("replies of a connection may come later: {fault}");
    }
}

/// After a connection that could not be accepted. One that was gone already costs nothing;
/// for lack of descriptors or memory it would fail again at once, so others are closed, and
/// there is a pause. Where none can be, whoever is next is turned away.
async fn recover(
    fault: &io::Error,
    connections: &Connections,
    listener: &TcpListener,
    spare: &mut Spare,
) {
    if matches!(fault.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
        return;
    }
    tracing::debug!("connection not accepted: {fault}");
    if connections.make_room() {
        return sleep(CLOSING).await;
    }
    if spare.turn_away(listener).await {
        connections.turn_away();
    }
    sleep(PAUSE).await;
}

impl Spare {
    /// Takes a descriptor, if there is one.
    fn refill(&mut self) {
        self.0 = self.0.take().or_else(|| File::open("/dev/null").ok());
    }

    /// Accepts a connection in place of this, and closes it; false if that failed as well.
    async fn turn_away(&mut self, listener: &TcpListener) -> bool {
        self.0 = None;
        let accepted = timeout(Duration::ZERO, listener.accept()).await;
        let is_turned_away = matches!(accepted, Ok(Ok(_)));
        drop(accepted);
        self.refill();
        is_turned_away
    }
}
