//! The OPT record of a reply, to octets (RFC 6891 section 6.1.2).

use super::{
    COOKIE, DNSSEC_OK, EXTENDED_ERROR, Edns, KEEPALIVE, NSID, NSID_MAX, PADDING, ZONE_VERSION,
};
use super::{ZoneVersion, cookie, zone_version};
use crate::authority::Reason;
use crate::wire::{HEADER, PLAIN_MAX, Policy, TCP_MAX, UDP_MAX};

/// Octets of a record without options.
const EMPTY: u16 = 11;
/// Octets of an option before its data.
const HEAD: u16 = 4;
/// The least that is kept free for a record: it may have to give a reason (RFC 8914), and
/// the size of an answer must not depend on whether the registry is stale.
pub(super) const LEAST: u16 = EMPTY + HEAD + 2;
/// Octets of the data of edns-tcp-keepalive (RFC 7828 section 3.1).
const KEEPALIVE_OCTETS: u16 = 2;
/// Octets that a padded reply is a multiple of (RFC 8467 section 4.1).
const BLOCK: usize = 468;
/// Octets of the longest question: a name, its type and its class.
const QUESTION_MAX: usize = crate::names::NAME_MAX + 4;
/// The most that a record takes.
const MOST: usize = LEAST as usize
    + 4 * HEAD as usize
    + NSID_MAX
    + cookie::OCTETS
    + KEEPALIVE_OCTETS as usize
    + zone_version::OCTETS;
// A reply without records fits whatever was asked.
const _: () = assert!(HEADER + QUESTION_MAX + MOST <= PLAIN_MAX as usize);

/// The contents of an OPT record that depend on the answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::wire) struct OptReply {
    /// The upper bits of the response code.
    pub(in crate::wire) code: u8,
    /// Why the answer is what it is.
    pub(in crate::wire) reason: Option<Reason>,
    /// The version of the zone, if the client wants it and there is a zone.
    pub(in crate::wire) version: Option<ZoneVersion>,
}

/// Octets that are being written.
struct OptWriter<'b> {
    /// The room for them.
    buffer: &'b mut [u8],
    /// How many are written.
    at: usize,
}

impl Edns {
    /// The most octets that the OPT record of the reply takes.
    pub(in crate::wire) const fn reserved(&self) -> u16 {
        self.reserved
    }

    /// Octets of the whole record, if all is said that may be said.
    pub(super) fn plan(&self, policy: &Policy) -> u16 {
        let option = |is_said: bool, octets: u16| if is_said { HEAD + octets } else { 0 };
        LEAST
            + option(self.nsid, identity(policy).len() as u16)
            + option(self.cookie.is_some(), cookie::OCTETS as u16)
            + option(self.keepalive, KEEPALIVE_OCTETS)
            + option(self.zone_version, zone_version::OCTETS as u16)
            + option(self.padded, 0)
    }

    /// Writes the record behind so many octets of a message, and gives its own; none if there is
    /// no room for it, as there is for what was [reserved](Self::reserved) and, of a padded
    /// reply, a block.
    pub(in crate::wire) fn write(
        &self,
        policy: &Policy,
        told: &OptReply,
        before: usize,
        buffer: &mut [u8],
    ) -> Option<usize> {
        let mut writer = OptWriter { buffer, at: 0 };
        let [size_high, size_low] = UDP_MAX.to_be_bytes();
        let flags = if self.dnssec_ok { DNSSEC_OK } else { 0 };
        writer.put(&[0, 0, 41, size_high, size_low, told.code, 0, flags, 0, 0, 0])?;
        if let Some(reason) = told.reason {
            writer.option(EXTENDED_ERROR, &reason.info_code().to_be_bytes())?;
        }
        if self.reserved > LEAST {
            self.write_asked(policy, told, &mut writer)?;
        }
        if self.padded {
            writer.pad(before)?;
        }
        let options = writer.at - usize::from(EMPTY);
        writer.buffer[9..11].copy_from_slice(&(options as u16).to_be_bytes());
        Some(writer.at)
    }

    /// Writes the record behind a message, and counts it there.
    pub(in crate::wire) fn append(&self, policy: &Policy, told: &OptReply, message: &mut Vec<u8>) {
        let start = message.len();
        let block = if self.padded { BLOCK } else { 0 };
        message.resize(start + usize::from(self.reserved) + block, 0);
        let written = self.write(policy, told, start, &mut message[start..]);
        message.truncate(start + written.unwrap_or_default());
        if let Some([high, low]) = message.get_mut(10..HEADER)
            && written.is_some()
        {
            [*high, *low] = (u16::from_be_bytes([*high, *low]) + 1).to_be_bytes();
        }
    }

    /// Writes the options that the client asked for.
    fn write_asked(
        &self,
        policy: &Policy,
        told: &OptReply,
        writer: &mut OptWriter<'_>,
    ) -> Option<()> {
        if self.nsid {
            writer.option(NSID, identity(policy))?;
        }
        if let Some(cookie) = &self.cookie {
            writer.option(COOKIE, cookie)?;
        }
        if self.keepalive {
            let tenths = policy.tcp.idle.as_millis() / 100;
            writer.option(KEEPALIVE, &(tenths as u16).to_be_bytes())?;
        }
        match told.version {
            Some(version) if self.zone_version => writer.option(ZONE_VERSION, &version.octets()),
            _ => Some(()),
        }
    }
}

/// Who we are; a longer name than fits is cut.
fn identity(policy: &Policy) -> &[u8] {
    let identity = policy.nsid.as_deref().unwrap_or_default();
    &identity[..identity.len().min(NSID_MAX)]
}

impl OptWriter<'_> {
    /// Writes an option that makes the message, so many octets before the record, a multiple of
    /// the block; or as long as a message can be.
    fn pad(&mut self, before: usize) -> Option<()> {
        let octets = before + self.at + usize::from(HEAD);
        let padded = octets.next_multiple_of(BLOCK).min(usize::from(TCP_MAX)).max(octets);
        self.option(PADDING, &[0; BLOCK][..padded - octets])
    }

    /// Writes an option.
    fn option(&mut self, code: u16, data: &[u8]) -> Option<()> {
        let [code_high, code_low] = code.to_be_bytes();
        let [high, low] = (data.len() as u16).to_be_bytes();
        self.put(&[code_high, code_low, high, low])?;
        self.put(data)
    }

    /// Writes octets.
    fn put(&mut self, octets: &[u8]) -> Option<()> {
        self.buffer.get_mut(self.at..self.at + octets.len())?.copy_from_slice(octets);
        self.at += octets.len();
        Some(())
    }
}
