use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use super::{Server, ask};
use crate::support::certificates::Authority;
use crate::support::etcd::{Etcd, page};
use crate::support::{PATIENCE, eventually, free_addr};

/// Where a client registers.
const KEY: &str = "/services/web/1";

#[test]
fn only_keys_below_the_prefixes_are_written_and_shown() {
    let etcd = Etcd::start();
    etcd.etcdctl(&["put", "/secret/password", "x"]);
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("srvd.toml");
    let zones =
        "[[zone]]\nname = \"services.internal\"\n[[zone]]\nname = \"b\"\nprefix = \"/deep/er\"\n";
    std::fs::write(&config, zones).unwrap();
    let server = Server::start(&etcd, &["--config", config.to_str().unwrap()]);
    for key in ["/secret/password", "/secret"] {
        assert_eq!(server.get(key).fault(), (404, 100), "{key}");
    }
    assert_eq!(server.get("/").text, "{\"action\":\"get\",\"node\":{\"dir\":true}}\n");
    for key in ["/secret/password", "/", "/services", "/servicesx", "/deep", "/deep/er"] {
        assert_eq!(server.put(key, "value=1").fault(), (400, 107), "{key}");
        assert_eq!(server.delete(&format!("{key}?recursive=true")).fault(), (400, 107), "{key}");
    }
    assert_eq!(server.ask("POST", "/secret", "value=1").fault(), (400, 107));
    let reply = server.put("/secret/password", "value=1").json();
    assert_eq!(reply["cause"], "/secret/password is not below the prefix of a zone");
    assert_eq!(server.wait("/secret/password?wait=true").reply().fault(), (400, 107));
    // The directory of a zone is nobody's: its end would be that of all keys of the zone.
    server.etcdctl(&["put", "/services/web/1", "10.0.0.1:80"]);
    for form in ["dir=true", "dir=true&ttl=2&prevExist=true", "ttl=2&refresh=true&prevExist=true"] {
        assert_eq!(server.put("/services", form).fault(), (400, 107), "{form}");
    }
    assert_eq!(server.delete("/services?dir=true").fault(), (400, 107));
    assert_eq!(server.etcdctl(&["get", "/services/"]), "");
    assert_eq!(server.ask("POST", "/services", "value=x").status, 201);
    server.put("/deep/er/web/1", "value=10.0.0.1:80");
    let nodes = server.get("/?recursive=true").json()["node"]["nodes"].clone();
    let keys: Vec<_> =
        nodes.as_array().unwrap().iter().map(|it| it["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["/deep", "/services"]);
    assert_eq!(server.etcdctl(&["get", "/secret/password", "--print-value-only"]), "x\n");
}

#[test]
fn writes_need_a_token_which_may_come_as_a_password() {
    let (etcd, directory) = (Etcd::start(), tempfile::tempdir().unwrap());
    let open = Server::start(&etcd, &["--etcd-v2", "0.0.0.0:0"]);
    assert_eq!(open.put(KEY, "value=1").fault(), (403, 110));
    assert_eq!(open.get(KEY).fault(), (404, 100));

    let file = directory.path().join("tokens");
    std::fs::write(&file, "0123456789abcdef\n").unwrap();
    let server = Server::start(&etcd, &["--http-token-file", file.to_str().unwrap()]);
    let put = |fields: &str| ask(server.at, "PUT", KEY, "value=1", fields);
    let reply = put("");
    assert_eq!(reply.fault(), (401, 110));
    assert!(reply.header("www-authenticate").unwrap().starts_with("Basic"), "{reply:?}");
    let basic = |text: &str| {
        let shown = data_encoding::BASE64.encode(text.as_bytes());
        format!("Authorization: Basic {shown}\r\n")
    };
    for wrong in
        [basic("root:wrong"), basic("0123456789abcdef"), "Authorization: Basic !\r\n".into()]
    {
        assert_eq!(put(&wrong).fault(), (401, 110), "{wrong}");
    }
    assert!(etcd.etcdctl(&["get", "--prefix", "/"]).stdout.is_empty());
    assert_eq!(put(&basic("root:0123456789abcdef")).status, 201);
    assert_eq!(put("Authorization: Bearer 0123456789abcdef\r\n").status, 200);
    assert_eq!(server.get(KEY).status, 200);
    // Nothing of a write is read before: neither its form nor its key.
    assert_eq!(ask(server.at, "PUT", "/%ff", "value=%zz", "").fault(), (401, 110));
    let strange = "Origin: http://evil.example\r\nAuthorization: Bearer 0123456789abcdef\r\n";
    assert_eq!(put(strange).fault(), (403, 110));
    let rebound = ask(server.at, "GET", KEY, "", "");
    assert!(rebound.header("access-control-allow-origin").is_none());
}

/// As of what is written over HTTP: events, the server's memory and its log have the token's name.
#[test]
fn who_wrote_is_told() {
    let (etcd, directory) = (Etcd::start(), tempfile::tempdir().unwrap());
    let file = directory.path().join("tokens");
    std::fs::write(&file, "0123456789abcdef\nregistrator fedcba9876543210\n").unwrap();
    let server = Server::start(&etcd, &["--http-token-file", file.to_str().unwrap()]);
    let ask = |method: &str, key: &str, form: &str, token: &str| {
        let fields = format!("Authorization: Bearer {token}\r\n");
        let reply = ask(server.at, method, key, form, &fields);
        assert!(reply.status < 300, "{reply:?}");
    };
    let (nameless, named) = ("0123456789abcdef", "fedcba9876543210");
    ask("PUT", KEY, "value=10.0.0.1:80", nameless);
    ask("PUT", KEY, "value=10.0.0.2:80", named);
    ask("PUT", KEY, "value=10.0.0.3:80", nameless);
    ask("POST", "/services/web", "value=10.0.0.4:80", named);
    ask("DELETE", "/services/web?recursive=true", "", named);
    let line = server.process.prints("answering HTTP on ").1;
    let at = line.split_whitespace().find_map(|word| word.trim_matches(',').parse().ok()).unwrap();
    let mut told = Vec::new();
    assert!(eventually(|| {
        let page = page(at, "/v1/changes?name=web").unwrap();
        let (_, body) = page.split_once("\r\n\r\n").unwrap();
        let changes: Value = serde_json::from_str(body).unwrap();
        told = changes["changes"].as_array().unwrap().clone();
        told.len() == 6
    }));
    let told: Vec<_> = told
        .iter()
        .map(|it| (it["event"].as_str().unwrap(), it["by"].as_str().unwrap_or_default()))
        .collect();
    assert_eq!(told[..2], [("offline", "registrator"); 2], "{told:?}");
    assert_eq!(
        told[2..],
        [("online", "registrator"), ("changed", ""), ("changed", "registrator"), ("online", ""),]
    );
    server.process.logs("token=registrator key=/services/web/1");
}

#[test]
fn what_is_asked_beside_keys_is_answered() {
    let mut etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    let url = format!("http://{}", server.at);
    assert_eq!(server.ask("GET", "/v2/machines", "").text, url);
    let members = server.ask("GET", "/v2/members", "").json();
    assert_eq!(members["members"][0]["clientURLs"][0], url);
    assert_eq!(server.ask("GET", "/v2/members/leader", "").json()["clientURLs"][0], url);
    assert_eq!(server.ask("GET", "/v2/stats/self", "").json()["state"], "StateLeader");
    let leader = server.ask("GET", "/v2/stats/leader", "").json();
    assert_eq!(leader["leader"], members["members"][0]["id"]);
    let plain = |path: &str| super::send_to(server.at, "GET", path, "", "").reply();
    let version = "{\"etcdserver\":\"2.3.8\",\"etcdcluster\":\"2.3.0\"}";
    assert_eq!(plain("/version").text, version);
    assert_eq!(plain("/health").text, "{\"health\":\"true\"}");
    assert_eq!(plain("/v2/nothing").status, 404);
    assert_eq!(server.ask("PUT", "/v2/machines", "").status, 405);
    let patch = server.ask("PATCH", KEY, "");
    assert_eq!((patch.status, patch.header("allow")), (405, Some("HEAD,GET,PUT,POST,DELETE")));
    etcd.kill9();
    assert!(eventually(|| plain("/health").status == 503));
}

#[test]
fn what_is_too_large_is_refused() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    let value = |octets| format!("value={}", "x".repeat(octets));
    assert_eq!(server.put(KEY, &value(64 << 10)).status, 201);
    assert_eq!(server.put(KEY, &value((64 << 10) + 1)).fault(), (400, 210));
    let long = send_large(server.at, &value(300_000));
    assert!(long.is_empty() || long.contains("\"errorCode\":210"), "{long}");
    assert_eq!(
        server.put(&format!("/services/{}", "x".repeat(3_000)), "value=1").fault(),
        (400, 210)
    );
    assert_eq!(server.put(&"/services".repeat(30), "value=1").fault(), (400, 210));
    // What is made in a directory can be read, too.
    let long = format!("/services/{}", "x".repeat(2_030));
    for directory in [&"/services".repeat(24), &long] {
        assert_eq!(server.ask("POST", directory, "value=1").fault(), (400, 210));
    }
    assert_eq!(server.ask("POST", &"/services".repeat(23), "value=1").status, 201);
}

/// What a form that is too large is answered; the server may not read it to its end.
fn send_large(at: SocketAddr, form: &str) -> String {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!(
        "PUT /v2/keys{KEY} HTTP/1.0\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n",
        form.len()
    );
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(form.as_bytes()));
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply);
    String::from_utf8(reply).unwrap()
}

