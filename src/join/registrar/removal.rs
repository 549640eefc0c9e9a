//! One key taken out at once, in the place of waiting for its lease.

use super::renewal::TRIES;
use super::{AttemptFault, Registrar, Shared};
use crate::names::default_id;
use crate::registry::document::BenderRegistration;

impl Registrar {
    /// Removes an instance of this app, host and port. Gives the revision at which it is gone.
    ///
    /// # Errors
    /// [`AttemptFault::Absent`] where it is not there, [`AttemptFault::OtherVersion`] or
    /// [`AttemptFault::Taken`] where something else is; else why it was not done.
    pub async fn deregister(&self, meant: &BenderRegistration) -> Result<i64, AttemptFault> {
        let id = default_id(&meant.host, Some(meant.port.get()));
        let key = self.0.layout.key(&meant.app, &id);
        self.in_time(self.0.remove(&key, meant)).await
    }
}

impl Shared {
    /// Removes what stands at a key, when it is this request's turn, and the lease that was
    /// granted for it.
    async fn remove(&self, key: &str, meant: &BenderRegistration) -> Result<i64, AttemptFault> {
        let slot = self.ledger.slot(key).ok_or(AttemptFault::Full)?;
        let _turn = slot.turn().await;
        for _ in 0..TRIES {
            let Some(found) = self.upkeep.read(key, self.write_patience()).await? else {
                slot.keep(None);
                return Err(AttemptFault::Absent { key: key.to_owned() });
            };
            if found.value != meant.to_line().as_bytes() {
                return Err(if meant.is_of_same_instance(&found.value) {
                    // Whoever ends an old version must not take the new one away.
                    AttemptFault::OtherVersion { key: key.to_owned() }
                } else {
                    AttemptFault::Taken { key: key.to_owned(), lease: found.lease }
                });
            }
            if let Some(revision) = self.upkeep.delete_if(key, found.revision).await? {
                let ours = slot.held().filter(|held| held.lease == found.lease);
                slot.keep(None);
                if let Some(held) = ours {
                    // Nothing else hangs on it, and it ends by itself where this fails.
                    let _ = self.upkeep.revoke(held.lease, self.write_patience()).await;
                }
                return Ok(revision);
            }
        }
        Err(AttemptFault::Restless { key: key.to_owned() })
    }
}
