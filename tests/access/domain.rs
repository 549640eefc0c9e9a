//! `etcd+srv://DOMAIN`: members that a real name server names, which moves to others.

use std::net::{SocketAddr, UdpSocket};

use super::{Desk, Served, enable_auth, put};
use crate::support::certificates::Authority;
use crate::support::etcd::Etcd;
use crate::support::registry::Administered;
use crate::support::secure::SecureEtcd;
use crate::support::srvd::{Srvd, plain, run};
use crate::support::{dig, eventually};

/// The service of members without TLS.
const PLAIN: &str = "_etcd-client._tcp";
/// The service of those with TLS.
const TLS: &str = "_etcd-client-ssl._tcp";

/// A name server: srvd with a zone of a file.
struct NameServer {
    desk: Desk,
    process: Srvd,
    at: SocketAddr,
}

impl NameServer {
    /// One whose zone has these members, each by its service and port.
    fn start(members: &[(&str, u16)]) -> Self {
        let desk = Desk::new();
        std::fs::write(desk.path("example.test.zone"), zone(1, members)).unwrap();
        let nobody = "http://127.0.0.1:1";
        let zones = desk.path("");
        let arguments =
            ["serve", "--registry", nobody, "--listen", "127.0.0.1:0", "--zones", &zones];
        let process = Srvd::spawn(&mut plain(&arguments));
        let at = process.answers_at();
        Self { desk, process, at }
    }

    /// Other members are written down.
    fn move_to(&self, members: &[(&str, u16)]) {
        std::fs::write(self.desk.path("example.test.zone"), zone(2, members)).unwrap();
        self.process.signal("HUP");
        self.process.logs("configuration reloaded");
    }

    /// The connection string of its domain.
    fn registry(&self, more: &str) -> String {
        format!("etcd+srv://example.test?resolver={}{more}", self.at)
    }
}

/// A zone with members.
fn zone(serial: u32, members: &[(&str, u16)]) -> String {
    let records =
        members.iter().map(|(service, port)| format!("{service} SRV 0 0 {port} localhost.\n"));
    let head =
        format!("$TTL 5\n@ SOA ns hostmaster {serial} 7200 900 86400 5\n@ NS ns\nns A 127.0.0.1\n");
    head + &records.collect::<String>()
}

/// What `dig +short` prints, line by line.
fn short(at: SocketAddr, question: &str) -> Vec<String> {
    dig(at, &format!("+short {question}")).lines().map(str::to_owned).collect()
}

