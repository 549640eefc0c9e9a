//! Who comes back misses nothing: what a client knows in the end is what etcd holds.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use srvd::registry::{Layout, Table, Update};

use super::stream::{Client, Stream};
use super::{json, ready};
use crate::serve::writer::{Writer, instances};
use crate::support::etcd::{Etcd, EtcdCluster};
use crate::support::eventually;
use crate::support::proxy::Proxy;

/// A key that is written last.
const END: &str = "/services/end/1";
/// How often a client is cut off.
const CUTS: usize = 30;

/// What etcd holds, as events show it.
fn truth(writer: &Writer) -> BTreeMap<String, Value> {
    let layout = Layout::default();
    let (mut table, mut update) = (Table::new(layout.clone()), Update::default());
    for (key, value) in writer.list() {
        table.put(&key, value.as_slice(), &mut update);
    }
    let instances = update.changes.iter().filter_map(|change| change.after.as_ref());
    let object = |it: &Arc<srvd::registry::Instance>| {
        let key = layout.key_of(it);
        (key.clone(), it.to_json("services.internal", &key))
    };
    instances.map(object).collect()
}

/// Comes back and follows until it knows this of a key, or that it is gone.
fn come_back(client: &mut Client, at: SocketAddr, key: &str, is_there: bool) {
    let id = client.id.clone();
    client.follow(&mut Stream::open(at, "", id.as_deref()), key, is_there);
}

#[test]
fn a_client_that_is_cut_off_again_and_again_knows_all_in_the_end() {
    let etcd = Etcd::start();
    let (_serving, at) = ready(&etcd.url(), &[]);
    let writer = Writer::new(&etcd.url());
    writer.put_all(&instances("web", 200));
    let (url, is_over) = (etcd.url(), Arc::new(AtomicBool::new(false)));
    let mut client = Client::default();
    come_back(&mut client, at, "/services/web/199", true);
    let ends = Arc::clone(&is_over);
    let flood = std::thread::spawn(move || {
        let writer = Writer::new(&url);
        while !ends.load(Ordering::Relaxed) {
            writer.flood(320);
        }
    });
    for _ in 0..CUTS {
        let id = client.id.clone();
        let mut stream = Stream::open(at, "", id.as_deref());
        (0..fastrand::u32(1..150)).for_each(|_| client.take(stream.next().unwrap()));
    }
    is_over.store(true, Ordering::Relaxed);
    flood.join().unwrap();
    writer.put(END, "10.0.0.1:1");
    come_back(&mut client, at, END, true);
    assert_eq!(client.resets, 0, "an id was not known");
    assert_eq!(client.known, truth(&writer));
}

#[test]
fn who_knows_everything_is_told_nothing() {
    let etcd = Etcd::start();
    let (_serving, at) = ready(&etcd.url(), &[]);
    let writer = Writer::new(&etcd.url());
    writer.put_all(&instances("web", 50));
    let mut client = Client::default();
    come_back(&mut client, at, "/services/web/49", true);
    assert_eq!(client.known.len(), 50);
    let told = client.told;
    writer.put(END, "10.0.0.1:1");
    come_back(&mut client, at, END, true);
    assert_eq!((client.told - told, client.resets), (1, 0));
    // The same by a parameter, for who cannot set a header.
    let since = client.id.clone().unwrap();
    writer.put("/services/more/1", "10.0.0.1:1");
    let mut stream = Stream::open(at, &format!("?since={since}"), None);
    assert_eq!(stream.next().unwrap().data["instance"]["name"], "more");
}

#[test]
fn ids_that_are_not_known_begin_anew() {
    let etcd = Etcd::start();
    let writer = Writer::new(&etcd.url());
    writer.put_all(&instances("web", 3));
    writer.put(END, "10.0.0.1:1");
    let (_serving, at) = ready(&etcd.url(), &[]);
    let ahead = i64::MAX.to_string();
    for id in ["1", "nonsense", "1,2", ahead.as_str(), "5.0123456789abcdef-4", "\u{e9}"] {
        let mut client = Client { id: Some(id.to_owned()), ..Client::default() };
        client.known.insert("/services/gone/1".to_owned(), Value::Null);
        let mut stream = Stream::open(at, "", Some(id));
        while [Some(id), Some("0")].contains(&client.id.as_deref()) {
            client.take(stream.next().unwrap());
        }
        assert_eq!((client.resets, client.known), (1, truth(&writer)), "{id}");
    }
}

#[test]
fn a_server_that_restarts_goes_on_or_begins_anew() {
    let etcd = Etcd::start();
    let writer = Writer::new(&etcd.url());
    writer.put_all(&instances("web", 20));
    let mut client = Client::default();
    let (mut serving, at) = ready(&etcd.url(), &[]);
    come_back(&mut client, at, "/services/web/7", true);
    serving.kill9();
    // Nothing has changed: the revision says enough.
    let (mut serving, at) = ready(&etcd.url(), &[]);
    writer.put("/services/web/20", "10.0.0.1:1");
    come_back(&mut client, at, "/services/web/20", true);
    assert_eq!((client.resets, &client.known), (0, &truth(&writer)));
    serving.kill9();
    // What was missed is told by nobody.
    writer.delete("/services/web/3");
    let (_serving, at) = ready(&etcd.url(), &[]);
    come_back(&mut client, at, "/services/web/3", false);
    come_back(&mut client, at, "/services/web/20", true);
    assert_eq!((client.resets, client.known), (1, truth(&writer)));
}

