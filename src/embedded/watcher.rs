//! One watch: what it is about, and how far it has come.

use std::sync::Arc;

use etcd_client::proto::PbEvent;
use etcd_client::{EventType, WatchFilterType};

use super::interval::Interval;
use super::keys::{Generation, KeyChange, size};
use super::limits::{FRAGMENT_BYTES, OUTBOX_BYTES};

/// What one event takes in a message besides its keys and values: revisions, tags.
const EVENT_FRAME_BYTES: usize = 64;

/// One watch.
pub(super) struct Watcher {
    /// The keys that it is about.
    pub(super) interval: Interval,
    /// The revision that it takes next: all before it have been handed out.
    pub(super) next: i64,
    /// Whether events carry what the key was before.
    pub(super) prev_kv: bool,
    /// Whether the events of a large revision may be split.
    pub(super) fragment: bool,
    /// The kinds of events it does not want, as [`WatchFilterType`] numbers.
    pub(super) filters: Vec<i32>,
    /// Whether it is to be told the revision when nothing happens.
    pub(super) progress_notify: bool,
    /// Whether nothing happened since the last tick of the progress clock.
    pub(super) quiet: bool,
}

impl Watcher {
    /// Takes the next revisions and returns their events: of whole revisions, until
    /// there are enough for one message.
    pub(super) fn take(&mut self, generations: &[Arc<Generation>]) -> Vec<PbEvent> {
        let mut events = Vec::new();
        let mut bytes = 0;
        for generation in generations {
            for event in generation.events.iter().filter(|event| self.wants(event)) {
                let event = self.event(event);
                bytes += event_bytes(&event);
                events.push(event);
            }
            self.next = generation.revision + 1;
            if bytes >= OUTBOX_BYTES {
                break;
            }
        }
        events
    }

    /// The events as the messages they are sent in: one, unless the watch takes
    /// fragments and they are too many for it.
    pub(super) fn split(&self, events: Vec<PbEvent>) -> Vec<Vec<PbEvent>> {
        let mut parts = vec![Vec::new()];
        let mut bytes = 0;
        for event in events {
            bytes += event_bytes(&event);
            if self.fragment
                && bytes > FRAGMENT_BYTES
                && parts.last().is_some_and(|p| !p.is_empty())
            {
                parts.push(Vec::new());
                bytes = event_bytes(&event);
            }
            if let Some(part) = parts.last_mut() {
                part.push(event);
            }
        }
        parts
    }

    /// Tells whether an event is one for this watch.
    fn wants(&self, event: &KeyChange) -> bool {
        let unwanted = match event.is_delete() {
            true => WatchFilterType::NoDelete,
            false => WatchFilterType::NoPut,
        };
        self.interval.contains(&event.entry.key) && !self.filters.contains(&(unwanted as i32))
    }

    /// The event as this watch gets it.
    fn event(&self, event: &KeyChange) -> PbEvent {
        let kind = if event.is_delete() { EventType::Delete } else { EventType::Put };
        let previous = event.previous.as_deref().filter(|_| self.prev_kv);
        PbEvent {
            r#type: kind as i32,
            kv: Some(event.entry.as_ref().clone()),
            prev_kv: previous.cloned(),
        }
    }
}

/// About the bytes of an event in a message.
pub(super) fn event_bytes(event: &PbEvent) -> usize {
    let kvs = event.kv.iter().chain(&event.prev_kv);
    kvs.map(size).sum::<usize>() + EVENT_FRAME_BYTES
}
