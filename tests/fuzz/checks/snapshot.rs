//! Any snapshot whose sum is right: what a damaged disk cannot make, but a forger can.

use std::io::Cursor;
use std::sync::Arc;
use std::time::SystemTime;

use sha2::{Digest, Sha256};
use srvd::index::{Index, Publisher, Zone};
use srvd::registry::{Layout, Publish, RegistryUrl, Table, Update};
use srvd::state::{Identity, Snapshot, Stamp, read, write};

use crate::fixture::settings;

/// Octets before the header of a snapshot.
const LEAD: usize = 16;

/// Reads one, and writes what it says.
pub(crate) fn check(octets: &[u8]) {
    // Without a right sum only that is looked at.
    let _ = restore(octets);
    let Ok(snapshot) = restore(&summed(octets)) else { return };
    let (revision, cluster) = (snapshot.revision, snapshot.cluster);
    let (zone, layout) = publish(snapshot);
    for instance in zone.services().flat_map(|service| service.instances()) {
        let key = layout.key_of(instance);
        let place = layout.read(key.as_bytes()).expect("its key can be read");
        assert_eq!((place.name, place.id), (&*instance.name, &*instance.id));
    }
    let mut written = Vec::new();
    let stamp = Stamp { cluster, confirmed: SystemTime::now() };
    write(&mut written, &bound().0, &zone, stamp).expect("memory has room");
    let again = restore(&written).expect("what is written can be read");
    assert_eq!((again.revision, again.cluster, again.unusable), (revision, cluster, 0));
    let (again, _) = publish(again);
    assert_eq!(view(&zone), view(&again));
}

/// Whose snapshots these are.
pub(crate) fn bound() -> (Identity, Layout) {
    let url: RegistryUrl = "http://a".parse().expect("it is one");
    (Identity::new("z", &url, &url.layout(), "services"), url.layout())
}

/// Octets read as a snapshot.
fn restore(octets: &[u8]) -> Result<Snapshot, srvd::state::SnapshotFault> {
    let (identity, layout) = bound();
    read(&mut Cursor::new(octets), None, &identity, &layout)
}

/// Octets with their length and sum behind them, as a snapshot that is whole. The number of
/// records is theirs.
fn summed(octets: &[u8]) -> Vec<u8> {
    let (count, body) = octets.split_first().unwrap_or((&0, &[]));
    let mut whole = body.to_vec();
    whole.resize(whole.len().max(LEAD), 0);
    let length = whole.len() as u64;
    whole.extend(u64::from(*count).to_be_bytes());
    whole.extend(length.to_be_bytes());
    let sum = Sha256::digest(&whole);
    whole.extend(sum);
    whole
}

/// A zone that has been restored, and how it reads keys.
fn publish(snapshot: Snapshot) -> (Arc<Zone>, Layout) {
    let index = Arc::new(Index::new(vec![Arc::new(settings("z."))], true));
    let (layout, mut update) = (bound().1, Update::default());
    let mut table = Table::new(layout.clone());
    table.seed(snapshot.instances, snapshot.aliases, snapshot.entries, &mut update);
    Publisher::new(Arc::clone(&index), 0).publish(Update { revision: snapshot.revision, ..update });
    let zone = Arc::clone(&index.load().zones()[0]);
    (zone, layout)
}

/// Everything a zone holds, in words.
fn view(zone: &Zone) -> Vec<String> {
    let instances = zone.services().flat_map(|it| it.instances()).map(|it| format!("{it:?}"));
    let mut all: Vec<_> = instances.chain(zone.aliases().map(|it| format!("{it:?}"))).collect();
    all.sort_unstable();
    all
}
