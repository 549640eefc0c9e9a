//! Round trips: what is written comes back, and nothing that etcd could not have said.

use super::*;
use crate::names::TAGS_MAX;
use crate::registry::document;

/// A layout, and an instance that a value at a key of it leads to.
fn instance(prefix: &str, key: &str, value: &str) -> (Layout, Instance) {
    let layout = Layout::new(prefix, None).unwrap();
    let document = document::read(value.as_bytes()).unwrap().unwrap();
    let instance = document.into_instance(layout.read(key.as_bytes()).unwrap());
    (layout, instance)
}

/// An instance, written and read.
fn again(layout: &Layout, instance: &Instance) -> Result<Instance, &'static str> {
    let octets = postcard::to_stdvec(&Record::of(instance)).unwrap();
    let record: Record<'_> = postcard::from_bytes(&octets).unwrap();
    match record.read(layout)? {
        Read::Instance(instance) => Ok(instance),
        _ => Err("is no instance"),
    }
}

#[test]
fn every_alias_comes_back() {
    let layout = Layout::new("/s", None).unwrap();
    let backend = |app: &str, version: Option<&str>| Meaning::Backend {
        app: app.into(),
        version: version.map(Into::into),
    };
    let again = |meaning: Meaning| {
        let alias = Alias { name: "blue".into(), is_rooted: false, meaning };
        let octets = postcard::to_stdvec(&Record::Alias(Cow::Borrowed(&alias))).unwrap();
        let record: Record<'_> = postcard::from_bytes(&octets).unwrap();
        (record.read(&layout), Ok(Read::Alias(alias)))
    };
    for meaning in [
        backend("web", Some("1.2")),
        backend("web", None),
        Meaning::Frontend { backend: Some("b".into()) },
        Meaning::Frontend { backend: None },
    ] {
        let (read, written) = again(meaning);
        assert_eq!(read, written);
    }
    assert!(again(backend(&"n".repeat(63), None)).0.is_err());
}

#[test]
fn every_instance_comes_back() {
    let full = r#"{"host":"[2001:db8::1]:53","proto":"udp","priority":7,"weight":9,"ttl":60,
        "protocol":"dns","version":"1.2","tags":["a","b"],"meta":{"k":"v","l":""},"text":"t"}"#;
    let long_id = &*format!("/s/web/node.{}", "9".repeat(80));
    for (prefix, key, value) in [
        ("/s", "/s/web/1", "10.0.0.1:80"),
        ("/s", "/s/web/1", r#"{"host":"db.example.com"}"#),
        ("", "/web/1", "10.0.0.1:80"),
        ("", "web/1", "http://h.example:80"),
        ("/s", "/s/a b\u{e9}/1", full),
        ("/s", long_id, "10.0.0.1:80"),
        ("/s", long_id, full),
        ("/s", "/s/web/1", r#"{"endpoints":["http://10.0.0.1:80","grpc://h.example:9","[::1]"]}"#),
    ] {
        let (layout, instance) = instance(prefix, key, value);
        let leased = Instance { is_leased: true, ..instance.clone() };
        for instance in [instance, leased] {
            assert_eq!(again(&layout, &instance), Ok(instance), "{key} {value}");
        }
    }
}

#[test]
fn what_etcd_could_not_have_said_is_refused() {
    let (layout, good) = instance("/s", "/s/web/1", "http://10.0.0.1:80");
    let with = |edit: fn(&mut Instance)| {
        let mut instance = good.clone();
        edit(&mut instance);
        again(&layout, &instance)
    };
    assert!(with(|_| ()).is_ok());
    for edit in [
        (|it| it.name = "a/b".into()) as fn(&mut Instance),
        |it| it.name = "".into(),
        |it| it.name = "n".repeat(63).into(),
        |it| it.id = "i".repeat(1025).into(),
        |it| it.is_rooted = true,
        |it| it.host = Host::Address([0, 0, 0, 0].into()),
        |it| it.host = Host::Name("a b".into()),
        |it| it.host = Host::Name("UPPER".into()),
        |it| it.ttl = Some(u32::MAX),
        |it| it.details.as_mut().unwrap().protocol = Some("p".repeat(63).into()),
        |it| it.details.as_mut().unwrap().tags = Box::from(["".into()]),
        |it| it.details.as_mut().unwrap().tags = vec!["t".into(); TAGS_MAX + 1].into(),
    ] {
        assert!(with(edit).is_err());
    }
}
