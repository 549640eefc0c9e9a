//! Keys and values in, changes out.

use super::*;
use crate::registry::{AliasChange, ProblemChange, StrayChange};
use proptest::prelude::*;

fn table() -> Table {
    Table::new(Layout::new("/s", None).unwrap())
}

fn ids(table: &Table) -> Vec<(Vec<u8>, Instance)> {
    let mut all: Vec<_> =
        table.instances().map(|(key, it)| (key.to_vec(), Instance::clone(it))).collect();
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all
}

fn put(table: &mut Table, key: &str, value: &str) -> Update {
    let mut update = Update::default();
    table.put(key.as_bytes(), value.as_bytes(), &mut update);
    update
}

#[test]
fn a_bad_value_harms_itself_alone() {
    let mut table = table();
    assert_eq!(put(&mut table, "/s/web/1", "10.0.0.1:80").changes.len(), 1);
    let update = put(&mut table, "/s/web/2", "\u{ff}");
    assert!(update.changes.is_empty() && update.problems[0].after.is_some());
    let update = put(&mut table, "/s/web/2/3", "10.0.0.1:80");
    assert_eq!(update.strays, [StrayChange { segment: "web".into(), came: true }]);
    assert_eq!((table.instances().count(), table.problems().count()), (1, 1));
    assert_eq!(table.strays(), BTreeMap::from([("web".to_owned(), 1)]));
    let update = put(&mut table, "/s/web/1", "nonsense");
    let [change] = &update.changes[..] else { panic!("{update:?}") };
    assert!(change.before.is_some() && change.after.is_none());
    let mut update = Update::default();
    table.delete(b"/s/web/2", &mut update);
    assert_eq!(update.problems, [ProblemChange { key: (*b"/s/web/2").into(), after: None }]);
    assert_eq!((update.len(), table.problems().count()), (1, 1));
    table.delete(b"/s/web/2/3", &mut update);
    assert_eq!(update.strays, [StrayChange { segment: "web".into(), came: false }]);
}

#[test]
fn marks_of_directories_say_nothing() {
    let mut table = table();
    for key in ["/s/", "/s/web/", "/s/web/a/"] {
        assert!(put(&mut table, key, "").is_empty(), "{key}");
    }
    assert_eq!(put(&mut table, "/s/web/", "10.0.0.1:80").strays.len(), 1);
    let apex = crate::names::WireName::from_text("t").unwrap();
    let mut table = Table::new(Layout::of_labels("/s", &apex).unwrap());
    assert!(put(&mut table, "/s/t/web/", "").is_empty());
    assert_eq!(put(&mut table, "/s/t/web", "").problems.len(), 1);
}

#[test]
fn the_same_again_is_no_change() {
    let mut table = table();
    let frontend = r#"{"resource":"Frontend","backend":"b"}"#;
    for (key, value) in
        [("/s/web/1", "10.0.0.1:80"), ("/s/web/2", "bad"), ("/s/_frontends/f", frontend)]
    {
        assert_eq!(put(&mut table, key, value).len(), 1, "{key}");
        assert!(put(&mut table, key, value).is_empty(), "{key}");
    }
}

#[test]
fn aliases_come_and_go() {
    let mut table = table();
    let value = r#"{"resource":"Backend","app":"web"}"#;
    let update = put(&mut table, "/s/_backends/blue", value);
    let [AliasChange { before: None, after: Some(after) }] = &update.aliases[..] else {
        panic!("{update:?}")
    };
    assert_eq!(table.layout().key_of_alias(after), "/s/_backends/blue");
    let update = put(&mut table, "/s/_backends/blue", "10.0.0.1:80");
    assert!(update.changes.is_empty() && update.problems.len() == 1);
    assert!(update.aliases[0].before.is_some() && update.aliases[0].after.is_none());
}

