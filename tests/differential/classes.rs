//! Why replies differ, where they may.

use hickory_proto::rr::RecordType;

use super::zones::Zone;
use super::{Case, Reply};

/// The class of a case, or how it differs.
///
/// # Errors
/// What differs without a class.
pub(super) fn of(case: &Case, zone: &Zone) -> Result<String, String> {
    let [own, nsd, knot] = &case.replies;
    let [from_nsd, from_knot] = [nsd, knot].map(|other| difference(own, other));
    match [from_nsd.is_empty(), from_knot.is_empty()] {
        [true, true] => return Ok("equal".to_owned()),
        [true, false] => return Ok(format!("equal to NSD; Knot differs in {from_knot:?}")),
        [false, true] => return Ok(format!("equal to Knot; NSD differs in {from_nsd:?}")),
        [false, false] => {}
    }
    let are =
        |is: fn(&Reply, &Reply, &Zone) -> bool| [nsd, knot].iter().all(|it| is(own, it, zone));
    if case.kind == RecordType::ANY && are(is_one_of) {
        Ok("ANY: one RRset of those that are there, each its own (RFC 8482 section 4.1)".to_owned())
    } else if are(lacks_wildcard_glue) {
        Ok("referral: addresses that a wildcard gives a name server are no glue, and optional \
            (RFC 1034 section 4.3.2, step 6)"
            .to_owned())
    } else {
        Err(format!("NSD: {from_nsd:?}, Knot: {from_knot:?}"))
    }
}

/// Whether a reply lacks nothing but addresses of names that no record has in the zone file.
fn lacks_wildcard_glue(own: &Reply, other: &Reply, zone: &Zone) -> bool {
    let owner = |record: &String| record.split(". ").next().unwrap_or_default().to_owned();
    let lacking = || other.additional.difference(&own.additional);
    difference(own, other).iter().all(|part| *part == "additional")
        && own.additional.is_subset(&other.additional)
        && lacking().all(|record| !zone.has(&owner(record)))
}

/// Whether both are positive answers, and differ in nothing else than what they hold.
fn is_one_of(own: &Reply, other: &Reply, _: &Zone) -> bool {
    let differs = difference(own, other);
    let is_part = |it: &&str| matches!(*it, "answer" | "additional" | "authority");
    !own.answer.is_empty() && !other.answer.is_empty() && differs.iter().all(is_part)
}

/// Which parts differ.
fn difference(one: &Reply, other: &Reply) -> Vec<&'static str> {
    let parts = [
        ("code", one.code != other.code),
        ("AA", one.is_authoritative != other.is_authoritative),
        ("TC", one.is_truncated != other.is_truncated),
        ("answer", one.answer != other.answer),
        ("authority", one.authority != other.authority),
        ("additional", one.additional != other.additional),
    ];
    parts.into_iter().filter(|(_, differs)| *differs).map(|(part, _)| part).collect()
}
