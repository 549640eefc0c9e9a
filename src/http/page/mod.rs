//! `/`: a page for people, made of files in this binary. It asks nobody but this server.
//!
//! Its scripts make nodes of what the API says, text of all text, and parse no markup; the
//! policy below would stop them if they did (Content Security Policy 3, Trusted Types).

use axum::Router;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};

/// What a browser may do with what is served here: run and show what comes from here,
/// nothing else, and be framed by nobody.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
/// Other sites may not load it, either.
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// A file of the page.
#[derive(Debug, Clone, Copy)]
struct File {
    /// Where it is served.
    path: &'static str,
    /// What it is.
    kind: &'static str,
    /// What is in it.
    text: &'static str,
}

/// What scripts are.
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The files.
const FILES: [File; 19] = [
    File { path: "/", kind: "text/html; charset=utf-8", text: include_str!("index.html") },
    File {
        path: "/page/page.css",
        kind: "text/css; charset=utf-8",
        text: include_str!("page.css"),
    },
    File { path: "/page/icon.svg", kind: "image/svg+xml", text: include_str!("icon.svg") },
    script("/page/main.js", include_str!("main.js")),
    script("/page/api.js", include_str!("api.js")),
    script("/page/ask.js", include_str!("ask.js")),
    script("/page/copy.js", include_str!("copy.js")),
    script("/page/dom.js", include_str!("dom.js")),
    script("/page/events.js", include_str!("events.js")),
    script("/page/figures.js", include_str!("figures.js")),
    script("/page/known.js", include_str!("known.js")),
    script("/page/links.js", include_str!("links.js")),
    script("/page/live.js", include_str!("live.js")),
    script("/page/pages.js", include_str!("pages.js")),
    script("/page/problems.js", include_str!("problems.js")),
    script("/page/service.js", include_str!("service.js")),
    script("/page/services.js", include_str!("services.js")),
    script("/page/state.js", include_str!("state.js")),
    script("/page/zones.js", include_str!("zones.js")),
];

/// A script.
const fn script(path: &'static str, text: &'static str) -> File {
    File { path, kind: SCRIPT, text }
}

/// The paths of the page.
pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    FILES.into_iter().fold(Router::new(), |routes, file| {
        let tag = file.tag();
        routes.route(file.path, get(async move |headers: HeaderMap| file.reply(&headers, &tag)))
    })
}

/// Tells browsers what they may do with a reply, whatever it is.
pub(super) async fn confine(mut reply: Response) -> Response {
    let headers = reply.headers_mut();
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (RESOURCE_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    reply
}

impl File {
    /// What tells this content from that of another release (RFC 9110 section 8.8.3).
    fn tag(&self) -> HeaderValue {
        let digest = Sha256::digest(self.text);
        let digits: String = digest.iter().take(8).map(|octet| format!("{octet:02x}")).collect();
        HeaderValue::from_str(&format!("\"{digits}\"")).expect("hex digits are visible ASCII")
    }

    /// The file, unless the browser has it.
    fn reply(self, headers: &HeaderMap, tag: &HeaderValue) -> Response {
        let fields = [
            (CONTENT_TYPE, HeaderValue::from_static(self.kind)),
            (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            (ETAG, tag.clone()),
        ];
        if headers.get(IF_NONE_MATCH) == Some(tag) {
            return (StatusCode::NOT_MODIFIED, fields).into_response();
        }
        (fields, self.text).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_import_what_is_served() {
        let served = |name: &str| FILES.iter().any(|it| it.path == format!("/page/{name}"));
        for file in FILES.iter().filter(|it| it.kind == SCRIPT) {
            for line in file.text.lines().filter(|it| it.starts_with("import ")) {
                let name = line.split("\"./").nth(1).unwrap().trim_end_matches("\";");
                assert!(served(name), "{}: {line}", file.path);
            }
            for sink in ["innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval("] {
                assert!(!file.text.contains(sink), "{}: {sink}", file.path);
            }
        }
    }

    /// Text of others is escaped by the functions of one file, which all others use.
    #[test]
    fn one_script_alone_makes_text() {
        let others = FILES.iter().filter(|it| it.kind == SCRIPT && !it.path.ends_with("/dom.js"));
        for file in others {
            let sinks = ["textContent =", "innerText", "createTextNode", "nodeValue", ".append("];
            for sink in sinks {
                assert!(!file.text.contains(sink), "{}: {sink}", file.path);
            }
        }
    }

    #[test]
    fn nothing_is_asked_of_others() {
        for file in FILES {
            let text = file.text.replace("http://www.w3.org/2000/svg", "");
            assert!(!text.contains("http:") && !text.contains("https:"), "{}", file.path);
            assert!(!text.contains("style=") && !text.contains("onclick="), "{}", file.path);
        }
    }
}
