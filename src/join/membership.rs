//! A registration and its check, held together.

use tokio_util::sync::CancellationToken;

use super::event::{Event, Fault};
use super::health::{Check, Health, Monitor};
use super::registration::Registration;

/// A registration, and what finds out whether it may stand.
#[derive(Debug)]
pub struct Membership<C> {
    /// The registration.
    pub registration: Registration,
    /// Its check, where there is one.
    pub monitor: Option<Monitor<C>>,
}

impl<C: Check> Membership<C> {
    /// The same for an instance that was registered elsewhere before.
    #[must_use]
    pub fn again(self) -> Self {
        Self { registration: self.registration.again(), ..self }
    }

    /// Holds the registration, while its check passes, until `stop`; then leaves.
    ///
    /// # Errors
    /// [`Fault`], only before the first registration.
    pub async fn hold(
        self,
        events: impl FnMut(Event),
        stop: CancellationToken,
    ) -> Result<(), Fault> {
        let Some(monitor) = self.monitor else { return self.registration.hold(events, stop).await };
        let (told, health) = Health::unknown();
        tokio::select! {
            end = self.registration.hold_while(health, events, stop) => end,
            // It is large, and most registrations have none.
            never = Box::pin(monitor.run(&told)) => match never {},
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::registration::Terms;
    use super::*;
    use crate::etcd::{Access, Etcd, SharedClient};

    /// A check that nobody makes.
    struct NoCheck;

    impl Check for NoCheck {
        async fn check(&self) -> Result<(), String> {
            Ok(())
        }

        fn timeout(&self) -> Duration {
            Duration::ZERO
        }
    }

    #[test]
    fn a_task_that_holds_a_registration_is_small() {
        let etcd = Etcd::new(&"http://127.0.0.1".parse().unwrap(), &Access::default());
        let (ttl, heartbeat) = (Duration::from_secs(10), Duration::from_secs(5));
        let terms = Terms { ttl, heartbeat, by_force: false };
        let (upkeep, key, value) = (SharedClient::new(etcd), String::new(), String::new());
        let registration = Registration::new(upkeep, key, value, terms);
        let member = Membership::<NoCheck> { registration, monitor: None };
        let task = member.hold(|_| (), CancellationToken::new());
        // Ten thousand of them, without optimisation, take some 40 MB.
        let octets = std::mem::size_of_val(&task);
        assert!(octets <= 4 << 10, "{octets} octets");
    }
}
