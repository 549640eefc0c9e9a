//! Backends and frontends: documents without a lease, which stay until they are removed.
//!
//! Each change is a transaction on what was found, so that none is lost between two who
//! write at once: one of them goes first, and the other writes over what it has seen.

use super::renewal::TRIES;
use super::{AttemptFault, Registrar};
use crate::etcd::{Claim, Error, Expect, LeasedKey};
use crate::registry::{Alias, Resource};

/// The lease of what has none.
const NO_LEASE: i64 = 0;

impl Registrar {
    /// Puts an alias where there is none. Gives the revision.
    ///
    /// # Errors
    /// [`AttemptFault::Exists`]; else why it was not done.
    pub async fn create(&self, alias: &Alias) -> Result<i64, AttemptFault> {
        let key = self.0.layout.key_of_alias(alias);
        let put = async {
            match self.put(&key, alias, Expect::Absent).await? {
                Some(revision) => Ok(revision),
                None => Err(AttemptFault::Exists { key: key.clone() }),
            }
        };
        self.in_time(put).await
    }

    /// Puts an alias in the place of what stands at its key. Gives the revision.
    ///
    /// # Errors
    /// [`AttemptFault::Absent`] where nothing stands there; else why it was not done.
    pub async fn replace(&self, alias: &Alias) -> Result<i64, AttemptFault> {
        let key = self.0.layout.key_of_alias(alias);
        let replace = async {
            for _ in 0..TRIES {
                let Some(found) = self.read(&key).await? else {
                    return Err(AttemptFault::Absent { key: key.clone() });
                };
                let expect = Expect::Unchanged(found.revision);
                if let Some(revision) = self.put(&key, alias, expect).await? {
                    return Ok(revision);
                }
            }
            Err(AttemptFault::Restless { key: key.clone() })
        };
        self.in_time(replace).await
    }

    /// Removes what stands at the key of an alias of a kind, told by its name and whether a
    /// slash stands before the key although the prefix is empty. Gives the revision; 0 where
    /// somebody else was faster.
    ///
    /// # Errors
    /// [`AttemptFault::Absent`] where nothing stands there; else why it was not done.
    pub async fn remove(
        &self,
        resource: Resource,
        name: &str,
        is_rooted: bool,
    ) -> Result<i64, AttemptFault> {
        let key = self.0.layout.key_of_alias_named(resource, name, is_rooted);
        let remove = async {
            let removed = self.0.take_out(&key, |_| Ok(())).await?;
            Ok(removed.map_or(0, |it| it.revision))
        };
        self.in_time(remove).await
    }

    /// What stands at a key.
    async fn read(&self, key: &str) -> Result<Option<LeasedKey>, Error> {
        self.0.upkeep.read(key, self.0.write_patience()).await
    }

    /// Puts an alias where the key is as expected. Gives the revision; none where it is not.
    async fn put(&self, key: &str, alias: &Alias, expect: Expect) -> Result<Option<i64>, Error> {
        let (value, patience) = (alias.to_line(), self.0.write_patience());
        let _turn = self.0.upkeep.turn().await;
        match self.0.upkeep.claim(key, &value, NO_LEASE, expect, patience).await? {
            Claim::Won(revision) => Ok(Some(revision)),
            Claim::Lost(_) => Ok(None),
        }
    }
}
