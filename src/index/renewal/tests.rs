//! Zones that stay, come, go and move, one generation after the other.

use hickory_proto::rr::Name;
use hickory_proto::rr::rdata::SOA;

use super::*;
use crate::index::{Index, Publisher};
use crate::names::WireName;
use crate::registry::{Layout, Publish, Table, Update};

/// Settings of a zone whose file has a serial.
fn settings(apex: &str, serial: u32, ttl: u32) -> Settings {
    let name = |text: &str| Name::from_ascii(text).unwrap();
    let soa = SOA::new(name("ns.example."), name("admin.example."), serial, 1, 1, 1, 5);
    Settings::new(name(apex), (soa, 60), (vec![name("ns.example.")], 60), ttl).unwrap()
}

/// A registry zone that is read from the same source as before, or from another.
fn zone(apex: &str, is_same: bool) -> NextZone {
    NextZone { settings: Arc::new(settings(apex, 0, 5)), is_same }
}

/// Has an index go on with registry zones.
fn renew(index: &Arc<Index>, registry: Vec<NextZone>) -> Vec<SerialKept> {
    let kept = index.renew(NextZones { registry, others: Vec::new(), bare_names: true });
    index.mint_serials();
    kept
}

/// Publishes the only instance of a zone: a service of this name.
fn publish(index: &Arc<Index>, id: ZoneId, name: &str, revision: i64) {
    let (mut table, mut update) = (Table::new(Layout::default()), Update::default());
    table.put(format!("/services/{name}/1").as_bytes(), b"10.0.0.1:80", &mut update);
    Publisher::of(Arc::clone(index), id).publish(Update { revision, ..update });
    index.mint_serials();
}

/// The zone with an apex, as it is now.
fn shown(index: &Index, apex: &str) -> Arc<Zone> {
    let generation = index.load();
    let apex = WireName::from_text(apex).unwrap();
    Arc::clone(&generation.zones()[generation.place(apex.as_wire()).unwrap()])
}

/// The id under which the zone at a place is read.
fn id(index: &Index, at: usize) -> ZoneId {
    index.load().read_ids()[at]
}

#[test]
fn a_zone_that_stays_is_not_touched_by_others() {
    let index = Arc::new(Index::empty());
    renew(&index, vec![zone("a.", false)]);
    publish(&index, id(&index, 0), "web", 7);
    let before = shown(&index, "a");
    // The first brings what a zone knows of others: it has another apex in it.
    renew(&index, vec![zone("b.", false), zone("a.", true)]);
    let after = shown(&index, "a");
    assert_eq!((after.id(), after.changes(), after.serial()), (before.id(), 1, 7));
    assert!(Arc::ptr_eq(&before.services["web".as_bytes()], &after.services["web".as_bytes()]));
    // Nothing is new for it then.
    renew(&index, vec![zone("b.", true), zone("a.", true)]);
    assert!(Arc::ptr_eq(&after, &shown(&index, "a")));
    publish(&index, id(&index, 0), "of-b", 3);
    assert!(Arc::ptr_eq(&after, &shown(&index, "a")));
    assert!(shown(&index, "b").service(b"of-b").is_some());
    // Other settings are used, by the same zone.
    let other = NextZone { settings: Arc::new(settings("a.", 0, 9)), is_same: true };
    renew(&index, vec![other]);
    let other = shown(&index, "a");
    assert_eq!((other.id(), other.settings().ttl, other.changes()), (before.id(), 9, 1));
    assert!(!Arc::ptr_eq(&before.services["web".as_bytes()], &other.services["web".as_bytes()]));
}

#[test]
fn a_zone_that_moves_is_answered_as_it_was_until_it_is_there() {
    let index = Arc::new(Index::empty());
    renew(&index, vec![zone("a.", false)]);
    let first = id(&index, 0);
    publish(&index, first, "old", 100);
    let moved = NextZone { settings: Arc::new(settings("a.", 0, 9)), is_same: false };
    renew(&index, vec![moved]);
    let second = id(&index, 0);
    assert_ne!(first, second);
    let moving = shown(&index, "a");
    assert!(moving.is_moving() && moving.service(b"old").is_some());
    assert_eq!((moving.id(), moving.settings().ttl, moving.serial()), (first, 5, 100));
    // What still comes from the earlier source is of the earlier zone.
    publish(&index, first, "late", 101);
    assert!(shown(&index, "a").service(b"late").is_some());
    // Read again meanwhile, it is on its way to the same source.
    renew(&index, vec![zone("a.", true)]);
    assert_eq!(id(&index, 0), second);
    publish(&index, second, "new", 3);
    let there = shown(&index, "a");
    assert!(!there.is_moving() && there.service(b"new").is_some());
    assert_eq!((there.id(), there.len(), there.revision()), (second, 1, Some(3)));
    assert_eq!(there.serial(), 102, "a serial does not fall");
    assert!(Arc::ptr_eq(there.vitals(), moving.vitals()), "what goes on in it goes on");
    publish(&index, first, "too-late", 104);
    publish(&index, second, "newer", 4);
    assert_eq!((shown(&index, "a").len(), shown(&index, "a").serial()), (2, 103));
}

