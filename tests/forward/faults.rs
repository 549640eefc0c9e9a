//! Servers that do what they should not: the next one is asked, and in the end there is an
//! answer, or a reason why there is none.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Forwarding;
use super::upstream::{Wayward, address, blank, framed, has_edns, truncated};
use crate::wire::messages::{A, Query};

/// What dig shows of the answer that [`address`] gives.
const ADDRESS: &str = "192.0.2.77";

/// A port of this machine where nobody answers.
fn nobody() -> SocketAddr {
    crate::support::free_addr()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_server_is_asked_when_one_does_not_help() {
    let good = Wayward::start(|query| vec![address(query)]);
    let wrong_id = Wayward::start(|query| {
        let mut reply = address(query);
        reply[0] ^= 1;
        vec![reply]
    });
    let other_question = Wayward::start(|query| {
        let mut reply = address(query);
        reply[13] ^= 1;
        vec![reply]
    });
    let garbage = Wayward::start(|query| vec![[&query[..2], &[0x80; 40][..]].concat()]);
    let referral = Wayward::start(|query| {
        let mut reply = blank(query, 0);
        reply[9] = 1;
        reply.extend([0, 0, 2, 0, 1, 0, 0, 0, 60, 0, 1, 0]);
        vec![reply]
    });
    let no_tcp = Wayward::start(|query| vec![truncated(query)]);
    let half = |query: &[u8]| framed(address(query))[..20].to_vec();
    let half_tcp = Wayward::start_both(|query| vec![truncated(query)], half);
    let other_port = other_port();
    let no_question = Wayward::start(|query| vec![bare(query, 0)]);
    let bad = [
        ("nobody", nobody()),
        ("silent", Wayward::silent().at),
        ("SERVFAIL", Wayward::code(2).at),
        ("REFUSED", Wayward::code(5).at),
        ("wrong id", wrong_id.at),
        ("other question", other_question.at),
        ("other port", other_port),
        ("garbage", garbage.at),
        ("referral", referral.at),
        ("truncated, and no TCP", no_tcp.at),
        ("truncated, and half of it over TCP", half_tcp.at),
        ("no question", no_question.at),
    ];
    for (what, bad) in bad {
        let forwarding = Forwarding::to(&[bad, good.at]);
        let start = Instant::now();
        let output = forwarding.see("A www.others.test", &["NOERROR", ADDRESS]).await;
        let took = start.elapsed();
        println!("{what}: {took:?}");
        assert!(took < Duration::from_secs(2), "{what}: {took:?}\n{output}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_failed_comes_last_for_a_while() {
    let (silent, good) = (Wayward::silent(), Wayward::start(|query| vec![address(query)]));
    let forwarding = Forwarding::to(&[silent.at, good.at]);
    forwarding.see("A a.others.test", &[ADDRESS]).await;
    let asked = silent.asked();
    for name in ["b", "c", "d"] {
        forwarding.see(&format!("A {name}.others.test"), &[ADDRESS]).await;
    }
    // It may have been asked again for the first name, and never for others.
    assert!((1..=3).contains(&asked) && silent.asked() <= 3, "{asked}, {}", silent.asked());
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc8914_the_reason_is_told_where_nobody_answers() {
    let garbage = Wayward::start(|query| vec![[&query[..2], &[0x80; 40][..]].concat()]);
    for (upstreams, texts) in [
        (vec![nobody(), Wayward::silent().at], &["SERVFAIL", "flags: qr rd ra;", "EDE: 22"][..]),
        (vec![Wayward::code(5).at], &["SERVFAIL", "EDE: 22"]),
        (vec![garbage.at], &["SERVFAIL", "EDE: 23"]),
        (vec![Wayward::silent().at, Wayward::code(4).at], &["NOTIMP", "flags: qr rd ra;"]),
    ] {
        let forwarding = Forwarding::to(&upstreams);
        let start = Instant::now();
        forwarding.see("A www.others.test", texts).await;
        assert!(start.elapsed() < Duration::from_millis(4800), "{:?}", start.elapsed());
        assert_eq!(forwarding.forwarder.counts().failed, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc9520_a_failure_is_kept_for_a_moment() {
    let upstream = Wayward::code(2);
    let forwarding = Forwarding::to(&[upstream.at]);
    let output = forwarding.see("A www.others.test", &["SERVFAIL"]).await;
    assert!(!output.contains("EDE"), "{output}");
    forwarding.see("A www.others.test", &["SERVFAIL", "EDE: 13"]).await;
    assert_eq!(upstream.asked(), 1);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    forwarding.see("A www.others.test", &["SERVFAIL"]).await;
    assert_eq!(upstream.asked(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc7766_a_slow_answer_holds_up_no_other_on_its_connection() {
    let slow = Wayward::start(|query| {
        std::thread::sleep(Duration::from_millis(300));
        vec![address(query)]
    });
    let forwarding = Forwarding::to(&[slow.at]);
    let ask = |name: &str, id: u8| {
        let mut query = Query::new(name, A);
        query.header[..2].copy_from_slice(&[0, id]);
        let query = query.flags(1, 0).bytes();
        [&(query.len() as u16).to_be_bytes()[..], &query].concat()
    };
    let mut stream = TcpStream::connect(forwarding.server.v4).await.unwrap();
    let first = ask("www.others.test", 1);
    let queries = [first, ask("web.services.internal", 2), ask("web.services.internal", 3)];
    stream.write_all(&queries.concat()).await.unwrap();
    // The client has nothing more to say, and still wants its answers.
    stream.shutdown().await.unwrap();
    let mut ids = Vec::new();
    while let Ok(length) = stream.read_u16().await {
        let mut reply = vec![0; length.into()];
        stream.read_exact(&mut reply).await.unwrap();
        ids.push((reply[1], reply[7]));
    }
    assert_eq!(ids, [(2, 2), (3, 2), (1, 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_restarts_is_tried_again() {
    let at = nobody();
    let forwarding = Forwarding::to(&[at]);
    let asked = || forwarding.forwarder.counts().asked;
    let (seen, ()) =
        tokio::join!(forwarding.see("A www.others.test", &["NOERROR", ADDRESS]), async {
            while asked() == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            tokio::time::sleep(Duration::from_millis(400)).await;
            Wayward::start_on(UdpSocket::bind(at).unwrap(), |query| vec![address(query)]);
        });
    assert!(!seen.contains("EDE"), "{seen}");
}

/// A server whose replies come from another port: nobody should hear them.
fn other_port() -> SocketAddr {
    let [socket, other] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
    let at = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut query = [0; 1500];
        while let Ok((octets, client)) = socket.recv_from(&mut query) {
            let mut reply = address(&query[..octets]);
            *reply.last_mut().unwrap() = 66;
            let _ = other.send_to(&reply, client);
        }
    });
    at
}

/// A reply of a header alone.
fn bare(query: &[u8], code: u8) -> Vec<u8> {
    let mut reply = blank(query, code)[..12].to_vec();
    reply[5] = 0;
    reply
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc7766_what_is_cut_is_asked_for_over_tcp() {
    let whole = |query: &[u8]| framed(address(query));
    let upstream = Wayward::start_both(|query| vec![truncated(query)], whole);
    let forwarding = Forwarding::to(&[upstream.at]);
    forwarding.see("A www.others.test", &["NOERROR", ADDRESS]).await;
    // Another question, or id, is not what was asked for.
    for at in [0, 13] {
        let other = move |query: &[u8]| {
            let mut reply = framed(address(query));
            reply[2 + at] ^= 1;
            reply
        };
        let upstream = Wayward::start_both(|query| vec![truncated(query)], other);
        Forwarding::to(&[upstream.at]).see("A www.others.test", &["SERVFAIL", "EDE: 23"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc6891_s7_who_does_not_know_edns_is_asked_without() {
    type Say = fn(&[u8]) -> Vec<Vec<u8>>;
    let says: [(&str, Say); 5] = [
        ("FORMERR", |query| vec![blank(query, 1)]),
        ("FORMERR without question", |query| vec![bare(query, 1)]),
        ("NOTIMP", |query| vec![blank(query, 4)]),
        ("BADVERS", |query| {
            let mut reply = blank(query, 0);
            reply[11] = 1;
            vec![[&reply[..], &[0, 0, 41, 4, 208, 1, 0, 0, 0, 0, 0]].concat()]
        }),
        ("nothing", |_| Vec::new()),
    ];
    for (what, say) in says {
        let by_edns = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&by_edns);
        let upstream = Wayward::start(move |query| match has_edns(query) {
            true => {
                count.fetch_add(1, Ordering::Relaxed);
                say(query)
            }
            false => vec![address(query)],
        });
        let forwarding = Forwarding::to(&[upstream.at]);
        forwarding.see("+noedns A a.others.test", &["NOERROR", ADDRESS]).await;
        let before = by_edns.load(Ordering::Relaxed);
        forwarding.see("A b.others.test", &["NOERROR", ADDRESS, "EDNS"]).await;
        assert_eq!((before > 0, by_edns.load(Ordering::Relaxed)), (true, before), "{what}");
        assert!(!forwarding.forwarder.upstreams()[0].has_edns, "{what}");
    }
    // It may be the question that it does not know.
    let upstream = Wayward::code(4);
    let forwarding = Forwarding::to(&[upstream.at]);
    forwarding.see("A a.others.test", &["NOTIMP"]).await;
    assert!(forwarding.forwarder.upstreams()[0].has_edns);
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc2308_s2_who_knows_a_name_first_hand_may_leave_the_soa_out() {
    let upstream = Wayward::start(|query| {
        let mut reply = blank(query, 0);
        (reply[2], reply[9]) = (reply[2] | 4, 1);
        reply.extend([0, 0, 2, 0, 1, 0, 0, 0, 60, 0, 1, 0]);
        vec![reply]
    });
    let forwarding = Forwarding::to(&[upstream.at]);
    for _ in 0..2 {
        let texts = ["NOERROR", "flags: qr rd ra;", "ANSWER: 0, AUTHORITY: 0"];
        forwarding.see("A www.others.test", &texts).await;
    }
    // Nothing says how long it holds.
    assert_eq!(forwarding.forwarder.counts().cached, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_without_question_is_not_waited_after() {
    for (code, ede) in [(0, "EDE: 23"), (3, "EDE: 23"), (5, "EDE: 22"), (1, "EDE: 23")] {
        let upstream = Wayward::start(move |query| vec![bare(query, code)]);
        let forwarding = Forwarding::to(&[upstream.at]);
        forwarding.see("A www.others.test", &["SERVFAIL", ede]).await;
        // Once, and where that may help once more without EDNS; not again and again.
        assert_eq!(upstream.asked(), 1 + usize::from(code == 1), "{code}");
    }
}
