//! The embedded registry and the real etcd answer alike.
//!
//! Every case is two tests, `embedded::…` and `etcd::…`: what the second passes is what
//! etcd does, and the first must pass the same.

use etcd_client::{Error, GetResponse};
use tonic::Code;

/// Makes of every named case a test against either registry.
macro_rules! on_both {
    ($($case:ident),* $(,)?) => {
        /// The cases against the embedded registry.
        mod embedded {
            $(#[tokio::test]
            async fn $case() {
                super::$case(&crate::support::registry::Registry::embedded()).await;
            })*
        }
        /// The cases against the real etcd.
        mod etcd {
            $(#[tokio::test]
            async fn $case() {
                super::$case(&crate::support::registry::Registry::real()).await;
            })*
        }
    };
}

/// Keys, ranges, deletions.
mod kv;

/// Compares, branches, and what a transaction must not contain.
mod txn;

/// Reading the past, until it is compacted.
mod history;

/// Following the changes.
mod watch;

/// Being told how far a watch has come.
mod progress;

/// Keys that live as long as somebody keeps them alive.
mod lease;

/// Who the members are, and how they do.
mod members;

/// The same as JSON, over HTTP.
mod gateway;

/// etcd's own command line tool, and what it asks of members and status.
mod etcdctl;

/// What only the embedded registry has: its limits, and its calm about garbage.
mod limits;

/// What only a real etcd does is refused with a sentence.
mod refused;

/// The code and the message of a refusal.
fn refusal<T>(result: Result<T, Error>) -> (Code, String) {
    match result.err() {
        Some(Error::GRpcStatus(status)) => (status.code(), status.message().to_owned()),
        other => panic!("not refused by the registry: {other:?}"),
    }
}

/// The keys of an answer, in its order.
fn keys(response: &GetResponse) -> Vec<&str> {
    response.kvs().iter().map(|kv| kv.key_str().unwrap()).collect()
}
