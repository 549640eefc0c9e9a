//! `/v1/server`: which server this is, where it answers, and what configured it. Whom it asks
//! and how it stands is told by `/v1/status`.

use std::time::{Duration, UNIX_EPOCH};

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::status::Reload;
use super::timestamp;
use crate::http::Subject;
use crate::http::server::refusal::Refusal;

/// This server, beside its zones.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Server {
    /// Its name: `nsid`, else that of its machine.
    name: String,
    /// The release of this server.
    version: &'static str,
    /// Where it answers.
    listeners: Vec<ListenerShown>,
    /// What configured it.
    configuration: Configuration,
}

/// A place where it answers.
#[derive(Debug, Serialize, ToSchema)]
struct ListenerShown {
    /// What is spoken there: `dns` (UDP and TCP), `dns-tls`, `dns-https`, `dns-quic` (UDP), `http`, `https` or `etcd-v2`.
    protocol: &'static str,
    /// The address, with its port.
    address: String,
}

/// The configuration in use.
#[derive(Debug, Serialize, ToSchema)]
struct Configuration {
    /// The file; none where everything stands in options and variables.
    file: Option<String>,
    /// When what is used was read (RFC 3339).
    read: String,
    /// What came of reading it again the last time; none before the first.
    reload: Option<Reload>,
}

/// Which server this is, where it answers, and what configured it.
#[utoipa::path(get, path = "/v1/server", tag = "registry", responses(
    (status = 200, body = Server), (status = 503, body = Refusal),
))]
pub(super) async fn show(State(subject): State<Subject>) -> Json<Server> {
    let policy = subject.policies.load();
    let name = policy.nsid.as_deref().map(|it| String::from_utf8_lossy(it).into_owned());
    let machine = || gethostname::gethostname().to_string_lossy().into_owned();
    let listener = |it: &crate::http::AnsweringAddress| ListenerShown {
        protocol: it.protocol,
        address: it.address.to_string(),
    };
    Json(Server {
        name: name.unwrap_or_else(machine),
        version: env!("CARGO_PKG_VERSION"),
        listeners: subject.listeners.iter().map(listener).collect(),
        configuration: Configuration::of(&subject),
    })
}

impl Configuration {
    /// What configured a server.
    fn of(subject: &Subject) -> Self {
        let reloads = &subject.reloads;
        Self {
            file: reloads.file().map(|it| it.display().to_string()),
            read: timestamp(UNIX_EPOCH + Duration::from_secs(reloads.used_at())),
            reload: reloads.last().map(|it| Reload::new(&it)),
        }
    }
}
