//! Who the members are, and how they do: what a client asks that finds its own endpoints.

use crate::support::registry::Registry;

on_both! {
    the_list_names_an_address_that_works,
    every_answer_names_the_same_cluster,
    the_status_names_version_leader_and_revision,
}

async fn the_list_names_an_address_that_works(registry: &Registry) {
    let mut client = registry.client().await;
    let list = client.member_list().await.unwrap();
    let [member] = list.members() else { panic!("{list:?}") };
    assert_eq!(member.id(), list.header().unwrap().member_id());
    let mut other = etcd_client::Client::connect(member.client_urls(), None).await.unwrap();
    other.put("a", "1", None).await.unwrap();
    assert_eq!(client.get("a", None).await.unwrap().count(), 1);
}

async fn every_answer_names_the_same_cluster(registry: &Registry) {
    let mut client = registry.client().await;
    let lease = client.lease_grant(60, None).await.unwrap();
    let (list, status) = (client.member_list().await.unwrap(), client.status().await.unwrap());
    let put = client.put("a", "1", None).await.unwrap();
    let get = client.get("a", None).await.unwrap();
    let mut watch = client.watch("a", None).await.unwrap();
    let watch = crate::support::soon(watch.message()).await.unwrap().unwrap();
    let headers = [
        lease.header(),
        list.header(),
        status.header(),
        put.header(),
        get.header(),
        watch.header(),
    ];
    let clusters = headers.map(|header| header.unwrap().cluster_id());
    assert!(clusters[0] != 0 && clusters.iter().all(|it| *it == clusters[0]), "{clusters:?}");
}

async fn the_status_names_version_leader_and_revision(registry: &Registry) {
    let mut client = registry.client().await;
    client.put("a", "1", None).await.unwrap();
    let status = client.status().await.unwrap();
    let header = status.header().unwrap();
    assert_eq!((header.revision(), status.leader()), (2, header.member_id()));
    assert!(status.raft_term() > 0 && status.raft_index() > 0 && status.db_size() > 0);
    let mut parts = status.version().split(['.', '-']).map(str::parse::<u32>);
    assert!(parts.by_ref().take(3).all(|part| part.is_ok()), "{}", status.version());
}
