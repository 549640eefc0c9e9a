//! Answering a range request from the keys of one revision; pure.

use etcd_client::proto::{PbKeyValue, PbRangeRequest, PbRangeResponse};
use etcd_client::{SortOrder, SortTarget};

use super::interval::Interval;
use super::keys::{Keys, StoredKey, size};
use super::refusal::RequestRefusal;

/// The bytes that an answer may still have.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    /// What may still be added.
    left: usize,
    /// What it was at first, for the message.
    limit: usize,
}

impl Budget {
    /// An answer of at most `limit` bytes of keys and values.
    pub(super) fn new(limit: usize) -> Self {
        Self { left: limit, limit }
    }

    /// Adds this many bytes to the answer, if they still fit.
    pub(super) fn take(&mut self, bytes: usize) -> Result<(), RequestRefusal> {
        let left = self.left.checked_sub(bytes);
        self.left = left.ok_or(RequestRefusal::AnswerTooLarge(self.limit))?;
        Ok(())
    }
}

/// Refuses a request that no revision could answer.
pub(super) fn check(request: &PbRangeRequest) -> Result<(), RequestRefusal> {
    if request.key.is_empty() {
        return Err(RequestRefusal::EmptyKey);
    }
    sorting(request).map(|_| ())
}

/// The answer without its header. As in etcd, `count` is that of the whole range,
/// whatever the limit and the filters leave of it.
pub(super) fn answer(
    keys: &Keys,
    request: &PbRangeRequest,
    budget: &mut Budget,
) -> Result<PbRangeResponse, RequestRefusal> {
    let interval = Interval::new(&request.key, &request.range_end);
    let count = i64::try_from(keys.range(&interval).count()).unwrap_or(i64::MAX);
    if request.count_only {
        return Ok(PbRangeResponse { count, ..Default::default() });
    }
    let limit = usize::try_from(request.limit).ok().filter(|limit| *limit > 0);
    let mut found = find(keys, &interval, request, limit)?;
    let more = limit.is_some_and(|limit| found.len() > limit);
    found.truncate(limit.unwrap_or(usize::MAX));
    let kvs = found.into_iter().map(|entry| copy(entry, request.keys_only, budget));
    Ok(PbRangeResponse { count, more, kvs: kvs.collect::<Result<_, _>>()?, ..Default::default() })
}

/// The entries of the answer in their order, and one more than `limit` if there is one.
fn find<'a>(
    keys: &'a Keys,
    interval: &'a Interval,
    request: &PbRangeRequest,
    limit: Option<usize>,
) -> Result<Vec<&'a StoredKey>, RequestRefusal> {
    let sorting = sorting(request)?;
    let wanted = match limit {
        Some(limit) if sorting.is_none() => limit.saturating_add(1),
        _ => usize::MAX,
    };
    let matching = keys.range(interval).filter(|entry| passes(entry, request));
    let mut found: Vec<_> = matching.take(wanted).collect();
    if let Some((target, order)) = sorting {
        sort(&mut found, target, order);
    }
    Ok(found)
}

/// How the answer is to be sorted; `None` if the keys already are as they should be.
/// A target without an order means ascending, as in etcd.
fn sorting(request: &PbRangeRequest) -> Result<Option<(SortTarget, SortOrder)>, RequestRefusal> {
    let target = SortTarget::try_from(request.sort_target);
    let order = SortOrder::try_from(request.sort_order);
    match (target, order) {
        (Ok(SortTarget::Key), Ok(SortOrder::None | SortOrder::Ascend)) => Ok(None),
        (Ok(target), Ok(order)) => Ok(Some((target, order))),
        _ => Err(RequestRefusal::InvalidSort),
    }
}

/// Sorts by `target`; entries that are equal there stay in the order of their keys.
fn sort(found: &mut [&StoredKey], target: SortTarget, order: SortOrder) {
    match target {
        SortTarget::Key => {}
        SortTarget::Version => found.sort_by_key(|entry| entry.version),
        SortTarget::Create => found.sort_by_key(|entry| entry.create_revision),
        SortTarget::Mod => found.sort_by_key(|entry| entry.mod_revision),
        SortTarget::Value => found.sort_by(|a, b| a.value.cmp(&b.value)),
    }
    if order == SortOrder::Descend {
        found.reverse();
    }
}

/// Tells whether the entry's revisions are those that the request asks for; zero asks
/// for nothing.
fn passes(entry: &StoredKey, request: &PbRangeRequest) -> bool {
    let at_least = |revision: i64, least: i64| least == 0 || revision >= least;
    let at_most = |revision: i64, most: i64| most == 0 || revision <= most;
    at_least(entry.mod_revision, request.min_mod_revision)
        && at_most(entry.mod_revision, request.max_mod_revision)
        && at_least(entry.create_revision, request.min_create_revision)
        && at_most(entry.create_revision, request.max_create_revision)
}

/// The entry as the client gets it, with or without its value.
fn copy(
    entry: &StoredKey,
    keys_only: bool,
    budget: &mut Budget,
) -> Result<PbKeyValue, RequestRefusal> {
    if !keys_only {
        budget.take(size(entry))?;
        return Ok(PbKeyValue::clone(entry));
    }
    budget.take(entry.key.len())?;
    Ok(PbKeyValue {
        key: entry.key.clone(),
        value: Vec::new(),
        create_revision: entry.create_revision,
        mod_revision: entry.mod_revision,
        version: entry.version,
        lease: entry.lease,
    })
}
