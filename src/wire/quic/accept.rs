//! QUIC connections as they come. What their datagrams say of their sender may be forged until the
//! client has answered: once half of the places are taken, or half of a client's, who has not shown
//! that it is where it says is asked to (Retry, RFC 9000 section 8.1.2), which costs no memory. So nobody
//! loses a place to addresses that were made up.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::QuicServerConfig;
use quinn::{Connection, Endpoint, EndpointConfig, IdleTimeout, Incoming};
use quinn::{ServerConfig, TokioRuntime, TransportConfig, ValidationTokenConfig, VarInt};
use socket2::Socket;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::session;
use crate::names::{Share, Span};
use crate::wire::counters::HandshakeOutcome;
use crate::wire::tcp::{Common, ConnectionSlot, HANDSHAKE, HandshakeSlot, Tls};
use crate::wire::{Peer, ProxyOutcome, Transport};

/// Streams of a connection at once: queries that are read, answered, or whose replies are taken.
const STREAMS: u32 = 100;
/// Streams of one direction, which nobody may open: with none, whoever does would wait for ever,
/// and not be told.
const UNIDIRECTIONAL: u32 = 1;
/// Octets of a query that a client may send before they are read: nearly all queries are smaller.
const STREAM_WINDOW: u32 = 4096;
/// The same of all queries of a connection.
const WINDOW: u32 = 32 * 1024;
/// Octets of replies that are kept until the client has them, beyond which they wait on their streams.
const SEND_WINDOW: u64 = 128 * 1024;
/// The least time after which a client that sends nothing at all is forgotten: longer than a query
/// and an answer of others take.
const GONE: Duration = Duration::from_secs(10);
/// First datagrams that wait to be looked at, or for their network's turn.
const INCOMING: usize = 1024;
/// Octets of what else a client sends meanwhile.
const INCOMING_OCTETS: u64 = 8 * 1024;
/// The same of all clients.
const INCOMING_OCTETS_ALL: u64 = 1024 * 1024;
/// How many times as many connections as there may be quinn knows, with those that have ended: it
/// answers their last datagrams for some round trips.
const LINGERING: usize = 4;

/// A socket that QUIC is spoken on.
pub(in crate::wire) struct QuicDoor {
    endpoint: Endpoint,
    /// What holds for connections, but for what may be reloaded.
    config: ServerConfig,
    /// Handshakes and the certificate.
    tls: Tls,
}

/// A connection whose handshake is not done.
struct Arrival {
    incoming: Incoming,
    client: SocketAddr,
    /// What holds for it.
    config: Arc<ServerConfig>,
    handshake: HandshakeSlot,
}

impl QuicDoor {
    /// Speaks QUIC on a socket, on the runtime that this is called on.
    ///
    /// # Errors
    /// [`io::Error`] where the runtime cannot take it.
    pub(in crate::wire) fn new(socket: Socket, tls: Tls) -> io::Result<Self> {
        let crypto = QuicServerConfig::try_from(tls.config()).map_err(io::Error::other)?;
        let mut config = ServerConfig::with_crypto(Arc::new(crypto));
        let mut tokens = ValidationTokenConfig::default();
        tokens.sent(0);
        config
            .migration(false)
            .max_incoming(INCOMING)
            .incoming_buffer_size(INCOMING_OCTETS)
            .incoming_buffer_size_total(INCOMING_OCTETS_ALL)
            .validation_token_config(tokens);
        let endpoint = Endpoint::new(
            EndpointConfig::default(),
            Some(config.clone()),
            socket.into(),
            Arc::new(TokioRuntime),
        )?;
        Ok(Self { endpoint, config, tls })
    }

