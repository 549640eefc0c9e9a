//! Replies to what clients ask beside keys: versions, health, members, statistics.
//!
//! Clients that look for members are told of this server alone, by the name that they asked it
//! by, so that they go on asking it.

use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{Served, reply};

/// The last release whose API this is, for clients that ask before they use it.
const VERSION: &str = "{\"etcdserver\":\"2.3.8\",\"etcdcluster\":\"2.3.0\"}";
/// The name of the one member.
const NAME: &str = "srvd";
/// The id of the one member, which no other is told apart from.
const ID: &str = "1";

impl Served {
    /// What a path beside `/v2/keys` answers, if it is one.
    pub(super) async fn about(&self, path: &str, headers: &HeaderMap) -> Option<Response> {
        let url = self.url(headers);
        let member = || json!({ "id": ID, "name": NAME, "peerURLs": [url], "clientURLs": [url] });
        Some(match path {
            "/version" => ([(CONTENT_TYPE, "application/json")], VERSION).into_response(),
            "/health" => self.health().await,
            "/v2/machines" => url.into_response(),
            "/v2/members" => reply::json(&json!({ "members": [member()] })),
            "/v2/members/leader" => reply::json(&member()),
            "/v2/stats/self" => reply::json(&self.statistics()),
            "/v2/stats/leader" => reply::json(&json!({ "leader": ID, "followers": {} })),
            _ => return None,
        })
    }

    /// Whether the registry does what is asked of it.
    async fn health(&self) -> Response {
        let etcd = self.upkeep.etcd();
        let key = self.scope().first().unwrap_or_default();
        let is_healthy = etcd.revision(&key, 0).await.is_ok();
        let status = if is_healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        (status, format!("{{\"health\":\"{is_healthy}\"}}")).into_response()
    }

    /// The one member as it sees itself.
    fn statistics(&self) -> Value {
        let started = humantime::format_rfc3339_nanos(self.started).to_string();
        let uptime = self.started.elapsed().unwrap_or_default();
        json!({
            "name": NAME,
            "id": ID,
            "state": "StateLeader",
            "startTime": started,
            "leaderInfo": {
                "leader": ID,
                "uptime": format!("{:.9}s", uptime.as_secs_f64()),
                "startTime": started,
            },
            "recvAppendRequestCnt": 0,
            "sendAppendRequestCnt": 0,
        })
    }

    /// Where this server is, as a client knows it.
    fn url(&self, headers: &HeaderMap) -> String {
        let scheme = if self.speaks_tls { "https" } else { "http" };
        let named = headers.get(HOST).and_then(|host| host.to_str().ok());
        let own = || self.address.to_string();
        format!("{scheme}://{}", named.map_or_else(own, str::to_owned))
    }
}
