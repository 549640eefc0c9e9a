//! Counters of HTTP: requests by the status that they were answered with.

use std::sync::atomic::{AtomicU64, Ordering};

use hyper::StatusCode;

/// The statuses of DNS over HTTPS; a request that hyper refuses itself, for a head that is none or
/// too large, never comes this far.
const STATUSES: [StatusCode; 8] = [
    StatusCode::OK,
    StatusCode::BAD_REQUEST,
    StatusCode::NOT_FOUND,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::REQUEST_TIMEOUT,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    StatusCode::SERVICE_UNAVAILABLE,
];

/// The numbers of requests.
#[derive(Debug, Default)]
pub(in crate::wire) struct HttpCounters([AtomicU64; STATUSES.len()]);

/// The numbers of requests by status, as they were when they were read.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct HttpCounts([u64; STATUSES.len()]);

impl HttpCounters {
    /// A request was answered with a status.
    pub(in crate::wire) fn answer(&self, status: StatusCode) {
        if let Some(place) = STATUSES.iter().position(|it| *it == status) {
            self.0[place].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The numbers.
    pub(super) fn counts(&self) -> HttpCounts {
        HttpCounts(std::array::from_fn(|place| self.0[place].load(Ordering::Relaxed)))
    }
}

impl HttpCounts {
    /// Requests by status, as a word.
    #[must_use]
    pub fn by_status(&self) -> [(&str, u64); STATUSES.len()] {
        std::array::from_fn(|place| (STATUSES[place].as_str(), self.0[place]))
    }
}
