//! The image: unpacked as a runtime does it, and run as PID 1 by runc, as nobody in particular,
//! without capabilities, on a root that is read-only.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::container::{Container, Network, STATE};
use super::root::Root;
use super::{build, is_root, made, static_program, succeed};
use crate::serve::writer::Writer;
use crate::support::etcd::Etcd;
use crate::support::{eventually, free_addr};

/// The user of the image.
const USER: u32 = 65_532;
/// All that is in it beside licences.
const FILES: [&str; 6] = [
    "/etc/group 644",
    "/etc/nsswitch.conf 644",
    "/etc/passwd 644",
    "/etc/srvd/srvd.toml 644",
    "/etc/ssl/certs/ca-certificates.crt 644",
    "/usr/bin/srvd 755",
];

/// An image that was loaded.
pub(super) struct Image {
    pub(super) root: Root,
    pub(super) config: Value,
}

impl Image {
    /// Builds and unpacks it; none where the test cannot be run.
    fn load() -> Option<Self> {
        let (program, true) = (static_program()?, is_root()) else { return None };
        let dist = build(program, "container");
        let (archive, root) = (Root::new(), Root::new());
        unpack(&made(&dist, "-image.tar"), &archive);
        let manifest: Value = serde_json::from_str(&archive.read("manifest.json")).unwrap();
        let [image] = &manifest.as_array().unwrap()[..] else { panic!("{manifest}") };
        for layer in image["Layers"].as_array().unwrap() {
            unpack(&archive.at(layer.as_str().unwrap()), &root);
        }
        let config = archive.read(image["Config"].as_str().unwrap());
        Some(Self { root, config: serde_json::from_str(&config).unwrap() })
    }

    /// Words of its configuration.
    pub(super) fn words(&self, key: &str) -> Vec<String> {
        serde_json::from_value(self.config["config"][key].clone()).unwrap()
    }
}

/// Unpacks an archive, with the owners that are in it.
fn unpack(archive: &Path, into: &Root) {
    let mut tar = Command::new("tar");
    succeed(tar.arg("-xpf").arg(archive).arg("-C").arg(into.as_ref()).arg("--numeric-owner"));
}

/// A ConfigMap as the kubelet mounts it: names lead through `..data` to a directory, which is
/// another one after each change.
struct ConfigMap(TempDir);

impl ConfigMap {
    /// A file in a directory of the first version.
    fn new(name: &str, text: &str) -> Self {
        let map = Self(tempfile::tempdir().unwrap());
        succeed(Command::new("chmod").arg("755").arg(map.0.path()));
        map.change(name, text);
        symlink(Path::new("..data").join(name), map.0.path().join(name)).unwrap();
        map
    }

    /// Another version of the file.
    fn change(&self, name: &str, text: &str) {
        let versions = fs::read_dir(self.0.path()).unwrap().count();
        let version = format!("..version-{versions}");
        let directory = self.0.path().join(&version);
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join(name), text).unwrap();
        let (next, data) = (self.0.path().join("..data_tmp"), self.0.path().join("..data"));
        symlink(version, &next).unwrap();
        fs::rename(next, data).unwrap();
    }
}

/// A volume that belongs to the image's user.
fn volume() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    chown(directory.path(), Some(USER), Some(USER)).unwrap();
    let path = directory.path().to_owned();
    (directory, path)
}

#[test]
fn it_has_the_program_and_authorities_and_nothing_else() {
    let Some(image) = Image::load() else { return };
    let mut files = image.root.files();
    let texts = "/usr/share/doc/srvd/THIRD-PARTY-LICENSES.txt.gz 644".to_owned();
    assert!(files.contains(&texts), "{files:#?}");
    files.retain(|it| !it.starts_with("/usr/share/doc/srvd/"));
    assert_eq!(files, FILES);
    let authorities = image.root.read("/etc/ssl/certs/ca-certificates.crt");
    assert!(authorities.contains("BEGIN CERTIFICATE"));
    let config = &image.config["config"];
    assert_eq!(
        (&config["User"], &config["StopSignal"]),
        (&json!("65532:65532"), &json!("SIGTERM"))
    );
    assert_eq!(config["Labels"]["org.opencontainers.image.version"], super::VERSION);
    // The configuration that it comes with is one that srvd takes.
    let check = ["check", "--offline", "--config", "/etc/srvd/srvd.toml"];
    let output = image.root.command("/usr/bin/srvd").args(check).output().unwrap();
    assert!(output.status.success(), "{}", super::said(&output));
}

