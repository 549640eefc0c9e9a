//! A change of an instance, as those who follow are told of it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Change, Instance, Layout};

/// The change of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// It came.
    Online,
    /// It went.
    Offline,
    /// It says something else.
    Changed,
}

/// The report of one change: commands and the HTTP interface show the same.
#[derive(Debug, Clone, Copy)]
pub struct Event<'c> {
    /// What happened.
    pub happening: Happening,
    /// The instance as it is now; as it was, where it went.
    pub instance: &'c Instance,
}

impl Happening {
    /// The event's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Offline => "offline",
            Self::Changed => "changed",
        }
    }
}

impl<T> Change<T> {
    /// What happened, and to what; nothing where there is nothing on either side.
    #[must_use]
    pub const fn happening(&self) -> Option<(Happening, &Arc<T>)> {
        match (&self.before, &self.after) {
            (None, Some(after)) => Some((Happening::Online, after)),
            (Some(before), None) => Some((Happening::Offline, before)),
            (Some(_), Some(after)) => Some((Happening::Changed, after)),
            (None, None) => None,
        }
    }
}

impl Change {
    /// The event that the change is.
    #[must_use]
    pub fn event(&self) -> Option<Event<'_>> {
        let (happening, instance) = self.happening()?;
        Some(Event { happening, instance })
    }
}

impl<'c> Event<'c> {
    /// An instance that is there.
    #[must_use]
    pub const fn online(instance: &'c Instance) -> Self {
        Self { happening: Happening::Online, instance }
    }

    /// The event as one JSON object, `{"event","revision","instance"}`; the zone without its
    /// last dot.
    #[must_use]
    pub fn to_json(&self, zone: &str, layout: &Layout, revision: i64) -> Value {
        let instance = self.instance.to_json(zone, &layout.key_of(self.instance));
        json!({ "event": self.happening.as_str(), "revision": revision, "instance": instance })
    }
}
