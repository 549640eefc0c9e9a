//! Many questions at once: what is ours is answered all the same, and nothing is lost that
//! there is room for.

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use srvd::wire::Counters;

use super::Forwarding;
use super::upstream::{Wayward, address, answers};
use crate::wire::messages::{A, Query};

/// The type of an SOA, and that of all records: only the full path looks at them.
const SOA: u16 = 6;
const ANY: u16 = 255;
/// How long a reply may take: longer than the forwarder waits.
const WAIT: Duration = Duration::from_secs(6);

/// Asks so many questions for different names, of which at most `window` wait, and collects
/// the codes of the replies.
fn ask(at: std::net::SocketAddr, questions: usize, window: usize) -> Vec<u8> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(at).unwrap();
    socket.set_read_timeout(Some(WAIT)).unwrap();
    let (mut codes, mut reply) = (Vec::new(), [0; 1500]);
    for number in 0..questions {
        let query = Query::new(&format!("n{number}.others.test"), A).flags(1, 0);
        socket.send(&query.bytes()).unwrap();
        if number + 1 >= codes.len() + window && socket.recv(&mut reply).is_ok() {
            codes.push(reply[3] & 0x0f);
        }
    }
    while codes.len() < questions && socket.recv(&mut reply).is_ok() {
        codes.push(reply[3] & 0x0f);
    }
    codes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn our_own_names_are_answered_while_others_are_silent() {
    let silent = Wayward::silent();
    let forwarding = Forwarding::to(&[silent.at]);
    let at = forwarding.server.v4;
    let flood = tokio::task::spawn_blocking(move || ask(at, 600, 400));
    while forwarding.forwarder.counts().in_flight < 250 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for transport in ["+notcp", "+tcp"] {
        let start = Instant::now();
        let query = format!("{transport} A web.services.internal");
        forwarding.see(&query, &["NOERROR", "ANSWER: 2"]).await;
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    }
    let codes = flood.await.unwrap();
    let counts = forwarding.forwarder.counts();
    assert!(counts.no_room > 0 && counts.asked <= 500, "{counts:?}");
    assert!(codes.iter().all(|code| *code == 2) && codes.len() == 600, "{}", codes.len());
}

