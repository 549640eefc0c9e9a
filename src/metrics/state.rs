//! States of the server and of its zones, in the words of every surface: the log, `/readyz`,
//! metrics, `/v1/status`, the page, `srvd status`, systemd.
//!
//! | word | of | what it says |
//! | --- | --- | --- |
//! | `starting` | a zone | nothing is held yet, its registry is being listed: where, how far |
//! | `not-ready` | a zone | nothing is held yet, its registry cannot be listed: where, why |
//! | `fresh` | a zone | all is well |
//! | `stale` | a zone | answered from what was confirmed then |
//! | `expired` | a zone | the same for longer than `max-stale`: not answered |
//! | `holding` | a zone | a collapse is held: of how many, until when |
//! | `reload-refused` | the server | which file, line and key the configuration is not used for |
//! | `draining` | the server | it was told to end |
//! | `no-upstream` | the server | out-of-zone names get no answer |
//! | `certificate-ending` | the server | which certificate, and when |

use std::fmt;
use std::time::{Duration, SystemTime};

/// How long before its end a certificate is warned of. Those that are renewed by a program
/// are so about a month before: within two weeks somebody should look.
pub const CERTIFICATE_SOON: Duration = Duration::from_secs(14 * 24 * 3600);
/// The text of a zone of which nothing is held.
const UNLISTED: &str = "not ready: the registry has not been listed yet";

/// A state of the server or of one of its zones, with what people want to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Nothing is held of the zone yet; its registry is being listed.
    Starting {
        /// Where; none before that begins.
        endpoint: Option<String>,
        /// How much of it came.
        listing: Option<ListProgress>,
    },
    /// Nothing is held of the zone, since its registry cannot be listed.
    NotReady {
        /// At which endpoint it was tried, and what was wrong.
        trouble: String,
    },
    /// The registry confirmed what is held of the zone a moment ago.
    Fresh,
    /// It has not for a while; what is held is answered, and marked.
    Stale(Outdated),
    /// It has not for longer than `max-stale`; nothing is answered.
    Expired(Outdated),
    /// Removals of the zone are held.
    Holding(Holding),
    /// The configuration that was read again is not used.
    ReloadRefused {
        /// Why it was read.
        cause: String,
        /// What is wrong with it: file, line, key, reason.
        fault: String,
    },
    /// The server was told to end.
    Draining,
    /// None of those that are asked for out-of-zone names, or for those of one zone, answers.
    NoUpstream {
        /// The zone; none for all names that have no other.
        zone: Option<String>,
        /// Who they are; nobody where none can be used.
        upstreams: Vec<String>,
    },
    /// A certificate is over, or will be soon.
    CertificateEnding(CertificateEnd),
}

/// The progress of a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ListProgress {
    /// Keys that came.
    pub keys: u64,
    /// How many there will be; none before the first page.
    pub of: Option<u64>,
}

/// The data of a zone whose registry is away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outdated {
    /// When the registry last confirmed it.
    pub confirmed: SystemTime,
    /// Whether this process began with a snapshot.
    pub is_restored: bool,
    /// Why the registry is not followed, where that is known.
    pub trouble: Option<String>,
}

/// A collapse whose removals are held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// Instances that are shown although the registry has them no more.
    pub held: u64,
    /// How many instances there were before.
    pub of: u64,
    /// When the removals are published at the latest.
    pub until: SystemTime,
}

/// The end of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CertificateEnd {
    /// The option that names it.
    pub option: &'static str,
    /// When it ends.
    pub end: SystemTime,
    /// Whether that is over.
    pub is_over: bool,
}

/// The gravity of a state: what a log line of it has as its level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravity {
    /// As it should be.
    Info,
    /// Somebody should look.
    Warning,
    /// Queries are not answered, or answered otherwise than the registry or the files say.
    Error,
}

impl Gravity {
    /// The gravity as a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl CertificateEnd {
    /// The end of the certificate that an option names, if that is soon, or over.
    #[must_use]
    pub fn soon(option: &'static str, end: SystemTime, now: SystemTime) -> Option<Self> {
        let left = end.duration_since(now);
        let is_over = left.is_err();
        (is_over || left.is_ok_and(|it| it < CERTIFICATE_SOON)).then_some(Self {
            option,
            end,
            is_over,
        })
    }
}

