//! What only the embedded registry has: its limits, and its calm about garbage.

use std::time::Duration;

use etcd_client::{Client, Error, GetOptions, PutOptions, Txn, TxnOp, WatchOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;

use super::refusal;
use crate::support::registry::Registry;
use crate::support::{PATIENCE, soon};

/// The registry still answers.
async fn is_well(client: &mut Client) {
    soon(client.put("well", "yes", None)).await.unwrap();
    assert_eq!(soon(client.get("well", None)).await.unwrap().count(), 1);
}

#[tokio::test]
async fn a_request_of_a_megabyte_and_a_half_is_too_large() {
    for registry in [Registry::embedded(), Registry::real()] {
        let mut client = registry.client().await;
        let limit = 3 * 512 * 1024;
        let expected = (Code::InvalidArgument, "etcdserver: request is too large".to_owned());
        let put = client.put("a", vec![0; limit], None).await;
        assert_eq!(refusal(put), expected);
        let half = || vec![0; limit / 2];
        let ops = [TxnOp::put("a", half(), None), TxnOp::put("b", half(), None)];
        let txn = client.txn(Txn::new().and_then(ops)).await;
        assert_eq!(refusal(txn), expected);
        // So large that it is not even read.
        assert!(client.put("a", vec![0; 2 * limit], None).await.is_err());
        is_well(&mut client).await;
    }
}

#[tokio::test]
async fn a_key_may_be_too_long() {
    let registry = Registry::embedded();
    let mut client = registry.client().await;
    client.put(vec![b'k'; 8 * 1024], "", None).await.unwrap();
    let (code, message) = refusal(client.put(vec![b'k'; 8 * 1024 + 1], "", None).await);
    assert_eq!(code, Code::ResourceExhausted);
    assert!(message.contains("8192 bytes"), "{message}");
    let mut stream = client.watch(vec![b'k'; 8 * 1024 + 1], None).await.unwrap();
    let refused = soon(stream.message()).await.unwrap().unwrap();
    assert!(refused.canceled() && refused.cancel_reason().contains("embedded registry"));
}

#[tokio::test]
async fn watches_of_one_stream_are_counted() {
    let registry = Registry::embedded();
    let mut client = registry.client().await;
    let mut stream = client.watch("a", None).await.unwrap();
    assert!(soon(stream.message()).await.unwrap().unwrap().created());
    for i in 1..=1_000 {
        stream.watch("a", None).await.unwrap();
        let created = soon(stream.message()).await.unwrap().unwrap();
        assert_eq!(created.canceled(), i == 1_000, "{i}");
    }
    client.put("a", "", None).await.unwrap();
    for _ in 0..1_000 {
        assert_eq!(soon(stream.message()).await.unwrap().unwrap().events().len(), 1);
    }
}

#[tokio::test]
async fn a_watch_that_is_not_read_holds_nobody_up_and_ends_as_compacted() {
    let registry = Registry::embedded();
    let mut client = registry.client().await;
    let mut reading = registry.client().await;
    let mut slow = reading.watch("", Some(WatchOptions::new().with_all_keys())).await.unwrap();
    assert!(soon(slow.message()).await.unwrap().unwrap().created());
    // More than the history may keep: 128 MiB in values of 1 MiB.
    for i in 0..200 {
        let value = vec![b'v'; 1024 * 1024];
        soon(client.put(format!("k/{}", i % 10), value, None)).await.unwrap();
    }
    let mut last = 1;
    let cancelled = loop {
        let message = soon(slow.message()).await.unwrap().unwrap();
        if message.canceled() {
            break message;
        }
        for event in message.events() {
            assert_eq!(event.kv().unwrap().mod_revision(), last + 1, "no event is left out");
            last += 1;
        }
    };
    assert!(cancelled.compact_revision() > last && last < 201, "read up to {last}");
    is_well(&mut client).await;
}

#[tokio::test]
async fn garbage_is_answered_or_cut_off() {
    let Registry::Embedded(registry) = &Registry::embedded() else { panic!("not embedded") };
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let mut random = fastrand::Rng::with_seed(1);
    for round in 0..50 {
        let mut stream = TcpStream::connect(registry.addr).await.unwrap();
        let mut bytes = if round % 2 == 0 { preface.to_vec() } else { Vec::new() };
        bytes.extend((0..random.usize(1..5_000)).map(|_| random.u8(..)));
        let _ = stream.write_all(&bytes).await;
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let _ = soon(stream.read_to_end(&mut answer)).await;
    }
    let mut client = Client::connect([format!("http://{}", registry.addr)], None).await.unwrap();
    is_well(&mut client).await;
}

#[tokio::test]
async fn shutting_down_ends_the_streams() {
    let mut registry = Registry::embedded();
    let mut client = registry.client().await;
    let mut stream = client.watch("a", None).await.unwrap();
    assert!(soon(stream.message()).await.unwrap().unwrap().created());
    let id = client.lease_grant(60, None).await.unwrap().id();
    let (_keeper, mut answers) = client.lease_keep_alive(id).await.unwrap();
    let Registry::Embedded(embedded) = &mut registry else { panic!("not embedded") };
    let start = std::time::Instant::now();
    embedded.stop();
    assert!(start.elapsed() < PATIENCE / 3, "it took {:?}", start.elapsed());
    assert!(matches!(soon(stream.message()).await, Ok(None)));
    assert!(matches!(soon(answers.message()).await, Ok(None)));
    assert!(matches!(client.get("a", None).await, Err(Error::GRpcStatus(_))));
}

/// Registers instances under leases of their own.
async fn register(mut client: Client, instances: std::ops::Range<usize>) {
    for i in instances {
        let lease = client.lease_grant(3, None).await.unwrap().id();
        let options = PutOptions::new().with_lease(lease);
        client.put(format!("leased/{i}"), "", Some(options)).await.unwrap();
    }
}

#[tokio::test]
async fn a_hundred_thousand_keys_and_ten_thousand_leases_are_comfortable() {
    let registry = Registry::embedded();
    let mut client = registry.client().await;
    let start = std::time::Instant::now();
    for chunk in 0..1_000 {
        let put = |i| TxnOp::put(format!("k/{chunk:03}/{i:02}"), vec![b'v'; 200], None);
        let txn = Txn::new().and_then((0..100).map(put).collect::<Vec<_>>());
        soon(client.txn(txn)).await.unwrap();
    }
    println!("100,000 keys in transactions of 100: {:?}", start.elapsed());
    let page = GetOptions::new().with_prefix().with_limit(100);
    let start = std::time::Instant::now();
    let found = soon(client.get("k/5", Some(page))).await.unwrap();
    println!("a page of 100 of {}: {:?}", found.count(), start.elapsed());
    assert_eq!((found.kvs().len(), found.count(), found.more()), (100, 10_000, true));

    let start = std::time::Instant::now();
    let mut registrations = tokio::task::JoinSet::new();
    for task in 0..20 {
        registrations.spawn(register(client.clone(), task * 500..(task + 1) * 500));
    }
    soon(registrations.join_all()).await;
    println!("10,000 registrations by 20 tasks: {:?}", start.elapsed());
    let count = || GetOptions::new().with_prefix().with_count_only();
    let start = std::time::Instant::now();
    while soon(client.get("leased/", Some(count()))).await.unwrap().count() > 0 {
        assert!(start.elapsed() < PATIENCE, "the leases do not run out");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
