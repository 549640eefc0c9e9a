//! The report of this server: what is read of what it serves, whenever a surface speaks.

use std::time::SystemTime;

use super::Subject;
use crate::certificates;
use crate::forward::{ForwardZoneState, Forwarder, UpstreamState};
use crate::index::Generation;
use crate::metrics::{CertificateEnd, Report, State};

impl Subject {
    /// How the server and its zones are now.
    #[must_use]
    pub fn report(&self) -> Report {
        self.report_of(&self.index.load())
    }

    /// How the server and the zones of a generation are now.
    pub(super) fn report_of(&self, generation: &Generation) -> Report {
        let zones = generation.zones().iter();
        Report {
            server: self.own_states(),
            zones: zones.map(|zone| (zone.settings().title(), zone.condition())).collect(),
        }
    }

    /// What is so of the server as a whole, and is not as usual.
    #[must_use]
    pub fn own_states(&self) -> Vec<State> {
        let draining = self.draining.is_cancelled().then_some(State::Draining);
        let refused = self.reloads.last().and_then(|it| {
            let fault = it.fault.clone()?;
            Some(State::ReloadRefused { cause: it.cause.clone(), fault })
        });
        let policy = self.policies.load();
        let upstreams = policy.forwarder.as_deref().into_iter().flat_map(no_upstreams);
        let now = SystemTime::now();
        let ending = self.certificate_ends().into_iter();
        let ending = ending.filter_map(|(option, end)| CertificateEnd::soon(option, end, now));
        let certificates = ending.map(State::CertificateEnding);
        draining.into_iter().chain(refused).chain(upstreams).chain(certificates).collect()
    }

    /// When the certificates end that are shown: to clients of HTTP and of DNS over TLS, and to
    /// etcd. Each by the option that names it.
    #[must_use]
    pub fn certificate_ends(&self) -> Vec<(&'static str, SystemTime)> {
        let http = self.access.as_ref().and_then(|it| it.certificate_end());
        let of_dns = self.policies.load().certificate.clone();
        let of_etcd = certificates::end(&self.registry.certificates());
        let all = [
            ("http-cert", http),
            ("tls-cert", of_dns.and_then(|it| certificates::end(&it.cert))),
            ("cert", of_etcd),
        ];
        all.into_iter().filter_map(|(option, end)| Some((option, end?))).collect()
    }
}

/// The zones of forwarding of whose upstreams none answers.
fn no_upstreams(forwarder: &Forwarder) -> impl Iterator<Item = State> {
    let is_dead = |zone: &ForwardZoneState| !zone.upstreams.iter().any(UpstreamState::is_used);
    forwarder.zones().into_iter().filter(is_dead).map(|zone| State::NoUpstream {
        upstreams: zone.upstreams.iter().map(|it| it.server.to_string()).collect(),
        zone: Some(zone.title).filter(|title| title != "."),
    })
}
