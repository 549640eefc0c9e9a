//! The nearest name: the one that is most like what was written.

/// Mistakes that are forgiven: one in every so many characters.
const CHARACTERS_A_MISTAKE: usize = 3;

/// The candidate that a text was most likely meant to be: with few letters missing, added,
/// changed or swapped, or one that begins with it. None is like it, if there is none.
pub fn nearest<'c>(text: &[u8], candidates: impl Iterator<Item = &'c [u8]>) -> Option<&'c [u8]> {
    let most = (text.len() / CHARACTERS_A_MISTAKE).max(1);
    let mut best: Option<(usize, &[u8])> = None;
    for candidate in candidates {
        let is_start = text.len() >= CHARACTERS_A_MISTAKE && candidate.starts_with(text);
        let limit = best.map_or(most, |(mistakes, _)| mistakes);
        let found = if is_start { Some(most) } else { mistakes(text, candidate, limit) };
        best = best.into_iter().chain(found.map(|found| (found, candidate))).min();
    }
    best.map(|(_, candidate)| candidate)
}

/// How many letters are to be added, left out, changed or swapped with their neighbours to
/// make one text of another; none if that is more than a limit.
fn mistakes(one: &[u8], other: &[u8], limit: usize) -> Option<usize> {
    if one.len().abs_diff(other.len()) > limit {
        return None;
    }
    let first: Vec<usize> = (0..=other.len()).collect();
    let mut rows = [first.clone(), first.clone(), first];
    for (row, letter) in one.iter().enumerate() {
        rows.rotate_left(1);
        let [before, last, next] = &mut rows;
        next[0] = row + 1;
        for (column, counterpart) in other.iter().enumerate() {
            let changed = last[column] + usize::from(letter != counterpart);
            let mut least = changed.min(last[column + 1] + 1).min(next[column] + 1);
            let are_swapped = row > 0
                && column > 0
                && letter == &other[column - 1]
                && counterpart == &one[row - 1];
            if are_swapped {
                least = least.min(before[column - 1] + 1);
            }
            next[column + 1] = least;
        }
    }
    rows[2].last().copied().filter(|count| *count <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_counted() {
        let count = |one: &str, other: &str| mistakes(one.as_bytes(), other.as_bytes(), 9);
        for (one, other, mistakes) in [
            ("web", "web", 0),
            ("web", "wbe", 1),
            ("web", "wb", 1),
            ("web", "webs", 1),
            ("web", "wab", 1),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!((count(one, other), count(other, one)), (Some(mistakes), Some(mistakes)));
        }
        assert_eq!(mistakes(b"kitten", b"sitting", 2), None);
    }

    #[test]
    fn the_most_alike_is_found() {
        let all = ["web", "webhooks", "my-service", "db"];
        let near = |text: &str| {
            let found = nearest(text.as_bytes(), all.iter().map(|it| it.as_bytes()))?;
            Some(std::str::from_utf8(found).unwrap())
        };
        assert_eq!(near("wbe"), Some("web"));
        assert_eq!(near("webh"), Some("web"));
        assert_eq!(near("webho"), Some("webhooks"));
        assert_eq!(near("my-servise"), Some("my-service"));
        assert_eq!(near("dc"), Some("db"));
        assert_eq!(near("entirely-other"), None);
        assert_eq!(near(""), None);
    }
}
