//! An etcd for development and tests, inside the process: one member, in memory.
//!
//! # What it is, and is not
//! It speaks the part of the etcd v3 API that srvd, etcdctl and other well-behaved
//! clients use: keys, transactions, watches, leases, the list of members, the status.
//! What it answers, etcd 3.4 answers too, down to the codes and messages that clients
//! compare; one conformance suite runs against both. It is not a database. Nothing is
//! written to a disk and nobody is asked who they are; when the process ends, all is
//! gone. Users, locks, elections, snapshots, alarms and further members are refused with a
//! code and a sentence that says what to use instead.
//! Keys, leases and watches are there as JSON, too, as behind etcd's own gateway (`gateway`).
//! One difference is not of our making: `etcdctl endpoint status` before 3.5 works only
//! with an address that has no `http://`, which it repeats where HTTP/2 forbids it.
//!
//! # Store and history
//! A revision is a *generation*: the events that made it, and a persistent map of all
//! live keys, which shares with its predecessor whatever did not change. A request
//! that writes works on a *draft*, a copy of the newest map that costs nothing. When
//! an operation is refused the draft is dropped; else it becomes the next generation,
//! however many keys it wrote. Generations never change, so a range takes the one it
//! is about and is answered without holding up anybody, whether that is the newest
//! or one from the history. The history is a ring of bounded length, so it compacts
//! itself. Compacting on request only forbids the past: what remains in the ring still
//! serves the watches that were already running.
//!
//! # Watches
//! A watch has no queue. It has the number of the revision it wants next, and takes it
//! from the history whenever its stream has room. A client that does not read thus
//! costs nothing; it catches up later, or is told that it was compacted if the ring has
//! moved past it. Events of one revision stay in one message, unless the client asked
//! for fragments. Progress is reported only after everything up to that revision has
//! been handed out, so it never overtakes an event, and the header of every message
//! with events names the revision up to which its watch is complete. A revision wakes
//! every stream, and each looks through its own watches: right for the handful of
//! watches there are, and no work for the writer.
//!
//! # Leases
//! A lease lives for its seconds after the grant or the last keepalive. One task sleeps
//! until the earliest of all deadlines and revokes what has run out, each lease with
//! its keys in a revision of its own, a bounded number at a time.
//!
//! # Limits
//! Whatever a client can make the registry keep is bounded by a constant in `limits`,
//! next to its reason: bytes, keys, leases, history, watches, streams, connections.
//! Past a limit the request is refused with `ResourceExhausted`, and all else goes on.
//! No bytes from a client can make it panic.
//!
//! # Concurrency
//! One mutex owns the store. It is held for one step of one request, never while
//! something is awaited, and never for the making of a range's answer.

mod absent;
mod accept;
mod cluster;
mod draft;
mod gateway;
mod history;
mod interval;
mod keys;
mod kv;
mod lease;
mod leases;
mod limits;
mod maintenance;
mod range;
mod refusal;
mod registry;
mod store;
#[cfg(test)]
mod tests;
mod txn;
mod watch;
mod watcher;

use std::sync::Arc;

use etcd_client::proto::{
    PbClusterServer, PbKvServer, PbLeaseServer, PbMaintenanceServer, PbWatchServer,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::Router;

use self::absent::{Absent, Auth, Election, Lock};
use self::registry::Registry;

/// Serves the registry on `listener` until `shutdown` is cancelled.
///
/// Open streams are then ended, requests in work are finished, and connections that
/// do not close in time are left behind. Dropping the future ends the streams, too.
pub async fn serve(
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<(), tonic::transport::Error> {
    let closing = shutdown.child_token();
    let _close_streams_when_dropped = closing.clone().drop_guard();
    let registry = Arc::new(Registry::new(listener.local_addr().ok(), closing.clone()));
    let incoming = accept::incoming(listener, limits::CONNECTIONS);
    let server =
        router(&registry).serve_with_incoming_shutdown(incoming, closing.clone().cancelled_owned());
    tokio::select! {
        served = server => served,
        () = out_of_time(&closing) => Ok(()),
        never = lease::expire(&registry) => match never {},
    }
}

/// All services, with their limits; over gRPC, and as JSON.
fn router(registry: &Arc<Registry>) -> Router {
    let bytes = limits::READ_BYTES;
    let kv = PbKvServer::new(kv::Kv(Arc::clone(registry)));
    let watch = PbWatchServer::new(watch::Watches(Arc::clone(registry)));
    let lease = PbLeaseServer::new(lease::LeaseService(Arc::clone(registry)));
    let cluster = PbClusterServer::new(cluster::Cluster(Arc::clone(registry)));
    let maintenance = PbMaintenanceServer::new(maintenance::Maintenance(Arc::clone(registry)));
    let services = Routes::new(kv.max_decoding_message_size(bytes))
        .add_service(watch.max_decoding_message_size(bytes))
        .add_service(lease.max_decoding_message_size(bytes))
        .add_service(cluster.max_decoding_message_size(bytes))
        .add_service(maintenance.max_decoding_message_size(bytes))
        .add_service(Absent::<Auth>::new())
        .add_service(Absent::<Lock>::new())
        .add_service(Absent::<Election>::new())
        .into_axum_router()
        .fallback(gateway::no_such_path);
    Server::builder()
        .concurrency_limit_per_connection(limits::REQUESTS_PER_CONNECTION)
        .max_concurrent_streams(limits::STREAMS_PER_CONNECTION)
        .http2_keepalive_interval(Some(limits::KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(limits::KEEPALIVE_TIMEOUT))
        .accept_http1(true)
        .add_routes(Routes::from(services.merge(gateway::routes(registry))))
}

/// Returns once connections have had their time to close.
async fn out_of_time(closing: &CancellationToken) {
    closing.cancelled().await;
    tokio::time::sleep(limits::CLOSING_TIME).await;
}
