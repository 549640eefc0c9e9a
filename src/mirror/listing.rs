//! Lists of a zone's keys: complete, or of one service.
//!
//! For a list of one service its keys are searched first ([`KeySearch`]), and then those ranges
//! alone are read, with the services that its backends and frontends lead to. Where the keys of a
//! name may be anywhere, or none was found, all of the zone is read: what is not where names
//! usually are may still be there.

use std::collections::BTreeMap;

use super::since::Listed;
use crate::etcd::{Error, Etcd, PageSize, Range};
use crate::metrics::{Freshness, ListProgress, Told};
use crate::names::folded;
use crate::registry::{Alias, KeySearch, Layout, Meaning, Publish, Stored, Table, Update};

/// Names that are read for one: a frontend leads to a backend, and that to a service.
const NAMES_MAX: usize = 16;

/// The point in a registry's history that a list is true at: its revision and cluster.
type Moment = (i64, u64);

/// A list under way.
struct Lister<'l> {
    /// Where the registry is.
    etcd: &'l Etcd,
    /// What is read.
    table: &'l mut Table,
    /// Each page is word of the registry.
    freshness: &'l Freshness,
    /// Where it is told how far it is.
    progress: &'l Told<ListProgress>,
    /// Keys that have come.
    keys: u64,
    /// The revision of the newest change of any.
    newest: i64,
    /// What it is true at, once that is known.
    of: Option<Moment>,
}

/// Reads a list into a table's staging: a complete one, or of one service. It becomes true only
/// when the caller finishes it. Each page is word of the registry. Gives what is known of the list.
///
/// # Errors
/// [`Error`]: no endpoint answered, the registry refused, or history was compacted under
/// the list; the table still holds what it held.
pub(super) async fn into_table(
    etcd: &Etcd,
    table: &mut Table,
    freshness: &Freshness,
    progress: &Told<ListProgress>,
    name: Option<&str>,
) -> Result<Listed, Error> {
    let mut lister = Lister { etcd, table, freshness, progress, keys: 0, newest: 0, of: None };
    let (revision, cluster) = lister.list(name).await?;
    Ok(Listed { revision, cluster, keys: lister.keys, newest: lister.newest })
}

/// Reads everything, or what is of one service, once and tells a publisher, as a mirror does; for
/// the commands that show the registry, which log nothing of it. Gives the number of keys.
///
/// # Errors
/// As [`into_table`].
pub async fn list(
    etcd: &Etcd,
    (layout, name): (Layout, Option<&str>),
    publisher: &mut impl Publish,
    progress: &Told<ListProgress>,
) -> Result<usize, Error> {
    let (mut table, freshness) = (Table::new(layout), Freshness::default());
    let Listed { revision, .. } = into_table(etcd, &mut table, &freshness, progress, name).await?;
    let mut update = Update { revision, ..Update::default() };
    super::waiting::without_stalling(usize::MAX, || {
        table.finish_listing(&mut update);
        publisher.publish(update);
    });
    Ok(table.len())
}

/// The ranges that may hold the keys of a service; none where they may be anywhere.
///
/// # Errors
/// [`Error`]: no endpoint answered, or the registry refused.
pub async fn ranges_of(
    etcd: &Etcd,
    layout: &Layout,
    name: &str,
) -> Result<Option<Vec<Range>>, Error> {
    Ok(search(etcd, layout, name).await?.map(|(ranges, _)| ranges))
}

/// The same with the moment at which that was asked.
async fn search(
    etcd: &Etcd,
    layout: &Layout,
    name: &str,
) -> Result<Option<(Vec<Range>, Option<Moment>)>, Error> {
    let Some(mut search) = KeySearch::of_service(layout, name) else { return Ok(None) };
    let mut of = None;
    loop {
        let Ok(questions) = search.questions() else { return Ok(None) };
        if questions.is_empty() {
            return Ok(Some((search.found(), of)));
        }
        let ranges: Vec<_> = questions.iter().map(|it| it.range.clone()).collect();
        let (stamp, firsts) = match etcd.first_keys(&ranges).await {
            // Who may not read around the name may still read the whole, or is told what to grant.
            Err(Error::Forbidden(_)) => return Ok(None),
            told => told?,
        };
        of.get_or_insert((stamp.revision, stamp.cluster));
        for (question, first) in questions.into_iter().zip(firsts) {
            search.learn(question, first.as_ref().map(|pair| &pair.key[..]));
        }
    }
}

impl Lister<'_> {
    /// Reads all, or one service.
    async fn list(&mut self, name: Option<&str>) -> Result<Moment, Error> {
        self.progress.set(Some(ListProgress::default()));
        self.table.begin_listing();
        if let Some(name) = name {
            if let Some(of) = self.list_service(name).await? {
                return Ok(of);
            }
            self.table.begin_listing();
            self.of = None;
        }
        let range = self.table.layout().range();
        self.list_range(range).await
    }

    /// Reads a service, and those that its name leads to; none where all must be read for that.
    async fn list_service(&mut self, name: &str) -> Result<Option<Moment>, Error> {
        let (mut names, mut next) = (vec![name.to_owned()], 0);
        while let Some(name) = names.get(next).cloned() {
            let found = search(self.etcd, self.table.layout(), &name).await?;
            let Some((ranges, of)) = found else { return Ok(None) };
            self.of = self.of.or(of);
            let before = self.keys;
            for range in ranges {
                self.list_range(range).await?;
            }
            if self.keys == before {
                return Ok(None);
            }
            next += 1;
            let behind = leads_to(self.table.listed_aliases().map(|it| &**it), &name);
            let is_new = |other: &String| !names.iter().any(|it| folded(it).eq(folded(other)));
            let behind: Vec<_> = behind.filter(is_new).collect();
            names.extend(behind);
            if names.len() > NAMES_MAX {
                return Ok(None);
            }
        }
        Ok(self.of)
    }

    /// Reads a range, at the moment of what was read before.
    async fn list_range(&mut self, (mut from, to): Range) -> Result<Moment, Error> {
        let mut size = PageSize::default();
        loop {
            let at = self.of.map(|(revision, _)| revision);
            let page = self.etcd.list_page(&(from, to.clone()), at, &mut size).await?;
            self.freshness.heard();
            self.keys += page.pairs.len() as u64;
            let of = Some(self.keys + page.left());
            self.progress.set(Some(ListProgress { keys: self.keys, of }));
            let of @ (_, cluster) = *self.of.get_or_insert((page.revision, page.cluster));
            if page.cluster != cluster {
                return Err(Error::Ended("another cluster answers".to_owned()));
            }
            super::waiting::without_stalling(page.pairs.len(), || {
                for pair in &page.pairs {
                    self.newest = self.newest.max(pair.mod_revision());
                    let stored = Stored { value: pair.value(), is_leased: pair.lease() != 0 };
                    self.table.list(pair.key(), stored);
                }
            });
            match page.next {
                Some(next) => from = next,
                None => return Ok(of),
            }
        }
    }
}

/// The names that aliases of a name lead to.
fn leads_to<'a>(
    aliases: impl Iterator<Item = &'a Alias>,
    name: &str,
) -> impl Iterator<Item = String> {
    let of_name = aliases.filter(move |it| folded(&it.name).eq(folded(name)));
    of_name.filter_map(|alias| match &alias.meaning {
        Meaning::Backend { app, .. } => Some(app.to_string()),
        Meaning::Frontend { backend } => backend.as_deref().map(str::to_owned),
    })
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
