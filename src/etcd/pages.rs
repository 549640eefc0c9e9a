//! Complete lists, page by page.

use etcd_client::{Client, GetOptions, KeyValue};

use super::permission::Need;
use super::{Error, Etcd, Range};

/// The most octets of one page that are taken: pages of real documents have some MiB.
const PAGE_OCTETS: usize = 64 << 20;
/// Keys asked for in a page, at first. 100,000 keys take 0.2 s in pages of this size.
const PAGE_KEYS: i64 = 5_000;
/// Pages that what is left of a list is asked for in, where it is long. For each page etcd
/// walks over all keys that are left, so that 1,000,000 keys take 20 s in pages of 5,000.
const PAGES: i64 = 16;
/// Octets of keys and values that a page is asked for, as far as the one before it tells.
const PAGE_AIM: usize = 8 << 20;
/// How much smaller a page is tried when one was too large.
const PAGE_SHRINK: i64 = 8;
/// Pages that one list may have. It has sixteen and some where values are small, and one for
/// each key where each is as large as a page may be.
const PAGES_MAX: usize = 1 << 16;
/// Octets that one list may have: twice what etcd advises a database to have at most.
const LIST_OCTETS_MAX: u64 = 16 << 30;

/// A part of a list, all of it at one revision.
#[derive(Debug)]
pub struct Page {
    /// The revision at which the list is true.
    pub revision: i64,
    /// The cluster that answered.
    pub cluster: u64,
    /// Keys and values.
    pub pairs: Vec<KeyValue>,
    /// Where the next page begins, if there is one.
    pub next: Option<Vec<u8>>,
    /// Keys of the range that come after this page.
    left: i64,
}

/// The size of the pages of one list, and how much of it has come. The size grows with what
/// is left of the list, and shrinks for good when a page was too much to ask.
#[derive(Debug, Clone, Copy)]
pub struct PageSize {
    /// Keys to ask for.
    keys: i64,
    /// Whether it may grow.
    may_grow: bool,
    /// Pages that have come.
    pages: usize,
    /// Octets of keys and values in them.
    octets: u64,
}

impl Default for PageSize {
    fn default() -> Self {
        Self { keys: PAGE_KEYS, may_grow: true, pages: 0, octets: 0 }
    }
}

impl Page {
    /// Keys of the range that come after this page.
    #[must_use]
    pub fn left(&self) -> u64 {
        u64::try_from(self.left).unwrap_or(0)
    }
}

impl PageSize {
    /// One key, to see whether there is any.
    #[must_use]
    pub const fn one() -> Self {
        Self { keys: 1, may_grow: false, pages: 0, octets: 0 }
    }

    /// Counts a page, and chooses the next size by what it shows. A list that goes on for
    /// longer than any of etcd's can is an error.
    fn learn(&mut self, page: &Page) -> Result<(), Error> {
        let octets = |pair: &KeyValue| pair.key().len() + pair.value().len();
        let octets = page.pairs.iter().map(octets).sum::<usize>();
        self.pages += 1;
        self.octets = self.octets.saturating_add(octets as u64);
        if self.pages > PAGES_MAX || self.octets > LIST_OCTETS_MAX {
            return Err(Error::Unsound(format!(
                "its list has no end: {} pages with {} octets came",
                self.pages, self.octets
            )));
        }
        let each = octets / page.pairs.len().max(1);
        let most = (PAGE_AIM / each.max(1)) as i64;
        if self.may_grow {
            self.keys = (page.left / PAGES).min(most).max(PAGE_KEYS);
        }
        Ok(())
    }

    /// Chooses a smaller size after a failure; false if that would not help.
    fn shrink(&mut self, fault: &Error) -> bool {
        let is_large = self.keys > PAGE_KEYS;
        let may_help = is_large || matches!(fault, Error::TooLarge(_)) && self.keys > 1;
        if may_help {
            self.keys = if is_large { PAGE_KEYS } else { (self.keys / PAGE_SHRINK).max(1) };
            self.may_grow = false;
        }
        may_help
    }
}

impl Etcd {
    /// One page of a linearizable list of a range. The first page says the revision; the
    /// others must ask for it, so that all are of one moment. Each attempt may take the
    /// registry's timeout; a page too large to take is asked for again in smaller ones, and
    /// so is a large one that fails.
    ///
    /// # Errors
    /// [`Error`]: no endpoint answered, or the registry refused; [`Error::Unsound`]: the pages
    /// have no end.
    pub async fn list_page(
        &self,
        range: &(Vec<u8>, Vec<u8>),
        revision: Option<i64>,
        size: &mut PageSize,
    ) -> Result<Page, Error> {
        loop {
            let keys = size.keys;
            let page =
                self.call(self.timeout(), |client| page(client, range, revision, keys)).await;
            match page {
                Err(fault) if size.shrink(&fault) => {}
                Err(fault) => return Err(self.explain(fault, Need::Read, range)),
                Ok(page) => {
                    size.learn(&page)?;
                    return Ok(page);
                }
            }
        }
    }
}

