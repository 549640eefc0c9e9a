//! The herald: tells systemd how the server is, and the log what nobody else tells it.

use std::convert::Infallible;
use std::time::{Duration, SystemTime};

use tokio::time::sleep;

use crate::http::Subject;
use crate::metrics::{CertificateEnd, Gravity, Report, State};
use crate::systemd;

/// How often the server is looked at: a person who waits sees it at once, and it reads some values
/// of each zone.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The ends of certificates, each by the option that names it.
type Ends = Vec<(&'static str, SystemTime)>;

/// Tells systemd of every change, for as long as it is polled.
pub(super) async fn tell(subject: Subject) -> Infallible {
    let dns = subject.listeners.iter().filter(|it| it.protocol == "dns");
    let does = format!("answering DNS on {:?}", dns.map(|it| it.address).collect::<Vec<_>>());
    let (mut report, mut ends, mut told) =
        (Report { server: Vec::new(), zones: Vec::new() }, Ends::new(), String::new());
    loop {
        let (now, now_ends) = (look(&subject), subject.certificate_ends());
        changes(&report.server, &now.server, &ends).for_each(|(state, is_so)| say(state, is_so));
        (report, ends) = (now, now_ends);
        let line = report.line(&does);
        if line != told {
            systemd::status(&line);
            told = line;
        }
        sleep(LOOK_EVERY).await;
    }
}

/// How the server is, with its zones where somebody hears of them: there may be thousands.
fn look(subject: &Subject) -> Report {
    match systemd::is_heard() {
        true => subject.report(),
        false => Report { server: subject.own_states(), zones: Vec::new() },
    }
}

/// The states that nobody else tells the log of and that have come or gone, and whether they are
/// so now. Of a certificate that was read a moment ago it is told where it was read.
fn changes<'s>(
    before: &'s [State],
    now: &'s [State],
    ends: &'s Ends,
) -> impl Iterator<Item = (&'s State, bool)> {
    let come = now.iter().filter(|it| !before.contains(it) && is_told(it, ends));
    let is_over = |it: &&State| {
        let State::NoUpstream { zone, .. } = it else { return false };
        let is_same =
            |other: &State| matches!(other, State::NoUpstream { zone: of, .. } if of == zone);
        !now.iter().any(is_same)
    };
    come.map(|it| (it, true)).chain(before.iter().filter(is_over).map(|it| (it, false)))
}

/// Whether the log is to be told of a state here, where certificates ended so before.
fn is_told(state: &State, ends: &Ends) -> bool {
    match state {
        State::NoUpstream { .. } => true,
        State::CertificateEnding(CertificateEnd { option, end, .. }) => {
            ends.contains(&(*option, *end))
        }
        _ => false,
    }
}

/// Tells the log of a state that has come, or gone.
fn say(state: &State, is_so: bool) {
    match (is_so, state.gravity()) {
        (false, _) => match state {
            State::NoUpstream { zone: Some(zone), .. } => {
                tracing::info!("upstream servers of {zone} answer again")
            }
            _ => tracing::info!("upstream servers answer again"),
        },
        (true, Gravity::Error) => tracing::error!("{state}"),
        (true, Gravity::Warning) => tracing::warn!("{state}"),
        (true, Gravity::Info) => tracing::info!("{state}"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn what_others_tell_is_not_told_twice() {
        let dead = [State::NoUpstream { zone: None, upstreams: vec![] }];
        let end = |is_over| {
            let (option, end) = ("cert", UNIX_EPOCH);
            State::CertificateEnding(CertificateEnd { option, end, is_over })
        };
        let known = vec![("cert", UNIX_EPOCH)];
        let told = |before: &[State], now: &[State], ends: &Ends| {
            let told = changes(before, now, ends);
            told.map(|(state, is_so)| (state.word(), is_so)).collect::<Vec<_>>()
        };
        assert_eq!(
            told(&[], &[State::Draining, dead[0].clone()], &vec![]),
            [("no-upstream", true)]
        );
        assert_eq!(told(&dead, &dead, &vec![]), []);
        assert_eq!(told(&dead, &[], &vec![]), [("no-upstream", false)]);
        assert_eq!(told(&[], &[end(false)], &vec![]), [], "it was read with a warning");
        assert_eq!(told(&[], &[end(false)], &known), [("certificate-ending", true)]);
        assert_eq!(told(&[end(false)], &[end(true)], &known), [("certificate-ending", true)]);
        assert_eq!(told(&[end(true)], &[], &known), []);
    }
}
