//! Names that are not ours, asked of real name servers, and of servers that do all the
//! wrong things.

mod answers;
mod faults;
mod files;
mod load;
mod loops;
mod old;
mod secure;
mod trust;
pub(crate) mod upstream;
mod zones;

use std::net::SocketAddr;
use std::sync::Arc;

use hickory_proto::rr::Name;
use srvd::forward::{ForwardZone, Forwarder, Own, Rules, Source};
use srvd::wire::Policy;

use crate::fixture::Fixture;
use crate::wire::{Server, example};

/// A server that asks upstreams.
struct Forwarding {
    server: Server,
    forwarder: Arc<Forwarder>,
}

impl Forwarding {
    /// Serves the example zone and asks servers at some addresses.
    fn to(upstreams: &[SocketAddr]) -> Self {
        let sources = upstreams.iter().map(|address| Source::Address(*address)).collect();
        Self::start(&example(), sources)
    }

    /// Serves an index and asks what sources name.
    fn start(fixture: &Fixture, sources: Vec<Source>) -> Self {
        Self::start_on(fixture, "127.0.0.1:0", sources)
    }

    /// The same on an address of IPv4.
    fn start_on(fixture: &Fixture, address: &str, sources: Vec<Source>) -> Self {
        Self::start_by(fixture, address, sources, Policy::default())
    }

    /// The same by a policy.
    fn start_by(fixture: &Fixture, address: &str, sources: Vec<Source>, policy: Policy) -> Self {
        Self::start_as((fixture, address), sources, Rules::default(), policy)
    }

    /// Asks servers at some addresses by other rules.
    fn by(rules: Rules, upstreams: &[SocketAddr]) -> Self {
        let sources = upstreams.iter().map(|address| Source::Address(*address)).collect();
        Self::start_as((&example(), "127.0.0.1:0"), sources, rules, Policy::default())
    }

    /// Asks the servers of some zones by some rules.
    fn of_zones(rules: Rules, zones: &[(&str, &[SocketAddr])]) -> Self {
        let zone = |(name, at): &(&str, &[SocketAddr])| ForwardZone {
            name: Name::from_ascii(name).unwrap(),
            upstreams: at.iter().map(|at| Source::Address(*at)).collect(),
            falls_through: false,
        };
        let zones = zones.iter().map(zone).collect();
        Self::start_zones((&example(), "127.0.0.1:0"), zones, rules, Policy::default())
    }

    /// Serves an index on an address, and asks what sources name by some rules.
    fn start_as(
        (fixture, address): (&Fixture, &str),
        sources: Vec<Source>,
        rules: Rules,
        policy: Policy,
    ) -> Self {
        let zones = vec![ForwardZone::root(sources)];
        Self::start_zones((fixture, address), zones, rules, policy)
    }

    /// The same where zones have upstreams of their own.
    fn start_zones(
        (fixture, address): (&Fixture, &str),
        zones: Vec<ForwardZone>,
        rules: Rules,
        policy: Policy,
    ) -> Self {
        srvd::privileges::make_room(900);
        let mut started = None;
        let server = Server::start_where(fixture, [address, "[::1]:0"], |addresses| {
            let forwarder = Arc::new(Forwarder::start(zones, rules, Own::new(addresses)).unwrap());
            started = Some(Arc::clone(&forwarder));
            Arc::new(Policy { forwarder: Some(forwarder), ..policy })
        });
        Self { server, forwarder: started.unwrap() }
    }

    /// What dig prints.
    async fn dig(&self, arguments: &str) -> String {
        let (at, arguments) = (self.server.v4, arguments.to_owned());
        tokio::task::spawn_blocking(move || crate::support::dig(at, &arguments)).await.unwrap()
    }

    /// Checks that dig prints some texts.
    async fn see(&self, arguments: &str, texts: &[&str]) -> String {
        let output = self.dig(arguments).await;
        for text in texts {
            assert!(output.contains(text), "{arguments}: no {text:?} in\n{output}");
        }
        output
    }
}
