//! Names whose labels are those of a key's name with dots in it: `octodev.io`, whose label form
//! is `octodev-io`, is asked for as `_octodev.io._tcp.Z`.

use super::{LABEL_MAX, SERVICE_MAX, WireName, folded};

/// Labels that a name with dots has at most: what it is together fits one label after `_`. Each
/// number of them is a look-up, up to the first that nothing is called by.
const JOINED_MAX: usize = SERVICE_MAX.div_ceil(2);

/// Labels of a name that may be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JoinedLabels {
    /// The first of them.
    from: usize,
    /// The one behind the last.
    to: usize,
    /// The label that they are together, without `_`.
    octets: [u8; LABEL_MAX],
    /// The same in wire form, without the root: each label behind its length.
    path: [u8; 1 + LABEL_MAX],
    /// How many octets the label has.
    length: usize,
}

impl JoinedLabels {
    /// The label that they are together, without `_`.
    #[must_use]
    pub fn label(&self) -> &[u8] {
        &self.octets[..self.length]
    }

    /// Puts a label behind the others, if it fits. Where the dash before it is in the label, its
    /// length is in the path.
    fn push(&mut self, label: impl Iterator<Item = u8>, has_dash: bool) -> Option<()> {
        let before = self.length;
        for octet in has_dash.then_some(b'-').into_iter().chain(label) {
            *self.octets.get_mut(self.length)? = octet;
            self.path[1 + self.length] = octet;
            self.length += 1;
        }
        let at = before + usize::from(has_dash);
        self.path[at] = u8::try_from(self.length - at).ok()?;
        Some(())
    }

    /// The labels in wire form without the root, in label form and without `_`.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        &self.path[..=self.length]
    }

    /// How many labels there are less when they are one.
    #[must_use]
    pub const fn fewer(&self) -> usize {
        self.to - self.from - 1
    }
}

impl WireName {
    /// The labels that could be one, of the first `below` of a name, the fewest first: those
    /// nearest to the apex or, before a transport or below one (`is_transport`), those that
    /// begin with a `_`.
    pub fn joinable(
        &self,
        below: usize,
        is_transport: bool,
    ) -> impl Iterator<Item = JoinedLabels> + '_ {
        let is_service = is_transport || below > 0 && self.is_transport(below - 1);
        let to = if is_service && !is_transport { below - 1 } else { below };
        let first = to.saturating_sub(JOINED_MAX);
        let is_led = |at: usize| self.label(at).starts_with(b"_");
        // Only the first of them may have a `_`, and of a service it must.
        let last = (first..to).rev().find(|at| is_led(*at));
        let (from, until) = match last {
            Some(at) if is_service => (at, at + 1),
            Some(at) => (at + 1, to),
            None if is_service => (to, to),
            None => (first, to),
        };
        (from..until.min(to.saturating_sub(1))).rev().filter_map(move |from| self.join(from, to))
    }

    /// Labels as one, if they fit one.
    fn join(&self, from: usize, to: usize) -> Option<JoinedLabels> {
        let (octets, path) = ([0; LABEL_MAX], [0; 1 + LABEL_MAX]);
        let mut joined = JoinedLabels { from, to, octets, path, length: 0 };
        for at in from..to {
            let label = self.label(at);
            let label = if at == from { label.strip_prefix(b"_").unwrap_or(label) } else { label };
            let text = std::str::from_utf8(label).ok()?;
            joined.push(folded(text), at > from)?;
        }
        Some(joined)
    }

    /// The name in which labels are one.
    #[must_use]
    pub fn with_joined(&self, joined: &JoinedLabels) -> Option<Self> {
        let mut name = Self::root();
        for at in (0..self.labels()).filter(|at| *at <= joined.from || *at >= joined.to) {
            if at != joined.from {
                name.push(self.label(at)).ok()?;
            } else if self.label(at).starts_with(b"_") {
                name.push(&[b"_", joined.label()].concat()).ok()?;
            } else {
                name.push(joined.label()).ok()?;
            }
        }
        Some(name)
    }

    /// The name `TAG.NAME` for `_NAME._TAG`, its first two labels, as Consul's clients ask for
    /// a tag (RFC 2782 has a transport there).
    #[must_use]
    pub fn tag_before_name(&self, below: usize) -> Option<Self> {
        if below != 2 || self.is_transport(1) {
            return None;
        }
        let [name, tag] = [0, 1].map(|at| self.label(at).strip_prefix(b"_"));
        let mut swapped = Self::root();
        swapped.push(tag.filter(|it| !it.is_empty())?).ok()?;
        swapped.push(name.filter(|it| !it.is_empty())?).ok()?;
        (2..self.labels()).try_for_each(|at| swapped.push(self.label(at))).ok()?;
        Some(swapped)
    }

    /// Whether a label is `_tcp` or `_udp`.
    fn is_transport(&self, at: usize) -> bool {
        matches!(self.label(at), b"_tcp" | b"_udp")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The names in which labels are one.
    fn joined(name: &str, below: usize, is_transport: bool) -> Vec<String> {
        let name = WireName::from_text(name).unwrap();
        let all = name.joinable(below, is_transport).filter_map(|it| name.with_joined(&it));
        all.map(|it| it.to_string()).collect()
    }

    #[test]
    fn names_with_dots_are_one_label() {
        for (name, below, is_transport, expected) in [
            ("octodev.io.z", 2, false, &["octodev-io.z."][..]),
            ("a.b.c.z", 3, false, &["a.b-c.z.", "a-b-c.z."]),
            ("_octodev.io._tcp.z", 3, false, &["_octodev-io._tcp.z."]),
            ("id._a.b.c._udp.z", 5, false, &["id._a-b-c._udp.z."]),
            ("_http._tcp.my_a.io.z", 4, false, &["_http._tcp.my-a-io.z."]),
            ("_a.b._tcp", 2, true, &["_a-b._tcp."]),
            ("_a._tcp.z", 2, false, &[]),
            ("a.b._tcp.z", 3, false, &[]),
            ("a.z", 1, false, &[]),
            ("z", 0, false, &[]),
            ("_tcp.z", 1, false, &[]),
        ] {
            assert_eq!(joined(name, below, is_transport), expected, "{name}");
        }
        let name = WireName::from_text("_A_1.bc.z").unwrap();
        let one = name.joinable(2, true).next().unwrap();
        assert_eq!((one.label(), one.path()), (&b"a-1-bc"[..], &b"\x03a-1\x02bc"[..]));
        let (half, rest) = ("a".repeat(40), "b".repeat(40));
        assert!(joined(&format!("{half}.{rest}.z"), 2, false).is_empty());
    }

    #[test]
    fn a_tag_behind_the_name_goes_before_it() {
        let swapped = |name: &str, below| {
            let name = WireName::from_text(name).unwrap();
            name.tag_before_name(below).map(|it| it.to_string())
        };
        assert_eq!(swapped("_web._blue.z", 2).as_deref(), Some("blue.web.z."));
        for (name, below) in [("_web._tcp.z", 2), ("web._blue.z", 2), ("_._a.z", 2), ("_a.z", 1)] {
            assert_eq!(swapped(name, below), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_name_is_survived(name in "(_?[a-z0-9]{1,3}\\.){0,9}", is_transport: bool) {
            let Ok(name) = WireName::from_text(&name) else { return Ok(()) };
            for below in 0..=name.labels() {
                for joined in name.joinable(below, is_transport) {
                    let one = name.with_joined(&joined).unwrap();
                    prop_assert_eq!(one.labels() + joined.fewer(), name.labels());
                }
                let _ = name.tag_before_name(below);
            }
        }
    }
}
