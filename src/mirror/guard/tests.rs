//! The guard with the time passed in: nothing here sleeps.

mod rig;

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::mirror::Waits;
use crate::names::WireName;
use crate::registry::{Layout, Table};

use self::rig::{Rig, id, key, patient};

/// How long the guard of these tests holds.
const GRACE: Duration = Duration::from_secs(30);

#[test]
fn a_wiped_zone_is_held_and_released_once() {
    let mut rig = Rig::of(30, GRACE);
    rig.delete_at_once(0..30);
    assert_eq!((rig.shown(), rig.vitals.held.get(), rig.vitals.collapses.get()), (30, 30, 1));
    rig.pass(GRACE - Duration::from_millis(1));
    assert_eq!(rig.shown(), 30);
    let updates = rig.guard.publisher.revisions.len();
    rig.pass(Duration::from_millis(1));
    assert_eq!((rig.shown(), rig.vitals.held.get()), (0, 0));
    assert_eq!(rig.guard.publisher.revisions.len(), updates + 1, "published together");
    assert_eq!((rig.guard.due(), rig.vitals.collapses.get()), (None, 1));
}

#[test]
fn an_operator_ends_the_delay_by_a_reload() {
    let mut rig = Rig::of(30, GRACE);
    rig.delete_at_once(0..30);
    rig.pass(Duration::from_secs(2));
    assert_eq!(rig.guard.due(), Some(rig.now + Duration::from_secs(1)), "it is looked after");
    rig.guard.patience.replace(Waits::default());
    assert_eq!(rig.shown(), 30);
    rig.pass(Duration::from_secs(1));
    assert_eq!((rig.shown(), rig.vitals.held.get(), rig.guard.due()), (0, 0, None));
}

#[test]
fn one_by_one_the_first_go_and_the_rest_wait() {
    let mut rig = Rig::of(30, GRACE);
    rig.delete(0..30);
    // 24 of 30 are eighty hundredths, not more.
    assert_eq!((rig.shown(), rig.vitals.held.get()), (6, 6));
    rig.pass(GRACE);
    assert_eq!(rig.shown(), 0);
}

#[test]
fn small_zones_slow_leaving_and_a_guard_turned_off_hold_nothing() {
    let mut small = Rig::of(19, GRACE);
    small.delete_at_once(0..19);
    assert_eq!((small.shown(), small.vitals.collapses.get()), (0, 0));
    let mut slow = Rig::of(100, GRACE);
    for n in 0..100 {
        slow.delete(n..n + 1);
        slow.pass(Duration::from_secs(1));
    }
    assert_eq!((slow.shown(), slow.vitals.collapses.get()), (0, 0));
    let mut part = Rig::of(100, GRACE);
    part.delete_at_once(0..80);
    assert_eq!((part.shown(), part.vitals.collapses.get()), (20, 0));
    let mut off = Rig::of(30, Duration::ZERO);
    off.delete_at_once(0..30);
    assert_eq!((off.shown(), off.vitals.collapses.get(), off.vitals.held.get()), (0, 0, 0));
}

#[test]
fn what_comes_back_is_held_no_longer() {
    let mut rig = Rig::of(30, GRACE);
    rig.delete_at_once(0..30);
    rig.put(0, "10.0.0.1:80");
    rig.put(1, "10.0.0.9:80");
    rig.put(40, "10.0.0.2:80");
    assert_eq!((rig.shown(), rig.vitals.held.get()), (31, 28));
    assert_eq!(rig.guard.publisher.instances["/s/web/1"].location(), "10.0.0.9:80");
    rig.pass(GRACE);
    assert_eq!(rig.shown(), 3);
    let mut all = Rig::of(30, GRACE);
    all.delete_at_once(0..30);
    (0..30).for_each(|n| all.put(n, "10.0.0.1:80"));
    assert_eq!((all.shown(), all.guard.due(), all.vitals.held.get()), (30, None, 0));
}

