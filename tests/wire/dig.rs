//! What `dig` and `kdig` see, over sockets.

use super::{Server, example};
use crate::fixture::Fixture;

/// Runs a client against a server and returns what it prints.
async fn run(client: &str, server: &Server, arguments: &str) -> String {
    let output = tokio::process::Command::new(client)
        .args([&format!("@{}", server.v4.ip()), "-p", &server.v4.port().to_string()])
        .args(arguments.split_whitespace())
        .output()
        .await
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Runs dig once, without its cookie.
async fn dig(server: &Server, arguments: &str) -> String {
    run("dig", server, &format!("+tries=1 +timeout=3 +nocookie {arguments}")).await
}

/// Runs dig, and checks that its output contains some texts.
async fn see(server: &Server, arguments: &str, texts: &[&str]) {
    let output = dig(server, arguments).await;
    for text in texts {
        assert!(output.contains(text), "{arguments}: no {text:?} in\n{output}");
    }
}

/// A zone with one service that does not fit UDP.
fn big() -> Fixture {
    let mut fixture = Fixture::new("services.internal.");
    fixture.put_all((1..=100).map(|it| (format!("big/{it}"), format!("10.0.0.{it}:80"))));
    fixture
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc2782_srv_comes_with_addresses() {
    let server = Server::start(&example());
    for transport in ["+notcp", "+tcp"] {
        let query = format!("{transport} SRV _web._tcp.services.internal");
        see(&server, &query, &["NOERROR", "flags: qr aa rd;", "ANSWER: 3", "ADDITIONAL: 4"]).await;
        see(&server, &format!("{transport} SRV _web._tcp"), &["ANSWER: 3"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc2308_negatives_have_their_soa() {
    let server = Server::start(&example());
    for query in ["nothing.services.internal", "MX web.services.internal"] {
        see(&server, query, &["AUTHORITY: 1", "\t5\tIN\tSOA"]).await;
    }
    see(&server, "nothing.services.internal", &["NXDOMAIN", "flags: qr aa rd;"]).await;
    see(&server, "example.com", &["REFUSED", "flags: qr rd;", "EDE: 20"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc7766_a_truncated_answer_is_fetched_over_tcp() {
    let server = Server::start(&big());
    let query = "SRV _big._tcp.services.internal";
    see(
        &server,
        &format!("+ignore {query}"),
        &["flags: qr aa tc rd;", "ANSWER: 2", "ADDITIONAL: 1", "udp: 1232"],
    )
    .await;
    see(&server, query, &["flags: qr aa rd;", "ANSWER: 100", "(TCP)"]).await;
    let fits = "A big.services.internal";
    see(&server, &format!("+bufsize=4096 {fits}"), &["(TCP)", "ANSWER: 100"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc6891_versions_sizes_and_flags() {
    let server = Server::start(&example());
    let query = "A web.services.internal";
    see(&server, &format!("+edns=1 +noednsneg {query}"), &["BADVERS", "ANSWER: 0", "version: 0"])
        .await;
    see(&server, &format!("+bufsize=100 {query}"), &["NOERROR", "udp: 1232"]).await;
    see(&server, &format!("+dnssec {query}"), &["EDNS: version: 0, flags: do;"]).await;
    see(&server, &format!("+ednsflags=0xff {query}"), &["EDNS: version: 0, flags:; udp"]).await;
    see(&server, &format!("+ednsopt=100:abcd +nsid +cookie {query}"), &["ANSWER: 2"]).await;
    let plain = dig(&server, &format!("+noedns {query}")).await;
    assert!(plain.contains("ADDITIONAL: 0") && !plain.contains("EDNS"), "{plain}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc8906_every_opcode_and_flag_is_answered() {
    let server = Server::start(&example());
    for (opcode, code) in [("status", "NOTIMP"), ("notify", "REFUSED"), ("update", "REFUSED")] {
        let query = format!("+opcode={opcode} web.services.internal");
        see(&server, &query, &[code, "flags: qr;"]).await;
    }
    for opcode in [1, 3, 6, 15] {
        let query = format!("+opcode={opcode} +noedns +noad +norec +header-only");
        see(&server, &query, &["NOTIMP", "flags: qr;"]).await;
    }
    let query = "+zflag +cdflag +adflag A web.services.internal";
    see(&server, query, &["NOERROR", "flags: qr aa rd cd;"]).await;
    see(&server, "TYPE1000 web.services.internal", &["NOERROR", "ANSWER: 0"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc5936_transfers_are_refused() {
    let server = Server::start(&example());
    see(&server, "+tcp AXFR services.internal", &["Transfer failed"]).await;
    see(&server, "CH TXT version.bind", &["REFUSED"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc8945_a_signed_query_is_told_that_its_key_is_unknown() {
    let server = Server::start(&example());
    let query = "-y hmac-sha256:key:c2VjcmV0 A web.services.internal";
    see(&server, query, &["NOTAUTH", "BADKEY"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kdig_agrees() {
    let server = Server::start(&example());
    for transport in ["+notcp", "+tcp"] {
        let query = format!("{transport} +edns SRV _web._tcp.services.internal");
        let output = run("kdig", &server, &query).await;
        for text in ["NOERROR", "Flags: qr aa rd", "ANSWER: 3", "UDP size: 1232 B"] {
            assert!(output.contains(text), "{text}\n{output}");
        }
    }
}
