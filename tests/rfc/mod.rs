//! The rules of the RFCs, as files a person can read: registrations, then questions with
//! the sentence of the RFC above and the answer below. `UPDATE_GOLDEN=1` writes answers
//! anew; what it changes must be read.
//!
//! | line | means |
//! | --- | --- |
//! | `# …` | a comment |
//! | `zone APEX` | a zone: SOA TTL 3600, MINIMUM 5, TTL 5; all zones come first |
//! | `static APEX` | a zone that is its file alone |
//! | `reverse APEX` | a reverse zone |
//! | `limit N` | answers of the zone before it have so many records at most |
//! | `served ADDRESS…` | where this server is, as all zones before it tell |
//! | `record LINE` | a line of the file of the zone before it; the TTL is 3600 |
//! | `in APEX` | what follows concerns this zone |
//! | `list REVISION` | a complete list, up to a revision |
//! | `put NAME/ID VALUE`, `delete NAME/ID` | a registration comes or goes; `\DDD` in the key is an octet |
//! | `stale yes`, `stale no` | the registry is silent, or is heard again |
//! | `expired yes`, `expired no` | it is silent for longer than old answers are wanted, or not |
//! | `? NAME TYPE [CLASS] [room=OCTETS] [tcp]` | a question |
//! | two spaces, then anything | its answer, the records of an RRset sorted |

mod golden;

/// Every file is one test, named for what it holds.
macro_rules! golden {
    ($($name:ident)*) => {
        $(#[test] fn $name() { golden::check(stringify!($name)); })*
        /// The files that have a test.
        const FILES: &[&str] = &[$(stringify!($name)),*];
    };
}

golden! {
    aliases
    rfc1034_s3_aliases
    rfc1034_s4_delegations
    rfc1034_s4_zones_and_names
    rfc1982_serial
    rfc2181_s5_rrsets
    rfc2308_negative
    rfc2782_srv
    rfc4343_case
    rfc4592_wildcards
    rfc6672_dname
    rfc6763_dns_sd
    rfc6895_s3_meta_types
    rfc8020_nothing_below
    rfc8482_any
    rfc8914_reasons
    max_answers
    name_servers
    names_of_the_contract
    reverse
    several_endpoints
    spellings
    static_beside_dynamic
    tags_and_versions
    txt
}

#[test]
fn every_file_has_a_test() {
    let mut files: Vec<_> = std::fs::read_dir("tests/rfc")
        .unwrap()
        .filter_map(|entry| {
            Some(entry.ok()?.file_name().to_str()?.strip_suffix(".txt")?.to_owned())
        })
        .collect();
    files.sort();
    let mut tests: Vec<_> = FILES.iter().map(|name| (*name).to_owned()).collect();
    tests.sort();
    assert_eq!(files, tests);
}
