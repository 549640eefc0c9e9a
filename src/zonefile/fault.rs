//! The errors of a zone file that cannot be used, and the warnings of one that can.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::base::iana::Rtype;
use hickory_proto::rr::{Name, RecordType};

use super::form::mnemonic;
use super::{directory, reader};
use crate::names::{STRING_MAX, TTL_MAX};

/// The most characters of a file's text that a message repeats.
const SHOWN: usize = 64;

/// The error of a zone file that cannot be used: where, what, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("zone file {}: {reason}", place(path, *line))]
pub struct ZoneFault {
    /// The file, or the directory.
    pub path: PathBuf,
    /// The line, from 1, where it concerns one.
    pub line: Option<usize>,
    /// What is wrong, and what to do.
    pub reason: Reason,
}

impl ZoneFault {
    /// A fault of a file or a directory as a whole.
    pub(super) fn of(path: &Path, reason: Reason) -> Self {
        Self { path: path.to_owned(), line: None, reason }
    }

    /// A fault of one line.
    pub(super) fn at(path: &Path, line: usize, reason: Reason) -> Self {
        Self { path: path.to_owned(), line: Some(line), reason }
    }
}

/// `FILE:LINE`, as editors take it.
fn place(path: &Path, line: Option<usize>) -> String {
    line.map_or_else(|| path.display().to_string(), |line| format!("{}:{line}", path.display()))
}

/// A file's own text within a message: its beginning.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The reason of an error, and what to do. Names are boxed, so that what is right stays small.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Read(io::Error),
    /// Its name is not that of a zone.
    #[error("`{0}` is no domain name; name the file APEX.zone, as in example.org.zone")]
    FileName(String),
    /// Another file has the same apex.
    #[error("{} is a file of the same zone; remove one of them", .0.display())]
    SameApex(PathBuf),
    /// The directory has too many zone files.
    #[error("there are more than {} zone files", directory::ZONES)]
    Zones,
    /// A zone that only a file describes has no start of authority.
    #[error(
        "there is no SOA record at `{0}`; write one, as in `@ SOA ns1 hostmaster 1 7200 1800 \
         86400 5`"
    )]
    NoSoa(Box<Name>),
    /// A parenthesis is not closed.
    #[error("the parenthesis is not closed; write `)` at the record's end")]
    OpenParenthesis,
    /// A parenthesis was never opened.
    #[error("`)` closes nothing; write `(` before it, or remove it")]
    ClosedParenthesis,
    /// A quoted string is not closed.
    #[error(
        "a quoted string is not closed on its line; write `\"` at its end, and a line feed in it \
         as \\010"
    )]
    OpenQuote,
    /// A backslash at a line's end.
    #[error("nothing follows the backslash after `{0}`; write `\\\\` for the character itself")]
    Escape(String),
    /// An entry of too many words.
    #[error("the record has more words than any record data; look for a parenthesis too much")]
    LongEntry,
    /// An unknown directive.
    #[error("the directive `{0}` is not known; $ORIGIN, $TTL and $INCLUDE are")]
    Directive(String),
    /// A directive with the wrong words after it.
    #[error("`{0}` takes {1}")]
    DirectiveForm(&'static str, &'static str),
    /// An origin that is none.
    #[error("the origin is no domain name; look for two dots in a row")]
    Origin,
    /// A record without an owner.
    #[error("the line begins with a space, and no record stands before it; write the owner's name")]
    NoOwner,
    /// A record without a type.
    #[error("the record ends before its type; write OWNER [TTL] [IN] TYPE DATA")]
    NoType,
    /// What stands in place of the type.
    #[error("`{0}` is no type, no class and no TTL; write OWNER [TTL] [IN] TYPE DATA")]
    Type(String),
    /// A type that only questions and messages have.
    #[error("a zone holds no record of type {0}; remove it")]
    MetaType(String),
    /// Another class.
    #[error("class {0} is not served; only IN is")]
    Class(String),
    /// A record without a TTL.
    #[error(
        "the record has no TTL, and no TTL or SOA stands before it; write `$TTL 3600` above it"
    )]
    NoTtl,
    /// No TTL.
    #[error("`{0}` is no TTL; write it as 3600 or 1h")]
    Ttl(String),
    /// A TTL beyond RFC 2181 section 8.
    #[error("the TTL {0} is above {max}; write a smaller one", max = TTL_MAX)]
    LongTtl(String),
    /// What the parser says of names and data.
    #[error("{0}; correct it, or write the data as `\\# LENGTH HEX` (RFC 3597)")]
    Data(String),
    /// Data that are not of their type's form.
    #[error("a record of type {0} is written as {1}")]
    Form(Rtype, &'static str),
    /// A character string beyond RFC 1035 section 3.3.
    #[error(
        "a string has {octets} octets, at most {STRING_MAX} fit one (RFC 1035 section 3.3); split \
         it into several, as in `\"begin\" \"end\"`: readers join them"
    )]
    LongString {
        /// How many it has.
        octets: usize,
    },
    /// A URI that is none.
    #[error("a URI is written as PRIORITY WEIGHT \"TARGET\" (RFC 7553 section 4.5)")]
    Uri,
    /// Octets that are not data of the type.
    #[error("no data of type {0}; look for a wrong length, and for two dots in a row")]
    Octets(Rtype),
    /// An owner with an empty label.
    #[error("the owner's name is no domain name; look for two dots in a row")]
    Owner,
    /// An owner outside the zone.
    #[error(
        "`{name}` is not in the zone `{apex}`; write names without a final dot to be relative to it"
    )]
    Outside {
        /// The owner.
        name: Box<Name>,
        /// The zone's apex.
        apex: Box<Name>,
    },
    /// Too many records.
    #[error("the zone has more than {} records", reader::RECORDS)]
    Records,
    /// Too much text, with all that is included.
    #[error("the zone's files are larger than {} octets together", directory::FILE_OCTETS)]
    Octet,
    /// A file that may not be included.
    #[error("{0} is not below the directory of the zone files; move it there")]
    IncludeOutside(PathBuf),
    /// A file that cannot be included.
    #[error("{} cannot be included: {error}", path.display())]
    Include {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Files that include files too deeply, or themselves.
    #[error("files are included more than {} deep; a file may not include itself", reader::DEPTH)]
    Depth,
    /// A start of authority below the apex.
    #[error("a SOA record stands at the zone's apex alone, `{0}`; remove this one")]
    SoaBelow(Box<Name>),
    /// Two starts of authority.
    #[error("the zone has its SOA on line {0} already; remove one of them")]
    TwoSoa(usize),
    /// An alias beside other data.
    #[error(
        "`{0}` has a CNAME on line {1}, and nothing else may stand beside one (RFC 2181 section \
         10.1); remove one of them"
    )]
    BesideAlias(Box<Name>, usize),
    /// Two aliases at one name.
    #[error(
        "`{name}` has its {kind} on line {line} already, and a name has one alone; remove one of \
         them",
        kind = mnemonic(*record)
    )]
    TwoAliases {
        /// The name.
        name: Box<Name>,
        /// CNAME or DNAME.
        record: RecordType,
        /// The line of the first.
        line: usize,
    },
    /// An alias at the apex.
    #[error("the apex of a zone holds its SOA, and cannot be a CNAME; write the addresses there")]
    AliasApex,
    /// A DNAME at a delegation.
    #[error(
        "`{0}` is delegated on line {1}, and a DNAME may not stand there (RFC 6672 section 2.3); \
         remove one of them"
    )]
    DelegatedAlias(Box<Name>, usize),
}

