//! Pointers into values, and what stands there.

use std::num::NonZeroU16;

use serde_json::Value;

use super::pattern::{Field, Found};
use super::{TemplateFault, WrittenTemplate};
use crate::names::{SERVICE_MAX, TAGS_MAX};
use crate::registry::Meta;
use crate::registry::document::{self, Document, Fault};

/// What a host must be.
const HOST_WANTED: &str = "a string HOST, HOST:PORT or a url";
/// What a port must be.
const PORT_WANTED: &str = "a number from 1 to 65535";
/// What a priority or a weight must be.
const NUMBER_WANTED: &str = "a number from 0 to 65535";
/// What the tags must be.
const TAGS_WANTED: &str = "an array of at most 64 strings of 1 to 62 characters";
const _: () = assert!(TAGS_MAX == 64 && SERVICE_MAX == 62);
/// What a port's name must be.
const LABEL_WANTED: &str = "a string of 1 to 62 characters, for it becomes a DNS label";

/// The places in a value of the parts of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fields {
    /// Those that could stand in the key instead, each by its [`Field`].
    texts: [Option<Pointer>; Field::ALL.len()],
    /// The SRV priority.
    priority: Option<Pointer>,
    /// The SRV weight.
    weight: Option<Pointer>,
    /// The tags.
    tags: Option<Pointer>,
    /// The metadata.
    meta: Option<Pointer>,
}

/// A JSON pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pointer(Box<str>);

impl Fields {
    /// Those of a template.
    pub(super) fn new(written: &WrittenTemplate) -> Result<Self, TemplateFault> {
        let WrittenTemplate { key: _, name, id, host, port, protocol, version, .. } = written;
        let pointer = |(member, text): (&'static str, &Option<String>)| {
            text.as_deref().map(|text| Pointer::new(member, text)).transpose()
        };
        let mut texts = [const { None }; Field::ALL.len()];
        let written_texts = [name, id, host, port, protocol, version];
        for (field, text) in Field::ALL.into_iter().zip(written_texts) {
            texts[field as usize] = pointer((field.name(), text))?;
        }
        Ok(Self {
            texts,
            priority: pointer(("priority", &written.priority))?,
            weight: pointer(("weight", &written.weight))?,
            tags: pointer(("tags", &written.tags))?,
            meta: pointer(("meta", &written.meta))?,
        })
    }

    /// Whether a value says something.
    pub(super) const fn has(&self, field: Field) -> bool {
        self.texts[field as usize].is_some()
    }

    /// Name, id and document of a key's parts and its value.
    pub(super) fn read(
        &self,
        found: &Found<'_>,
        value: &[u8],
    ) -> Result<(String, Option<String>, Document), Fault> {
        let value = self.value(value)?;
        let text = |field: Field| match (found.get(field), &self.texts[field as usize]) {
            (Some(part), _) => Ok(Some(part.to_owned())),
            (None, Some(pointer)) => pointer.text(&value),
            (None, None) => Ok(None),
        };
        let needed = |field: Field, wanted| {
            text(field)?.ok_or_else(|| Fault::nothing_at(self.place(field), wanted))
        };
        let name = needed(Field::Name, "a string of 1 to 62 characters")?;
        let host = needed(Field::Host, HOST_WANTED)?;
        let (scheme, (host, written)) = document::url(&host)?;
        let port = text(Field::Port)?.map(|digits| self.port(&digits)).transpose()?;
        let mut document = Document::at(host, port.or(written));
        let protocol = text(Field::Protocol)?.filter(|it| !it.is_empty());
        document.details.protocol = protocol.or(scheme.map(str::to_owned)).map(Into::into);
        let protocol = document.details.protocol.as_deref();
        if protocol.is_some_and(|it| it.chars().count() > SERVICE_MAX) {
            let found = protocol.unwrap_or_default();
            return Err(Fault::at(self.place(Field::Protocol), found, LABEL_WANTED));
        }
        document.details.version =
            text(Field::Version)?.filter(|it| !it.is_empty()).map(Into::into);
        document.priority = number(self.priority.as_ref(), &value)?.unwrap_or(0);
        document.weight = number(self.weight.as_ref(), &value)?.unwrap_or(1);
        document.details.tags = tags(self.tags.as_ref(), &value)?;
        document.details.meta = meta(self.meta.as_ref(), &value)?;
        Ok((name, text(Field::Id)?, document))
    }

