//! Names and ids that become labels, as `join` and `leave` take them.

use crate::error::Failure;
use crate::names::{LABEL_MAX, SERVICE_MAX, label};

/// The service's name must fit a label after `_` once it is in label form.
///
/// # Errors
/// [`Failure::Usage`]: it is empty or too long.
pub(super) fn name(text: &str) -> Result<(), Failure> {
    length("NAME", &label(text), SERVICE_MAX)
}

/// The id is one segment of the key and one label of DNS-SD names.
///
/// # Errors
/// [`Failure::Usage`]: it is empty, too long, or has a `/`.
pub(super) fn id(option: &str, text: &str) -> Result<(), Failure> {
    length(option, text, LABEL_MAX)?;
    if text.contains('/') {
        return Err(Failure::usage(format!(
            "{option} `{text}` has a `/`, which separates keys; use `-`"
        )));
    }
    Ok(())
}

/// A text that becomes a label has 1 to `most` octets.
///
/// # Errors
/// [`Failure::Usage`]: it has none, or more.
pub(super) fn length(option: &str, text: &str, most: usize) -> Result<(), Failure> {
    match text.len() {
        0 => Err(Failure::usage(format!("{option} is empty; it becomes a DNS label"))),
        octets if octets > most => Err(Failure::usage(format!(
            "{option} has {octets} octets, at most {most} fit a DNS label; shorten it"
        ))),
        _ => Ok(()),
    }
}
