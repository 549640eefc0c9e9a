//! LOC, where on earth something is (RFC 1876).

/// How it is written (RFC 1876 section 3).
pub(super) const WRITTEN: &str =
    "DEG [MIN [SEC]] N|S DEG [MIN [SEC]] E|W ALTITUDEm [SIZEm [HORIZONTALm [VERTICALm]]]";

/// Thousandths of a second of arc at the equator and the prime meridian.
const MIDDLE: i64 = 1 << 31;
/// Centimetres that altitudes are counted from, below the reference spheroid.
const DEPTH: i64 = 10_000_000;
/// The greatest altitude in centimetres above that.
const ALTITUDE_MAX: i64 = u32::MAX as i64;
/// The greatest size or precision in centimetres: 9e9.
const SIZE_MAX: i64 = 9_000_000_000;
/// Size and precisions in centimetres where none is written: 1 m, 10 km, 10 m.
const SIZES: [i64; 3] = [100, 1_000_000, 1_000];

/// The octets of a location.
pub(super) fn location(words: &[&str], _: &[u8]) -> Option<Vec<u8>> {
    let (latitude, rest) = angle(words, ["N", "S"], 90)?;
    let (longitude, rest) = angle(rest, ["E", "W"], 180)?;
    let (altitude, sizes) = rest.split_first()?;
    let altitude = centimetres(altitude)? + DEPTH;
    if !(0..=ALTITUDE_MAX).contains(&altitude) || sizes.len() > SIZES.len() {
        return None;
    }
    let mut octets = vec![0];
    for (at, default) in SIZES.into_iter().enumerate() {
        let size = sizes.get(at).map_or(Some(default), |word| centimetres(word))?;
        octets.push((0..=SIZE_MAX).contains(&size).then(|| power_of_ten(size))?);
    }
    let numbers = [latitude, longitude, altitude].map(|number| (number as u32).to_be_bytes());
    octets.extend(numbers.concat());
    Some(octets)
}

/// Degrees, minutes and seconds up to a hemisphere, of which the first is positive; and what
/// follows.
fn angle<'w, 't>(
    words: &'w [&'t str],
    [positive, negative]: [&str; 2],
    most: i64,
) -> Option<(i64, &'w [&'t str])> {
    let end = words.iter().take(4).position(|word| {
        word.eq_ignore_ascii_case(positive) || word.eq_ignore_ascii_case(negative)
    })?;
    let (degrees, rest) = words[..end].split_first()?;
    let part = |at: usize| rest.get(at).copied().unwrap_or("0");
    let (degrees, minutes) = (super::decimal::<i64>(degrees)?, super::decimal::<i64>(part(0))?);
    let thousandths = decimal(part(1), 3)?;
    let sum = (degrees * 60 + minutes) * 60_000 + thousandths;
    if minutes > 59 || thousandths > 59_999 || degrees > most || sum > most * 3_600_000 {
        return None;
    }
    let is_negative = words[end].eq_ignore_ascii_case(negative);
    Some((if is_negative { MIDDLE - sum } else { MIDDLE + sum }, &words[end + 1..]))
}

/// Metres with two decimals at most, perhaps with an `m`, in centimetres.
fn centimetres(word: &str) -> Option<i64> {
    let word = word.strip_suffix(['m', 'M']).unwrap_or(word);
    match word.strip_prefix('-') {
        Some(depth) => decimal(depth, 2).map(|depth| -depth),
        None => decimal(word, 2),
    }
}

/// A number with so many decimals at most, in units of the last of them.
fn decimal(word: &str, decimals: usize) -> Option<i64> {
    /// Digits of the greatest altitude, and more than any other number here has.
    const DIGITS: usize = 10;
    let (whole, fraction) = word.split_once('.').unwrap_or((word, ""));
    let is_short = whole.len() <= DIGITS && fraction.len() <= decimals && !whole.is_empty();
    is_short.then(|| super::decimal(&format!("{whole}{fraction:0<decimals$}")))?
}

/// A size as one digit and a power of ten (RFC 1876 section 2), never greater than it is.
fn power_of_ten(mut size: i64) -> u8 {
    let mut exponent = 0;
    while size > 9 {
        (size, exponent) = (size / 10, exponent + 1);
    }
    (size as u8) << 4 | exponent
}
