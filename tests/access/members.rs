//! Members that join later are used, those that leave are dropped; configured endpoints
//! never are.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use srvd::etcd::{Access, Etcd as Client};
use tokio::runtime::Runtime;

use super::{Desk, Served, ctl, enable_auth};
use crate::support::certificates::Authority;
use crate::support::etcd::{Etcd, EtcdCluster, etcdctl};
use crate::support::grpc_proxy::GrpcProxy;
use crate::support::secure::SecureEtcd;
use crate::support::{eventually, runtime};

/// A handle on the registry at these urls that keeps up with its members, read every
/// second, and the runtime it does so in.
fn following(urls: &[String]) -> (Client, Runtime) {
    let registry = urls.join(",").replace(",http://", ",") + "?refresh=1s&timeout=1s";
    let (client, runtime) =
        (Client::new(&registry.parse().unwrap(), &Access::default()), runtime());
    let followed = client.clone();
    runtime.spawn(async move { followed.keep_up(&ours()).await });
    (client, runtime)
}

/// The keys that tell members apart.
fn ours() -> (Vec<u8>, Vec<u8>) {
    (b"/services/".to_vec(), b"/services0".to_vec())
}

/// Waits until exactly these addresses are known.
fn knows(client: &Client, urls: &[String]) {
    let mut wanted = urls.to_vec();
    wanted.sort_unstable();
    let known = || {
        let mut known = client.endpoints();
        known.sort_unstable();
        known
    };
    assert!(eventually(|| known() == wanted), "not {wanted:?} but {:?}", known());
}

