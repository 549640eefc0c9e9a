#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| srvd_fuzz::old_request(octets));
