//! The labels of a name below an apex, the one next to the apex first: the order in which a
//! tree of names is walked.

use super::wire::put_label;
use super::{NAME_MAX, NameTooLong, WireName};

/// Labels below an apex in wire form, the nearest to the apex first, ASCII letters in lower
/// case, without the root. Names below another begin with its octets, and no others do. It
/// lives on the stack: looking up a question allocates nothing.
#[derive(Debug, Clone, Copy)]
pub struct Reversed {
    /// The labels with their length octets.
    octets: [u8; NAME_MAX],
    /// How many of `octets` are used.
    length: u8,
}

impl Reversed {
    /// The apex itself.
    #[must_use]
    pub const fn apex() -> Self {
        Self { octets: [0; NAME_MAX], length: 0 }
    }

    /// The first labels of a name, so many as stand below the apex.
    #[must_use]
    pub fn of(name: &WireName, below: usize) -> Self {
        let mut reversed = Self::apex();
        for at in (0..below).rev() {
            reversed.push(name.label(at)).expect("a part of a name is no longer than a name");
        }
        reversed
    }

    /// Adds a label below all others.
    ///
    /// # Errors
    /// [`NameTooLong`] when it is no label, or nothing has room for it.
    pub fn push(&mut self, label: &[u8]) -> Result<(), NameTooLong> {
        let end = put_label(&mut self.octets, usize::from(self.length), label)?;
        self.length = end as u8;
        Ok(())
    }

    /// The octets.
    #[must_use]
    pub fn as_octets(&self) -> &[u8] {
        &self.octets[..usize::from(self.length)]
    }
}

/// The labels of octets in the form of [`Reversed`], the nearest to the apex first.
pub fn labels(mut octets: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = octets.split_first()?;
        let (label, rest) = rest.split_at_checked(usize::from(*length))?;
        octets = rest;
        Some(label)
    })
}

/// How many octets the labels take that two of the form of [`Reversed`] begin with alike.
#[must_use]
pub fn common(one: &[u8], other: &[u8]) -> usize {
    let same = labels(one).zip(labels(other)).take_while(|(one, other)| one == other);
    same.map(|(label, _)| 1 + label.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reversed(text: &str) -> Reversed {
        let name = WireName::from_text(text).unwrap();
        Reversed::of(&name, name.labels())
    }

    #[test]
    fn names_below_another_begin_with_it() {
        assert_eq!(reversed("A.bc").as_octets(), b"\x02bc\x01a");
        assert_eq!(reversed(".").as_octets(), b"");
        assert_eq!(common(reversed("a.bc.d").as_octets(), reversed("x.bc.d").as_octets()), 5);
        assert_eq!(common(reversed("ab").as_octets(), reversed("ac").as_octets()), 0);
        assert!(Reversed::apex().push(b"").is_err() && Reversed::apex().push(&[b'a'; 64]).is_err());
        let mut longest = reversed(&vec!["a"; 126].join("."));
        assert!(longest.push(b"a").is_ok() && longest.push(b"a").is_err());
    }

    proptest! {
        #[test]
        fn labels_come_back_the_other_way_round(
            labels in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..20), 0..12),
        ) {
            if let Ok(name) = WireName::from_labels(labels.iter().map(Vec::as_slice)) {
                let reversed = Reversed::of(&name, name.labels());
                let mut back: Vec<_> = super::labels(reversed.as_octets()).collect();
                back.reverse();
                prop_assert!(back.into_iter().eq(name.iter()));
            }
        }

        #[test]
        fn any_octets_are_survived(one: Vec<u8>, other: Vec<u8>) {
            prop_assert!(common(&one, &other) <= one.len().min(other.len()));
        }
    }
}
