//! Registrations in bulk.
#![allow(dead_code, reason = "each bench takes what it needs")]

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use etcd_client::{Client, Txn, TxnOp};
use hickory_proto::op::{Message, Query};
use hickory_proto::rr::{Name, RData, RecordType};

/// Operations in one transaction: below etcd's limit of 128.
const TXN_OPS: usize = 100;
/// Transactions under way at once.
const TXNS_AT_ONCE: usize = 8;

/// How many instances there are, and over how many services they are spread.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Population {
    /// The instances.
    pub(crate) instances: usize,
    /// The services.
    pub(crate) services: usize,
}

impl Population {
    /// Ten instances to a service, as usual.
    pub(crate) const fn of_tens(instances: usize) -> Self {
        Self { instances, services: instances / 10 }
    }

    /// All in one service, the worst case.
    pub(crate) const fn in_one(instances: usize) -> Self {
        Self { instances, services: 1 }
    }

    /// One to a service: what a service itself takes.
    pub(crate) const fn of_ones(instances: usize) -> Self {
        Self { instances, services: instances }
    }

    /// What it is called in tables.
    pub(crate) fn title(self) -> String {
        format!("{} in {}", self.instances, self.services)
    }

    /// The key of an instance.
    pub(crate) fn key(self, n: usize) -> String {
        let address = address(n);
        format!("/services/service-{}/{}-8080", n % self.services, address.replace('.', "-"))
    }
}

/// The document that `srvd join` would write.
pub(crate) fn document(population: Population, n: usize, port: u16) -> String {
    let (name, host) = (n % population.services, address(n));
    format!(
        r#"{{"name":"service-{name}","port":{port},"hostname":"{host}","host":"{host}:{port}","url":"http://{host}:{port}"}}"#
    )
}

/// An address of its own for each instance.
pub(crate) fn address(n: usize) -> String {
    format!("10.{}.{}.{}", n >> 16 & 0xff, n >> 8 & 0xff, n & 0xff)
}

/// Puts a whole population.
pub(crate) async fn fill(client: &Client, population: Population) {
    let numbers: Vec<_> = (0..population.instances).collect();
    for some in numbers.chunks(TXN_OPS * TXNS_AT_ONCE) {
        let txns = some.chunks(TXN_OPS).map(|chunk| {
            let put =
                |n: &usize| TxnOp::put(population.key(*n), document(population, *n, 8080), None);
            let txn = Txn::new().and_then(chunk.iter().map(put).collect::<Vec<_>>());
            let mut kv = client.kv_client();
            async move { kv.txn(txn).await.unwrap() }
        });
        futures_util::future::join_all(txns).await;
    }
}

/// Asks for SRV records, and gives their ports; none when there is no answer.
pub(crate) fn srv_ports(socket: &UdpSocket, name: &str) -> Vec<u16> {
    let mut message = Message::query();
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), RecordType::SRV));
    socket.send(&message.to_vec().unwrap()).unwrap();
    let mut octets = [0; 2048];
    let Ok(received) = socket.recv(&mut octets) else { return Vec::new() };
    let reply = Message::from_vec(&octets[..received]).unwrap();
    let ports = reply.answers.iter().filter_map(|record| match &record.data {
        RData::SRV(srv) => Some(srv.port),
        _ => None,
    });
    ports.collect()
}

/// A socket that asks one server.
pub(crate) fn asker(at: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.connect(at).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    socket
}
