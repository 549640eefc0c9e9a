//! Many at once: leases that end together, an instance that flaps, a large registry, a
//! flood of queries.

use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use super::dns::{Question, Said};
use super::scene::Scene;

/// Leases that end together, each of an instance; five are one service.
const LEASES: u32 = 2_000;
/// Their life while nobody ends it: longer than the test.
const LEASE_SECONDS: i64 = 300;
/// What 99 of 100 answers must stay within while leases end: far above what it takes, and
/// far below what a query would take that waits for etcd.
const P99_MAX: Duration = Duration::from_secs(1);
/// How often an instance comes and goes in a second, and for how long.
const FLAPS: (u32, Duration) = (10, Duration::from_secs(5));
/// Services of a large registry, each of 100 instances.
const SERVICES: u32 = 100;
/// How long one more may take to be shown: far above the milliseconds that it takes, and
/// below what a new list of all would take on a slow machine.
const ONE_MORE_MAX: Duration = Duration::from_secs(2);
/// Queries of a flood, and of one burst. The bursts of both senders are 5 ms apart.
const FLOOD: (usize, usize) = (20_000, 50);
/// Idle connections: more than the server keeps of one client.
const HOARD: usize = 600;

/// The instances of services that are called so with a number.
fn crowd(name: &str, services: u32, each: u32) -> Vec<(String, String)> {
    let pair = |n: u32| {
        let (service, address) = (n / each, Ipv4Addr::from_bits(0x0a64_0000 + n));
        (format!("/services/{name}{service}/{n}"), format!("http://{address}:8080"))
    };
    (0..services * each).map(pair).collect()
}

#[test]
fn two_thousand_leases_lost_at_once() {
    let mut scene = Scene::of(1);
    let leases = scene.hand.put_leased(&crowd("crowd", LEASES / 5, 5), LEASE_SECONDS);
    let (question, mark) = scene.mark();
    scene.wait_for(&question, &mark);
    scene.asker.p99();
    std::thread::sleep(Duration::from_secs(1));
    let before = scene.asker.p99();
    scene.hand.revoke(&leases);
    let revoked = Instant::now();
    let (question, mark) = scene.mark();
    let took = scene.wait_for(&question, &mark).saturating_duration_since(revoked);
    let meanwhile = scene.asker.p99();
    assert!(meanwhile < P99_MAX, "p99 {meanwhile:?}");
    assert_eq!(scene.says(&Question::srv("crowd3")), Said::Absent);
    scene.remark(format!("p99 of answers {before:.1?} before, {meanwhile:.1?} meanwhile"));
    scene.finish("2,000 leases lost at once", took);
}

#[test]
fn an_instance_flaps_ten_times_a_second() {
    let mut scene = Scene::of(1);
    let (begun, half) = (Instant::now(), Duration::from_secs(1) / FLAPS.0 / 2);
    let mut flaps = 0;
    while begun.elapsed() < FLAPS.1 {
        scene.hand.put("/services/flapping/1", format!("http://10.4.0.{}:80", flaps % 250 + 1));
        std::thread::sleep(half);
        scene.hand.delete("/services/flapping/1");
        std::thread::sleep(half);
        flaps += 1;
    }
    scene.remark(format!("{flaps} times"));
    scene.right_again("an instance flaps at 10 Hz", Instant::now());
}

#[test]
fn ten_thousand_and_one_more() {
    let mut scene = Scene::of(1);
    scene.hand.put_all(&crowd("large", SERVICES, 100));
    let (question, mark) = scene.mark();
    scene.wait_for(&question, &mark);
    let lists = scene.srvd.log().count("the registry was listed");
    let begun = Instant::now();
    scene.hand.put("/services/joined/1", "http://10.5.0.1:80");
    let shown = Said::Records(["10.5.0.1".to_owned()].into());
    let took = scene.wait_for(&Question::a("joined"), &shown) - begun;
    assert!(took < ONE_MORE_MAX, "shown after {took:?}");
    assert_eq!(scene.srvd.log().count("the registry was listed"), lists, "it was listed again");
    scene.remark(format!("{} ms", took.as_millis()));
    scene.finish("10,000 instances, then one more", took);
}

/// Queries as fast as a bounded sender can, none of which is waited for.
fn flood(server: SocketAddr) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.connect(server).unwrap();
    let query = b"\x12\x34\0\0\0\x01\0\0\0\0\0\0\x06stable\x08services\x08internal\0\0\x01\0\x01";
    for n in 0..FLOOD.0 {
        // A full buffer is the flood's own trouble.
        let _ = socket.send(query);
        if n % FLOOD.1 == 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn a_flood_and_a_hoard_while_the_leader_dies() {
    let mut scene = Scene::of(3);
    let server = scene.at;
    let hoard: Vec<_> = (0..HOARD).filter_map(|_| TcpStream::connect(server).ok()).collect();
    let floods: Vec<_> = (0..2).map(|_| std::thread::spawn(move || flood(server))).collect();
    let leader = scene.cluster.leader();
    scene.kill(leader);
    let killed = Instant::now();
    scene.remark(format!("{} queries, {} idle connections", 2 * FLOOD.0, hoard.len()));
    scene.right_again("leader killed in a flood, with a TCP hoard", killed);
    floods.into_iter().for_each(|flood| flood.join().unwrap());
    drop(hoard);
    scene.mend();
}
