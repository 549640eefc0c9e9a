//! Targets of the records of entries.

use hickory_proto::rr::Name;

use super::super::Lookup;
use super::gather::Gathered;
use crate::names::reversed::labels;
use crate::registry::Host;
use crate::registry::skydns::Entry;

impl Lookup<'_> {
    /// What SRV, MX and NS records of an entry point to: its host, or where that is an address,
    /// the entry's own name; less as many labels from the left as it says, unless that is all
    /// of them. An entry of a wildcard has the name that was asked for.
    pub(super) fn target_of(&self, gathered: &Gathered<'_>, entry: &Entry) -> Option<Name> {
        let whole = match entry.value.host.as_ref()? {
            Host::Address(_) if gathered.is_synthesised => return Some(self.question.name.clone()),
            Host::Address(_) => self.name_of(entry)?,
            Host::Name(host) => host_name(host)?,
        };
        let strip = usize::from(entry.value.target_strip);
        if strip == 0 || strip >= whole.iter().count() {
            return Some(whole);
        }
        Name::from_labels(whole.iter().skip(strip)).ok()
    }

    /// An entry's own name.
    fn name_of(&self, entry: &Entry) -> Option<Name> {
        let mut below: Vec<_> = labels(&entry.path).collect();
        below.reverse();
        Name::from_labels(below.into_iter().chain(self.settings().apex().iter())).ok()
    }
}

/// A host name as a name.
pub(super) fn host_name(host: &str) -> Option<Name> {
    Name::from_labels(host.split('.').map(str::as_bytes)).ok()
}
