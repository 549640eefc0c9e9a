//! Whatever happens to keys: the answers are those of a list.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::zones::Zones;

/// What may be put; the last is of no use.
const VALUES: [&str; 8] = [
    r#"{"host":"10.0.0.1"}"#,
    r#"{"host":"10.0.0.2","port":80,"group":"g"}"#,
    r#"{"host":"a.z.test","text":"t"}"#,
    r#"{"host":"b.a.z.test"}"#,
    r#"{"text":"u","ttl":60}"#,
    r#"{"host":"2001:db8::1","mail":true,"targetstrip":1,"group":"h"}"#,
    "null",
    "of no use",
];

/// Keys, some of which are one name, and some outside the grammar.
const KEYS: [&str; 12] =
    ["a", "a/b", "A/b", "a/b/c", "b", "*", "a/*", "dns/apex/x", "dns/ns/n", "b//", "", "c/d/e"];

/// Names that are asked for.
const NAMES: [&str; 12] = [
    "z.test.",
    "a.z.test.",
    "b.a.z.test.",
    "c.b.a.z.test.",
    "b.z.test.",
    "q.z.test.",
    "q.a.z.test.",
    "*.z.test.",
    "b.any.z.test.",
    "d.c.z.test.",
    "n.ns.dns.z.test.",
    "c.z.test.",
];

/// Everything that the zone says, and what is wrong with it.
fn views(zones: &Zones) -> Vec<String> {
    let kinds = ["A", "AAAA", "SRV", "TXT", "MX", "NS", "PTR", "CNAME", "HINFO"];
    let asked = NAMES.iter().flat_map(|name| kinds.iter().map(move |kind| (name, kind)));
    // The serial tells how often something was published.
    let said = asked.map(|(name, kind)| {
        let mut said = zones.ask(name, kind);
        // Of several names one is drawn.
        if said.answer.iter().any(|line| line.contains(" CNAME ")) {
            said.answer = vec!["an alias".to_owned()];
        }
        let negative = said.authority.len();
        format!("{name} {kind} {} {:?} {negative} {:?}", said.code, said.answer, said.additional)
    });
    said.chain(zones.problems()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Events, in whatever order, lead where a list of what is left leads.
    #[test]
    fn events_lead_where_a_list_leads(
        events in prop::collection::vec((0..KEYS.len(), 0..VALUES.len() + 3), 0..40),
    ) {
        let (mut followed, mut truth) = (Zones::new(&["z.test"], "/s"), BTreeMap::new());
        for (key, value) in events {
            let key = format!("/s/test/z/{}", KEYS[key]);
            match VALUES.get(value) {
                Some(value) => {
                    followed.put(&key, value);
                    truth.insert(key, *value);
                }
                None => {
                    followed.delete(&key);
                    truth.remove(&key);
                }
            }
        }
        let mut listed = Zones::new(&["z.test"], "/s");
        listed.put("/s/test/z/a/was/there", VALUES[0]);
        listed.list(truth.iter().map(|(key, value)| (key.as_str(), *value)));
        prop_assert_eq!(views(&followed), views(&listed));
    }

    /// A name exists if it has data of any type, or a name below it does (RFC 8020).
    #[test]
    fn what_has_something_below_it_exists(
        stored in prop::collection::vec((0..KEYS.len(), 0..VALUES.len()), 0..12),
    ) {
        let mut zones = Zones::new(&["z.test"], "/s");
        for (key, value) in stored {
            zones.put(&format!("/s/test/z/{}", KEYS[key]), VALUES[value]);
        }
        for (above, below) in [("a.z.test.", "b.a.z.test."), ("b.a.z.test.", "c.b.a.z.test.")] {
            if zones.code(below, "HINFO").0 == "NOERROR" {
                prop_assert_eq!(zones.code(above, "HINFO").0, "NOERROR");
            }
        }
    }
}
