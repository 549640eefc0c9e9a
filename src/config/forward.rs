//! Options of forwarding: the upstream servers for names outside local zones.

use super::Listen;
use crate::error::Failure;
use crate::forward::{Own, Rules, Source, UPSTREAMS_MAX};
use crate::options::{File, Given, ServeArgs};

/// The upstreams that the options and the file name; none where other names are refused.
/// Paths of the file begin where it stands.
///
/// # Errors
/// [`Failure::Usage`]: one that is this server, or too many.
pub(super) fn forward(
    args: &ServeArgs,
    file: &File,
    listen: &Listen,
) -> Result<Vec<Source>, Failure> {
    let Some(given) = args.forward(file) else { return Ok(Vec::new()) };
    if given.value.len() > UPSTREAMS_MAX {
        let text = format!("at most {UPSTREAMS_MAX} are asked; leave some out");
        return Err(given.fault(text));
    }
    let own = Own::new(listen.addresses.clone());
    let is_own = |source: &&Source| match source {
        Source::Address(address) => own.at(*address).is_some(),
        Source::File(_) => false,
    };
    if let Some(Source::Address(address)) = given.value.iter().find(is_own) {
        return Err(given.fault(format_args!(
            "{address} is this server itself, which would ask itself for ever; name others"
        )));
    }
    let Given { value, is_written, .. } = given;
    let resolved = |source| match source {
        Source::File(path) if is_written => Source::File(file.resolve(&path)),
        source => source,
    };
    Ok(value.into_iter().map(resolved).collect())
}

/// How they are asked, and what is done with what they say.
pub(super) fn rules(args: &ServeArgs, file: &File) -> Rules {
    let default = Rules::default();
    let private = args.forward_private(file).map(|given| given.value);
    let mixed_case = args.forward_0x20(file).map(|given| given.value);
    Rules {
        keeps_private: private.unwrap_or(default.keeps_private),
        mixes_case: mixed_case.unwrap_or(default.mixes_case),
    }
}
