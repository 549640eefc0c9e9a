//! Zones of SkyDNS's schema.
//!
//! `cases.json` has what CoreDNS's `etcd` plugin answers: facts from its own tests and from
//! runs of its code. Each is asked here; where srvd differs, the difference stands in
//! `differences` with its reason.

mod aliases;
mod bounds;
mod cases;
mod differences;
mod paths;
mod properties;
mod reverse;
mod rules;
mod served;
pub(crate) mod zones;
