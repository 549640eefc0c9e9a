//! The log without anybody who follows.

use super::*;
use crate::events::seen::spot;
use crate::registry::{KeyParts, document};

const EXACT: Head = Head { is_exact: true, histories: 0 };
const HOLDS: Head = Head { is_exact: false, histories: 0 };

/// A change that brings an instance.
fn online(id: &str) -> Change {
    let document = document::read(b"10.0.0.1:80").unwrap().unwrap();
    let instance = document.into_instance(KeyParts { name: "web", id, is_rooted: false });
    Change { before: None, after: Some(Arc::new(instance)) }
}

/// A log, told of states in order: number, revision, standing. A state's number is how
/// many changes made it.
fn told(states: &[(u64, i64, Head)]) -> Log {
    let (mut log, mut last) = (Log::new(0xfeed, false), 0);
    for (state, revision, standing) in states {
        let changes = (last..*state).map(|it| online(&it.to_string())).collect();
        let (state, revision) = (*state, *revision);
        log.take(ChangeBatch { state, revision, changes, ..ChangeBatch::default() }, *standing);
        last = state;
    }
    log
}

/// The id of a state, as it is written.
fn id(log: &Log, state: u64) -> String {
    log.id(state).unwrap().to_string()
}

/// What an id names.
fn state(log: &Log, id: &str) -> Option<u64> {
    log.state(&id.parse().unwrap())
}

#[test]
fn a_state_is_named_by_every_revision_it_was_true_at() {
    let log = told(&[(3, 100, EXACT), (3, 107, EXACT), (5, 110, EXACT), (6, 120, EXACT)]);
    assert_eq!(id(&log, 3), "107");
    for (revision, named) in [("100", 3), ("109", 3), ("110", 5), ("119", 5), ("120", 6)] {
        assert_eq!(state(&log, revision), Some(named), "{revision}");
    }
    assert_eq!((state(&log, "99"), state(&log, "121")), (None, None));
    let (batch, id) = log.after(3).unwrap().unwrap();
    assert_eq!((batch.state, batch.len(), id.to_string().as_str()), (5, 2, "110"));
    assert_eq!(log.after(6).map(|it| it.is_none()), Ok(true));
    assert_eq!(log.after(2).map(|it| it.is_none()), Err(Forgotten));
}

#[test]
fn what_is_held_back_is_no_state_of_the_registry() {
    let log = told(&[(3, 100, EXACT), (4, 105, HOLDS), (5, 106, HOLDS), (9, 106, EXACT)]);
    assert_eq!(id(&log, 4), "105.000000000000feed-4");
    assert_eq!(id(&log, 9), "106");
    assert_eq!(
        (state(&log, "104"), state(&log, "105"), state(&log, "106")),
        (Some(3), None, Some(9))
    );
    assert_eq!(state(&log, &id(&log, 5)), Some(5));
    assert_eq!(state(&log, "106.000000000000beef-5"), None);
}

#[test]
fn holding_begins_without_a_change_and_ends_so() {
    let log = told(&[(3, 100, EXACT), (3, 105, HOLDS), (3, 106, HOLDS), (3, 108, EXACT)]);
    assert_eq!(
        ["104", "105", "107", "108"].map(|it| state(&log, it)),
        [Some(3), None, None, Some(3)]
    );
    assert_eq!(id(&log, 3), "108");
}

/// Takes the difference to a list.
fn list(log: &mut Log, state: u64, revision: i64, changes: Vec<Change>) {
    log.take(
        ChangeBatch { state, revision, changes, is_listed: true, ..ChangeBatch::default() },
        EXACT,
    );
}

#[test]
fn what_was_between_two_lists_is_not_known() {
    let mut log = told(&[(3, 100, EXACT), (4, 104, EXACT)]);
    list(&mut log, 4, 104, vec![]);
    list(&mut log, 5, 110, vec![online("y")]);
    assert_eq!(
        ["103", "104", "105", "109", "110"].map(|it| state(&log, it)),
        [Some(3), Some(4), None, None, Some(5)]
    );
    assert_eq!(log.after(4).unwrap().unwrap().1.to_string(), "110");
    // What came and went leaves no difference.
    list(&mut log, 5, 115, vec![]);
    log.take(ChangeBatch { state: 5, revision: 117, ..ChangeBatch::default() }, EXACT);
    assert_eq!(
        ["110", "111", "114", "115", "116", "117"].map(|it| state(&log, it)),
        [Some(5), None, None, Some(5), Some(5), Some(5)]
    );
    assert_eq!((id(&log, 5), log.after(5).unwrap().is_none()), ("117".to_owned(), true));
    let changes = vec![online("z")];
    log.take(ChangeBatch { state: 6, revision: 120, changes, ..ChangeBatch::default() }, EXACT);
    assert_eq!(["119", "120"].map(|it| state(&log, it)), [Some(5), Some(6)]);
}

