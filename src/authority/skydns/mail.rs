//! MX records of entries.

use hickory_proto::rr::rdata::MX;
use hickory_proto::rr::{RData, RecordType};

use super::super::answer::{FIXED, data_octets};
use super::super::rendezvous::key;
use super::super::{Draw, Lookup, Rank, RrSet, RrSetResult};
use super::gather::Gathered;

impl Lookup<'_> {
    /// The MX records of those entries whose host takes mail, by preference.
    pub(super) fn mx_of_entries(&self, gathered: &Gathered<'_>, draw: &mut Draw) -> RrSetResult {
        let mut selection = self.selection();
        let (mut ttl, chances) = (u32::MAX, self.chances(draw));
        for entry in gathered.entries.iter().filter(|entry| entry.value.is_mail) {
            let Some(target) = self.target_of(gathered, entry) else { continue };
            let mx = MX::new(entry.value.priority, target);
            ttl = ttl.min(entry.ttl(self.settings().ttl));
            let rank = (mx.preference, 1);
            let data = RData::MX(mx);
            let chance = chances.of(&data, || key(&data));
            selection.offer(chance, rank, || (FIXED + data_octets(&data), data))?;
        }
        let (records, left_out) = selection.finish()?;
        let (ranks, data): (Vec<Rank>, Vec<_>) = records.into_iter().unzip();
        let set = RrSet::plain(self.question.name.clone(), RecordType::MX, ttl, data);
        let (is_cut, is_there) = (left_out || gathered.is_cut, left_out || !set.data.is_empty());
        Ok(is_there.then_some(RrSet { ranks, is_cut, ..set }))
    }
}
