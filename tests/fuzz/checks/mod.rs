//! What must hold of any octets at all, one file for each way in.
//!
//! Every check is a function from octets to nothing that panics where something does not
//! hold. The fuzzer feeds it what it makes up (`tests/fuzz/run.sh`), and the suite what was
//! kept of that, so that neither a fuzzer nor a nightly compiler is needed to run it again.
//!
//! | check | octets are | what must hold |
//! | --- | --- | --- |
//! | `packet` | a datagram, perhaps behind a PROXY header | both paths: no panic, sound replies within their limits, of one meaning |
//! | `query` | choices from which a query with options is built | the same |
//! | `document` | the value of a registration | what is understood is answered, and its target too |
//! | `key` | puts and deletes of keys | an index after them is the index that a list makes |
//! | `old_request` | a request of etcd's v2 API, its form behind the first line | its node is a key that it is asked for by, within all bounds; or a fault of v2's numbers |
//! | `snapshot` | a snapshot without its sum | what is believed is what etcd could have said, and is written as it was read |
//! | `template` | a template's key and pointers, a key and a value | what it reads leads back to its key; it reads its own example |
//! | `zonefile` | a zone file | what is read is answered, and reads the same when it is written |

pub(crate) mod document;
pub(crate) mod key;
pub(crate) mod old_request;
pub(crate) mod packet;
mod paths;
pub(crate) mod query;
pub(crate) mod snapshot;
pub(crate) mod template;
pub(crate) mod zonefile;

/// A check.
pub(crate) type Check = fn(&[u8]);

/// Every check by the name of its fuzz target and of the folder of its kept inputs.
pub(crate) const CHECKS: [(&str, Check); 8] = [
    ("packet", packet::check),
    ("query", query::check),
    ("document", document::check),
    ("key", key::check),
    ("old_request", old_request::check),
    ("snapshot", snapshot::check),
    ("template", template::check),
    ("zonefile", zonefile::check),
];
