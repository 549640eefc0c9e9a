//! Access to HTTP: whom it lets in, and what for.
//!
//! # Writes
//! A write needs a token of `--http-token-file`, if there is such a file. Without one, only
//! a listener on loopback takes writes (contract 8): whoever can reach it has an account on
//! this machine.
//!
//! # Browsers
//! A page of a stranger can send requests from the operator's browser. Such a request says
//! where it comes from (`Sec-Fetch-Site`, or `Origin`), and is refused if that is not this
//! server itself. A stranger's name that leads to this machine (DNS rebinding) would make
//! itself "this server": on loopback the server is therefore asked by an address or by a name
//! that is known to be its own. Elsewhere it is so once names are given: before that nobody knows
//! what the server is called there.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::{ArcSwap, Guard};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};
use data_encoding::BASE64;
use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};

use super::refusal::Refusal;
use crate::certificates;
use crate::files::Token;

/// What browsers say of where a request comes from (W3C Fetch Metadata).
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// The author of a request: the name of the token that was shown, if it has one.
#[derive(Debug, Clone, Default)]
pub struct Author(pub Option<Arc<str>>);

/// The rules of whom HTTP lets in.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Whoever writes must show one of them, if there are any.
    pub tokens: Vec<Token>,
    /// What TLS is served with; no TLS when absent.
    pub certificate: Option<Arc<CertifiedKey>>,
    /// Names that the listener may be asked by, in lower case; off loopback any, if there are none.
    pub hosts: Vec<String>,
}

/// The rules of one listener, which may be replaced while it serves.
#[derive(Debug)]
pub struct Access {
    /// The rules.
    rules: ArcSwap<Rules>,
    /// Whether the listener can be reached from this machine alone.
    is_local: bool,
    /// Whether a token may come as the password of basic authentication.
    takes_passwords: bool,
    /// This machine's name, in lower case.
    own_name: String,
}

impl Access {
    /// The access of a listener at an address, whose rules follow.
    #[must_use]
    pub fn new(address: IpAddr) -> Self {
        let own_name = gethostname::gethostname().to_string_lossy().to_ascii_lowercase();
        let (rules, is_local) = (ArcSwap::default(), address.is_loopback());
        Self { rules, is_local, takes_passwords: false, own_name }
    }

    /// The same where a token may come as the password of basic authentication, of any user.
    #[must_use]
    pub fn taking_passwords(address: IpAddr) -> Self {
        Self { takes_passwords: true, ..Self::new(address) }
    }

    /// Other rules, from the next request or connection on.
    pub fn replace(&self, rules: Rules) {
        if !self.is_local && !rules.tokens.is_empty() && rules.certificate.is_none() {
            tracing::warn!(
                "tokens for HTTP cross the network in clear; set http-cert and http-key"
            );
        }
        self.rules.store(Arc::new(rules));
    }

    /// When the certificate that is shown ends; none without TLS.
    #[must_use]
    pub fn certificate_end(&self) -> Option<SystemTime> {
        self.rules().certificate.as_ref().and_then(|it| certificates::end(&it.cert))
    }

    /// The rules of this moment.
    pub(in crate::http) fn rules(&self) -> Guard<Arc<Rules>> {
        self.rules.load()
    }

    /// Judges the head of a request. Gives whose token it shows, where one is asked for.
    ///
    /// # Errors
    /// The reply in place of an answer.
    pub fn judge(&self, request: &Parts) -> Result<Author, Refusal> {
        let (rules, host) = (self.rules(), host(request)?);
        self.judge_host(&rules, host.as_ref())?;
        if matches!(request.method, Method::GET | Method::HEAD | Method::OPTIONS) {
            return Ok(Author::default());
        }
        judge_origin(&request.headers, host.as_ref())?;
        self.judge_token(&rules, &request.headers)
    }

