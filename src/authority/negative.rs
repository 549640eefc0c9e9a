//! Negative answers (RFC 2308, RFC 8020).

use hickory_proto::op::ResponseCode;

use super::{Answer, Lookup};

impl Lookup<'_> {
    /// A negative answer: no such name, or no such type. Its SOA is held no longer than
    /// both the record and its MINIMUM allow, so that a new instance is soon seen.
    pub(super) fn negative(&self, code: ResponseCode) -> Answer {
        let settings = self.settings();
        let ttl = settings.soa_ttl.min(settings.soa.minimum);
        let soa = self.start_of_authority(self.apex(), ttl);
        Answer { reason: self.reason, ..Answer::negative(code, soa) }
    }
}
