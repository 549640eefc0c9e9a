//! One complete list of a zone's keys.

use std::collections::BTreeMap;

use crate::etcd::{Error, Etcd, PageSize};
use crate::metrics::{Freshness, ListProgress, Vitals};
use crate::registry::{Layout, Publish, Stored, Table, Update};

/// Reads a complete list into a table's staging. It becomes true only when the caller
/// finishes it. Each page is word of the registry, and progress. Gives the list's revision and cluster.
///
/// # Errors
/// [`Error`]: no endpoint answered, the registry refused, or history was compacted under
/// the list; the table still holds what it held.
pub(super) async fn into_table(
    etcd: &Etcd,
    table: &mut Table,
    freshness: &Freshness,
    vitals: &Vitals,
) -> Result<(i64, u64), Error> {
    let mut keys = 0;
    vitals.listing.set(Some(ListProgress::default()));
    let (mut from, to) = table.layout().range();
    table.begin_listing();
    let (mut of, mut size) = (None, PageSize::default());
    loop {
        let at = of.map(|(revision, _)| revision);
        let page = etcd.list_page(&(from, to.clone()), at, &mut size).await?;
        freshness.heard();
        keys += page.pairs.len() as u64;
        vitals.listing.set(Some(ListProgress { keys, of: Some(keys + page.left()) }));
        let (revision, cluster) = *of.get_or_insert((page.revision, page.cluster));
        if page.cluster != cluster {
            return Err(Error::Ended("another cluster answers".to_owned()));
        }
        super::waiting::without_stalling(page.pairs.len(), || {
            for pair in &page.pairs {
                let stored = Stored { value: pair.value(), is_leased: pair.lease() != 0 };
                table.list(pair.key(), stored);
            }
        });
        match page.next {
            Some(next) => from = next,
            None => return Ok((revision, cluster)),
        }
    }
}

/// Reads everything once and tells a publisher, as a mirror does; for the commands that show
/// the registry, which log nothing of it. Gives the number of keys.
///
/// # Errors
/// As [`into_table`].
pub async fn list(
    etcd: &Etcd,
    layout: Layout,
    publisher: &mut impl Publish,
) -> Result<usize, Error> {
    let mut table = Table::new(layout);
    let (revision, _) =
        into_table(etcd, &mut table, &Freshness::default(), &Vitals::default()).await?;
    let mut update = Update { revision, ..Update::default() };
    super::waiting::without_stalling(usize::MAX, || {
        table.finish_listing(&mut update);
        publisher.publish(update);
    });
    Ok(table.len())
}

/// Counts by segment, the first few of them: `3 (too: 2, web: 1)`.
pub(super) fn in_words(counts: &BTreeMap<String, usize>) -> String {
    /// Segments that tell a reader whose keys they are.
    const SHOWN: usize = 8;
    let total: usize = counts.values().sum();
    let shown: Vec<_> =
        counts.iter().take(SHOWN).map(|(segment, count)| format!("{segment}: {count}")).collect();
    let more = if counts.len() > SHOWN { ", …" } else { "" };
    if shown.is_empty() {
        total.to_string()
    } else {
        format!("{total} ({}{more})", shown.join(", "))
    }
}
