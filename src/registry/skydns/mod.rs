//! Entries of SkyDNS's schema: what SkyDNS, CoreDNS's `etcd` plugin, external-dns and
//! registrator keep in etcd.
//!
//! A key is a name, its labels reversed: `/skydns/local/skydns/web/1` is `1.web.skydns.local`
//! (`path`). Its value says what stands there (`value`). Names are one whatever the case of
//! their keys, so that several keys can be one name.

mod path;
mod value;

use super::{Host, KeyFault, Layout, Problem};
use crate::names::{LEASED_TTL_MAX, Reversed};

/// The entry of one key of a SkyDNS zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key, as etcd has it.
    pub key: Box<str>,
    /// The labels of its name below the zone's apex, in the form of [`Reversed`].
    pub path: Box<[u8]>,
    /// Whether its key has a lease, and so an end.
    pub is_leased: bool,
    /// What its value says.
    pub value: Value,
}

/// The members of a value. There may be none: its name is there all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// An address, or a name that stands for others' addresses.
    pub host: Option<Host>,
    /// The port; 0 where there is none.
    pub port: u16,
    /// SRV priority and MX preference.
    pub priority: u16,
    /// SRV weight, before the weights of a priority are brought to a hundred.
    pub weight: u16,
    /// TTL in seconds, where one is set.
    pub ttl: Option<u32>,
    /// Text for TXT.
    pub text: Option<Box<str>>,
    /// Whether the host takes mail.
    pub is_mail: bool,
    /// How many labels are taken from the left of what SRV, MX and NS records point to.
    pub target_strip: u8,
    /// The group: of the entries that are answered together, those of one group.
    pub group: Option<Box<str>>,
}

impl Entry {
    /// Reads an entry; nothing where the key is none of the zone's.
    pub(super) fn read(
        layout: &Layout,
        key: &[u8],
        (value, is_leased): (&[u8], bool),
    ) -> Option<Result<Self, Problem>> {
        let path = match layout.read_labels(key) {
            Ok(path) => path,
            Err(KeyFault::Foreign) => return None,
            Err(fault) => return Some(Err(fault.into())),
        };
        let value = Value::read(value).map_err(Problem::from);
        Some(value.map(|value| Self::new(key, path, is_leased, value)))
    }

    /// An entry at a key that was read.
    #[must_use]
    pub fn new(key: &[u8], path: Reversed, is_leased: bool, value: Value) -> Self {
        let key = String::from_utf8_lossy(key).into();
        Self { key, path: path.as_octets().into(), is_leased, value }
    }

    /// The TTL of its records in a zone with a default.
    #[must_use]
    pub fn ttl(&self, default: u32) -> u32 {
        let ttl = self.value.ttl.unwrap_or(default);
        if self.is_leased { ttl.min(LEASED_TTL_MAX) } else { ttl }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::WireName;

    #[test]
    fn leased_entries_have_short_ttls() {
        let layout = Layout::of_labels("/skydns", &WireName::from_text("z").unwrap()).unwrap();
        let ttl = |value: &str, is_leased| {
            let read = Entry::read(&layout, b"/skydns/z/a", (value.as_bytes(), is_leased));
            read.unwrap().unwrap().ttl(300)
        };
        assert_eq!((ttl("{}", false), ttl("{}", true)), (300, 30));
        assert_eq!((ttl(r#"{"ttl":60}"#, true), ttl(r#"{"ttl":7}"#, true)), (30, 7));
        assert_eq!(ttl(r#"{"ttl":3600}"#, false), 3600);
        assert!(Entry::read(&layout, b"/skydns/y/a", (b"{}", false)).is_none());
    }
}