#[test]
fn names_go_with_the_instances_they_lead_to() {
    let mut rig = Rig::of(30, GRACE);
    let [blue, shop] = ["/s/_backends/blue", "/s/_frontends/shop"].map(str::as_bytes);
    let mut update = Update::default();
    rig.table.put(blue, br#"{"resource":"Backend","app":"web"}"#, &mut update);
    rig.table.put(shop, br#"{"resource":"Frontend","backend":"blue"}"#, &mut update);
    rig.publish(update);
    let mut update = Update::default();
    [blue, shop].iter().for_each(|key| rig.table.delete(key, &mut update));
    (0..30).for_each(|n| rig.table.delete(&id(n), &mut update));
    rig.publish(update);
    assert_eq!((rig.shown(), rig.guard.publisher.aliases.len()), (30, 2));
    let mut update = Update::default();
    rig.table.put(shop, br#"{"resource":"Frontend","backend":"green"}"#, &mut update);
    rig.publish(update);
    let now = &rig.guard.publisher.aliases["shop"];
    assert_eq!(rig.table.aliases().next(), Some(now), "a change waits for nobody");
    assert_eq!((rig.vitals.held.get(), rig.vitals.held_aliases.get()), (30, 1));
    rig.pass(GRACE);
    assert_eq!((rig.shown(), rig.guard.publisher.aliases.len()), (0, 1));
    assert!(!rig.vitals.is_holding());
    let mut update = Update::default();
    rig.table.delete(shop, &mut update);
    rig.publish(update);
    assert!(rig.guard.publisher.aliases.is_empty(), "one that goes alone goes at once");
}

#[test]
fn aliases_alone_are_held_too() {
    let mut rig = Rig::of(30, GRACE);
    let (blue, mut update) = (b"/s/_backends/blue", Update::default());
    rig.table.put(blue, br#"{"resource":"Backend","app":"web"}"#, &mut update);
    rig.publish(update);
    let mut update = Update::default();
    rig.table.delete(blue, &mut update);
    (0..30).for_each(|n| rig.table.delete(&id(n), &mut update));
    rig.publish(update);
    (0..30).for_each(|n| rig.put(n, "10.0.0.1:80"));
    assert_eq!((rig.vitals.held.get(), rig.guard.publisher.aliases.len()), (0, 1));
    assert!(rig.vitals.is_holding(), "an alias is shown that the registry has no more");
    rig.pass(GRACE);
    assert!(rig.guard.publisher.aliases.is_empty() && !rig.vitals.is_holding());
}

#[test]
fn a_rolling_restart_is_no_collapse() {
    let mut rig = Rig::of(100, GRACE);
    for n in 0..100 {
        rig.delete(n..n + 1);
        rig.put(n, "10.0.0.2:80");
    }
    assert_eq!((rig.shown(), rig.vitals.collapses.get()), (100, 0));
}

#[test]
fn keys_that_come_and_go_hold_nothing() {
    let mut rig = Rig::of(30, GRACE);
    for round in 0..60 {
        let new = 1_000 + 200 * round;
        (new..new + 200).for_each(|n| rig.put(n, "10.0.0.2:80"));
        rig.delete_at_once(new..new + 200);
        rig.pass(Duration::from_secs(1));
        // One that was there goes at once all the same.
        rig.delete(round / 3..round / 3 + 1);
        assert_eq!((rig.vitals.held.get(), rig.vitals.collapses.get()), (0, 0), "{round}");
    }
    assert_eq!(rig.shown(), 10);
    let mut empty = Rig::of(0, GRACE);
    (0..200).for_each(|n| empty.put(n, "10.0.0.2:80"));
    empty.delete_at_once(0..200);
    assert_eq!((empty.shown(), empty.vitals.collapses.get()), (0, 0));
}

#[test]
fn what_flaps_counts_by_what_it_was_when_the_window_began() {
    let mut rig = Rig::of(30, GRACE);
    // All go and come back, then go for good: they were there when the window began.
    rig.delete_at_once(0..20);
    (0..20).for_each(|n| rig.put(n, "10.0.0.2:80"));
    rig.delete_at_once(0..30);
    assert_eq!((rig.shown(), rig.vitals.collapses.get()), (30, 1));
    // Away for longer than the window: what comes and goes then is new.
    let mut rig = Rig::of(60, GRACE);
    rig.delete_at_once(0..40);
    rig.pass(WINDOW * 2);
    (0..40).for_each(|n| rig.put(n, "10.0.0.2:80"));
    rig.delete_at_once(0..40);
    assert_eq!((rig.shown(), rig.vitals.collapses.get()), (20, 0));
}

#[test]
fn the_same_removals_hold_nothing_again() {
    let mut rig = Rig::of(60, Duration::from_secs(3));
    rig.delete(0..55);
    assert_eq!(rig.vitals.collapses.get(), 1);
    rig.pass(Duration::from_secs(3));
    assert_eq!(rig.shown(), 5);
    // Three seconds later the first removals would still be in the window.
    rig.delete(55..60);
    assert_eq!((rig.shown(), rig.vitals.collapses.get()), (0, 1));
}

#[test]
fn a_release_is_not_put_off_by_updates() {
    let mut rig = Rig::of(30, GRACE);
    rig.delete_at_once(0..29);
    for _ in 0..29 {
        rig.now += Duration::from_secs(1);
        rig.publish(Update::default());
        assert_eq!(rig.shown(), 30);
    }
    rig.now += Duration::from_secs(1);
    rig.publish(Update::default());
    assert_eq!(rig.shown(), 1);
    // What was held is of the revision before.
    assert!(rig.guard.publisher.revisions.ends_with(&[rig.revision - 1, rig.revision]));
}

#[test]
fn entries_are_held_like_instances() {
    /// The published changes of entries: how many came and went.
    #[derive(Debug, Default)]
    struct Entries(isize);
    impl Publish for Entries {
        fn publish(&mut self, update: Update) {
            for change in update.entries {
                self.0 += isize::from(change.after.is_some());
                self.0 -= isize::from(change.before.is_some());
            }
        }
    }
    let vitals = Arc::new(Vitals::default());
    let mut guard =
        Guard::new(Entries::default(), "z".to_owned(), patient(GRACE), Arc::clone(&vitals));
    let apex = WireName::from_text("z").unwrap();
    let mut table = Table::new(Layout::of_labels("/s", &apex).unwrap());
    let (mut update, now) = (Update::default(), Instant::now());
    let key = |n: usize| format!("/s/z/web/{n}").into_bytes();
    (0..30).for_each(|n| table.put(&key(n), b"{}", &mut update));
    guard.publish_at(update, now);
    let mut update = Update::default();
    (0..30).for_each(|n| table.delete(&key(n), &mut update));
    guard.publish_at(update, now);
    assert_eq!((guard.publisher.0, vitals.held.get()), (30, 30));
    let mut update = Update::default();
    table.put(&key(0), b"{}", &mut update);
    guard.publish_at(update, now);
    assert_eq!((guard.publisher.0, vitals.held.get()), (30, 29));
    guard.release_at(now + GRACE);
    assert_eq!((guard.publisher.0, vitals.held.get()), (1, 0));
}

proptest! {
    /// Whatever happens, what is shown is never less than the table holds, never what
    /// nobody registered, and is the table's own once the grace is over.
    #[test]
    fn after_release_the_shown_is_the_table(
        zone in 0usize..60,
        events in prop::collection::vec((0usize..70, 0u8..6, 0u64..4_000, 0usize..40), 0..80),
    ) {
        let mut rig = Rig::of(zone, GRACE);
        for (n, kind, millis, span) in events {
            rig.pass(Duration::from_millis(millis));
            match kind {
                0 => rig.delete(n..n + span),
                1 | 2 => rig.delete_at_once(n..n + span),
                3 => rig.put(n, "not usable"),
                _ => rig.put(n, &format!("10.0.0.{}:80", kind)),
            }
            let held = rig.vitals.held.get() as usize;
            prop_assert_eq!(rig.shown(), rig.table.instances().count() + held);
            prop_assert_eq!(rig.guard.shown, Some(rig.shown()));
            prop_assert_eq!(held > 0, rig.guard.until.is_some());
        }
        rig.pass(GRACE);
        prop_assert_eq!(rig.guard.until, None);
        rig.pass(WINDOW * 2);
        prop_assert_eq!(rig.guard.due(), None, "something is remembered for ever");
        let table: BTreeMap<_, _> =
            rig.table.instances().map(|(_, it)| (key(it), Arc::clone(it))).collect();
        prop_assert_eq!(&rig.guard.publisher.instances, &table);
    }
}
