//! A check that a listed member shows our keys as the endpoint does that listed it.
//!
//! Between us and the members there may be a proxy that gives every key another name
//! (`etcd grpc-proxy --namespace`) and passes their list on as it is: read past it, the same
//! names are somebody else's keys. The cluster is the same and tells nothing; only the keys do.
//! So the first few of ours are read through the endpoint in use, and at the same revision
//! from the member.

use etcd_client::{Client, GetOptions};

use super::permission::Need;
use super::{Error, Etcd};

/// Keys that are compared one by one. A key was put once, at one revision: one that is the
/// same would do, but for transactions that put several.
const SAMPLE: i64 = 16;

/// The first keys of a range at one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MemberView {
    revision: i64,
    cluster: u64,
    /// The first keys, and the revisions of their creation and last change.
    first: Vec<(Vec<u8>, i64, i64)>,
}

/// The outcome of comparing a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sameness {
    /// It shows the same keys.
    Same,
    /// It shows others.
    Other,
    /// It did not answer, or there is no key to compare.
    Unknown,
}

impl Etcd {
    /// What the endpoint in use shows of a range.
    ///
    /// # Errors
    /// [`Error`]: no endpoint answered, or the registry refused.
    pub(super) async fn view(&self, range: &(Vec<u8>, Vec<u8>)) -> Result<MemberView, Error> {
        let read = self.call(self.timeout(), |client| read(client, range, 0)).await;
        read.map_err(|error| self.explain(error, Need::Read, range))
    }

    /// How a member's view of a range compares with ours.
    pub(super) async fn compare(
        &self,
        address: &str,
        range: &(Vec<u8>, Vec<u8>),
        ours: &MemberView,
    ) -> Sameness {
        let (at, Some((last, _, _))) = (ours.revision, ours.first.last()) else {
            return Sameness::Unknown;
        };
        // etcd walks over all keys of what it is asked for, so it is asked for these alone.
        let sample = (range.0.clone(), [last.as_slice(), b"\0"].concat());
        match self.call_at(address, self.timeout(), |client| read(client, &sample, at)).await {
            Ok(theirs) if theirs == *ours => Sameness::Same,
            Ok(_) => Sameness::Other,
            Err(error) => {
                tracing::debug!("{address}: what it holds is not known: {error}");
                Sameness::Unknown
            }
        }
    }
}

impl MemberView {
    /// Whether there is no key to tell anything by.
    pub(super) const fn is_empty(&self) -> bool {
        self.first.is_empty()
    }
}

/// Reads a range at a revision, or at the newest for 0.
async fn read(
    mut client: Client,
    (from, to): &(Vec<u8>, Vec<u8>),
    at: i64,
) -> Result<MemberView, etcd_client::Error> {
    let options = GetOptions::new().with_range(to.clone()).with_limit(SAMPLE).with_keys_only();
    let response = client.get(from.clone(), Some(options.with_revision(at))).await?;
    let (now, cluster) = response.header().map_or((0, 0), |it| (it.revision(), it.cluster_id()));
    let pair =
        |it: &etcd_client::KeyValue| (it.key().to_vec(), it.create_revision(), it.mod_revision());
    let first = response.kvs().iter().map(pair).collect();
    let revision = if at == 0 { now } else { at };
    Ok(MemberView { revision, cluster, first })
}
