//! The service that tells who the members are: this process.

use std::sync::Arc;

use etcd_client::proto::{
    PbClusterService, PbMember, PbMemberAddRequest, PbMemberAddResponse, PbMemberListRequest,
    PbMemberListResponse, PbMemberPromoteRequest, PbMemberPromoteResponse, PbMemberRemoveRequest,
    PbMemberRemoveResponse, PbMemberUpdateRequest, PbMemberUpdateResponse,
};
use tonic::{Request, Response};

use super::refusal::RequestRefusal;
use super::registry::{Registry, RpcResult};

/// The service that tells who the members are.
pub(super) struct Cluster(pub(super) Arc<Registry>);

impl Cluster {
    /// The only member. Its client URL is where it listens; one that listens on all
    /// addresses names none, since it cannot know which of them reaches its client,
    /// and clients keep the address they have.
    fn member(&self) -> PbMember {
        let addr = self.0.addr.filter(|addr| !addr.ip().is_unspecified());
        PbMember {
            id: self.0.member_id,
            name: "srvd-embedded".to_owned(),
            client_ur_ls: addr.iter().map(|addr| format!("http://{addr}")).collect(),
            ..Default::default()
        }
    }
}

#[tonic::async_trait]
impl PbClusterService for Cluster {
    async fn member_list(
        &self,
        _: Request<PbMemberListRequest>,
    ) -> RpcResult<PbMemberListResponse> {
        let members = vec![self.member()];
        Ok(Response::new(PbMemberListResponse { header: self.0.header_now(), members }))
    }

    async fn member_add(&self, _: Request<PbMemberAddRequest>) -> RpcResult<PbMemberAddResponse> {
        Err(RequestRefusal::NotHere("take further members").into())
    }

    async fn member_remove(
        &self,
        _: Request<PbMemberRemoveRequest>,
    ) -> RpcResult<PbMemberRemoveResponse> {
        Err(RequestRefusal::NotHere("remove its only member").into())
    }

    async fn member_update(
        &self,
        _: Request<PbMemberUpdateRequest>,
    ) -> RpcResult<PbMemberUpdateResponse> {
        Err(RequestRefusal::NotHere("have peers that could be told of an update").into())
    }

    async fn member_promote(
        &self,
        _: Request<PbMemberPromoteRequest>,
    ) -> RpcResult<PbMemberPromoteResponse> {
        Err(RequestRefusal::NotHere("have learners to promote").into())
    }
}
