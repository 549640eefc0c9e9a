//! The response to a request: a reply of DNS, or a status that says why there is none. Neither
//! repeats anything that the client sent.

use http_body_util::Full;
use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};

use super::age::max_age;
use super::request::{MEDIA_TYPE, METHODS};
use super::session::UnderWay;
use crate::wire::tcp::HeldOctets;

/// A response whose octets are counted until they are taken.
pub(super) type Response = hyper::Response<Full<Bytes>>;

/// A reply to the message of a request.
pub(super) struct DohReply {
    /// Its octets.
    pub(super) reply: HeldOctets,
    /// Whether it is of a zone whose data may be old.
    pub(super) is_stale: bool,
}

/// Octets on their way to the client.
struct Taken {
    reply: HeldOctets,
    /// Until the last of them is taken.
    _under_way: UnderWay,
}

impl AsRef<[u8]> for Taken {
    fn as_ref(&self) -> &[u8] {
        &self.reply
    }
}

/// The response with a reply; to HEAD without it (RFC 9110 section 9.3.2).
pub(super) fn replied_with(
    DohReply { reply, is_stale }: DohReply,
    is_head: bool,
    under_way: UnderWay,
) -> Response {
    let age = max_age(&reply).filter(|_| !is_stale);
    let age = age.and_then(|age| HeaderValue::try_from(format!("max-age={age}")).ok());
    let octets = reply.len();
    let body = match is_head {
        true => Bytes::new(),
        false => Bytes::from_owner(Taken { reply, _under_way: under_way }),
    };
    let mut response = Response::new(Full::new(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, MEDIA_TYPE);
    headers.insert(CONTENT_LENGTH, octets.into());
    headers.insert(CACHE_CONTROL, age.unwrap_or(HeaderValue::from_static("no-store")));
    response
}

/// The response in place of an answer.
pub(super) fn refused(status: StatusCode) -> Response {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, METHODS);
    }
    response
}
