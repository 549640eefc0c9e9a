use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use super::Server;
use crate::support::etcd::Etcd;
use crate::support::eventually;
use crate::support::srvd::Srvd;

/// Where `tests/run.sh` installs packages of Node and Python.
const TOOLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools");
/// Where the programs of this suite are.
const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/etcd_v2");
/// The records of the service that the programs register.
const WEB: &str = "SRV _web._tcp.services.internal";

/// A program of a package, where it is installed; else says that it is left out.
fn program(language: &str, package: &str) -> Option<Command> {
    let (program, variable, place) = match language {
        "node" => ("node", "NODE_PATH", format!("{TOOLS}/node/node_modules")),
        _ => ("python3", "PYTHONPATH", format!("{TOOLS}/python")),
    };
    if !Path::new(&place).join(package).exists() {
        println!("{package} is not installed; tests/run.sh installs it");
        return None;
    }
    let mut command = Command::new(program);
    command.env(variable, place).env_remove("http_proxy").env("NO_PROXY", "127.0.0.1");
    Some(command)
}

/// What a program printed, which must have ended well.
fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn etcd_registry_joins_finds_and_leaves() {
    if program("node", "etcd-registry").is_none() {
        return;
    }
    let etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    let url = server.at.to_string();
    let run = |step: &str| -> Value {
        let mut node = program("node", "etcd-registry").unwrap();
        let output = node.args([&format!("{HERE}/registry.js"), &url, step]).output().unwrap();
        serde_json::from_str(&printed(&output)).unwrap()
    };
    assert_eq!((run("lookup"), run("list")), (Value::Null, Value::Array(Vec::new())));
    assert_eq!(run("join"), "joined");
    assert_eq!(server.dig(WEB).len(), 1);
    assert_eq!(run("lookup")["host"], "10.0.0.1:8080");
    assert_eq!(run("list")[0]["name"], "web");
    // Its end came without a word; it has a TTL of 10 s.
    assert!(eventually(|| server.dig(WEB).is_empty()));
    assert_eq!(run("leave"), "left");
    assert!(server.dig(WEB).is_empty());
}

/// The command takes an address with a namespace alone: without one it writes `?refresh=false`
/// where the path should be, whatever it talks to.
#[test]
fn the_command_of_etcd_registry_holds_a_registration() {
    let Some(mut node) = program("node", "etcd-registry") else { return };
    let etcd = Etcd::start();
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("srvd.toml");
    std::fs::write(&config, "[[zone]]\nname = \"services.internal\"\nnamespace = \"prod\"\n")
        .unwrap();
    let server = Server::start(&etcd, &["--config", config.to_str().unwrap()]);
    let main = "require('http').createServer().listen(process.env.PORT);";
    std::fs::write(directory.path().join("index.js"), main).unwrap();
    let bin = format!("{TOOLS}/node/node_modules/etcd-registry/bin.js");
    let at = format!("{}/prod", server.at);
    node.args([&bin, "join", "web", "index.js", "-e", &at, "-h", "10.0.0.1", "-w", "0", "-s", "0"]);
    let mut held = Srvd::spawn(node.current_dir(directory.path()));
    assert!(eventually(|| server.dig(WEB).len() == 1), "{:?}", held.log().all());
    // Longer than its TTL: it is renewed.
    std::thread::sleep(std::time::Duration::from_secs(12));
    assert_eq!(server.dig(WEB).len(), 1);
    let list = |verb: &[&str]| {
        let mut node = program("node", "etcd-registry").unwrap();
        printed(&node.arg(&bin).args(verb).args(["-e", &at]).output().unwrap())
    };
    assert!(list(&["list"]).contains("web"));
    assert!(list(&["lookup", "web"]).contains("10.0.0.1"));
    held.signal("TERM");
    assert_eq!(held.exits(), 0);
    assert!(server.dig(WEB).is_empty());
}

#[test]
fn node_etcd_does_as_its_guide_says() {
    let Some(mut node) = program("node", "node-etcd") else { return };
    let etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    let url = format!("http://{}", server.at);
    let output = node.args([&format!("{HERE}/node_etcd.js"), &url]).output().unwrap();
    let expected = "set: set 10.0.0.1:8080\nget: get 10.0.0.1:8080\n\
        refresh: update 10.0.0.1:8080\nswap: compareAndSwap 10.0.0.2:8080\ntest: fault 101\n\
        mkdir: set dir\nrmdir: delete dir\ncreate: create first\nlist: get dir\n\
        watch: set 10.0.0.3:8080\nwatch: expire 10.0.0.3:8080\ngone: fault 100\n\
        delete: delete dir\nleader: 1\nself: StateLeader\n";
    assert_eq!(printed(&output), expected);
}

#[test]
fn python_etcd_does_as_its_guide_says() {
    let Some(mut python) = program("python", "etcd") else { return };
    let etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    let (host, port) = (server.at.ip().to_string(), server.at.port().to_string());
    let output = python.args([&format!("{HERE}/python_etcd.py"), &host, &port]).output().unwrap();
    let expected = "write True\nread 10.0.0.1:8080 60\nrefresh 60\nagain EtcdAlreadyExist\n\
        swap 10.0.0.2:8080\ntest EtcdCompareFailed\nindex EtcdCompareFailed\nabsent EtcdKeyNotFound\n\
        file EtcdNotFile\nbelow EtcdNotDir\nmkdir True\nfull EtcdDirNotEmpty\n\
        append /services/queue/\nleaves ['made', 'queue', 'web']\ndirectory ['/services/web/1']\n\
        update 10.0.0.3:8080\nwatch 10.0.0.4:8080\nwait 10.0.0.5:8080\nexpire expire\n\
        lost EtcdKeyNotFound\ndelete delete\nrmdir delete\nleader srvd srvd\n\
        machines True 2.3.8\nstats StateLeader\nreconnecting 10.0.0.6:8080\n";
    assert_eq!(printed(&output), expected);
    assert_eq!(server.dig(WEB).len(), 1);
}

