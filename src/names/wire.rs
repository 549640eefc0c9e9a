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

/// Which octets the label form has: a look-up, since it is asked of each name that does not exist.
const IN_LABEL_FORM: [bool; 256] = {
    let (mut table, mut octet) = ([false; 256], 0);
    while octet < table.len() {
        table[octet] = (octet as u8).is_ascii_alphanumeric() || octet as u8 == b'-';
        octet += 1;
    }
    table
};

impl WireName {
    /// The name with its first labels, so many, in label form, as names of services, ids and
    /// tags are answered; a leading `_` stays, and so does the id that DNS-SD has as it is,
    /// before a `_`. Nothing where that changes nothing.
    #[must_use]
    pub fn in_label_form(&self, first: usize) -> Option<Self> {
        let is_raw = |at: usize| {
            at == 0
                && first > 1
                && self.label(1).starts_with(b"_")
                && !self.label(0).starts_with(b"_")
        };
        let word = |at: usize| self.label(at).strip_prefix(b"_").unwrap_or(self.label(at));
        let is_foreign = |octet: &u8| !IN_LABEL_FORM[usize::from(*octet)];
        (0..first).find(|at| word(*at).iter().any(is_foreign) && !is_raw(*at))?;
        let mut name = Self::root();
        for at in 0..self.labels() {
            let text = std::str::from_utf8(word(at)).ok().filter(|_| at < first && !is_raw(at));
            let Some(text) = text else {
                name.push(self.label(at)).ok()?;
                continue;
            };
            let lead = if self.label(at).starts_with(b"_") { &b"_"[..] } else { b"" };
            let label: Vec<u8> = lead.iter().copied().chain(super::folded(text)).collect();
            name.push(&label).ok()?;
        }
        Some(name)
    }

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

    /// Reads the name that octets begin with, which must not point elsewhere, in the place
    /// of this one. Gives how many octets it takes; none where there is no such name, and
    /// this one is then the root.
    pub fn read(&mut self, octets: &[u8]) -> Option<usize> {
        (self.labels, self.length, self.octets[0]) = (0, 1, 0);
        let (mut at, mut labels) = (0, 0);
        loop {
            let length = usize::from(*octets.get(at)?);
            if length == 0 {
                break;
            }
            // The root's octet must still fit.
            if length > LABEL_MAX || at + length + 2 > NAME_MAX {
                return None;
            }
            self.offsets[labels] = at as u8;
            labels += 1;
            at += 1 + length;
        }
        let name = &mut self.octets[..=at];
        name.copy_from_slice(octets.get(..=at)?);
        // No length of a label is a letter's code.
        name.make_ascii_lowercase();
        (self.labels, self.length) = (labels as u8, at as u8 + 1);
        Some(at + 1)
    }

    /// Puts one more label before the root.
    pub(super) fn push(&mut self, label: &[u8]) -> Result<(), NameTooLong> {
        let start = usize::from(self.length) - 1;
        let end = put_label(&mut self.octets, start, label)?;
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
        &self.octets[self.offset(skipped)..usize::from(self.length)]
    }

    /// The name without its leftmost `skipped` labels.
    #[must_use]
    pub fn above(&self, skipped: usize) -> Self {
        let mut name = Self::root();
        let read = name.read(self.suffix(skipped));
        debug_assert!(read.is_some(), "a suffix of a name is a name");
        name
    }

    /// Where in the wire form the name without its leftmost `skipped` labels begins.
    #[must_use]
    pub fn offset(&self, skipped: usize) -> usize {
        let root = usize::from(self.length) - 1;
        if skipped < self.labels() { usize::from(self.offsets[skipped]) } else { root }
    }

    /// The labels from the left, in lower case.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.labels()).map(|at| self.label(at))
    }

    /// The whole name in wire form.
    #[must_use]
    pub fn as_wire(&self) -> &[u8] {
        self.suffix(0)
    }
}

/// Writes a label in lower case with its length before it, and gives where it ends. The root's
/// octet still fits behind it.
///
/// # Errors
/// [`NameTooLong`] when it is no label, or there is no room for it.
pub(super) fn put_label(
    octets: &mut [u8; NAME_MAX],
    start: usize,
    label: &[u8],
) -> Result<usize, NameTooLong> {
    let end = start + 1 + label.len();
    if label.is_empty() || label.len() > LABEL_MAX || end >= NAME_MAX {
        return Err(NameTooLong);
    }
    octets[start] = label.len() as u8;
    octets[start + 1..end].copy_from_slice(label);
    octets[start + 1..end].make_ascii_lowercase();
    Ok(end)
}

impl PartialEq for WireName {
    fn eq(&self, other: &Self) -> bool {
        self.as_wire() == other.as_wire()
    }
}

impl Eq for WireName {}

impl fmt::Display for WireName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for label in self.iter() {
            super::written::write_label(label, formatter)?;
            formatter.write_str(".")?;
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
    fn labels_are_brought_into_label_form() {
        let form = |text: &str, first: usize| {
            let name = WireName::from_labels(text.split('.').map(str::as_bytes)).unwrap();
            name.in_label_form(first).map(|it| it.to_string().trim_end_matches('.').to_owned())
        };
        for (asked, first, expected) in [
            ("my_web.z_z", 1, Some("my-web.z_z")),
            ("_my_web._tcp.z", 2, Some("_my-web._tcp.z")),
            ("a b.caf\u{e9}.z", 2, Some("a-b.caf-.z")),
            // The id is left as it is.
            ("my id._my_web._tcp.z", 3, Some(r"my\032id._my-web._tcp.z")),
            ("my-web._tcp.z", 2, None),
            ("_http._tcp.v1 2.my_web.z", 4, Some("_http._tcp.v1-2.my-web.z")),
            ("z_z", 0, None),
        ] {
            assert_eq!(form(asked, first).as_deref(), expected, "{asked}");
        }
    }

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
        /// Octets read as a name say what its labels say, and no more octets are read.
        #[test]
        fn a_name_is_read_as_it_was_written(
            labels in proptest::collection::vec(proptest::collection::vec(0u8.., 1..20), 0..20),
            rest: Vec<u8>,
        ) {
            let built = WireName::from_labels(labels.iter().map(Vec::as_slice));
            let mut octets: Vec<u8> = labels
                .iter()
                .flat_map(|label| std::iter::once(label.len() as u8).chain(label.iter().copied()))
                .collect();
            octets.push(0);
            let length = octets.len();
            octets.extend(rest);
            let mut name = WireName::from_text("another.name").unwrap();
            let used = name.read(&octets);
            prop_assert_eq!(used, built.is_ok().then_some(length));
            if let Ok(built) = built {
                prop_assert_eq!(name, built);
                prop_assert_eq!(name.iter().count(), labels.len());
            }
            prop_assert_eq!(name.read(&octets[..length - 1]), None);
        }

        #[test]
        fn any_octets_are_survived(octets: Vec<u8>) {
            let mut name = WireName::root();
            prop_assert!(name.read(&octets).is_none_or(|used| used <= octets.len()));
        }

        #[test]
        fn any_labels_are_survived(labels: Vec<Vec<u8>>) {
            if let Ok(name) = WireName::from_labels(labels.iter().map(Vec::as_slice)) {
                prop_assert_eq!(name.labels(), labels.len());
            }
        }
    }
}
