//! The id by which a follower names its place in a zone's history.

use std::fmt;
use std::str::FromStr;

/// The place behind some state of a zone. Written `REVISION`, or `REVISION.PROCESS-STATE`
/// where the revision alone would not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Id {
    /// The registry's revision.
    pub revision: i64,
    /// What only the process understands that wrote it.
    pub mark: Option<Mark>,
}

/// A state of a zone in one log of one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The log, by a number of chance.
    pub process: u64,
    /// The state's number.
    pub state: u64,
}

/// The text is no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id is a revision, or what an event had as its `id`")]
pub struct IdFault;

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { revision, mark } = self;
        match mark {
            None => write!(formatter, "{revision}"),
            Some(Mark { process, state }) => {
                write!(formatter, "{revision}.{process:016x}-{state}")
            }
        }
    }
}

impl FromStr for Id {
    type Err = IdFault;

    fn from_str(text: &str) -> Result<Self, IdFault> {
        let (revision, mark) = match text.split_once('.') {
            None => (text, None),
            Some((revision, mark)) => (revision, Some(mark.parse()?)),
        };
        Ok(Self { revision: number(revision)?, mark })
    }
}

impl FromStr for Mark {
    type Err = IdFault;

    fn from_str(text: &str) -> Result<Self, IdFault> {
        let (process, state) = text.split_once('-').ok_or(IdFault)?;
        let is_hex = process.len() == 16 && process.bytes().all(|it| it.is_ascii_hexdigit());
        let process = u64::from_str_radix(process, 16).ok().filter(|_| is_hex).ok_or(IdFault)?;
        Ok(Self { process, state: number(state)? })
    }
}

/// A decimal number without a sign.
fn number<N: FromStr>(text: &str) -> Result<N, IdFault> {
    let is_plain = text.bytes().all(|octet| octet.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain).ok_or(IdFault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mark = Some(Mark { process: 0xfeed, state: 7 });
        for id in [Id { revision: 12, mark: None }, Id { revision: 0, mark }] {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        assert_eq!(Id { revision: 12, mark }.to_string(), "12.000000000000feed-7");
    }

    #[test]
    fn all_else_is_no_id() {
        for text in
            ["", "-1", "+1", " 1", "1 ", "1.", "1.2", "1.feed-1", "1.000000000000feed-", "1,2", "é"]
        {
            assert_eq!(text.parse::<Id>(), Err(IdFault), "{text}");
        }
        assert!("1.+00000000000feed-1".parse::<Id>().is_err());
        assert!("99999999999999999999".parse::<Id>().is_err());
    }
}
