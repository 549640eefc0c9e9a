//! Proxies that say for whom they ask: dnsdist and HAProxy in front, and `kdig`, which can say so
//! itself. The query log tells whom the server takes for the client.

use std::net::SocketAddr;
use std::process::Command;

use super::{Scene, is_there, printed};
use crate::support::srvd::Srvd;
use crate::support::{dig, eventually, free_addr};

/// Where proxies come from, who must say for whom they ask.
const PROXY: &str = "127.0.0.9";
/// Who asks them.
const CLIENT: &str = "127.0.0.7";
/// Who may ask; the proxies themselves may not.
const OPTIONS: &str = "proxy-protocol = [\"127.0.0.9\"]
allow-query = [\"127.0.0.1\", \"127.0.0.7\", \"192.0.2.0/24\", \"2001:db8::/32\"]
query-log = 1
";

/// A server behind proxies, with one instance of `web`.
fn start() -> Scene {
    let scene = Scene::configured("127.0.0.1:0", OPTIONS, "");
    scene.put_all(&[("web/1", "10.1.2.3:80")], "A web.services.internal", 1);
    scene
}

/// Waits until the log has a query of a client over a transport.
fn is_logged(scene: &Scene, client: &str, proto: &str) {
    let is_it = |line: &String| {
        line.contains(&format!("client={client}")) && line.contains(&format!("proto=\"{proto}\""))
    };
    let logged = || scene.srvd.log().all();
    assert!(eventually(|| logged().iter().any(is_it)), "{client} {proto}\n{:#?}", logged());
}

/// Asks a proxy until it answers, from the client's address.
fn asks(proxy: SocketAddr, transport: &str) {
    let question = format!("-b {CLIENT} {transport} +short A web.services.internal");
    let answer = || dig(proxy, &question);
    assert!(eventually(|| answer() == "10.1.2.3\n"), "{transport}: {}", answer());
}

#[test]
fn kdig_says_for_whom_it_asks() {
    if !is_there("kdig", "Debian: knot-dnsutils") {
        return;
    }
    let scene = start();
    let (ip, port) = (format!("@{}", scene.at.ip()), scene.at.port().to_string());
    let kdig = |arguments: &str| {
        let own = [&ip, "-p", &port, "-b", PROXY, "+timeout=2", "+retry=0"];
        let arguments: Vec<_> = own.into_iter().chain(arguments.split_whitespace()).collect();
        printed("kdig", &arguments)
    };
    for (transport, proto) in [("+notcp", "udp"), ("+tcp", "tcp")] {
        for client in ["192.0.2.7#4000", "2001:db8::7#4000"] {
            let to = if client.contains(':') { "::1#53" } else { "127.0.0.1#53" };
            let ask = format!("{transport} +proxy={client}-{to} A web.services.internal");
            let output = kdig(&ask);
            assert!(output.contains("10.1.2.3"), "{ask}\n{output}");
        }
        is_logged(&scene, "192.0.2.7:4000", proto);
        is_logged(&scene, "[2001:db8::7]:4000", proto);
        let other =
            format!("{transport} +proxy=198.51.100.7#9-127.0.0.1#53 A web.services.internal");
        assert!(kdig(&other).contains("REFUSED"));
        // Without a header there is no reply.
        let output = kdig(&format!("{transport} A web.services.internal"));
        assert!(!output.contains("status:"), "{output}");
    }
}

#[test]
fn dnsdist_in_front_says_who_asks_over_udp_and_tcp() {
    if !is_there("dnsdist", "Debian: dnsdist") {
        return;
    }
    let (scene, proxy) = (start(), free_addr());
    let config = scene.write(
        "dnsdist.conf",
        &format!(
            "setLocal(\"{proxy}\")
setACL({{\"127.0.0.0/8\"}})
setSecurityPollSuffix(\"\")
newServer({{address=\"{}\", source=\"{PROXY}\", useProxyProtocol=true}})
",
            scene.at
        ),
    );
    let own = ["--supervised", "--disable-syslog", "-C", &config];
    let _dnsdist = Srvd::spawn(Command::new("dnsdist").args(own));
    for (transport, proto) in [("+notcp", "udp"), ("+tcp", "tcp")] {
        asks(proxy, transport);
        is_logged(&scene, CLIENT, proto);
    }
}

#[test]
fn haproxy_in_front_says_who_asks_over_tcp() {
    if !is_there("haproxy", "Debian: haproxy") {
        return;
    }
    let (scene, proxy) = (start(), free_addr());
    let config = scene.write(
        "haproxy.cfg",
        &format!(
            "defaults
  mode tcp
  timeout connect 5s
  timeout client 10s
  timeout server 10s
listen dns
  bind {proxy}
  server srvd {} send-proxy-v2 check source {PROXY}
",
            scene.at
        ),
    );
    let _haproxy = Srvd::spawn(Command::new("haproxy").args(["-db", "-f", &config]));
    asks(proxy, "+tcp");
    is_logged(&scene, CLIENT, "tcp");
}
