//! The report of this server: what is read of what it serves, whenever a surface speaks.

use std::time::SystemTime;

use super::Subject;
use crate::certificates;
use crate::forward::{Forwarder, UpstreamState};
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
        let upstream = policy.forwarder.as_deref().and_then(no_upstream);
        let now = SystemTime::now();
        let ending = self.certificate_ends().into_iter();
        let ending = ending.filter_map(|(option, end)| CertificateEnd::soon(option, end, now));
        let certificates = ending.map(State::CertificateEnding);
        draining.into_iter().chain(refused).chain(upstream).chain(certificates).collect()
    }

    /// When the certificates end that are shown: to clients of HTTP, and to etcd. Each by the
    /// option that names it.
    #[must_use]
    pub fn certificate_ends(&self) -> Vec<(&'static str, SystemTime)> {
        let http = self.access.as_ref().and_then(|it| it.certificate_end());
        let all = [("http-cert", http), ("cert", certificates::end(&self.registry.certificates()))];
        all.into_iter().filter_map(|(option, end)| Some((option, end?))).collect()
    }
}

/// That none of those answers that are asked for out-of-zone names.
fn no_upstream(forwarder: &Forwarder) -> Option<State> {
    let upstreams = forwarder.upstreams();
    let is_none = !upstreams.iter().any(UpstreamState::is_used);
    let addresses = || upstreams.iter().map(|it| it.address).collect();
    is_none.then(|| State::NoUpstream { upstreams: addresses() })
}
