//! Entries of a SkyDNS zone as a snapshot holds them.

use serde::{Deserialize, Serialize};

use super::WrittenHost;
use crate::names::TTL_MAX;
use crate::registry::skydns::{Entry, Value};
use crate::registry::{Grammar, Layout};

/// An entry's members, in the order they are written.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::state) struct WrittenEntry<'r> {
    /// The whole key.
    key: &'r str,
    /// Whether it has a lease.
    is_leased: bool,
    /// The host.
    #[serde(borrow)]
    host: Option<WrittenHost<'r>>,
    /// The port, or 0.
    port: u16,
    /// SRV priority and MX preference.
    priority: u16,
    /// SRV weight.
    weight: u16,
    /// TTL in seconds.
    ttl: Option<u32>,
    /// Text.
    text: Option<&'r str>,
    /// Whether the host takes mail.
    is_mail: bool,
    /// Labels to be stripped.
    target_strip: u8,
    /// The group.
    group: Option<&'r str>,
}

impl<'r> WrittenEntry<'r> {
    /// An entry, written. A member that is not named here does not compile.
    pub(super) fn of(entry: &'r Entry) -> Self {
        let Entry { key, path: _, is_leased, value } = entry;
        let Value { host, port, priority, weight, ttl, text, is_mail, target_strip, group } = value;
        Self {
            key,
            is_leased: *is_leased,
            host: host.as_ref().map(WrittenHost::of),
            port: *port,
            priority: *priority,
            weight: *weight,
            ttl: *ttl,
            text: text.as_deref(),
            is_mail: *is_mail,
            target_strip: *target_strip,
            group: group.as_deref(),
        }
    }

    /// The entry, checked as if etcd had said it.
    pub(super) fn read(self, layout: &Layout) -> Result<Entry, &'static str> {
        if let Grammar::Instances = layout.grammar() {
            return Err("is an entry, and its zone has instances");
        }
        let path = layout.read_labels(self.key.as_bytes());
        let path = path.map_err(|_| "has a key that no zone reads")?;
        if self.ttl.is_some_and(|ttl| ttl == 0 || ttl > TTL_MAX) {
            return Err("has a TTL that no record can have");
        }
        if [self.text, self.group].contains(&Some("")) || [self.priority, self.weight].contains(&0)
        {
            return Err("has a member that says nothing");
        }
        let value = Value {
            host: self.host.map(|host| host.read()).transpose()?,
            port: self.port,
            priority: self.priority,
            weight: self.weight,
            ttl: self.ttl,
            text: self.text.map(Into::into),
            is_mail: self.is_mail,
            target_strip: self.target_strip,
            group: self.group.map(Into::into),
        };
        Ok(Entry::new(self.key.as_bytes(), path, self.is_leased, value))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Read, Record};
    use super::*;
    use crate::names::WireName;
    use crate::registry::{Host, Table, Update};

    fn layout() -> Layout {
        Layout::of_labels("/s", &WireName::from_text("z").unwrap()).unwrap()
    }

    /// The entry of a value.
    fn entry(value: &str) -> Entry {
        let (mut table, mut update) = (Table::new(layout()), Update::default());
        table.put(b"/s/z/Web/1", value.as_bytes(), &mut update);
        Entry::clone(update.entries[0].after.as_ref().unwrap())
    }

    /// An entry, written and read.
    fn again(entry: &Entry) -> Result<Entry, &'static str> {
        let octets = postcard::to_stdvec(&Record::of_entry(entry)).unwrap();
        let record: Record<'_> = postcard::from_bytes(&octets).unwrap();
        match record.read(&layout())? {
            Read::Entry(entry) => Ok(entry),
            _ => Err("is no entry"),
        }
    }

    #[test]
    fn every_entry_comes_back() {
        for value in [
            "{}",
            r#"{"host":"2001:db8::1","port":53,"priority":7,"weight":9,"ttl":60}"#,
            r#"{"host":"_http._tcp.web.example","text":"t","mail":true,"targetstrip":2,"group":"g"}"#,
        ] {
            let mut entry = entry(value);
            assert_eq!(again(&entry).as_ref(), Ok(&entry), "{value}");
            entry.is_leased = true;
            assert_eq!(again(&entry).as_ref(), Ok(&entry), "{value}");
        }
    }

    #[test]
    fn what_etcd_could_not_have_said_is_refused() {
        let with = |edit: fn(&mut Entry)| {
            let mut entry = entry(r#"{"host":"a.b","ttl":60,"text":"t"}"#);
            edit(&mut entry);
            again(&entry)
        };
        assert!(with(|_| ()).is_ok());
        for edit in [
            (|it| it.key = "/s/y/web".into()) as fn(&mut Entry),
            |it| it.key = "/s/z/a//b".into(),
            |it| it.value.host = Some(Host::Name("UPPER".into())),
            |it| it.value.host = Some(Host::Address([0, 0, 0, 0].into())),
            |it| it.value.ttl = Some(0),
            |it| it.value.ttl = Some(u32::MAX),
            |it| it.value.text = Some("".into()),
            |it| it.value.weight = 0,
        ] {
            assert!(with(edit).is_err());
        }
        let octets = postcard::to_stdvec(&Record::of_entry(&entry("{}"))).unwrap();
        let record: Record<'_> = postcard::from_bytes(&octets).unwrap();
        assert!(record.read(&Layout::default()).is_err());
    }
}
