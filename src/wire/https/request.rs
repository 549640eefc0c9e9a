//! The question of a request (RFC 8484 section 4.1), or the status that it is refused with.

use data_encoding::BASE64URL_NOPAD;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, StatusCode};

/// The one path.
const PATH: &str = "/dns-query";
/// The one form of questions and replies.
pub(super) const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/dns-message");
/// The methods there are: those of RFC 8484 section 4.1, and HEAD, which every server must have
/// that has GET (RFC 9110 section 9.1).
pub(super) const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST");
/// Octets of a message.
pub(super) const MESSAGE_MAX: usize = u16::MAX as usize;

/// The place of a request's message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Requested {
    /// It was in the address.
    Message(Vec<u8>),
    /// It is the body.
    Body,
}

/// Reads the head of a request.
///
/// # Errors
/// The status of the reply in place of an answer.
pub(super) fn read(head: &Parts) -> Result<Requested, StatusCode> {
    if head.uri.path() != PATH {
        return Err(StatusCode::NOT_FOUND);
    }
    match head.method {
        Method::GET | Method::HEAD => of_query(head.uri.query().unwrap_or_default()),
        Method::POST if !is_message(&head.headers) => Err(StatusCode::UNSUPPORTED_MEDIA_TYPE),
        Method::POST if octets(&head.headers) > MESSAGE_MAX => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Method::POST => Ok(Requested::Body),
        _ => Err(StatusCode::METHOD_NOT_ALLOWED),
    }
}

/// The message of the parameter `dns`, of which there must be one.
fn of_query(query: &str) -> Result<Requested, StatusCode> {
    let mut all = query.split('&').filter_map(|it| it.strip_prefix("dns="));
    let (Some(text), None) = (all.next(), all.next()) else {
        return Err(StatusCode::BAD_REQUEST);
    };
    // RFC 8484 section 4.1 wants no padding; clients that write it are understood.
    let message = BASE64URL_NOPAD.decode(text.trim_end_matches('=').as_bytes());
    message.map(Requested::Message).map_err(|_| StatusCode::BAD_REQUEST)
}

/// Whether the body is said to be a message.
fn is_message(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/dns-message")
}

/// Octets that the body is said to have.
fn octets(headers: &HeaderMap) -> usize {
    let said = headers.get(CONTENT_LENGTH).and_then(|it| it.to_str().ok()?.parse().ok());
    said.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use hyper::Request;
    use proptest::prelude::*;

    use super::*;

    fn of(method: &str, path: &str, kind: &str) -> Result<Requested, u16> {
        let request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, kind);
        read(&request.body(()).unwrap().into_parts().0).map_err(|status| status.as_u16())
    }

    proptest! {
        #[test]
        fn a_message_comes_out_as_it_went_in(
            message in prop::collection::vec(any::<u8>(), 0..600),
            other in "[!-~]{0,40}",
        ) {
            let text = BASE64URL_NOPAD.encode(&message);
            let asked = of_query(&format!("a={text}&dns={text}"));
            prop_assert_eq!(asked, Ok(Requested::Message(message)));
            // Whatever else is there is refused, or decoded.
            let _ = of_query(&other);
            let _ = of_query(&format!("dns={other}"));
        }
    }

    #[test]
    fn rfc8484_s4_1_questions_and_refusals() {
        let message = |octets: &[u8]| Ok(Requested::Message(octets.to_vec()));
        let dns = "application/dns-message";
        for (method, path, kind, asked) in [
            ("GET", "/dns-query?dns=AAEC", "", message(&[0, 1, 2])),
            ("GET", "/dns-query?ct&dns=_-8=", "", message(&[0xff, 0xef])),
            ("GET", "/dns-query?dns=", "", message(&[])),
            ("HEAD", "/dns-query?dns=AA", "", message(&[0])),
            ("OPTIONS", "/dns-query", "", Err(405)),
            ("GET", "/dns-query", "", Err(400)),
            ("GET", "/dns-query?dns=+/8", "", Err(400)),
            ("GET", "/dns-query?dns=AAEC&dns=AAEC", "", Err(400)),
            ("GET", "/?dns=AAEC", "", Err(404)),
            ("POST", "/dns-query/", dns, Err(404)),
            ("POST", "/dns-query", "application/json", Err(415)),
            ("POST", "/dns-query", "Application/DNS-Message; v=1", Ok(Requested::Body)),
            ("PUT", "/dns-query", dns, Err(405)),
        ] {
            assert_eq!(of(method, path, kind), asked, "{method} {path} {kind}");
        }
    }
}
