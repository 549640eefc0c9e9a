//! Messages of a watch into the table, and what they change to the publisher.

use super::session::Session;
use super::waiting::{next_of_batch, releasing, without_stalling};
use super::{Mirror, tell};
use crate::etcd::{Error, Message, MessageOrigin, Messages, WatchEvent};
use crate::registry::{Publish, Stored, Update};

/// Messages taken into one generation at the most, so that a steady stream of events is
/// shown as it comes.
const BATCH_MESSAGES: usize = 1_000;

/// Events of a message that comes in fragments. etcd puts at most a thousand revisions into
/// one; the largest is the end of a lease, with all its keys.
const FRAGMENTS_EVENTS_MAX: usize = 1 << 21;
/// Octets of them: a thousand values of 256 KiB.
const FRAGMENTS_OCTETS_MAX: usize = 256 << 20;

/// The part that has come of a message whose rest is to come.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// Events.
    events: usize,
    /// Octets of keys and values.
    octets: usize,
}

impl Pieces {
    /// Takes in a message. One whose fragments have no end is an error.
    fn take(&mut self, message: &Message) -> Result<(), Error> {
        if !message.is_fragment {
            *self = Self::default();
            return Ok(());
        }
        let octets = |it: &WatchEvent| it.key.len() + it.value.as_ref().map_or(0, Vec::len);
        self.events += message.events.len();
        self.octets += message.events.iter().map(octets).sum::<usize>();
        // Fragments without events count, or they might come for ever.
        self.events += usize::from(message.events.is_empty());
        if self.events > FRAGMENTS_EVENTS_MAX || self.octets > FRAGMENTS_OCTETS_MAX {
            return Err(Error::Unsound(format!(
                "the fragments of a message have no end: {} events with {} octets came",
                self.events, self.octets
            )));
        }
        Ok(())
    }
}

impl<P: Publish> Mirror<P> {
    /// Applies a message and all that are ready behind it, and publishes them together.
    pub(super) async fn take_batch(
        &mut self,
        session: &mut Session,
        first: Message,
        messages: &mut Messages,
    ) -> Result<(), Error> {
        self.pieces.take(&first)?;
        let mut is_partial = first.is_fragment;
        self.apply(session, &first);
        for _ in 1..BATCH_MESSAGES {
            let next = next_of_batch(messages, is_partial);
            let next = match releasing(&mut self.guard, next).await {
                Some(Ok(message)) => message,
                Some(Err(error)) if is_partial => return Err(error),
                Some(Err(error)) => {
                    self.publish(session);
                    return Err(error);
                }
                None => break,
            };
            self.pieces.take(&next)?;
            is_partial = next.is_fragment;
            self.apply(session, &next);
        }
        if !is_partial {
            self.publish(session);
        }
        Ok(())
    }

    /// Tells the publisher what is new since the last batch, if anything is.
    fn publish(&mut self, session: &Session) {
        let revision = session.held.revision;
        if self.held.is_none_or(|held| revision > held.revision) || !self.untold.is_empty() {
            let update = Update { revision, ..std::mem::take(&mut self.untold) };
            let guard = &mut self.guard;
            without_stalling(update.len(), || tell(guard, update));
        }
    }

    /// Applies a message to the table, and to what the session holds.
    fn apply(&mut self, session: &mut Session, message: &Message) {
        let held = session.held.revision;
        // A read is ahead of what the watch has told.
        let is_report = message.events.is_empty() && message.origin != MessageOrigin::Read;
        if is_report && session.orders_progress {
            session.held.revision = held.max(message.revision);
            return;
        }
        let news = message.events.iter().filter(|event| event.revision > held);
        let mut revision = held;
        without_stalling(message.events.len(), || {
            for event in news {
                let shown = self.untold.shown();
                match &event.value {
                    Some(value) => {
                        let stored = Stored { value, is_leased: event.is_leased };
                        self.table.put(&event.key, stored, &mut self.untold);
                    }
                    None => self.table.delete(&event.key, &mut self.untold),
                }
                revision = event.revision;
                if self.untold.shown() > shown {
                    self.untold.changed = Some(revision);
                }
            }
        });
        // While the rest of its last revision is to come, that one is not held yet.
        if !message.is_fragment {
            session.held.revision = revision;
        }
    }
}
