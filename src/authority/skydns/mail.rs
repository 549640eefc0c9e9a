//! MX records of entries.

use hickory_proto::rr::rdata::MX;
use hickory_proto::rr::{RData, RecordType};

use super::super::answer::{FIXED, data_octets};
use super::super::order::Selection;
use super::super::{Draw, Found, Lookup, Rank, RrSet};
use super::gather::Gathered;

impl Lookup<'_> {
    /// The MX records of those entries whose host takes mail, by preference.
    pub(super) fn mx_of_entries(&self, gathered: &Gathered<'_>, draw: &mut Draw) -> Found {
        let mut selection = Selection::new(self.question.room).at_most(self.most());
        let (mut ttl, chances) = (u32::MAX, draw.chances());
        for entry in gathered.entries.iter().filter(|entry| entry.value.is_mail) {
            let Some(target) = self.target_of(gathered, entry) else { continue };
            let mx = MX::new(entry.value.priority, target);
            ttl = ttl.min(entry.ttl(self.settings().ttl));
            let (chance, rank) = (chances.of(&mx), (mx.preference, 1));
            let data = RData::MX(mx);
            selection.offer(chance, rank, || (FIXED + data_octets(&data), data))?;
        }
        let (records, is_cut) = selection.finish()?;
        let (ranks, data): (Vec<Rank>, Vec<_>) = records.into_iter().unzip();
        let set = RrSet::plain(self.question.name.clone(), RecordType::MX, ttl, data);
        let is_cut = is_cut || gathered.is_cut;
        Ok((!set.data.is_empty()).then_some(RrSet { ranks, is_cut, ..set }))
    }
}
