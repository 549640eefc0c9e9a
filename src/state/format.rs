//! The octets of a snapshot.
//!
//! | octets | what |
//! | --- | --- |
//! | 8 | `SRVDSNAP` |
//! | 4 | version of the format, big endian like all numbers here |
//! | 4 | octets of the header |
//! | … | header: whose it is, revision, cluster, when confirmed, serial (postcard) |
//! | … | records: 4 octets of length, then the record (postcard) |
//! | 8 | how many records |
//! | 8 | octets of all before these two numbers |
//! | 32 | SHA-256 of all before |

use std::borrow::Cow;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Identity;
use super::record::{Read as Decoded, Record};
use crate::index::{SerialRecord, Zone};
use crate::registry::skydns::Entry;
use crate::registry::{Alias, Instance, Layout};

/// What every snapshot begins with.
const MAGIC: &[u8; 8] = b"SRVDSNAP";
/// The version of the format.
const VERSION: u32 = 4;
/// The one before, in which there is no serial; it is read, too.
const VERSION_WITHOUT_SERIAL: u32 = 3;
/// Octets of magic, version and length of the header.
const LEAD: u64 = 16;
/// Octets of the two numbers and the sum at the end.
const TRAIL: u64 = 48;
/// The largest file that is read: forty million usual instances.
const FILE_MAX: u64 = 4 << 30;
/// The largest header: an apex, some endpoints, a prefix.
const HEADER_MAX: usize = 16 << 10;
/// The largest record: a document has 64 KiB at most, and its record hardly more.
const RECORD_MAX: usize = 256 << 10;
/// Octets that are read or summed at once.
const CHUNK: usize = 64 << 10;
/// Instances that room is made for before any is read.
const FIRST: usize = 1 << 10;

/// The content of a snapshot.
#[derive(Debug)]
pub struct Snapshot {
    /// The instances.
    pub instances: Vec<Arc<Instance>>,
    /// The aliases.
    pub aliases: Vec<Arc<Alias>>,
    /// The entries of a SkyDNS zone.
    pub entries: Vec<Arc<Entry>>,
    /// Records that no zone could show, and that were left out.
    pub unusable: usize,
    /// The revision they are true at.
    pub revision: i64,
    /// The cluster they are from.
    pub cluster: u64,
    /// The serial of the zone; none where an earlier srvd wrote it.
    pub serial: Option<SerialRecord>,
    /// How long ago they were known to be true.
    pub age: Duration,
    /// Octets of the file.
    pub octets: u64,
}

/// The reason why a snapshot is not used.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotFault {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is something else.
    #[error("is no snapshot of srvd")]
    Foreign,
    /// It does not end where it says.
    #[error("is torn: it does not end where it should")]
    Torn,
    /// It ends there, but something in it is not what was written.
    #[error("is damaged: its checksum does not match")]
    Damaged,
    /// It is sound and yet makes no sense.
    #[error("cannot be understood: {0}")]
    Senseless(&'static str),
    /// Another version of srvd wrote it.
    #[error("has format {found}, this srvd reads formats {VERSION_WITHOUT_SERIAL} and {VERSION}")]
    Version {
        /// Its version.
        found: u32,
    },
    /// More than is read.
    #[error("has {octets} octets, at most {FILE_MAX} are read")]
    TooLarge {
        /// How many it has.
        octets: u64,
    },
    /// It belongs to something else.
    #[error("is of {what} `{found}`, and `{wanted}` is configured")]
    Mismatch {
        /// What differs.
        what: &'static str,
        /// What stands in the file.
        found: String,
        /// What is configured.
        wanted: String,
    },
}

/// The header before the records.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    /// Whose it is.
    identity: Identity,
    /// The revision that the instances are true at.
    revision: i64,
    /// The cluster they are from.
    cluster: u64,
    /// When that was last confirmed: seconds since 1970.
    confirmed: u64,
}

/// The part of the header that says the zone's serial: of the file, of the registry, and the
/// revision of a change that is not counted yet.
type WrittenSerial = (u32, u32, Option<i64>);