/// What a command that fails says, and its exit code.
fn fails(registry: &str) -> (Option<i32>, String) {
    let output = run(registry, &["list"]);
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// An etcd that has one service.
fn etcd(value: &str) -> Etcd {
    let etcd = Etcd::start();
    assert!(etcd.ctl(&["put", "/services/web/1", value]).status.success());
    etcd
}

#[test]
fn members_are_found_by_dns_and_found_again_when_all_are_gone() {
    let (mut first, second) = (etcd("10.0.0.1:80"), etcd("10.0.0.2:80"));
    let names = NameServer::start(&[(PLAIN, first.addr().port())]);
    let server = Srvd::start(&names.registry(""), &["serve", "--listen", "127.0.0.1:0"]);
    let at = server.answers_at();
    let shows = |address: &str| eventually(|| short(at, "A web.services.internal") == [address]);
    assert!(shows("10.0.0.1"), "{:#?}", server.log().all());
    server.logs(&format!("members found by DNS: http://localhost:{}", first.addr().port()));
    let joined = Srvd::start(&names.registry(""), &["join", "extra", "--port", "8080"]);
    assert!(eventually(|| !short(at, "SRV _extra._tcp").is_empty()));
    drop(joined);
    // Nothing is looked up for a minute but because nobody is there.
    names.move_to(&[(PLAIN, second.addr().port())]);
    first.kill9();
    assert!(shows("10.0.0.2"), "{:#?}", server.log().all());
}

#[test]
fn members_are_looked_up_again_and_again() {
    let (first, second) = (etcd("10.0.0.1:80"), etcd("10.0.0.2:80"));
    let names = NameServer::start(&[(PLAIN, first.addr().port())]);
    let registry = names.registry("&refresh=1s");
    let server = Srvd::start(&registry, &["serve", "--listen", "127.0.0.1:0"]);
    let port = |etcd: &Etcd| format!("http://localhost:{}", etcd.addr().port());
    server.logs(&format!("members found by DNS: {}", port(&first)));
    names.move_to(&[(PLAIN, second.addr().port()), (PLAIN, first.addr().port())]);
    assert!(eventually(|| {
        let lines = server.log().all();
        lines.iter().any(|line| line.contains(&port(&second)) && line.contains(&port(&first)))
    }));
    // The name server goes: what was found stays.
    drop(names);
    server.logs("keeping the members that were found before");
    let at = server.answers_at();
    assert!(eventually(|| !short(at, "A web.services.internal").is_empty()));
}

#[test]
fn members_with_tls_come_first_and_faults_say_what_to_do() {
    let etcd = etcd("10.0.0.1:80");
    let port = etcd.addr().port();
    let names = NameServer::start(&[(PLAIN, port), (TLS, port)]);
    let (code, text) = fails(&names.registry(""));
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains(&format!("https://localhost:{port}: ")), "never without TLS: {text}");
    names.move_to(&[]);
    let (code, text) = fails(&names.registry(""));
    let none = "DNS names no member: neither _etcd-client-ssl._tcp.example.test nor _etcd-client._tcp.example.test has SRV records; add them there, or name the members in --registry";
    assert!(code == Some(4) && text.contains(none), "{code:?} {text}");
    let registry = names.registry("").replace("example.test", "elsewhere.invalid");
    let (code, text) = fails(&registry);
    let refused = format!("name server {} answers ", names.at);
    assert!(code == Some(4) && text.contains(&refused), "{code:?} {text}");
    let deaf = UdpSocket::bind("127.0.0.1:0").unwrap();
    let at = deaf.local_addr().unwrap();
    let (code, text) = fails(&format!("etcd+srv://example.test?resolver={at}&timeout=500ms"));
    let silent = "the members of example.test are not found: no answer within 500ms; check `resolver` in --registry";
    assert!(code == Some(4) && text.contains(silent), "{code:?} {text}");
}

#[test]
fn no_password_is_sent_to_members_without_tls() {
    let etcd = etcd("10.0.0.1:80");
    let names = NameServer::start(&[(PLAIN, etcd.addr().port())]);
    let password = names.desk.file("password", "secret");
    let arguments = ["list", "--user", "root", "--password-file", &password];
    let output = run(&names.registry(""), &arguments);
    let text = String::from_utf8(output.stderr).unwrap();
    let refused = "DNS names members of example.test without TLS alone, and no password is sent to these; add _etcd-client-ssl._tcp records";
    assert!(output.status.code() == Some(4) && text.contains(refused), "{text}");
}

#[test]
fn members_with_tls_are_logged_into_and_never_left_for_those_without() {
    let authority = Authority::new("authority");
    let etcd = SecureEtcd::start(&authority.server());
    enable_auth(&etcd.process);
    put(&etcd.process, "1", "10.0.0.1:80");
    let names = NameServer::start(&[(TLS, etcd.addr().port())]);
    let arguments = [names.desk.ca(&authority), names.desk.user("reader", "reader")].concat();
    let server = Served::start(&names.registry("&refresh=1s"), &arguments);
    server.shows(&["10.0.0.1"]);
    // Whoever takes the records with TLS away does not get the password.
    names.move_to(&[(PLAIN, etcd.process.addr().port())]);
    server.process.logs("keeping the members that were found before: the registry cannot be reached: DNS names no member");
    put(&etcd.process, "2", "10.0.0.2:80");
    server.shows(&["10.0.0.1", "10.0.0.2"]);
}
