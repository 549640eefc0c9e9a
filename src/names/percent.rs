//! Percent escapes (RFC 3986 section 2.1).

use std::borrow::Cow;

/// A text without its escapes; none where an escape is no two hex digits, or where the octets
/// are not UTF-8.
#[must_use]
pub fn percent_decoded(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first != b'%' {
            octets.push(*first);
            rest = tail;
            continue;
        }
        octets.push(octet(tail.get(..2)?)?);
        rest = &tail[2..];
    }
    String::from_utf8(octets).ok().map(Cow::Owned)
}

/// The octet of two hex digits.
fn octet(digits: &[u8]) -> Option<u8> {
    let digit = |octet: &u8| char::from(*octet).to_digit(16);
    let [high, low] = [digits.first()?, digits.get(1)?].map(digit);
    u8::try_from(high? * 16 + low?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_are_two_hex_digits() {
        for (text, decoded) in [
            ("a", Some("a")),
            ("a%2Fb%c3%A9", Some("a/b\u{e9}")),
            ("%", None),
            ("%2", None),
            ("%zz", None),
            ("%+1", None),
            ("%ff", None),
        ] {
            assert_eq!(percent_decoded(text).as_deref(), decoded, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in ".*%?[0-9a-f\\PC]{0,3}") {
            let _ = percent_decoded(&text);
        }
    }
}
