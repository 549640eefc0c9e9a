//! A registration and its check, held together.

use tokio_util::sync::CancellationToken;

use super::event::{Event, Fault};
use super::health::{Health, Monitor};
use super::registration::Registration;

/// A registration, and what finds out whether it may stand.
#[derive(Debug)]
pub(super) struct Membership {
    /// The registration.
    pub(super) registration: Registration,
    /// Its check, where there is one.
    pub(super) monitor: Option<Monitor>,
}

impl Membership {
    /// Holds the registration, while its check passes, until `stop`; then leaves.
    ///
    /// # Errors
    /// [`Fault`], only before the first registration.
    pub(super) async fn hold(
        self,
        events: impl FnMut(Event),
        stop: CancellationToken,
    ) -> Result<(), Fault> {
        let Some(monitor) = self.monitor else { return self.registration.hold(events, stop).await };
        let (told, health) = Health::unknown();
        tokio::select! {
            end = self.registration.hold_while(health, events, stop) => end,
            never = monitor.run(&told) => match never {},
        }
    }
}
