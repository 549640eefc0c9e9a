//! A server that speaks etcd's protocol and does not keep to it: lists and messages without
//! an end are given up, said once, and tried again without haste.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use etcd_client::proto::{
    PbCompactionRequest, PbCompactionResponse, PbDeleteRequest, PbDeleteResponse, PbEvent,
    PbKeyValue, PbKvServer, PbKvService, PbPutRequest, PbPutResponse, PbRangeRequest,
    PbRangeResponse, PbRangeStreamResponse, PbResponseHeader, PbTxnRequest, PbTxnResponse,
    PbWatchRequest, PbWatchResponse, PbWatchServer, PbWatchService,
};
use futures_util::Stream;
use futures_util::StreamExt;
use futures_util::stream::{iter, repeat_with};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

use super::process;
use crate::support::srvd::Srvd;
use crate::support::{eventually, runtime};

/// A stream of answers.
type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// How the server goes wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Every page is the first one, and not the last.
    EqualPages,
    /// A page is empty, and not the last.
    EmptyPage,
    /// What a watch says of a revision never ends.
    EndlessFragments,
    /// The second page of a list, of [`KEYS`] keys, never comes.
    EndlessList,
}

/// Keys of a list whose second page never comes.
pub(super) const KEYS: i64 = 30;

/// A server with a fault.
#[derive(Clone)]
pub(super) struct Unsound {
    /// The fault.
    fault: Fault,
    /// How many pages were asked for.
    pages: Arc<AtomicU64>,
}

impl Unsound {
    /// Serves with a fault, for as long as the runtime that comes with it is kept.
    pub(super) fn start(fault: Fault) -> (Self, SocketAddr, tokio::runtime::Runtime) {
        let (unsound, runtime) = (Self { fault, pages: Arc::default() }, runtime());
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let at = listener.local_addr().unwrap();
        let server = Server::builder()
            .add_service(PbKvServer::new(unsound.clone()))
            .add_service(PbWatchServer::new(unsound.clone()));
        runtime.spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        (unsound, at, runtime)
    }

    /// The state that it claims to be in.
    fn header() -> Option<PbResponseHeader> {
        Some(PbResponseHeader { cluster_id: 7, member_id: 7, revision: 9, raft_term: 2 })
    }

    /// The key that is there.
    fn pair(revision: i64) -> PbKeyValue {
        let (key, value) = (b"/services/web/1".to_vec(), b"10.0.0.1:80".to_vec());
        PbKeyValue { key, value, create_revision: 2, mod_revision: revision, ..Default::default() }
    }

    /// A fragment of a revision whose events never end: a large value, again and again.
    fn fragment() -> PbWatchResponse {
        let kv = PbKeyValue { value: vec![b'x'; 1 << 20], ..Self::pair(10) };
        let event = PbEvent { kv: Some(kv), ..Default::default() };
        let events = vec![event; 8];
        PbWatchResponse { header: Self::header(), events, fragment: true, ..Default::default() }
    }
}

#[tonic::async_trait]
impl PbKvService for Unsound {
    type RangeStreamStream = Answers<PbRangeStreamResponse>;

    async fn range(&self, _: Request<PbRangeRequest>) -> Result<Response<PbRangeResponse>, Status> {
        let earlier = self.pages.fetch_add(1, Ordering::Relaxed);
        if self.fault == Fault::EndlessList && earlier > 0 {
            std::future::pending().await
        }
        let kvs = if self.fault == Fault::EmptyPage { vec![] } else { vec![Self::pair(9)] };
        let more = self.fault != Fault::EndlessFragments;
        let header = Self::header();
        let count = if self.fault == Fault::EndlessList { KEYS } else { 1 };
        Ok(Response::new(PbRangeResponse { header, kvs, more, count }))
    }

    async fn range_stream(
        &self,
        _: Request<PbRangeRequest>,
    ) -> Result<Response<Self::RangeStreamStream>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn put(&self, _: Request<PbPutRequest>) -> Result<Response<PbPutResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn delete_range(
        &self,
        _: Request<PbDeleteRequest>,
    ) -> Result<Response<PbDeleteResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn txn(&self, _: Request<PbTxnRequest>) -> Result<Response<PbTxnResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn compact(
        &self,
        _: Request<PbCompactionRequest>,
    ) -> Result<Response<PbCompactionResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

#[tonic::async_trait]
impl PbWatchService for Unsound {
    type WatchStream = Answers<PbWatchResponse>;

    async fn watch(
        &self,
        _: Request<Streaming<PbWatchRequest>>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let header = Self::header();
        let created = PbWatchResponse { header, created: true, ..Default::default() };
        let all = iter([created]).chain(repeat_with(Self::fragment)).map(Ok);
        Ok(Response::new(Box::pin(all)))
    }
}

/// Serves a server with a fault, until it has said so.
fn complains(fault: Fault, text: &str) -> (Unsound, Srvd, tokio::runtime::Runtime) {
    let (unsound, at, runtime) = Unsound::start(fault);
    let registry = format!("http://{at}?refresh=false");
    let (process, _) = process::serve(&registry, &[]);
    process::wait_for_log(&process, &[" WARN ", "it does not answer as etcd does", text]);
    (unsound, process, runtime)
}

#[test]
fn pages_that_do_not_rise_are_an_error_and_asked_for_without_haste() {
    for (fault, text) in [
        (Fault::EqualPages, "the keys of its list do not rise"),
        (Fault::EmptyPage, "a page of its list is empty"),
    ] {
        let (unsound, process, _runtime) = complains(fault, text);
        let before = unsound.pages.load(Ordering::Relaxed);
        std::thread::sleep(Duration::from_secs(3));
        // Two pages a try, at most some ten tries of growing distance; once it was 12,000.
        let asked = unsound.pages.load(Ordering::Relaxed) - before;
        assert!(asked < 100, "{asked} pages were asked for in three seconds");
        assert_eq!(process.log().count(" WARN "), 1, "{:#?}", process.log().all());
    }
}

#[test]
fn fragments_without_an_end_are_given_up_and_said_once() {
    let text = "the fragments of a message have no end";
    let (unsound, process, _runtime) = complains(Fault::EndlessFragments, text);
    let listed = unsound.pages.load(Ordering::Relaxed);
    let again = || unsound.pages.load(Ordering::Relaxed) >= listed + 2;
    assert!(eventually(again), "{:#?}", process.log().all());
    let ends = process.log().count("watch ended, relisting");
    assert_eq!(ends, 1, "{:#?}", process.log().all());
}
