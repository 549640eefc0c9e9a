//! The `srvd` binary.
fn main() {}
