//! Many questions at once: what is ours is answered all the same, and nothing is lost that
//! there is room for.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use super::Forwarding;
use super::upstream::{Wayward, address};
use crate::wire::messages::{A, Query};

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
        assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
    }
    let codes = flood.await.unwrap();
    let counts = forwarding.forwarder.counts();
    assert!(counts.no_room > 0 && counts.asked <= 500, "{counts:?}");
    assert!(codes.iter().all(|code| *code == 2) && codes.len() == 600, "{}", codes.len());
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
