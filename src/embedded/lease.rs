//! The service of leases, and the task that ends them.

use std::convert::Infallible;
use std::sync::Arc;

use etcd_client::proto::{
    PbLeaseGrantRequest, PbLeaseGrantResponse, PbLeaseKeepAliveRequest, PbLeaseKeepAliveResponse,
    PbLeaseLeasesRequest, PbLeaseLeasesResponse, PbLeaseRevokeRequest, PbLeaseRevokeResponse,
    PbLeaseService, PbLeaseStatus, PbLeaseTimeToLiveRequest, PbLeaseTimeToLiveResponse,
};
use futures_util::stream::unfold;
use tokio::time::{Instant, sleep_until};
use tonic::{Request, Response, Status, Streaming};

use super::leases::Lease;
use super::limits::EXPIRIES_AT_ONCE;
use super::registry::{Answers, Registry, RpcResult};
use super::store::Store;

/// The service of leases.
pub(super) struct LeaseService(pub(super) Arc<Registry>);

#[tonic::async_trait]
impl PbLeaseService for LeaseService {
    type LeaseKeepAliveStream = Answers<PbLeaseKeepAliveResponse>;

    async fn lease_grant(
        &self,
        request: Request<PbLeaseGrantRequest>,
    ) -> RpcResult<PbLeaseGrantResponse> {
        let PbLeaseGrantRequest { id, ttl } = request.into_inner();
        let (id, ttl) = self.0.change(|store| store.grant(id, ttl, Instant::now()))?;
        self.0.granted.notify_one();
        let header = self.0.header_now();
        Ok(Response::new(PbLeaseGrantResponse { header, id, ttl, error: String::new() }))
    }

    async fn lease_revoke(
        &self,
        request: Request<PbLeaseRevokeRequest>,
    ) -> RpcResult<PbLeaseRevokeResponse> {
        self.0.change(|store| store.revoke(request.get_ref().id))?;
        Ok(Response::new(PbLeaseRevokeResponse { header: self.0.header_now() }))
    }

    async fn lease_keep_alive(
        &self,
        request: Request<Streaming<PbLeaseKeepAliveRequest>>,
    ) -> RpcResult<Self::LeaseKeepAliveStream> {
        let place = self.0.admit_stream()?;
        let state = (Arc::clone(&self.0), request.into_inner(), place);
        let answers = unfold(state, |(registry, mut requests, place)| async {
            let answer = next_keep_alive(&registry, &mut requests).await?;
            Some((answer, (registry, requests, place)))
        });
        Ok(Response::new(Box::pin(answers)))
    }

    async fn lease_time_to_live(
        &self,
        request: Request<PbLeaseTimeToLiveRequest>,
    ) -> RpcResult<PbLeaseTimeToLiveResponse> {
        let request = request.into_inner();
        let known = self.0.read(|store| store.lease(request.id).map(|l| describe(l, &request)));
        let gone = PbLeaseTimeToLiveResponse { id: request.id, ttl: -1, ..Default::default() };
        let header = self.0.header_now();
        Ok(Response::new(PbLeaseTimeToLiveResponse { header, ..known.unwrap_or(gone) }))
    }

    async fn lease_leases(
        &self,
        _: Request<PbLeaseLeasesRequest>,
    ) -> RpcResult<PbLeaseLeasesResponse> {
        let status = |id| PbLeaseStatus { id };
        let leases = self.0.read(|store| store.lease_ids().map(status).collect());
        Ok(Response::new(PbLeaseLeasesResponse { header: self.0.header_now(), leases }))
    }
}

/// What is known of a lease, without the header.
fn describe(lease: &Lease, request: &PbLeaseTimeToLiveRequest) -> PbLeaseTimeToLiveResponse {
    let keys = lease.keys.iter().filter(|_| request.keys).map(|key| key.to_vec());
    PbLeaseTimeToLiveResponse {
        header: None,
        id: request.id,
        ttl: lease.remaining(Instant::now()),
        granted_ttl: lease.ttl,
        keys: keys.collect(),
    }
}

/// The answer to the next keepalive of a stream; `None` ends the stream.
async fn next_keep_alive(
    registry: &Registry,
    requests: &mut Streaming<PbLeaseKeepAliveRequest>,
) -> Option<Result<PbLeaseKeepAliveResponse, Status>> {
    let request = tokio::select! {
        request = requests.message() => request.transpose()?,
        () = registry.closing.cancelled() => return None,
    };
    Some(request.map(|PbLeaseKeepAliveRequest { id }| keep_alive(registry, id)))
}

/// Renews a lease. One that is gone is answered with zero seconds, and the stream goes on.
pub(super) fn keep_alive(registry: &Registry, id: i64) -> PbLeaseKeepAliveResponse {
    let ttl = registry.change(|store| store.keep_alive(id, Instant::now())).unwrap_or(0);
    PbLeaseKeepAliveResponse { header: registry.header_now(), id, ttl }
}

/// Revokes the leases that run out, for ever.
pub(super) async fn expire(registry: &Registry) -> Infallible {
    loop {
        let next = registry.read(Store::next_deadline);
        tokio::select! {
            () = registry.granted.notified() => continue,
            () = until(next) => {}
        }
        registry.change(|store| store.expire(Instant::now(), EXPIRIES_AT_ONCE));
        // Thousands may run out together; watches hand them on in between.
        tokio::task::yield_now().await;
    }
}

/// Waits until `deadline`, or for ever if there is none.
async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