#[test]
fn empusa_registers_refreshes_lists_and_unregisters() {
    if program("python", "empusa").is_none() {
        return;
    }
    let (etcd, directory) = (Etcd::start(), tempfile::tempdir().unwrap());
    let config = directory.path().join("srvd.toml");
    let zone = "[[zone]]\nname = \"services.internal\"\nprefix = \"/empusa/service\"\n";
    std::fs::write(&config, zone).unwrap();
    let server = Server::start(&etcd, &["--config", config.to_str().unwrap()]);
    let at = server.at.to_string();
    let empusa = |verb: &str, more: &[&str]| {
        let mut python = program("python", "empusa").unwrap();
        let main = "import empusa; empusa.main()";
        python.args(["-c", main, "--etcd-endpoint", &at, "--tree-root", "/empusa"]);
        python.args(["service", verb, "--service-type", "web"]).args(more);
        python
    };
    let location = ["--service-name", "1", "--service-location", "10.0.0.1:8080"];
    let register = |more: &[&str]| empusa("register", &[&location, more].concat());
    printed(&register(&["--ttl", "2"]).output().unwrap());
    assert_eq!(server.dig(WEB).len(), 1);
    assert!(eventually(|| server.dig(WEB).is_empty()));

    let mut held = Srvd::spawn(&mut register(&["--ttl", "3", "--refresh-every", "1"]));
    assert!(eventually(|| server.dig(WEB).len() == 1), "{:?}", held.log().all());
    std::thread::sleep(std::time::Duration::from_secs(5));
    assert_eq!(server.dig(WEB).len(), 1);
    let listed = printed(&empusa("list", &["--format", "json"]).output().unwrap());
    let listed: Value = serde_json::from_str(listed.lines().last().unwrap()).unwrap();
    assert_eq!(listed[0]["value"], "10.0.0.1:8080");
    assert!(listed[0]["ttl"].as_u64().is_some_and(|ttl| (1..=3).contains(&ttl)), "{listed}");
    let table = printed(&empusa("list", &[]).output().unwrap());
    let is_row = |line: &str| line.contains("/web/1") && line.contains("| 10.0.0.1:8080 |");
    assert!(table.lines().any(is_row), "{table}");
    held.kill9();
    printed(&empusa("unregister", &["--service-name", "1"]).output().unwrap());
    assert!(server.dig(WEB).is_empty());
}

#[test]
fn curl_does_as_the_guide_of_etcd_says() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    let curl = |arguments: &str| -> Value {
        let mut curl = Command::new("curl");
        curl.args(["-s", "-L"]).args(
            arguments.replace("KEYS", &format!("http://{}/v2/keys/services", server.at)).split(' '),
        );
        let text = printed(&curl.output().expect("curl is installed"));
        serde_json::from_str(&text).unwrap_or_else(|fault| panic!("{arguments}: {fault}: {text}"))
    };
    let action = |arguments: &str| curl(arguments)["action"].as_str().unwrap_or("fault").to_owned();
    assert_eq!(action("KEYS/message/1 -XPUT -d value=10.0.0.1:80"), "set");
    assert_eq!(server.dig("SRV _message._tcp.services.internal").len(), 1);
    assert_eq!(action("KEYS/message/1"), "get");
    assert_eq!(
        curl("KEYS/message/1 -XPUT -d value=10.0.0.2:80")["prevNode"]["value"],
        "10.0.0.1:80"
    );
    assert_eq!(action("KEYS/message/1 -XDELETE"), "delete");
    assert_eq!(curl("KEYS/foo/1 -XPUT -d value=bar -d ttl=5")["node"]["ttl"], 5);
    assert_eq!(action("KEYS/foo/1 -XPUT -d ttl=5 -d refresh=true -d prevExist=true"), "update");
    assert_eq!(action("KEYS/foo/1 -XPUT -d value=bar -d ttl= -d prevExist=true"), "update");
    assert_eq!(action("KEYS/queue -XPOST -d value=Job1"), "create");
    assert_eq!(action("KEYS/queue?recursive=true&sorted=true"), "get");
    assert_eq!(action("KEYS/dir -XPUT -d ttl=30 -d dir=true"), "set");
    assert_eq!(action("KEYS/dir -XPUT -d ttl=30 -d dir=true -d prevExist=true"), "update");
    assert_eq!(curl("KEYS/foo/1?prevExist=false -XPUT -d value=three")["errorCode"], 105);
    assert_eq!(curl("KEYS/foo/1?prevValue=two -XPUT -d value=three")["cause"], "[two != bar]");
    assert_eq!(action("KEYS/foo/1?prevValue=bar -XPUT -d value=two"), "compareAndSwap");
    assert_eq!(curl("KEYS/foo/1?prevIndex=1 -XDELETE")["errorCode"], 101);
    assert_eq!(action("KEYS/foo/1?prevValue=two -XDELETE"), "compareAndDelete");
    assert_eq!(action("KEYS/dir?dir=true -XDELETE"), "delete");
    assert_eq!(action("KEYS/_message -XPUT -d value=hidden"), "set");
    assert_eq!(curl("KEYS")["node"]["nodes"].as_array().unwrap().len(), 1);
    assert_eq!(action("-G KEYS/foo/1 -d wait=true -d waitIndex=2 -d recursive=true"), "set");
}
