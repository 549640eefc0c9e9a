//! The sockets of HTTP: the operator's window, and etcd's v2 API.

use std::convert::Infallible;
use std::io;

use socket2::Socket;

use crate::config;
use crate::error::Failure;
use crate::etcd_v2;
use crate::http::{Http, Subject};
use crate::options::HttpAddress;

/// The sockets of HTTP, as far as they are on.
#[derive(Debug, Default)]
pub struct Windows {
    /// The operator's window.
    pub http: Option<Http>,
    /// etcd's v2 API.
    pub etcd_v2: Option<Http>,
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
