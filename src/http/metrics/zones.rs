//! Figures of zones: what each holds, and how its registry is followed.

use std::fmt;
use std::sync::Arc;

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::index::{Generation, Schema, Site, Zone};
use crate::metrics::{Cause, State};
use crate::names::written;

/// A figure that every zone has: its name, what it says, and how it is read.
struct PerZone {
    /// The name.
    name: &'static str,
    /// What it says.
    help: &'static str,
    /// How it is read.
    read: fn(&Zone) -> i64,
}

/// Figures of every zone.
const OF_ALL: &[PerZone] = &[PerZone {
    name: "srvd_zone_ready",
    help: "Whether names of the zone get answers",
    read: |zone| i64::from(zone.condition().is_answered()),
}];

/// Figures of a registry's zone that may fall.
const GAUGES: &[PerZone] = &[
    PerZone {
        name: "srvd_zone_stale",
        help: "0 fresh, 1 stale, 2 past max-stale",
        read: |zone| i64::from(zone.standing() as u8),
    },
    PerZone {
        name: "srvd_zone_services",
        help: "Services that have an instance",
        read: |zone| zone.len() as i64,
    },
    PerZone {
        name: "srvd_zone_instances",
        help: "Instances that are registered",
        read: |zone| zone.instances() as i64,
    },
    PerZone {
        name: "srvd_zone_entries",
        help: "Entries of a zone of the schema skydns",
        read: |zone| zone.skydns().len() as i64,
    },
    PerZone {
        name: "srvd_registry_revision",
        help: "Revision of the registry that is mirrored",
        read: |zone| zone.vitals().revision.get(),
    },
    PerZone {
        name: "srvd_registry_lag_revisions",
        help: "Revisions of the registry that are not mirrored yet",
        read: |zone| {
            let vitals = zone.vitals();
            (vitals.newest.get() - vitals.revision.get()).max(0)
        },
    },
    PerZone {
        name: "srvd_registry_silence_seconds",
        help: "Time since the registry last answered",
        read: |zone| zone.freshness().silence().as_secs() as i64,
    },
    PerZone {
        name: "srvd_registry_age_seconds",
        help: "Time since the registry confirmed what is held",
        read: |zone| zone.freshness().age().as_secs() as i64,
    },
    PerZone {
        name: "srvd_listing_keys",
        help: "Keys read of the list that is under way; 0 while none is",
        read: |zone| zone.vitals().listing.get().map_or(0, |it| it.keys as i64),
    },
    PerZone {
        name: "srvd_listing_keys_expected",
        help: "Keys that the list under way will have; 0 while none is",
        read: |zone| zone.vitals().listing.get().and_then(|it| it.of).unwrap_or(0) as i64,
    },
    PerZone {
        name: "srvd_collapse_held_instances",
        help: "Instances whose removal the collapse guard holds",
        read: |zone| zone.vitals().held.get() as i64,
    },
    PerZone {
        name: "srvd_snapshot_restored",
        help: "Whether this process began with a snapshot",
        read: |zone| i64::from(zone.vitals().snapshot.restored.get()),
    },
    PerZone {
        name: "srvd_snapshot_confirmed_timestamp_seconds",
        help: "Unix time at which the newest snapshot was known to be true",
        read: |zone| zone.vitals().snapshot.confirmed_at.get() as i64,
    },
    PerZone {
        name: "srvd_snapshot_bytes",
        help: "Size of the newest snapshot",
        read: |zone| zone.vitals().snapshot.octets.get() as i64,
    },
];

/// Figures of a registry's zone that only rise.
const COUNTERS: &[PerZone] = &[
    PerZone {
        name: "srvd_collapses",
        help: "Mass removals that the collapse guard held",
        read: |zone| zone.vitals().collapses.get() as i64,
    },
    PerZone {
        name: "srvd_audits",
        help: "Comparisons with the registry that were completed",
        read: |zone| zone.vitals().audits.get() as i64,
    },
    PerZone {
        name: "srvd_audit_repairs",
        help: "Differences that audits found and repaired",
        read: |zone| zone.vitals().repaired.get() as i64,
    },
    PerZone {
        name: "srvd_snapshot_writes",
        help: "Snapshots written",
        read: |zone| zone.vitals().snapshot.writes.get() as i64,
    },
    PerZone {
        name: "srvd_snapshot_failures",
        help: "Snapshots that could not be written or read",
        read: |zone| zone.vitals().snapshot.failures.get() as i64,
    },
];

