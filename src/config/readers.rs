//! Files that are read again while a server runs, and who must be able to.

use std::path::Path;

use crate::etcd::Files;
use crate::files::NamedFile;
use crate::options::{Common, File, ServeArgs};
use crate::privileges::{Account, FileReader};
use crate::registry::Diagnostic;

/// The files that a server reads again: the configuration, and what an option names.
pub(super) fn read_again(
    files: &Files,
    common: &Common,
    args: &ServeArgs,
    file: &File,
) -> Vec<NamedFile> {
    let config = common
        .config
        .iter()
        .map(|path| NamedFile { path: path.clone(), origin: "--config".to_owned() });
    let of_registry = files.all().cloned();
    let own = [
        args.answering.cookie_secret_file(file),
        args.forward_ca(file),
        args.http.http_token_file(file),
        args.http.http_cert(file),
        args.http.http_key(file),
        args.encrypted.tls_cert(file),
        args.encrypted.tls_key(file),
    ];
    let own: Vec<_> = own.into_iter().flatten().map(|given| given.named(file)).collect();
    let zones = args.zones(file).map(|given| given.named(file));
    let inside: Vec<_> = zones.iter().flat_map(zone_files).collect();
    config.chain(of_registry).chain(own).chain(zones).chain(inside).collect()
}

/// The zone files of a directory.
fn zone_files(directory: &NamedFile) -> Vec<NamedFile> {
    let entries = std::fs::read_dir(&directory.path).into_iter().flatten().flatten();
    let is_zone = |path: &Path| path.extension().is_some_and(|it| it == "zone");
    let paths = entries.map(|entry| entry.path()).filter(|path| is_zone(path));
    paths.map(|path| NamedFile { path, origin: directory.origin.clone() }).collect()
}

/// Warnings of what an account cannot read that a server is to become.
pub(super) fn unreadable(files: &[NamedFile], account: &Account) -> Vec<Diagnostic> {
    let (reader, name) = (FileReader::of(account), account.name());
    let closed = files.iter().filter(|file| !reader.may_read(&file.path));
    closed
        .map(|file| {
            let place = format!("{} {}", file.origin, file.path.display());
            let text = format!(
                "`run-as` {name} cannot read it, nor use it when it changes; let its group read \
                 it (chgrp, chmod 640), or name another place"
            );
            Diagnostic::in_words(&place, &text)
        })
        .collect()
}

/// What nobody else but those who own it can read.
pub(super) fn closed(files: &[NamedFile]) -> Vec<&Path> {
    let closed = files.iter().filter(|file| !FileReader::STRANGER.may_read(&file.path));
    closed.map(|file| file.path.as_path()).collect()
}
