//! Writers to the registries of zones: bender's interface, and etcd's v2 API.
//!
//! Which zone bender's interface writes into, and which keys the v2 API serves, goes with the
//! zones of each configuration; the registry of the v2 API is that of the first zone at the
//! start, since all of its indexes are of that one.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio_util::sync::CancellationToken;

use super::follower::ZoneOrigin;
use crate::etcd::{Etcd, Range};
use crate::etcd_v2::{KeysSubject, ServedZones};
use crate::events::Events;
use crate::http::Bender;
use crate::index::{Schema, ZoneId};
use crate::join::registrar::Registrar;
use crate::lock::Lock;
use crate::metrics::OldClients;

/// The writers to registries.
pub(super) struct Writers {
    /// Where bender's interface registers, if there is a zone of services.
    pub(super) bender: Arc<ArcSwapOption<Bender>>,
    /// Where that zone is read from.
    registers_at: Lock<Option<ZoneOrigin>>,
    /// How long a registration outlives its last renewal.
    ttl: Duration,
    /// The zones, in the order of the configuration.
    zones: Lock<Vec<(ZoneId, ZoneOrigin, Etcd)>>,
    /// The registry of the v2 API, and its zones, where that is on.
    old: OnceLock<(Etcd, Arc<ServedZones>)>,
}

impl Writers {
    /// What writes nowhere yet.
    pub(super) fn new(ttl: Duration) -> Self {
        let (bender, registers_at, zones) = (Arc::default(), Lock::default(), Lock::default());
        Self { bender, registers_at, ttl, zones, old: OnceLock::new() }
    }

    /// Writes where these zones are read from, which are in the order of the configuration.
    pub(super) fn follow(&self, zones: Vec<(ZoneId, ZoneOrigin, Etcd)>) {
        self.follow_services(&zones);
        let mut newest = self.zones.lock();
        *newest = zones;
        let Some((etcd, served)) = self.old.get() else { return };
        served.replace(of_registry(&newest, etcd));
        if newest.first().is_none_or(|(_, first, _)| first.registry != *etcd.url()) {
            tracing::warn!(
                "etcd's v2 API goes on with the registry {}, that of the first zone at the start, \
                 until a restart",
                etcd.url()
            );
        }
    }

    /// Registers in the first zone of services that reads what is written, by the same
    /// registrar as long as that is read from the same source.
    fn follow_services(&self, zones: &[(ZoneId, ZoneOrigin, Etcd)]) {
        let mut registers_at = self.registers_at.lock();
        let Some((zone, source, etcd)) = zones.iter().find(|(_, source, _)| source.reads_ours())
        else {
            *registers_at = None;
            self.bender.store(None);
            return;
        };
        let same = self.bender.load_full().filter(|_| registers_at.as_ref() == Some(source));
        let new = || Registrar::new(etcd.clone(), source.layout.clone(), self.ttl);
        let registrar = same.map_or_else(new, |it| it.registrar.clone());
        *registers_at = Some(source.clone());
        self.bender.store(Some(Arc::new(Bender { registrar, zone: *zone })));
    }

    /// What the v2 API serves from now on, if there is a registry.
    pub(super) fn old(
        &self,
        events: &Arc<Events>,
        draining: &CancellationToken,
        counts: Arc<OldClients>,
    ) -> Option<KeysSubject> {
        let newest = self.zones.lock();
        let (_, _, etcd) = newest.first()?;
        let served = || Arc::new(ServedZones::new(of_registry(&newest, etcd)));
        let (etcd, zones) = self.old.get_or_init(|| (etcd.clone(), served())).clone();
        let (events, draining) = (Arc::clone(events), draining.clone());
        Some(KeysSubject { etcd, zones, events, draining, counts })
    }
}

impl ZoneOrigin {
    /// Whether it is of services, and reads what bender's interface writes.
    fn reads_ours(&self) -> bool {
        self.schema == Schema::Services && self.layout.template().is_none()
    }
}

/// The zones of a registry, each with the keys that it reads.
fn of_registry(zones: &[(ZoneId, ZoneOrigin, Etcd)], etcd: &Etcd) -> Vec<(ZoneId, Range)> {
    let own = zones.iter().filter(|(_, source, _)| source.registry == *etcd.url());
    own.map(|(zone, source, _)| (*zone, source.layout.range())).collect()
}
