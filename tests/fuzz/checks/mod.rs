//! What must hold of any octets at all, one file for each way in.
//!
//! Every check is a function from octets to nothing that panics where something does not
//! hold. The fuzzer feeds it what it makes up (`tests/fuzz/run.sh`), and the suite what was
//! kept of that, so that neither a fuzzer nor a nightly compiler is needed to run it again.
//!
//! | check | octets are | what must hold |
//! | --- | --- | --- |
//! | `packet` | a datagram | both paths: no panic, sound replies within their limits, of one meaning |
//! | `query` | choices from which a query with options is built | the same |
//! | `document` | the value of a registration | what is understood is answered, and its target too |
//! | `key` | puts and deletes of keys | an index after them is the index that a list makes |
//! | `snapshot` | a snapshot without its sum | what is believed is what etcd could have said, and is written as it was read |
//! | `zonefile` | a zone file | what is read is answered, and reads the same when it is written |

pub(crate) mod document;
pub(crate) mod key;
pub(crate) mod packet;
mod paths;
pub(crate) mod query;
pub(crate) mod snapshot;
pub(crate) mod zonefile;

/// A check.
pub(crate) type Check = fn(&[u8]);

/// Every check by the name of its fuzz target and of the folder of its kept inputs.
pub(crate) const CHECKS: [(&str, Check); 6] = [
    ("packet", packet::check),
    ("query", query::check),
    ("document", document::check),
    ("key", key::check),
    ("snapshot", snapshot::check),
    ("zonefile", zonefile::check),
];
