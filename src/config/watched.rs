//! The files that a server follows while it runs.

use std::path::PathBuf;

use crate::files::WatchedFiles;
use crate::options::{Common, File, Given, ServeArgs};

/// The files that are read again when they change: the configuration, and those that it or an
/// option names. The files for etcd and resolv.conf files are followed by whoever uses them.
#[must_use]
pub fn watched(common: &Common, args: &ServeArgs, file: &File) -> WatchedFiles {
    let at = |given: Option<Given<PathBuf>>| given.map(|given| given.named(file).path);
    let files = [
        common.config.clone(),
        at(args.answering.cookie_secret_file(file)),
        at(args.forward_ca(file)),
        at(args.http.http_token_file(file)),
        at(args.http.http_cert(file)),
        at(args.http.http_key(file)),
        at(args.encrypted.tls_cert(file)),
        at(args.encrypted.tls_key(file)),
    ];
    WatchedFiles { files: files.into_iter().flatten().collect(), zones: at(args.zones(file)) }
}
