//! Followers of zones that come, go and move.

use std::net::SocketAddr;
use std::path::Path;

use super::says;
use super::stream::{Client, Stream};
use crate::serve::writer::Writer;
use crate::support::etcd::Etcd;
use crate::support::eventually;
use crate::support::srvd::{Srvd, plain};

/// A key of the first zone.
const A: &str = "/a/web/1";
/// One of the second.
const B: &str = "/b/web/1";
/// One of where that moves to.
const C: &str = "/c/web/1";

/// A zone.
fn zone(name: &str, prefix: &str) -> String {
    format!("[[zone]]\nname = \"{name}\"\nprefix = \"{prefix}\"\n")
}

/// Writes the configuration.
fn write(path: &Path, etcd: &Etcd, zones: &[String]) {
    std::fs::write(path, format!("registry = \"{}\"\n{}", etcd.url(), zones.concat())).unwrap();
}

/// Starts a server with a configuration. Gives where it answers HTTP.
fn start(path: &Path) -> (Srvd, SocketAddr) {
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--config", path.to_str().unwrap()];
    let process = Srvd::spawn(&mut plain(&arguments));
    let (_, line) = process.prints("answering HTTP on ");
    let at = line.strip_prefix("answering HTTP on ").unwrap().parse().unwrap();
    (process, at)
}

/// Has the configuration read again.
fn reload(process: &Srvd) {
    let before = process.log().count("configuration reloaded");
    process.signal("HUP");
    assert!(eventually(|| process.log().count("configuration reloaded") > before));
}

#[test]
fn followers_go_with_the_zones_they_follow() {
    let (etcd, directory) = (Etcd::start(), tempfile::tempdir().unwrap());
    let writer = Writer::new(&etcd.url());
    for key in [A, B, C] {
        writer.put(key, "10.0.0.1:80");
    }
    let path = directory.path().join("srvd.toml");
    write(&path, &etcd, &[zone("a.test", "/a")]);
    let (process, at) = start(&path);
    assert!(eventually(|| says(at, "/readyz", "200")));
    let (mut of_all, mut of_a) =
        (Stream::open(at, "", None), Stream::open(at, "?zone=a.test", None));
    let (mut all, mut a) = (Client::default(), Client::default());
    all.follow(&mut of_all, A, true);
    a.follow(&mut of_a, A, true);
    let id = a.id.clone().unwrap();
    // One comes: who follows all is told of it, who follows another hears nothing.
    write(&path, &etcd, &[zone("b.test", "/b"), zone("a.test", "/a")]);
    reload(&process);
    all.follow(&mut of_all, B, true);
    // Once more where it was told before the zone was listed.
    assert!((1..=2).contains(&all.resets) && all.known.contains_key(A), "{all:?}");
    writer.put("/a/web/2", "10.0.0.2:80");
    a.follow(&mut of_a, "/a/web/2", true);
    assert_eq!((a.resets, a.known.len()), (0, 2), "{a:?}");
    all.follow(&mut of_all, "/a/web/2", true);
    // One moves: all that was there is void. Its revisions alone name no state any more.
    let mut of_b = Stream::open(at, "?zone=b.test", None);
    let mut b = Client::default();
    b.follow(&mut of_b, B, true);
    let earlier = b.id.clone().unwrap();
    write(&path, &etcd, &[zone("b.test", "/c"), zone("a.test", "/a")]);
    reload(&process);
    b.follow(&mut of_b, C, true);
    assert_eq!((b.resets, b.known.len()), (1, 1), "{b:?}");
    assert!(b.id.clone().unwrap().contains('.'), "{b:?}");
    b.id = Some(earlier);
    let mut again = Stream::open(at, "?zone=b.test", b.id.as_deref());
    while b.resets < 2 {
        b.take(again.next().unwrap());
    }
    // One goes: its own stream ends, that of another stays.
    write(&path, &etcd, &[zone("a.test", "/a")]);
    reload(&process);
    while of_b.next().is_some() {}
    while all.known.len() != 2 || all.known.contains_key(B) || all.known.contains_key(C) {
        all.take(of_all.next().unwrap());
    }
    assert_eq!(a.resets, 0);
    let mut later = Client { id: Some(id), ..Client::default() };
    let id = later.id.clone();
    later.follow(&mut Stream::open(at, "?zone=a.test", id.as_deref()), "/a/web/2", true);
    assert_eq!(later.resets, 0, "an id of a zone that stayed is as good as ever");
}
