//! TLS under connections (RFC 7858, RFC 8310 profiles): 1.3 and 1.2, with the certificate of the
//! moment, so that a new one is shown without a restart.
//!
//! A handshake costs as much as hundreds of replies, most of it one signature. It is made when
//! the client has said all that it begins with, and then in its network's turn (`turns`): who
//! begins many delays those of others as little as who asks much. Sessions are resumed by
//! tickets, which cost no signature and no memory here; nothing is taken before the handshake is
//! done (no 0-RTT), which others could repeat.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use rustls::crypto::ring::Ticketer;
use rustls::server::{Acceptor, ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{Error, HandshakeKind, ServerConfig};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use super::connection::FLUSH;
use super::handshakes::{HandshakeSlot, Handshakes};
use super::turns::Turns;
use crate::names::{Share, Span};
use crate::wire::Policies;
use crate::wire::counters::{Counters, HandshakeOutcome};

/// What DNS over TLS is called (RFC 7858 section 8.1).
pub(in crate::wire) const DOT: &[u8] = b"dot";
/// How long a handshake may take.
pub(in crate::wire) const HANDSHAKE: Duration = Duration::from_secs(5);
/// Tickets that a client of TLS 1.3 is given: it has one connection at a time, mostly.
const TICKETS: usize = 1;

/// Begins TLS on connections.
#[derive(Clone)]
pub(in crate::wire) struct Tls {
    /// Versions, certificate, tickets.
    config: Arc<ServerConfig>,
    /// Who has begun.
    handshakes: Arc<Handshakes>,
    /// Whose turn it is.
    turns: Arc<Turns>,
}

/// The certificate of the moment.
#[derive(Debug)]
struct Newest(Arc<Policies>);

/// An open connection under TLS, as it is counted.
pub(in crate::wire) struct OpenTls(Arc<Counters>);

impl ResolvesServerCert for Newest {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.load().certificate.clone()
    }
}

impl Tls {
    /// TLS with the certificate that the policy has when a client comes, and what is spoken in it; a
    /// client that says nothing of that is served as well.
    ///
    /// # Errors
    /// [`io::Error`] where the system gives no random numbers for the key of tickets.
    pub(in crate::wire) fn new(
        policies: &Arc<Policies>,
        counters: Arc<Counters>,
        turns: Arc<Turns>,
        protocols: &[&[u8]],
    ) -> io::Result<Self> {
        let builder = ServerConfig::builder().with_no_client_auth();
        let mut config = builder.with_cert_resolver(Arc::new(Newest(Arc::clone(policies))));
        config.alpn_protocols = protocols.iter().map(|it| it.to_vec()).collect();
        config.ticketer = Ticketer::new().map_err(io::Error::other)?;
        config.send_tls13_tickets = TICKETS;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        let handshakes = Handshakes::new(Arc::clone(policies), counters);
        Ok(Self { config: Arc::new(config), handshakes, turns })
    }

    /// The same where something else is spoken.
    pub(in crate::wire) fn speaking(&self, protocols: &[&[u8]]) -> Self {
        let mut config = ServerConfig::clone(&self.config);
        config.alpn_protocols = protocols.iter().map(|it| it.to_vec()).collect();
        Self { config: Arc::new(config), ..self.clone() }
    }

    /// Versions, certificate, tickets, for what has its own records (RFC 9001 section 4).
    pub(in crate::wire) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// Gives a handshake its place.
    pub(in crate::wire) fn admit(&self, client: IpAddr) -> HandshakeSlot {
        self.handshakes.begin(client)
    }

