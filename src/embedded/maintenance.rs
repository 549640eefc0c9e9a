//! The service of maintenance: there is a status, and little to maintain.

use std::sync::Arc;

use etcd_client::AlarmAction;
use etcd_client::proto::{
    PbAlarmRequest, PbAlarmResponse, PbDefragmentRequest, PbDefragmentResponse, PbDowngradeRequest,
    PbDowngradeResponse, PbHashKvRequest, PbHashKvResponse, PbHashRequest, PbHashResponse,
    PbMaintenanceService, PbMoveLeaderRequest, PbMoveLeaderResponse, PbSnapshotRequest,
    PbSnapshotResponse, PbStatusRequest, PbStatusResponse,
};
use tonic::{Request, Response};

use super::refusal::RequestRefusal;
use super::registry::{Answers, Registry, RpcResult, TERM};
use super::store::Store;

/// The version that tools are told. They decide by it what to trust: since 3.5.8 a
/// progress notification does not overtake events (etcd #15220), nor does ours.
pub(super) const VERSION: &str = "3.5.21-srvd-embedded";

/// The service of maintenance.
pub(super) struct Maintenance(pub(super) Arc<Registry>);

#[tonic::async_trait]
impl PbMaintenanceService for Maintenance {
    type SnapshotStream = Answers<PbSnapshotResponse>;

    /// Lists the alarms, of which there are none: health checks ask for them.
    async fn alarm(&self, request: Request<PbAlarmRequest>) -> RpcResult<PbAlarmResponse> {
        if request.get_ref().action != AlarmAction::Get as i32 {
            return Err(RequestRefusal::NotHere("have alarms to raise or clear").into());
        }
        Ok(Response::new(PbAlarmResponse { header: self.0.header_now(), alarms: Vec::new() }))
    }

    async fn status(&self, _: Request<PbStatusRequest>) -> RpcResult<PbStatusResponse> {
        let bytes = i64::try_from(self.0.read(Store::bytes)).unwrap_or(i64::MAX);
        let index = self.0.read(Store::revision).unsigned_abs();
        Ok(Response::new(PbStatusResponse {
            header: self.0.header_now(),
            version: VERSION.to_owned(),
            db_size: bytes,
            db_size_in_use: bytes,
            leader: self.0.member_id,
            raft_index: index,
            raft_applied_index: index,
            raft_term: TERM,
            ..Default::default()
        }))
    }

    async fn defragment(&self, _: Request<PbDefragmentRequest>) -> RpcResult<PbDefragmentResponse> {
        Err(RequestRefusal::NotHere("have a file to defragment").into())
    }

    async fn hash(&self, _: Request<PbHashRequest>) -> RpcResult<PbHashResponse> {
        Err(RequestRefusal::NotHere("hash its keys").into())
    }

    async fn hash_kv(&self, _: Request<PbHashKvRequest>) -> RpcResult<PbHashKvResponse> {
        Err(RequestRefusal::NotHere("hash its keys").into())
    }

    async fn snapshot(&self, _: Request<PbSnapshotRequest>) -> RpcResult<Self::SnapshotStream> {
        Err(RequestRefusal::NotHere("take snapshots").into())
    }

    async fn move_leader(
        &self,
        _: Request<PbMoveLeaderRequest>,
    ) -> RpcResult<PbMoveLeaderResponse> {
        Err(RequestRefusal::NotHere("have another member to lead").into())
    }

    async fn downgrade(&self, _: Request<PbDowngradeRequest>) -> RpcResult<PbDowngradeResponse> {
        Err(RequestRefusal::NotHere("change its version").into())
    }
}
