//! Fitness: of texts that become labels, and of times that become leases.

use std::time::Duration;

use super::{DNS_TTL_MAX, LABEL_MAX, LEASE_MAX, LEASE_MIN, SERVICE_MAX, label};

/// The reason that a text cannot become a label, in words that follow its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LabelFault {
    /// There is nothing.
    #[error("is empty; it becomes a DNS label")]
    Empty,
    /// It is too long.
    #[error("has {octets} octets, at most {most} fit a DNS label; shorten it")]
    TooLong {
        /// What it has.
        octets: usize,
        /// What it may have.
        most: usize,
    },
    /// It is an id that would be two segments of a key.
    #[error("has a `/`, which separates keys; use `-`")]
    Slash,
}

/// The reason that a time cannot be that of a lease, in words that follow its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LeaseFault {
    /// etcd counts leases in whole seconds.
    #[error("{} is not 1s or more in whole seconds", humantime::format_duration(*.0))]
    NotWhole(Duration),
    /// It is hardly an end.
    #[error(
        "{} is more than 24h: whatever crashed would be answered for as long; use less",
        humantime::format_duration(*.0)
    )]
    TooLong(Duration),
}

/// A TTL of DNS that is no whole number of seconds, or more than a day, in words that follow its
/// name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} is not a whole number of seconds from 0s to {}s",
    humantime::format_duration(self.0),
    DNS_TTL_MAX.as_secs()
)]
pub struct DnsTtlFault(Duration);

/// Checks a service's name: its label form must fit a label after `_`.
///
/// # Errors
/// [`LabelFault`].
pub fn check_name(name: &str) -> Result<(), LabelFault> {
    check_label(&label(name), SERVICE_MAX)
}

/// Checks an id: it is one segment of the key and one label of DNS-SD names.
///
/// # Errors
/// [`LabelFault`].
pub fn check_id(id: &str) -> Result<(), LabelFault> {
    check_label(id, LABEL_MAX)?;
    if id.contains('/') { Err(LabelFault::Slash) } else { Ok(()) }
}

/// Checks that a text has 1 to `most` octets.
///
/// # Errors
/// [`LabelFault`].
pub const fn check_label(text: &str, most: usize) -> Result<(), LabelFault> {
    match text.len() {
        0 => Err(LabelFault::Empty),
        octets if octets > most => Err(LabelFault::TooLong { octets, most }),
        _ => Ok(()),
    }
}

/// Checks that a lease is of some whole seconds, and not for ever.
///
/// # Errors
/// [`LeaseFault`].
pub fn check_lease(ttl: Duration) -> Result<(), LeaseFault> {
    if ttl < LEASE_MIN || ttl.subsec_nanos() != 0 {
        return Err(LeaseFault::NotWhole(ttl));
    }
    if ttl > LEASE_MAX { Err(LeaseFault::TooLong(ttl)) } else { Ok(()) }
}

/// A TTL of DNS in seconds.
///
/// # Errors
/// [`DnsTtlFault`].
pub fn dns_ttl(ttl: Duration) -> Result<u32, DnsTtlFault> {
    let is_whole = ttl <= DNS_TTL_MAX && ttl.subsec_nanos() == 0;
    let seconds = u32::try_from(ttl.as_secs()).ok().filter(|_| is_whole);
    seconds.ok_or(DnsTtlFault(ttl))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_told_from_what_does_not() {
        assert_eq!(check_name("My Service"), Ok(()));
        assert_eq!(check_name(""), Err(LabelFault::Empty));
        assert_eq!(check_id("a/b"), Err(LabelFault::Slash));
        let long = "n".repeat(64);
        assert_eq!(check_id(&long), Err(LabelFault::TooLong { octets: 64, most: 63 }));
        for (millis, is_lease, seconds) in
            [(500, false, None), (1_000, true, Some(1)), (86_401_000, false, None)]
        {
            let time = Duration::from_millis(millis);
            assert_eq!(check_lease(time).is_ok(), is_lease, "{millis}");
            assert_eq!(dns_ttl(time).ok(), seconds, "{millis}");
        }
    }
}
