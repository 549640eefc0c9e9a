//! The files that a server follows while it runs.

use std::path::PathBuf;

use super::file::File;
use super::{FileValue, named};
use crate::cli::{Common, ServeArgs};
use crate::files::WatchedFiles;

/// The files that are read again when they change: the configuration, and those that it or an
/// option names. The files for etcd and resolv.conf files are followed by whoever uses them.
#[must_use]
pub fn watched(common: &Common, args: &ServeArgs, file: &File) -> WatchedFiles {
    let at = |option, typed: &Option<PathBuf>, written: &FileValue<PathBuf>| {
        named(option, typed, written, file).map(|named| named.path)
    };
    let (http, answering) = (&args.http, &args.answering);
    let files = [
        common.config.clone(),
        at("cookie-secret-file", &answering.cookie_secret_file, &file.cookie_secret_file),
        at("http-token-file", &http.http_token_file, &file.http_token_file),
        at("http-cert", &http.http_cert, &file.http_cert),
        at("http-key", &http.http_key, &file.http_key),
    ];
    let zones = at("zones", &args.zones, &file.zones);
    WatchedFiles { files: files.into_iter().flatten().collect(), zones }
}
