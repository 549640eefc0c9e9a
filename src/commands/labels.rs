//! Names and ids that become labels, as `join` and `leave` take them.

use crate::error::Failure;
use crate::names::{LabelFault, check_id, check_label, check_name};

/// The service's name must fit a label after `_` once it is in label form.
///
/// # Errors
/// [`Failure::Usage`]: it is empty or too long.
pub(super) fn name(text: &str) -> Result<(), Failure> {
    check_name(text).map_err(|fault| Failure::usage(format!("NAME {fault}")))
}

/// The id is one segment of the key and one label of DNS-SD names.
///
/// # Errors
/// [`Failure::Usage`]: it is empty, too long, or has a `/`.
pub(super) fn id(option: &str, text: &str) -> Result<(), Failure> {
    check_id(text).map_err(|fault| match fault {
        LabelFault::Slash => Failure::usage(format!("{option} `{text}` {fault}")),
        fault => Failure::usage(format!("{option} {fault}")),
    })
}

/// A text that becomes a label has 1 to `most` octets.
///
/// # Errors
/// [`Failure::Usage`]: it has none, or more.
pub(super) fn length(option: &str, text: &str, most: usize) -> Result<(), Failure> {
    check_label(text, most).map_err(|fault| Failure::usage(format!("{option} {fault}")))
}