/// The cluster and the time of a snapshot.
#[derive(Debug, Clone, Copy)]
pub struct Stamp {
    /// The cluster they are from.
    pub cluster: u64,
    /// When they were last confirmed.
    pub confirmed: SystemTime,
}

/// A writer that counts and sums what goes through it.
struct Summed<W> {
    /// Where it goes.
    to: W,
    /// The sum so far.
    sum: Sha256,
    /// Octets so far.
    octets: u64,
}

impl<W: Write> Summed<W> {
    /// Writes octets.
    fn put(&mut self, octets: &[u8]) -> io::Result<()> {
        self.sum.update(octets);
        self.octets += octets.len() as u64;
        self.to.write_all(octets)
    }

    /// Writes octets behind their length.
    fn put_sized(&mut self, octets: &[u8]) -> io::Result<()> {
        self.put(&(octets.len() as u32).to_be_bytes())?;
        self.put(octets)
    }
}

/// Writes a zone. Gives the octets.
///
/// # Errors
/// The writer's.
pub fn write(to: impl Write, identity: &Identity, zone: &Zone, stamp: Stamp) -> io::Result<u64> {
    let mut to = Summed { to, sum: Sha256::new(), octets: 0 };
    let header = Header {
        identity: identity.clone(),
        revision: zone.revision().unwrap_or_default(),
        cluster: stamp.cluster,
        confirmed: seconds(stamp.confirmed),
    };
    to.put(MAGIC)?;
    to.put(&VERSION.to_be_bytes())?;
    let SerialRecord { file, registry, next_change } = zone.serial_record();
    let serial: WrittenSerial = (file, registry, next_change);
    to.put_sized(&postcard::to_stdvec(&(header, serial)).map_err(io::Error::other)?)?;
    let (mut buffer, mut records) = (vec![0; RECORD_MAX], 0_u64);
    let instances = zone.services().flat_map(|service| service.instances());
    let aliases = zone.aliases().map(|alias| Record::Alias(Cow::Borrowed(alias)));
    let entries = zone.skydns().iter().map(|entry| Record::of_entry(entry));
    for record in instances.map(Record::of).chain(aliases).chain(entries) {
        to.put_sized(postcard::to_slice(&record, &mut buffer).map_err(io::Error::other)?)?;
        records += 1;
    }
    let octets = to.octets;
    to.put(&records.to_be_bytes())?;
    to.put(&octets.to_be_bytes())?;
    let sum = to.sum.clone().finalize();
    to.put(&sum)?;
    to.to.flush()?;
    Ok(to.octets)
}

/// Reads a snapshot that is bound to an identity. The file's time of modification, if it is
/// known, may say that it was confirmed later than when it was written.
///
/// # Errors
/// [`SnapshotFault`]: it is not used.
pub fn read(
    from: &mut (impl Read + Seek),
    modified: Option<SystemTime>,
    identity: &Identity,
    layout: &Layout,
) -> Result<Snapshot, SnapshotFault> {
    let octets = from.seek(SeekFrom::End(0))?;
    let (version, records, end) = verify(from, octets)?;
    from.seek(SeekFrom::Start(LEAD - 4))?;
    let mut from = io::BufReader::with_capacity(CHUNK, from.take(end - (LEAD - 4)));
    let mut buffer = Vec::new();
    sized(&mut from, HEADER_MAX, &mut buffer)?;
    let (header, serial) = read_header(version, &buffer)?;
    if let Some((what, found, wanted)) = header.identity.difference(identity) {
        return Err(SnapshotFault::Mismatch { what, found, wanted });
    }
    let mut snapshot = Snapshot {
        instances: Vec::with_capacity(FIRST.min(records as usize)),
        aliases: Vec::new(),
        entries: Vec::new(),
        unusable: 0,
        revision: header.revision,
        cluster: header.cluster,
        serial,
        age: super::age::age(time(header.confirmed)?, modified, SystemTime::now()),
        octets,
    };
    for _ in 0..records {
        sized(&mut from, RECORD_MAX, &mut buffer)?;
        match decode::<Record<'_>>(&buffer)?.read(layout) {
            Ok(Decoded::Instance(instance)) => snapshot.instances.push(Arc::new(instance)),
            Ok(Decoded::Alias(alias)) => snapshot.aliases.push(Arc::new(alias)),
            Ok(Decoded::Entry(entry)) => snapshot.entries.push(Arc::new(entry)),
            Err(_) => snapshot.unusable += 1,
        }
    }
    match from.read(&mut [0])? {
        0 => Ok(snapshot),
        _ => Err(SnapshotFault::Senseless("more follows its last record")),
    }
}

