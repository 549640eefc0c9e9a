//! Server-sent events of a server (WHATWG HTML, section 9.2), as they come.

use std::convert::Infallible;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{Response, StatusCode};
use tokio::time::timeout;

use super::{Boxed, ServerUrl, refusal};
use crate::error::Failure;

/// After this silence the server is given up: it sends something every 10 s.
const SILENCE: Duration = Duration::from_secs(30);
/// Octets of a line: a document has 64 KiB at most, and may be longer as JSON.
const LINE_MAX: usize = 1 << 20;
/// Octets of what a server says in the place of events.
const REFUSAL_MAX: usize = 64 << 10;

/// One event, or an id that comes alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerEvent {
    /// What happened; nothing where an id comes alone.
    pub kind: String,
    /// What is told of it.
    pub data: String,
    /// What is to be sent back to go on behind it, where that is said.
    pub id: Option<String>,
}

/// The end of a stream of events.
#[derive(Debug)]
pub enum Severed {
    /// The server does not give any, whoever asks again.
    Refused(Failure),
    /// It broke, or the server has no place at the moment.
    Broken(Boxed),
}

/// A reader of the lines of a stream.
#[derive(Debug, Default)]
struct EventReader {
    /// What has come of a line.
    line: Vec<u8>,
    /// What has come of an event.
    event: ServerEvent,
}

impl ServerUrl {
    /// Follows the events of a path for as long as they come.
    ///
    /// # Errors
    /// [`Severed`]: why no more come.
    pub async fn follow(
        &self,
        path: &str,
        mut take: impl FnMut(ServerEvent) + Send,
    ) -> Result<Infallible, Severed> {
        let stream = timeout(super::PATIENCE, self.connect()).await;
        let silent = |_| Severed::Broken("it said nothing for 10 s".into());
        let stream = stream.map_err(silent)?.map_err(Severed::Broken)?;
        let authority = self.authority();
        let end = super::exchange(stream, &authority, path, async |answer| {
            if answer.status() != StatusCode::OK {
                return refused(self, answer).await;
            }
            Ok(Severed::Broken(read(answer.into_body(), &mut take).await))
        });
        Err(end.await.unwrap_or_else(Severed::Broken))
    }
}

/// What a server says in the place of events; 503 may be over soon.
async fn refused(server: &ServerUrl, answer: Response<Incoming>) -> Result<Severed, Boxed> {
    let status = answer.status();
    let body = http_body_util::Limited::new(answer.into_body(), REFUSAL_MAX);
    let text = timeout(super::PATIENCE, body.collect()).await??.to_bytes();
    let failure = refusal(server, status, &serde_json::from_slice(&text).unwrap_or_default());
    Ok(match status {
        StatusCode::SERVICE_UNAVAILABLE => Severed::Broken(failure.into()),
        _ => Severed::Refused(failure),
    })
}

/// Reads events to the end of a body. Gives why that came.
async fn read(mut body: Incoming, take: &mut (impl FnMut(ServerEvent) + Send)) -> Boxed {
    let mut reader = EventReader::default();
    loop {
        let frame = match timeout(SILENCE, body.frame()).await {
            Err(_) => return "it said nothing for 30 s".into(),
            Ok(None) => return "it closed the connection".into(),
            Ok(Some(Err(error))) => return error.into(),
            Ok(Some(Ok(frame))) => frame,
        };
        let octets = frame.into_data().unwrap_or_default();
        if let Err(fault) = reader.take(&octets, take) {
            return fault;
        }
    }
}

impl EventReader {
    /// Takes what has come.
    fn take(&mut self, octets: &[u8], take: &mut impl FnMut(ServerEvent)) -> Result<(), Boxed> {
        for part in octets.split_inclusive(|octet| *octet == b'\n') {
            if self.line.len() + part.len() > LINE_MAX {
                return Err("it sends lines that have no end".into());
            }
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                self.take_line(String::from_utf8_lossy(&line).trim_end(), take);
            }
        }
        Ok(())
    }

    /// Takes a line; an empty one ends an event.
    fn take_line(&mut self, line: &str, take: &mut impl FnMut(ServerEvent)) {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.kind),
            "data" => value.clone_into(&mut self.event.data),
            "id" => self.event.id = Some(value.to_owned()),
            "" if line.is_empty() && self.event != ServerEvent::default() => {
                take(std::mem::take(&mut self.event));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_however_they_are_cut() {
        let text = "retry: 2000\n\n:\n\nid: 0\n\nevent: online\ndata: {\"a\":1}\nid: 7,8\n\n\
                    event: offline\r\ndata: x\r\n\r\n";
        let event = |kind: &str, data: &str, id: Option<&str>| ServerEvent {
            kind: kind.to_owned(),
            data: data.to_owned(),
            id: id.map(str::to_owned),
        };
        let expected = [
            event("", "", Some("0")),
            event("online", "{\"a\":1}", Some("7,8")),
            event("offline", "x", None),
        ];
        for length in [1, 3, 1000] {
            let (mut reader, mut all) = (EventReader::default(), Vec::new());
            for part in text.as_bytes().chunks(length) {
                reader.take(part, &mut |event| all.push(event)).unwrap();
            }
            assert_eq!(all, expected, "{length}");
        }
    }

    #[test]
    fn a_line_without_an_end_is_an_error() {
        let mut reader = EventReader::default();
        let part = [b'x'; 1 << 16];
        let end = (0..=LINE_MAX / part.len()).find(|_| reader.take(&part, &mut |_| ()).is_err());
        assert!(end.is_some());
    }
}
