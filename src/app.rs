//! The server, built in one place: everything bound, nothing running yet. Tests build the
//! very same on port 0.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::Serve;
use crate::error::Failure;
use crate::etcd::Etcd;
use crate::http::{At, Http, Subject};
use crate::index::{Index, Publisher, Zone};
use crate::mirror::Mirror;
use crate::wire::{Counters, Listeners, Strictness};

/// A server with its sockets bound.
pub struct App {
    /// What is answered from.
    index: Arc<Index>,
    /// The sockets.
    listeners: Listeners,
    /// The socket of HTTP, unless it is off.
    http: Option<Http>,
    /// UDP workers; 0 is one per core.
    workers: usize,
    /// One mirror per zone.
    mirrors: Vec<Mirror<Publisher>>,
}

impl App {
    /// Binds every listener and prepares a mirror per zone. etcd need not be there.
    ///
    /// # Errors
    /// [`Failure::Failed`]: an address cannot be bound.
    pub fn build(config: Serve) -> Result<Self, Failure> {
        let strictness = strictness(&config);
        let listeners = Listeners::bind(&config.listen.addresses, strictness);
        let listeners = listeners.map_err(Failure::failed)?;
        let http = match config.http.at {
            At::Off => None,
            At::Address(address) => Some(Http::bind(address).map_err(Failure::failed)?),
        };
        Ok(Self::with_listeners(config, listeners, http))
    }

    /// The server around sockets that are bound already.
    #[must_use]
    pub fn with_listeners(config: Serve, listeners: Listeners, http: Option<Http>) -> Self {
        let mut sources = Vec::new();
        let mut settings = Vec::new();
        for zone in config.zones {
            let zone_settings = Arc::new(zone.settings);
            let freshness = Arc::clone(zone_settings.freshness());
            sources.push((Etcd::new(&zone.registry, &config.access), zone.layout, freshness));
            settings.push(zone_settings);
        }
        let index = Arc::new(Index::new(settings, config.bare_names));
        let mirror = |(at, (etcd, layout, freshness))| {
            Mirror::new(etcd, layout, Publisher::new(Arc::clone(&index), at), freshness)
        };
        let mirrors = sources.into_iter().enumerate().map(mirror).collect();
        Self { index, listeners, http, workers: config.workers, mirrors }
    }

    /// The addresses that are answered on, UDP and TCP alike.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.addresses()
    }

    /// The address that HTTP is answered on, unless it is off.
    #[must_use]
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.http.as_ref().map(Http::address)
    }

    /// What is answered from.
    #[must_use]
    pub const fn index(&self) -> &Arc<Index> {
        &self.index
    }

    /// What is counted, to be read at any time.
    #[must_use]
    pub fn counters(&self) -> Arc<Counters> {
        self.listeners.counters()
    }

    /// Answers until told to stop, then drains.
    ///
    /// # Errors
    /// [`Failure::Failed`]: the runtime cannot take a socket.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), Failure> {
        let zones = self.index.load().zones().to_vec();
        let mut mirrors = JoinSet::new();
        for (mirror, zone) in self.mirrors.into_iter().zip(zones) {
            mirrors.spawn(supervise(mirror, zone));
        }
        let (index, counters) = (Arc::clone(&self.index), self.listeners.counters());
        let subject = Subject { index, counters, draining: shutdown.clone() };
        let http = window(self.http, subject);
        let served = self.listeners.serve(self.index, self.workers, shutdown);
        tokio::select! {
            served = served => served.map_err(Failure::failed),
            Err(error) = http => Err(Failure::failed(error)),
        }
    }
}

/// Answers HTTP, if it is to be answered, until DNS no longer is.
async fn window(http: Option<Http>, subject: Subject) -> io::Result<Infallible> {
    match http {
        Some(http) => http.serve(subject).await,
        None => std::future::pending().await,
    }
}

/// Runs a mirror, which never ends. Should a fault of ours end it all the same, its zone
/// goes on being answered, marked as stale: better old answers than none.
async fn supervise(mirror: Mirror<Publisher>, zone: Arc<Zone>) {
    if let Err(fault) = AssertUnwindSafe(mirror.run()).catch_unwind().await {
        let apex = zone.settings().apex();
        let text = fault
            .downcast_ref::<&str>()
            .copied()
            .or(fault.downcast_ref::<String>().map(String::as_str));
        tracing::error!(zone = %apex, "the mirror panicked, its zone is not followed until a restart: {}", text.unwrap_or("no reason given"));
        zone.settings().freshness().judge(Duration::ZERO);
    }
}

/// Whether each address must be bound.
const fn strictness(config: &Serve) -> Strictness {
    if config.listen.is_explicit { Strictness::Explicit } else { Strictness::Defaults }
}
