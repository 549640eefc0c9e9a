//! EDNS: what a client says beside its question, and what it is told beside the answer. Both
//! paths read and write OPT records here, and nowhere else.
//!
//! ```text
//!   OPT of the request ─→ Opt ─→ options ─→ Edns ─→ budget   how much the answer may take
//!                                            └────→ record   OPT of the reply
//! ```
//!
//! | RFC | what of it | status |
//! | --- | --- | --- |
//! | 6891 s6.1 | sizes, DO, extended codes; unknown options and flags are ignored, not echoed | done |
//! | 3225 s3 | DO is copied | done |
//! | 5001 | NSID: which replica answered, on request | done, if `nsid` is set |
//! | 7828 | edns-tcp-keepalive: how long a connection may be idle | done over TCP and TLS; over QUIC an error, elsewhere ignored |
//! | 7830, 8467 | padding to blocks of 468 octets, of replies to padded queries | done over TLS, HTTPS and QUIC; elsewhere ignored |
//! | 7873, 9018 | cookies: version 1, SipHash-2-4 | done, if there is a secret; never enforced |
//! | 8914 | extended errors | done |
//! | 9660 | ZONEVERSION: the serial of the generation that answered | done |
//! | 7871, 6975, 7314, 7901, 8145 | subnet and others | ignored |
//!
//! One concern per file: `options` takes them apart, `cookie` makes and checks cookies,
//! `zone_version` says which generation answered, `budget` how large a reply may be, and
//! `record` writes. What is sent is planned before the answer is made, so that its size does
//! not depend on what the registry does meanwhile.

mod budget;
mod cookie;
mod options;
mod record;
mod zone_version;

use self::options::EdnsOptions;
use super::{Peer, Policy, Transport};

pub use self::budget::AMPLIFICATION_MAX;
pub(super) use self::budget::Budget;
pub use self::cookie::Cookies;
pub(super) use self::record::OptReply;
pub(super) use self::zone_version::ZoneVersion;

/// The option code of the name server's identity (RFC 5001 section 4).
const NSID: u16 = 3;
/// The option code of cookies (RFC 7873 section 4).
const COOKIE: u16 = 10;
/// The option code of edns-tcp-keepalive (RFC 7828 section 3.1).
const KEEPALIVE: u16 = 11;
/// The option code of padding (RFC 7830 section 3).
const PADDING: u16 = 12;
/// The option code of extended errors (RFC 8914 section 2).
const EXTENDED_ERROR: u16 = 15;
/// The option code of ZONEVERSION (RFC 9660 section 5.1).
const ZONE_VERSION: u16 = 19;

/// The most octets of a name server's identity. An OPT record with everything in it, and the
/// longest question, then still fit the 512 octets of a client that takes no more.
pub const NSID_MAX: usize = 128;

/// The flag DO, in the octets of an OPT record's TTL (RFC 3225 section 3).
const DNSSEC_OK: u8 = 0x80;

/// Options, or another part of a message, have an error in their form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// The OPT record of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Opt<'m> {
    /// Octets of a datagram that the client takes.
    size: u16,
    /// The EDNS version.
    pub(super) version: u8,
    /// Whether the client wants DNSSEC records (DO).
    dnssec_ok: bool,
    /// The options, not taken apart yet.
    pub(super) options: &'m [u8],
}

/// EDNS in one exchange: what the client said that matters, and what it will be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edns {
    /// Octets of a datagram that the client takes.
    size: u16,
    /// Whether the client wants DNSSEC records (DO).
    dnssec_ok: bool,
    /// Whether it is told who we are.
    nsid: bool,
    /// Its cookie, and the one that we give it for the next time.
    cookie: Option<[u8; cookie::OCTETS]>,
    /// Whether it sent a cookie that we gave it: then its address is not forged.
    has_valid_cookie: bool,
    /// Whether it is told how long a connection may be idle.
    keepalive: bool,
    /// Whether it asks for the version of the zone.
    zone_version: bool,
    /// Whether its query was padded, and the reply is to be as well.
    padded: bool,
    /// The most octets that the OPT record of the reply takes.
    reserved: u16,
}

