//! What is read again while the server runs: used whole, or not at all, and named.

mod keys;
mod load;
mod refused;
mod watched;
mod zones;

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::process;
use super::writer::Writer;
use crate::support::etcd::Etcd;
use crate::support::srvd::Srvd;
use crate::support::{dig, eventually};

/// What is logged when all of it is used.
const USED: &str = "configuration reloaded";

/// What is logged when nothing of it is.
const REFUSED: &str = "keeping the previous configuration: ";
/// Longer than two looks at files take.
const LOOKS: Duration = Duration::from_secs(5);

/// A server with its files in a directory, and a registry with a service of four instances,
/// `web`.
struct Scene {
    directory: TempDir,
    process: Srvd,
    at: SocketAddr,
    registry: Etcd,
}

impl Scene {
    /// Starts the server with a configuration.
    fn start(text: &str) -> Self {
        Self::start_with(text, &[])
    }

    /// The same with files beside the configuration.
    fn start_with(text: &str, files: &[(&str, &str)]) -> Self {
        Self::start_in(text, |directory| {
            for (name, text) in files {
                fs::create_dir_all(directory.join(name).parent().unwrap()).unwrap();
                fs::write(directory.join(name), text).unwrap();
            }
        })
    }

    /// The same with files that are put into the directory.
    fn start_in(text: &str, put: impl FnOnce(&Path)) -> Self {
        let (registry, directory) = (Etcd::start(), tempfile::tempdir().unwrap());
        let writer = Writer::new(&registry.url());
        (1..=4).for_each(|n| writer.put(format!("/services/web/{n}"), format!("10.0.0.{n}:80")));
        put(directory.path());
        let path = directory.path().join("srvd.toml");
        fs::write(&path, configuration(&registry, text)).unwrap();
        let path = path.to_str().unwrap();
        let process = process::start(&["serve", "--config", path, "--listen", "127.0.0.1:0"]);
        let at = process.answers_at();
        let scene = Self { directory, process, at, registry };
        scene.sees("+ignore A web.services.internal", &["NOERROR"]);
        scene
    }

    /// The same as a volume of Kubernetes has files: links, which lead through one that leads
    /// to a directory. `fill` puts the zones there, and gives the configuration.
    fn start_linked(text: &str, fill: impl FnOnce(&Path)) -> Self {
        Self::start_in(text, |directory| {
            let first = directory.join("..2026_01");
            fs::create_dir(&first).unwrap();
            fill(&first);
            symlink("..2026_01", directory.join("..data")).unwrap();
            for name in ["srvd.toml", "zones"] {
                symlink(format!("..data/{name}"), directory.join(name)).unwrap();
            }
        })
    }

    /// A path beside the configuration.
    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A configuration with the registry.
    fn configuration(&self, text: &str) -> String {
        configuration(&self.registry, text)
    }

    /// Writes a file beside the configuration.
    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Writes the configuration.
    fn configure(&self, text: &str) {
        self.write("srvd.toml", &self.configuration(text));
    }

    /// Has everything read again, which must be used.
    fn reload(&self) {
        let before = self.process.log().count(USED);
        self.process.signal("HUP");
        let is_used = eventually(|| self.process.log().count(USED) > before);
        assert!(is_used, "{:#?}", self.process.log().all());
    }

    /// Has everything read again, which must be refused. Gives what is logged.
    fn refuses(&self) -> String {
        let of_signal = |line: &String| line.contains(REFUSED) && line.contains("SIGHUP");
        let lines = || self.process.log().all().into_iter().filter(of_signal).collect::<Vec<_>>();
        let before = lines().len();
        self.process.signal("HUP");
        assert!(eventually(|| lines().len() > before), "{:#?}", self.process.log().all());
        lines().pop().unwrap()
    }

    /// What dig prints.
    fn dig(&self, query: &str) -> String {
        dig(self.at, query)
    }

    /// Waits until dig prints all these texts.
    fn sees(&self, query: &str, texts: &[&str]) {
        let mut output = String::new();
        let is_seen = eventually(|| {
            output = self.dig(query);
            texts.iter().all(|text| output.contains(text))
        });
        assert!(is_seen, "{query}: no {texts:?} in\n{output}\n{:#?}", self.process.log().all());
    }
}

/// A configuration with a registry.
fn configuration(registry: &Etcd, text: &str) -> String {
    format!("registry = {:?}\n{text}\n", registry.url())
}
