//! The smallest root that a package can be installed in: a shell, the libraries that the program
//! asks for, and a `systemctl` that writes down what it is told.

use std::path::Path;
use std::process::{Command, Stdio};

use super::root::Root;
use super::{BINARY, succeed};
use crate::support::etcd::{Etcd, page};
use crate::support::free_addr;
use crate::support::srvd::Srvd;

/// Programs of busybox that maintainers' scripts and tests use.
const PROGRAMS: [&str; 6] = ["cat", "mkdir", "rm", "rmdir", "sh", "test"];
/// What stands in for systemd's.
const SYSTEMCTL: &str = "#!/bin/sh\necho \"$*\" >>/systemctl.log\n";
/// Where it writes.
const TOLD: &str = "/systemctl.log";

/// A system that packages are installed on.
pub(super) struct Distribution {
    pub(super) root: Root,
}

impl Distribution {
    /// One without packages; none where there is no busybox to make it of.
    pub(super) fn new() -> Option<Self> {
        let busybox = Path::new("/bin/busybox");
        if !busybox.exists() {
            println!("busybox-static is not installed: left out");
            return None;
        }
        let root = Root::new();
        root.write("/bin/empty", "");
        std::fs::copy(busybox, root.at("/bin/busybox")).unwrap();
        for name in PROGRAMS {
            std::os::unix::fs::symlink("busybox", root.at(&format!("/bin/{name}"))).unwrap();
        }
        root.write("/usr/bin/systemctl", SYSTEMCTL);
        succeed(Command::new("chmod").arg("755").arg(root.at("/usr/bin/systemctl")));
        // What says that systemd runs (sd_booted(3)).
        root.write("/run/systemd/system/empty", "");
        for library in libraries() {
            let place = root.at(&library);
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
            std::fs::copy(&library, place).unwrap();
        }
        Some(Self { root })
    }

    /// What systemd was told since this was asked before.
    pub(super) fn told(&self) -> Vec<String> {
        let place = self.root.at(TOLD);
        let text = std::fs::read_to_string(&place).unwrap_or_default();
        let _ = std::fs::remove_file(place);
        text.lines().map(str::to_owned).collect()
    }

    /// Starts the installed program as the unit does, for a registry, with `state` where the unit
    /// has it.
    pub(super) fn serve(&self, registry: &str) -> Srvd {
        let (dns, http) = (free_addr(), free_addr());
        let config = format!(
            "registry = \"{registry}\"\nlisten = [\"{dns}\"]\nhttp = \"{http}\"\n\
             state = \"/var/lib/srvd\"\n[[zone]]\nname = \"services.internal\"\n"
        );
        self.root.write("/etc/srvd/srvd.toml", &config);
        let unit = self.root.read("/usr/lib/systemd/system/srvd.service");
        let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
        let mut words = line.split(' ');
        let mut command = self.root.command(words.next().unwrap());
        let server = Srvd::spawn(command.args(words).stdin(Stdio::null()));
        server.answers_at();
        assert!(crate::support::eventually(|| {
            page(http, "/readyz").is_ok_and(|it| it.contains(" 200 "))
        }));
        server
    }
}

/// The files that the loader finds for the program under test.
fn libraries() -> Vec<String> {
    let said = succeed(Command::new("ldd").arg(BINARY));
    let paths = said.split_whitespace().filter(|word| word.starts_with('/'));
    paths.map(str::to_owned).collect()
}

/// A package manager's commands, and how its packages end.
pub(super) struct Manager {
    pub(super) kind: &'static str,
    pub(super) ending: &'static str,
    /// Installs a file, or upgrades to it.
    pub(super) install: fn(&Distribution, &Path),
    /// Removes the package, and leaves what was configured.
    pub(super) remove: fn(&Distribution),
    /// What systemd is told when the package goes.
    pub(super) stops: &'static [&'static str],
}

/// Installs, configures, upgrades under queries and removes a package. Gives what is left.
pub(super) fn lifecycle(manager: &Manager) -> Option<Distribution> {
    let system = Distribution::new()?;
    let packages = ["1", "2"].map(|revision| super::build_package(manager.kind, revision));
    let files = packages.each_ref().map(|dist| super::made(dist, manager.ending));
    (manager.install)(&system, &files[0]);
    installed(&system);
    // It is told that there are new units; nothing is enabled or started.
    assert_eq!(system.told(), ["daemon-reload"]);
    let etcd = Etcd::start();
    let server = system.serve(&etcd.url());
    let configured = system.root.read("/etc/srvd/srvd.toml");
    system.root.write("/etc/srvd/join/web.env", "SRVD_JOIN_PORT=80\n");
    let load = super::asking::Asking::start(server.answers_at());
    (manager.install)(&system, &files[1]);
    let (asked, lost) = load.end();
    assert!(asked > 0 && lost == 0, "{lost} of {asked} queries lost");
    println!("{}: upgraded under {asked} queries, none lost", manager.kind);
    assert_eq!(system.told(), ["daemon-reload", "try-restart srvd.service"]);
    assert_eq!(system.root.read("/etc/srvd/srvd.toml"), configured, "a configuration is kept");
    server.signal("TERM");
    drop(server);
    (manager.remove)(&system);
    assert_eq!(system.told(), manager.stops);
    let files = system.root.files();
    assert!(!files.iter().any(|it| it.starts_with("/usr/bin/srvd ")), "{files:#?}");
    assert!(files.iter().any(|it| it.starts_with("/etc/srvd/join/web.env ")), "{files:#?}");
    Some(system)
}

/// Fails unless the package is there as it should be.
fn installed(system: &Distribution) {
    let files = system.root.files();
    for file in [
        "/usr/bin/srvd 755",
        "/usr/lib/systemd/system/srvd.service 644",
        "/usr/lib/systemd/system/srvd-join@.service 644",
        "/usr/share/doc/srvd/THIRD-PARTY-LICENSES.txt.gz 644",
        "/usr/share/man/man5/srvd.toml.5.gz 644",
        "/etc/srvd/srvd.toml 644",
    ] {
        assert!(files.iter().any(|it| it == file), "{file} is not in {files:#?}");
    }
    let enabled = files.iter().find(|it| it.starts_with("/etc/systemd/"));
    assert_eq!(enabled, None, "nothing is enabled");
    let version = succeed(system.root.command("/usr/bin/srvd").arg("--version"));
    assert!(version.starts_with("srvd "), "{version}");
    let example = system.root.command("/usr/bin/srvd").args(CHECK).output().unwrap();
    assert_ne!(example.status.code(), Some(2), "{}", super::said(&example));
}

/// Whether the configuration that is installed is one that srvd takes.
const CHECK: [&str; 4] = ["check", "--offline", "--config", "/etc/srvd/srvd.toml"];
