//! Given values: what was typed or stands in a variable, else in the file, each with its origin.
//!
//! Whether a value was typed or put into a variable is not told apart: the command line has
//! read both.

use std::fmt::Display;
use std::ops::RangeInclusive;

use super::file::{File, FileValue};
use crate::error::Failure;

/// A value, and the option or the key of the file that gives it.
#[derive(Debug)]
pub(super) struct Given<T> {
    /// The value.
    pub(super) value: T,
    /// `--workers`, or `srvd.toml:3: workers`.
    pub(super) origin: String,
}

impl<T> Given<T> {
    /// What was typed, else what the file says.
    pub(super) fn pick(
        option: &str,
        typed: &Option<T>,
        written: &FileValue<T>,
        file: &File,
    ) -> Option<Self>
    where
        T: Clone,
    {
        if let Some(value) = typed.clone() {
            return Some(Self { value, origin: format!("--{option}") });
        }
        let written = written.as_ref()?;
        Some(Self { value: written.as_ref().clone(), origin: file.origin(option, written) })
    }

    /// What is wrong with it, and what to do.
    pub(super) fn fault(&self, text: impl Display) -> Failure {
        Failure::usage(format!("{}: {text}", self.origin))
    }

    /// The value, if it is within bounds; `remedy` follows them in the error.
    pub(super) fn within(self, bounds: RangeInclusive<T>, remedy: &str) -> Result<T, Failure>
    where
        T: PartialOrd + Display,
    {
        if bounds.contains(&self.value) {
            return Ok(self.value);
        }
        let (value, least, most) = (&self.value, bounds.start(), bounds.end());
        Err(self.fault(format_args!("{value} is not within {least} to {most}; {remedy}")))
    }
}

impl<T: Clone> Given<Vec<T>> {
    /// The list that was typed, if anything was; else that of the file, which may be empty.
    pub(super) fn list(
        option: &str,
        typed: &[T],
        written: &FileValue<Vec<T>>,
        file: &File,
    ) -> Option<Self> {
        let typed = Some(typed.to_vec()).filter(|typed| !typed.is_empty());
        Self::pick(option, &typed, written, file)
    }
}

/// The value that is given, if any is; it must be within bounds.
pub(super) fn within<T: PartialOrd + Display>(
    given: Option<Given<T>>,
    bounds: RangeInclusive<T>,
    remedy: &str,
) -> Result<Option<T>, Failure> {
    given.map(|given| given.within(bounds, remedy)).transpose()
}
