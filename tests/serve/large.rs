//! Lists and revisions larger than one message.

use std::collections::BTreeSet;
use std::time::Instant;

use super::server::Server;
use super::writer::{Writer, instances};
use crate::support::PATIENCE;
use crate::support::etcd::EtcdCluster;
use crate::support::registry::Registry;

/// A document of some 60 KiB: below what is read of one, far above what one usually has.
fn large_document(host: u8, port: u16) -> String {
    let padding = "x".repeat(60_000);
    format!(r#"{{"host":"10.0.0.{host}:{port}","padding":"{padding}"}}"#)
}

/// A hundred of them, which do not fit gRPC's default of 4 MiB together.
fn large_documents(port: u16) -> Vec<(String, String)> {
    (0..100).map(|n| (format!("/services/web/{n}"), large_document(n + 1, port))).collect()
}

/// 12,000 keys are three pages; the server is started before and after they are put.
fn lists_of_several_pages(registry: &Registry) {
    let writer = Writer::new(&registry.url());
    let followed = Server::start(&registry.url()).ready();
    for service in 0..12 {
        writer.put_all(&instances(&format!("s{service}"), 1_000));
    }
    let listed = Server::start(&registry.url()).ready();
    assert_eq!(listed.generation(), 1, "a list is one generation");
    assert_eq!(listed.zone().service(b"s11").map(srvd::index::Service::len), Some(1_000));
    writer.expect_shown_by(&listed);
    writer.expect_shown_by(&followed);
}

#[test]
fn lists_of_several_pages_from_etcd() {
    lists_of_several_pages(&Registry::real());
}

#[test]
fn lists_of_several_pages_from_the_embedded_registry() {
    lists_of_several_pages(&Registry::embedded());
}

/// Put one by one: together they are one page of 6 MB.
fn a_page_above_the_default_limit(registry: &Registry) {
    let writer = Writer::new(&registry.url());
    large_documents(80).into_iter().for_each(|(key, value)| writer.put(key, value));
    let server = Server::start(&registry.url()).ready();
    assert_eq!(server.zone().service(b"web").map(srvd::index::Service::len), Some(100));
    writer.expect_shown_by(&server);
}

#[test]
fn a_page_above_the_default_limit_from_etcd() {
    a_page_above_the_default_limit(&Registry::real());
}

#[test]
fn a_page_above_the_default_limit_from_the_embedded_registry() {
    a_page_above_the_default_limit(&Registry::embedded());
}

/// One member takes requests of 16 MiB; the other, which the mirror watches, has etcd's
/// default and sends each revision in fragments of some 2 MiB.
#[test]
fn a_revision_in_fragments_is_never_seen_half() {
    /// How often all documents change together.
    const ROUNDS: u16 = 20;
    let mut cluster = EtcdCluster::start(2);
    cluster.members[0].restart_with(&["--max-request-bytes", "16777216"]);
    let [taking, watched] = [0, 1].map(|at| cluster.urls().swap_remove(at));
    let writer = Writer::new(&taking);
    writer.put_at_once(&large_documents(1));
    let server = Server::start(&format!("{watched}?refresh=false")).ready();
    let putting = std::thread::spawn(move || {
        (2..=ROUNDS).for_each(|port| writer.put_at_once(&large_documents(port)));
        writer
    });
    let (mut seen, deadline) = (BTreeSet::new(), Instant::now() + PATIENCE);
    while !seen.contains(&ROUNDS) {
        let zone = server.zone();
        let service = zone.service(b"web").unwrap();
        let ports: BTreeSet<_> =
            service.instances().filter_map(|it| it.port.map(u16::from)).collect();
        assert_eq!((service.len(), ports.len()), (100, 1), "half a revision: {ports:?}");
        seen.extend(ports);
        assert!(Instant::now() < deadline, "the last revision is not shown, only {seen:?}");
    }
    putting.join().unwrap().expect_shown_by(&server);
    assert!(server.generation() > 1, "it was not followed by events");
}
