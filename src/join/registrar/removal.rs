//! One key taken out at once, in the place of waiting for its lease.

use super::renewal::TRIES;
use super::{AttemptFault, Registrar, Shared};
use crate::etcd::LeasedKey;
use crate::registry::document::BenderRegistration;

impl Registrar {
    /// Removes an instance of this app, host and port. Gives the revision at which it is gone.
    ///
    /// # Errors
    /// [`AttemptFault::Absent`] where it is not there, [`AttemptFault::OtherVersion`] or
    /// [`AttemptFault::Taken`] where something else is; else why it was not done.
    pub async fn deregister(&self, meant: &BenderRegistration) -> Result<i64, AttemptFault> {
        let key = self.key(meant);
        self.in_time(self.0.remove(&key, meant)).await
    }
}

/// A key that is out.
pub(super) struct Removed {
    /// The revision at which it went.
    pub(super) revision: i64,
    /// The lease that it hung on; 0 for none.
    lease: i64,
}

impl Shared {
    /// Removes an instance when it is this request's turn, and the lease that was granted for it.
    async fn remove(&self, key: &str, meant: &BenderRegistration) -> Result<i64, AttemptFault> {
        let slot = self.ledger.slot(key).ok_or(AttemptFault::Full)?;
        let _turn = slot.turn().await;
        let removed = self.take_out(key, |found| check(key, meant, found)).await;
        if let Ok(None) | Err(AttemptFault::Absent { .. }) = removed {
            slot.keep(None);
        }
        let Removed { revision, lease } =
            removed?.ok_or_else(|| AttemptFault::Absent { key: key.to_owned() })?;
        let ours = slot.held().filter(|held| held.lease == lease);
        slot.keep(None);
        if let Some(held) = ours {
            // Nothing else hangs on it, and it ends by itself where this fails.
            let _ = self.upkeep.revoke(held.lease, self.write_patience()).await;
        }
        Ok(revision)
    }

    /// Takes out what stands at a key, as it was seen, if it may be. None where somebody else
    /// was faster.
    ///
    /// # Errors
    /// [`AttemptFault::Absent`] where nothing stands there; what `check` says; else why it was
    /// not done.
    pub(super) async fn take_out(
        &self,
        key: &str,
        check: impl Fn(&LeasedKey) -> Result<(), AttemptFault>,
    ) -> Result<Option<Removed>, AttemptFault> {
        let mut was_there = false;
        for _ in 0..TRIES {
            let Some(found) = self.upkeep.read(key, self.write_patience()).await? else {
                let absent = AttemptFault::Absent { key: key.to_owned() };
                return if was_there { Ok(None) } else { Err(absent) };
            };
            check(&found)?;
            if let Some(revision) = self.upkeep.delete_if(key, found.revision).await? {
                return Ok(Some(Removed { revision, lease: found.lease }));
            }
            was_there = true;
        }
        Err(AttemptFault::Restless { key: key.to_owned() })
    }
}

/// That just this instance stands at a key. Whoever ends an old version must not take the new
/// one away.
fn check(key: &str, meant: &BenderRegistration, found: &LeasedKey) -> Result<(), AttemptFault> {
    if found.value == meant.to_line().as_bytes() {
        return Ok(());
    }
    let key = key.to_owned();
    Err(match meant.is_of_same_instance(&found.value) {
        true => AttemptFault::OtherVersion { key },
        false => AttemptFault::Taken { key, lease: found.lease },
    })
}
