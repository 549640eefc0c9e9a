//! Endpoints of the first version of the API: what is registered, what changes, and why a
//! name is answered as it is.
//!
//! | path | answers |
//! | --- | --- |
//! | `GET /v1` | what there is |
//! | `GET /v1/problems` | what cannot be served and why: `[{"zone","key","problem","remedy"}]` |
//! | `GET /v1/services`, `GET /v1/services/{name}` | what is registered |
//! | `GET /v1/events` | what changes, as server-sent events ([`events`]) |
//! | `GET /v1/changes` | what happened lately, the newest first |
//! | `GET /v1/explain?name=…&type=…` | what a name is answered with, by which rule, and why not |
//! | `GET /v1/status` | how the server and each zone stand |
//! | `GET /v1/server` | which server this is, where it answers, what configured it |
//! | `GET /v1/zones` | where each zone's names come from |
//! | `GET /v1/zones/{zone}/entries`, `/v1/zones/{zone}/records` | what a SkyDNS zone and a zone file hold |

mod changes;
mod choice;
mod entries;
mod events;
mod explain;
mod hidden;
mod instances;
mod paging;
mod problems;
mod records;
pub(super) mod root;
mod schema;
mod server;
mod services;
mod status;
mod upstream;
mod zone_list;
mod zones;

use std::time::SystemTime;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Subject;

/// The endpoints.
pub(super) fn routes() -> OpenApiRouter<Subject> {
    OpenApiRouter::new()
        .routes(routes!(problems::show))
        .routes(routes!(events::follow))
        .routes(routes!(services::list))
        .routes(routes!(instances::show))
        .routes(routes!(status::show))
        .routes(routes!(explain::show))
        .routes(routes!(changes::list))
        .routes(routes!(server::show))
        .routes(routes!(zone_list::list))
        .routes(routes!(entries::list))
        .routes(routes!(records::list))
}

/// A time of day as RFC 3339 has it, in UTC and to the millisecond.
fn timestamp(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}
