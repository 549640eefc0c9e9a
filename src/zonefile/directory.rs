//! The directory of zone files.

use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use hickory_proto::rr::Name;

use super::fault::{Reason, ZoneFault};
use super::{ZoneFile, parse};
use crate::files;

/// The most octets of one zone's files: static records are written by hand, or by programs
/// that list machines; 16 MiB are some 300,000 records.
pub(super) const FILE_OCTETS: usize = 16 << 20;
/// The most zone files of a directory: each is a zone of its own in memory.
pub(super) const ZONES: usize = 10_000;
/// How a zone file's name ends.
const EXTENSION: &str = "zone";
/// The root's file, whose apex has no text to name it by.
const ROOT: &str = "root";

/// Reads the file of a zone, if it is among those that [`apexes`] found.
///
/// # Errors
/// [`ZoneFault`]: the file is there and cannot be used.
pub fn read(files: &[(Name, PathBuf)], apex: &Name) -> Result<Option<ZoneFile>, ZoneFault> {
    let found = files.iter().find(|(name, _)| name == apex);
    found.map(|(_, path)| read_file(path, apex)).transpose()
}

/// Reads one zone's file.
///
/// # Errors
/// [`ZoneFault`]: it cannot be used.
pub fn read_file(path: &Path, apex: &Name) -> Result<ZoneFile, ZoneFault> {
    let text = contents(path, FILE_OCTETS).map_err(|error| ZoneFault::of(path, error))?;
    parse(&text, apex, path)
}

/// The zones that a directory has files of, by name; `root.zone` is that of the root.
///
/// # Errors
/// [`ZoneFault`]: the directory cannot be read, or a file's name is not that of one zone.
pub fn apexes(directory: &Path) -> Result<Vec<(Name, PathBuf)>, ZoneFault> {
    let unread = |error| ZoneFault::of(directory, Reason::Read(error));
    let mut found = HashMap::new();
    for entry in fs::read_dir(directory).map_err(unread)? {
        let path = entry.map_err(unread)?.path();
        let Some(apex) = apex(&path)? else { continue };
        if let Some(other) = found.insert(apex, path.clone()) {
            return Err(ZoneFault::of(&path, Reason::SameApex(other)));
        }
        if found.len() > ZONES {
            return Err(ZoneFault::of(directory, Reason::Zones));
        }
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort();
    Ok(found)
}

/// The apex that a file's name says; `None` for other files, hidden ones, and directories.
fn apex(path: &Path) -> Result<Option<Name>, ZoneFault> {
    let is_zone = path.extension().is_some_and(|it| it.eq_ignore_ascii_case(EXTENSION));
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    if !is_zone || stem.starts_with('.') || path.is_dir() {
        return Ok(None);
    }
    if stem.eq_ignore_ascii_case(ROOT) {
        return Ok(Some(Name::root()));
    }
    let name = Name::from_ascii(stem.trim_end_matches('.')).map(|name| name.to_lowercase());
    match name {
        Ok(mut name) if !name.is_root() => {
            name.set_fqdn(true);
            Ok(Some(name))
        }
        _ => Err(ZoneFault::of(path, Reason::FileName(stem.into_owned()))),
    }
}

/// A regular file's octets, if they are not more than a number.
///
/// # Errors
/// [`Reason::Read`] and [`Reason::Octet`].
pub(super) fn contents(path: &Path, limit: usize) -> Result<Vec<u8>, Reason> {
    let mut text = Vec::new();
    // What is no file, such as a pipe, might never end or never begin.
    let file = files::open_regular(path).map_err(Reason::Read)?;
    file.take(limit as u64 + 1).read_to_end(&mut text).map_err(Reason::Read)?;
    if text.len() > limit { Err(Reason::Octet) } else { Ok(text) }
}
