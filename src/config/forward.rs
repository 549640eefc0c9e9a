//! Options of forwarding: the upstream servers for names outside local zones.

use super::Listen;
use super::file::File;
use crate::cli::ServeArgs;
use crate::error::Failure;
use crate::forward::{Own, Rules, Source, SourceFault, UPSTREAMS_MAX};

/// The upstreams that the options and the file name; none where other names are refused.
/// Paths of the file begin where it stands.
///
/// # Errors
/// [`Failure::Usage`]: a text that names none, one that is this server, or too many.
pub(super) fn forward(
    args: &ServeArgs,
    file: &File,
    listen: &Listen,
) -> Result<Vec<Source>, Failure> {
    let typed = args.forward.iter().map(|text| (text.as_str(), "--forward".to_owned(), None));
    let written = file.forward.iter().flatten();
    let written = written
        .map(|text| (text.as_ref().as_str(), file.origin("forward", text), Some(file)))
        .filter(|_| args.forward.is_empty());
    let own = Own::new(listen.addresses.clone());
    let mut sources = Vec::new();
    for (text, origin, file) in typed.chain(written) {
        let usage = |text: String| Failure::usage(format!("{origin}: {text}"));
        let source = text.parse().map_err(|fault: SourceFault| usage(fault.to_string()))?;
        if sources.len() == UPSTREAMS_MAX {
            return Err(usage(format!("at most {UPSTREAMS_MAX} are asked; leave some out")));
        }
        sources.push(match (source, file) {
            (Source::Address(address), _) if own.at(address).is_some() => {
                return Err(usage(format!(
                    "{address} is this server itself, which would ask itself for ever; name others"
                )));
            }
            (Source::File(path), Some(file)) => Source::File(file.resolve(&path)),
            (source, _) => source,
        });
    }
    Ok(sources)
}

/// How they are asked, and what is done with what they say.
pub(super) fn rules(args: &ServeArgs, file: &File) -> Rules {
    let default = Rules::default();
    let private = args.forward_private.or(file.forward_private);
    let mixed_case = args.forward_0x20.or(file.forward_0x20);
    Rules {
        keeps_private: private.unwrap_or(default.keeps_private),
        mixes_case: mixed_case.unwrap_or(default.mixes_case),
    }
}
