//! The sockets of encrypted DNS: over TLS, over HTTPS, over QUIC.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use socket2::Socket;
use tokio_util::task::TaskTracker;

use super::{BindError, Listeners, Listening};
use crate::wire::https;
use crate::wire::quic::{self, DOQ, QuicDoor};
use crate::wire::tcp::{self, Common, DOT, Door, TcpRuntime, Tls};

/// The sockets of encrypted DNS.
#[derive(Debug, Default)]
pub(super) struct EncryptedListeners {
    /// Those of DNS over TLS.
    tls: Vec<Listening>,
    /// Those of DNS over HTTPS.
    https: Vec<Listening>,
    /// Those of DNS over QUIC, for datagrams.
    quic: Vec<Listening>,
}

impl Listeners {
    /// Binds addresses of DNS over TLS as well.
    ///
    /// # Errors
    /// [`BindError`]: which address, and what to do.
    pub fn with_tls(mut self, addresses: &[SocketAddr]) -> Result<Self, BindError> {
        self.encrypted.tls = all(addresses, Listening::bind)?;
        Ok(self)
    }

    /// Answers DNS over TLS on sockets that somebody else has bound and keeps.
    ///
    /// # Errors
    /// [`io::Error`] of the system.
    pub fn with_tls_on(mut self, sockets: impl IntoIterator<Item = Socket>) -> io::Result<Self> {
        self.encrypted.tls = sockets.into_iter().map(Listening::kept).collect::<Result<_, _>>()?;
        Ok(self)
    }

    /// Binds addresses of DNS over HTTPS as well.
    ///
    /// # Errors
    /// [`BindError`]: which address, and what to do.
    pub fn with_https(mut self, addresses: &[SocketAddr]) -> Result<Self, BindError> {
        self.encrypted.https = all(addresses, Listening::bind)?;
        Ok(self)
    }

    /// Answers DNS over HTTPS on sockets that somebody else has bound and keeps.
    ///
    /// # Errors
    /// [`io::Error`] of the system.
    pub fn with_https_on(mut self, sockets: impl IntoIterator<Item = Socket>) -> io::Result<Self> {
        self.encrypted.https =
            sockets.into_iter().map(Listening::kept).collect::<Result<_, _>>()?;
        Ok(self)
    }

    /// Binds addresses of DNS over QUIC as well.
    ///
    /// # Errors
    /// [`BindError`]: which address, and what to do.
    pub fn with_quic(mut self, addresses: &[SocketAddr]) -> Result<Self, BindError> {
        self.encrypted.quic = all(addresses, Listening::bind_datagrams)?;
        Ok(self)
    }

    /// Answers DNS over QUIC on sockets that somebody else has bound and keeps.
    ///
    /// # Errors
    /// [`io::Error`] of the system.
    pub fn with_quic_on(mut self, sockets: impl IntoIterator<Item = Socket>) -> io::Result<Self> {
        let kept = sockets.into_iter().map(Listening::kept_datagrams);
        self.encrypted.quic = kept.collect::<Result<_, _>>()?;
        Ok(self)
    }

    /// The addresses of DNS over TLS, with actual ports.
    #[must_use]
    pub fn tls_addresses(&self) -> Vec<SocketAddr> {
        addresses(&self.encrypted.tls)
    }

    /// The addresses of DNS over HTTPS, with actual ports.
    #[must_use]
    pub fn https_addresses(&self) -> Vec<SocketAddr> {
        addresses(&self.encrypted.https)
    }

    /// The addresses of DNS over QUIC, with actual ports.
    #[must_use]
    pub fn quic_addresses(&self) -> Vec<SocketAddr> {
        addresses(&self.encrypted.quic)
    }
}

impl EncryptedListeners {
    /// Answers on all of them, on a runtime.
    ///
    /// # Errors
    /// [`io::Error`] when the runtime cannot take a socket, or keys cannot be made.
    pub(super) fn serve(
        self,
        apart: &TcpRuntime,
        common: &Common,
        tasks: &TaskTracker,
    ) -> io::Result<()> {
        let Self { tls, https, quic } = self;
        if tls.is_empty() && https.is_empty() && quic.is_empty() {
            return Ok(());
        }
        let responder = &common.responder;
        let (counters, turns) = (Arc::clone(responder.counters()), Arc::clone(&common.turns));
        let dot = Tls::new(responder.policies(), counters, turns, &[DOT])?;
        let (doh, doq) = (dot.speaking(&https::PROTOCOLS), dot.speaking(&[DOQ]));
        let tls = tls.into_iter().map(|it| (it, Door::Tls(dot.clone())));
        let https = https.into_iter().map(|it| (it, Door::Https(doh.clone())));
        for (Listening { socket, .. }, door) in tls.chain(https) {
            let listener = apart.listener(socket)?;
            let accept = tcp::serve(listener, door, common.clone(), tasks.clone());
            tasks.spawn_on(accept, apart.handle());
        }
        let _here = apart.handle().enter();
        for Listening { socket, .. } in quic {
            let door = QuicDoor::new(socket, doq.clone())?;
            tasks.spawn(quic::serve(door, common.clone(), tasks.clone()));
        }
        Ok(())
    }
}

/// Binds all of some addresses.
fn all(
    addresses: &[SocketAddr],
    bind: impl Fn(SocketAddr) -> Result<Listening, BindError>,
) -> Result<Vec<Listening>, BindError> {
    addresses.iter().map(|address| bind(*address)).collect()
}

/// The addresses of sockets.
fn addresses(listening: &[Listening]) -> Vec<SocketAddr> {
    listening.iter().map(|it| it.address).collect()
}
