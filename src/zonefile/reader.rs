//! Reads a zone's file and all that it includes, line by line.
//!
//! Lines, TTLs, classes and `$INCLUDE` are read here; names, strings and data by the `domain`
//! crate, which is given one line at a time: so every fault and record knows its line, and
//! what it reads has no parentheses, no comments and always an end.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use domain::base::iana::{Class, Rtype};
use domain::zonefile::inplace::{Entry as Scanned, ScannedRecord, Zonefile};
use hickory_proto::rr::{Name, Record};
use hickory_proto::serialize::binary::BinEncodable;

use super::Entry;
use super::directory::{FILE_OCTETS, contents};
use super::fault::{Reason, ZoneFault, shown};
use super::form::{at, code, data, form, mnemonic, unescaped};
use super::line::{Line, Lines};
use super::record::{owner, record};
use super::ttl::{seconds, ttl};

/// The most records of a zone; as many as fit into its text at its shortest would take a
/// gigabyte.
pub(super) const RECORDS: usize = 1_000_000;
/// How deeply files include files: more is a file that includes itself.
pub(super) const DEPTH: usize = 8;
/// Words of a SOA's data: two names, a serial and four times.
const SOA_WORDS: usize = 7;
/// What `$INCLUDE` takes.
const INCLUDE_FORM: &str = "a file, and perhaps a name";

/// Reads a zone's text, and the files it includes; gives these, too.
///
/// # Errors
/// [`ZoneFault`], with its line.
pub(super) fn entries(
    text: &[u8],
    apex: &Name,
    path: &Path,
) -> Result<(Vec<Entry>, Vec<PathBuf>), ZoneFault> {
    let (entries, included) = (Vec::new(), Vec::new());
    let mut reader = Reader { apex, entries, included, octets: FILE_OCTETS };
    reader.charge(text.len()).map_err(|reason| ZoneFault::of(path, reason))?;
    let source = OpenFile::new(path, apex).ok_or_else(|| ZoneFault::of(path, Reason::Origin))?;
    reader.file(text, source)?;
    Ok((reader.entries, reader.included))
}

/// The state that all files of a zone share.
struct Reader<'zone> {
    /// The zone's apex.
    apex: &'zone Name,
    /// The records so far.
    entries: Vec<Entry>,
    /// The files that were included so far, as they are called there.
    included: Vec<PathBuf>,
    /// How many octets may still be read.
    octets: usize,
}

/// A file that is being read.
struct OpenFile {
    /// Where it is.
    path: Arc<Path>,
    /// The directory that what it includes must be below.
    root: PathBuf,
    /// How many files include it, one within the other.
    depth: usize,
    /// The parser, which keeps the origin and the last owner.
    parser: Zonefile,
    /// Whether a record stands above, whose owner the next may have.
    owned: bool,
    /// The TTL that `$TTL` gives (RFC 2308 section 4).
    default_ttl: Option<u32>,
    /// The TTL that was written last (RFC 1035 section 5.1).
    last_ttl: Option<u32>,
}

/// The part of a record between its owner and its data.
#[derive(Default)]
struct Head {
    /// The TTL, if one is written.
    ttl: Option<u32>,
    /// The type's code.
    code: u16,
    /// How many words it is.
    words: usize,
}

impl OpenFile {
    /// A zone's own file, whose origin is the apex.
    fn new(path: &Path, apex: &Name) -> Option<Self> {
        let root = path.parent().unwrap_or(Path::new("")).to_owned();
        let mut parser = parser();
        let origin = apex.to_bytes().ok()?.into();
        parser.set_origin(domain::base::Name::from_octets(origin).ok()?);
        let path = Arc::from(path);
        Some(Self { path, root, depth: 0, parser, owned: false, default_ttl: None, last_ttl: None })
    }

    /// A file that this one includes.
    fn included(&self, path: PathBuf, origin: Option<&str>) -> Result<Self, Reason> {
        let mut parser = parser();
        parser.set_origin(self.parser.origin().map_err(|_| Reason::Origin)?);
        let mut included = Self {
            path: Arc::from(path),
            root: self.root.clone(),
            depth: self.depth + 1,
            parser,
            owned: false,
            ..*self
        };
        origin.map_or(Ok(()), |name| included.origin(name))?;
        Ok(included)
    }

    /// A fault of a line.
    fn fault(&self, line: usize, reason: Reason) -> ZoneFault {
        ZoneFault::at(&self.path, line, reason)
    }

