//! The answer: sections, code, and what is said beside it.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, RData, RecordType};

/// The least octets of a record before its data: a pointer to its owner, type, class, TTL
/// and length (RFC 1035 section 4.1.3).
pub(super) const FIXED: usize = 2 + 10;

/// An answer, in units that are carried whole or not at all.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The response code.
    pub code: ResponseCode,
    /// Whether the zone is ours, and known (AA).
    pub authoritative: bool,
    /// What an extended error says beside the code (RFC 8914).
    pub reason: Option<Reason>,
    /// Whether the answers are larger than the room, so that only some are given, or none.
    pub truncated: bool,
    /// What was asked for: one RRset, or before it the aliases that lead there, in order;
    /// none when there is nothing.
    pub answers: Vec<RrSet>,
    /// The SOA of a negative answer, or the name servers of a referral.
    pub authority: Option<RrSet>,
    /// Addresses of the targets, in the order of the answers: as many RRsets as can fit.
    pub additional: Vec<RrSet>,
    /// Whether it was made of the node's own service and of settings alone, so that it
    /// stays what it is for as long as these do.
    pub is_own: bool,
    /// Whether all of the additional section must be there: the glue of a referral (RFC
    /// 9471 section 3).
    pub needs_glue: bool,
    /// Where the last alias leads, if that is in no zone of ours.
    pub leaves: Option<Name>,
}

/// Records of one owner and type.
#[derive(Debug, Clone, PartialEq)]
pub struct RrSet {
    /// Whose records they are.
    pub owner: Name,
    /// Their type.
    pub kind: RecordType,
    /// Their one TTL (RFC 2181 section 5.2), in seconds.
    pub ttl: u32,
    /// The data, in the order they are to be sent.
    pub data: Vec<RData>,
    /// The rank of each record, if their order was drawn; else none at all.
    pub ranks: Vec<Rank>,
    /// Whether records were left out, since there is no room for all.
    pub is_cut: bool,
}

/// The rank that an order is drawn by: a priority, of which the lowest comes first, and a weight
/// (RFC 2782).
pub type Rank = (u16, u64);

/// An extended error: why an answer is what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The registry has been silent for too long.
    Stale,
    /// The zone has not been listed yet.
    NotReady,
    /// What was said is not passed on.
    Blocked,
    /// This is offered to nobody.
    Prohibited,
    /// As [`Self::Stale`], where the name does not exist.
    StaleNxDomain,
    /// The name is in no zone of ours.
    NotAuthoritative,
    /// No other server had an answer a moment ago.
    CachedError,
    /// No other server can be reached.
    NoReachableAuthority,
    /// Other servers cannot be talked to, or not be understood.
    NetworkError,
}

impl Reason {
    /// The INFO-CODE (RFC 8914 section 5.2).
    #[must_use]
    pub const fn info_code(self) -> u16 {
        match self {
            Self::Stale => 3,
            Self::CachedError => 13,
            Self::NotReady => 14,
            Self::Blocked => 15,
            Self::Prohibited => 18,
            Self::StaleNxDomain => 19,
            Self::NotAuthoritative => 20,
            Self::NoReachableAuthority => 22,
            Self::NetworkError => 23,
        }
    }
}

impl Answer {
    /// An answer without data, from nobody's zone.
    pub(crate) const fn error(code: ResponseCode, reason: Option<Reason>) -> Self {
        Self {
            code,
            authoritative: false,
            reason,
            truncated: false,
            answers: Vec::new(),
            authority: None,
            additional: Vec::new(),
            is_own: true,
            needs_glue: false,
            leaves: None,
        }
    }

    /// An answer that others gave, or nobody; nothing in it yet.
    #[must_use]
    pub fn foreign(code: ResponseCode, reason: Option<Reason>) -> Self {
        Self { is_own: false, ..Self::error(code, reason) }
    }

    /// An answer from a zone of ours, nothing in it yet.
    pub(super) fn own(code: ResponseCode) -> Self {
        Self { authoritative: true, ..Self::error(code, None) }
    }

    /// What was asked for.
    pub(super) fn positive(answers: RrSet) -> Self {
        Self { answers: vec![answers], ..Self::own(ResponseCode::NoError) }
    }

    /// There are answers, but they do not fit.
    pub(super) fn truncated() -> Self {
        Self { truncated: true, ..Self::own(ResponseCode::NoError) }
    }

    /// There is nothing, as the SOA testifies.
    pub(super) fn negative(code: ResponseCode, soa: RrSet) -> Self {
        Self { authority: Some(soa), ..Self::own(code) }
    }
}

/// The least octets that so many records of an RRset take.
pub(super) fn least_octets(set: &RrSet, most: usize) -> usize {
    let mut octets: Vec<_> = set.data.iter().map(|data| FIXED + data_octets(data)).collect();
    octets.sort_unstable();
    octets.iter().take(most).sum()
}

/// The least octets that a record's data takes, where it is of a kind that points to
/// names; SRV targets are never compressed (RFC 2782).
pub(super) fn data_octets(data: &RData) -> usize {
    match data {
        RData::SRV(srv) => 6 + srv.target.len() + 1,
        RData::A(_) => 4,
        RData::AAAA(_) => 16,
        RData::TXT(txt) => txt.txt_data.iter().map(|string| 1 + string.len()).sum(),
        _ => 2,
    }
}
