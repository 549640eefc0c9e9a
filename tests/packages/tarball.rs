//! The tarball: what `deploy/install.sh` puts where, and the static program alone in a root.

use std::process::Command;

use super::root::Root;
use super::{BINARY, VERSION, build, checkout, is_root, made, static_program, succeed};
use crate::support::etcd::Etcd;
use crate::support::srvd::Srvd;

/// What is installed below the prefix, with its mode; of man pages there are more.
const INSTALLED: [&str; 13] = [
    "bin/srvd 755",
    "lib/systemd/system/srvd-http.socket 644",
    "lib/systemd/system/srvd-join@.service 644",
    "lib/systemd/system/srvd.service 644",
    "lib/systemd/system/srvd.socket 644",
    "share/bash-completion/completions/srvd 644",
    "share/doc/srvd/LICENSE-APACHE 644",
    "share/doc/srvd/LICENSE-MIT 644",
    "share/fish/vendor_completions.d/srvd.fish 644",
    "share/man/man1/srvd-join.1.gz 644",
    "share/man/man1/srvd.1.gz 644",
    "share/man/man5/srvd.toml.5.gz 644",
    "share/zsh/site-functions/_srvd 644",
];

/// Runs `deploy/install.sh` of a directory.
fn install(from: &std::path::Path, into: &Root, arguments: &[&str]) -> String {
    let mut command = Command::new(from.join("deploy/install.sh"));
    succeed(command.args(arguments).env("DESTDIR", into.as_ref()))
}

#[test]
fn a_checkout_is_installed_and_removed_by_one_script() {
    let root = Root::new();
    let mut script = Command::new(checkout().join("deploy/install.sh"));
    script.env("DESTDIR", root.as_ref()).env("PREFIX", "/opt/srvd").env("BINARY", BINARY);
    succeed(&mut script);
    let files = root.files();
    for file in INSTALLED.map(|it| format!("/opt/srvd/{it}")) {
        assert!(files.contains(&file), "{file} is not in {files:#?}");
    }
    let unit = root.read("/opt/srvd/lib/systemd/system/srvd.service");
    assert!(unit.contains("\nExecStart=/opt/srvd/bin/srvd serve"), "{unit}");
    assert!(!unit.contains("/usr/local"), "{unit}");
    // What somebody wrote stays, through another installation and the removal.
    root.write("/etc/srvd/srvd.toml", "# mine\n");
    succeed(&mut script);
    let told = succeed(script.arg("uninstall"));
    assert!(told.contains("left: "), "{told}");
    assert_eq!(root.read("/etc/srvd/srvd.toml"), "# mine\n");
    assert_eq!(root.files(), ["/etc/srvd/srvd.toml 644"]);
}

#[test]
fn the_tarball_has_all_that_its_script_installs() {
    let Some(program) = static_program() else { return };
    let dist = build(program, "tarball");
    let sums = succeed(Command::new("sha256sum").args(["-c", "SHA256SUMS"]).current_dir(&dist));
    assert!(sums.contains("linux.tar.gz: OK"), "{sums}");
    let [unpacked, root] = [Root::new(), Root::new()];
    let archive = made(&dist, "-linux.tar.gz");
    succeed(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(unpacked.as_ref()));
    let name = archive.file_name().unwrap().to_str().unwrap().replace(".tar.gz", "");
    install(&unpacked.at(&name), &root, &[]);
    let files = root.files();
    let texts = "share/doc/srvd/THIRD-PARTY-LICENSES.txt.gz 644";
    for file in INSTALLED.iter().chain([&texts]).map(|it| format!("/usr/local/{it}")) {
        assert!(files.contains(&file), "{file} is not in {files:#?}");
    }
    // The same once more: the same octets.
    let again = build(program, "tarball");
    let read = |path| std::fs::read(path).unwrap();
    assert!(read(archive) == read(made(&again, "-linux.tar.gz")), "two archives differ");
}

/// With nothing beside it: no library, no shell, neither /proc nor /dev.
#[test]
fn the_static_program_finds_hosts_and_users_in_an_empty_root() {
    let (Some(program), true) = (static_program(), is_root()) else { return };
    let (root, etcd) = (Root::new(), Etcd::start());
    root.write("/etc/hosts", "127.0.0.1 etcd.test\n");
    root.write("/etc/passwd", "dns:x:4711:4712::/:/bin/false\n");
    root.write("/etc/group", "dns:x:4712:\n");
    std::fs::copy(program, root.at("/srvd")).unwrap();
    let version = succeed(root.command("/srvd").arg("--version"));
    assert!(version.starts_with(&format!("srvd {VERSION}")), "{version}");
    let registry = etcd.url().replace("127.0.0.1", "etcd.test");
    let mut serve = root.command("/srvd");
    serve.args(["serve", "--registry", &registry, "--run-as", "dns", "--state", "/state"]);
    let server = Srvd::spawn(serve.args(["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]));
    server.answers_at();
    server.logs("the registry was listed");
    let ids = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    assert!(ids.contains("\nUid:\t4711\t4711\t4711\t4711\n"), "{ids}");
    assert!(ids.contains("\nGid:\t4712\t4712\t4712\t4712\n"), "{ids}");
}