impl State {
    /// The words that there are, in the order of the table above.
    pub const WORDS: [&str; 10] = [
        "starting",
        "not-ready",
        "fresh",
        "stale",
        "expired",
        "holding",
        "reload-refused",
        "draining",
        "no-upstream",
        "certificate-ending",
    ];
    /// Those of them that tell how new a zone is, one of which every zone has.
    pub const STANDINGS: [&str; 5] =
        [Self::WORDS[0], Self::WORDS[1], Self::WORDS[2], Self::WORDS[3], Self::WORDS[4]];

    /// The state in a word, for programs.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        Self::WORDS[match self {
            Self::Starting { .. } => 0,
            Self::NotReady { .. } => 1,
            Self::Fresh => 2,
            Self::Stale(_) => 3,
            Self::Expired(_) => 4,
            Self::Holding(_) => 5,
            Self::ReloadRefused { .. } => 6,
            Self::Draining => 7,
            Self::NoUpstream { .. } => 8,
            Self::CertificateEnding(_) => 9,
        }]
    }

    /// How grave it is.
    #[must_use]
    pub const fn gravity(&self) -> Gravity {
        match self {
            Self::Fresh | Self::Draining => Gravity::Info,
            Self::Starting { .. } | Self::Stale(_) => Gravity::Warning,
            Self::CertificateEnding(CertificateEnd { is_over: false, .. }) => Gravity::Warning,
            Self::NotReady { .. }
            | Self::Expired(_)
            | Self::Holding(_)
            | Self::ReloadRefused { .. }
            | Self::NoUpstream { .. }
            | Self::CertificateEnding(_) => Gravity::Error,
        }
    }

    /// Whether queries are worth sending to a server, or for a zone, that is so.
    #[must_use]
    pub const fn is_answered(&self) -> bool {
        match self {
            Self::Starting { .. } | Self::NotReady { .. } | Self::Expired(_) | Self::Draining => {
                false
            }
            Self::Fresh
            | Self::Stale(_)
            | Self::Holding(_)
            | Self::ReloadRefused { .. }
            | Self::NoUpstream { .. }
            | Self::CertificateEnding(_) => true,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starting { endpoint, listing } => {
                formatter.write_str(UNLISTED)?;
                endpoint.as_ref().map_or(Ok(()), |it| write!(formatter, "; asked: {it}"))?;
                listing.map_or(Ok(()), |it| write!(formatter, ", {it}"))
            }
            Self::NotReady { trouble } => write!(formatter, "{UNLISTED}; last error: {trouble}"),
            Self::Fresh => formatter.write_str("ready"),
            Self::Stale(outdated) => outdated.write("ready, stale", "", formatter),
            Self::Expired(outdated) => outdated.write("not ready", ", past max-stale", formatter),
            Self::Holding(holding) => write!(formatter, "{holding}"),
            Self::ReloadRefused { cause, fault } => write!(
                formatter,
                "reload failed ({cause}), keeping the previous configuration: {fault}"
            ),
            Self::Draining => formatter.write_str("draining"),
            Self::NoUpstream { zone, upstreams } => {
                no_upstream(zone.as_deref(), upstreams, formatter)
            }
            Self::CertificateEnding(end) => write!(formatter, "{}: {end}", end.option),
        }
    }
}

impl Outdated {
    /// Writes since when, and why.
    fn write(&self, is: &str, past: &str, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let confirmed = time(self.confirmed);
        write!(formatter, "{is}: last confirmed by the registry at {confirmed}{past}")?;
        if self.is_restored {
            formatter.write_str(" (this process began with a snapshot)")?;
        }
        self.trouble.as_ref().map_or(Ok(()), |it| write!(formatter, "; last error: {it}"))
    }
}

/// Writes that nobody answers for out-of-zone names, or for those of one zone.
fn no_upstream(
    zone: Option<&str>,
    upstreams: &[String],
    formatter: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    match upstreams {
        [] => formatter.write_str("no usable upstream server")?,
        names => write!(formatter, "no upstream server answers ({})", names.join(", "))?,
    }
    match zone {
        None => formatter.write_str(": out-of-zone names get SERVFAIL"),
        Some(zone) => write!(formatter, ": names of {zone} get SERVFAIL"),
    }
}

