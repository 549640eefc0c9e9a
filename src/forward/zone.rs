//! The zones of forwarding: who is asked for a name and all below it. The longest that a name
//! is in is asked, and no other: what one network calls its own is no concern of another's
//! servers, and these know nothing of it.

use std::sync::Arc;

use hickory_proto::rr::{Name, RecordType};

use super::Asked;
use super::answer::Said;
use super::source::Source;
use super::upstream::{Upstream, UpstreamState};

/// Zones that have upstreams of their own: each is looked through for a name.
pub const FORWARD_ZONES_MAX: usize = 64;

/// A zone that is forwarded, and who is asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardZone<S = Source> {
    /// The name; the root for all that no other has.
    pub name: Name,
    /// What names the upstreams, in order.
    pub upstreams: Vec<S>,
    /// Whether they are asked for names, too, that are in a zone of ours and do not exist there.
    pub falls_through: bool,
}

/// The state of a zone that is forwarded.
#[derive(Debug, Clone)]
pub struct ForwardZoneState {
    /// The name, as it is shown: without the last dot, but for the root.
    pub title: String,
    /// Its upstreams.
    pub upstreams: Vec<UpstreamState>,
}

impl ForwardZone {
    /// Who would be asked for a name of some zones, in words; none where it is refused.
    #[must_use]
    pub fn note(zones: &[Self], name: &Name) -> Option<String> {
        let zone = covering(zones, name)?;
        Some(note(&zone.title(), zone.upstreams.iter().map(ToString::to_string)))
    }
}

impl ForwardZoneState {
    /// Who is asked for its names, in words.
    #[must_use]
    pub fn note(&self) -> String {
        note(&self.title, self.upstreams.iter().map(|it| it.server.to_string()))
    }
}

impl<S> ForwardZone<S> {
    /// Who is asked for every name that has nobody else.
    #[must_use]
    pub fn root(upstreams: Vec<S>) -> Self {
        Self { name: Name::root(), upstreams, falls_through: false }
    }

    /// Its name as it is shown: without the last dot, but for the root.
    #[must_use]
    pub fn title(&self) -> String {
        let name = self.name.to_ascii();
        if self.name.is_root() { name } else { name.trim_end_matches('.').to_owned() }
    }

    /// The same zone, with what others are named by.
    pub(super) fn map<T>(&self, upstreams: Vec<T>) -> ForwardZone<T> {
        ForwardZone { name: self.name.clone(), upstreams, falls_through: self.falls_through }
    }
}

impl ForwardZone<Arc<Upstream>> {
    /// How it stands.
    pub(super) fn standing(&self) -> ForwardZoneState {
        let upstreams = self.upstreams.iter().map(|upstream| upstream.standing()).collect();
        ForwardZoneState { title: self.title(), upstreams }
    }

    /// Those that may be asked: in order, but those that failed not long ago come last.
    pub(super) fn in_turn(&self) -> Vec<Arc<Upstream>> {
        let mut all = self.upstreams.clone();
        all.retain(|upstream| !upstream.is_looping());
        all.sort_by_key(|upstream| upstream.is_ailing());
        all
    }
}

/// The zone of those with the longest name that a name is in.
pub(super) fn covering<'z, S>(
    zones: &'z [ForwardZone<S>],
    name: &Name,
) -> Option<&'z ForwardZone<S>> {
    let is_in = |zone: &&ForwardZone<S>| zone.name.is_root() || zone.name.zone_of(name);
    zones.iter().filter(is_in).max_by_key(|zone| zone.name.num_labels())
}

/// Whether others are asked for a name that a zone of ours has not.
#[must_use]
pub fn falls_through<S>(zones: &[ForwardZone<S>], name: &Name) -> bool {
    covering(zones, name).is_some_and(|zone| zone.falls_through)
}

/// Who is asked for the names of a zone, in words.
fn note(title: &str, upstreams: impl Iterator<Item = String>) -> String {
    let names: Vec<_> = upstreams.collect();
    let names = if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
    match title {
        "." => format!("clients of allow-recursion: forwarded to {names}"),
        title => format!("clients of allow-recursion: forwarded to {names}, as all of {title}"),
    }
}

/// Takes out of an answer what its upstreams say of a zone that others are asked for: the
/// chain of aliases ends where it leads there, and goes on with what those say.
pub(super) fn keep_to_own<S>(zones: &[ForwardZone<S>], asked: &Asked, said: &mut Said) {
    if matches!(asked.kind, RecordType::CNAME | RecordType::ANY) {
        return;
    }
    let own = covering(zones, &asked.name).map(|zone| &zone.name);
    let leads_away = |target: &Name| {
        let zone = covering(zones, target).map(|zone| &zone.name);
        zone.is_some() && zone != own
    };
    said.leave_where(leads_away);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_zone_has_a_name() {
        let zone = |text: &str| ForwardZone::<()> {
            name: Name::from_ascii(text).unwrap(),
            upstreams: Vec::new(),
            falls_through: false,
        };
        let zones = [".", "Corp.example.", "lab.corp.example.", "10.in-addr.arpa."].map(zone);
        let of = |name: &str| {
            let name = Name::from_ascii(name).unwrap();
            covering(&zones, &name).map(ForwardZone::title)
        };
        for (name, title) in [
            ("a.LAB.corp.example.", "lab.corp.example"),
            ("corp.example.", "Corp.example"),
            ("a.b.corp.example.", "Corp.example"),
            ("acorp.example.", "."),
            ("example.", "."),
            (".", "."),
            ("4.3.2.10.in-addr.arpa.", "10.in-addr.arpa"),
        ] {
            assert_eq!(of(name).as_deref(), Some(title), "{name}");
        }
        let stubs = [zone("corp.example.")];
        assert!(covering(&stubs, &Name::from_ascii("example.").unwrap()).is_none());
    }
}
