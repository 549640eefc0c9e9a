//! What goes over sockets.

mod behind;
pub(crate) mod cut;
mod differential;
mod dig;
mod fair;
mod fast;
mod forms;
mod hoarders;
mod https;
mod kept;
mod limits;
mod listen;
pub(crate) mod messages;
mod options;
mod parts;
mod properties;
mod protocol;
mod quic;
mod ready;
mod sizes;
mod static_zones;
mod tcp;
mod tls;
mod torn;
mod udp;
mod workers;

use std::net::SocketAddr;
use std::sync::Arc;

use srvd::wire::{Counters, Listeners, Policies, Policy, Strictness};
use tokio_util::sync::CancellationToken;

use crate::fixture::Fixture;

/// A server on a free port of each family, of the loopback addresses unless told else.
pub(crate) struct Server {
    pub v4: SocketAddr,
    pub v6: SocketAddr,
    /// Where it answers under TLS, if that is on, an address of each family.
    pub tls: Vec<SocketAddr>,
    /// The same of HTTPS.
    pub https: Vec<SocketAddr>,
    /// The same of QUIC.
    pub quic: Vec<SocketAddr>,
    pub shutdown: CancellationToken,
    pub counters: Arc<Counters>,
    pub policies: Arc<Policies>,
    pub task: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Server {
    /// Serves an index.
    pub(crate) fn start(fixture: &Fixture) -> Self {
        Self::start_on(fixture, ["127.0.0.1:0", "[::1]:0"])
    }

    /// Serves an index on an address of each family.
    pub(crate) fn start_on(fixture: &Fixture, addresses: [&str; 2]) -> Self {
        Self::start_with(fixture, addresses, Arc::default())
    }

    /// The same by a policy.
    pub(crate) fn start_with(fixture: &Fixture, addresses: [&str; 2], policy: Arc<Policy>) -> Self {
        Self::start_where(fixture, addresses, |_| policy)
    }

    /// The same by a policy that depends on where the server is.
    pub(crate) fn start_where(
        fixture: &Fixture,
        addresses: [&str; 2],
        policy: impl FnOnce(Vec<SocketAddr>) -> Arc<Policy>,
    ) -> Self {
        let addresses = addresses.map(|address| address.parse().unwrap());
        Self::run(fixture, Listeners::bind(&addresses, Strictness::Explicit).unwrap(), policy)
    }

    /// The same with TLS beside it, whose certificate the policy has.
    pub(crate) fn start_encrypted(fixture: &Fixture, policy: Arc<Policy>) -> Self {
        let addresses = ["127.0.0.1:0", "[::1]:0"].map(|address| address.parse().unwrap());
        let listeners = Listeners::bind(&addresses, Strictness::Explicit).unwrap();
        let listeners = listeners.with_tls(&addresses).unwrap().with_https(&addresses).unwrap();
        let listeners = listeners.with_quic(&addresses).unwrap();
        Self::run(fixture, listeners, |_| policy)
    }

    /// Answers on what is bound.
    fn run(
        fixture: &Fixture,
        listeners: Listeners,
        policy: impl FnOnce(Vec<SocketAddr>) -> Arc<Policy>,
    ) -> Self {
        let (tls, https) = (listeners.tls_addresses(), listeners.https_addresses());
        let quic = listeners.quic_addresses();
        let [v4, v6] = listeners.addresses()[..] else { panic!("two addresses") };
        let (shutdown, counters) = (CancellationToken::new(), listeners.counters());
        let policies = Arc::new(Policies::new(policy(vec![v4, v6])));
        let serving = listeners.serve(fixture.index.clone(), policies.clone(), 2, shutdown.clone());
        let task = tokio::spawn(serving);
        Self { v4, v6, tls, https, quic, shutdown, counters, policies, task }
    }
}

/// A zone with a few services.
pub(crate) fn example() -> Fixture {
    let mut fixture = Fixture::new("services.internal.");
    fixture.put("web/1", "http://10.0.0.1:8080");
    fixture.put("web/2", "http://10.0.0.2:8080");
    fixture.put("web/3", "http://[2001:db8::3]:8080");
    fixture
}