    /// Whether the server is asked by a name of its own.
    fn judge_host(&self, rules: &Rules, host: Option<&Authority>) -> Result<(), Refusal> {
        let Some(name) = host.map(|host| host.host().to_ascii_lowercase()) else { return Ok(()) };
        let is_address = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        let is_own = name == "localhost" || name.ends_with(".localhost") || name == self.own_name;
        let is_asked_for = self.is_local || !rules.hosts.is_empty();
        if !is_asked_for || is_address || is_own || rules.hosts.contains(&name) {
            return Ok(());
        }
        let text = format!("this server is not known as {name}; add the name to http-hosts");
        Err(Refusal::new(StatusCode::MISDIRECTED_REQUEST, "MISDIRECTED", text))
    }

    /// Whether a write shows what it needs.
    fn judge_token(&self, rules: &Rules, headers: &HeaderMap) -> Result<Author, Refusal> {
        if rules.tokens.is_empty() {
            if self.is_local {
                return Ok(Author::default());
            }
            let text = "writes need http-token-file where HTTP is not on loopback; set it";
            return Err(Refusal::forbidden(text));
        }
        let shown = headers.get(AUTHORIZATION);
        let shown = shown.and_then(|it| bearer(it).or_else(|| self.password(it)));
        let known =
            shown.and_then(|shown| rules.tokens.iter().find(|token| *token.digest() == shown));
        match (known, shown) {
            (Some(token), _) => Ok(Author(token.name().cloned())),
            (None, Some(_)) => {
                Err(Refusal::unauthorized("this token is not one of http-token-file"))
            }
            (None, None) => {
                let text = "writes need a token; send `Authorization: Bearer TOKEN`";
                Err(Refusal::unauthorized(text))
            }
        }
    }

    /// The digest of the password that is shown (RFC 7617 section 2), where that is taken.
    fn password(&self, value: &HeaderValue) -> Option<[u8; 32]> {
        let (scheme, credentials) = value.to_str().ok()?.split_once(' ')?;
        let is_taken = self.takes_passwords && scheme.eq_ignore_ascii_case("basic");
        let credentials = BASE64.decode(credentials.trim().as_bytes()).ok().filter(|_| is_taken)?;
        let colon = credentials.iter().position(|octet| *octet == b':')?;
        Some(Sha256::digest(&credentials[colon + 1..]).into())
    }
}

/// The digest of the token that is shown (RFC 6750 section 2.1).
fn bearer(value: &HeaderValue) -> Option<[u8; 32]> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| Sha256::digest(token.trim()).into())
}

/// What the server is called by the request: once, and readably (RFC 9112 section 3.2).
fn host(request: &Parts) -> Result<Option<Authority>, Refusal> {
    let mut fields = request.headers.get_all(HOST).iter();
    let read = |field: &HeaderValue| field.to_str().ok()?.parse::<Authority>().ok();
    let named = match (fields.next(), fields.next()) {
        (None, _) if request.version < Version::HTTP_11 => {
            return Ok(request.uri.authority().cloned());
        }
        (Some(field), None) => read(field),
        _ => None,
    };
    let wanted = "a request needs one `Host`, which is a name or an address";
    let named = named.ok_or_else(|| Refusal::invalid(wanted))?;
    Ok(Some(request.uri.authority().cloned().unwrap_or(named)))
}