    /// A value as JSON. Where no pointer leads into it, it is not read; where the host is all
    /// of it, it may be plain text.
    fn value(&self, value: &[u8]) -> Result<Value, Fault> {
        let others = [&self.priority, &self.weight, &self.tags, &self.meta];
        let mut pointers = self.texts.iter().chain(others).flatten().peekable();
        if pointers.peek().is_none() {
            return Ok(Value::Null);
        }
        let text = document::text_of(value)?;
        let is_plain = pointers.all(|it| it.0.is_empty());
        match serde_json::from_str(text) {
            Ok(value @ Value::String(_)) if is_plain => Ok(value),
            _ if is_plain => Ok(Value::String(text.to_owned())),
            Ok(value) => Ok(value),
            Err(error) => Err(Fault::NotJson(error.to_string())),
        }
    }

    /// A port's digits.
    fn port(&self, digits: &str) -> Result<NonZeroU16, Fault> {
        let fault = |_| Fault::at(self.place(Field::Port), digits, PORT_WANTED);
        digits.parse().map_err(fault)
    }

    /// Where a part stands, as an error names it.
    fn place(&self, field: Field) -> &str {
        self.texts[field as usize].as_ref().map_or(field.name(), |pointer| &pointer.0)
    }
}

impl Pointer {
    /// Checks a pointer (RFC 6901 section 3).
    fn new(member: &'static str, text: &str) -> Result<Self, TemplateFault> {
        let mut tildes = text.split('~').skip(1);
        let is_one = text.is_empty() || text.starts_with('/');
        if !is_one || !tildes.all(|it| it.starts_with(['0', '1'])) {
            let pointer = document::shown(text);
            return Err(TemplateFault::Pointer { member, pointer });
        }
        Ok(Self(text.into()))
    }

    /// What stands there; `null` is nothing.
    fn get<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        value.pointer(&self.0).filter(|it| !it.is_null())
    }

    /// A text, or a number as text.
    fn text(&self, value: &Value) -> Result<Option<String>, Fault> {
        match self.get(value) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) if number.is_u64() => Ok(Some(number.to_string())),
            Some(other) => Err(Fault::at(&self.0, &other.to_string(), "a string")),
        }
    }

    /// The fault of what stands there.
    fn fault(&self, value: &Value, wanted: &'static str) -> Fault {
        Fault::at(&self.0, &value.to_string(), wanted)
    }
}

/// A number of 16 bits.
fn number(pointer: Option<&Pointer>, value: &Value) -> Result<Option<u16>, Fault> {
    let Some((pointer, found)) = pointer.and_then(|it| Some((it, it.get(value)?))) else {
        return Ok(None);
    };
    let number = match found {
        Value::String(digits) => digits.parse().ok(),
        found => found.as_u64().and_then(|it| u16::try_from(it).ok()),
    };
    number.map(Some).ok_or_else(|| pointer.fault(found, NUMBER_WANTED))
}

/// The tags.
fn tags(pointer: Option<&Pointer>, value: &Value) -> Result<Box<[Box<str>]>, Fault> {
    let Some((pointer, found)) = pointer.and_then(|it| Some((it, it.get(value)?))) else {
        return Ok(Box::default());
    };
    let fits = |tag: &&str| (1..=SERVICE_MAX).contains(&tag.chars().count());
    let tag = |tag: &Value| tag.as_str().filter(fits).map(Box::from);
    let tags = found.as_array().filter(|it| it.len() <= TAGS_MAX);
    let tags = tags.and_then(|it| it.iter().map(tag).collect::<Option<_>>());
    tags.ok_or_else(|| pointer.fault(found, TAGS_WANTED))
}

/// The metadata: the strings of an object.
fn meta(pointer: Option<&Pointer>, value: &Value) -> Result<Meta, Fault> {
    let Some((pointer, found)) = pointer.and_then(|it| Some((it, it.get(value)?))) else {
        return Ok(Meta::default());
    };
    let object = found.as_object().ok_or_else(|| pointer.fault(found, "an object"))?;
    Ok(document::Members::of(object).strings().collect())
}
