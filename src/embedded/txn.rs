//! Transactions: what they may contain, which branch they take, what it does.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use etcd_client::CompareOp;
use etcd_client::proto::{
    PbCompare, PbCompareTarget, PbKeyValue, PbResponseOp, PbTargetUnion, PbTxnOpRequest,
    PbTxnOpResponse, PbTxnRequest, PbTxnRequestOp, PbTxnResponse,
};

use super::draft::{self, Draft, header};
use super::interval::Interval;
use super::limits::{REQUEST_BYTES, TXN_OPS, TXN_TREE_OPS};
use super::range;
use super::refusal::RequestRefusal;

/// Refuses a transaction that is malformed, too long, or would write a key twice.
pub(super) fn check(txn: &PbTxnRequest) -> Result<(), RequestRefusal> {
    check_sizes(txn, TXN_OPS, &mut TXN_TREE_OPS.clone())?;
    check_contents(txn)?;
    if payload(txn) > REQUEST_BYTES {
        return Err(RequestRefusal::RequestTooLarge);
    }
    Writes::of(&txn.success)?;
    Writes::of(&txn.failure)?;
    Ok(())
}

/// Compares, and does what the branch says. The transaction has been checked.
pub(super) fn apply(
    draft: &mut Draft<'_>,
    txn: &PbTxnRequest,
) -> Result<PbTxnResponse, RequestRefusal> {
    let succeeded = holds_all(draft, &txn.compare)?;
    let branch = if succeeded { &txn.success } else { &txn.failure };
    let responses = branch.iter().map(|op| apply_op(draft, op)).collect::<Result<_, _>>()?;
    Ok(PbTxnResponse { header: header(draft.revision()), succeeded, responses })
}

/// Does one operation.
fn apply_op(draft: &mut Draft<'_>, op: &PbTxnRequestOp) -> Result<PbResponseOp, RequestRefusal> {
    let response = match request(op)? {
        PbTxnOpRequest::RequestRange(range) => PbTxnOpResponse::ResponseRange(draft.range(range)?),
        PbTxnOpRequest::RequestPut(put) => PbTxnOpResponse::ResponsePut(draft.put(put)?),
        PbTxnOpRequest::RequestDeleteRange(delete) => {
            PbTxnOpResponse::ResponseDeleteRange(draft.delete(delete)?)
        }
        PbTxnOpRequest::RequestTxn(txn) => PbTxnOpResponse::ResponseTxn(apply(draft, txn)?),
    };
    Ok(PbResponseOp { response: Some(response) })
}

/// What an operation asks for; etcd calls a missing one a missing key.
fn request(op: &PbTxnRequestOp) -> Result<&PbTxnOpRequest, RequestRefusal> {
    op.request.as_ref().ok_or(RequestRefusal::KeyNotFound)
}

/// The transactions directly inside a list of operations.
fn nested(ops: &[PbTxnRequestOp]) -> impl Iterator<Item = &PbTxnRequest> {
    ops.iter().filter_map(|op| match &op.request {
        Some(PbTxnOpRequest::RequestTxn(txn)) => Some(txn),
        _ => None,
    })
}

/// Refuses too many operations. As in etcd a nested transaction has what the longest
/// list of the one around it leaves; beyond etcd, all lists together have a bound.
fn check_sizes(txn: &PbTxnRequest, here: usize, total: &mut usize) -> Result<(), RequestRefusal> {
    let lengths = [txn.compare.len(), txn.success.len(), txn.failure.len()];
    let longest = lengths.into_iter().max().unwrap_or(0);
    let left = here.checked_sub(longest).ok_or(RequestRefusal::TooManyOps)?;
    *total = total.checked_sub(lengths.iter().sum()).ok_or(RequestRefusal::TooManyOps)?;
    for txn in nested(&txn.success).chain(nested(&txn.failure)) {
        check_sizes(txn, left, total)?;
    }
    Ok(())
}

/// Refuses operations and compares that are malformed, in both branches.
fn check_contents(txn: &PbTxnRequest) -> Result<(), RequestRefusal> {
    for compare in &txn.compare {
        draft::check_key(&compare.key)?;
    }
    for op in txn.success.iter().chain(&txn.failure) {
        match request(op)? {
            PbTxnOpRequest::RequestRange(range) => range::check(range)?,
            PbTxnOpRequest::RequestPut(put) => draft::check_put(put)?,
            PbTxnOpRequest::RequestDeleteRange(delete) => draft::check_key(&delete.key)?,
            PbTxnOpRequest::RequestTxn(txn) => check_contents(txn)?,
        }
    }
    Ok(())
}

/// The bytes of keys and values that a transaction carries.
fn payload(txn: &PbTxnRequest) -> usize {
    let compared = |compare: &PbCompare| match &compare.target_union {
        Some(PbTargetUnion::Value(value)) => compare.key.len() + value.len(),
        _ => compare.key.len(),
    };
    let carried = |op: &PbTxnRequestOp| match &op.request {
        Some(PbTxnOpRequest::RequestPut(put)) => put.key.len() + put.value.len(),
        Some(PbTxnOpRequest::RequestTxn(txn)) => payload(txn),
        _ => 0,
    };
    let ops = txn.success.iter().chain(&txn.failure);
    txn.compare.iter().map(compared).sum::<usize>() + ops.map(carried).sum::<usize>()
}

