//! A domain name in lower-cased wire form: what zones and questions are compared by.

use std::fmt;

use super::{LABEL_MAX, NAME_MAX};

/// The most labels a name of 255 octets can have.
const LABELS_MAX: usize = NAME_MAX / 2;

/// The name has an empty or too long label, or is longer than 255 octets on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a domain name has labels of 1 to 63 octets and 255 octets in all")]
pub struct NameTooLong;

/// A name in wire form (RFC 1035 section 3.1, uncompressed), ASCII letters in lower case
/// (RFC 4343), with the offset of every label, so that each suffix is a slice. It lives
/// on the stack: looking up a question allocates nothing.
#[derive(Clone, Copy)]
pub struct WireName {
    /// The labels with their length octets, and the root's zero.
    octets: [u8; NAME_MAX],
    /// How many of `octets` are used.
    length: u8,
    /// Where each label's length octet stands.
    offsets: [u8; LABELS_MAX],
    /// How many labels there are, the root not counted.
    labels: u8,
}

impl WireName {
    /// The root.
    #[must_use]
    pub const fn root() -> Self {
        Self { octets: [0; NAME_MAX], length: 1, offsets: [0; LABELS_MAX], labels: 0 }
    }

    /// A name from its labels, leftmost first, in any case.
    ///
    /// # Errors
    /// [`NameTooLong`] when a label or the whole breaks the limits of RFC 1035.
    pub fn from_labels<'a>(
        labels: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, NameTooLong> {
        let mut name = Self::root();
        for label in labels {
            name.push(label)?;
        }
        Ok(name)
    }

    /// A name from its text without escapes, with or without the last dot; `.` and the
    /// empty text are the root.
    ///
    /// # Errors
    /// [`NameTooLong`] as [`Self::from_labels`].
    pub fn from_text(text: &str) -> Result<Self, NameTooLong> {
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.is_empty() {
            return Ok(Self::root());
        }
        Self::from_labels(text.split('.').map(str::as_bytes))
    }

    /// Puts one more label before the root.
    fn push(&mut self, label: &[u8]) -> Result<(), NameTooLong> {
        let start = usize::from(self.length) - 1;
        let end = start + 1 + label.len();
        if label.is_empty() || label.len() > LABEL_MAX || end >= NAME_MAX {
            return Err(NameTooLong);
        }
        self.octets[start] = label.len() as u8;
        self.octets[start + 1..end].copy_from_slice(label);
        self.octets[start + 1..end].make_ascii_lowercase();
        self.octets[end] = 0;
        self.offsets[usize::from(self.labels)] = start as u8;
        self.labels += 1;
        self.length = (end + 1) as u8;
        Ok(())
    }

    /// How many labels the name has, the root not counted.
    #[must_use]
    pub const fn labels(&self) -> usize {
        self.labels as usize
    }

    /// The label at a place, counted from the left, in lower case.
    ///
    /// # Panics
    /// When there is no such label.
    #[must_use]
    pub fn label(&self, at: usize) -> &[u8] {
        assert!(at < self.labels(), "label {at} of a name that has {}", self.labels);
        let start = usize::from(self.offsets[at]);
        &self.octets[start + 1..start + 1 + usize::from(self.octets[start])]
    }

    /// The wire form of the name without its leftmost `skipped` labels.
    #[must_use]
    pub fn suffix(&self, skipped: usize) -> &[u8] {
        let length = usize::from(self.length);
        let start =
            if skipped < self.labels() { usize::from(self.offsets[skipped]) } else { length - 1 };
        &self.octets[start..length]
    }

    /// The whole name in wire form.
    #[must_use]
    pub fn as_wire(&self) -> &[u8] {
        self.suffix(0)
    }
}

impl PartialEq for WireName {
    fn eq(&self, other: &Self) -> bool {
        self.as_wire() == other.as_wire()
    }
}

impl Eq for WireName {}

impl fmt::Display for WireName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for at in 0..self.labels() {
            write!(formatter, "{}.", self.label(at).escape_ascii())?;
        }
        if self.labels == 0 { formatter.write_str(".") } else { Ok(()) }
    }
}

impl fmt::Debug for WireName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "WireName({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn suffixes_are_slices_of_the_wire_form() {
        let name = WireName::from_text("_Http._TCP.Services.internal").unwrap();
        assert_eq!(name.labels(), 4);
        assert_eq!(name.label(0), b"_http");
        assert_eq!(name.suffix(2), b"\x08services\x08internal\0");
        assert_eq!(name.suffix(4), b"\0");
        assert_eq!(name.to_string(), "_http._tcp.services.internal.");
        assert_eq!(WireName::from_text(".").unwrap(), WireName::root());
    }

    #[test]
    fn limits_of_rfc1035_hold() {
        assert!(WireName::from_text(&"a".repeat(64)).is_err());
        assert!(WireName::from_text("a..b").is_err());
        let longest = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61)].join(".");
        assert_eq!(WireName::from_text(&longest).unwrap().as_wire().len(), NAME_MAX);
        assert!(WireName::from_text(&format!("{longest}d")).is_err());
        let most = vec!["a"; 127].join(".");
        assert_eq!(WireName::from_text(&most).unwrap().labels(), 127);
        assert!(WireName::from_text(&format!("{most}.a")).is_err());
    }

    proptest! {
        #[test]
        fn any_labels_are_survived(labels: Vec<Vec<u8>>) {
            if let Ok(name) = WireName::from_labels(labels.iter().map(Vec::as_slice)) {
                prop_assert_eq!(name.labels(), labels.len());
            }
        }
    }
}
