//! Files with secrets that everybody may read.

use crate::etcd::Files;
use crate::files::NamedFile;
use crate::options::{File, ServeArgs};
use crate::registry::Diagnostic;

/// What those who are neither the owner nor of the group may not do to a secret: read or
/// write it.
const OF_OTHERS: u32 = 0o006;

/// Warnings of the files that let us into registries.
pub(super) fn exposed(files: &Files) -> Vec<Diagnostic> {
    of_registry(files).iter().filter_map(caution).collect()
}

/// Warnings of all files with secrets that a server reads.
pub(super) fn of_server(files: &Files, args: &ServeArgs, file: &File) -> Vec<Diagnostic> {
    let own = [
        args.http.http_token_file(file),
        args.http.http_key(file),
        args.encrypted.tls_key(file),
        args.answering.cookie_secret_file(file),
    ];
    let own: Vec<_> = own.into_iter().flatten().map(|given| given.named(file)).collect();
    of_registry(files).iter().chain(&own).filter_map(caution).collect()
}

/// The files with secrets among those that let us into registries.
fn of_registry(files: &Files) -> Vec<NamedFile> {
    let password = files.user.iter().map(|(_, password)| password);
    password.chain(files.identity.iter().map(|(_, key)| key)).cloned().collect()
}

/// A warning of a file, if everybody may read or write it. What cannot be looked at is
/// complained of by whoever reads it.
#[cfg(unix)]
fn caution(file: &NamedFile) -> Option<Diagnostic> {
    use std::os::unix::fs::MetadataExt;

    let mode = std::fs::metadata(&file.path).ok()?.mode() & 0o7777;
    let place = format!("{} {}", file.origin, file.path.display());
    let text = format!(
        "every user of this machine may read or write this secret (mode {mode:04o}); chmod 600 \
         it, or 640 where it is read as one of its group"
    );
    (mode & OF_OTHERS != 0).then(|| Diagnostic::in_words(&place, &text))
}

/// Elsewhere who may read a file is not said by a mode.
#[cfg(not(unix))]
fn caution(_: &NamedFile) -> Option<Diagnostic> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn secrets_that_everybody_may_read_or_write_are_warned_of() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("password");
        fs::write(&path, "secret").unwrap();
        let file = NamedFile { path: path.clone(), origin: "--password-file".to_owned() };
        let warned = |mode| {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            caution(&file).map(|it| it.to_string())
        };
        for mode in [0o600, 0o640, 0o660, 0o400] {
            assert_eq!(warned(mode), None, "{mode:o}");
        }
        for mode in [0o644, 0o604, 0o602] {
            let text = warned(mode).unwrap();
            let start = format!("--password-file {}: every user", path.display());
            assert!(text.starts_with(&start) && text.contains("chmod 600"), "{text}");
            assert!(text.contains(&format!("mode {mode:04o}")), "{text}");
        }
    }
}