/// A write from a browser must come from a page of this server (OWASP's advice against
/// cross-site request forgery). Other programs say nothing of where they come from.
fn judge_origin(headers: &HeaderMap, host: Option<&Authority>) -> Result<(), Refusal> {
    let site = headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes);
    let is_strange = site.is_some_and(|site| !matches!(site, b"same-origin" | b"none"));
    let of_host = |origin: &HeaderValue| {
        let origin = origin.to_str().ok()?.split_once("://")?.1.parse::<Authority>().ok()?;
        Some(Some(&origin) == host)
    };
    let is_other = headers.get(ORIGIN).is_some_and(|origin| !of_host(origin).unwrap_or_default());
    if is_strange || is_other {
        return Err(Refusal::forbidden("writes from pages of other sites are refused"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;

    fn access(address: &str, token: Option<&str>) -> Access {
        let tokens = token.map(|text| Token::new(text).unwrap()).into_iter().collect();
        let rules = Rules { tokens, hosts: vec!["ops.example".to_owned()], ..Rules::default() };
        let access = Access::new(address.parse().unwrap());
        access.replace(rules);
        access
    }

    /// The status that a request with some headers gets.
    fn status(access: &Access, method: &Method, headers: &[(&'static str, &str)]) -> u16 {
        let mut request = axum::http::Request::builder().method(method);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "127.0.0.1");
        }
        let fields = headers.iter();
        let request = fields.fold(request, |it, (name, value)| {
            it.header(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap())
        });
        let judged = access.judge(&request.body(()).unwrap().into_parts().0);
        judged.map_or_else(|refusal| refusal.into_response().status().as_u16(), |_| 200)
    }

    #[test]
    fn writes_need_a_token_off_loopback() {
        let (get, post) = (&Method::GET, &Method::POST);
        let open = access("10.0.0.1", None);
        assert_eq!((status(&open, get, &[]), status(&open, post, &[])), (200, 403));
        assert_eq!(status(&access("::1", None), post, &[]), 200);
        for address in ["10.0.0.1", "127.0.0.1"] {
            let access = access(address, Some("0123456789abcdef"));
            assert_eq!((status(&access, get, &[]), status(&access, post, &[])), (200, 401));
            for (value, expected) in [
                ("Bearer 0123456789abcdef", 200),
                ("bearer  0123456789abcdef ", 200),
                ("Bearer 0123456789abcdeg", 401),
                ("Bearer 0123456789abcde", 401),
                ("Basic 0123456789abcdef", 401),
                ("0123456789abcdef", 401),
            ] {
                assert_eq!(status(&access, post, &[("authorization", value)]), expected, "{value}");
            }
        }
    }

    #[test]
    fn pages_of_strangers_write_nothing() {
        let access = access("127.0.0.1", None);
        let write = |headers: &[_]| status(&access, &Method::PUT, headers);
        let host = ("host", "127.0.0.1:5380");
        assert_eq!(write(&[host]), 200);
        assert_eq!(write(&[host, ("sec-fetch-site", "same-origin")]), 200);
        assert_eq!(write(&[host, ("origin", "http://127.0.0.1:5380")]), 200);
        for strange in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "http://evil.example"),
            ("origin", "http://127.0.0.1:8080"),
            ("origin", "null"),
        ] {
            assert_eq!(write(&[host, strange]), 403, "{strange:?}");
            assert_eq!(status(&access, &Method::GET, &[host, strange]), 200, "{strange:?}");
        }
    }

    #[test]
    fn strange_names_do_not_lead_to_loopback() {
        let local = access("127.0.0.1", None);
        let ask = |access: &Access, host| status(access, &Method::GET, &[("host", host)]);
        for own in ["127.0.0.1:5380", "[::1]:5380", "LocalHost", "a.localhost", "ops.example:1"] {
            assert_eq!(ask(&local, own), 200, "{own}");
        }
        assert_eq!(ask(&local, "evil.example:5380"), 421);
        let remote = access("10.0.0.1", None);
        for own in ["10.0.0.1:5380", "localhost", "Ops.example:5380"] {
            assert_eq!(ask(&remote, own), 200, "{own}");
        }
        assert_eq!(ask(&remote, "srvd.example"), 421);
        remote.replace(Rules::default());
        assert_eq!(ask(&remote, "srvd.example"), 200, "no name is given");
        assert_eq!(ask(&access("127.0.0.1", Some("0123456789abcdef")), "srvd.example"), 421);
        for broken in ["évil.example", "user@[::1", "a b", ""] {
            assert_eq!(ask(&local, broken), 400, "{broken}");
        }
        let twice = [("host", "127.0.0.1"), ("host", "evil.example")];
        assert_eq!(status(&local, &Method::GET, &twice), 400);
    }
}
