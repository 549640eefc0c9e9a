//! What is held is compared with etcd, while it is followed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use srvd::etcd::{Access, Etcd};
use srvd::metrics::Vitals;
use srvd::mirror::{Mirror, MirrorOptions};
use srvd::registry::{Instance, Layout, Publish, RegistryUrl, Update};

use super::writer::{Writer, instances};
use crate::support::registry::Registry;
use crate::support::{eventually, runtime};

/// The instances that were published, by key.
#[derive(Clone, Default)]
struct Shown(Arc<Mutex<BTreeMap<Vec<u8>, Arc<Instance>>>>);

/// Where the keys of these tests stand.
fn layout() -> Layout {
    Layout::new("/services", None).unwrap()
}

impl Publish for Shown {
    fn publish(&mut self, update: Update) {
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for change in update.changes {
            if let Some(before) = change.before {
                assert_eq!(shown.remove(layout().key_of(&before).as_bytes()), Some(before));
            }
            if let Some(after) = change.after {
                shown.insert(layout().key_of(&after).into_bytes(), after);
            }
        }
    }
}

/// Many audits beside many changes: none finds a difference where there is none, and the
/// watch loses nothing by them.
fn audits_disturb_nothing(registry: &Registry) {
    let writer = Writer::new(&registry.url());
    writer.put_all(&instances("web", 3_000));
    let (url, vitals, shown) = (registry.url(), Arc::new(Vitals::default()), Shown::default());
    let url: RegistryUrl = url.parse().unwrap();
    let options = MirrorOptions {
        audit_every: Duration::from_millis(100),
        vitals: Arc::clone(&vitals),
        ..MirrorOptions::default()
    };
    let etcd = Etcd::new(&url, &Access::default());
    let mirror = Mirror::with(options, etcd, layout(), shown.clone(), Arc::default());
    let runtime = runtime();
    runtime.spawn(mirror.run());
    let audits = vitals.audits.get();
    assert!(eventually(|| {
        writer.flood(500);
        vitals.audits.get() >= audits + 3
    }));
    let is_right = || {
        let keys: Vec<_> = writer.list().into_iter().map(|(key, _)| key).collect();
        let shown = shown.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Values of no use are not shown; all that is shown is there.
        shown.keys().all(|key| keys.contains(key)) && !shown.is_empty()
    };
    assert!(eventually(is_right));
    assert_eq!(vitals.repaired.get(), 0, "something was repaired that was not wrong");
}

#[test]
fn audits_disturb_nothing_at_etcd() {
    audits_disturb_nothing(&Registry::real());
}

#[test]
fn audits_disturb_nothing_at_the_embedded_registry() {
    audits_disturb_nothing(&Registry::embedded());
}
