//! `/v1/events`: what changes, as server-sent events (WHATWG HTML, section 9.2).
//!
//! | event | data |
//! | --- | --- |
//! | `online`, `offline`, `changed` | `{"event","revision","instance"}` |
//! | `alias` | `{"event","change","revision","alias"}`: a backend or frontend came (`online`), went (`offline`) or leads elsewhere (`changed`) |
//! | `reset` | `{"event","reason"}`: more has happened than is remembered, or zones came, went or moved; all that was told before is void, and what follows begins with everything that is there |
//!
//! It begins with `online` for everything that is there, read from one generation; or, with
//! `Last-Event-ID` or `since`, with what was missed. An `id` stands with the last event of
//! what was published together, so that a break in the middle repeats rather than loses.
//! It is the registry's revision, of several zones joined by commas in the order of the
//! configuration; where a revision alone does not tell ([`crate::events`]), more stands behind
//! it, and is to be sent back as it is. Between events an `id` may come alone; `0` comes before
//! everything that is there, and is known to nobody: who is cut off meanwhile begins anew.
//!
//! A follower costs the server the text that is on its way to it, and no more: who reads too
//! slowly to be told everything is told to begin anew.

mod follower;
mod writer;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::IntoParams;

use crate::events::{FOLLOWERS_MAX, Id};
use crate::http::Subject;
use crate::http::server::extract::Parameters;
use crate::http::server::place::Place;
use crate::http::server::refusal::Refusal;
use crate::names::folded;

use self::follower::{EventFollower, Start};
use self::writer::EventWriter;

/// What a follower that comes back has seen last; `EventSource` sends it by itself.
const LAST_EVENT_ID: &str = "last-event-id";
/// Characters of ids that are looked at: those of more zones than anybody has.
const IDS_MAX: usize = 4096;
/// Chunks of text that wait for the client, beside the one that is written.
const CHUNKS_WAITING: usize = 1;

/// The parameters of what is followed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// The one zone to follow; all zones with services when absent
    zone: Option<String>,
    /// The one service or alias to follow; all of them when absent
    name: Option<String>,
    /// Begin behind this `id` rather than with everything; `Last-Event-ID` goes before it
    since: Option<String>,
}

/// Server-sent events, `online`, `offline` and `changed` among them, without an end.
#[utoipa::path(get, path = "/v1/events", tag = "registry",
    params(Wanted, ("Last-Event-ID" = Option<String>, Header, description = "The last `id` that was seen")),
    responses(
        (status = 200, content_type = "text/event-stream", body = String),
        (status = 400, body = Refusal), (status = 404, body = Refusal), (status = 503, body = Refusal),
))]
pub(super) async fn follow(
    State(subject): State<Subject>,
    Extension(place): Extension<Place>,
    headers: HeaderMap,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Response, Refusal> {
    let start = start(&headers, wanted.since.as_deref())?;
    if subject.draining.is_cancelled() {
        return Err(Refusal::unavailable("this server is about to end; ask another"));
    }
    let follower_place = subject.events.place().ok_or_else(|| {
        let text = format!("{FOLLOWERS_MAX} clients follow events already; come back later");
        Refusal::unavailable(text)
    })?;
    let (to, from) = mpsc::channel(CHUNKS_WAITING);
    let name = wanted.name.map(|name| folded(&name).collect());
    let Subject { index, events, draining, .. } = subject;
    let out = EventWriter::new(to);
    let follower = EventFollower::new((index, events), wanted.zone, name, out)?;
    place.leave();
    tokio::spawn(async move {
        let _place = follower_place;
        tokio::select! {
            _gone = follower.run(start) => (),
            () = draining.cancelled() => (),
        }
    });
    Ok(stream(from))
}

/// The reply whose body comes bit by bit. Its connection ends with it.
fn stream(from: mpsc::Receiver<axum::body::Bytes>) -> Response {
    let body = ReceiverStream::new(from).map(Ok::<_, std::convert::Infallible>);
    let headers =
        [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store"), (CONNECTION, "close")];
    (headers, Body::from_stream(body)).into_response()
}

/// Where a client wants to begin. An id that came back by itself may be any; one that
/// somebody wrote is wrong if it is none.
fn start(headers: &HeaderMap, since: Option<&str>) -> Result<Start, Refusal> {
    if let Some(last) = headers.get(LAST_EVENT_ID) {
        let ids = last.to_str().ok().and_then(ids);
        return Ok(ids.map_or(Start::Unknown, Start::Behind));
    }
    let Some(since) = since else { return Ok(Start::Anew) };
    let ids = ids(since).ok_or_else(|| {
        Refusal::invalid("`since` is no `id` of an event: write a revision, one for each zone")
    })?;
    Ok(Start::Behind(ids))
}

/// Ids of zones, from their text.
fn ids(text: &str) -> Option<Vec<Id>> {
    let text = Some(text).filter(|text| text.len() <= IDS_MAX)?;
    text.split(',').map(|id| id.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_or_not_known() {
        let of = |text: &str| {
            HeaderMap::from_iter([(LAST_EVENT_ID.parse().unwrap(), text.parse().unwrap())])
        };
        assert!(matches!(start(&of("7,8"), Some("1")), Ok(Start::Behind(ids)) if ids.len() == 2));
        assert!(matches!(start(&of("seven"), Some("1")), Ok(Start::Unknown)));
        assert!(matches!(start(&HeaderMap::new(), None), Ok(Start::Anew)));
        assert!(matches!(start(&HeaderMap::new(), Some("1")), Ok(Start::Behind(_))));
        for wrong in ["", "1,", "x", "1;2", &"1,".repeat(IDS_MAX)] {
            assert!(start(&HeaderMap::new(), Some(wrong)).is_err(), "{wrong}");
        }
    }
}
