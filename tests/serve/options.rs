//! What clients are told beside answers, from the configuration to `dig`: two replicas with
//! the same secret.

use std::path::{Path, PathBuf};

use super::server::Server;
use super::writer::Writer;
use crate::support::etcd::Etcd;

/// A secret of 32 hex digits.
const SECRET: &str = "445536bcd2513298075a5d379663c962";
/// The one before it.
const OLD: &str = "dd3bdf9344b678b185a6f5cb60fca715";

/// A configuration file with its secrets beside it.
fn configured(directory: &Path, name: &str, secrets: &str, registry: &str) -> PathBuf {
    std::fs::write(directory.join(format!("{name}.secrets")), secrets).unwrap();
    let path = directory.join(format!("{name}.toml"));
    let text = format!(
        "registry = {registry:?}\nnsid = {name:?}\nchaos = true\nstrict-amplification = true\n\
         cookie-secret-file = \"{name}.secrets\"\n"
    );
    std::fs::write(&path, text).unwrap();
    path
}

/// The cookie that dig shows.
fn cookie(output: &str) -> String {
    let line = output.lines().find_map(|line| line.strip_prefix("; COOKIE: "));
    let cookie = line.and_then(|line| line.strip_suffix(" (good)"));
    cookie.unwrap_or_else(|| panic!("no good cookie in\n{output}")).to_owned()
}

#[test]
fn replicas_accept_each_others_cookies_and_say_who_they_are() {
    let (etcd, directory) = (Etcd::start(), tempfile::tempdir().unwrap());
    let writer = Writer::new(&etcd.url());
    for n in 1..=40 {
        writer.put(format!("/services/big/{n}"), format!("10.0.0.{n}:80"));
    }
    let secrets = [("one", format!("{SECRET}\n")), ("two", format!("{OLD}\n{SECRET}\n"))];
    let [one, two] = secrets.map(|(name, secrets)| {
        let path = configured(directory.path(), name, &secrets, &etcd.url());
        Server::with_config(&path).ready()
    });
    let query = "+ignore +notcp A big.services.internal";
    let first = one.dig(&format!("+cookie +nsid {query}"));
    assert!(first.contains("flags: qr aa tc rd;") && first.contains("(\"one\")"), "{first}");
    let given = cookie(&first);
    for server in [&one, &two] {
        let known = server.dig(&format!("+cookie={given} {query}"));
        assert!(known.contains("ANSWER: 40"), "{known}");
        assert_eq!(cookie(&known)[..16], given[..16]);
    }
    // The other replica makes its cookies with the old secret still, which the first has not.
    let theirs = cookie(&two.dig(&format!("+cookie {query}")));
    let unknown = one.dig(&format!("+cookie={theirs} {query}"));
    assert!(
        unknown.contains("flags: qr aa tc rd;") && !unknown.contains("ANSWER: 40"),
        "{unknown}"
    );
    // Who cannot show one comes by TCP.
    let by_tcp = one.dig("+cookie A big.services.internal");
    assert!(by_tcp.contains("ANSWER: 40") && by_tcp.contains("(TCP)"), "{by_tcp}");
    for (server, name) in [(&one, "\"one\""), (&two, "\"two\"")] {
        assert!(server.dig("CH TXT id.server").contains(name));
        assert!(server.dig("CH TXT version.bind").contains("\"srvd "));
    }
}
