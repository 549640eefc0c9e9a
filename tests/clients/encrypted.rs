//! Clients of DNS over TLS, HTTPS and QUIC: `kdig`, `openssl`, `curl`, and Unbound in front.

use std::net::SocketAddr;
use std::process::{Command, Stdio};

use super::resolvers::Resolver;
use super::{Scene, is_there, printed};
use crate::support::certificates::{Authority, Pair};
use crate::support::{dig, eventually, free_addr};

/// A server with TLS beside the rest.
pub(super) struct Encrypted {
    /// The server, and a directory for its clients.
    pub(super) scene: Scene,
    /// Where it answers under TLS.
    pub(super) at: SocketAddr,
    /// Where it answers over HTTPS.
    https: SocketAddr,
    /// Where it answers over QUIC.
    quic: SocketAddr,
    /// The file of the authority that its clients trust.
    pub(super) authority: String,
}

impl Encrypted {
    /// Serves with a certificate, and one instance of `web`.
    pub(super) fn start(authority: &Authority, pair: &Pair) -> Self {
        Self::start_on(authority, pair, ["127.0.0.1:0"; 3], "")
    }

    /// The same at addresses for TLS, HTTPS and QUIC, with more options.
    fn start_on(authority: &Authority, pair: &Pair, listen: [&str; 3], more: &str) -> Self {
        let files = tempfile::tempdir().unwrap();
        let paths = pair.write(files.path(), "dns");
        let options = format!(
            "listen-tls = [{:?}]\nlisten-https = [{:?}]\nlisten-quic = [{:?}]\ntls-cert = {:?}\n\
             tls-key = {:?}\n{more}",
            listen[0], listen[1], listen[2], paths.certificate, paths.key
        );
        let scene = Scene::configured("127.0.0.1:0", &options, "");
        scene.put_all(&[("web/1", "10.1.2.3:80")], "A web.services.internal", 1);
        let [at, https, quic] = ["TLS", "HTTPS", "QUIC"].map(|protocol| {
            let (_, line) = scene.srvd.prints(&format!("answering DNS over {protocol} on "));
            let (_, address) = line.rsplit_once(" on ").unwrap();
            address.trim_end_matches(", UDP").parse().unwrap()
        });
        let authority = scene.write("ca.pem", &authority.pem);
        let scene = Scene { files: Some(files), ..scene };
        Self { scene, at, https, quic, authority }
    }

    /// What kdig prints.
    fn kdig(&self, arguments: &str) -> String {
        self.kdig_at(self.at, arguments)
    }

    /// The same of one of its addresses.
    fn kdig_at(&self, at: SocketAddr, arguments: &str) -> String {
        let (ip, port) = (format!("@{}", at.ip()), at.port().to_string());
        let ca = format!("+tls-ca={}", self.authority);
        let own = [&ip, "-p", &port, &ca, "+tls-hostname=localhost", "+timeout=10", "+retry=0"];
        let arguments: Vec<_> = own.into_iter().chain(arguments.split_whitespace()).collect();
        printed("kdig", &arguments)
    }

    /// Where its certificate and key are.
    fn path(&self, kind: &str) -> std::path::PathBuf {
        self.scene.files.as_ref().unwrap().path().join(format!("dns.{kind}.pem"))
    }
}

