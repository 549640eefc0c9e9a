//! Checks: what `--check` and its options ask for.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::cli::JoinArgs;
use crate::error::Failure;
use crate::join::{CheckTerms, LoopWatchdog, Monitor, Registrant};
use crate::probe::{CheckUrl, Family, Probe, ProbeSubject};

/// Checks that one process has under way: each takes a socket, or is a process.
const PROBES_MAX: usize = 64;

/// The probes that `--check` and its options ask for.
#[derive(Debug, Clone)]
pub(super) struct Checks {
    /// What is checked.
    check: Check,
    /// How often, and how long each.
    terms: CheckTerms,
    /// Whether the instance is certain to run on this machine: it is COMMAND.
    is_here: bool,
    /// A permit for each probe that is under way.
    permits: Arc<Semaphore>,
    /// The children that somebody waits for.
    family: Family,
}

/// The kinds of checks, as they are written.
#[derive(Debug, Clone)]
enum Check {
    /// The instance's own port accepts connections.
    Tcp,
    /// A url; `$HOST` and `$PORT` in it are the instance's.
    Http(String),
    /// A command for the shell.
    Exec(Arc<str>),
}

impl Checks {
    /// What the arguments mean; nothing without `--check`.
    ///
    /// # Errors
    /// [`Failure::Usage`]: which argument is wrong, and what to write.
    pub(super) fn new(args: &JoinArgs) -> Result<Option<Self>, Failure> {
        let Some(text) = &args.check else { return no_details(args).map(|()| None) };
        let usual = CheckTerms::default();
        let terms = CheckTerms {
            interval: args.check_interval.unwrap_or(usual.interval),
            timeout: args.check_timeout.unwrap_or(usual.timeout),
            failures: args.check_failures.unwrap_or(usual.failures),
        };
        terms.check().map_err(|fault| usage(format!("--check-{fault}")))?;
        let permits = Arc::new(Semaphore::new(PROBES_MAX));
        let (check, is_here) = (Check::read(text)?, !args.command.is_empty());
        let family = Family::default();
        Ok(Some(Self { check, terms, is_here, permits, family }))
    }

    /// The same where children are noted in a family.
    pub(super) fn in_family(self, family: Family) -> Self {
        Self { family, ..self }
    }

    /// Fails where all entries of `--from` would be checked at one place.
    ///
    /// # Errors
    /// [`Failure::Usage`].
    pub(super) fn fit_many(&self) -> Result<(), Failure> {
        match &self.check {
            Check::Http(url) if !url.contains("$HOST") && !url.contains("$PORT") => {
                Err(Failure::usage(format!(
                    "--check {url} is one place for all entries of --from; write $HOST and $PORT \
                     where theirs belong: http://$HOST:$PORT/…"
                )))
            }
            _ => Ok(()),
        }
    }

    /// What checks one instance.
    ///
    /// # Errors
    /// [`Failure::Usage`]: the url is none once it has the instance's host and port.
    pub(super) fn monitor(
        &self,
        registrant: &Arc<Registrant>,
        pulse: &LoopWatchdog,
    ) -> Result<Monitor<Probe>, Failure> {
        let look = match &self.check {
            Check::Tcp => ProbeSubject::Tcp { is_here: self.is_here },
            Check::Http(url) => ProbeSubject::Http(CheckUrl::of(url, registrant).map_err(usage)?),
            Check::Exec(command) => ProbeSubject::Exec(Arc::clone(command)),
        };
        let (registrant, permits) = (Arc::clone(registrant), Arc::clone(&self.permits));
        let family = self.family.clone();
        let CheckTerms { interval, timeout, failures } = self.terms;
        let check = Probe { look, registrant, timeout, permits, family };
        Ok(Monitor { check, interval, failures, pulse: pulse.clone() })
    }
}

impl Check {
    /// Reads what was typed.
    fn read(text: &str) -> Result<Self, Failure> {
        if text == "tcp" {
            return Ok(Self::Tcp);
        }
        match text.split_once(':') {
            Some(("http", _)) => Ok(Self::Http(text.to_owned())),
            Some(("https", _)) => Err(usage(format!(
                "--check `{text}`: https is not checked; write exec:curl -fsS -o /dev/null {text}"
            ))),
            Some(("exec", command)) if !command.trim().is_empty() => Ok(Self::Exec(command.into())),
            _ => Err(usage(format!(
                "--check `{text}` is none of tcp, http://HOST:PORT/PATH, exec:COMMAND"
            ))),
        }
    }
}

/// Wrong usage, in words.
fn usage(text: impl std::fmt::Display) -> Failure {
    Failure::usage(text)
}

/// The details of a check are about `--check`. Without it they would silently do nothing.
fn no_details(args: &JoinArgs) -> Result<(), Failure> {
    let given = [
        ("--check-interval", args.check_interval.is_some()),
        ("--check-timeout", args.check_timeout.is_some()),
        ("--check-failures", args.check_failures.is_some()),
    ];
    match given.iter().find(|(_, is_given)| *is_given) {
        Some((option, _)) => Err(usage(format!("{option} needs a --check, or leave it out"))),
        None => Ok(()),
    }
}
