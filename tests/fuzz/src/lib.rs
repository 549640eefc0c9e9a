//! The fuzz targets of srvd: a package of its own, so that its main build needs no fuzzer.
//! The checks are those that the tests of srvd run on what was kept of fuzzing.
#![allow(dead_code, clippy::unwrap_used, reason = "what the tests use, and how they are written")]

#[path = "../checks/mod.rs"]
mod checks;
#[path = "../../fixture/mod.rs"]
mod fixture;

/// Runs a check of `checks::CHECKS`.
macro_rules! targets {
    ($($check:ident),*) => {
        $(
            #[doc = concat!("Checks octets by `", stringify!($check), "`.")]
            pub fn $check(octets: &[u8]) {
                checks::$check::check(octets);
            }
        )*
    };
}

targets!(packet, query, document, key, old_request, snapshot, template, zonefile);