#[test]
fn what_says_that_it_is_gone_is_absent() {
    let (mut table, gone) = (table(), r#"{"Op":1,"Addr":"10.0.0.1:80"}"#);
    assert!(put(&mut table, "/s/web/1", gone).is_empty());
    put(&mut table, "/s/web/1", "10.0.0.1:80");
    let update = put(&mut table, "/s/web/1", gone);
    assert!(update.changes[0].before.is_some() && update.changes[0].after.is_none());
    put(&mut table, "/s/web/1", "10.0.0.1:80");
    table.begin_listing();
    table.list(b"/s/web/1", gone.as_bytes());
    let mut update = Update::default();
    table.finish_listing(&mut update);
    assert_eq!(update.len(), 1);
    assert_eq!((table.instances().count(), table.problems().count()), (0, 0));
}

#[test]
fn an_unfinished_listing_changes_nothing() {
    let mut table = table();
    put(&mut table, "/s/web/1", "10.0.0.1:80");
    table.begin_listing();
    table.list(b"/s/web/2", b"10.0.0.2:80");
    assert_eq!(ids(&table).len(), 1);
    table.begin_listing();
    table.list(b"/s/web/3", b"10.0.0.3:80");
    let mut update = Update::default();
    table.finish_listing(&mut update);
    assert_eq!(update.len(), 2);
    assert_eq!(ids(&table)[0].0, b"/s/web/3");
}

#[test]
fn a_seeded_table_lists_differences_only() {
    let (mut before, mut table) = (table(), table());
    put(&mut before, "/s/web/1", "10.0.0.1:80");
    put(&mut before, "/s/web/2", "10.0.0.2:80");
    put(&mut before, "/s/_frontends/f", r#"{"resource":"Frontend"}"#);
    let instances = before.instances().map(|(_, it)| Arc::clone(it));
    let mut update = Update::default();
    table.seed(instances, before.aliases().cloned(), [], &mut update);
    assert_eq!((update.changes.len(), update.aliases.len()), (2, 1));
    table.begin_listing();
    table.list(b"/s/web/1", b"10.0.0.1:80");
    table.list(b"/s/web/2", b"10.0.0.7:80");
    table.list(b"/s/_frontends/f", br#"{"resource":"Frontend"}"#);
    let mut update = Update::default();
    table.finish_listing(&mut update);
    assert_eq!((update.len(), update.changes.len()), (1, 1));
}

/// A table of a SkyDNS zone.
fn skydns() -> Table {
    let apex = crate::names::WireName::from_text("z").unwrap();
    Table::new(Layout::of_labels("/s", &apex).unwrap())
}

#[test]
fn an_instance_knows_whether_its_key_has_a_lease() {
    let (mut table, mut update) = (Table::new(Layout::default()), Update::default());
    let leased = Stored { value: b"10.0.0.1:80", is_leased: true };
    for stored in [leased, Stored { is_leased: false, ..leased }, leased] {
        table.put(b"/services/web/1", stored, &mut update);
    }
    let after = update.changes.iter().filter_map(|it| it.after.as_ref()).map(|it| it.is_leased);
    assert_eq!(after.collect::<Vec<_>>(), [true, false, true]);
    table.begin_listing();
    table.list(b"/services/web/1", leased);
    let mut update = Update::default();
    table.finish_listing(&mut update);
    assert!(update.is_empty(), "{update:?}");
}

#[test]
fn entries_come_and_go() {
    let (mut table, mut update) = (skydns(), Update::default());
    let leased = |value: &'static str| Stored { value: value.as_bytes(), is_leased: true };
    table.put(b"/s/z/web/1", br#"{"host":"10.0.0.1"}"#, &mut update);
    table.put(b"/s/z/web/1", leased(r#"{"host":"10.0.0.1"}"#), &mut update);
    table.put(b"/s/z/web/2", b"10.0.0.2:80", &mut update);
    table.put(b"/s/z/a//b", b"{}", &mut update);
    table.put(b"/s/y/a", b"{}", &mut update);
    let [first, second] = &update.entries[..] else { panic!("{update:?}") };
    assert!(first.before.is_none() && second.before == first.after);
    assert!(second.after.as_ref().is_some_and(|entry| entry.is_leased));
    assert_eq!((update.problems.len(), update.len(), table.len()), (2, 4, 3));
    let mut seeded = skydns();
    seeded.seed([], [], table.entries().cloned(), &mut Update::default());
    seeded.begin_listing();
    seeded.list(b"/s/z/web/1", leased(r#"{"host":"10.0.0.1"}"#));
    seeded.list(b"/s/z/web/3", b"null");
    let mut update = Update::default();
    seeded.finish_listing(&mut update);
    assert_eq!((update.len(), seeded.entries().count()), (1, 2));
    table.delete(b"/s/z/web/1", &mut update);
    assert!(update.entries[1].after.is_none() && table.entries().next().is_none());
}

proptest! {
    /// apply(events) == list(at the end), from whatever was there before.
    #[test]
    fn events_and_listing_agree(
        before in proptest::collection::vec((0u8..9, 0u8..5), 0..20),
        events in proptest::collection::vec((0u8..9, 0u8..5), 0..40),
    ) {
        let key = |n: u8| format!("/s/web/{n}").into_bytes();
        let value = |n: u8| if n == 3 { "bad value".to_owned() } else { format!("10.0.0.{n}:80") };
        let (mut followed, mut update) = (table(), Update::default());
        let mut truth = std::collections::BTreeMap::new();
        for (k, v) in &events {
            if *v == 4 {
                followed.delete(&key(*k), &mut update);
                truth.remove(&key(*k));
            } else {
                followed.put(&key(*k), value(*v).as_bytes(), &mut update);
                truth.insert(key(*k), value(*v));
            }
        }
        let mut listed = table();
        for (k, v) in &before {
            listed.put(&key(*k), value(*v).as_bytes(), &mut update);
        }
        let mut shown: std::collections::BTreeMap<_, _> =
            listed.instances().map(|(_, it)| (it.id.clone(), Arc::clone(it))).collect();
        listed.begin_listing();
        for (k, v) in &truth {
            listed.list(k, v.as_bytes());
        }
        let mut update = Update::default();
        listed.finish_listing(&mut update);
        for change in update.changes {
            if let Some(before) = change.before { shown.remove(&before.id); }
            if let Some(after) = change.after { shown.insert(after.id.clone(), after); }
        }
        prop_assert_eq!(ids(&listed), ids(&followed));
        let shown: Vec<_> = shown.into_values().map(|it| Instance::clone(&it)).collect();
        let held: Vec<_> = ids(&listed).into_iter().map(|(_, it)| it).collect();
        prop_assert_eq!(shown, held);
    }
}

#[test]
fn aliases_may_be_called_as_keys_of_patroni_are() {
    let mut table = Table::new(Layout::new("/services", None).unwrap());
    for name in ["status", "config", "history", "leader", "sync", "web"] {
        let mut update = Update::default();
        let key = format!("/services/_backends/{name}");
        table.put(key.as_bytes(), br#"{"resource":"Backend","app":"web"}"#, &mut update);
    }
    assert_eq!(table.aliases().count(), 6);
}
