//! `resolver.arpa.`: what a client that knows a resolver's address alone asks of it, to go on
//! encrypted (DDR, RFC 9462). Nobody else is asked below it (section 6.1): what they said would be
//! of them.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::SOA;
use hickory_proto::rr::{Name, RData, RecordType};

use crate::authority::{Answer, RrSet};
use crate::forward::Asked;
use crate::wire::Policy;

/// The labels of the zone.
const ZONE: [&[u8]; 2] = [b"resolver", b"arpa"];
/// The label below it where designations stand.
const DESIGNATED: &[u8] = b"_dns";
/// How long what is said here may be kept, in seconds: a certificate or a listener may change.
const TTL: u32 = 300;

/// The answer to a question below `resolver.arpa.`; none to any other.
pub(super) fn designated(policy: &Policy, asked: &Asked) -> Option<Answer> {
    let labels: Vec<_> = asked.name.iter().collect();
    let below = labels.len().checked_sub(ZONE.len())?;
    let is_meant = |at: usize, label: &[u8]| labels[at].eq_ignore_ascii_case(label);
    if !(is_meant(below, ZONE[0]) && is_meant(below + 1, ZONE[1])) {
        return None;
    }
    let is_here = below == 1 && is_meant(0, DESIGNATED);
    let data = policy.designations.to_vec();
    let is_asked = matches!(asked.kind, RecordType::SVCB | RecordType::ANY) && !data.is_empty();
    let nothing = Answer::foreign(ResponseCode::NoError, None);
    Some(if is_here && is_asked {
        let set = RrSet::plain(asked.name.clone(), RecordType::SVCB, TTL, data);
        Answer { answers: vec![set], ..nothing }
    } else {
        // RFC 9462 section 6.4: every other name is there, without data.
        Answer { authority: start_of_authority(), ..nothing }
    })
}

/// What zones that are served locally have (RFC 6303 section 3).
fn start_of_authority() -> Option<RrSet> {
    let zone = Name::from_labels(ZONE).ok()?;
    let contact = Name::from_ascii("nobody.invalid.").ok()?;
    let soa = SOA::new(zone.clone(), contact, 1, 3600, 1200, 604_800, TTL);
    Some(RrSet::plain(zone, RecordType::SOA, TTL, vec![RData::SOA(soa)]))
}

#[cfg(test)]
mod tests {
    use hickory_proto::rr::rdata::SVCB;

    use super::*;

    /// What is said of a name: how many answers, and whether there is an SOA record.
    fn said(policy: &Policy, name: &str, kind: RecordType) -> Option<(usize, bool)> {
        let name = Name::from_ascii(name).unwrap();
        let answer = designated(policy, &Asked { name, kind, checking_disabled: false })?;
        assert_eq!(answer.code, ResponseCode::NoError);
        Some((answer.answers.len(), answer.authority.is_some()))
    }

    #[test]
    fn rfc9462_s6_names_below_resolver_arpa_are_answered_here() {
        let record = RData::SVCB(SVCB::new(1, Name::root(), Vec::new()));
        let designations = [record].into();
        let [none, some] = [Policy::default(), Policy { designations, ..Policy::default() }];
        let (svcb, nothing) = (RecordType::SVCB, Some((0, true)));
        for name in ["_dns.resolver.arpa.", "_DNS.Resolver.ARPA."] {
            assert_eq!(said(&some, name, svcb), Some((1, false)), "{name}");
            assert_eq!(said(&none, name, svcb), nothing, "{name}");
            assert_eq!(said(&some, name, RecordType::A), nothing, "{name}");
        }
        for name in ["resolver.arpa.", "x.resolver.arpa.", "x._dns.resolver.arpa."] {
            assert_eq!(said(&some, name, svcb), nothing, "{name}");
        }
        for name in [".", "arpa.", "xresolver.arpa.", "_dns.resolver.arpa.example."] {
            assert_eq!(said(&some, name, svcb), None, "{name}");
        }
    }
}