/// Writes the figures of a generation and its zones.
pub(super) fn encode(encoder: &mut DescriptorEncoder, generation: &Generation) -> fmt::Result {
    let zones = generation.zones();
    OF_ALL.iter().try_for_each(|figure| figure.encode(encoder, zones, MetricType::Gauge))?;
    serials(encoder, generation)?;
    problems(encoder, zones)?;
    let is_followed = |zone: &&Arc<Zone>| zone.settings().schema() != Schema::Static;
    let zones: &[_] = &zones.iter().filter(is_followed).cloned().collect::<Vec<_>>();
    GAUGES.iter().try_for_each(|figure| figure.encode(encoder, zones, MetricType::Gauge))?;
    COUNTERS.iter().try_for_each(|figure| figure.encode(encoder, zones, MetricType::Counter))?;
    standings(encoder, zones)?;
    resyncs(encoder, zones)
}

impl PerZone {
    /// Writes the figure of each zone.
    fn encode(
        &self,
        encoder: &mut DescriptorEncoder,
        zones: &[Arc<Zone>],
        kind: MetricType,
    ) -> fmt::Result {
        let mut family = encoder.encode_descriptor(self.name, self.help, None, kind)?;
        for zone in zones {
            let (apex, figure) = (written(zone.settings().apex().iter()), (self.read)(zone));
            let labels = [("zone", apex.as_str())];
            write(kind, figure, family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

/// Writes the serials that SOA records have: that of a reverse zone counts what the other
/// zones say, too, and so no zone can tell its own.
fn serials(encoder: &mut DescriptorEncoder, generation: &Generation) -> fmt::Result {
    let (name, help) = ("srvd_zone_serial", "Serial of the SOA record");
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (at, zone) in generation.zones().iter().enumerate() {
        let apex = written(zone.settings().apex().iter());
        let serial = ConstGauge::new(i64::from(generation.serial(Site::Zone(at))));
        serial.encode(family.encode_family(&[("zone", apex.as_str())])?)?;
    }
    Ok(())
}

/// Writes how many problems each zone has, as far as it takes no walk to tell: those that
/// follow from keys together are shown by `/v1/problems` alone.
fn problems(encoder: &mut DescriptorEncoder, zones: &[Arc<Zone>]) -> fmt::Result {
    let about =
        ("srvd_zone_problems", "Keys and records that cannot be served as they are", "kind");
    by_label(encoder, about, MetricType::Gauge, zones, |zone| {
        let (unusable, strays) = zone.unusable_keys();
        let cautions = zone.settings().cautions().len();
        [("unusable", unusable), ("stray", strays), ("zone-file", cautions)]
            .map(|(kind, count)| (kind, count as u64))
    })
}

/// Writes how each zone stands: 1 at one of the words that `/v1/status` has for it.
fn standings(encoder: &mut DescriptorEncoder, zones: &[Arc<Zone>]) -> fmt::Result {
    let about = ("srvd_zone_standing", "State of the zone: 1 at one of its labels", "standing");
    by_label(encoder, about, MetricType::Gauge, zones, |zone| {
        let word = zone.condition().word();
        State::STANDINGS.map(|it| (it, u64::from(it == word)))
    })
}

/// Writes how often each zone was listed again, by cause.
fn resyncs(encoder: &mut DescriptorEncoder, zones: &[Arc<Zone>]) -> fmt::Result {
    let about = ("srvd_resyncs", "Relists of the registry", "cause");
    by_label(encoder, about, MetricType::Counter, zones, |zone| {
        Cause::ALL.map(|cause| (cause.as_str(), zone.vitals().resyncs(cause).get()))
    })
}

/// Writes counts that each zone has several of, told apart by a label: name, what they say,
/// the label.
fn by_label<const N: usize>(
    encoder: &mut DescriptorEncoder,
    (name, help, label): (&str, &str, &str),
    kind: MetricType,
    zones: &[Arc<Zone>],
    read: impl Fn(&Zone) -> [(&'static str, u64); N],
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, None, kind)?;
    for zone in zones {
        let apex = written(zone.settings().apex().iter());
        for (value, count) in read(zone) {
            let labels = [("zone", apex.as_str()), (label, value)];
            write(kind, count as i64, family.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

/// Writes a figure of a kind.
fn write(kind: MetricType, figure: i64, encoder: MetricEncoder<'_>) -> fmt::Result {
    match kind {
        MetricType::Counter => ConstCounter::new(figure as u64).encode(encoder),
        _ => ConstGauge::new(figure).encode(encoder),
    }
}
