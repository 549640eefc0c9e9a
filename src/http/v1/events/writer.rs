//! The text of server-sent events, on its way to one client.

use std::fmt::{Display, Write as _};

use axum::body::Bytes;
use tokio::sync::mpsc;

use crate::events::Id;

/// Octets that are gathered before they are sent on.
const CHUNK_OCTETS: usize = 32 << 10;

/// The client is gone.
#[derive(Debug)]
pub(super) struct Gone;

/// Writes events.
#[derive(Debug)]
pub(super) struct EventWriter {
    /// What takes chunks to the client.
    to: mpsc::Sender<Bytes>,
    /// What is not sent yet.
    text: String,
    /// Whether the last event may still get an id.
    is_open: bool,
}

impl EventWriter {
    /// Writes for the client behind a channel.
    pub(super) const fn new(to: mpsc::Sender<Bytes>) -> Self {
        Self { to, text: String::new(), is_open: false }
    }

    /// Says after how long a client should come back.
    pub(super) fn retry(&mut self, milliseconds: u32) {
        self.line(format_args!("retry: {milliseconds}\n"));
    }

    /// Begins an event. What is shown of the data has no line breaks.
    pub(super) fn event(&mut self, name: &str, data: impl Display) {
        self.close();
        self.line(format_args!("event: {name}\ndata: {data}"));
        self.is_open = true;
    }

    /// Gives the last event an id, or sends one alone, which clients only remember.
    pub(super) fn id(&mut self, ids: impl Iterator<Item = Id>) {
        let ids: Vec<_> = ids.map(|id| id.to_string()).collect();
        self.line(format_args!("id: {}", ids.join(",")));
        self.is_open = true;
        self.close();
    }

    /// A line that says nothing: the connection is alive.
    pub(super) fn beat(&mut self) {
        self.close();
        self.line(":\n");
    }

    /// Sends on what there is, if it is enough to be worth it.
    ///
    /// # Errors
    /// [`Gone`]: nobody takes it.
    pub(super) async fn send_if_full(&mut self) -> Result<(), Gone> {
        if self.text.len() < CHUNK_OCTETS { Ok(()) } else { self.send().await }
    }

    /// Sends on all there is. Waits until the client has read most of what was sent before.
    ///
    /// # Errors
    /// [`Gone`]: nobody takes it.
    pub(super) async fn send(&mut self) -> Result<(), Gone> {
        self.close();
        if self.text.is_empty() {
            return Ok(());
        }
        let chunk = Bytes::from(std::mem::take(&mut self.text));
        self.to.send(chunk).await.map_err(|_| Gone)
    }

    /// Waits until the client is gone.
    pub(super) async fn gone(&self) {
        self.to.closed().await;
    }

    /// Ends the last event.
    fn close(&mut self) {
        if std::mem::take(&mut self.is_open) {
            self.line("");
        }
    }

    /// Adds a line.
    fn line(&mut self, text: impl Display) {
        writeln!(self.text, "{text}").expect("a string takes all that is written");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_id_stands_with_the_last_event_or_alone() {
        let (to, mut from) = mpsc::channel(1);
        let mut writer = EventWriter::new(to);
        writer.retry(2000);
        writer.event("online", "{}");
        writer.event("changed", "[]");
        let id = |revision| [Id { revision, mark: None }; 2].into_iter();
        writer.id(id(7));
        writer.beat();
        writer.id(id(8));
        writer.event("offline", "1");
        writer.send().await.unwrap();
        let expected = "retry: 2000\n\nevent: online\ndata: {}\n\nevent: changed\ndata: []\nid: 7,7\n\n\
                        :\n\nid: 8,8\n\nevent: offline\ndata: 1\n\n";
        assert_eq!(from.recv().await.unwrap(), expected);
        drop(from);
        writer.send_if_full().await.unwrap();
        writer.beat();
        assert!(writer.send().await.is_err());
    }
}
