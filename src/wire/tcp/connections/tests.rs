//! Tests of the table of connections.

use super::*;
use crate::wire::Policy;

/// Room for ten connections, five of one client.
fn connections() -> Arc<Connections> {
    let policies = Arc::new(Policies::new(Arc::new(policy(10, 5))));
    Arc::new(Connections::new(policies, Arc::default()))
}

/// A policy of limits.
fn policy(connections: usize, per_client: usize) -> Policy {
    let tcp = TcpLimits { connections, per_client, ..TcpLimits::default() };
    Policy { tcp, ..Policy::default() }
}

/// As many places of one client.
fn fill(connections: &Arc<Connections>, client: &str, places: usize) -> Vec<ConnectionSlot> {
    let client = client.parse().unwrap();
    (0..places).map(|_| connections.admit(client)).collect()
}

fn closed(places: &[ConnectionSlot]) -> Vec<usize> {
    (0..places.len()).filter(|at| places[*at].close.is_cancelled()).collect()
}

#[test]
fn a_client_over_its_limit_closes_its_own_quietest() {
    let connections = connections();
    let other = fill(&connections, "192.0.2.1", 1);
    let places = fill(&connections, "192.0.2.2", 5);
    places[0].touch();
    assert_eq!(closed(&places), [0; 0]);
    let more = fill(&connections, "192.0.2.2", 2);
    assert_eq!((closed(&other), closed(&places)), (vec![], vec![1, 2]));
    let counts = || connections.counters.total().tcp;
    assert_eq!((counts().accepted, counts().closed_for_client, counts().open), (8, 2, 8));
    drop((other, places, more));
    assert_eq!((counts().closed_for_room, counts().open), (0, 0));
}

#[test]
fn where_limits_fall_more_than_one_is_closed_for_each_that_comes() {
    let connections = connections();
    let places = [fill(&connections, "192.0.2.1", 5), fill(&connections, "192.0.2.2", 5)];
    connections.policies.replace(policy(4, 2));
    let more = fill(&connections, "192.0.2.3", 1);
    assert_eq!(places.iter().map(|it| closed(it).len()).sum::<usize>(), 7);
    let last = fill(&connections, "192.0.2.3", 2);
    assert_eq!((closed(&more), closed(&last)), (vec![0], vec![]));
    assert_eq!(connections.open.lock().table.count(), 4);
}

#[test]
fn over_the_limit_in_all_who_holds_the_most_loses_the_quietest() {
    let connections = connections();
    let first = fill(&connections, "192.0.2.1", 1);
    let half = fill(&connections, "192.0.2.2", 5);
    let rest = fill(&connections, "192.0.2.3", 4);
    half[0].touch();
    let last = fill(&connections, "192.0.2.4", 1);
    assert_eq!((closed(&first), closed(&half), closed(&rest)), (vec![], vec![1], vec![]));
    // Of clients that hold as many, whichever has been quiet for longest.
    let more = fill(&connections, "192.0.2.5", 1);
    assert_eq!((closed(&half), closed(&rest), closed(&last)), (vec![1, 2], vec![], vec![]));
    assert_eq!(connections.counters.total().tcp.closed_for_room, 2);
    drop((first, half, rest, last, more));
    let open = connections.open.lock();
    assert!(open.is_empty());
}

