//! Who is answered, and how much, over sockets.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::opt::EdnsOption;
use srvd::names::Networks;
use srvd::wire::{Cookies, Counts, Limiter, Policy, RateLimit, Truncation};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, UdpSocket};
use tokio::time::{Instant, timeout};

use super::messages::{A, Query, counts, parse};
use super::{Server, example};

/// Both loopback addresses.
const LOOPBACK: [&str; 2] = ["127.0.0.1:0", "[::1]:0"];
/// How long a reply may take that is on its way.
const WAIT: Duration = Duration::from_secs(3);
/// How long no reply comes before none is expected.
const SILENCE: Duration = Duration::from_millis(200);
/// Replies a second where they are limited.
const RATE: u32 = 20;
/// The type SOA, which only the full path answers at an apex.
const SOA: u16 = 6;
/// The type TXT.
const TXT: u16 = 16;

/// Networks by their texts.
fn networks(texts: &[&str]) -> Networks {
    Networks::new(&texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<_>>())
}

/// A server that limits what networks are sent, and lets some have as much as they like.
fn limited(slip: u32, exempt: &[&str]) -> Server {
    let rate = RateLimit::new(NonZeroU32::new(RATE).unwrap());
    let limiter = Limiter::new(RateLimit { slip, exempt: networks(exempt), ..rate });
    let cookies = Some(Cookies::new([7; 16], &[]));
    let policy = Policy { rate_limit: Some(limiter), cookies, ..Policy::default() };
    Server::start_with(&example(), LOOPBACK, policy.into())
}

/// One reply over UDP, to a client with an address.
async fn over_udp(client: &str, server: SocketAddr, query: &[u8]) -> Message {
    let socket = UdpSocket::bind((client, 0)).await.unwrap();
    socket.send_to(query, server).await.unwrap();
    let mut reply = [0; 1232];
    let octets = timeout(WAIT, socket.recv(&mut reply)).await.unwrap().unwrap();
    parse(&reply[..octets]).unwrap()
}

/// One reply over TCP, to a client with an address.
async fn over_tcp(client: &str, server: SocketAddr, query: &[u8]) -> Message {
    let address = SocketAddr::new(client.parse().unwrap(), 0);
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
    let socket = socket.unwrap();
    socket.bind(address).unwrap();
    let mut stream = socket.connect(server).await.unwrap();
    stream.write_all(&[&(query.len() as u16).to_be_bytes(), query].concat()).await.unwrap();
    let mut reply = vec![0; usize::from(stream.read_u16().await.unwrap())];
    stream.read_exact(&mut reply).await.unwrap();
    parse(&reply).unwrap()
}

