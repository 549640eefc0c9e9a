//! What is read again while the server runs: used whole, or not at all, and named.

mod keys;

use std::fs;
use std::net::SocketAddr;

use tempfile::TempDir;

use super::process;
use super::writer::Writer;
use crate::support::registry::Registry;
use crate::support::srvd::Srvd;
use crate::support::{dig, eventually};

/// What is logged when all of it is used.
const USED: &str = "everything was read again";

/// A server with its files in a directory, and a registry with a service of four instances,
/// `web`.
struct Scene {
    directory: TempDir,
    process: Srvd,
    at: SocketAddr,
    registry: Registry,
}

impl Scene {
    /// Starts the server with a configuration.
    fn start(text: &str) -> Self {
        Self::start_with(text, &[])
    }

    /// The same with files beside the configuration.
    fn start_with(text: &str, files: &[(&str, &str)]) -> Self {
        let (registry, directory) = (Registry::embedded(), tempfile::tempdir().unwrap());
        let writer = Writer::new(&registry.url());
        (1..=4).for_each(|n| writer.put(format!("/services/web/{n}"), format!("10.0.0.{n}:80")));
        files.iter().for_each(|(name, text)| fs::write(directory.path().join(name), text).unwrap());
        let path = directory.path().join("srvd.toml");
        fs::write(&path, configuration(&registry, text)).unwrap();
        let path = path.to_str().unwrap();
        let process = process::start(&["serve", "--config", path, "--listen", "127.0.0.1:0"]);
        let at = process.answers_at();
        let scene = Self { directory, process, at, registry };
        scene.sees("+ignore A web.services.internal", &["NOERROR"]);
        scene
    }

    /// Writes a file beside the configuration.
    fn write(&self, name: &str, text: &str) {
        fs::write(self.directory.path().join(name), text).unwrap();
    }

    /// Writes the configuration.
    fn configure(&self, text: &str) {
        self.write("srvd.toml", &configuration(&self.registry, text));
    }

    /// Has everything read again, which must be used.
    fn reload(&self) {
        let before = self.process.log().count(USED);
        self.process.signal("HUP");
        let is_used = eventually(|| self.process.log().count(USED) > before);
        assert!(is_used, "{:#?}", self.process.log().all());
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
fn configuration(registry: &Registry, text: &str) -> String {
    format!("registry = {:?}\n{text}\n", registry.url())
}