    /// Shakes hands on a connection; none where that came to nothing, which is counted.
    pub(super) async fn begin(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        mut slot: HandshakeSlot,
    ) -> Option<TlsStream<TcpStream>> {
        let close = slot.close.clone();
        let shaken = close.run_until_cancelled(timeout(HANDSHAKE, self.shake(stream, peer)));
        let fault = match shaken.await? {
            Ok(Ok(stream)) => {
                let is_resumed =
                    stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed);
                let done = [HandshakeOutcome::Full, HandshakeOutcome::Resumed];
                slot.outcome = done[usize::from(is_resumed)];
                return Some(stream);
            }
            Ok(Err(fault)) => {
                slot.outcome = HandshakeOutcome::Failed;
                reason(&fault)
            }
            Err(_) => {
                slot.outcome = HandshakeOutcome::TimedOut;
                format!("it took over {}", Span(HANDSHAKE))
            }
        };
        tracing::debug!(client = %peer, "a client did not begin TLS: {fault}");
        None
    }

    /// Shakes hands: reads what the client begins with, and answers it in its network's turn.
    async fn shake(&self, stream: TcpStream, peer: SocketAddr) -> io::Result<TlsStream<TcpStream>> {
        let hello = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        let turn = self.turns.next(Share::of(peer.ip())).await;
        let turn = turn.ok_or_else(|| io::Error::other("too many connections wait for a turn"))?;
        let config = Arc::clone(&self.config);
        let mut shake = hello.into_stream_with(config, |it| it.set_buffer_limit(Some(FLUSH)));
        let signed = (&mut shake).now_or_never();
        tokio::task::yield_now().await;
        drop(turn);
        match signed {
            Some(done) => done,
            None => shake.await,
        }
    }

    /// Counts a connection under TLS until this is dropped.
    pub(in crate::wire) fn open(&self) -> OpenTls {
        let counters = Arc::clone(&self.handshakes.counters);
        counters.tls.open();
        OpenTls(counters)
    }
}

impl Drop for OpenTls {
    fn drop(&mut self) {
        self.0.tls.close();
    }
}

/// Why a handshake failed, in an operator's words.
fn reason(fault: &io::Error) -> String {
    let of_tls = fault.get_ref().and_then(|it| it.downcast_ref::<Error>());
    match of_tls {
        Some(Error::InvalidMessage(_)) => {
            "it does not speak TLS; DNS without TLS is answered on `listen`, and PROXY headers are \
             taken from networks of `proxy-protocol`"
                .to_owned()
        }
        Some(Error::PeerIncompatible(why)) => {
            format!("it has no version, cipher or curve of TLS 1.2 and 1.3 in common ({why:?})")
        }
        Some(Error::NoApplicationProtocol) => {
            "it offers none of the protocols that are spoken here (ALPN)".into()
        }
        Some(Error::AlertReceived(alert)) => format!(
            "it said {alert:?}; where it does not trust the certificate, give it the authority of \
             `tls-cert`, or this server a certificate of the name that it expects"
        ),
        Some(Error::General(text)) if text.contains("no server certificate") => {
            "there is no certificate to show it; set `tls-cert` and `tls-key`".to_owned()
        }
        Some(fault) => fault.to_string(),
        None if fault.kind() == io::ErrorKind::UnexpectedEof => "it left".to_owned(),
        None => fault.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use rustls::{AlertDescription, InvalidMessage, PeerIncompatible};

    use super::*;

    #[test]
    fn faults_say_what_to_do() {
        for (fault, words) in [
            (Error::InvalidMessage(InvalidMessage::InvalidContentType), "answered on `listen`"),
            (
                Error::PeerIncompatible(PeerIncompatible::Tls12NotOfferedOrEnabled),
                "of TLS 1.2 and 1.3 in common",
            ),
            (Error::NoApplicationProtocol, "none of the protocols"),
            (Error::AlertReceived(AlertDescription::UnknownCA), "UnknownCA; where it does not"),
            (Error::DecryptError, "decrypt"),
        ] {
            let text = reason(&io::Error::new(io::ErrorKind::InvalidData, fault));
            assert!(text.contains(words), "{text}");
        }
        assert_eq!(reason(&io::ErrorKind::UnexpectedEof.into()), "it left");
    }
}
