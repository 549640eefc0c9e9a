//! Followed files: read again and again, with what they said last while they cannot be used.

use std::fmt;
use std::time::{Duration, Instant};

/// How often files are looked at while a server runs: soon enough for whoever replaced one and
/// waits. To look at 5,000 takes some milliseconds.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A value that a file gives, and what is wrong with the file since.
#[derive(Debug, Clone, Default)]
pub(crate) struct Followed<T> {
    /// What it gave when it could be used last.
    pub(crate) value: T,
    fault: Option<LastingFault>,
}

/// A fault of a file that could be used before.
#[derive(Debug, Clone)]
struct LastingFault {
    text: String,
    /// Since when it is there.
    since: Instant,
    is_told: bool,
}

impl<T: PartialEq> Followed<T> {
    /// What a file gave.
    pub(crate) const fn new(value: T) -> Self {
        Self { value, fault: None }
    }

    /// Takes what was read, if it is new; says whether it is.
    ///
    /// A fault leaves the value as it is. Once it has lasted for `settle`, it is told in one
    /// warning, which ends with `remedy`.
    pub(crate) fn take<F: fmt::Display>(
        &mut self,
        read: Result<T, F>,
        settle: Duration,
        remedy: impl FnOnce(&T) -> String,
    ) -> bool {
        match read {
            Ok(value) => {
                self.fault = None;
                let is_new = self.value != value;
                self.value = value;
                is_new
            }
            Err(fault) => {
                if let Some(text) = self.note(fault.to_string(), settle) {
                    let remedy = remedy(&self.value);
                    tracing::warn!("{text}; {remedy}");
                }
                false
            }
        }
    }

    /// Notes a fault; gives it if it is to be told now.
    fn note(&mut self, text: String, settle: Duration) -> Option<String> {
        if self.fault.as_ref().is_none_or(|known| known.text != text) {
            self.fault = Some(LastingFault { text, since: Instant::now(), is_told: false });
        }
        let known = self.fault.as_mut().filter(|it| !it.is_told && it.since.elapsed() >= settle)?;
        known.is_told = true;
        Some(known.text.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_stays_and_a_fault_is_told_once() {
        let mut followed = Followed::new(1);
        let none = Duration::ZERO;
        assert!(!followed.take(Ok::<_, String>(1), none, |_| String::new()));
        assert!(followed.take(Ok::<_, String>(2), none, |_| String::new()));
        let mut told = 0;
        let mut fails = |fault, settle| {
            let is_new = followed.take(Err(fault), settle, |last| {
                told += 1;
                format!("{last} stays")
            });
            assert!(!is_new && followed.value == 2);
            told
        };
        assert_eq!(fails("gone", Duration::from_secs(3600)), 0);
        assert_eq!([fails("gone", none), fails("gone", none), fails("empty", none)], [1, 1, 2]);
        assert!(!followed.take(Ok::<_, String>(2), none, |_| String::new()));
    }
}
