//! Every state of the server and its zones, on every surface: log, `/readyz`, metrics,
//! `/v1/status`, `srvd status`, systemd's status. (The page does so in its own suite.)

use std::net::SocketAddr;
use std::os::unix::net::UnixDatagram;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use srvd::metrics::State;

use super::unsound::{Fault, Unsound};
use super::writer::{Writer, instances};
use crate::support::certificates::Authority;
use crate::support::etcd::{Etcd, page};
use crate::support::srvd::{Srvd, plain};
use crate::support::{dig, eventually, free_addr};

/// Enough instances for a collapse.
const INSTANCES: usize = 30;
/// A registry that is not there.
const NOWHERE: &str = "http://127.0.0.1:1?timeout=1s";
/// What is said of a zone of which nothing is held.
const UNLISTED: &str = "not ready: the registry has not been listed yet";

/// A server in a state, and what keeps it there.
struct Scene {
    process: Srvd,
    /// Where it answers HTTP.
    http: SocketAddr,
    /// What systemd was told last of its status.
    status: Arc<Mutex<String>>,
    /// What must not be dropped meanwhile.
    _held: Vec<Box<dyn std::any::Any>>,
}

/// What a state is to look like.
struct Looks {
    /// Its word.
    word: &'static str,
    /// Brings a server there.
    scene: fn() -> Scene,
    /// Whether queries are worth sending there.
    is_ready: bool,
    /// Whether it is one of the zone.
    is_of_zone: bool,
    /// The beginning of its sentence.
    sentence: &'static str,
    /// A part of its line in the log.
    logged: &'static str,
}

/// All states, in the order of their words.
const ALL: [Looks; 10] = [
    Looks {
        word: "starting",
        scene: starting,
        is_ready: false,
        is_of_zone: true,
        sentence: UNLISTED,
        logged: "1 of 30 keys listed; queries get SERVFAIL until then",
    },
    Looks {
        word: "not-ready",
        scene: not_ready,
        is_ready: false,
        is_of_zone: true,
        sentence: "not ready: the registry has not been listed yet; last error: the registry cannot",
        logged: "queries get SERVFAIL until then",
    },
    Looks {
        word: "fresh",
        scene: fresh,
        is_ready: true,
        is_of_zone: true,
        sentence: "ready",
        logged: "the registry was listed",
    },
    Looks {
        word: "stale",
        scene: stale,
        is_ready: true,
        is_of_zone: true,
        sentence: "ready, stale: last confirmed by the registry at 2",
        logged: "still answering, marked stale (ready, stale: last confirmed by the registry at 2",
    },
    Looks {
        word: "expired",
        scene: expired,
        is_ready: false,
        is_of_zone: true,
        sentence: "not ready: last confirmed by the registry at 2",
        logged: "answering SERVFAIL (not ready: last confirmed by the registry at 2",
    },
    Looks {
        word: "holding",
        scene: holding,
        is_ready: true,
        is_of_zone: true,
        sentence: "holding the removal of 30 of 30 instances until 2",
        logged: "30 of 30 instances were removed within 10s; delaying these and further removals",
    },
    Looks {
        word: "reload-refused",
        scene: reload_refused,
        is_ready: true,
        is_of_zone: false,
        sentence: "reload failed (SIGHUP), keeping the previous configuration: ",
        logged: "srvd.toml:2: hold-collapse: 2days is not within",
    },
    Looks {
        word: "draining",
        scene: draining,
        is_ready: false,
        is_of_zone: false,
        sentence: "draining",
        logged: "SIGTERM: draining",
    },
    Looks {
        word: "no-upstream",
        scene: no_upstream,
        is_ready: true,
        is_of_zone: false,
        sentence: "no upstream server answers (127.0.0.1:1): out-of-zone names get SERVFAIL",
        logged: "no upstream server answers (127.0.0.1:1): out-of-zone names get SERVFAIL",
    },
    Looks {
        word: "certificate-ending",
        scene: certificate_ending,
        is_ready: false,
        is_of_zone: false,
        sentence: "cert: the certificate expires at 2",
        logged: "the certificate expires at 2",
    },
];

/// Starts a server of a registry, with a manager that it tells its status.
fn serve(registry: &str, arguments: &[&str], held: Vec<Box<dyn std::any::Any>>) -> Scene {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notify");
    let (socket, status) = (UnixDatagram::bind(&path).unwrap(), Arc::<Mutex<String>>::default());
    let told = Arc::clone(&status);
    std::thread::spawn(move || {
        let mut octets = [0; 4096];
        while let Ok(count) = socket.recv(&mut octets) {
            let text = String::from_utf8_lossy(&octets[..count]).into_owned();
            let line = text.lines().find_map(|line| line.strip_prefix("STATUS="));
            line.into_iter().for_each(|line| *told.lock().unwrap() = line.to_owned());
        }
    });
    let all = [&["serve", "--registry", registry, "--listen", "127.0.0.1:0"], arguments].concat();
    let process = Srvd::spawn(plain(&all).env("NOTIFY_SOCKET", path));
    let (_, line) = process.prints("answering HTTP on ");
    let http = line.strip_prefix("answering HTTP on ").unwrap().parse().unwrap();
    let mut held = held;
    held.push(Box::new(directory));
    Scene { process, http, status, _held: held }
}