/// Sends queries from one socket, not faster than the server's buffer takes them, and gives
/// all replies.
async fn flood(server: SocketAddr, queries: impl IntoIterator<Item = Vec<u8>>) -> Vec<Vec<u8>> {
    let own = if server.is_ipv4() { "127.0.0.1" } else { "::1" };
    let socket = UdpSocket::bind((own, 0)).await.unwrap();
    let (mut replies, mut reply) = (Vec::new(), [0; 1232]);
    for (number, query) in queries.into_iter().enumerate() {
        socket.send_to(&query, server).await.unwrap();
        while let Ok(octets) = socket.try_recv(&mut reply) {
            replies.push(reply[..octets].to_vec());
        }
        if number % 32 == 31 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    while let Ok(octets) = timeout(SILENCE, socket.recv(&mut reply)).await {
        replies.push(reply[..octets.unwrap()].to_vec());
    }
    replies
}

/// A query with EDNS, often.
fn often(name: &str, kind: u16, times: usize) -> Vec<Vec<u8>> {
    vec![Query::new(name, kind).edns(1232, 0, 0, &[]).bytes(); times]
}

/// An option of a reply, if it has that.
fn option(reply: &Message, code: u16) -> Option<Vec<u8>> {
    let options = reply.edns.as_ref()?.options().as_ref();
    options.iter().find_map(|(_, option)| match option {
        EdnsOption::Unknown(other, data) if *other == code => Some(data.clone()),
        _ => None,
    })
}

/// The extended error of a reply, if it has one.
fn extended_error(reply: &Message) -> Option<u16> {
    option(reply, 15).map(|data| u16::from_be_bytes([data[0], data[1]]))
}

/// What was counted over UDP, on both paths.
fn counted(server: &Server, count: fn(&Counts) -> u64) -> u64 {
    let totals = server.counters.total();
    count(&totals.fast) + count(&totals.full)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_ask_is_refused_and_told_why() {
    let allow_query = Some(networks(&["127.0.0.2", "2001:db8::/32"]));
    let policy = Policy { allow_query, chaos: Some((*b"one").into()), ..Policy::default() };
    let server = Server::start_with(&example(), LOOPBACK, policy.into());
    // The fast path, the full path, a name that does not exist, one that is not ours.
    for (name, kind) in [
        ("web.services.internal", A),
        ("services.internal", SOA),
        ("no.services.internal", A),
        ("example.", A),
    ] {
        let (plain, edns) = (Query::new(name, kind), Query::new(name, kind).edns(1232, 0, 0, &[]));
        for (client, server) in [("127.0.0.1", server.v4), ("::1", server.v6)] {
            for query in [&plain, &edns] {
                let query = query.bytes();
                let replies = [
                    over_udp(client, server, &query).await,
                    over_tcp(client, server, &query).await,
                ];
                for reply in replies {
                    assert_eq!(reply.metadata.response_code, ResponseCode::Refused, "{reply:?}");
                    assert!(reply.answers.is_empty() && reply.authorities.is_empty());
                    assert_eq!(extended_error(&reply), reply.edns.is_some().then_some(18));
                    assert!(!reply.metadata.authoritative);
                }
            }
        }
    }
    // Nor is such a client told who this is.
    let mut chaos = Query::new("id.server", TXT).edns(1232, 0, 0, &[]);
    *chaos.question.last_mut().unwrap() = 3;
    let reply = over_udp("127.0.0.1", server.v4, &chaos.bytes()).await;
    assert_eq!((reply.answers.len(), extended_error(&reply)), (0, Some(18)));
    assert_eq!(over_udp("127.0.0.2", server.v4, &chaos.bytes()).await.answers.len(), 1);
    let query = Query::new("web.services.internal", A).bytes();
    assert_eq!(over_udp("127.0.0.2", server.v4, &query).await.answers.len(), 2);
    assert_eq!(over_tcp("127.0.0.2", server.v4, &query).await.answers.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_over_its_rate_is_cut_off_and_recovers() {
    let server = limited(0, &[]);
    for (at, client) in [(server.v4, "127.0.0.1"), (server.v6, "::1")] {
        // The fast path and the full path have one account together.
        for (name, kind) in [("web.services.internal", A), ("services.internal", SOA)] {
            tokio::time::sleep(Duration::from_millis(1_100)).await;
            let (start, limited) = (Instant::now(), counted(&server, |it| it.limited));
            let sent = often(name, kind, 300);
            let replies = flood(at, sent.clone()).await.len();
            let most =
                RATE as usize + 1 + (start.elapsed().as_secs_f64() * f64::from(RATE)) as usize;
            assert!((RATE as usize..=most).contains(&replies), "{replies}, at most {most}");
            assert_eq!(counted(&server, |it| it.limited) - limited, (300 - replies) as u64);
            // Over TCP, where nobody forges addresses, all is said.
            assert!(!over_tcp(client, at, &sent[0]).await.answers.is_empty());
        }
    }
    assert_eq!(counted(&server, |it| it.slipped), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_slips_is_empty_and_asks_for_tcp() {
    let server = limited(1, &[]);
    for (name, kind) in [("web.services.internal", A), ("services.internal", SOA)] {
        let sent = often(name, kind, 100);
        let replies = flood(server.v4, sent.clone()).await;
        assert_eq!(replies.len(), 100);
        let (slipped, whole): (Vec<_>, Vec<_>) =
            replies.iter().partition(|reply| reply[2] & 2 != 0);
        assert!(slipped.len() >= 50, "{}", slipped.len());
        assert!(whole.iter().all(|reply| counts(reply)[0] > 0));
        for reply in slipped {
            let message = parse(reply).unwrap();
            assert_eq!((counts(reply), reply.len()), ([0, 0, 1], sent[0].len()));
            assert_eq!(message.metadata.response_code, ResponseCode::NoError);
            assert!(message.edns.is_some() && message.queries.len() == 1);
        }
    }
    let slipped = counted(&server, |it| it.slipped);
    let answered = server.counters.answered();
    let truncated: u64 = answered.iter().map(|it| it.truncated[Truncation::Rate as usize]).sum();
    assert!(slipped >= 100 && slipped == truncated, "{slipped} {truncated}");
}

#[tokio::test(flavor = "multi_thread")]
async fn by_default_every_second_one_slips() {
    let server = limited(2, &[]);
    let replies = flood(server.v4, often("web.services.internal", A, 2_000)).await;
    let slipped = replies.iter().filter(|reply| reply[2] & 2 != 0).count();
    let limited = 2_000 - (replies.len() - slipped);
    assert!((limited * 4 / 10..=limited * 6 / 10).contains(&slipped), "{slipped} of {limited}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exempt_are_not_limited() {
    let server = limited(0, &["127.0.0.0/8"]);
    assert_eq!(flood(server.v4, often("web.services.internal", A, 500)).await.len(), 500);
    assert!(flood(server.v6, often("web.services.internal", A, 500)).await.len() < 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_shows_a_cookie_is_not_limited() {
    let server = limited(0, &[]);
    for (name, kind) in [("web.services.internal", A), ("services.internal", SOA)] {
        let client = [&[0, 10, 0, 8][..], &[1; 8]].concat();
        let first = Query::new(name, kind).edns(1232, 0, 0, &client).bytes();
        let cookie = option(&over_udp("127.0.0.1", server.v4, &first).await, 10).unwrap();
        let known = [&[0, 10, 0, 24][..], &cookie].concat();
        let known = Query::new(name, kind).edns(1232, 0, 0, &known).bytes();
        assert_eq!(flood(server.v4, vec![known.clone(); 300]).await.len(), 300);
        // Nor did that cost its network anything; one that is not ours is no better than none.
        let mut forged = known;
        *forged.last_mut().unwrap() ^= 1;
        let answered = flood(server.v4, vec![forged; 300]).await.len();
        assert!((RATE as usize - 1..300).contains(&answered), "{answered}");
        tokio::time::sleep(Duration::from_millis(1_100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_invented_names_leaves_the_others_alone() {
    let server = limited(0, &[]);
    let invented = (0..500).map(|n| Query::new(&format!("N{n}.services.internal"), A).bytes());
    let replies = flood(server.v4, invented).await;
    assert!(replies.len() < 3 * RATE as usize, "{}", replies.len());
    assert!(replies.iter().all(|reply| reply[3] & 15 == 3));
    // In whatever case the zone is written, it has one account.
    let shouted = flood(server.v4, often("x.SERVICES.INTERNAL", A, 20)).await;
    assert!(shouted.len() < RATE as usize, "{}", shouted.len());
    let answered = flood(server.v4, often("web.services.internal", A, RATE as usize)).await;
    assert_eq!(answered.len(), RATE as usize);
}
