//! The service of keys and values.

use std::sync::Arc;

use etcd_client::proto::{
    PbCompactionRequest, PbCompactionResponse, PbDeleteRequest, PbDeleteResponse, PbKvService,
    PbPutRequest, PbPutResponse, PbRangeRequest, PbRangeResponse, PbRangeStreamResponse,
    PbTxnRequest, PbTxnResponse,
};
use tonic::{Request, Response};

use super::range::{self, Budget};
use super::refusal::RequestRefusal;
use super::registry::{Answers, Registry, RpcResult};

/// The service of keys and values.
pub(super) struct Kv(pub(super) Arc<Registry>);

#[tonic::async_trait]
impl PbKvService for Kv {
    type RangeStreamStream = Answers<PbRangeStreamResponse>;

    async fn range(&self, request: Request<PbRangeRequest>) -> RpcResult<PbRangeResponse> {
        let request = request.into_inner();
        range::check(&request)?;
        let (generation, revision, limit) = self.0.read(|store| {
            let generation = store.at(request.revision)?;
            Ok::<_, RequestRefusal>((generation, store.revision(), store.limits().answer_bytes))
        })?;
        let mut response = range::answer(&generation.keys, &request, &mut Budget::new(limit))?;
        response.header = self.0.header(revision);
        Ok(Response::new(response))
    }

    async fn range_stream(&self, _: Request<PbRangeRequest>) -> RpcResult<Self::RangeStreamStream> {
        Err(RequestRefusal::NotHere("stream ranges").into())
    }

    async fn put(&self, request: Request<PbPutRequest>) -> RpcResult<PbPutResponse> {
        let mut response = self.0.change(|store| store.put(request.get_ref()))?;
        self.0.sign(&mut response.header);
        Ok(Response::new(response))
    }

    async fn delete_range(&self, request: Request<PbDeleteRequest>) -> RpcResult<PbDeleteResponse> {
        let mut response = self.0.change(|store| store.delete(request.get_ref()))?;
        self.0.sign(&mut response.header);
        Ok(Response::new(response))
    }

    async fn txn(&self, request: Request<PbTxnRequest>) -> RpcResult<PbTxnResponse> {
        let mut response = self.0.change(|store| store.txn(request.get_ref()))?;
        self.0.sign(&mut response.header);
        Ok(Response::new(response))
    }

    async fn compact(
        &self,
        request: Request<PbCompactionRequest>,
    ) -> RpcResult<PbCompactionResponse> {
        self.0.change(|store| store.compact(request.get_ref().revision))?;
        Ok(Response::new(PbCompactionResponse { header: self.0.header_now() }))
    }
}