/// What an orchestrator does with it: a ConfigMap, a volume, health checks, another start.
#[test]
fn it_serves_as_pid_1_follows_its_config_map_and_ends_at_sigterm() {
    let Some(image) = Image::load() else { return };
    let (mut etcd, dns, http) = (Etcd::start(), free_addr(), free_addr());
    Writer::new(&etcd.url()).put("/services/web/1", "10.0.0.1:80");
    let config = |zone: &str| {
        format!(
            "registry = \"{}\"\nlisten = [\"{dns}\"]\nhttp = \"{http}\"\nstate = \"/var/lib/srvd\"\n\
             watch-files = true\n[[zone]]\nname = \"{zone}\"\nprefix = \"/services\"\n",
            etcd.url()
        )
    };
    let map = ConfigMap::new("srvd.toml", &config("services.internal"));
    let (_kept, state) = volume();
    let start = || {
        let mounts = [(map.0.path(), "/etc/srvd"), (&*state, STATE)];
        let command = [image.words("Entrypoint"), image.words("Cmd")].concat();
        Container::start(&image, &command, &mounts, Network::Shared)
    };
    let Some(mut server) = start() else { return };
    server.process.answers_at();
    assert!(eventually(|| is_healthy(&image, &server)), "{}", server.said());
    let answer = |name: &str| crate::support::dig(dns, &format!("+short A {name}"));
    assert_eq!(answer("web.services.internal"), "10.0.0.1\n");
    // The kubelet renews the volume: no process is told, none ends.
    let changed = config("other.internal");
    map.change("srvd.toml", &changed);
    assert!(eventually(|| answer("web.other.internal") == "10.0.0.1\n"), "{}", server.said());
    assert_eq!(server.ends(), 0, "{}", server.said());
    // Its volume outlives it: the next one answers while etcd is away.
    etcd.kill9();
    let Some(mut next) = start() else { return };
    assert!(eventually(|| answer("web.other.internal") == "10.0.0.1\n"), "{}", next.said());
    assert!(is_healthy(&image, &next), "{}", next.said());
    assert_eq!(next.ends(), 0, "{}", next.said());
}

/// Whether the image's own health check succeeds inside.
fn is_healthy(image: &Image, container: &Container) -> bool {
    let test: Vec<String> =
        serde_json::from_value(image.config["config"]["Healthcheck"]["Test"].clone()).unwrap();
    assert_eq!(test[0], "CMD");
    container.exec(&test[1..]).status.success()
}

/// In a network of its own, where ports below 1024 need no capability, as Docker and Kubernetes
/// set it; names are looked up by DNS there, by the static C library.
#[test]
fn it_answers_on_port_53_as_nobody() {
    let Some(image) = Image::load() else { return };
    let resolver = tempfile::NamedTempFile::new().unwrap();
    fs::write(resolver.path(), "nameserver 127.0.0.1\noptions timeout:5 attempts:1\n").unwrap();
    succeed(Command::new("chmod").arg("644").arg(resolver.path()));
    let command = ["/usr/bin/srvd", "dev", "--listen", "0.0.0.0:53"].map(str::to_owned);
    let mounts = [(resolver.path(), "/etc/resolv.conf")];
    let Some(mut server) = Container::start(&image, &command, &mounts, Network::Own) else {
        return;
    };
    server.process.answers_at();
    let (ids, caps) = (server.field("Uid"), server.field("CapEff"));
    assert_eq!((&ids[..], &caps[..]), ("65532\t65532\t65532\t65532", "0000000000000000"));
    let ask = ["dig", "@127.0.0.1", "+short", "SRV", "_hello._tcp"];
    let is_told = || server.inside(&ask).ends_with("127-0-0-1.hello.services.internal.\n");
    assert!(eventually(is_told), "{}", server.said());
    let url = "http://127-0-0-1.hello.services.internal:2379";
    let listed = server.exec(&["/usr/bin/srvd", "list", "--registry", url].map(str::to_owned));
    assert!(listed.status.success(), "{}", super::said(&listed));
    // It cannot write to its root.
    let written = server.exec(&["/usr/bin/srvd", "man", "/man"].map(str::to_owned));
    assert!(super::said(&written).contains("Read-only file system"), "{}", super::said(&written));
    assert_eq!(server.ends(), 0, "{}", server.said());
}

/// PID 1 is the parent of whatever loses its own: `join` with a program that leaves one behind.
#[test]
fn it_leaves_no_zombies_as_pid_1() {
    let Some(image) = Image::load() else { return };
    let busybox = Path::new("/bin/busybox");
    if !busybox.exists() {
        println!("busybox-static is not installed: left out");
        return;
    }
    let etcd = Etcd::start();
    fs::copy(busybox, image.root.at("/busybox")).unwrap();
    let script = "/busybox sh -c '(/busybox sleep 1; echo gone) &' & exec /busybox sleep 1000";
    let (registry, shell) = (etcd.url(), ["--", "/busybox", "sh", "-c", script]);
    let join = ["/usr/bin/srvd", "join", "web", "--port", "80", "--host", "10.0.0.1"];
    let words = [&join[..], &["--registry", &registry], &shell].concat();
    let command: Vec<_> = words.into_iter().map(str::to_owned).collect();
    let Some(mut server) = Container::start(&image, &command, &[], Network::Shared) else {
        return;
    };
    // The program alone is there, once what it left behind has ended and was waited for.
    server.process.prints("gone");
    assert!(eventually(|| server.children() == 1), "{}: {}", server.children(), server.said());
    server.ends();
}