#[test]
fn it_speaks_tls_where_http_does() {
    let (etcd, directory) = (Etcd::start(), tempfile::tempdir().unwrap());
    let authority = Authority::new("one");
    let files = authority.server().write(directory.path(), "http");
    let [certificate, key] = [&files.certificate, &files.key].map(|it| it.to_str().unwrap());
    let server = Server::start(&etcd, &["--http-cert", certificate, "--http-key", key]);
    let ca = directory.path().join("ca.pem");
    std::fs::write(&ca, &authority.pem).unwrap();
    let url = format!("https://localhost:{}", server.at.port());
    let curl = |path: &str, more: &[&str]| {
        let mut curl = std::process::Command::new("curl");
        curl.args(["-s", "--cacert", ca.to_str().unwrap(), &format!("{url}{path}")]).args(more);
        String::from_utf8(curl.output().unwrap().stdout).unwrap()
    };
    assert_eq!(curl("/v2/machines", &[]), url);
    let written = curl("/v2/keys/services/web/1", &["-XPUT", "-dvalue=10.0.0.1:80"]);
    assert!(written.starts_with("{\"action\":\"set\""), "{written}");
    assert_eq!(server.dig("SRV _web._tcp.services.internal").len(), 1);
}

#[test]
fn a_taken_address_is_named() {
    let (etcd, taken) = (Etcd::start(), free_addr());
    let _listener = std::net::TcpListener::bind(taken).unwrap();
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--etcd-v2", &taken.to_string()];
    let output = crate::support::srvd::run(&etcd.url(), &arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("cannot answer etcd's v2 API on") && said.contains("--etcd-v2"),
        "{said}"
    );
}