/// The header of a snapshot, and the serial if its version has one.
fn read_header(
    version: u32,
    octets: &[u8],
) -> Result<(Header, Option<SerialRecord>), SnapshotFault> {
    if version == VERSION_WITHOUT_SERIAL {
        return Ok((decode(octets)?, None));
    }
    let (header, serial): (Header, WrittenSerial) = decode(octets)?;
    let (file, registry, next_change) = serial;
    Ok((header, Some(SerialRecord { file, registry, next_change })))
}

/// Checks that a file is a snapshot and whole. Gives its version, how many records it has, and
/// where they end.
fn verify(from: &mut (impl Read + Seek), octets: u64) -> Result<(u32, u64, u64), SnapshotFault> {
    if octets > FILE_MAX {
        return Err(SnapshotFault::TooLarge { octets });
    }
    from.seek(SeekFrom::Start(0))?;
    let mut lead = Vec::new();
    from.take(LEAD).read_to_end(&mut lead)?;
    if !lead.starts_with(&MAGIC[..lead.len().min(MAGIC.len())]) {
        return Err(SnapshotFault::Foreign);
    }
    let end = octets.checked_sub(TRAIL).filter(|end| *end >= LEAD).ok_or(SnapshotFault::Torn)?;
    let found = number(&lead[8..12]) as u32;
    if ![VERSION, VERSION_WITHOUT_SERIAL].contains(&found) {
        return Err(SnapshotFault::Version { found });
    }
    let mut sum = Sha256::new();
    sum.update(&lead);
    let mut chunk = vec![0; CHUNK];
    let mut left = end - LEAD;
    while left > 0 {
        let some = left.min(CHUNK as u64) as usize;
        from.read_exact(&mut chunk[..some])?;
        sum.update(&chunk[..some]);
        left -= some as u64;
    }
    let mut trail = [0; TRAIL as usize];
    from.read_exact(&mut trail)?;
    if number(&trail[8..16]) != end {
        return Err(SnapshotFault::Torn);
    }
    sum.update(&trail[..16]);
    if sum.finalize()[..] != trail[16..] {
        return Err(SnapshotFault::Damaged);
    }
    Ok((found, number(&trail[..8]), end))
}

/// Reads octets behind their length.
fn sized(from: &mut impl Read, limit: usize, buffer: &mut Vec<u8>) -> Result<(), SnapshotFault> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = number(&length) as usize;
    if length > limit {
        return Err(SnapshotFault::Senseless("a part of it is larger than any can be"));
    }
    buffer.resize(length, 0);
    Ok(from.read_exact(buffer)?)
}

/// Decodes a header or a record.
fn decode<'b, T: Deserialize<'b>>(octets: &'b [u8]) -> Result<T, SnapshotFault> {
    match postcard::take_from_bytes(octets) {
        Ok((decoded, [])) => Ok(decoded),
        _ => Err(SnapshotFault::Senseless("a part of it has another form")),
    }
}

/// A number of up to eight octets.
fn number(octets: &[u8]) -> u64 {
    octets.iter().fold(0, |number, octet| number << 8 | u64::from(*octet))
}

/// Whole seconds since 1970.
pub(super) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The time of so many seconds since 1970.
fn time(seconds: u64) -> Result<SystemTime, SnapshotFault> {
    let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
    time.ok_or(SnapshotFault::Senseless("it was confirmed at no time"))
}

#[cfg(test)]
mod tests;