#[test]
fn what_another_server_has_not_seen_is_not_left_out() {
    let etcd = Etcd::start();
    let (proxy, writer) = (Proxy::start(etcd.addr()), Writer::new(&etcd.url()));
    writer.put_all(&instances("web", 3));
    let ((_serving, at), (_other, cut_off)) = (ready(&etcd.url(), &[]), ready(&proxy.url(), &[]));
    proxy.cut();
    let (short, mut client) = ("/services/short/1", Client::default());
    writer.put(short, "10.0.0.1:1");
    come_back(&mut client, at, short, true);
    writer.delete(short);
    writer.put(END, "10.0.0.1:1");
    proxy.open();
    assert!(eventually(|| super::says(cut_off, "/v1/services/end", "200")));
    // It has listed what is there since, and knows nothing of what came and went.
    come_back(&mut client, cut_off, END, true);
    come_back(&mut client, cut_off, short, false);
    assert_eq!((client.resets, client.known), (1, truth(&writer)));
}

#[test]
fn a_registry_that_was_restored_from_older_history_is_followed() {
    let (mut etcd, directory) = (EtcdCluster::start(1), tempfile::tempdir().unwrap());
    let (url, saved) = (etcd.urls()[0].clone(), directory.path().join("saved"));
    let writer = Writer::new(&url);
    writer.put_all(&instances("web", 5));
    let (_serving, at) = ready(&url, &[]);
    let mut client = Client::default();
    come_back(&mut client, at, "/services/web/4", true);
    etcd.members[0].save(&saved);
    writer.put_all(&instances("later", 5));
    (0..5).for_each(|n| writer.put("/services/web/1", format!("10.0.0.1:{}", n + 1)));
    writer.put("/services/last/1", "10.0.0.1:1");
    come_back(&mut client, at, "/services/last/1", true);
    let away = Client { id: client.id.clone(), known: client.known.clone(), ..Client::default() };
    let mut there = Stream::open(at, "", client.id.as_deref());
    etcd.restore(&saved);
    // Who is there is told the difference; who comes back later begins anew, also once the
    // revision it has seen is reached again by other history.
    client.follow(&mut there, "/services/last/1", false);
    let writer = Writer::new(&url);
    (0..30).for_each(|n| writer.put("/services/other/1", format!("10.0.0.1:{}", n + 1)));
    writer.put(END, "10.0.0.1:1");
    client.follow(&mut there, END, true);
    assert_eq!((client.resets, &client.known), (0, &truth(&writer)));
    let mut away = away;
    come_back(&mut away, at, END, true);
    assert_eq!((away.resets, &away.known), (1, &truth(&writer)));
    // What ids say since then is understood.
    writer.put("/services/more/1", "10.0.0.1:1");
    come_back(&mut client, at, "/services/more/1", true);
    assert_eq!((client.resets, client.known), (0, truth(&writer)));
}

#[test]
fn what_a_collapse_holds_is_told_when_it_goes() {
    let etcd = Etcd::start();
    let writer = Writer::new(&etcd.url());
    writer.put_all(&instances("web", 30));
    let (_serving, at) = super::serve(&etcd.url(), &["--hold-collapse", "15s"]);
    assert!(eventually(|| super::says(at, "/readyz", "200")));
    let (mut client, mut late) = (Client::default(), Client::default());
    come_back(&mut client, at, "/services/web/29", true);
    assert_eq!(client.known.len(), 30);
    etcd.etcdctl(&["del", "--prefix", "/services/web/"]);
    let status = || json(at, "/v1/status").1["zones"][0].clone();
    assert!(eventually(|| status()["held"] == 30), "{}", status());
    // Who begins with what is shown now needs no more than the id of that.
    let mut shown = Client { id: status()["id"].as_str().map(str::to_owned), ..Client::default() };
    assert!(shown.id.as_ref().is_some_and(|id| id.contains('.')), "{:?}", shown.id);
    // The registry's revision says that all are gone, and that is not what is shown.
    late.id = Some(status()["revision"].to_string());
    let id = late.id.clone();
    let mut begun = Stream::open(at, "", id.as_deref());
    late.take(begun.next().unwrap());
    assert_eq!(late.resets, 1);
    late.id = None;
    late.follow(&mut begun, "/services/web/29", true);
    writer.put(END, "10.0.0.1:1");
    come_back(&mut client, at, END, true);
    assert_eq!((client.resets, client.known.len()), (0, 31));
    come_back(&mut shown, at, END, true);
    assert_eq!((shown.resets, shown.known.len()), (0, 1));
    for (client, resets) in [(&mut client, 0), (&mut late, 1)] {
        (0..30).for_each(|n| come_back(client, at, &format!("/services/web/{n}"), false));
        come_back(client, at, END, true);
        assert_eq!((client.resets, &client.known), (resets, &truth(&writer)));
    }
}

/// A client of a quiet name is told how far it has come, so that its id does not become old.
#[test]
fn a_quiet_name_has_a_new_id_now_and_then() {
    let etcd = Etcd::start();
    let writer = Writer::new(&etcd.url());
    let (_serving, at) = ready(&etcd.url(), &[]);
    let mut stream = Stream::open(at, "?name=web", None);
    let ids = std::iter::from_fn(|| stream.next()).map(|it| it.id.unwrap().parse::<i64>().unwrap());
    let begun = ids.into_iter().find(|id| *id > 0).unwrap();
    writer.put("/services/db/1", "10.0.0.1:1");
    let told = stream.next().unwrap();
    assert_eq!(told.name, "");
    assert!(told.id.unwrap().parse::<i64>().unwrap() > begun);
}