#[test]
fn a_revision_names_one_state_however_often_it_is_shown() {
    let log = told(&[(3, 100, EXACT), (3, 110, EXACT), (4, 110, EXACT), (4, 115, EXACT)]);
    let (batch, named) = log.after(3).unwrap().unwrap();
    assert_eq!((batch.state, named.to_string().as_str()), (4, "110.000000000000feed-4"));
    assert_eq!((state(&log, "110"), id(&log, 4)), (Some(3), "115".to_owned()));
    assert_eq!(state(&log, &named.to_string()), Some(4));
}

#[test]
fn once_history_went_back_revisions_say_nothing() {
    let other = Head { histories: 1, ..EXACT };
    let log = told(&[(3, 100, EXACT), (5, 50, other), (6, 101, other)]);
    assert_eq!(log.after(3).unwrap().unwrap().0.state, 5);
    assert_eq!(["50", "100", "101"].map(|it| state(&log, it)), [None; 3]);
    assert_eq!(state(&log, &id(&log, 5)), Some(5));
    assert_eq!(log.revision(), 101);
}

#[test]
fn the_oldest_is_forgotten_first() {
    let mut log = told(&[(1, 1, EXACT)]);
    let count = REMEMBERED as u64;
    for number in 2..=count {
        let changes = vec![online("x")];
        let revision = number as i64;
        log.take(ChangeBatch { state: number, revision, changes, ..ChangeBatch::default() }, EXACT);
    }
    assert!(log.remembered <= REMEMBERED && log.remembered >= REMEMBERED - 2);
    let oldest = log.states[0].number;
    assert!(oldest > count / 2 - 2 && log.after(oldest).is_ok(), "{oldest}");
    assert!(log.after(oldest - 1).is_err() && state(&log, "1").is_none());
    log.take(ChangeBatch { state: 2 * count, revision: 2, ..ChangeBatch::default() }, EXACT);
    assert_eq!((log.states.len(), log.remembered), (1, 0));
    assert_eq!(log.after(count).map(|it| it.is_none()), Err(Forgotten));
}

#[test]
fn large_documents_take_the_place_of_many_changes() {
    let pairs: Vec<_> = (0..4_000).map(|n| format!("\"m{n}\":\"\"")).collect();
    let text = format!(r#"{{"host":"10.0.0.1","port":80,"meta":{{{}}}}}"#, pairs.join(","));
    let document = document::read(text.as_bytes()).unwrap().unwrap();
    let place = KeyParts { name: "web", id: "1", is_rooted: false };
    let large = Some(Arc::new(document.into_instance(place)));
    let mut log = told(&[(1, 1, EXACT)]);
    for number in 2..500 {
        let changes = vec![Change { before: large.clone(), after: large.clone() }];
        log.take(
            ChangeBatch { state: number, revision: 1, changes, ..ChangeBatch::default() },
            EXACT,
        );
    }
    assert!(log.remembered <= REMEMBERED && (30..120).contains(&log.states.len()));
    // One that alone is too much is not remembered at all.
    let changes = vec![Change { before: large.clone(), after: None }; 200];
    log.take(ChangeBatch { state: 900, revision: 2, changes, ..ChangeBatch::default() }, EXACT);
    assert_eq!((log.remembered, log.states.len(), log.states[0].batch.len()), (0, 1, 0));
}

#[test]
fn who_came_is_known_as_long_as_it_is_remembered() {
    let mut log = told(&[(1, 1, EXACT), (2, 2, EXACT)]);
    let begun = Since::Before(log.states[0].at);
    let changed = Change { before: online("1").after, after: online("1").after };
    let gone = Change { before: online("2").after, after: None };
    let changes = vec![online("2"), gone, changed];
    log.take(ChangeBatch { state: 5, revision: 3, changes, ..ChangeBatch::default() }, EXACT);
    let since = |log: &Log, ids: &[&str]| {
        let spots: Vec<_> = ids.iter().map(|id| spot(&online(id).after.unwrap())).collect();
        log.since(&spots)
    };
    let came = Since::At(log.states[1].at);
    assert_eq!(since(&log, &["0", "1", "2"]), [begun, came, begun]);
    // Who comes again is remembered longer than the first time.
    log.take(
        ChangeBatch { state: 6, revision: 4, changes: vec![online("3")], ..ChangeBatch::default() },
        EXACT,
    );
    let gone = Change { before: online("3").after, after: None };
    let changes = vec![gone, online("3")];
    log.take(ChangeBatch { state: 8, revision: 5, changes, ..ChangeBatch::default() }, EXACT);
    log.forget(3);
    let (begun, again) = (Since::Before(log.states[0].at), Since::At(log.states[1].at));
    assert_eq!((log.states.len(), since(&log, &["1", "3"])), (2, vec![begun, again]));
    log.forget(0);
    assert_eq!(since(&log, &["3"]), [Since::Before(log.states[0].at)]);
}
