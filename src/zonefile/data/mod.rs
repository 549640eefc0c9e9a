//! Data of types that the parser does not know, from how they are written to their octets.
//!
//! One file per concern; each gives octets, or nothing where the words are none of the form.

mod address_prefixes;
mod certificate;
mod child;
mod host_identity;
mod identifiers;
mod location;

use domain::utils::base64;

use super::fault::Reason;
use super::form::mnemonic;

/// The written form of a type, and its reader.
type Form = (&'static str, fn(&[&str], &[u8]) -> Option<Vec<u8>>);

/// The form of a type that is read here.
fn form(code: u16) -> Option<Form> {
    Some(match code {
        29 => (location::WRITTEN, location::location),
        37 => (certificate::WRITTEN, certificate::certificate),
        42 => (address_prefixes::WRITTEN, address_prefixes::prefixes),
        55 => (host_identity::WRITTEN, host_identity::identity),
        62 => (child::WRITTEN, child::synchronization),
        104 => (identifiers::NID, identifiers::identifier),
        105 => (identifiers::L32, identifiers::locator_32),
        106 => (identifiers::L64, identifiers::identifier),
        108 => (identifiers::EUI48, identifiers::eui48),
        109 => (identifiers::EUI64, identifiers::eui64),
        _ => return None,
    })
}

/// The octets of a type's data, if it is read here. Relative names end in the origin, which is
/// given in wire form.
///
/// # Errors
/// [`Reason::Form`]: the words are not of the type's form.
pub(super) fn octets(
    code: u16,
    words: &[String],
    origin: &[u8],
) -> Option<Result<Vec<u8>, Reason>> {
    let (written, read) = form(code)?;
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    Some(read(&words, origin).ok_or_else(|| Reason::Form(mnemonic(code.into()), written)))
}

/// A number of 16 bits.
fn number(word: &str) -> Option<[u8; 2]> {
    decimal::<u16>(word).map(u16::to_be_bytes)
}

/// A number in decimal digits, without a sign.
fn decimal<T: std::str::FromStr>(word: &str) -> Option<T> {
    word.bytes().all(|octet| octet.is_ascii_digit()).then(|| word.parse().ok())?
}

/// Octets in hexadecimal digits.
fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let is_hex =
        text.bytes().all(|octet| octet.is_ascii_hexdigit()) && text.len().is_multiple_of(2);
    is_hex.then(|| text.as_bytes().chunks(2).map(digits).collect())?
}

/// Octets in base 64 (RFC 4648 section 4); there must be some.
fn base_64(text: &str) -> Option<Vec<u8>> {
    base64::decode::<Vec<u8>>(text).ok().filter(|octets| !octets.is_empty())
}

/// A name in wire form.
fn name(word: &str, origin: &[u8]) -> Option<Vec<u8>> {
    if word == "@" {
        return Some(origin.to_vec());
    }
    if word == "." {
        return Some(vec![0]);
    }
    let (mut wire, mut label, mut rest) = (Vec::new(), String::new(), word.chars());
    let push = |label: &str, wire: &mut Vec<u8>| {
        let octets = super::form::unescaped(label)?;
        (1..=crate::names::LABEL_MAX).contains(&octets.len()).then(|| {
            wire.push(octets.len() as u8);
            wire.extend(octets);
        })
    };
    while let Some(character) = rest.next() {
        match character {
            '.' => push(&std::mem::take(&mut label), &mut wire)?,
            '\\' => label.extend(['\\', rest.next()?]),
            other => label.push(other),
        }
    }
    if label.is_empty() {
        wire.push(0);
    } else {
        push(&label, &mut wire)?;
        wire.extend(origin);
    }
    (wire.len() <= crate::names::NAME_MAX).then_some(wire)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_absolute_or_end_in_the_origin() {
        let origin = b"\x01z\0";
        for (word, expected) in [
            ("a", Some(&b"\x01a\x01z\0"[..])),
            ("a.b.", Some(b"\x01a\x01b\0")),
            (r"a\.b\065.", Some(b"\x04a.bA\0")),
            ("@", Some(b"\x01z\0")),
            (".", Some(b"\0")),
            ("a..b", None),
            ("", Some(b"\0")),
            (r"a\", None),
        ] {
            assert_eq!(name(word, origin).as_deref(), expected, "{word}");
        }
        assert!(
            name(&"a".repeat(64), origin).is_none() && name(&"a.".repeat(128), origin).is_none()
        );
    }

    #[test]
    fn words_that_are_none_of_a_form_are_refused() {
        for (code, words) in [
            (29, "91 N 0 E 0"),
            (29, "90 0 0.001 N 0 E 0"),
            (29, "1 60 N 0 E 0"),
            (29, "1 0 60 N 0 E 0"),
            (29, "1 N 181 E 0"),
            (29, "1 N 1 E"),
            (29, "1 N 1 E -100000.01"),
            (29, "1 N 1 E 0 90000001"),
            (29, "1 N 1 E 0 1 1 1 1"),
            (37, "PKIX 1"),
            (37, "WHAT 1 8 AA=="),
            (37, "1 1 8 A"),
            (42, "1:10.0.0.0"),
            (42, "1:10.0.0.0/33"),
            (42, "3:10.0.0.0/8"),
            (42, "2:::/129"),
            (55, "2 200100107B1A74DF365639CC39F1D578"),
            (55, "2 20 AA== a..b"),
            (62, "66"),
            (62, "66 3 WHAT"),
            (62, "66 65536 A"),
            (104, "10 0014:4fff:ff20"),
            (104, "10 0014:4fff:ff20:ee640"),
            (105, "10 10.1.2"),
            (106, "65536 1:2:3:4"),
            (108, "00-00-5e-00-53"),
            (108, "00:00:5e:00:53:2a"),
            (109, "00-00-5e-ef-10-00-00-2g"),
        ] {
            let words: Vec<_> = words.split(' ').map(str::to_owned).collect();
            assert!(octets(code, &words, b"\0").unwrap().is_err(), "{code} {words:?}");
        }
        assert!(octets(1, &[], b"\0").is_none());
    }
}
