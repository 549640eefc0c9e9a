//! Refusals of requests, in etcd's words where etcd has some.
//!
//! Clients compare these messages (etcdctl turns them back into errors), so the
//! sentences that begin with `etcdserver:` are etcd's own, with the codes it uses.

use tonic::{Code, Status};

use super::limits;

/// The reason why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum RequestRefusal {
    /// A request names no key.
    #[error("etcdserver: key is not provided")]
    EmptyKey,
    /// A put sends a value and asks to keep the old one.
    #[error("etcdserver: value is provided")]
    ValueProvided,
    /// A put sends a lease and asks to keep the old one.
    #[error("etcdserver: lease is provided")]
    LeaseProvided,
    /// A put keeps the value or lease of a key that is not there.
    #[error("etcdserver: key not found")]
    KeyNotFound,
    /// A range is to be sorted in a way that is not defined.
    #[error("etcdserver: invalid sort option")]
    InvalidSort,
    /// A compare has a target or a result that is not defined.
    #[error("the compare has an unknown target or result")]
    InvalidCompare,
    /// One transaction would write a key twice.
    #[error("etcdserver: duplicate key given in txn request")]
    DuplicateKey,
    /// A transaction has too many operations.
    #[error("etcdserver: too many operations in txn request")]
    TooManyOps,
    /// A request has too many bytes.
    #[error("etcdserver: request is too large")]
    RequestTooLarge,
    /// A revision is asked for that was compacted.
    #[error("etcdserver: mvcc: required revision has been compacted")]
    Compacted,
    /// A revision is asked for that is not there yet.
    #[error("etcdserver: mvcc: required revision is a future revision")]
    FutureRevision,
    /// A lease is not there, or not any more.
    #[error("etcdserver: requested lease not found")]
    LeaseNotFound,
    /// A lease is to be granted under an id that is taken.
    #[error("etcdserver: lease already exists")]
    LeaseExists,
    /// A lease is to live longer than leases may.
    #[error("etcdserver: too large lease TTL")]
    TtlTooLarge,
    /// A key is longer than keys may be.
    #[error("the embedded registry takes keys of at most {} bytes", limits::KEY_BYTES)]
    KeyTooLong,
    /// The live keys and values would have too many bytes.
    #[error(
        "etcdserver: mvcc: database space exceeded: \
         the embedded registry holds at most {0} bytes of keys and values"
    )]
    StoreFull(usize),
    /// There would be too many live keys.
    #[error("the embedded registry holds at most {0} keys")]
    TooManyKeys(usize),
    /// There would be too many leases.
    #[error("the embedded registry holds at most {0} leases")]
    TooManyLeases(usize),
    /// There would be too many streams.
    #[error("the embedded registry serves at most {} open streams", limits::STREAMS)]
    TooManyStreams,
    /// An answer would have too many bytes.
    #[error("the answer has more than {0} bytes; ask for fewer keys at a time, with a limit")]
    AnswerTooLarge(usize),
    /// Something of etcd that does not exist here.
    #[error(
        "the embedded registry does not {0}; it is one process without a disk, use etcd for it"
    )]
    NotHere(&'static str),
}

impl RequestRefusal {
    /// The gRPC code that etcd gives this refusal, or would.
    fn code(&self) -> Code {
        match self {
            Self::Compacted | Self::FutureRevision | Self::TtlTooLarge => Code::OutOfRange,
            Self::LeaseNotFound => Code::NotFound,
            Self::LeaseExists => Code::FailedPrecondition,
            Self::NotHere(_) => Code::Unimplemented,
            Self::KeyTooLong
            | Self::StoreFull(_)
            | Self::TooManyKeys(_)
            | Self::TooManyLeases(_)
            | Self::TooManyStreams
            | Self::AnswerTooLarge(_) => Code::ResourceExhausted,
            Self::EmptyKey
            | Self::ValueProvided
            | Self::LeaseProvided
            | Self::KeyNotFound
            | Self::InvalidSort
            | Self::InvalidCompare
            | Self::DuplicateKey
            | Self::TooManyOps
            | Self::RequestTooLarge => Code::InvalidArgument,
        }
    }
}

impl From<RequestRefusal> for Status {
    fn from(refusal: RequestRefusal) -> Self {
        Self::new(refusal.code(), refusal.to_string())
    }
}
