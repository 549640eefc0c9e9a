//! Free pairs of a document.

use std::collections::BTreeMap;

/// Pairs by their keys, in order, each key once. They are read and never changed, so they stand
/// side by side: a tree would take some 400 octets for the first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Meta(Box<[(Box<str>, Box<str>)]>);

impl Meta {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The pairs, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }
}

impl FromIterator<(Box<str>, Box<str>)> for Meta {
    /// Of two pairs with one key the last counts.
    fn from_iter<I: IntoIterator<Item = (Box<str>, Box<str>)>>(pairs: I) -> Self {
        let by_key: BTreeMap<_, _> = pairs.into_iter().collect();
        Self(by_key.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_stand_in_order_and_the_last_of_a_key_counts() {
        let pairs = [("b", "1"), ("a", "2"), ("b", "3")];
        let meta: Meta = pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        assert_eq!(meta.iter().collect::<Vec<_>>(), [("a", "2"), ("b", "3")]);
        assert!(meta.len() == 2 && !meta.is_empty() && Meta::default().is_empty());
    }
}
