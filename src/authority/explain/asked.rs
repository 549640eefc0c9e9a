//! Questions as people write them: names as `dig` takes them, types by name or number.

use std::fmt::Write as _;

use hickory_proto::rr::{Name, RecordType};

use crate::names::{NAME_MAX, WireName};
use crate::registry::document::shown;

/// Characters of a name that are looked at: four for each octet of it (`\255`).
const TEXT_MAX: usize = 4 * NAME_MAX;

/// The name and type of a question. Without a type, names that begin with `_` are asked for
/// SRV, others for A.
///
/// # Errors
/// What is wrong, and what to write.
pub fn asked(name: &str, kind: Option<&str>) -> Result<(Name, RecordType), String> {
    let default = if name.starts_with('_') { RecordType::SRV } else { RecordType::A };
    Ok((named(name)?, kind.map_or(Ok(default), typed)?))
}

/// A name as it is written. It is absolute, with a last dot or without; octets beyond ASCII
/// stand for themselves, as labels of DNS-SD have them.
fn named(text: &str) -> Result<Name, String> {
    let fault = |what: &str| Err(format!("`{}` {what}", shown(text)));
    if text.is_empty() {
        return Err("the name is empty; write a name, `.` for the root".to_owned());
    }
    if text.len() > TEXT_MAX {
        return fault("is longer than a domain name can be");
    }
    let mut ascii = String::with_capacity(text.len());
    for octet in text.bytes() {
        match octet {
            b'!'..=b'~' => ascii.push(char::from(octet)),
            _ => write!(ascii, "\\{octet:03}").expect("a string takes all that is written"),
        }
    }
    // hickory's own reader refuses labels that begin with a hyphen, which services may have.
    let Ok(read) = ascii.parse::<domain::base::Name<Vec<u8>>>() else {
        return fault("is no domain name; labels have 1 to 63 octets");
    };
    let labels = read.iter().filter(|label| !label.is_root());
    let Ok(mut name) = Name::from_labels(labels.map(|label| label.as_slice())) else {
        return fault("is longer than a domain name can be");
    };
    name.set_fqdn(true);
    match WireName::from_labels(name.iter()) {
        Ok(_) => Ok(name),
        Err(_) => fault("is longer than a domain name can be"),
    }
}

/// A type by its name or number (RFC 3597 section 5), in upper or lower case.
fn typed(text: &str) -> Result<RecordType, String> {
    let upper = text.to_ascii_uppercase();
    let number = upper.strip_prefix("TYPE").filter(|it| it.bytes().all(|it| it.is_ascii_digit()));
    let by_number = number.and_then(|number| number.parse().ok()).map(u16::into);
    let by_name = || upper.parse().ok();
    by_number.or_else(by_name).ok_or_else(|| {
        format!("`{}` is no record type; write SRV, A, AAAA, TXT, PTR or TYPE65", shown(text))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::written;

    #[test]
    fn types_have_names_numbers_and_a_default() {
        let kind = |name: &str, kind: Option<&str>| asked(name, kind).map(|it| it.1);
        assert_eq!(kind("_web._tcp", None), Ok(RecordType::SRV));
        assert_eq!(kind("web.services.internal", None), Ok(RecordType::A));
        assert_eq!(kind("w", Some("aaaa")), Ok(RecordType::AAAA));
        assert_eq!(kind("w", Some("type65")), Ok(RecordType::HTTPS));
        assert_eq!(kind("w", Some("TYPE65280")), Ok(RecordType::Unknown(65280)));
        for wrong in ["", "TYPE", "TYPE65536", "TYPE-1", "type+1", "none", "A\0", "é"] {
            assert!(kind("w", Some(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_are_absolute_octets() {
        let text = |name: &str| asked(name, None).map(|it| written(it.0.iter()));
        assert_eq!(text("web.z"), text("web.z."));
        assert_eq!(text("."), Ok(".".to_owned()));
        assert_eq!(text("my id._web._tcp.z"), text("my\\032id._web._tcp.z."));
        assert_eq!(text("é.z"), Ok("\\195\\169.z.".to_owned()));
        assert_eq!(text("-a\\.b.z"), Ok("-a\\.b.z.".to_owned()));
        for wrong in ["", "a..b", ".a", &"a".repeat(64), &"a.".repeat(128), &"é".repeat(9999)] {
            assert!(text(wrong).is_err(), "{wrong}");
        }
    }
}
