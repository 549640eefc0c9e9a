//! The sockets of HTTP: the operator's window, and etcd's v2 API.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use socket2::Socket;
use tokio_util::sync::CancellationToken;

use super::follower::FollowedZone;
use crate::config;
use crate::error::Failure;
use crate::etcd::{Etcd, Range};
use crate::etcd_v2;
use crate::events::Events;
use crate::http::{Http, Subject};
use crate::metrics::OldClients;
use crate::options::HttpAddress;

/// The sockets of HTTP, as far as they are on.
#[derive(Debug, Default)]
pub struct Windows {
    /// The operator's window.
    pub http: Option<Http>,
    /// etcd's v2 API.
    pub etcd_v2: Option<Http>,
}

/// The keys that etcd's v2 API reads and writes.
#[derive(Debug)]
pub(super) struct OldKeys {
    /// The registry.
    etcd: Etcd,
    /// Its zones' places in the index, each with the keys that it reads.
    zones: Vec<(usize, Range)>,
}

impl Windows {
    /// Binds the addresses of a configuration, as far as their sockets were not handed over.
    ///
    /// # Errors
    /// [`Failure::Failed`]: one of them cannot be bound.
    pub fn bind(
        config: &config::Http,
        [http, etcd_v2]: [Option<Socket>; 2],
    ) -> Result<Self, Failure> {
        let http = match (http, config.at) {
            (Some(socket), _) => Some(Http::on(socket.into()).map_err(Failure::failed)?),
            (None, HttpAddress::Off) => None,
            (None, HttpAddress::On(address)) => Some(Http::bind(address).map_err(Failure::failed)?),
        };
        let etcd_v2 = match (etcd_v2, config.etcd_v2) {
            (Some(socket), _) => Some(Http::etcd_v2_on(socket.into()).map_err(Failure::failed)?),
            (None, address) => {
                address.map(Http::bind_etcd_v2).transpose().map_err(Failure::failed)?
            }
        };
        Ok(Self { http, etcd_v2 })
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Http> {
        self.http.iter().chain(&self.etcd_v2)
    }

    /// Whether the operator's window speaks TLS.
    pub(super) fn speaks_tls(&self) -> bool {
        self.http.as_ref().is_some_and(Http::speaks_tls)
    }

    /// Answers, as far as they are on, until DNS no longer is.
    pub(super) async fn serve(
        self,
        subject: Subject,
        old: Option<etcd_v2::KeysSubject>,
    ) -> io::Result<Infallible> {
        let http = async {
            match self.http {
                Some(http) => http.serve(subject).await,
                None => std::future::pending().await,
            }
        };
        let etcd_v2 = async {
            match self.etcd_v2.zip(old) {
                Some((http, old)) => etcd_v2::serve(http, old).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            ended = http => ended,
            ended = etcd_v2 => ended,
        }
    }
}

impl OldKeys {
    /// The keys of all zones that are read from the registry of the first one: indexes are those
    /// of one registry.
    pub(super) fn of(sources: &[FollowedZone]) -> Option<Self> {
        let etcd = sources.first()?.etcd.clone();
        let own = sources.iter().enumerate().filter(|(_, it)| it.etcd.url() == etcd.url());
        let zones = own.map(|(at, source)| (at, source.layout.range())).collect();
        Some(Self { etcd, zones })
    }

    /// What is served of them.
    pub(super) fn subject(
        self,
        events: &Arc<Events>,
        draining: &CancellationToken,
        counts: Arc<OldClients>,
    ) -> etcd_v2::KeysSubject {
        let Self { etcd, zones } = self;
        let (events, draining) = (Arc::clone(events), draining.clone());
        etcd_v2::KeysSubject { etcd, zones, events, draining, counts }
    }
}