/// Removes a member from its cluster, through another.
fn remove(through: &Etcd, mut member: Etcd) {
    let output = through.etcdctl(&["member", "list"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find(|line| line.contains(&member.url())).expect("it is a member");
    let id = line.split_once(',').unwrap().0;
    // Right after another change of members etcd may refuse.
    assert!(eventually(|| through.etcdctl(&["member", "remove", id]).status.success()));
    member.kill9();
}

#[test]
fn members_come_and_go_and_the_last_ones_are_used() {
    let mut cluster = EtcdCluster::start(3);
    ctl(&cluster.members[0], &["put", "/services/web/0", "10.0.0.9:80"]);
    let configured = cluster.members[0].url();
    let (client, runtime) = following(std::slice::from_ref(&configured));
    knows(&client, &cluster.urls());
    // One that was listed leaves, and is dropped; one that joins is taken up.
    let leaving = cluster.members.remove(2);
    remove(&cluster.members[0], leaving);
    knows(&client, &cluster.urls());
    cluster.join();
    knows(&client, &cluster.urls());
    // The configured one leaves, and its address stays; a new one is found all the same.
    let leaving = cluster.members.remove(0);
    remove(&cluster.members[0], leaving);
    cluster.join();
    knows(&client, &[&[configured], &cluster.urls()[..]].concat());
    let get = || runtime.block_on(client.get("/services/web/1", Duration::from_secs(3)));
    ctl(&cluster.members[0], &["put", "/services/web/1", "10.0.0.1:80"]);
    assert!(eventually(|| matches!(get(), Ok(Some(_)))), "{:?}", get());
}

#[test]
fn a_listed_member_of_another_cluster_or_without_tls_is_not_used() {
    let other = Etcd::start();
    // It advertises another cluster's member beside its own address.
    let lying = format!("http://{{client}},{}", other.url());
    let etcd = Etcd::start_with(&["--advertise-client-urls", &lying]);
    let (client, _runtime) = following(&[etcd.url()]);
    let listed = etcd.calls("MemberList");
    assert!(eventually(|| etcd.calls("MemberList") > listed + 2));
    knows(&client, &[etcd.url()]);
    let authority = Authority::new("ours");
    let etcd = SecureEtcd::start(&authority.server());
    let desk = Desk::new();
    let ca = srvd::files::NamedFile {
        path: desk.file("ca.pem", &authority.pem).into(),
        origin: "--ca".to_owned(),
    };
    let access = Access::read(srvd::etcd::Files { ca: Some(ca), ..Default::default() }).unwrap();
    let url = format!("{}?refresh=1s", etcd.url());
    let client = Client::new(&url.parse().unwrap(), &access);
    let followed = client.clone();
    let runtime = runtime();
    runtime.spawn(async move { followed.keep_up(&ours()).await });
    let listed = etcd.process.calls("MemberList");
    assert!(eventually(|| etcd.process.calls("MemberList") > listed + 2));
    knows(&client, &[etcd.url()]);
}

/// A handle on a registry as `reader`, that keeps up with its members, read every second.
fn reading(url: &str, desk: &Desk) -> (Client, Runtime) {
    desk.user("reader", "reader");
    let file = srvd::files::NamedFile {
        path: desk.path("reader.password").into(),
        origin: "--password-file".to_owned(),
    };
    let user = Some(("reader".to_owned(), file));
    let access = Access::read(srvd::etcd::Files { user, ..Default::default() }).unwrap();
    let client = Client::new(&format!("{url}?refresh=1s").parse().unwrap(), &access);
    let (followed, runtime) = (client.clone(), runtime());
    runtime.spawn(async move { followed.keep_up(&ours()).await });
    (client, runtime)
}

/// Waits until the member list was read some times more, at whichever of these members.
fn read_again(members: &[Etcd]) {
    let calls = || members.iter().map(|it| it.calls("MemberList")).sum::<u64>();
    let listed = calls();
    assert!(eventually(|| calls() > listed + 2));
}

#[test]
fn without_tls_no_listed_member_is_told_the_password() {
    let tap = Tap::start();
    let listed = format!("http://{{client}},http://{}", tap.at);
    let etcd = Etcd::start_with(&["--advertise-client-urls", &listed]);
    tap.lead_to(etcd.addr());
    ctl(&etcd, &["put", "/services/web/1", "10.0.0.1:80"]);
    enable_auth(&etcd);
    let desk = Desk::new();
    let (client, runtime) = reading(&etcd.url(), &desk);
    let get = || runtime.block_on(client.get("/services/web/1", Duration::from_secs(3)));
    assert!(eventually(|| matches!(get(), Ok(Some(_)))), "{:?}", get());
    read_again(std::slice::from_ref(&etcd));
    client.leave(&etcd.url());
    assert!(eventually(|| matches!(get(), Ok(Some(_)))), "{:?}", get());
    assert!(!tap.has_seen(b"reader"), "user and password went to a listed member");
    knows(&client, &[etcd.url()]);
}

#[test]
fn a_user_without_any_role_learns_how_progress_is_reported() {
    let etcd = Etcd::start();
    enable_auth(&etcd);
    super::root(&etcd, &["user", "revoke-role", "reader", "reader"]);
    let desk = Desk::new();
    let (client, runtime) = reading(&etcd.url(), &desk);
    assert!(runtime.block_on(client.orders_progress(&etcd.url())).is_ok());
}

#[test]
fn members_are_used_once_there_is_a_key_to_tell_them_by() {
    let cluster = EtcdCluster::start(3);
    let configured = cluster.members[0].url();
    let (client, _runtime) = following(std::slice::from_ref(&configured));
    read_again(&cluster.members[..1]);
    knows(&client, &[configured]);
    ctl(&cluster.members[1], &["put", "/services/web/1", "10.0.0.1:80"]);
    knows(&client, &cluster.urls());
    // One that is away for a while goes on being known.
    cluster.members[2].freeze();
    read_again(&cluster.members[..2]);
    knows(&client, &cluster.urls());
    cluster.members[2].thaw();
}

#[test]
fn a_proxy_is_read_past_only_where_it_shows_the_same_keys() {
    let etcd = Etcd::start();
    ctl(&etcd, &["put", "/services/web/1", "10.6.6.6:80"]);
    let plain = GrpcProxy::start(&[etcd.url()], &[]);
    let (client, _runtime) = following(&[plain.url()]);
    knows(&client, &[plain.url(), etcd.url()]);
    let other = GrpcProxy::start(&[etcd.url()], &["--namespace", "/ns/"]);
    let put = |place: &str| {
        let args = ["put", "/services/web/1", place];
        assert!(etcdctl(&other.url(), &args).output().unwrap().status.success());
    };
    put("10.0.0.1:80");
    let url = format!("{}?refresh=1s&timeout=1s", other.url());
    let served = Served::start(&url, &[]);
    served.process.logs("listed member not used, it does not show the keys");
    served.shows(&["10.0.0.1"]);
    etcd.freeze();
    served.process.logs("watch ended, relisting");
    for _ in 0..60 {
        served.shows(&["10.0.0.1"]);
        std::thread::sleep(Duration::from_millis(50));
    }
    etcd.thaw();
    put("10.0.0.2:80");
    served.shows(&["10.0.0.2"]);
}

/// A way to an etcd on which what clients send is read along.
struct Tap {
    /// Where it listens.
    at: SocketAddr,
    /// Where it leads to, once that is known.
    target: Arc<OnceLock<SocketAddr>>,
    /// What was sent.
    seen: Arc<Mutex<Vec<u8>>>,
}

impl Tap {
    /// A tap that leads nowhere yet.
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let (target, seen) = (Arc::new(OnceLock::new()), Arc::new(Mutex::new(Vec::new())));
        let tap = Self { at, target: Arc::clone(&target), seen: Arc::clone(&seen) };
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Some(target) = target.get() else { continue };
                let Ok(server) = TcpStream::connect(target) else { continue };
                let (back, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let seen = Arc::clone(&seen);
                std::thread::spawn(move || read_along(client, to, Some(&seen)));
                std::thread::spawn(move || read_along(server, back, None));
            }
        });
        tap
    }

    /// Leads to this address from now on.
    fn lead_to(&self, target: SocketAddr) {
        self.target.set(target).unwrap();
    }

    /// Whether clients have sent these octets.
    fn has_seen(&self, octets: &[u8]) -> bool {
        self.seen.lock().unwrap().windows(octets.len()).any(|it| it == octets)
    }
}

/// Passes octets on until either end is closed, and keeps a copy.
fn read_along(mut from: TcpStream, mut to: TcpStream, seen: Option<&Mutex<Vec<u8>>>) {
    let mut octets = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut octets) {
        if let Some(seen) = seen {
            seen.lock().unwrap().extend(&octets[..read]);
        }
        if to.write_all(&octets[..read]).is_err() {
            break;
        }
    }
}
