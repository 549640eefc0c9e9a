//! The live keys, and what one revision did to them.

use std::sync::Arc;

use etcd_client::proto::PbKeyValue;
use imbl::OrdMap;

use super::interval::Interval;
use super::limits::EVENT_OVERHEAD_BYTES;

/// A key; shared, since the map's nodes are copied when they change.
pub(super) type Key = Arc<[u8]>;

/// A key with its value, revisions and lease; shared by all revisions that have it.
pub(super) type StoredKey = Arc<PbKeyValue>;

/// The live keys at one revision. The map is persistent: a copy costs nothing, and a
/// change copies O(log n) of it, so every kept revision has a map of its own.
#[derive(Clone, Default)]
pub(super) struct Keys {
    /// The entries by key.
    map: OrdMap<Key, StoredKey>,
    /// The bytes of all keys and values.
    bytes: usize,
}

impl Keys {
    /// The number of keys.
    pub(super) fn len(&self) -> usize {
        self.map.len()
    }

    /// The bytes of all keys and values.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The entry of `key`.
    pub(super) fn get(&self, key: &[u8]) -> Option<&StoredKey> {
        self.map.get(key)
    }

    /// The entries inside `interval`, in the order of their keys.
    pub(super) fn range<'a>(
        &'a self,
        interval: &'a Interval,
    ) -> impl Iterator<Item = &'a StoredKey> {
        let bounds = interval.bounds();
        bounds.into_iter().flat_map(|bounds| self.map.range::<_, [u8]>(bounds)).map(|(_, e)| e)
    }

    /// Stores `entry` and returns the one it replaces.
    pub(super) fn insert(&mut self, entry: StoredKey) -> Option<StoredKey> {
        self.bytes += size(&entry);
        let previous = self.map.insert(Key::from(entry.key.as_slice()), entry);
        self.bytes -= previous.as_deref().map_or(0, size);
        previous
    }

    /// Removes `key` and returns its entry.
    pub(super) fn remove(&mut self, key: &[u8]) -> Option<StoredKey> {
        let previous = self.map.remove(key);
        self.bytes -= previous.as_deref().map_or(0, size);
        previous
    }
}

/// One change of one key.
#[derive(Clone)]
pub(super) struct KeyChange {
    /// What the key is now; after a deletion, the key and the revision only.
    pub(super) entry: StoredKey,
    /// What the key was before.
    pub(super) previous: Option<StoredKey>,
}

impl KeyChange {
    /// Tells whether the key was deleted: a live key has been written at least once.
    pub(super) fn is_delete(&self) -> bool {
        self.entry.version == 0
    }

    /// What keeping this event costs.
    fn bytes(&self) -> usize {
        size(&self.entry) + self.previous.as_deref().map_or(0, size) + EVENT_OVERHEAD_BYTES
    }
}

/// One revision: the keys that it has, and the events that made it. Never changes.
pub(super) struct Generation {
    /// Its number.
    pub(super) revision: i64,
    /// All live keys.
    pub(super) keys: Keys,
    /// What changed since the revision before, in the order of the request.
    pub(super) events: Vec<KeyChange>,
}

impl Generation {
    /// What keeping this revision costs besides what it shares with its neighbours.
    pub(super) fn bytes(&self) -> usize {
        self.events.iter().map(KeyChange::bytes).sum()
    }
}

/// The bytes of a key and its value.
pub(super) fn size(entry: &PbKeyValue) -> usize {
    entry.key.len() + entry.value.len()
}