/// Asks one question so many times, spelt in two ways, and collects the codes of the replies.
fn repeat(at: std::net::SocketAddr, times: usize) -> Vec<u8> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(at).unwrap();
    socket.set_read_timeout(Some(WAIT)).unwrap();
    for number in 0..times {
        let name = ["www.others.test", "WWW.others.TEST"][number % 2];
        socket.send(&Query::new(name, A).flags(1, 0).bytes()).unwrap();
    }
    let mut reply = [0; 1500];
    (0..times).map_while(|_| socket.recv(&mut reply).ok().map(|_| reply[3] & 0x0f)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rfc5452_equal_questions_are_asked_once() {
    let slow = Wayward::start(|query| {
        std::thread::sleep(Duration::from_millis(250));
        vec![address(query)]
    });
    let forwarding = Forwarding::to(&[slow.at]);
    let at = forwarding.server.v4;
    let codes = tokio::task::spawn_blocking(move || repeat(at, 40)).await.unwrap();
    forwarding.forwarder.idle().await;
    let counts = forwarding.forwarder.counts();
    assert_eq!((codes, slow.asked()), (vec![0; 40], 1));
    assert_eq!((counts.asked, counts.merged, counts.no_room), (1, 39, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_dead_name_takes_one_place_whoever_asks_for_it() {
    let silent = Wayward::start(|query| match query[13].to_ascii_lowercase() {
        b'w' => Vec::new(),
        _ => vec![address(query)],
    });
    let forwarding = Forwarding::to(&[silent.at]);
    let at = forwarding.server.v4;
    let dead = tokio::task::spawn_blocking(move || repeat(at, 150));
    let merged = || forwarding.forwarder.counts().merged;
    assert!(crate::support::eventually(|| merged() == 149), "{}", merged());
    forwarding.see("A living.others.test", &["NOERROR", "192.0.2.77"]).await;
    assert_eq!(dead.await.unwrap(), [2; 150]);
    forwarding.forwarder.idle().await;
    let counts = forwarding.forwarder.counts();
    assert_eq!((counts.asked, counts.merged, counts.failed, counts.no_room), (2, 149, 1, 0));
    // Once it is over, it is asked again.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    forwarding.see("A www.others.test", &["SERVFAIL"]).await;
    assert_eq!(forwarding.forwarder.counts().asked, 3);
}

/// A client with an address of its own.
fn client(at: std::net::SocketAddr, number: usize) -> UdpSocket {
    let address = [127, 1, (number / 250) as u8, (number % 250 + 1) as u8];
    let socket = UdpSocket::bind((std::net::Ipv4Addr::from(address), 0)).unwrap();
    socket.connect(at).unwrap();
    socket.set_read_timeout(Some(WAIT)).unwrap();
    socket
}

/// The code of the reply to a query, which is sent again where it, or its reply, is lost.
fn code_of(socket: &UdpSocket, query: &[u8]) -> u8 {
    let mut reply = [0; 1500];
    for _ in 0..3 {
        if socket.recv(&mut reply).is_ok() {
            return reply[3] & 0x0f;
        }
        socket.send(query).unwrap();
    }
    panic!("no reply")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn six_hundred_clients_get_the_one_answer() {
    let slow = Wayward::start(|query| {
        std::thread::sleep(Duration::from_millis(100));
        vec![address(query)]
    });
    let forwarding = Forwarding::to(&[slow.at]);
    let at = forwarding.server.v4;
    let codes = tokio::task::spawn_blocking(move || {
        let clients: Vec<_> = (0..600).map(|number| client(at, number)).collect();
        let query = Query::new("www.others.test", A).flags(1, 0).bytes();
        clients.iter().for_each(|client| _ = client.send(&query).unwrap());
        clients.iter().map(|client| code_of(client, &query)).collect::<Vec<_>>()
    });
    assert_eq!(codes.await.unwrap(), [0; 600]);
    let counts = forwarding.forwarder.counts();
    assert_eq!((counts.asked, counts.no_room, counts.failed), (1, 0, 0), "{counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_name_that_holds_for_a_second_never_fails() {
    let slow = Wayward::start(|query| {
        std::thread::sleep(Duration::from_millis(60));
        vec![answers(query, &[("www.others.test", A, 1, vec![192, 0, 2, 77])])]
    });
    let forwarding = Forwarding::to(&[slow.at]);
    let at = forwarding.server.v4;
    let codes = tokio::task::spawn_blocking(move || {
        let (socket, mut codes, mut reply) = (client(at, 0), Vec::new(), [0; 1500]);
        let query = Query::new("www.others.test", A).flags(1, 0).bytes();
        let start = Instant::now();
        // Some 2,000 a second.
        while start.elapsed() < Duration::from_millis(3500) {
            (0..20).for_each(|_| _ = socket.send(&query).unwrap());
            let received =
                (0..20).map_while(|_| socket.recv(&mut reply).ok().map(|_| reply[3] & 0x0f));
            codes.extend(received);
            std::thread::sleep(Duration::from_millis(10));
        }
        codes
    });
    let codes = codes.await.unwrap();
    let counts = forwarding.forwarder.counts();
    println!("{} answers, {counts:?}", codes.len());
    assert!(codes.len() > 100 && codes.iter().all(|code| *code == 0));
    assert!(counts.no_room == 0 && counts.failed == 0 && counts.refreshed > 0, "{counts:?}");
    assert!(counts.asked < 20, "{counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn clients_that_hold_all_places_make_room_for_others() {
    let silent = Wayward::start(|query| match query[13].to_ascii_lowercase() {
        b'n' => Vec::new(),
        _ => vec![address(query)],
    });
    let forwarding = Forwarding::to(&[silent.at]);
    let at = forwarding.server.v4;
    let clients: Vec<_> = (0..4).map(|number| client(at, number)).collect();
    let ask = |number: usize| {
        let name = format!("n{number}.others.test");
        clients[number % 4].send(&Query::new(&name, A).flags(1, 0).bytes()).unwrap();
    };
    let waiting = || forwarding.forwarder.counts().in_flight;
    // As many of each as a share is, wherever descriptors are few.
    (0..1200).for_each(|number| {
        ask(number);
        if number % 50 == 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    let is_full = || forwarding.forwarder.counts().no_room > 0 && waiting() >= 4;
    assert!(crate::support::eventually(is_full), "{:?}", forwarding.forwarder.counts());
    let before = forwarding.forwarder.counts();
    let other = tokio::task::spawn_blocking(move || {
        let query = Query::new("living.others.test", A).flags(1, 0).bytes();
        let socket = client(at, 300);
        socket.send(&query).unwrap();
        code_of(&socket, &query)
    });
    assert_eq!(other.await.unwrap(), 0, "{before:?}");
}

/// Asks for a name of others until told to end, as fast as datagrams are taken in; never more
/// are on their way than a socket has room for.
fn flood(server: (std::net::SocketAddr, Arc<Counters>), kind: u16, end: &AtomicBool) {
    let (socket, (at, counters)) = (UdpSocket::bind("127.0.0.1:0").unwrap(), server);
    let query = Query::new("www.others.test", kind).flags(1, 0).bytes();
    let received = || counters.total().fast.received;
    let (before, mut sent) = (received(), 0);
    while !end.load(Ordering::Relaxed) {
        if sent < received() - before + 100 {
            socket.send_to(&query, at).unwrap();
            sent += 1;
        } else {
            std::thread::yield_now();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_flood_of_cached_names_keeps_none_of_ours_waiting() {
    let quick = Wayward::start(|query| vec![address(query)]);
    let forwarding = Forwarding::to(&[quick.at]);
    forwarding.see("A www.others.test", &["NOERROR"]).await;
    // Types that only the full path looks at are in no other queue.
    for kind in [A, ANY] {
        let (at, counters) = (forwarding.server.v4, Arc::clone(&forwarding.server.counters));
        let end = Arc::<AtomicBool>::default();
        let ending = Arc::clone(&end);
        let flood = tokio::task::spawn_blocking(move || flood((at, counters), kind, &ending));
        let lost = || {
            let counts = forwarding.server.counters.total().fast;
            counts.dropped + counts.evicted
        };
        let before = lost();
        assert!(crate::support::eventually(|| lost() > before), "no flood");
        let ours = tokio::task::spawn_blocking(move || own(at, 100)).await.unwrap();
        end.store(true, Ordering::Relaxed);
        flood.await.unwrap();
        assert_eq!(ours, 100, "of type {kind}");
    }
}

/// How many of so many queries for an SOA of ours are answered soon.
fn own(at: std::net::SocketAddr, queries: u16) -> usize {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let query = Query::new("services.internal", SOA).bytes();
    let is_answered = |_: &u16| {
        socket.send_to(&query, at).unwrap();
        socket.recv(&mut [0; 1500]).is_ok()
    };
    (0..queries).filter(is_answered).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_that_there_is_room_for() {
    let quick = Wayward::start(|query| vec![address(query)]);
    let forwarding = Forwarding::to(&[quick.at]);
    let at = forwarding.server.v4;
    let start = Instant::now();
    let codes = tokio::task::spawn_blocking(move || ask(at, 5000, 200)).await.unwrap();
    let counts = forwarding.forwarder.counts();
    println!("{} in {:?}, {counts:?}", codes.len(), start.elapsed());
    assert_eq!((codes.len(), counts.asked, counts.failed, counts.no_room), (5000, 5000, 0, 0));
    assert!(codes.iter().all(|code| *code == 0));
}
