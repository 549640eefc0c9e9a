//! Publishes, and tells of it.

use std::sync::Arc;

use super::Events;
use super::log::{ChangeBatch, Head, REMEMBERED};
use crate::index::ZoneId;
use crate::metrics::{Cause, Vitals};
use crate::registry::{Publish, Update};

/// A publisher before that of a zone, which tells of each update once it is
/// published: who is told can already ask for it.
#[derive(Debug)]
pub struct RecordingPublisher<P> {
    /// What publishes.
    publisher: P,
    /// Who is told.
    events: Arc<Events>,
    /// The zone.
    id: ZoneId,
    /// What is counted of it.
    vitals: Arc<Vitals>,
    /// Whether something was published before.
    has_begun: bool,
}

impl<P: Publish> RecordingPublisher<P> {
    /// What publishes and tells of a zone.
    pub(super) fn new(
        publisher: P,
        events: Arc<Events>,
        (id, vitals): (ZoneId, Arc<Vitals>),
    ) -> Self {
        Self { publisher, events, id, vitals, has_begun: false }
    }

    /// How what is shown now stands to what the registry has.
    fn standing(&self) -> Head {
        let vitals = &self.vitals;
        let is_restored = !self.has_begun && vitals.snapshot.restored.get();
        Head {
            is_exact: !vitals.is_holding() && !is_restored,
            histories: vitals.resyncs(Cause::HistoryWentBack).get(),
        }
    }
}

impl<P: Publish> Publish for RecordingPublisher<P> {
    fn publish(&mut self, update: Update) {
        let Update { revision, is_listed, .. } = update;
        let mut batch = ChangeBatch { revision, is_listed, ..ChangeBatch::default() };
        if update.changes.len() + update.aliases.len() <= REMEMBERED {
            (batch.changes, batch.aliases) = (update.changes.clone(), update.aliases.clone());
        }
        self.publisher.publish(update);
        // Of a zone that is gone there is nothing to tell.
        let Some(state) = self.events.changes(self.id) else { return };
        batch.state = state;
        self.events.tell(self.id, batch, self.standing());
        if !std::mem::replace(&mut self.has_begun, true) {
            self.events.forget_gone();
        }
    }
}
