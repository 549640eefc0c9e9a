//! Keys that live as long as somebody keeps them alive.

use etcd_client::proto::{PbLeaseKeepAliveRequest, PbLeaseKeepAliveResponse};
use etcd_client::{
    Client, EventType, GetOptions, LeaseGrantOptions, LeaseTimeToLiveOptions, PutOptions,
};
use futures_util::StreamExt;
use tonic::Code;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Endpoint;
use tonic_prost::ProstCodec;

use super::refusal;
use crate::support::registry::Registry;
use crate::support::{PATIENCE, soon};

on_both! {
    a_grant_tells_the_life_it_gives,
    an_id_is_granted_once,
    a_life_may_be_too_long,
    an_expired_lease_takes_its_keys_along,
    a_revoked_lease_takes_its_keys_along_in_one_revision,
    a_kept_lease_outlives_its_first_deadline,
    a_lease_that_is_gone_is_kept_alive_with_zero,
    one_stream_keeps_many_leases,
    an_unknown_lease_is_refused,
    time_to_live_tells_the_keys,
    a_key_follows_its_last_put,
}

/// What etcd says of a lease that is not there.
fn not_found() -> (Code, String) {
    (Code::NotFound, "etcdserver: requested lease not found".into())
}

/// Grants a lease and puts every key with it.
async fn lease_with(client: &mut Client, ttl: i64, keys: &[&str]) -> i64 {
    let id = client.lease_grant(ttl, None).await.unwrap().id();
    for key in keys {
        client.put(*key, "", Some(PutOptions::new().with_lease(id))).await.unwrap();
    }
    id
}

/// The remaining and the granted seconds of a lease, and its keys.
async fn life(client: &mut Client, id: i64) -> (i64, i64, Vec<Vec<u8>>) {
    let options = LeaseTimeToLiveOptions::new().with_keys();
    let life = client.lease_time_to_live(id, Some(options)).await.unwrap();
    assert_eq!(life.id(), id);
    (life.ttl(), life.granted_ttl(), life.keys().to_vec())
}

async fn a_grant_tells_the_life_it_gives(registry: &Registry) {
    let mut client = registry.client().await;
    let granted = client.lease_grant(30, None).await.unwrap();
    assert!(granted.id() > 0);
    assert_eq!((granted.ttl(), granted.header().unwrap().revision()), (30, 1));
    for tiny in [1, 0, -5] {
        // The shortest life depends on the server; etcd's on its election timeout.
        let granted = client.lease_grant(tiny, None).await.unwrap();
        assert!((1..=2).contains(&granted.ttl()), "{tiny} became {}", granted.ttl());
    }
}

async fn an_id_is_granted_once(registry: &Registry) {
    let mut client = registry.client().await;
    let options = || Some(LeaseGrantOptions::new().with_id(77));
    assert_eq!(client.lease_grant(30, options()).await.unwrap().id(), 77);
    let expected = (Code::FailedPrecondition, "etcdserver: lease already exists".to_owned());
    assert_eq!(refusal(client.lease_grant(30, options()).await), expected);
    let leases = client.leases().await.unwrap();
    assert_eq!(leases.leases().iter().map(|lease| lease.id()).collect::<Vec<_>>(), [77]);
    client.lease_revoke(77).await.unwrap();
    assert!(client.leases().await.unwrap().leases().is_empty());
}

async fn a_life_may_be_too_long(registry: &Registry) {
    let mut client = registry.client().await;
    assert_eq!(client.lease_grant(9_000_000_000, None).await.unwrap().ttl(), 9_000_000_000);
    let expected = (Code::OutOfRange, "etcdserver: too large lease TTL".to_owned());
    assert_eq!(refusal(client.lease_grant(9_000_000_001, None).await), expected);
}

async fn an_expired_lease_takes_its_keys_along(registry: &Registry) {
    let mut client = registry.client().await;
    let mut watch = client.watch("a", None).await.unwrap();
    let id = lease_with(&mut client, 1, &["a"]).await;
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let message = soon(watch.message()).await.unwrap().unwrap();
        seen.extend(message.events().iter().map(|event| event.event_type()));
    }
    assert_eq!(seen, [EventType::Put, EventType::Delete]);
    assert_eq!(client.get("a", None).await.unwrap().count(), 0);
    assert_eq!(life(&mut client, id).await, (-1, 0, vec![]));
}

async fn a_revoked_lease_takes_its_keys_along_in_one_revision(registry: &Registry) {
    let mut client = registry.client().await;
    let id = lease_with(&mut client, 60, &["a", "c", "b"]).await;
    client.put("other", "", None).await.unwrap();
    let revoked = client.lease_revoke(id).await.unwrap();
    assert_eq!(revoked.header().unwrap().revision(), 6);
    let left = client.get("", Some(GetOptions::new().with_all_keys())).await.unwrap();
    assert_eq!(super::keys(&left), ["other"]);
    assert_eq!(refusal(client.lease_revoke(id).await), not_found());
    let empty = client.lease_grant(60, None).await.unwrap().id();
    let revoked = client.lease_revoke(empty).await.unwrap();
    assert_eq!(revoked.header().unwrap().revision(), 6);
}

