//! Whether a client that asks for much delays the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::messages::{A, Query, SRV};
use super::{Server, example};
use crate::support::eventually;

/// Instances of the one large service.
const INSTANCES: u32 = 100_000;
/// Connections that ask for it, again and again.
const GREEDY: usize = 4;
/// Datagrams whose replies are waited for, one by one.
const PROBES: usize = 50;
/// How long a reply may take: far less than when it had to wait for its turn between
/// large answers, and enough for a machine that runs other tests.
const BOUND: Duration = Duration::from_millis(500);

/// Asks one connection for a large service, and takes what is replied, without end.
async fn greedy(stream: TcpStream, taken: Arc<AtomicUsize>) {
    let query = Query::new("_big._tcp.services.internal", SRV).bytes();
    let framed = [&(query.len() as u16).to_be_bytes()[..], &query].concat();
    let (mut reader, mut writer) = stream.into_split();
    let ask = async { while writer.write_all(&framed.repeat(100)).await.is_ok() {} };
    let take = async {
        let mut octets = vec![0; 1 << 16];
        while let Ok(read @ 1..) = reader.read(&mut octets).await {
            taken.fetch_add(read, Ordering::Relaxed);
        }
    };
    tokio::join!(ask, take);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn large_answers_over_tcp_do_not_delay_datagrams() {
    let mut fixture = example();
    fixture.put_all((0..INSTANCES).map(|number| {
        let address = std::net::Ipv4Addr::from_bits(0x0a00_0000 + number);
        (format!("big/{number}"), format!("http://{address}:8080"))
    }));
    let server = Server::start(&fixture);
    let (mut clients, taken) = (JoinSet::new(), Arc::<AtomicUsize>::default());
    for _ in 0..GREEDY {
        clients.spawn(greedy(TcpStream::connect(server.v4).await.unwrap(), taken.clone()));
    }
    let query = Query::new("web.services.internal", A).bytes();
    let mut delays = Vec::new();
    // On a busy machine the first large answer takes a while.
    let large = || taken.load(Ordering::Relaxed) >> 16;
    assert!(eventually(|| large() > 0), "no large answer came");
    for _ in 0..PROBES {
        tokio::time::sleep(Duration::from_millis(20)).await;
        // Each from a port of its own, so that all workers are met.
        let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let start = Instant::now();
        client.send_to(&query, server.v4).await.unwrap();
        timeout(Duration::from_secs(5), client.recv_from(&mut [0; 512])).await.unwrap().unwrap();
        delays.push(start.elapsed());
    }
    delays.sort_unstable();
    let (median, worst) = (delays[PROBES / 2], delays[PROBES - 1]);
    let large = large();
    println!("datagrams: median {median:?}, worst {worst:?}, beside {large} large answers");
    assert!(worst < BOUND, "{delays:?}");
}