    /// Gives a connection its place, or has its client show first that it is where it says.
    fn enter(&self, incoming: Incoming, common: &Common, tasks: &TaskTracker) {
        let client = incoming.remote_address();
        let (counters, policy) = (common.responder.counters(), common.responder.policies().load());
        if policy.is_proxy(client.ip()) {
            counters.proxy.count(Transport::Quic, ProxyOutcome::Missing, 1);
            return incoming.refuse();
        }
        if self.endpoint.open_connections() >= LINGERING * policy.tcp.connections {
            return incoming.ignore();
        }
        if !incoming.remote_address_validated() && common.connections.is_busy(client.ip()) {
            counters.quic.retry();
            // It never fails: whose address is not known may be asked.
            return incoming.retry().unwrap_or_else(|fault| fault.into_incoming().ignore());
        }
        let place = common.connections.admit(client.ip());
        place.begin(false);
        let handshake = self.tls.admit(client.ip());
        let config = self.config_with(policy.tcp.idle);
        let arrival = Arrival { incoming, client, config, handshake };
        tasks.spawn(begin(arrival, self.tls.clone(), common.clone(), place));
    }

    /// What holds for a connection that may be idle for so long.
    fn config_with(&self, idle: Duration) -> Arc<ServerConfig> {
        let mut transport = TransportConfig::default();
        transport
            .max_concurrent_bidi_streams(STREAMS.into())
            .max_concurrent_uni_streams(UNIDIRECTIONAL.into())
            .stream_receive_window(STREAM_WINDOW.into())
            .receive_window(WINDOW.into())
            .send_window(SEND_WINDOW)
            .max_idle_timeout(Some(IdleTimeout::from(milliseconds(idle.max(GONE)))))
            .datagram_receive_buffer_size(None);
        let mut config = self.config.clone();
        config.transport_config(Arc::new(transport));
        Arc::new(config)
    }
}

/// Accepts connections until told to stop.
pub(in crate::wire) async fn serve(door: QuicDoor, common: Common, tasks: TaskTracker) {
    while let Some(Some(incoming)) =
        common.shutdown.run_until_cancelled(door.endpoint.accept()).await
    {
        door.enter(incoming, &common, &tasks);
    }
    door.endpoint.set_server_config(None);
}

/// Serves a connection, unless its place is taken or the server ends before the handshake is done.
async fn begin(arrival: Arrival, tls: Tls, common: Common, place: ConnectionSlot) {
    let Arrival { incoming, client, config, mut handshake } = arrival;
    let (close, shutdown) = (place.close.clone(), common.shutdown.clone());
    let own = handshake.close.clone();
    let shaken = timeout(HANDSHAKE, shake(incoming, client, config, &common));
    let shaken = shutdown.run_until_cancelled(own.run_until_cancelled(shaken));
    let shaken = close.run_until_cancelled(shaken).await.flatten().flatten();
    let fault = match shaken {
        None => return,
        Some(Ok(Ok(connection))) => {
            handshake.outcome = HandshakeOutcome::Full;
            drop(handshake);
            place.begin(true);
            let _open = tls.open();
            return session::serve(connection, Peer::quic(client), common, place).await;
        }
        Some(Ok(Err(fault))) => {
            handshake.outcome = HandshakeOutcome::Failed;
            fault.to_string()
        }
        Some(Err(_)) => {
            handshake.outcome = HandshakeOutcome::TimedOut;
            format!("it took over {}", Span(HANDSHAKE))
        }
    };
    tracing::debug!(%client, "a client did not begin QUIC: {fault}");
}

/// Shakes hands: what the client begins with is answered in its network's turn.
async fn shake(
    incoming: Incoming,
    client: SocketAddr,
    config: Arc<ServerConfig>,
    common: &Common,
) -> io::Result<Connection> {
    let turn = common.turns.next(Share::of(client.ip())).await;
    let turn = turn.ok_or_else(|| io::Error::other("too many connections wait for a turn"))?;
    let connecting = incoming.accept_with(config)?;
    tokio::task::yield_now().await;
    drop(turn);
    Ok(connecting.await?)
}

/// A time as QUIC has it.
fn milliseconds(span: Duration) -> VarInt {
    VarInt::from_u32(u32::try_from(span.as_millis()).unwrap_or(u32::MAX))
}