async fn a_kept_lease_outlives_its_first_deadline(registry: &Registry) {
    let mut client = registry.client().await;
    let id = lease_with(&mut client, 3, &["a"]).await;
    let (mut keeper, mut answers) = client.lease_keep_alive(id).await.unwrap();
    let start = std::time::Instant::now();
    while start.elapsed().as_secs() < 5 {
        keeper.keep_alive().await.unwrap();
        let answer = soon(answers.message()).await.unwrap().unwrap();
        assert_eq!((answer.id(), answer.ttl()), (id, 3));
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
    assert_eq!(client.get("a", None).await.unwrap().count(), 1);
}

async fn a_lease_that_is_gone_is_kept_alive_with_zero(registry: &Registry) {
    let mut client = registry.client().await;
    let id = client.lease_grant(60, None).await.unwrap().id();
    let (mut keeper, mut answers) = client.lease_keep_alive(id).await.unwrap();
    client.lease_revoke(id).await.unwrap();
    for _ in 0..2 {
        keeper.keep_alive().await.unwrap();
        let answer = soon(answers.message()).await.unwrap().unwrap();
        assert_eq!((answer.id(), answer.ttl()), (id, 0));
    }
}

/// A keepalive stream with requests for any lease, which the protocol allows and the client
/// does not offer. Gives the ids and lives that are answered.
async fn keep_all(registry: &Registry, ids: &[i64]) -> Vec<(i64, i64)> {
    let channel = Endpoint::from_shared(registry.url()).unwrap().connect().await.unwrap();
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    let request = |id: &i64| PbLeaseKeepAliveRequest { id: *id };
    let requests = ids.iter().map(request).collect::<Vec<_>>();
    let codec = ProstCodec::<PbLeaseKeepAliveRequest, PbLeaseKeepAliveResponse>::default();
    let path = PathAndQuery::from_static("/etcdserverpb.Lease/LeaseKeepAlive");
    // The stream stays open behind the last request, as that of a process that goes on.
    let requests = futures_util::stream::iter(requests).chain(futures_util::stream::pending());
    let answers = client.streaming(tonic::Request::new(requests), path, codec).await.unwrap();
    let answers = answers.into_inner().take(ids.len()).map(Result::unwrap);
    soon(answers.map(|answer| (answer.id, answer.ttl)).collect()).await
}

async fn one_stream_keeps_many_leases(registry: &Registry) {
    let mut client = registry.client().await;
    let mut ids = Vec::new();
    for n in 0..100 {
        ids.push(client.lease_grant(60 + n, None).await.unwrap().id());
    }
    let gone = ids[50];
    client.lease_revoke(gone).await.unwrap();
    let life = |n: i64| if ids[n as usize] == gone { 0 } else { 60 + n };
    let expected: Vec<_> = (0..100).map(|n| (ids[n as usize], life(n))).collect();
    assert_eq!(keep_all(registry, &ids).await, expected, "one is gone, and harms nobody");
}

async fn an_unknown_lease_is_refused(registry: &Registry) {
    let mut client = registry.client().await;
    let put = client.put("a", "", Some(PutOptions::new().with_lease(77))).await;
    assert_eq!(refusal(put), not_found());
    assert_eq!(refusal(client.lease_revoke(77).await), not_found());
    assert_eq!(life(&mut client, 77).await, (-1, 0, vec![]));
    assert!(client.lease_keep_alive(77).await.is_err());
}

async fn time_to_live_tells_the_keys(registry: &Registry) {
    let mut client = registry.client().await;
    let id = lease_with(&mut client, 60, &["b", "a"]).await;
    let (remaining, granted, mut keys) = life(&mut client, id).await;
    keys.sort();
    assert_eq!((granted, keys), (60, vec![b"a".to_vec(), b"b".to_vec()]));
    assert!((1..=60).contains(&remaining) && remaining > 59 - PATIENCE.as_secs() as i64);
    let bare = client.lease_time_to_live(id, None).await.unwrap();
    assert!(bare.keys().is_empty());
}

async fn a_key_follows_its_last_put(registry: &Registry) {
    let mut client = registry.client().await;
    let first = lease_with(&mut client, 60, &["a", "b", "c"]).await;
    let second = lease_with(&mut client, 60, &["b"]).await;
    client.put("c", "", None).await.unwrap();
    assert_eq!(life(&mut client, first).await.2, [b"a"]);
    assert_eq!(life(&mut client, second).await.2, [b"b"]);
    client.lease_revoke(first).await.unwrap();
    let left = client.get("", Some(GetOptions::new().with_all_keys())).await.unwrap();
    assert_eq!(super::keys(&left), ["b", "c"]);
}
