//! bender's interface, backed by the registry: registrations that are renewed by POST,
//! backends and frontends.
//!
//! What is shown comes from the newest generation, as DNS does. A write is answered when
//! this server's own mirror has seen it, so that whoever wrote reads what was written, over
//! HTTP and DNS alike.
//!
//! | file | holds |
//! | --- | --- |
//! | `registrations` | `/registrations` |
//! | `endpoints` | `/backends`, `/frontends` |
//! | `aliases` | what both of these do |
//! | `entities` | what is shown and posted |

mod aliases;
mod endpoints;
mod entities;
mod registrations;

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::endpoints::{backends, frontends};
use super::Subject;
use crate::etcd::Error;
use crate::http::server::access::Author;
use crate::http::server::refusal::Refusal;
use crate::index::{Zone, ZoneId};
use crate::join::registrar::{AttemptFault, Registrar};
use crate::names::{percent_encoded, shown};

/// How long a write waits for our own mirror: it is some milliseconds behind as a rule, and
/// what is written stands in the registry whether it has seen it or not.
const SEEN_WITHIN: Duration = Duration::from_secs(1);

/// The registrar and the zone of bender's interface.
#[derive(Debug)]
pub struct Bender {
    /// Who registers.
    pub registrar: Registrar,
    /// The zone.
    pub zone: ZoneId,
}

/// The paths.
pub(super) fn routes() -> OpenApiRouter<Subject> {
    OpenApiRouter::new()
        .routes(routes!(registrations::list, registrations::create))
        .routes(routes!(registrations::list_app))
        .routes(routes!(registrations::list_version))
        .routes(routes!(registrations::show, registrations::renew, registrations::leave))
        .routes(routes!(backends::list, backends::create))
        .routes(routes!(backends::show, backends::replace, backends::remove))
        .routes(routes!(frontends::list, frontends::create))
        .routes(routes!(frontends::show, frontends::replace, frontends::remove))
}

impl Subject {
    /// Where is registered.
    fn bender(&self) -> Result<Arc<Bender>, Refusal> {
        self.bender.load_full().ok_or_else(|| {
            Refusal::not_found("no zone has the schema `services`, so that nothing can register")
        })
    }

    /// The zone that is registered in, as it is now.
    fn zone(&self) -> Result<Arc<Zone>, Refusal> {
        let (zone, generation) = (self.bender()?.zone, self.index.load());
        let gone = || Refusal::unavailable("the zone is being replaced by a reload; try again");
        generation.followed(zone).map(Arc::clone).ok_or_else(gone)
    }

    /// The same once it is known what is in it.
    fn registered(&self) -> Result<Arc<Zone>, Refusal> {
        let zone = self.zone()?;
        match zone.is_ready() {
            true => Ok(zone),
            false => Err(Refusal::unavailable("the registry has not been listed yet")),
        }
    }

    /// Writes a key, and says for whom; then waits, not for ever, until our own mirror has seen it.
    async fn write(
        &self,
        Author(author): &Author,
        key: &str,
        work: impl Future<Output = Result<i64, AttemptFault>>,
    ) -> Result<(), Refusal> {
        let (bender, generation) = (self.bender()?, Arc::clone(&self.index.load()));
        let known = generation.followed(bender.zone).and_then(|zone| zone.revision());
        // Of what nothing is known, nobody can say who wrote it.
        let after = known.unwrap_or(i64::MAX);
        let begin = |name| (self.events.authors().begin(key, name, after), name);
        let pending = author.as_ref().map(begin);
        let revision = work.await?;
        if let Some((pending, name)) = pending
            && pending.done(revision)
        {
            tracing::info!(token = %name, key = %shown(key), "written over HTTP");
        }
        self.events.reached(bender.zone, revision, SEEN_WITHIN).await;
        Ok(())
    }
}

/// 201: what was made, and where it is.
fn created(segments: &[&str], entity: impl Serialize) -> Response {
    let path: String = segments.iter().flat_map(|it| ["/".into(), percent_encoded(it)]).collect();
    let location = HeaderValue::try_from(path).expect("what is not ASCII was encoded");
    (StatusCode::CREATED, [(LOCATION, location)], Json(entity)).into_response()
}

impl From<AttemptFault> for Refusal {
    fn from(fault: AttemptFault) -> Self {
        match &fault {
            AttemptFault::Registry(
                Error::Forbidden(_) | Error::Denied(_) | Error::LoggedOut(_),
            ) => Self::forbidden(fault),
            AttemptFault::Registry(_) | AttemptFault::Slow(_) | AttemptFault::Restless { .. } => {
                Self::unavailable(fault)
            }
            AttemptFault::Taken { .. } | AttemptFault::Exists { .. } => {
                Self::new(StatusCode::CONFLICT, "CONFLICT", fault)
            }
            AttemptFault::Full => Self::new(StatusCode::INSUFFICIENT_STORAGE, "FULL", fault),
            AttemptFault::Absent { .. } | AttemptFault::OtherVersion { .. } => {
                Self::not_found(fault)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_leads_back() {
        let location = |segments: &[&str]| {
            let response = created(segments, "");
            response.headers()[LOCATION].to_str().unwrap().to_owned()
        };
        assert_eq!(location(&["frontends", "my-web_1.2~"]), "/frontends/my-web_1.2~");
        assert_eq!(location(&["backends", "a/b c?é%"]), "/backends/a%2Fb%20c%3F%C3%A9%25");
    }
}
