//! Times as zone files write them: seconds, or with units as in `1h30m`.

use super::fault::{Reason, shown};
use crate::names::TTL_MAX;

/// The seconds of a TTL.
///
/// # Errors
/// [`Reason::Ttl`] and [`Reason::LongTtl`] (RFC 2181 section 8).
pub(super) fn ttl(text: &str) -> Result<u32, Reason> {
    let seconds = seconds(text).ok_or_else(|| Reason::Ttl(shown(text)))?;
    u32::try_from(seconds)
        .ok()
        .filter(|ttl| *ttl <= TTL_MAX)
        .ok_or_else(|| Reason::LongTtl(shown(text)))
}

/// The seconds of a time, at most as many as fit; `None` if it is none.
pub(super) fn seconds(text: &str) -> Option<u64> {
    let (mut sum, mut number) = (0u64, None);
    for octet in text.bytes() {
        match octet {
            b'0'..=b'9' => {
                let digit = u64::from(octet - b'0');
                number = Some(number.unwrap_or(0u64).saturating_mul(10).saturating_add(digit));
            }
            _ => sum = sum.saturating_add(number.take()?.saturating_mul(unit(octet)?)),
        }
    }
    // The last number needs no unit, but there must be something.
    let unitless = number.unwrap_or(0);
    (!text.is_empty()).then_some(sum.saturating_add(unitless))
}

/// The seconds of a unit.
const fn unit(octet: u8) -> Option<u64> {
    Some(match octet.to_ascii_lowercase() {
        b's' => 1,
        b'm' => 60,
        b'h' => 3_600,
        b'd' => 86_400,
        b'w' => 604_800,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_add_up() {
        for (text, expected) in
            [("0", 0), ("3600", 3600), ("1h30m", 5400), ("1W2d", 777_600), ("1h5", 3605)]
        {
            assert_eq!(ttl(text).unwrap(), expected, "{text}");
        }
        for text in ["", "h", "1x", "1hh", "-1", "1.5h", "IN"] {
            assert!(matches!(ttl(text), Err(Reason::Ttl(_))), "{text}");
        }
    }

    #[test]
    fn rfc2181_s8_a_ttl_has_31_bits() {
        assert_eq!(ttl("2147483647").unwrap(), TTL_MAX);
        for text in ["2147483648", "99999999999999999999999", "4000w"] {
            assert!(matches!(ttl(text), Err(Reason::LongTtl(_))), "{text}");
        }
    }
}