impl<'m> Opt<'m> {
    /// An OPT record, from the class and TTL after its type, and its data.
    pub(super) const fn new(class_and_ttl: [u8; 6], options: &'m [u8]) -> Self {
        let [size_high, size_low, _, version, flags, _] = class_and_ttl;
        let size = u16::from_be_bytes([size_high, size_low]);
        Self { size, version, dnssec_ok: flags & DNSSEC_OK != 0, options }
    }

    /// Whether the client says how long a connection may be idle.
    pub(super) fn has_keepalive(&self) -> bool {
        let mut options = EdnsOptions::new(self.options);
        options.any(|option| option.is_ok_and(|(code, _)| code == KEEPALIVE))
    }
}

impl Edns {
    /// Reads the options of a request. The others are ignored (RFC 6891 section 6.1.2), and
    /// so are those that are not configured.
    ///
    /// # Errors
    /// [`Malformed`] when they do not fill their record, or one has a length that it must
    /// not have.
    pub(super) fn new(opt: &Opt<'_>, policy: &Policy, from: Peer) -> Result<Self, Malformed> {
        let mut edns = Self::without_options(opt);
        // As of nearly all clients.
        if opt.options.is_empty() {
            return Ok(edns);
        }
        for option in EdnsOptions::new(opt.options) {
            let (code, data) = option?;
            edns.take(code, data, policy, from)?;
        }
        edns.reserved = edns.plan(policy);
        if edns.is_kept_small(policy, from.transport) && !budget::admits(edns.reserved, opt.options)
        {
            edns.nsid = false;
            edns.reserved = edns.plan(policy);
        }
        Ok(edns)
    }

    /// The same where options mean nothing: they are of another version, or malformed.
    pub(super) const fn without_options(opt: &Opt<'_>) -> Self {
        Self {
            size: opt.size,
            dnssec_ok: opt.dnssec_ok,
            nsid: false,
            cookie: None,
            has_valid_cookie: false,
            keepalive: false,
            zone_version: false,
            padded: false,
            reserved: record::LEAST,
        }
    }

    /// Whether the client may not be who it says, and is sent little.
    const fn is_kept_small(&self, policy: &Policy, transport: Transport) -> bool {
        let is_known = self.has_valid_cookie || !transport.is_datagram();
        policy.strict_amplification && !is_known
    }

    /// Whether the client sent a cookie that we gave it, and its address is not forged.
    pub(super) const fn has_valid_cookie(&self) -> bool {
        self.has_valid_cookie
    }

    /// Whether the client sent a cookie, and gets one.
    pub(super) const fn has_cookie(&self) -> bool {
        self.cookie.is_some()
    }

    /// Whether the client wants to know which version of the zone it is answered from.
    pub(super) const fn wants_zone_version(&self) -> bool {
        self.zone_version
    }

    /// Takes one option in.
    fn take(
        &mut self,
        code: u16,
        data: &[u8],
        policy: &Policy,
        from: Peer,
    ) -> Result<(), Malformed> {
        match (code, &policy.cookies) {
            // RFC 5001 section 2.2: what a client writes there is ignored.
            (NSID, _) => self.nsid = policy.nsid.is_some(),
            // RFC 7873 section 5.2: the first counts.
            (COOKIE, Some(cookies)) if self.cookie.is_none() => {
                let (cookie, is_valid) = cookies.exchange(data, from.ip())?;
                (self.cookie, self.has_valid_cookie) = (Some(cookie), is_valid);
            }
            (KEEPALIVE, _) if from.transport.is_stream() => self.keepalive = is_empty(data)?,
            // RFC 7830 section 6: without encryption padding hides nothing.
            (PADDING, _) if from.transport.is_encrypted() => self.padded = true,
            (ZONE_VERSION, _) => self.zone_version = is_empty(data)?,
            _ => {}
        }
        Ok(())
    }
}

/// True; an option that asks for something has no data.
const fn is_empty(data: &[u8]) -> Result<bool, Malformed> {
    if data.is_empty() { Ok(true) } else { Err(Malformed) }
}
