//! Members of a JSON object, each read as what it must be.

use std::num::NonZeroU16;

use serde_json::{Map, Value};

use super::{Fault, location, shown};

/// The members of one document. `null` says the same as absence, as in most writers.
pub(super) struct Members<'o>(pub(super) &'o Map<String, Value>);

impl<'o> Members<'o> {
    /// A member that is there.
    pub(super) fn get(&self, member: &str) -> Option<&'o Value> {
        self.0.get(member).filter(|value| !value.is_null())
    }

    /// A string.
    pub(super) fn text(&self, member: &'static str) -> Result<Option<&'o str>, Fault> {
        self.read(member, "a string", Value::as_str)
    }

    /// An integer up to a limit.
    pub(super) fn number(
        &self,
        member: &'static str,
        limit: u32,
        wanted: &'static str,
    ) -> Result<Option<u32>, Fault> {
        let number = |value: &Value| value.as_u64().filter(|it| *it <= u64::from(limit));
        Ok(self.read(member, wanted, number)?.map(|number| number as u32))
    }

    /// A port: a number, or its decimal digits as a string.
    pub(super) fn port(&self, member: &'static str) -> Result<Option<NonZeroU16>, Fault> {
        let port = |value: &Value| match value {
            Value::String(digits) => location::port(digits).ok(),
            value => value.as_u64().and_then(|it| u16::try_from(it).ok()).and_then(NonZeroU16::new),
        };
        self.read(member, "a number from 1 to 65535", port)
    }

    /// A list of strings.
    pub(super) fn texts(&self, member: &'static str) -> Result<Vec<Box<str>>, Fault> {
        let texts = |value: &Value| {
            value
                .as_array()?
                .iter()
                .map(|it| it.as_str().map(Box::from))
                .collect::<Option<Vec<_>>>()
        };
        Ok(self.read(member, "an array of strings", texts)?.unwrap_or_default())
    }

    /// An object; what is not a string in it is left out.
    pub(super) fn pairs(
        &self,
        member: &'static str,
    ) -> Result<impl Iterator<Item = (Box<str>, Box<str>)> + use<'o>, Fault> {
        let object = self.read(member, "an object", Value::as_object)?;
        let pairs = object.into_iter().flatten();
        Ok(pairs.filter_map(|(name, value)| Some((name.as_str().into(), value.as_str()?.into()))))
    }

    /// A member read by a function that knows what it must be.
    pub(super) fn read<T>(
        &self,
        member: &'static str,
        wanted: &'static str,
        read: impl FnOnce(&'o Value) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        let Some(value) = self.get(member) else {
            return Ok(None);
        };
        let fault = || Fault::Member { member, found: shown(&value.to_string()), wanted };
        read(value).map(Some).ok_or_else(fault)
    }
}
