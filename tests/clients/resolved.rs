//! systemd-resolved with `DNSOverTLS=yes`, on a machine of its own: it is told its servers by files,
//! wants a link that is up, and a user.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::encrypted::Encrypted;
use super::resolvers::Resolver;
use crate::support::certificates::Authority;
use crate::support::namespace::run_in_network;
use crate::support::{dig, eventually};

/// Where Ubuntu has it, and where `tests/run.sh` unpacks Debian's: installing that one would change
/// who answers this machine's programs.
const PROGRAMS: [&str; 2] = [
    "/usr/lib/systemd/systemd-resolved",
    concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools/resolved/lib/systemd/systemd-resolved"),
];
/// Where it answers clients.
const STUB: &str = "127.0.0.53:53";
/// A link beside loopback: without one it asks nobody.
const LINK: &str = "ip link add name up0 type veth peer name up1 && ip addr add 192.0.2.1/24 dev up0 && ip link set up1 up && ip link set up0 up";
/// The machine around it: a user, no bus, its configuration ($0 is the directory of these files).
const PREPARE: &str = "mount -t tmpfs none /run && mkdir -p /run/systemd/resolve && chown 996:996 /run/systemd/resolve
chmod 755 /run && mount --bind \"$0/passwd\" /etc/passwd && mount --bind \"$0/group\" /etc/group
mount --bind \"$0/etc\" /etc/systemd && exec \"$1\"";

/// The program, where it is here.
fn program() -> Option<PathBuf> {
    PROGRAMS.into_iter().map(PathBuf::from).find(|it| it.exists())
}

/// Writes the files of its machine.
fn write_machine(at: SocketAddr, directory: &Path) {
    let own = |file: &str| std::fs::read_to_string(file).unwrap();
    let write = |name: &str, text: String| std::fs::write(directory.join(name), text).unwrap();
    let user = "systemd-resolve:x:996:996::/:/usr/sbin/nologin\n";
    write("passwd", own("/etc/passwd") + user);
    write("group", own("/etc/group") + "systemd-resolve:x:996:\n");
    std::fs::create_dir(directory.join("etc")).unwrap();
    write(
        "etc/resolved.conf",
        format!(
            "[Resolve]\nDNS={at}#localhost\nDNSOverTLS=yes\nDNSSEC=no\nDomains=~.\nLLMNR=no\nMulticastDNS=no\n"
        ),
    );
}

/// Starts it, with the authority that it trusts.
fn start(program: &Path, server: &Encrypted, directory: &Path) -> Resolver {
    write_machine(server.at, directory);
    // Its user may not read what is in a directory of this test.
    std::fs::copy(&server.authority, directory.join("etc/ca.pem")).unwrap();
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-ec", PREPARE]).arg(directory).arg(program);
    // Debian's comes with a library of its version of systemd.
    let libraries = program.ancestors().nth(3).unwrap().join("usr/lib/x86_64-linux-gnu/systemd");
    command.env("LD_LIBRARY_PATH", libraries).env("SSL_CERT_FILE", "/etc/systemd/ca.pem");
    command.stdin(Stdio::null());
    Resolver::spawn(&mut command)
}

#[test]
fn systemd_resolved_asks_under_tls() {
    if program().is_none() {
        println!("client systemd-resolved: left out, it is not here; see tests/run.sh");
        return;
    }
    let probe =
        format!("{LINK} && [ \"$(id -u)\" = 0 ] && setpriv --reuid 996 --clear-groups true");
    let Some(output) = run_in_network("clients::resolved::inside_a_namespace", &probe) else {
        println!("client systemd-resolved: left out, namespaces are not permitted here");
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && text.contains("1 passed"), "{text}{log}");
}

#[test]
#[ignore = "runs in a network of its own: systemd_resolved_asks_under_tls starts it"]
fn inside_a_namespace() {
    let linked = Command::new("sh").args(["-c", LINK]).status().unwrap();
    assert!(linked.success());
    let [one, two] = ["one", "two"].map(Authority::new);
    let server = Encrypted::start(&one, &one.server());
    let stub: SocketAddr = STUB.parse().unwrap();
    let program = program().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let resolved = start(&program, &server, directory.path());
    let question = "+short A web.services.internal";
    assert!(eventually(|| dig(stub, question) == "10.1.2.3\n"), "{}", dig(stub, question));
    let question = "+short SRV _web._tcp.services.internal";
    assert!(dig(stub, question).contains(" 80 "), "{}", dig(stub, question));
    drop(resolved);
    // Whoever trusts another authority asks nothing: strict means that.
    server.scene.write("ca.pem", &two.pem);
    let directory = tempfile::tempdir().unwrap();
    let _resolved = start(&program, &server, directory.path());
    let answer = || dig(stub, "A web.services.internal");
    assert!(eventually(|| answer().contains("SERVFAIL") || answer().contains("timed out")));
    assert!(!answer().contains("10.1.2.3"));
}