impl Etcd {
    /// How many keys of a range there were at a revision; nothing where that is not known any
    /// more.
    ///
    /// # Errors
    /// [`Error`]: no endpoint answered, or the registry refused.
    pub async fn count(&self, range: &Range, revision: i64) -> Result<Option<u64>, Error> {
        let options = GetOptions::new().with_range(range.1.clone()).with_count_only();
        let options = options.with_revision(revision);
        let get = |mut client: Client| {
            let options = options.clone();
            async move { client.get(range.0.clone(), Some(options)).await }
        };
        match self.call(self.timeout(), get).await {
            Ok(counted) => Ok(Some(u64::try_from(counted.count()).unwrap_or(0))),
            Err(Error::Refused(reason)) if reason.contains("has been compacted") => Ok(None),
            Err(fault) => Err(self.explain(fault, Need::Read, range)),
        }
    }
}

/// Asks for one page.
async fn page(
    client: Client,
    range: &(Vec<u8>, Vec<u8>),
    revision: Option<i64>,
    keys: i64,
) -> Result<Page, Error> {
    let (from, to) = range;
    let options = GetOptions::new().with_range(to.clone()).with_limit(keys);
    let options = options.with_revision(revision.unwrap_or_default());
    let mut kv = client.kv_client().max_decoding_message_size(PAGE_OCTETS);
    let mut response = kv.get(from.clone(), Some(options)).await?;
    let (now, cluster) = response.header().map_or((0, 0), |it| (it.revision(), it.cluster_id()));
    let pairs = response.take_kvs();
    check(&pairs, range, response.more())?;
    let next = pairs.last().filter(|_| response.more()).map(|last| [last.key(), b"\0"].concat());
    let (revision, left) = (revision.unwrap_or(now), response.count() - pairs.len() as i64);
    Ok(Page { revision, cluster, pairs, next, left })
}

/// Refuses a page from which no list can go on: its keys must rise, within the range that was
/// asked for, or the next page might be this one again.
fn check(pairs: &[KeyValue], (from, to): &(Vec<u8>, Vec<u8>), has_more: bool) -> Result<(), Error> {
    let rise = pairs.is_sorted_by(|one, next| one.key() < next.key());
    let starts = pairs.first().is_none_or(|first| first.key() >= from.as_slice());
    let ends = pairs.last().is_none_or(|last| to == b"\0" || last.key() < to.as_slice());
    if !rise || !starts || !ends {
        return Err(Error::Unsound("the keys of its list do not rise as was asked".to_owned()));
    }
    if pairs.is_empty() && has_more {
        return Err(Error::Unsound("a page of its list is empty, and not the last".to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use etcd_client::proto::PbKeyValue;

    use super::*;

    /// A page after which so many keys are left.
    fn page(left: i64) -> Page {
        Page { revision: 1, cluster: 1, pairs: Vec::new(), next: None, left }
    }

    #[test]
    fn a_list_without_an_end_is_given_up() {
        let mut size = PageSize::default();
        (0..PAGES_MAX).for_each(|_| size.learn(&page(1)).unwrap());
        assert!(matches!(size.learn(&page(1)), Err(Error::Unsound(_))));
        let mut large = PageSize { octets: LIST_OCTETS_MAX, ..PageSize::default() };
        large.learn(&page(1)).unwrap();
        let value = KeyValue(PbKeyValue { key: b"/s/1".to_vec(), ..PbKeyValue::default() });
        let full = Page { pairs: vec![value], ..page(1) };
        assert!(matches!(large.learn(&full), Err(Error::Unsound(_))));
    }

    #[test]
    fn keys_of_a_page_rise_within_the_range() {
        let pair = |key: &&str| {
            KeyValue(PbKeyValue { key: key.as_bytes().to_vec(), ..PbKeyValue::default() })
        };
        let range = (b"/s/b".to_vec(), b"/s0".to_vec());
        let is_taken = |keys: &[&str], has_more| {
            check(&keys.iter().map(pair).collect::<Vec<_>>(), &range, has_more).is_ok()
        };
        assert!(is_taken(&["/s/b", "/s/b/1", "/s/c"], true) && is_taken(&[], false));
        for keys in [&["/s/c", "/s/b"][..], &["/s/b", "/s/b"], &["/s/a"], &["/s0"]] {
            assert!(!is_taken(keys, true), "{keys:?}");
        }
        assert!(!is_taken(&[], true), "there is no next page");
    }

    #[test]
    fn pages_of_a_long_list_are_large_until_one_fails() {
        let mut size = PageSize::default();
        size.learn(&page(10_000)).unwrap();
        assert_eq!(size.keys, PAGE_KEYS);
        size.learn(&page(1_000_000)).unwrap();
        assert_eq!(size.keys, 62_500);
        let slow = Error::Ended("too slow".to_owned());
        assert!(size.shrink(&slow), "a large page is tried smaller whatever went wrong");
        size.learn(&page(1_000_000)).unwrap();
        assert_eq!(size.keys, PAGE_KEYS, "and no other is tried");
        assert!(!size.shrink(&slow), "one of the usual size is not");
    }
}
