//! Upstreams over TLS and HTTPS: BIND and Unbound of the system, and servers that do the wrong
//! things. Nothing is ever asked of them in plain.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{Name, RData, RecordType};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use srvd::forward::{Asked, ForwardZone, Rules, Source};
use srvd::wire::Policy;

use super::Forwarding;
use super::upstream::{Wayward, ZONE, address, first_label, framed};
use crate::support::certificates::{Authority, Pair};
use crate::support::{dig, eventually, free_addr, signal};
use crate::wire::example;

/// The name in the certificates of servers here.
const NAME: &str = "etcd.example.net";

/// A name server of the system, ended when dropped.
struct NameServer {
    /// Where it answers over TLS.
    tls: SocketAddr,
    /// The same over HTTPS, where it speaks that.
    https: SocketAddr,
    child: Child,
    _directory: tempfile::TempDir,
}

impl NameServer {
    /// BIND with a certificate.
    fn bind(pair: &Pair) -> Self {
        let [plain, tls, https] = [free_addr(), free_addr(), free_addr()];
        let [plain_port, tls_port, https_port] = [plain, tls, https].map(|it| it.port());
        let config = move |_: &Path| {
            format!(
                "tls own {{ cert-file \"own.cert.pem\"; key-file \"own.key.pem\"; }};
                http own {{ endpoints {{ \"/dns-query\"; }}; }};
                options {{
                  directory \".\"; pid-file none; session-keyfile none; recursion no;
                  listen-on port {plain_port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
                  listen-on port {tls_port} tls own {{ 127.0.0.1; }};
                  listen-on port {https_port} tls own http own {{ 127.0.0.1; }};
                }};
                controls {{}};
                zone \"others.test\" {{ type primary; file \"zone\"; }};"
            )
        };
        Self::start(pair, config, ("named", &["-g", "-c", "config"]), [plain, tls, https])
    }

    /// Unbound with a certificate.
    fn unbound(pair: &Pair) -> Self {
        let [plain, tls] = [free_addr(), free_addr()];
        let [plain_port, tls_port] = [plain, tls].map(|it| it.port());
        let config = move |directory: &Path| {
            format!(
                "server:
                  directory: \"{}\"
                  chroot: \"\"\n  username: \"\"\n  pidfile: \"\"\n  do-daemonize: no
                  use-syslog: no
                  interface: 127.0.0.1@{plain_port}
                  interface: 127.0.0.1@{tls_port}
                  tls-port: {tls_port}
                  tls-service-pem: \"own.cert.pem\"
                  tls-service-key: \"own.key.pem\"
                  local-zone: \"others.test.\" static
                  local-data: \"others.test. SOA ns.others.test. h.others.test. 7 3600 600 86400 30\"
                  local-data: \"www.others.test. A 192.0.2.1\"",
                directory.display()
            )
        };
        Self::start(pair, config, ("unbound", &["-d", "-c", "config"]), [plain, tls, tls])
    }

    /// A program with a configuration, in a directory with the zone and the certificate.
    fn start(
        pair: &Pair,
        config: impl Fn(&Path) -> String,
        (program, arguments): (&str, &[&str]),
        [plain, tls, https]: [SocketAddr; 3],
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        pair.write(directory.path(), "own");
        std::fs::write(directory.path().join("zone"), ZONE).unwrap();
        std::fs::write(directory.path().join("config"), config(directory.path())).unwrap();
        let mut command = Command::new(program);
        command.args(arguments).current_dir(directory.path());
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child =
            child.unwrap_or_else(|fault| panic!("{program} (Debian: bind9, unbound): {fault}"));
        let server = Self { tls, https, child, _directory: directory };
        let answers = || dig(plain, "SOA others.test").contains("NOERROR");
        assert!(eventually(answers), "{program} does not answer");
        server
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        signal(self.child.id(), "TERM");
        let _ = self.child.wait();
    }
}

/// What a server over TLS makes of the messages of one connection so far: octets to send, and
/// whether the connection goes on.
type Say = fn(&[Vec<u8>]) -> (Vec<u8>, bool);

/// A server over TLS that says what a test wants; it ends with the process.
struct SecureWayward {
    at: SocketAddr,
    /// How many questions came, and connections.
    asked: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
    /// Hears what is asked in plain.
    plain: UdpSocket,
}

impl SecureWayward {
    /// One with a certificate.
    fn start(pair: &Pair, say: Say) -> Self {
        Self::start_at(free_addr(), pair, say)
    }

    /// The same at an address.
    fn start_at(at: SocketAddr, pair: &Pair, say: Say) -> Self {
        let chain = CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
        let config = ServerConfig::builder().with_no_client_auth();
        let mut config = config.with_single_cert(vec![chain], key).unwrap();
        config.alpn_protocols = vec![b"dot".to_vec()];
        let (listener, config) = (TcpListener::bind(at).unwrap(), Arc::new(config));
        let plain = UdpSocket::bind(at).unwrap();
        plain.set_nonblocking(true).unwrap();
        let [asked, connections] = [(); 2].map(|()| Arc::<AtomicUsize>::default());
        let counters = (Arc::clone(&asked), Arc::clone(&connections));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
                let (asked, connections) = (Arc::clone(&counters.0), Arc::clone(&counters.1));
                std::thread::spawn(move || {
                    connections.fetch_add(1, Ordering::Relaxed);
                    serve(StreamOwned::new(tls, stream), &asked, say)
                });
            }
        });
        Self { at, asked, connections, plain }
    }

    /// How often it was asked.
    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// Checks that nothing was asked in plain.
    fn heard_nothing_in_plain(&self) {
        assert!(self.plain.recv(&mut [0; 512]).is_err(), "it was asked in plain");
    }
}

/// Serves one connection. Probes of loops are answered by a code, and are no questions.
fn serve<S: Read + Write>(mut stream: S, asked: &AtomicUsize, say: Say) -> std::io::Result<()> {
    let mut messages = Vec::new();
    loop {
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut query = vec![0; u16::from_be_bytes(length).into()];
        stream.read_exact(&mut query)?;
        assert!(query.len().is_multiple_of(128), "a question is padded");
        if super::upstream::kind(&query) == Some(13) {
            stream.write_all(&framed(super::upstream::blank(&query, 3)))?;
            continue;
        }
        asked.fetch_add(1, Ordering::Relaxed);
        messages.push(query);
        let (octets, goes_on) = say(&messages);
        stream.write_all(&octets)?;
        stream.flush()?;
        if !goes_on {
            return Ok(());
        }
    }
}

/// Answers each question.
fn at_once(messages: &[Vec<u8>]) -> (Vec<u8>, bool) {
    (framed(address(messages.last().unwrap())), true)
}

/// Rules by which an authority is believed.
fn believing(authority: &Authority) -> Rules {
    let authorities = vec![CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap()];
    Rules { authorities, ..Rules::default() }
}

/// A server that asks what urls name.
fn asking(rules: Rules, urls: &[String]) -> Forwarding {
    let sources: Vec<Source> = urls.iter().map(|url| url.parse().unwrap()).collect();
    let zones = vec![ForwardZone::root(sources)];
    Forwarding::start_zones((&example(), "127.0.0.1:0"), zones, rules, Policy::default())
}

/// Why the first upstream cannot be asked.
fn fault(forwarding: &Forwarding) -> Option<String> {
    forwarding.forwarder.upstreams().remove(0).fault
}

/// Checks that no answer is had of the upstream, for a reason. Where a machine is slow, no
/// connection within its time may be the first one.
async fn is_refused(forwarding: &Forwarding, told: &str) {
    for turn in 0..5 {
        forwarding.see(&format!("+timeout=8 A n{turn}.others.test"), &["SERVFAIL"]).await;
        if fault(forwarding).is_some_and(|it| it.contains(told)) {
            return;
        }
    }
    panic!("{told}: {:?}", fault(forwarding));
}

/// Asks for twenty names at once, and again: where BIND takes that for a flood, it answers nothing
/// more on the connection, and all of one round are lost.
async fn in_rounds(forwarding: &Forwarding) {
    for round in 0..20 {
        let answers = (0..20).map(|number| {
            let (done, answer) = tokio::sync::oneshot::channel();
            let name = Name::from_ascii(format!("r{round}-n{number}.others.test.")).unwrap();
            let asked = Asked { name, kind: RecordType::A, checking_disabled: false };
            let client = std::net::Ipv4Addr::LOCALHOST.into();
            forwarding.forwarder.ask(client, asked, move |answer| _ = done.send(answer));
            answer
        });
        for answer in futures_util::future::join_all(answers).await {
            assert_eq!(answer.unwrap().code, ResponseCode::NXDomain, "{:?}", fault(forwarding));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc7858_rfc8484_bind_is_asked_over_tls_and_https() {
    let authority = Authority::new("authority");
    let bind = NameServer::bind(&authority.server_elsewhere());
    for url in
        [format!("tls://{}#{NAME}", bind.tls), format!("https://{}/dns-query#{NAME}", bind.https)]
    {
        let forwarding = asking(believing(&authority), std::slice::from_ref(&url));
        forwarding.see("A www.others.test", &["NOERROR", "192.0.2.1", "192.0.2.2"]).await;
        forwarding.see("+tcp A lost.others.test", &["NXDOMAIN", "SOA"]).await;
        forwarding.see("TXT text.others.test", &["\"some words\" \"and more\""]).await;
        let names: Vec<_> = (0..20).map(|it| format!("A n{it}.others.test")).collect();
        let all = names.iter().map(|name| forwarding.see(name, &["NXDOMAIN"]));
        futures_util::future::join_all(all).await;
        in_rounds(&forwarding).await;
        let upstream = forwarding.forwarder.upstreams().remove(0);
        assert_eq!(upstream.server.to_string(), url);
        assert!(upstream.is_used() && upstream.has_edns && upstream.fault.is_none());
    }
    let wrong = format!("https://{}/nowhere#{NAME}", bind.https);
    let forwarding = asking(believing(&authority), &[wrong]);
    is_refused(&forwarding, "404").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unbound_is_asked_over_tls() {
    let authority = Authority::new("authority");
    let unbound = NameServer::unbound(&authority.server());
    let forwarding = asking(believing(&authority), &[format!("tls://{}", unbound.tls)]);
    forwarding.see("A www.others.test", &["NOERROR", "192.0.2.1"]).await;
    forwarding.see("A lost.others.test", &["NXDOMAIN", "SOA"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc8310_s5_who_cannot_prove_who_it_is_is_asked_nothing() {
    let (authority, other) = (Authority::new("authority"), Authority::new("other"));
    let fallback = Wayward::start(|query| vec![address(query)]);
    for (pair, name, told) in [
        (authority.server_elsewhere(), "", "is not for 127.0.0.1; write the name that it is for"),
        (authority.server(), "#dns.example", "is not for dns.example"),
        (authority.expired_server(), "", "its certificate expired on 2021-01-01"),
        (other.server(), "", "signed by an unknown authority; name that authority's certificate"),
    ] {
        let server = SecureWayward::start(&pair, at_once);
        let url = format!("tls://{}{name}", server.at);
        let forwarding = asking(believing(&authority), std::slice::from_ref(&url));
        is_refused(&forwarding, told).await;
        // Another that is named is asked, whatever way it is named.
        let both = asking(believing(&authority), &[url, fallback.at.to_string()]);
        both.see("A www.test", &["NOERROR", "192.0.2.77"]).await;
        assert_eq!(server.asked(), 0, "{told}");
        server.heard_nothing_in_plain();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_comes_is_asked_and_the_connection_is_kept() {
    let (authority, at) = (Authority::new("authority"), free_addr());
    let forwarding = asking(believing(&authority), &[format!("tls://{at}")]);
    forwarding.see("+timeout=8 A www.test", &["SERVFAIL", "EDE: 22"]).await;
    assert!(fault(&forwarding).is_some_and(|it| it.contains("refused")));
    let server = SecureWayward::start_at(at, &authority.server(), at_once);
    let forwarding = Arc::new(forwarding);
    let asked = Arc::clone(&forwarding);
    let port = forwarding.server.v4;
    let answers = move || {
        let _held = &asked;
        dig(port, "A again.test").contains("192.0.2.77")
    };
    assert!(tokio::task::spawn_blocking(move || eventually(answers)).await.unwrap());
    for name in ["a.test", "b.test", "c.test"] {
        forwarding.see(&format!("A {name}"), &["192.0.2.77"]).await;
    }
    assert!(fault(&forwarding).is_none());
    assert!(server.connections.load(Ordering::Relaxed) < server.asked());
    server.heard_nothing_in_plain();
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc7766_s7_answers_come_in_any_order() {
    let authority = Authority::new("authority");
    // Nothing is answered before the second question, which is then answered first.
    let server = SecureWayward::start(&authority.server(), |messages| match messages {
        [first, second] => {
            let reply = |query: &[u8]| {
                let mut reply = address(query);
                *reply.last_mut().unwrap() = if first_label(query) == "one" { 1 } else { 2 };
                framed(reply)
            };
            ([reply(second), reply(first)].concat(), true)
        }
        [_] => (Vec::new(), true),
        all => at_once(all),
    });
    let forwarding = asking(believing(&authority), &[format!("tls://{}", server.at)]);
    let ask = |name: &str| {
        let (done, answer) = tokio::sync::oneshot::channel();
        let name = Name::from_ascii(name).unwrap();
        let asked = Asked { name, kind: RecordType::A, checking_disabled: false };
        let client = std::net::Ipv4Addr::LOCALHOST.into();
        forwarding.forwarder.ask(client, asked, move |answer| _ = done.send(answer));
        answer
    };
    let (one, two) = (ask("one.test."), ask("two.test."));
    for (answer, last) in [(one.await.unwrap(), 1), (two.await.unwrap(), 2)] {
        assert_eq!(answer.answers[0].data, [RData::A(A::new(192, 0, 2, last))]);
    }
    server.heard_nothing_in_plain();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_ends_is_replaced() {
    let authority = Authority::new("authority");
    let closing: Say = |messages| (framed(address(&messages[0])), false);
    let server = SecureWayward::start(&authority.server(), closing);
    let forwarding = asking(believing(&authority), &[format!("tls://{}", server.at)]);
    for name in ["a", "b", "c", "d"] {
        forwarding.see(&format!("A {name}.test"), &["NOERROR", "192.0.2.77"]).await;
    }
    server.heard_nothing_in_plain();
}