/// The keys that a list of operations may write.
#[derive(Default)]
struct Writes<'a> {
    /// The keys that are put.
    puts: BTreeSet<&'a [u8]>,
    /// The ranges that are deleted.
    deletes: Vec<Interval>,
}

impl<'a> Writes<'a> {
    /// What `ops` may write, unless that writes a key twice: one revision has at most
    /// one event of a key.
    fn of(ops: &'a [PbTxnRequestOp]) -> Result<Self, RequestRefusal> {
        let mut all = Self::default();
        for op in ops {
            let writes = Self::of_one(op)?;
            if all.overlaps(&writes) {
                return Err(RequestRefusal::DuplicateKey);
            }
            all.add(writes);
        }
        Ok(all)
    }

    /// What one operation may write. The branches of a nested transaction exclude each
    /// other, so both may write the same key.
    fn of_one(op: &'a PbTxnRequestOp) -> Result<Self, RequestRefusal> {
        let mut writes = Self::default();
        match &op.request {
            Some(PbTxnOpRequest::RequestPut(put)) => {
                writes.puts.insert(&put.key);
            }
            Some(PbTxnOpRequest::RequestDeleteRange(delete)) => {
                writes.deletes.push(Interval::new(&delete.key, &delete.range_end));
            }
            Some(PbTxnOpRequest::RequestTxn(txn)) => {
                writes = Self::of(&txn.success)?;
                writes.add(Self::of(&txn.failure)?);
            }
            Some(PbTxnOpRequest::RequestRange(_)) | None => {}
        }
        Ok(writes)
    }

    /// Tells whether a key of `other` is written here too. Two deletions of a key are
    /// no conflict: the second finds nothing.
    fn overlaps(&self, other: &Self) -> bool {
        let deletes = |writes: &Self, key: &[u8]| writes.deletes.iter().any(|d| d.contains(key));
        self.puts.iter().any(|key| other.puts.contains(key) || deletes(other, key))
            || other.puts.iter().any(|key| deletes(self, key))
    }

    /// Adds what `other` writes.
    fn add(&mut self, other: Self) {
        self.puts.extend(other.puts);
        self.deletes.extend(other.deletes);
    }
}

/// Tells whether all compares hold, before the transaction wrote anything: as in etcd
/// also a nested transaction chooses its branch by what was there at first.
fn holds_all(draft: &Draft<'_>, compares: &[PbCompare]) -> Result<bool, RequestRefusal> {
    for compare in compares {
        if !holds(draft, compare)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Tells whether a compare holds for every key it names. A key that is not there
/// counts as one with all numbers zero, and has no value to compare at all.
fn holds(draft: &Draft<'_>, compare: &PbCompare) -> Result<bool, RequestRefusal> {
    let target = PbCompareTarget::try_from(compare.target);
    let target = target.map_err(|_| RequestRefusal::InvalidCompare)?;
    let result = CompareOp::try_from(compare.result).map_err(|_| RequestRefusal::InvalidCompare)?;
    let interval = Interval::new(&compare.key, &compare.range_end);
    let holds = |entry: &PbKeyValue| fits(result, order(entry, target, compare));
    let mut entries = draft.before().range(&interval).peekable();
    if entries.peek().is_none() {
        return Ok(target != PbCompareTarget::Value && holds(&PbKeyValue::default()));
    }
    Ok(entries.all(|entry| holds(entry)))
}

/// How what the entry has compares to what the request wants of it.
fn order(entry: &PbKeyValue, target: PbCompareTarget, compare: &PbCompare) -> Ordering {
    let wanted = compare.target_union.as_ref();
    match (target, wanted) {
        (PbCompareTarget::Value, Some(PbTargetUnion::Value(value))) => entry.value.cmp(value),
        (PbCompareTarget::Value, _) => entry.value.as_slice().cmp(&[]),
        (PbCompareTarget::Version, _) => entry.version.cmp(&number(wanted)),
        (PbCompareTarget::Create, _) => entry.create_revision.cmp(&number(wanted)),
        (PbCompareTarget::Mod, _) => entry.mod_revision.cmp(&number(wanted)),
        (PbCompareTarget::Lease, _) => entry.lease.cmp(&number(wanted)),
    }
}

/// The number that a compare wants; one that was left out is zero on the wire.
fn number(wanted: Option<&PbTargetUnion>) -> i64 {
    match wanted {
        Some(
            PbTargetUnion::Version(n)
            | PbTargetUnion::CreateRevision(n)
            | PbTargetUnion::ModRevision(n)
            | PbTargetUnion::Lease(n),
        ) => *n,
        Some(PbTargetUnion::Value(_)) | None => 0,
    }
}

/// Tells whether an order is the result that was asked for.
fn fits(result: CompareOp, order: Ordering) -> bool {
    match result {
        CompareOp::Equal => order.is_eq(),
        CompareOp::NotEqual => order.is_ne(),
        CompareOp::Greater => order.is_gt(),
        CompareOp::Less => order.is_lt(),
    }
}
