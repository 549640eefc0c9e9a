//! The written form of the data of each type.
//!
//! The parser reads only forms that it knows by name. Some further types share one of them;
//! a URI is read here, some in `data`; the rest must be written as `\# LENGTH HEX` (RFC 3597
//! section 5).

use std::fmt::Write;

use domain::base::iana::Rtype;
use hickory_proto::rr::RecordType;

use super::data::octets;
use super::fault::{Reason, shown};
use super::ttl::ttl;
use crate::names::STRING_MAX;

/// What the parser reads as the origin, in place of `@`, which it knows in an owner alone.
const ORIGIN: &str = "\"\"";
/// What data in octets begin with.
const OCTETS: &str = "\\#";
/// Where in a SOA its times begin: after two names and the serial.
const SOA_TIMES: usize = 3;
/// RFC 7553.
const URI: Rtype = Rtype::URI;

/// The type whose written form a type shares; most have their own.
pub(super) fn form(code: u16) -> Rtype {
    match code {
        // NINFO, SPF, AVC, RESINFO, WALLET: texts.
        56 | 99 | 258 | 261 | 262 => Rtype::TXT,
        // AFSDB, RT, KX, LP: a number and a name.
        18 | 21 | 36 | 107 => Rtype::MX,
        // SMIMEA: a certificate's association.
        53 => Rtype::TLSA,
        // TA, DLV: a key's digest.
        32768 | 32769 => Rtype::DS,
        // KEY: a key.
        25 => Rtype::DNSKEY,
        // DHCID: base 64.
        49 => Rtype::OPENPGPKEY,
        code => Rtype::from_int(code),
    }
}

/// Whether only questions and messages have a type (RFC 6895 section 3.1): 0, OPT, and the
/// range of meta-types.
pub(super) const fn is_meta(code: u16) -> bool {
    matches!(code, 0 | 41 | 128..=255)
}

/// A type as zone files write it.
pub(super) fn mnemonic(record: RecordType) -> Rtype {
    Rtype::from_int(record.into())
}

/// A record's data as the parser reads them.
///
/// # Errors
/// [`Reason::Ttl`], [`Reason::LongTtl`] for a time of a SOA, [`Reason::Uri`],
/// [`Reason::LongString`], [`Reason::Form`].
pub(super) fn data(form: Rtype, words: &[String], origin: &[u8]) -> Result<String, Reason> {
    if words.first().is_some_and(|word| word == OCTETS) {
        return Ok(words.join(" "));
    }
    if matches!(form, Rtype::TXT | Rtype::HINFO | Rtype::NAPTR) {
        words.iter().try_for_each(|word| string(word))?;
    }
    if let Some(octets) = octets(form.to_int(), words, origin) {
        return octets.map(|it| in_hex(&it));
    }
    match form {
        URI => uri(words),
        Rtype::SOA => soa(words),
        // They are made of strings, in which `@` is that character.
        Rtype::TXT | Rtype::HINFO | Rtype::CAA => Ok(words.join(" ")),
        _ => Ok(words.iter().map(|word| at(word)).collect::<Vec<_>>().join(" ")),
    }
}

/// A word where a name may be, or the origin for `@`.
pub(super) fn at(word: &str) -> &str {
    if word == "@" { ORIGIN } else { word }
}

/// A start of authority, its times in seconds.
fn soa(words: &[String]) -> Result<String, Reason> {
    let (names, times) = words.split_at(words.len().min(SOA_TIMES));
    let names = names.iter().map(|word| Ok(at(word).to_owned()));
    let times = times.iter().map(|word| ttl(word).map(|seconds| seconds.to_string()));
    Ok(names.chain(times).collect::<Result<Vec<_>, Reason>>()?.join(" "))
}

/// Priority, weight and a quoted target, which is the rest of the data without a length.
fn uri(words: &[String]) -> Result<String, Reason> {
    let [priority, weight, target] = words else { return Err(Reason::Uri) };
    let number = |word: &str| word.parse::<u16>().map_err(|_| Reason::Uri);
    let target = target.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let target = target.and_then(unescaped).filter(|it| !it.is_empty()).ok_or(Reason::Uri)?;
    let numbers = [number(priority)?, number(weight)?].map(u16::to_be_bytes);
    Ok(in_hex(&[&numbers.concat()[..], &target].concat()))
}

/// Octets as data of any type may be written.
fn in_hex(octets: &[u8]) -> String {
    let mut hex = format!("{OCTETS} {} ", octets.len());
    for octet in octets {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{octet:02x}");
    }
    hex
}

/// Checks the length of a character string.
///
/// # Errors
/// [`Reason::LongString`].
fn string(word: &str) -> Result<(), Reason> {
    let inner = word.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    // What has no octets is for the parser to refuse.
    let octets = unescaped(inner.unwrap_or(word)).map_or(0, |it| it.len());
    if octets > STRING_MAX { Err(Reason::LongString { octets }) } else { Ok(()) }
}

/// The octets of a string without its quotes.
pub(super) fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let (octet, after) = match (first, after) {
            (b'\\', [b'0'..=b'9', ..]) => {
                let (digits, after) = after.split_at_checked(3)?;
                (std::str::from_utf8(digits).ok()?.parse().ok()?, after)
            }
            (b'\\', [escaped, after @ ..]) => (*escaped, after),
            (b'\\' | b'"', _) => return None,
            (octet, after) => (*octet, after),
        };
        octets.push(octet);
        rest = after;
    }
    Some(octets)
}

/// The code of a type as it is written.
///
/// # Errors
/// [`Reason::Type`], [`Reason::MetaType`].
pub(super) fn code(word: &str) -> Result<u16, Reason> {
    let code = word.parse::<Rtype>().map_err(|_| Reason::Type(shown(word)))?.to_int();
    if is_meta(code) { Err(Reason::MetaType(shown(word))) } else { Ok(code) }
}
