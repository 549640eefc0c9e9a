//! Given values: what was typed or stands in a variable, else in the file, each with its origin.
//!
//! Whether a value was typed or put into a variable is not told apart: the command line has
//! read both.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use super::file::{File, FileValue};
use super::key;
use crate::error::Failure;
use crate::files::NamedFile;

/// A value, and the option or the key of the file that gives it.
#[derive(Debug)]
pub struct Given<T> {
    /// The value.
    pub value: T,
    /// `--workers`, or `srvd.toml:3: workers`.
    pub origin: String,
    /// Whether the file gives it: paths begin where that stands.
    pub is_written: bool,
}

impl<T> Given<T> {
    /// What was typed, else what the file says, of the option that a field is named after.
    pub(super) fn pick(
        field: &str,
        typed: &Option<T>,
        written: &FileValue<T>,
        file: &File,
    ) -> Option<Self>
    where
        T: Clone,
    {
        let key = key(field);
        if let Some(value) = typed.clone() {
            return Some(Self { value, origin: format!("--{key}"), is_written: false });
        }
        let written = written.as_ref()?;
        let origin = file.origin(&key, written);
        Some(Self { value: written.as_ref().clone(), origin, is_written: true })
    }

    /// What is wrong with it, and what to do.
    pub(crate) fn fault(&self, text: impl Display) -> Failure {
        Failure::usage(format!("{}: {text}", self.origin))
    }

    /// The value, if it is within bounds; `remedy` follows them in the error.
    pub(crate) fn within(self, bounds: RangeInclusive<T>, remedy: &str) -> Result<T, Failure>
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

impl Given<PathBuf> {
    /// The file of this path.
    pub(crate) fn named(self, file: &File) -> NamedFile {
        let path = if self.is_written { file.resolve(&self.value) } else { self.value };
        NamedFile { path, origin: self.origin }
    }
}