/// Something in a zone file that is served otherwise than it is written, or not at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("zone file {}: {caution}", place(file, Some(*line)))]
pub struct Warning {
    /// The file.
    pub file: Arc<Path>,
    /// The line, from 1.
    pub line: usize,
    /// What is meant.
    pub caution: WarningReason,
}

/// The reason of a warning, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WarningReason {
    /// TTLs within one RRset differ.
    #[error(
        "the {kind} records of `{name}` have several TTLs; the least, {ttl}, is served; write one",
        kind = mnemonic(*record)
    )]
    Ttls {
        /// The owner.
        name: Name,
        /// The type.
        record: RecordType,
        /// The least of the TTLs.
        ttl: u32,
    },
    /// Something below a delegation that is no glue.
    #[error(
        "`{name}` {kind} is at or below the delegation `{cut}`, and no glue: it is not served; \
         remove it",
        kind = mnemonic(*record)
    )]
    Delegated {
        /// The owner.
        name: Name,
        /// The type.
        record: RecordType,
        /// The delegation.
        cut: Name,
    },
    /// Something below a DNAME.
    #[error(
        "`{name}` {kind} is below the DNAME `{alias}` (RFC 6672 section 2.4): it is not served; \
         remove it",
        kind = mnemonic(*record)
    )]
    Renamed {
        /// The owner.
        name: Name,
        /// The type.
        record: RecordType,
        /// The DNAME's owner.
        alias: Name,
    },
    /// A target that is an alias.
    #[error(
        "the {kind} of `{name}` names `{target}`, which is a CNAME (RFC 2181 section 10.3); name \
         what that stands for",
        kind = mnemonic(*record)
    )]
    AliasTarget {
        /// The owner.
        name: Name,
        /// The type.
        record: RecordType,
        /// The target.
        target: Name,
    },
    /// A zone that only a file describes names no servers.
    #[error("there is no NS record at `{0}`; write one for each server of the zone")]
    NoServers(Name),
}
