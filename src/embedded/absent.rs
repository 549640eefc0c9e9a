//! Services of etcd that this registry has not. Without them a client would be told
//! "unimplemented" and nothing else; so each refuses whatever it is asked with a sentence.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::task::{Context, Poll};

use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::server::NamedService;

use super::refusal::RequestRefusal;

/// A service that is not here.
pub(super) trait Elsewhere: Send + Sync + 'static {
    /// Its name in the protocol.
    const NAME: &'static str;
    /// Why its requests are refused.
    const REFUSAL: RequestRefusal;
}

/// Users, roles, permissions, and the tokens for them.
pub(super) struct Auth;

/// Locks that wait for each other.
pub(super) struct Lock;

/// Elections of a leader among clients.
pub(super) struct Election;

impl Elsewhere for Auth {
    const NAME: &'static str = "etcdserverpb.Auth";
    const REFUSAL: RequestRefusal =
        RequestRefusal::NotHere("know users, roles or passwords: connect without --user");
}

impl Elsewhere for Lock {
    const NAME: &'static str = "v3lockpb.Lock";
    const REFUSAL: RequestRefusal =
        RequestRefusal::NotHere("lock: create a key under a lease in a transaction");
}

impl Elsewhere for Election {
    const NAME: &'static str = "v3electionpb.Election";
    const REFUSAL: RequestRefusal =
        RequestRefusal::NotHere("hold elections: create a key under a lease in a transaction");
}

/// Refuses every request of a service.
pub(super) struct Absent<S>(PhantomData<S>);

impl<S> Absent<S> {
    /// Refuses from now on.
    pub(super) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<S> Clone for Absent<S> {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl<S: Elsewhere> NamedService for Absent<S> {
    const NAME: &'static str = S::NAME;
}

impl<S: Elsewhere> Service<http::Request<Body>> for Absent<S> {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Request<Body>) -> Self::Future {
        ready(Ok(Status::from(S::REFUSAL).into_http()))
    }
}