/// An etcd with instances, and a server that has listed it.
fn listed(arguments: &[&str]) -> (Etcd, Scene) {
    let etcd = Etcd::start();
    Writer::new(&etcd.url()).put_all(&instances("web", INSTANCES));
    let scene = serve(&etcd.url(), arguments, vec![]);
    assert!(eventually(|| scene.page("/readyz").contains("services.internal. ready\n")));
    (etcd, scene)
}

fn starting() -> Scene {
    let (unsound, at, runtime) = Unsound::start(Fault::EndlessList);
    let registry = format!("http://{at}?refresh=false&timeout=60s");
    serve(&registry, &[], vec![Box::new((unsound, runtime))])
}

fn not_ready() -> Scene {
    serve(NOWHERE, &[], vec![])
}

fn fresh() -> Scene {
    let (etcd, mut scene) = listed(&[]);
    scene._held.push(Box::new(etcd));
    scene
}

fn stale() -> Scene {
    let (mut etcd, scene) = listed(&[]);
    etcd.kill9();
    scene
}

fn expired() -> Scene {
    let (mut etcd, scene) = listed(&["--max-stale", "1s"]);
    etcd.kill9();
    scene
}

fn holding() -> Scene {
    let (etcd, mut scene) = listed(&["--hold-collapse", "10m"]);
    assert!(etcd.etcdctl(&["del", "--prefix", "/services/web/"]).status.success());
    scene._held.push(Box::new(etcd));
    scene
}

fn reload_refused() -> Scene {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("srvd.toml");
    std::fs::write(&file, "watch-files = false\n").unwrap();
    let (etcd, mut scene) = listed(&["--config", file.to_str().unwrap()]);
    std::fs::write(&file, "watch-files = false\nhold-collapse = \"2days\"\n").unwrap();
    scene.process.signal("HUP");
    scene._held.push(Box::new((etcd, directory)));
    scene
}

fn draining() -> Scene {
    let (etcd, mut scene) = listed(&["--shutdown-delay", "5m"]);
    scene.process.signal("TERM");
    scene._held.push(Box::new(etcd));
    scene
}

/// Asks for an out-of-zone name until the server has had enough of it.
fn no_upstream() -> Scene {
    let (etcd, mut scene) = listed(&["--forward", "127.0.0.1:1"]);
    let dns = scene.process.answers_at();
    assert!(eventually(|| {
        dig(dns, "A www.example.com");
        scene.page("/v1/status").contains("no-upstream")
    }));
    scene._held.push(Box::new(etcd));
    scene
}

fn certificate_ending() -> Scene {
    let (directory, authority) = (tempfile::tempdir().unwrap(), Authority::new("one"));
    let files = authority.ending_client().write(directory.path(), "client");
    let [cert, key] = [&files.certificate, &files.key].map(|it| it.to_str().unwrap());
    let registry = format!("https://{}?timeout=1s", free_addr());
    serve(&registry, &["--cert", cert, "--key", key], vec![Box::new(directory)])
}

impl Scene {
    /// A page, head and body; nothing where there is none.
    fn page(&self, path: &str) -> String {
        page(self.http, path).unwrap_or_default()
    }

    /// `/v1/status`.
    fn json(&self) -> Value {
        let text = self.page("/v1/status");
        let body = text.split_once("\r\n\r\n").map_or("null", |(_, body)| body);
        serde_json::from_str(body).unwrap()
    }

    /// What `srvd status` prints, and its exit code.
    fn command(&self) -> (Option<i32>, String) {
        let url = format!("http://{}", self.http);
        let output = plain(&["status", "--server", &url, "--output", "table"]).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    }

    /// Waits for a surface to say something.
    fn says(&self, surface: &str, text: impl Fn() -> String, part: &str) {
        let says = eventually(|| text().contains(part));
        assert!(says, "{surface} never says {part:?}: {}\n{:#?}", text(), self.process.log().all());
    }
}

