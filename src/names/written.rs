//! Names and octets as zone files write them (RFC 1035 section 5.1), so that what is printed
//! can be asked, or put into a file, as it stands. hickory writes octets in octal, which no
//! reader takes.

use std::fmt::{self, Write};

/// Labels as they are written: each with a dot behind it, the root as a dot alone.
#[must_use]
pub fn written<'l>(labels: impl IntoIterator<Item = &'l [u8]>) -> String {
    let mut text = String::new();
    for label in labels {
        // A string takes all that is written.
        let _ = write_label(label, &mut text).and_then(|()| text.write_char('.'));
    }
    if text.is_empty() { ".".to_owned() } else { text }
}

/// A label as it is written.
#[must_use]
pub fn written_label(label: &[u8]) -> String {
    let mut text = String::with_capacity(label.len());
    // A string takes all that is written.
    let _ = write_label(label, &mut text);
    text
}

/// A character string (RFC 1035 section 3.3) as it is written: in quotes.
#[must_use]
pub fn quoted(string: &[u8]) -> String {
    let mut text = "\"".to_owned();
    for octet in string {
        // A string takes all that is written.
        let _ = match octet {
            b'"' => text.write_str("\\\""),
            b' ' => text.write_char(' '),
            _ => write_octet(*octet, &mut text),
        };
    }
    text + "\""
}

/// Writes a label. What means something in a zone file stands behind a backslash.
pub(super) fn write_label(label: &[u8], to: &mut impl Write) -> fmt::Result {
    label.iter().try_for_each(|octet| match octet {
        b'.' | b'"' | b';' | b'(' | b')' | b'@' | b'$' => write!(to, "\\{}", char::from(*octet)),
        _ => write_octet(*octet, to),
    })
}

/// Writes an octet: what is no ASCII that can be seen by its number, in decimal.
fn write_octet(octet: u8, to: &mut impl Write) -> fmt::Result {
    match octet {
        b'\\' => to.write_str("\\\\"),
        b'!'..=b'~' => to.write_char(char::from(octet)),
        _ => write!(to, "\\{octet:03}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn octets_are_written_in_decimal() {
        assert_eq!(written([&b"my id"[..], b"_web", b"a.b"]), "my\\032id._web.a\\.b.");
        assert_eq!(written([&b"\x1b\xe9;@$()\"\\"[..]]), "\\027\\233\\;\\@\\$\\(\\)\\\"\\\\.");
        assert_eq!(written([]), ".");
        assert_eq!(quoted(b"a b;\"\\\n"), "\"a b;\\\"\\\\\\010\"");
    }

    proptest! {
        /// Another reader than ours: the one of zone files.
        #[test]
        fn what_is_written_is_read_again(
            labels in proptest::collection::vec(proptest::collection::vec(0u8.., 1..20), 0..10),
        ) {
            let text = written(labels.iter().map(Vec::as_slice));
            let read: domain::base::Name<Vec<u8>> = text.parse().unwrap();
            let read = read.iter().filter(|it| !it.is_root()).map(|it| it.as_slice().to_vec());
            prop_assert_eq!(read.collect::<Vec<_>>(), labels);
        }
    }
}
