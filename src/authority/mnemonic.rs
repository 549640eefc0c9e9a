//! Mnemonics of record types.

use domain::base::iana::Rtype;

/// A type as it is written: by its mnemonic, else by its number (RFC 3597 section 5).
#[must_use]
pub fn mnemonic(kind: impl Into<u16>) -> String {
    Rtype::from_int(kind.into()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_mnemonics_or_numbers() {
        assert_eq!([33u16, 65, 65280].map(mnemonic), ["SRV", "HTTPS", "TYPE65280"]);
    }
}