/// Has an index go on with a registry zone, or with a file of the same name.
fn renew_as(index: &Arc<Index>, is_registry: bool, is_same: bool) {
    let file = Arc::new(settings("a.", 5, 9).of_schema(Schema::Static));
    let registry = is_registry.then(|| zone("a.", is_same));
    let others = if is_registry { Vec::new() } else { vec![file] };
    let registry = registry.into_iter().collect();
    index.renew(NextZones { registry, others, bare_names: true });
}

#[test]
fn a_file_is_as_fresh_as_ever_when_it_becomes_a_registry_zone_and_when_it_does_not() {
    let index = Arc::new(Index::empty());
    let limit = std::time::Duration::from_millis(20);
    renew_as(&index, false, false);
    shown(&index, "a").freshness().expire_after(Some(limit));
    std::thread::sleep(2 * limit);
    renew_as(&index, true, false);
    let (moving, later) = (shown(&index, "a"), id(&index, 0));
    moving.freshness().judge(limit);
    assert!(moving.is_moving() && moving.standing() == crate::metrics::Staleness::Fresh);
    renew_as(&index, true, true);
    assert_eq!(id(&index, 0), later, "it goes on moving to the same place");
    std::thread::sleep(2 * limit);
    moving.freshness().judge(limit);
    assert_eq!(moving.standing(), crate::metrics::Staleness::Expired);
    renew_as(&index, false, false);
    let file = shown(&index, "a");
    assert!(!file.is_moving() && file.standing() == crate::metrics::Staleness::Fresh);
    publish(&index, later, "too-late", 7);
    assert!(
        shown(&index, "a").service(b"too-late").is_none() && index.load().read_ids().is_empty()
    );
}

#[test]
fn a_file_in_the_place_of_what_never_came_back_goes_on_behind_it() {
    let index = Arc::new(Index::empty());
    renew_as(&index, true, false);
    publish(&index, id(&index, 0), "web", 5_000);
    renew(&index, Vec::new());
    renew_as(&index, true, false);
    assert!(!shown(&index, "a").is_ready());
    renew_as(&index, false, false);
    let generation = index.load();
    assert_eq!(generation.serial(Site::Zone(0)), 5_001);
}

#[test]
fn a_zone_that_is_not_there_yet_moves_at_once() {
    let index = Arc::new(Index::empty());
    renew(&index, vec![zone("a.", false)]);
    let first = id(&index, 0);
    renew(&index, vec![zone("a.", false)]);
    assert!(!shown(&index, "a").is_moving() && !shown(&index, "a").is_ready());
    publish(&index, first, "old", 1);
    assert!(!shown(&index, "a").is_ready(), "it is of the earlier source");
}

#[test]
fn serials_go_on_behind_what_was_shown() {
    let index = Arc::new(Index::empty());
    renew(&index, vec![zone("a.", false)]);
    publish(&index, id(&index, 0), "web", 100);
    // It goes; comes back, goes before it is listed, and comes back once more.
    renew(&index, vec![]);
    renew(&index, vec![zone("a.", false)]);
    renew(&index, vec![]);
    renew(&index, vec![zone("a.", false)]);
    assert!(!shown(&index, "a").is_ready());
    publish(&index, id(&index, 0), "web", 5);
    assert_eq!(shown(&index, "a").serial(), 101);
    renew(&index, vec![]);
    renew(&index, vec![zone("a.", false)]);
    publish(&index, id(&index, 0), "web", 500);
    assert_eq!(shown(&index, "a").serial(), 500, "where it goes forward, it is the usual one");
    // A file alone takes its place.
    let file = settings("a.", 3, 5).of_schema(Schema::Static);
    let others = vec![Arc::new(file)];
    index.renew(NextZones { registry: Vec::new(), others: others.clone(), bare_names: true });
    let alone = shown(&index, "a");
    assert_eq!((alone.serial(), alone.is_ready(), alone.len()), (501, true, 0));
    index.renew(NextZones { registry: Vec::new(), others, bare_names: true });
    assert!(Arc::ptr_eq(&alone, &shown(&index, "a")), "the same settings are the same zone");
    // And a registry takes that of the file, which is answered meanwhile.
    renew(&index, vec![zone("a.", false)]);
    assert!(shown(&index, "a").is_moving() && shown(&index, "a").is_ready());
    publish(&index, id(&index, 0), "web", 6);
    assert_eq!((shown(&index, "a").serial(), shown(&index, "a").len()), (502, 1));
}

