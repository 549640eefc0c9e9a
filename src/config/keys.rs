//! Keys of the file, and when a change of each is used.

use self::TakesEffect::{Followed, Refused, Reloaded, Restart};

/// The time at which a changed value is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakesEffect {
    /// From the next query on, with everything else that was read again.
    Reloaded,
    /// After a restart, as one warning says; what the file contains is followed by itself.
    Followed,
    /// After a restart, as one warning says.
    Restart,
    /// After a restart; until then nothing is read again.
    Refused,
}

/// Every key outside `[[zone]]`; each is an option, too.
pub const KEYS: [(&str, TakesEffect); 45] = [
    ("registry", Refused),
    ("ca", Followed),
    ("cert", Followed),
    ("key", Followed),
    ("user", Restart),
    ("password-file", Followed),
    ("log-format", Restart),
    ("listen", Restart),
    ("http", Restart),
    ("etcd-v2", Restart),
    ("http-token-file", Reloaded),
    ("http-cert", Reloaded),
    ("http-key", Reloaded),
    ("http-hosts", Reloaded),
    ("registration-ttl", Restart),
    ("workers", Restart),
    ("zones", Reloaded),
    ("bare-names", Reloaded),
    ("watch-files", Reloaded),
    ("state", Restart),
    ("max-stale", Reloaded),
    ("hold-collapse", Reloaded),
    ("shutdown-delay", Reloaded),
    ("reverse", Reloaded),
    ("forward", Reloaded),
    ("forward-private", Reloaded),
    ("forward-0x20", Reloaded),
    ("allow-query", Reloaded),
    ("allow-recursion", Reloaded),
    ("rate-limit", Reloaded),
    ("rate-limit-slip", Reloaded),
    ("rate-limit-ipv4-prefix", Reloaded),
    ("rate-limit-ipv6-prefix", Reloaded),
    ("rate-limit-exempt", Reloaded),
    ("tcp-connections", Reloaded),
    ("tcp-connections-per-client", Reloaded),
    ("tcp-idle", Reloaded),
    ("run-as", Restart),
    ("cookie-secret-file", Reloaded),
    ("udp-size", Reloaded),
    ("strict-amplification", Reloaded),
    ("nsid", Reloaded),
    ("chaos", Reloaded),
    ("ns-address", Reloaded),
    ("query-log", Reloaded),
];

/// The keys whose values go on being used until a restart.
pub(super) fn fixed() -> impl Iterator<Item = &'static str> {
    KEYS.iter().filter(|(_, change)| matches!(change, Followed | Restart)).map(|(key, _)| *key)
}