    /// Lets the parser read a line.
    fn scan(&mut self, text: &str) -> Result<Option<Scanned>, Reason> {
        self.parser.extend_from_slice(text.as_bytes());
        self.parser.next_entry().map_err(|error| {
            // It begins with the line and column of what it was given.
            let text = error.to_string();
            Reason::Data(text.split_once(": ").map_or(text.as_str(), |(_, it)| it).to_owned())
        })
    }

    /// Takes another origin.
    fn origin(&mut self, name: &str) -> Result<(), Reason> {
        self.scan(&format!("$ORIGIN {}\n", at(name)))?;
        let origin = self.parser.origin().map_err(|_| Reason::Origin)?;
        owner(&origin).map(drop).map_err(|_| Reason::Origin)
    }

    /// The TTL of a record.
    fn ttl(&mut self, written: Option<u32>) -> Result<u32, Reason> {
        self.last_ttl = written.or(self.last_ttl);
        written.or(self.default_ttl).or(self.last_ttl).ok_or(Reason::NoTtl)
    }
}

impl OpenFile {
    /// The TTL of a SOA record that has none, where none stands before it: its MINIMUM, which
    /// is that of all records below too, unless they say otherwise.
    fn minimum(&mut self, code: u16, words: &[String], fault: Reason) -> Result<u32, Reason> {
        let is_start = mnemonic(code.into()) == Rtype::SOA;
        let minimum = words.last().filter(|_| is_start && words.len() == SOA_WORDS);
        let minimum = ttl(minimum.ok_or(fault)?)?;
        self.default_ttl = Some(minimum);
        Ok(minimum)
    }

    /// The origin in wire form.
    fn wire(&self) -> Result<Vec<u8>, Reason> {
        let origin = self.parser.origin().map_err(|_| Reason::Origin)?;
        Ok(domain::base::ToName::to_vec(&origin).as_slice().to_vec())
    }
}

