//! Percent escapes (RFC 3986 section 2.1).

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What stands in a path as it is (section 2.3: unreserved).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A text as one segment of a path, or one value of a query.
#[must_use]
pub fn percent_encoded(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// A text without its escapes; none where an escape is no two hex digits, or where the octets
/// are not UTF-8.
#[must_use]
pub fn percent_decoded(text: &str) -> Option<Cow<'_, str>> {
    let is_sound = bad_escape(text.as_bytes()).is_none();
    is_sound.then(|| percent_decode_str(text).decode_utf8().ok()).flatten()
}

/// The same of a name or value of a form, in which `+` is a space.
#[must_use]
pub fn form_decoded(text: &str) -> Option<String> {
    percent_decoded(&text.replace('+', " ")).map(Cow::into_owned)
}

/// The first escape that is no two hex digits.
#[must_use]
pub fn bad_escape(text: &[u8]) -> Option<Cow<'_, str>> {
    let starts = text.iter().enumerate().filter(|(_, octet)| **octet == b'%');
    let mut escapes = starts.map(|(at, _)| &text[at..text.len().min(at + 3)]);
    let is_bad =
        |escape: &&[u8]| escape.len() < 3 || !escape[1..].iter().all(u8::is_ascii_hexdigit);
    escapes.find(is_bad).map(String::from_utf8_lossy)
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
