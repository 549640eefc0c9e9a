//! The Compose file: it is what the Compose Specification knows, and what it has srvd do is done.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{python, root, text};
use crate::support::etcd::Etcd;
use crate::support::srvd::{Srvd, plain};
use crate::support::{dig_shows, eventually, free_addr};

/// The schema that the Compose Specification publishes, as a linter of such files keeps it.
const SCHEMA: &str = "target/tools/node/node_modules/dclint/schemas/compose.schema.json";
/// The file.
const FILE: &str = "deploy/compose/compose.yaml";
/// What is mounted over `/etc/srvd`.
const CONFIGURATION: &str = "deploy/compose/srvd/srvd.toml";

/// Validates a Compose file: what it says, or the fault; none where there is no validator.
fn validated(file: &str) -> Option<Result<Value, String>> {
    let tools = root().join("target/tools/python");
    if !tools.join("kubernetes_validate").exists() || !root().join(SCHEMA).exists() {
        println!("kubernetes-validate or dclint is not installed (tests/run.sh does): left out");
        return None;
    }
    let output = python("compose.py", &[root().join(SCHEMA)], file)?;
    if !output.status.success() {
        return Some(Err(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    Some(Ok(serde_json::from_slice(&output.stdout).unwrap()))
}

/// The arguments that a service gives to its image, as Compose passes them on.
fn arguments(service: &Value) -> Vec<String> {
    let words = service["command"].as_array().unwrap();
    words.iter().map(|word| word.as_str().unwrap().replace("$$", "$")).collect()
}

/// A web server that says yes to everything.
fn web_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            _ = stream.read(&mut [0; 1024]);
            _ = stream.write_all(b"HTTP/1.1 204 Fine\r\nConnection: close\r\n\r\n");
        }
    });
    port
}

#[test]
fn a_fault_in_the_compose_file_is_found() {
    let wrong = text(FILE).replacen("cap_drop", "cap_dropped", 1);
    assert!(validated(&wrong).is_none_or(|read| read.is_err_and(|it| it.contains("cap_dropped"))));
}

#[test]
fn the_compose_file_names_what_there_is() {
    let Some(read) = validated(&text(FILE)) else { return };
    let services = &read.unwrap()["services"];
    let image = format!("localhost/srvd:{}", env!("CARGO_PKG_VERSION"));
    for name in ["srvd", "web-join"] {
        assert_eq!(services[name]["image"], format!("${{SRVD_IMAGE:-{image}}}"), "{name}");
        assert_eq!(services[name]["read_only"], true, "{name}");
    }
    // Where the files are in the container, and what the configuration says of the ports.
    let srvd = &services["srvd"];
    let mounts: Vec<_> = srvd["volumes"].as_array().unwrap().iter().map(Value::to_string).collect();
    assert_eq!(mounts, ["\"./srvd:/etc/srvd:ro\"", "\"state:/var/lib/srvd\""]);
    let configuration: toml::Table = text(CONFIGURATION).parse().unwrap();
    let ports: Vec<_> = srvd["ports"].as_array().unwrap().iter().map(Value::to_string).collect();
    let listened = ["listen", "http"].map(|key| match &configuration[key] {
        toml::Value::Array(several) => several[0].as_str().unwrap(),
        one => one.as_str().unwrap(),
    });
    for (port, transport) in [(listened[0], "udp"), (listened[0], "tcp"), (listened[1], "tcp")] {
        let end = format!(":{}/{transport}\"", port.rsplit(':').next().unwrap());
        assert!(ports.iter().any(|it| it.ends_with(&end)), "{end}: {ports:?}");
    }
    assert_eq!(configuration["state"].as_str(), Some("/var/lib/srvd"));
    let etcd = services["etcd"]["command"].to_string();
    assert!(etcd.contains(configuration["registry"].as_str().unwrap()), "{etcd}");
}

/// Writes the configuration that is mounted, with places of the test's own.
fn configured(directory: &Path, etcd: &Etcd) -> PathBuf {
    let (file, state) = (directory.join("srvd.toml"), directory.join("state"));
    let configuration = text(CONFIGURATION)
        .replace("http://etcd:2379", &etcd.url())
        .replace("0.0.0.0:5300", "127.0.0.1:0")
        .replace("0.0.0.0:5380", &free_addr().to_string())
        .replace("/var/lib/srvd", state.to_str().unwrap());
    std::fs::write(&file, configuration).unwrap();
    file
}

/// What is started in containers is started here, against an etcd.
#[test]
fn what_the_compose_file_has_srvd_do_is_done() {
    let Some(read) = validated(&text(FILE)) else { return };
    let services = &read.unwrap()["services"];
    let (directory, etcd, port) = (tempfile::tempdir().unwrap(), Etcd::start(), web_server());
    let file = configured(directory.path(), &etcd);
    let placed = |word: &String| word.replace("/etc/srvd/srvd.toml", file.to_str().unwrap());
    let run = |words: &[String]| plain(&words.iter().map(String::as_str).collect::<Vec<_>>());
    let serve: Vec<_> = arguments(&services["srvd"]).iter().map(placed).collect();
    let server = Srvd::spawn(run(&serve).env_remove("SRVD_HTTP"));
    let at = server.answers_at();

    let own_port = |word: String| if word == "80" { port.to_string() } else { word };
    let join: Vec<_> = arguments(&services["web-join"]).into_iter().map(own_port).collect();
    let mut join = run(&join);
    let environment = services["web-join"]["environment"].as_object().unwrap();
    for (name, value) in environment {
        join.env(name, value.as_str().unwrap().replace("http://etcd:2379", &etcd.url()));
    }
    let mut join = Srvd::spawn(join.env("SRVD_JOIN_HOST", "127.0.0.1"));
    let answer = format!("0 1 {port} 127-0-0-1.web.services.internal.");
    dig_shows(at, "+short SRV _web._tcp.services.internal", &[&answer]);

    let health: Vec<_> = services["srvd"]["healthcheck"]["test"].as_array().unwrap()[2..]
        .iter()
        .map(|word| placed(&word.as_str().unwrap().to_owned()))
        .collect();
    let is_healthy = || run(&health).env_remove("SRVD_HTTP").output().unwrap().status.success();
    assert!(eventually(is_healthy), "{health:?}");
    join.signal("TERM");
    assert_eq!(join.exits(), 0);
    dig_shows(at, "+short SRV _web._tcp.services.internal", &[]);
}