impl fmt::Display for ListProgress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.of {
            None => formatter.write_str("listing its keys"),
            Some(of) => write!(formatter, "{} of {of} keys listed", self.keys),
        }
    }
}

impl fmt::Display for Holding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { held, of, until } = self;
        write!(
            formatter,
            "holding the removal of {held} of {of} instances until {} at the latest",
            time(*until)
        )
    }
}

impl fmt::Display for CertificateEnd {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.is_over { "has expired" } else { "expires" };
        let end = time(self.end);
        write!(formatter, "the certificate {word} at {end}; renew it, it is read again by itself")
    }
}

/// A time, to the second.
fn time(time: SystemTime) -> impl fmt::Display {
    humantime::format_rfc3339_seconds(time)
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    /// One of each state, in the order of the words. What is new does not compile until it is
    /// here, and in [`State::word`].
    pub(in crate::metrics) fn one_of_each() -> Vec<State> {
        let text = str::to_owned;
        let outdated = || Outdated {
            confirmed: UNIX_EPOCH,
            is_restored: false,
            trouble: Some(text("http://a:1: refused")),
        };
        vec![
            State::Starting {
                endpoint: Some(text("http://a:1")),
                listing: Some(ListProgress { keys: 5, of: Some(30) }),
            },
            State::NotReady { trouble: text("http://a:1: refused") },
            State::Fresh,
            State::Stale(outdated()),
            State::Expired(Outdated { is_restored: true, ..outdated() }),
            State::Holding(Holding { held: 5, of: 30, until: UNIX_EPOCH }),
            State::ReloadRefused { cause: text("SIGHUP"), fault: text("a.toml:2: key: wrong") },
            State::Draining,
            State::NoUpstream { zone: None, upstreams: vec!["192.0.2.1:53".to_owned()] },
            State::CertificateEnding(CertificateEnd {
                option: "http-cert",
                end: UNIX_EPOCH,
                is_over: true,
            }),
        ]
    }

    #[test]
    fn every_state_has_its_word_and_sentence() {
        let all = one_of_each();
        assert!(all.iter().map(State::word).eq(State::WORDS));
        let sentences: Vec<_> = all.iter().map(ToString::to_string).collect();
        let unlisted = "not ready: the registry has not been listed yet";
        let expected = [
            &format!("{unlisted}; asked: http://a:1, 5 of 30 keys listed"),
            &format!("{unlisted}; last error: http://a:1: refused"),
            "ready",
            "ready, stale: last confirmed by the registry at 1970-01-01T00:00:00Z; last error: \
             http://a:1: refused",
            "not ready: last confirmed by the registry at 1970-01-01T00:00:00Z, past max-stale \
             (this process began with a snapshot); last error: http://a:1: refused",
            "holding the removal of 5 of 30 instances until 1970-01-01T00:00:00Z at the latest",
            "reload failed (SIGHUP), keeping the previous configuration: a.toml:2: key: wrong",
            "draining",
            "no upstream server answers (192.0.2.1:53): out-of-zone names get SERVFAIL",
            "http-cert: the certificate has expired at 1970-01-01T00:00:00Z; renew it, it is read \
             again by itself",
        ];
        assert_eq!(sentences, expected);
        let (ready, not): (Vec<_>, Vec<_>) = all.iter().partition(|it| it.is_answered());
        assert_eq!((ready.len(), not.len()), (6, 4));
    }

    #[test]
    fn a_certificate_is_warned_of_two_weeks_before_its_end() {
        let (day, end) = (Duration::from_secs(24 * 3600), UNIX_EPOCH + 100 * CERTIFICATE_SOON);
        let soon = |now| CertificateEnd::soon("cert", end, now).map(|it| it.is_over);
        assert_eq!(soon(end - CERTIFICATE_SOON), None);
        assert_eq!(soon(end - CERTIFICATE_SOON + day), Some(false));
        assert_eq!(soon(end + day), Some(true));
    }
}
