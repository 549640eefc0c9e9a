//! SRV records of entries.

use std::collections::HashMap;

use hickory_proto::rr::rdata::SRV;
use hickory_proto::rr::{RData, RecordType};

use super::super::answer::{FIXED, data_octets};
use super::super::rendezvous::key;
use super::super::{Draw, Lookup, Rank, RrSet, RrSetResult};
use super::gather::Gathered;

/// What the weights of one priority add up to, but for rounding.
const WHOLE: u64 = 100;

impl Lookup<'_> {
    /// The SRV records of those entries that have a host.
    pub(super) fn srv_of_entries(&self, gathered: &Gathered<'_>, draw: &mut Draw) -> RrSetResult {
        let sums = sums(gathered);
        let mut selection = self.selection();
        let (mut ttl, chances) = (u32::MAX, self.chances(draw));
        for entry in &gathered.entries {
            let Some(target) = self.target_of(gathered, entry) else { continue };
            let (priority, port) = (entry.value.priority, entry.value.port);
            let sum = sums.get(&priority).copied().unwrap_or(1);
            let srv = SRV::new(priority, share(entry.value.weight, sum), port, target);
            ttl = ttl.min(entry.ttl(self.settings().ttl));
            let rank = (priority, u64::from(srv.weight));
            let data = RData::SRV(srv);
            let chance = chances.of(&data, || key(&data));
            selection.offer(chance, rank, || (FIXED + data_octets(&data), data))?;
        }
        let (records, left_out) = self.finish(selection, draw)?;
        let (ranks, data): (Vec<Rank>, Vec<_>) = records.into_iter().unzip();
        let set = RrSet::plain(self.question.name.clone(), RecordType::SRV, ttl, data);
        let (is_cut, is_there) = (left_out || gathered.is_cut, left_out || !set.data.is_empty());
        Ok(is_there.then_some(RrSet { ranks, is_cut, ..set }))
    }
}

/// The sum of the weights at each priority, of entries that have a host.
fn sums(gathered: &Gathered<'_>) -> HashMap<u16, u64, foldhash::fast::RandomState> {
    let mut sums = HashMap::default();
    for entry in gathered.entries.iter().filter(|entry| entry.value.host.is_some()) {
        *sums.entry(entry.value.priority).or_default() += u64::from(entry.value.weight);
    }
    sums
}

/// A weight as a share of a sum, in hundredths; never none.
fn share(weight: u16, sum: u64) -> u16 {
    // At most a hundred, since the weight is part of the sum.
    (WHOLE * u64::from(weight) / sum.max(1)).clamp(1, WHOLE) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_shares_of_a_hundred() {
        let shares = |weights: &[u16]| {
            let sum = weights.iter().map(|it| u64::from(*it)).sum();
            weights.iter().map(|it| share(*it, sum)).collect::<Vec<_>>()
        };
        assert_eq!(shares(&[120, 100, 130]), [34, 28, 37]);
        assert_eq!(shares(&[100; 8]), [12; 8]);
        assert_eq!(shares(&[100; 101]), [1; 101]);
        assert_eq!(shares(&[65535, 65535]), [50, 50]);
        assert_eq!(shares(&[7]), [100]);
    }
}
