//! Groups: of entries that are answered together, those of one.

use crate::names::reversed::labels;
use crate::registry::skydns::Entry;

/// The entries of one group: the one that the shortest paths name. Those of no group are of
/// every. Where the shortest paths name none, or several, all entries are answered.
pub(super) fn of_one_group(entries: Vec<&Entry>) -> Vec<&Entry> {
    if entries.iter().all(|entry| entry.value.group.is_none()) {
        return entries;
    }
    let depth = |entry: &Entry| labels(&entry.path).count();
    let least = entries.iter().map(|entry| depth(entry)).min();
    let shortest = entries.iter().filter(|entry| Some(depth(entry)) == least);
    let mut groups: Vec<_> = shortest.filter_map(|entry| entry.value.group.as_deref()).collect();
    groups.sort_unstable();
    groups.dedup();
    let [group] = groups[..] else { return entries };
    let is_of = |entry: &&Entry| entry.value.group.as_deref().is_none_or(|its| its == group);
    entries.into_iter().filter(is_of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::WireName;
    use crate::registry::{Layout, Table, Update};

    /// The keys that are left of entries, each a key and its group.
    fn left(entries: &[(&str, &str)]) -> Vec<String> {
        let apex = WireName::from_text("z").unwrap();
        let mut table = Table::new(Layout::of_labels("", &apex).unwrap());
        let mut update = Update::default();
        for (key, group) in entries {
            let value = format!(r#"{{"group":"{group}"}}"#);
            table.put(format!("/z/{key}").as_bytes(), value.as_bytes(), &mut update);
        }
        let all: Vec<_> = update.entries.iter().filter_map(|it| it.after.as_deref()).collect();
        of_one_group(all).iter().map(|it| it.key[3..].to_owned()).collect()
    }

    #[test]
    fn the_shortest_paths_choose() {
        assert_eq!(left(&[("a", "g1"), ("s/b", "g1")]), ["a", "s/b"]);
        assert_eq!(left(&[("a", "g1"), ("s/b", "")]), ["a", "s/b"]);
        assert_eq!(left(&[("s/b", "g2"), ("a", "g1"), ("s/c", "g1")]), ["a", "s/c"]);
        assert_eq!(left(&[("a", "g1"), ("b", "g2"), ("s/c", "g1")]).len(), 3);
        assert_eq!(left(&[("a", ""), ("s/m", "g1"), ("s/n", "g2")]).len(), 3);
        assert_eq!(left(&[("b", ""), ("a", "g1"), ("c", "g1"), ("s/m", "g2")]).len(), 3);
        assert_eq!(left(&[("a", "g1"), ("b", "g2"), ("c", "g1")]).len(), 3);
    }
}
