//! `/v1/explain`: why a name is answered as it is.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use super::schema;
use crate::authority::{self, Draw};
use crate::http::Subject;
use crate::http::server::extract::Parameters;
use crate::http::server::refusal::Refusal;

/// The parameters of a question.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// The name, absolute, as `dig` takes it
    name: String,
    /// The type: `SRV`, `a`, `TYPE65`; SRV for names that begin with `_`, A for others when absent
    r#type: Option<String>,
}

/// What a name is answered with now, from which keys, by which rule, and why not.
#[utoipa::path(get, path = "/v1/explain", tag = "registry", params(Asked), responses(
    (status = 200, body = schema::Explanation), (status = 400, body = Refusal),
))]
pub(super) async fn show(
    State(subject): State<Subject>,
    Parameters(Asked { name, r#type: kind }): Parameters<Asked>,
) -> Result<Response, Refusal> {
    let (name, kind) = authority::asked(&name, kind.as_deref()).map_err(Refusal::invalid)?;
    let generation = Arc::clone(&subject.index.load());
    let policies = Arc::clone(&subject.policies);
    let explain = move || {
        let mut explanation = authority::explain(&generation, &name, kind, &mut Draw::new());
        let policy = policies.load();
        let note = policy.forwarder.as_ref().and_then(|forwarder| {
            let name = explanation.elsewhere(|name| forwarder.falls_through(name))?;
            forwarder.zone_of(name).map(|zone| zone.note())
        });
        explanation.notes.extend(note);
        Ok(explanation.to_json())
    };
    subject.heavy.beside(explain).await
}
