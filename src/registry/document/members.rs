//! Members of a JSON object, each read as what it must be.

use std::num::NonZeroU16;

use serde_json::{Map, Value};

use super::location::{self, HostPort};
use super::{Fault, shown};

/// The weight of an instance of Dubbo, jupiter or ego that has none.
pub(in crate::registry) const CALLS_WEIGHT: u16 = 100;

/// The members of one document. `null` says the same as absence, as in most writers.
pub(in crate::registry) struct Members<'o>(pub(super) &'o Map<String, Value>);

impl<'o> Members<'o> {
    /// Those of an object.
    pub(in crate::registry) const fn of(object: &'o Map<String, Value>) -> Self {
        Self(object)
    }

    /// A member that is there.
    pub(super) fn get(&self, member: &str) -> Option<&'o Value> {
        self.0.get(member).filter(|value| !value.is_null())
    }

    /// Whether a member stands there, be it `null`.
    pub(super) fn has(&self, member: &str) -> bool {
        self.0.contains_key(member)
    }

    /// A string.
    pub(in crate::registry) fn text(&self, member: &'static str) -> Result<Option<&'o str>, Fault> {
        self.read(member, "a string", Value::as_str)
    }

    /// An integer up to a limit.
    pub(in crate::registry) fn number(
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

    /// A version; an empty one says nothing.
    pub(super) fn version(&self) -> Result<Option<Box<str>>, Fault> {
        Ok(self.text("version")?.filter(|it| !it.is_empty()).map(Into::into))
    }

    /// `HOST[:PORT]`, which must be there.
    pub(super) fn host_port(&self, member: &'static str) -> Result<HostPort, Fault> {
        /// What it must be, in words.
        const WANTED: &str = "a string HOST:PORT";
        let text = self.text(member)?.ok_or(Fault::Missing { member, wanted: WANTED })?;
        location::host_port(text).map_err(within(member))
    }

    /// An object; what is not a string in it is left out.
    pub(super) fn pairs(
        &self,
        member: &'static str,
    ) -> Result<impl Iterator<Item = (Box<str>, Box<str>)> + use<'o>, Fault> {
        let object = self.read(member, "an object", Value::as_object)?;
        Ok(object.into_iter().flat_map(strings))
    }

    /// The members that are strings.
    pub(in crate::registry) fn strings(&self) -> impl Iterator<Item = (Box<str>, Box<str>)> {
        strings(self.0)
    }

    /// An integer of 16 bits.
    pub(in crate::registry) fn u16(&self, member: &'static str) -> Result<Option<u16>, Fault> {
        let number = self.number(member, u16::MAX.into(), "a number from 0 to 65535")?;
        Ok(number.map(|number| number as u16))
    }

    /// A boolean.
    pub(in crate::registry) fn flag(&self, member: &'static str) -> Result<Option<bool>, Fault> {
        self.read(member, "true or false", Value::as_bool)
    }

    /// Whether calls may go to an instance, as Dubbo, jupiter and ego say it.
    pub(super) fn takes_calls(&self) -> Result<bool, Fault> {
        Ok(self.flag("enable")? != Some(false) && self.flag("healthy")? != Some(false))
    }

    /// The weight of an instance, as these say it: 0 says as little as none.
    pub(super) fn weight_of_calls(&self) -> Result<u16, Fault> {
        Ok(self.weight("weight")?.filter(|it| *it > 0).unwrap_or(CALLS_WEIGHT))
    }

    /// A weight that may have a fraction: the nearest integer, of more than nothing 1 at least.
    pub(in crate::registry) fn weight(&self, member: &'static str) -> Result<Option<u16>, Fault> {
        let weight = |value: &Value| {
            let weight = value.as_f64().filter(|it| (0.0..=f64::from(u16::MAX)).contains(it))?;
            Some(if weight > 0.0 { weight.round().max(1.0) as u16 } else { 0 })
        };
        self.read(member, "a number from 0 to 65535", weight)
    }

    /// A member read by a function that knows what it must be.
    pub(in crate::registry) fn read<T>(
        &self,
        member: &'static str,
        wanted: &'static str,
        read: impl FnOnce(&'o Value) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        let Some(value) = self.get(member) else {
            return Ok(None);
        };
        read(value).map(Some).ok_or_else(|| self.fault(member, wanted))
    }

    /// The fault of a member that is not what it must be.
    pub(super) fn fault(&self, member: &'static str, wanted: &'static str) -> Fault {
        let value = self.0.get(member).unwrap_or(&Value::Null);
        Fault::Member { member, found: shown(&value.to_string()), wanted }
    }
}

/// The pairs of an object whose values are strings.
pub(super) fn strings(
    object: &Map<String, Value>,
) -> impl Iterator<Item = (Box<str>, Box<str>)> + use<'_> {
    let pair =
        |(name, value): (&String, &Value)| Some((name.as_str().into(), value.as_str()?.into()));
    object.iter().filter_map(pair)
}

/// Says in which member a fault is.
pub(in crate::registry) fn within(member: &'static str) -> impl Fn(Fault) -> Fault {
    move |fault| Fault::Within { member, fault: Box::new(fault) }
}