impl Looks {
    /// Looks at every surface of a server that is in the state, or will be.
    fn check(&self) {
        let (scene, word) = ((self.scene)(), self.word);
        let sentence = match self.is_of_zone {
            true => format!("services.internal. {}", self.sentence),
            false => format!("\n{}", self.sentence),
        };
        let sentence = if word == "holding" { self.sentence.to_owned() } else { sentence };
        scene.says("/readyz", || scene.page("/readyz"), &sentence);
        let code = if self.is_ready { " 200 " } else { " 503 " };
        assert!(scene.page("/readyz").contains(code), "{word}: {}", scene.page("/readyz"));
        scene.says("the log", || scene.process.log().all().join("\n"), self.logged);
        let count = format!("\nsrvd_state{{state=\"{word}\"}} 1\n");
        scene.says("/metrics", || scene.page("/metrics"), &count);
        let end = "srvd_certificate_expiry_timestamp_seconds{certificate=\"cert\"} ";
        let has_end = scene.page("/metrics").contains(end);
        assert_eq!(has_end, word == "certificate-ending", "{word}");
        let is_used =
            format!("srvd_reload_last_successful {}\n", u8::from(word != "reload-refused"));
        scene.says("/metrics", || scene.page("/metrics"), &is_used);
        let status = || scene.status.lock().unwrap().clone();
        let is_finding = word != "fresh" && word != "draining";
        let head = if word == "draining" { "draining: " } else { "ready: answering DNS on [" };
        scene.says("systemd", status, if is_finding { self.sentence } else { head });
        let (exit, text) = scene.command();
        assert_eq!(exit, Some(i32::from(!self.is_ready)), "{word}: {text}");
        assert!(text.contains(self.sentence), "{word}: {text}");
        self.check_json(&scene.json());
    }

    /// Looks at `/v1/status`.
    fn check_json(&self, status: &Value) {
        let (word, zone) = (self.word, &status["zones"][0]);
        assert_eq!(status["ready"], self.is_ready, "{word}: {status}");
        let findings = status["findings"].as_array().unwrap();
        let own = findings.iter().find(|it| it["state"] == word);
        assert_eq!(own.is_some(), word != "fresh", "{word}: {status}");
        if let Some(own) = own {
            assert!(own["text"].as_str().unwrap().starts_with(self.sentence), "{own}");
            assert_eq!(own["zone"].is_null(), !self.is_of_zone, "{own}");
        }
        let of_word = match word {
            "starting" => zone["listing"] == serde_json::json!({ "keys": 1, "of": 30 }),
            "not-ready" => zone["trouble"].as_str().unwrap().contains("http://127.0.0.1:1"),
            "fresh" => zone["since"].is_null() && zone["endpoint"].is_string(),
            "stale" | "expired" => zone["since"].as_str().unwrap().ends_with('Z'),
            "holding" => zone["held_of"] == 30 && zone["held_until"].is_string(),
            "reload-refused" => status["reload"]["fault"].is_string(),
            "draining" => status["draining"] == true,
            "no-upstream" => status["upstreams"][0]["used"] == false,
            _ => status["certificates"][0]["ending"] == true,
        };
        assert!(of_word, "{word}: {status}");
    }
}

#[test]
fn every_state_is_told_on_every_surface() {
    assert!(ALL.iter().map(|it| it.word).eq(State::WORDS), "a state is not walked");
    ALL.iter().for_each(Looks::check);
}

#[test]
fn a_start_without_etcd_does_not_say_that_anything_is_answered() {
    let scene = not_ready();
    scene.says("the log", || scene.process.log().all().join("\n"), UNLISTED);
    scene.says("/readyz", || scene.page("/readyz"), "; last error: ");
    let standing = r#"srvd_zone_standing{zone="services.internal.",standing="#;
    for (word, count) in [("not-ready", 1), ("fresh", 0), ("starting", 0)] {
        let figure = format!("{standing}\"{word}\"}} {count}");
        assert!(scene.page("/metrics").contains(&figure), "{figure}");
    }
    for text in ["still answering", "watch ended"] {
        assert_eq!(scene.process.log().count(text), 0, "{:?}", scene.process.log().all());
    }
}

#[test]
fn an_upstream_that_answers_is_timed() {
    let upstream = no_zone_but_answers();
    let (_etcd, scene) = listed(&["--forward", &upstream.answers_at().to_string()]);
    dig(scene.process.answers_at(), "A www.example.com");
    let count = "srvd_forward_upstream_duration_seconds_count";
    let counted = || {
        let text = scene.page("/metrics");
        let line = text.lines().find(|line| line.starts_with(count)).map(str::to_owned);
        line.is_some_and(|line| !line.ends_with(" 0"))
    };
    assert!(eventually(counted), "{}", scene.page("/metrics"));
    let upstream = &scene.json()["upstreams"][0];
    assert!(upstream["used"] == true && upstream["seconds"].as_f64().unwrap() >= 0.0, "{upstream}");
}

/// A server that refuses whatever it is asked, which is an answer.
fn no_zone_but_answers() -> Srvd {
    Srvd::spawn(&mut plain(&["serve", "--registry", NOWHERE, "--listen", "127.0.0.1:0"]))
}