#[test]
fn who_holds_the_most_octets_loses_what_holds_them() {
    let connections = connections();
    let mut one = fill(&connections, "192.0.2.1", 2);
    let mut two = fill(&connections, "192.0.2.2", 4);
    one[0].hold(OCTETS_CLIENT_MAX / 2);
    one[1].hold(1);
    one[0].hold(OCTETS_CLIENT_MAX - 1);
    assert_eq!((closed(&one), connections.open.lock().octets), (vec![], OCTETS_CLIENT_MAX));
    // One octet more is too much for a client.
    let _one = HeldOctets::new(vec![0], one[1].account());
    assert_eq!((closed(&one), connections.open.lock().octets), (vec![0], 2));
    // What a closed one holds until it ends is not counted again.
    one[0].hold(OCTETS_CLIENT_MAX * 2);
    assert_eq!((closed(&one), connections.open.lock().octets), (vec![0], 2));
    for place in &mut two {
        place.hold(OCTETS_CLIENT_MAX / 4);
    }
    assert_eq!(closed(&two), [0; 0]);
    let mut others: Vec<_> =
        (3..6).flat_map(|host| fill(&connections, &format!("192.0.2.{host}"), 1)).collect();
    for place in &mut others {
        place.hold(OCTETS_CLIENT_MAX - 8);
    }
    // With these it is too much for all: of who holds the most, the quietest of equals.
    let _more = HeldOctets::new(vec![0; 24], one[1].account());
    assert_eq!((closed(&one), closed(&two), closed(&others)), (vec![0], vec![0], vec![]));
    assert_eq!(connections.counters.total().tcp.closed_for_octets, 2);
    let held = connections.open.lock().octets;
    assert_eq!(connections.counters.total().tcp.octets, held as u64);
    drop((one, two, others));
    assert_eq!((connections.open.lock().octets, connections.counters.total().tcp.octets), (0, 0));
}

#[test]
fn who_shakes_hands_makes_room_before_who_can_ask() {
    let connections = connections();
    let places = fill(&connections, "192.0.2.1", 5);
    [2, 4].iter().for_each(|at: &usize| places[*at].begin(false));
    let _more = fill(&connections, "192.0.2.1", 1);
    assert_eq!(closed(&places), [2]);
    places[4].begin(true);
    let _last = fill(&connections, "192.0.2.1", 1);
    assert_eq!(closed(&places), [0, 2]);
}

#[test]
fn a_connection_through_a_proxy_is_held_to_the_bounds_of_its_client() {
    let connections = connections();
    let before = fill(&connections, "192.0.2.1", 4);
    let mut through = fill(&connections, "192.0.2.9", 3);
    through.iter().for_each(|it| it.begin(false));
    through[0].hold(7);
    for it in &through[..2] {
        it.give("::ffff:192.0.2.1".parse().unwrap());
    }
    // The client's fifth, and its sixth.
    assert_eq!((closed(&before), closed(&through)), (vec![0], vec![]));
    through[2].give("192.0.2.9".parse().unwrap());
    let open = connections.open.lock();
    let counts = ["192.0.2.1", "192.0.2.9"].map(|it| open.table.of(it.parse().unwrap()));
    let held = ["192.0.2.1", "192.0.2.9"].map(|it| open.held_by(it.parse().unwrap()));
    assert_eq!((counts, held), ([5, 1], [7, 0]));
    drop(open);
    drop((before, through));
    assert!(connections.open.lock().is_empty());
}

#[test]
fn for_descriptors_several_are_closed_at_once() {
    let connections = connections();
    let places = [fill(&connections, "192.0.2.1", 5), fill(&connections, "192.0.2.2", 5)];
    assert!(connections.make_room());
    let closed: usize = places.iter().map(|it| closed(it).len()).sum();
    assert_eq!((closed, connections.counters.total().tcp.closed_for_descriptors), (8, 8));
    assert!(connections.make_room() && !connections.make_room());
}

#[test]
fn ipv4_inside_ipv6_is_the_same_client() {
    let connections = connections();
    let one = fill(&connections, "192.0.2.1", 4);
    let mapped = fill(&connections, "::ffff:192.0.2.1", 2);
    let other = fill(&connections, "::ffff:192.0.2.2", 2);
    assert_eq!((closed(&one), closed(&mapped), closed(&other)), (vec![0], vec![], vec![]));
}

#[test]
fn a_network_of_ipv6_is_one_client() {
    let connections = connections();
    let _places = fill(&connections, "2001:db8::1", 4);
    let one = fill(&connections, "2001:db8::2", 1);
    let _other = fill(&connections, "2001:db8:0:1::1", 4);
    let same = fill(&connections, "2001:db8::3", 5);
    assert_eq!((closed(&one), closed(&same)), (vec![0], vec![]));
}