#[test]
fn the_serial_of_a_file_is_kept_where_it_falls() {
    let index = Arc::new(Index::empty());
    let file =
        |serial| vec![NextZone { settings: Arc::new(settings("a.", serial, 5)), is_same: true }];
    renew(&index, file(10));
    publish(&index, id(&index, 0), "web", 5);
    let kept = renew(&index, file(7));
    assert_eq!(kept, [SerialKept { zone: "a".to_owned(), new: 7, kept: 10 }]);
    assert_eq!(shown(&index, "a").serial(), 15);
    assert_eq!((renew(&index, file(11)), shown(&index, "a").serial()), (vec![], 16));
}

#[test]
fn the_serial_of_a_reverse_zone_does_not_fall_with_the_zones_it_is_made_of() {
    let index = Arc::new(Index::empty());
    let named = || NextZone {
        settings: Arc::new(settings("a.", 0, 5).naming_addresses(true)),
        is_same: true,
    };
    let reverse = || {
        let settings = settings("10.in-addr.arpa.", 1, 5).of_schema(Schema::Static);
        vec![Arc::new(settings.reversing())]
    };
    let renew = |registry| {
        index.renew(NextZones { registry, others: reverse(), bare_names: true });
    };
    let serial = || {
        let generation = index.load();
        let apex = WireName::from_text("10.in-addr.arpa").unwrap();
        generation.serial(generation.locate(&apex).unwrap().0)
    };
    renew(vec![named()]);
    publish(&index, id(&index, 0), "web", 40);
    assert_eq!(serial(), 41);
    renew(vec![]);
    assert_eq!(serial(), 42);
    renew(vec![named()]);
    publish(&index, id(&index, 0), "web", 41);
    assert!(serial() > 42);
}

#[test]
fn what_names_hosts_is_made_anew_where_other_zones_come() {
    let index = Arc::new(Index::empty());
    renew(&index, vec![zone("a.", false)]);
    let (mut table, mut update) = (Table::new(Layout::default()), Update::default());
    for (key, value) in [("here/1", "10.0.0.1:80"), ("there/1", "host.b:80")] {
        table.put(format!("/services/{key}").as_bytes(), value.as_bytes(), &mut update);
    }
    Publisher::of(Arc::clone(&index), id(&index, 0)).publish(Update { revision: 1, ..update });
    let before = shown(&index, "a");
    renew(&index, vec![zone("a.", true), zone("b.", false)]);
    let after = shown(&index, "a");
    let is_same = |name: &[u8]| Arc::ptr_eq(&before.services[name], &after.services[name]);
    assert!(is_same(b"here") && !is_same(b"there"));
    assert!(after.is_ours(&WireName::from_text("host.b").unwrap()));
    assert!(!before.is_ours(&WireName::from_text("host.b").unwrap()));
}

/// The serial of bare names.
fn bare(index: &Index) -> u32 {
    let generation = index.load();
    let (site, _) = generation.locate(&WireName::from_text("_tcp").unwrap()).unwrap();
    assert!(matches!(site, Site::Bare(..)), "{site:?}");
    generation.serial(site)
}

#[test]
fn the_serial_of_bare_names_does_not_fall_when_another_zone_is_the_first() {
    let index = Arc::new(Index::empty());
    renew(&index, vec![zone("a.", false)]);
    publish(&index, id(&index, 0), "web", 100);
    assert_eq!(bare(&index), 100);
    renew(&index, vec![zone("b.", false), zone("a.", true)]);
    publish(&index, id(&index, 0), "web", 7);
    assert_eq!((bare(&index), shown(&index, "b").serial()), (101, 7));
    publish(&index, id(&index, 0), "web", 9);
    assert_eq!(bare(&index), 103, "it moves on with its zone");
    renew(&index, vec![zone("b.", true), zone("c.", false)]);
    assert_eq!(bare(&index), 103, "the first zone is the same");
    // Nobody shows it for a while.
    let none = NextZones { registry: Vec::new(), others: Vec::new(), bare_names: true };
    index.renew(none);
    renew(&index, vec![zone("a.", false)]);
    publish(&index, id(&index, 0), "web", 100);
    assert!(bare(&index) > 103);
    let before = bare(&index);
    renew(&index, vec![zone("d.", false), zone("a.", true)]);
    publish(&index, id(&index, 0), "web", 5_000);
    assert_eq!((bare(&index), before), (5_000, before), "what is ahead stays as it is");
}