impl Reader<'_> {
    /// Takes octets from what may be read.
    fn charge(&mut self, octets: usize) -> Result<(), Reason> {
        self.octets = self.octets.checked_sub(octets).ok_or(Reason::Octet)?;
        Ok(())
    }

    /// Reads a file's text.
    fn file(&mut self, text: &[u8], mut source: OpenFile) -> Result<(), ZoneFault> {
        let mut lines = Lines::new(text);
        while let Some(line) =
            lines.next().map_err(|(number, reason)| source.fault(number, reason))?
        {
            let directive = line.tokens.first().filter(|it| it.starts_with('$'));
            match directive {
                Some(_) if !line.indented => self.directive(&line, &mut source)?,
                _ => self
                    .record(&line, &mut source)
                    .map_err(|reason| source.fault(line.number, reason))?,
            }
        }
        Ok(())
    }

    /// Follows a directive.
    fn directive(&mut self, line: &Line, source: &mut OpenFile) -> Result<(), ZoneFault> {
        let words: Vec<&str> = line.tokens.iter().map(String::as_str).collect();
        let done = match (words[0].to_ascii_uppercase().as_str(), &words[1..]) {
            ("$TTL", [text]) => ttl(text).map(|ttl| source.default_ttl = Some(ttl)),
            ("$TTL", _) => Err(Reason::DirectiveForm("$TTL", "one TTL, as in `$TTL 3600`")),
            ("$ORIGIN", [name]) => source.origin(name),
            ("$ORIGIN", _) => Err(Reason::DirectiveForm("$ORIGIN", "one name")),
            ("$INCLUDE", [file]) => return self.include(source, line.number, file, None),
            ("$INCLUDE", [file, origin]) => {
                return self.include(source, line.number, file, Some(origin));
            }
            ("$INCLUDE", _) => Err(Reason::DirectiveForm("$INCLUDE", INCLUDE_FORM)),
            _ => Err(Reason::Directive(shown(words[0]))),
        };
        done.map_err(|reason| source.fault(line.number, reason))
    }

    /// Reads another file in place of a line. It begins with this file's origin, or the one
    /// given, and its TTLs; what it changes of them ends with it.
    fn include(
        &mut self,
        source: &mut OpenFile,
        line: usize,
        file: &str,
        origin: Option<&str>,
    ) -> Result<(), ZoneFault> {
        let opened = self.open(source, file, origin);
        let (text, included) = opened.map_err(|reason| source.fault(line, reason))?;
        self.file(&text, included)
    }

    /// Opens a file that is included.
    fn open(
        &mut self,
        source: &mut OpenFile,
        file: &str,
        origin: Option<&str>,
    ) -> Result<(Vec<u8>, OpenFile), Reason> {
        if source.depth == DEPTH {
            return Err(Reason::Depth);
        }
        let path = unquoted(file).ok_or(Reason::DirectiveForm("$INCLUDE", INCLUDE_FORM))?;
        let called = beside(&source.path, &path);
        let path = below(&source.root, &called)?;
        self.included.push(called);
        let text = contents(&path, self.octets).map_err(|reason| match reason {
            Reason::Read(error) => Reason::Include { path: path.clone(), error },
            reason => reason,
        })?;
        self.charge(text.len())?;
        Ok((text, source.included(path, origin)?))
    }

    /// Reads a record.
    fn record(&mut self, line: &Line, source: &mut OpenFile) -> Result<(), Reason> {
        if line.indented && !source.owned {
            return Err(Reason::NoOwner);
        }
        let owners = usize::from(!line.indented);
        let (owner, rest) = line.tokens.split_at(owners);
        let head = head(rest)?;
        let words = &rest[head.words..];
        let ttl = source.ttl(head.ttl).or_else(|fault| source.minimum(head.code, words, fault))?;
        let (form, origin) = (form(head.code), source.wire()?);
        let data = data(form, words, &origin)?;
        let owner = owner.first().map_or("", String::as_str);
        let text = format!("{owner} 0 IN TYPE{} {data}\n", form.to_int());
        let scanned = source.scan(&text).map_err(|reason| of_type(head.code, reason))?;
        let Some(Scanned::Record(scanned)) = scanned else {
            return Err(Reason::NoType);
        };
        source.owned = true;
        let entry = self.entry(&scanned, head.code, ttl)?;
        self.entries.push(Entry { file: source.path.clone(), line: line.number, record: entry });
        Ok(())
    }

    /// A record within the zone.
    fn entry(&self, scanned: &ScannedRecord, code: u16, ttl: u32) -> Result<Record, Reason> {
        if self.entries.len() == RECORDS {
            return Err(Reason::Records);
        }
        let record = record(scanned, code, ttl)?;
        if self.apex.zone_of(&record.name) {
            Ok(record)
        } else {
            let (name, apex) = (Box::new(record.name), Box::new(self.apex.clone()));
            Err(Reason::Outside { name, apex })
        }
    }
}

/// A parser without text.
fn parser() -> Zonefile {
    let mut parser = Zonefile::new();
    parser.set_default_class(Class::IN);
    parser
}

/// TTL, class and type, of which the first two may be missing or the other way round.
fn head(words: &[String]) -> Result<Head, Reason> {
    let mut head = Head::default();
    let mut class = None;
    for word in words {
        head.words += 1;
        if class.is_none()
            && let Ok(found) = Class::from_str(word)
        {
            class = Some(found);
            if found != Class::IN {
                return Err(Reason::Class(shown(word)));
            }
        } else if head.ttl.is_none() && seconds(word).is_some() {
            head.ttl = Some(ttl(word)?);
        } else {
            head.code = code(word)?;
            return Ok(head);
        }
    }
    Err(Reason::NoType)
}

/// What the parser says, with the type whose data it was to read.
fn of_type(code: u16, reason: Reason) -> Reason {
    match reason {
        Reason::Data(text) => Reason::Data(format!("{}: {text}", mnemonic(code.into()))),
        reason => reason,
    }
}

/// A file's path as it is written, perhaps in quotes.
fn unquoted(word: &str) -> Option<String> {
    let inner = word.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    String::from_utf8(unescaped(inner.unwrap_or(word))?).ok()
}

/// A path as an including file means it: relative to itself.
fn beside(including: &Path, path: &str) -> PathBuf {
    including.parent().unwrap_or(Path::new("")).join(path)
}

/// A file's own path, if it is below a directory once links are followed.
fn below(root: &Path, path: &Path) -> Result<PathBuf, Reason> {
    let own = |path: &Path| {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        fs::canonicalize(path).map_err(|error| Reason::Include { path: path.to_owned(), error })
    };
    let (root, found) = (own(root)?, own(path)?);
    if found.starts_with(&root) { Ok(found) } else { Err(Reason::IncludeOutside(path.to_owned())) }
}