#[test]
fn kdig_and_openssl_are_answered_under_tls() {
    let authority = Authority::new("one");
    let server = Encrypted::start(&authority, &authority.server());
    if is_there("kdig", "Debian: knot-dnsutils") {
        let output = server.kdig("+padding SRV _web._tcp.services.internal");
        for text in ["TLS session (TLS1.3)", "NOERROR", "Received 468 B", "PADDING", "10.1.2.3"] {
            assert!(output.contains(text), "{text}\n{output}");
        }
        let output = server.kdig("+keepopen +nopadding A web.services.internal A none.internal");
        assert!(output.contains("10.1.2.3") && output.contains("REFUSED"), "{output}");
        // Whoever has another authority does not go on.
        let other = server.scene.write("ca.pem", &Authority::new("two").pem);
        assert!(!server.kdig("A web.services.internal").contains("NOERROR"), "{other}");
    }
    if is_there("openssl", "Debian: openssl") {
        let at = server.at.to_string();
        let seen = |arguments: &[&str]| {
            let own = ["s_client", "-connect", &at, "-alpn", "dot"];
            let output = Command::new("openssl")
                .args(own)
                .args(arguments)
                .stdin(Stdio::null())
                .output()
                .unwrap();
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        for (version, text) in [("-tls1_3", "New, TLSv1.3"), ("-tls1_2", "New, TLSv1.2")] {
            let output = seen(&[version]);
            assert!(output.contains("ALPN protocol: dot") && output.contains(text), "{output}");
        }
        assert!(!seen(&["-tls1_1"]).contains("BEGIN CERTIFICATE"));
    }
}

#[test]
fn a_certificate_is_followed_and_a_bad_pair_keeps_the_earlier_one() {
    if !is_there("kdig", "Debian: knot-dnsutils") {
        return;
    }
    let [one, two] = ["one", "two"].map(Authority::new);
    let server = Encrypted::start(&one, &one.server());
    let is_answered = || server.kdig("A web.services.internal").contains("10.1.2.3");
    assert!(is_answered());
    let next = two.server();
    std::fs::write(server.path("key"), &next.key).unwrap();
    let (_, line) = server.scene.srvd.logs("keeping the previous configuration: ");
    assert!(line.contains("does not belong to the certificate of --tls-cert"), "{line}");
    assert!(is_answered());
    std::fs::write(server.path("cert"), &next.certificate).unwrap();
    server.scene.write("ca.pem", &two.pem);
    assert!(eventually(is_answered));
    // And nobody is shown the earlier one.
    server.scene.write("ca.pem", &one.pem);
    assert!(!is_answered());
}

#[test]
fn kdig_is_answered_over_quic() {
    if !is_there("kdig", "Debian: knot-dnsutils") {
        return;
    }
    let authority = Authority::new("one");
    let server = Encrypted::start(&authority, &authority.server());
    let kdig = |arguments: &str| server.kdig_at(server.quic, &format!("+quic {arguments}"));
    let output = kdig("+padding SRV _web._tcp.services.internal");
    for text in ["QUIC session", "NOERROR", "PADDING", "10.1.2.3"] {
        assert!(output.contains(text), "{text}\n{output}");
    }
    let output = kdig("A none.internal");
    assert!(output.contains("REFUSED"), "{output}");
    server.scene.write("ca.pem", &Authority::new("two").pem);
    assert!(!kdig("A web.services.internal").contains("NOERROR"));
}

#[test]
fn unbound_asks_under_tls() {
    if !is_there("unbound", "Debian: unbound") {
        return;
    }
    let authority = Authority::new("one");
    let server = Encrypted::start(&authority, &authority.server());
    let own = free_addr();
    let (ip, port) = (own.ip(), own.port());
    let (at, to, ca) = (server.at.ip(), server.at.port(), &server.authority);
    let config = server.scene.write(
        "unbound.conf",
        &format!(
            "server:
  interface: {ip}@{port}
  chroot: \"\"
  username: \"\"
  pidfile: \"\"
  use-syslog: no
  do-daemonize: no
  module-config: \"iterator\"
  do-not-query-localhost: no
  local-zone: \"internal.\" nodefault
  tls-cert-bundle: \"{ca}\"
forward-zone:
  name: services.internal
  forward-addr: {at}@{to}#localhost
  forward-tls-upstream: yes
remote-control:
  control-enable: no
"
        ),
    );
    let _resolver = Resolver::start("unbound", &["-d", "-c", &config]);
    let question = "+short A web.services.internal";
    assert!(eventually(|| dig(own, question) == "10.1.2.3\n"), "{}", dig(own, question));
}

#[test]
fn kdig_dig_and_curl_are_answered_over_https() {
    let authority = Authority::new("one");
    let server = Encrypted::start(&authority, &authority.server());
    if is_there("kdig", "Debian: knot-dnsutils") {
        for method in ["+https", "+https-get"] {
            let output = server.kdig_at(server.https, &format!("{method} A web.services.internal"));
            assert!(output.contains("(status: 200)") && output.contains("10.1.2.3"), "{output}");
        }
    }
    for method in ["+https", "+https-get"] {
        let tls = format!("+tls-ca={} +tls-hostname=localhost", server.authority);
        let output = dig(server.https, &format!("{method} {tls} SRV _web._tcp.services.internal"));
        assert!(output.contains("(HTTPS") && output.contains("80 10-1-2-3."), "{output}");
    }
    if !is_there("curl", "Debian: curl") {
        return;
    }
    let of = |path: &str| format!("https://localhost:{}{path}", server.https.port());
    let curl = |arguments: &[&str]| {
        printed("curl", &[&["-s", "-4", "--cacert", &server.authority], arguments].concat())
    };
    // `A web.services.internal`, with the id 0.
    let question = "/dns-query?dns=AAABAAABAAAAAAAAA3dlYghzZXJ2aWNlcwhpbnRlcm5hbAAAAQAB";
    let head = curl(&["--http2", "-D-", "-o", "/dev/null", &of(question)]);
    for text in ["HTTP/2 200", "content-type: application/dns-message", "cache-control: max-age=5"]
    {
        assert!(head.contains(text), "{text}\n{head}");
    }
    for (arguments, status) in [
        (&["-X", "PUT"][..], "405"),
        (&["-H", "content-type: text/plain", "--data", "a"], "415"),
        (&["-I"], "200"),
    ] {
        let own = ["-o", "/dev/null", "-w", "%{http_code}"];
        let path = of(question);
        assert_eq!(curl(&[&own, arguments, &[path.as_str()]].concat()), status, "{arguments:?}");
    }
    assert!(curl(&["-D-", "-o", "/dev/null", &of("/metrics")]).contains(" 404"));
    // curl asks it for the address of an URL, where nobody answers.
    server.scene.put_all(&[("here/1", "127.0.0.1:9")], "A here.services.internal", 1);
    let asked = ["--doh-url", &of("/dns-query"), "-v", "--stderr", "-"];
    let told = curl(&[&asked[..], &["http://here.services.internal:9/"]].concat());
    assert!(told.contains("Trying 127.0.0.1:9"), "{told}");
}

#[test]
fn rfc9461_and_rfc9462_clients_are_told_where_encrypted_dns_is() {
    let authority = Authority::new("one");
    let [tls, https, quic] = [(); 3].map(|()| free_addr());
    let pair = authority.server_named(&["dns.example", "ns.dns.services.internal"]);
    // Whoever is asked for other names does not answer.
    let forward = format!("forward = [\"{}\"]\n", free_addr());
    let listen = [tls, https, quic].map(|it| it.to_string());
    let listen = [listen[0].as_str(), listen[1].as_str(), listen[2].as_str()];
    let server = Encrypted::start_on(&authority, &pair, listen, &forward);
    let asked = |name: &str, kind: &str| dig(server.scene.at, &format!("{kind} {name}"));
    for (name, target) in [
        ("_dns.resolver.arpa", "dns.example."),
        ("_dns.ns.dns.services.internal", "ns.dns.services.internal."),
    ] {
        let told = asked(name, "TYPE64");
        let of = |priority: u8, alpn: &str, port: u16| {
            format!("{priority} {target} alpn={alpn} port={port} ipv4hint=127.0.0.1")
        };
        let doh = format!("{} key7=/dns-query{{?dns}}", of(2, "h2", https.port()));
        for text in [of(1, "dot", tls.port()), doh, of(3, "doq", quic.port())] {
            let told = told.replace('"', "").replace("dohpath=", "key7=");
            assert!(told.contains(&text), "{text}\n{told}");
        }
    }
    let told = asked("_dns.resolver.arpa", "A") + &asked("x.resolver.arpa", "A");
    assert_eq!(told.matches("status: NOERROR").count(), 2, "{told}");
    // Another certificate has another name, and is for no name server.
    let next = authority.server_named(&["other.example"]);
    std::fs::write(server.path("key"), &next.key).unwrap();
    std::fs::write(server.path("cert"), &next.certificate).unwrap();
    assert!(eventually(|| asked("_dns.resolver.arpa", "TYPE64").contains("1 other.example.")));
    let told = asked("_dns.ns.dns.services.internal", "TYPE64");
    assert!(told.contains("NXDOMAIN"), "{told}");
}
