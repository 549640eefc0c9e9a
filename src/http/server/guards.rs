//! Replies that any request may get before it is looked at closely, for the OpenAPI document.

use utoipa::openapi::path::Operation;
use utoipa::openapi::{Content, OpenApi, PathItem, Ref, RefOr, Response, ResponseBuilder};

/// What is said to any request.
const ANY: &[(&str, &str)] = &[("421", "this server is not known by that name")];
/// What is said to writes.
const WRITES: &[(&str, &str)] = &[
    ("401", "the token is missing or wrong"),
    ("403", "writes are not allowed, or not from there"),
];
/// What is said of bodies.
const BODIES: &[(&str, &str)] = &[
    ("408", "the body does not come"),
    ("413", "the body is too large"),
    ("415", "the body is not said to be JSON"),
];

/// Adds these replies where a path does not say more of them itself.
pub(in crate::http) fn described(mut document: OpenApi) -> OpenApi {
    document.paths.paths.values_mut().for_each(describe);
    document
}

/// Adds them to a path.
fn describe(path: &mut PathItem) {
    path.get.iter_mut().for_each(|read| add(read, ANY));
    for write in [&mut path.post, &mut path.put, &mut path.delete].into_iter().flatten() {
        add(write, ANY);
        add(write, WRITES);
        if write.request_body.is_some() {
            add(write, BODIES);
        }
    }
}

/// Adds replies to what can be asked.
fn add(operation: &mut Operation, replies: &[(&str, &str)]) {
    for (status, text) in replies {
        let place = operation.responses.responses.entry((*status).to_owned());
        place.or_insert_with(|| RefOr::T(refusal(text)));
    }
}

/// A reply that is a refusal.
fn refusal(text: &str) -> Response {
    let content = Content::new(Some(Ref::from_schema_name("Refusal")));
    ResponseBuilder::new().description(text).content("application/json", content).build()
}
