//! The differences between two texts of the configuration file, in words.

use toml::{Table, Value};

/// Differences that are named; of more it is said how many.
const NAMED_MAX: usize = 20;

/// The keys that are written otherwise, and the zones that came, went or are: `nsid`,
/// `[[zone]] b.test (added)`, `[[zone]] c.test: prefix, ttl`. Values are not shown.
#[must_use]
pub fn differences(used: &Table, other: &Table) -> Vec<String> {
    let keys = differing(used, other).into_iter().filter(|key| *key != ZONE);
    let mut all: Vec<_> = keys.map(|key| format!("`{key}`")).collect();
    let (used, other) = (zones(used), zones(other));
    for (name, zone) in &other {
        let place = format!("[[zone]] {name}");
        match used.iter().find(|(earlier, _)| earlier == name) {
            None => all.push(format!("{place} (added)")),
            Some((_, earlier)) if *earlier != *zone => {
                all.push(format!("{place}: {}", differing(earlier, zone).join(", ")));
            }
            Some(_) => {}
        }
    }
    let is_gone = |(name, _): &&(String, &Table)| other.iter().all(|(other, _)| other != name);
    all.extend(used.iter().filter(is_gone).map(|(name, _)| format!("[[zone]] {name} (removed)")));
    let more = all.len().saturating_sub(NAMED_MAX);
    all.truncate(NAMED_MAX);
    all.extend((more > 0).then(|| format!("{more} more")));
    all
}

/// The key of zones.
const ZONE: &str = "zone";

/// The keys whose values differ, in their order.
fn differing<'t>(one: &'t Table, other: &'t Table) -> Vec<&'t str> {
    let new = other.iter().filter(|(key, value)| one.get(*key) != Some(value));
    let gone = one.iter().filter(|(key, _)| !other.contains_key(*key));
    new.chain(gone).map(|(key, _)| key.as_str()).collect()
}

/// The zones, each with its name as names are compared.
fn zones(table: &Table) -> Vec<(String, &Table)> {
    let all = table.get(ZONE).and_then(Value::as_array).into_iter().flatten();
    let named = all.filter_map(Value::as_table).filter_map(|zone| {
        let name = zone.get("name")?.as_str()?;
        Some((name.trim_end_matches('.').to_ascii_lowercase(), zone))
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_difference_is_named_once() {
        let zone = |name: &str, prefix: &str| format!("[[zone]]\nname = \"{name}\"\n{prefix}\n");
        let used =
            ["nsid = \"a\"\nchaos = true\n", &zone("a", ""), &zone("B.", ""), &zone("c", "")];
        let zones = [zone("b", "prefix = \"/b\""), zone("c", ""), zone("d", "")].concat();
        let other = ["nsid = \"b\"\nudp-size = 512\n", &zones];
        let table = |text: &[&str]| text.concat().parse::<Table>().unwrap();
        let found = differences(&table(&used), &table(&other));
        let wanted = ["`nsid`", "`udp-size`", "`chaos`"];
        assert!(wanted.iter().all(|it| found.contains(&(*it).to_owned())), "{found:?}");
        assert_eq!(
            found[3..],
            ["[[zone]] b: name, prefix", "[[zone]] d (added)", "[[zone]] a (removed)"]
        );
        assert!(differences(&table(&used), &table(&used)).is_empty());
        let many: String = (0..30).map(|n| format!("k{n} = 1\n")).collect();
        let found = differences(&Table::new(), &table(&[&many]));
        assert_eq!((found.len(), found[20].as_str()), (21, "10 more"));
    }
}
