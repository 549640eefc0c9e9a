//! TXT records of entries.

use hickory_proto::rr::RecordType;

use super::super::txt::record;
use super::super::{Lookup, RrSetResult};
use super::gather::Gathered;

impl Lookup<'_> {
    /// The TXT records of those entries that have a text, each text once.
    pub(super) fn txt_of_entries(&self, gathered: &Gathered<'_>) -> RrSetResult {
        let default = self.settings().ttl;
        let records = gathered.entries.iter().filter_map(|entry| {
            let (octets, data) = record(entry.value.text.as_deref()?)?;
            Some((entry.ttl(default), octets, data))
        });
        self.fitted(RecordType::TXT, records)
    }
}
