//! The instance that is registered.

use std::num::NonZeroU16;

use crate::names::{default_id, label};
use crate::registry::Layout;
use crate::registry::document::{self, Registration as Document};

/// An instance to be registered: its key, its document, and where it is.
#[derive(Debug)]
pub struct Registrant {
    /// The service's name in label form, under which it is found.
    pub name: String,
    /// The instance's id.
    pub id: String,
    /// The key.
    pub key: String,
    /// The document, one line of JSON.
    pub document: String,
    /// `HOST:PORT`.
    pub location: String,
    /// The host alone.
    pub hostname: String,
    /// The port.
    pub port: NonZeroU16,
}

impl Registrant {
    /// The instance that a document says, in this part of the keyspace; without an id its place
    /// makes one.
    ///
    /// # Errors
    /// [`document::Fault`]: `serve` could not read it.
    pub fn new(
        document: Document,
        id: Option<String>,
        layout: &Layout,
    ) -> Result<Self, document::Fault> {
        let line = document.to_line();
        document::read(line.as_bytes())?;
        let id = id.unwrap_or_else(|| default_id(&document.hostname, Some(document.port.get())));
        Ok(Self {
            name: label(&document.name),
            key: layout.key(&document.name, &id),
            id,
            document: line,
            location: document.host,
            hostname: document.hostname,
            port: document.port,
        })
    }
}
