//! `srvd status`: one look at a running server, and its exit code.

use std::net::SocketAddr;
use std::process::Output;

use super::serve;
use crate::support::certificates::Authority;
use crate::support::etcd::Etcd;
use crate::support::srvd::{Srvd, plain};
use crate::support::{eventually, free_addr};

/// Asks a server for its status.
fn status(url: &str, arguments: &[&str]) -> Output {
    plain(&[&["status", "--server", url], arguments].concat()).output().unwrap()
}

/// The exit code, and what was printed as a table.
fn table(at: SocketAddr) -> (Option<i32>, String) {
    let output = status(&format!("http://{at}"), &["--output", "table"]);
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn ready_is_0_and_not_ready_is_1_with_the_reason() {
    let (_waiting, at) = serve(&format!("http://{}", free_addr()), &[]);
    let (code, text) = table(at);
    assert!(code == Some(1) && text.starts_with(&format!("http://{at}: not ready\n")), "{text}");
    let reason = "services.internal: not ready: the registry has not been listed yet";
    assert!(text.contains(reason), "{text}");

    let mut etcd = Etcd::start();
    etcd.etcdctl(&["put", "/services/web/1", "10.0.0.1:80"]);
    etcd.etcdctl(&["put", "/services/web/2", "of no use"]);
    let (_serving, at) = serve(&etcd.url(), &[]);
    assert!(eventually(|| table(at).0 == Some(0)));
    let text = table(at).1;
    let rows: Vec<Vec<_>> = text.lines().map(|row| row.split_whitespace().collect()).collect();
    assert_eq!(rows[0][1..], ["ready"]);
    let row = ["services.internal", "fresh", "1", "1", "1", "0"];
    assert!(rows.iter().any(|it| it.starts_with(&row)), "{text}");

    etcd.kill9();
    assert!(eventually(|| table(at).1.contains("services.internal: ready, stale: ")));
    assert_eq!(table(at).0, Some(0), "it still answers");
    let json = status(&format!("http://{at}"), &["--output", "json"]).stdout;
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!((&json["ready"], &json["zones"][0]["standing"]), (&true.into(), &"stale".into()));
}

#[test]
fn the_configuration_names_the_server_and_https_is_spoken() {
    let directory = tempfile::tempdir().unwrap();
    let authority = Authority::new("one");
    let files = authority.server().write(directory.path(), "http");
    let [certificate, key] = [&files.certificate, &files.key].map(|it| it.to_str().unwrap());
    let ca = directory.path().join("ca.pem");
    std::fs::write(&ca, &authority.pem).unwrap();
    let tls = ["--http-cert", certificate, "--http-key", key];
    let arguments = [&["serve", "--listen", "127.0.0.1:0"], &tls[..]].concat();
    let serving = Srvd::start(&format!("http://{}", free_addr()), &arguments);
    let (_, line) = serving.prints("answering HTTPS on ");
    let at = line.strip_prefix("answering HTTPS on ").unwrap();
    let file = directory.path().join("srvd.toml");
    let text = format!("http = {at:?}\nhttp-cert = {certificate:?}\nhttp-key = {key:?}\n");
    std::fs::write(&file, text).unwrap();
    let mut command = plain(&["status", "--config", file.to_str().unwrap(), "--output", "json"]);
    let trusting = command.env("SSL_CERT_FILE", &ca).output().unwrap();
    assert_eq!(trusting.status.code(), Some(1), "{trusting:?}");
    assert!(trusting.stdout.starts_with(b"{"), "{trusting:?}");
    let doubting = command.env_remove("SSL_CERT_FILE").output().unwrap();
    let told = String::from_utf8_lossy(&doubting.stderr).into_owned();
    assert!(doubting.status.code() == Some(4) && told.contains("certificate"), "{told}");
}

#[test]
fn who_is_not_there_or_no_srvd_is_told() {
    let nobody = status(&format!("http://{}", free_addr()), &[]);
    let told = String::from_utf8_lossy(&nobody.stderr).into_owned();
    assert!(nobody.status.code() == Some(4) && told.contains("check that it runs"), "{told}");
    let etcd = Etcd::start();
    let other = status(&etcd.url(), &[]);
    let told = String::from_utf8_lossy(&other.stderr).into_owned();
    assert!(other.status.code() == Some(1) && told.contains("not as srvd does"), "{told}");
    let wrong = status("localhost:5380", &[]);
    let told = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(wrong.status.code() == Some(2) && told.contains("http://127.0.0.1:5380"), "{told}");
}

#[test]
fn services_and_instances_are_listed_by_a_server_without_etcd() {
    let mut etcd = Etcd::start();
    for n in 0..3 {
        etcd.etcdctl(&["put", &format!("/services/web/{n}"), &format!("10.0.0.{n}:80")]);
    }
    etcd.etcdctl(&["put", "/services/db/1", "10.0.1.1:5432"]);
    let (_serving, at) = serve(&etcd.url(), &[]);
    assert!(eventually(|| table(at).0 == Some(0)));
    let list = |arguments: &[&str], url: &str| {
        let output =
            plain(&[&["list"], arguments, &["--registry", url]].concat()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let server = format!("http://{at}");
    let of_etcd = [&[][..], &["web"]].map(|it| list(it, &etcd.url()));
    etcd.kill9();
    let [all, web] =
        [&[][..], &["web"]].map(|it| list(&[it, &["--server", &server]].concat(), &etcd.url()));
    assert_eq!(all, of_etcd[0]);
    let ids = |text: &str| {
        let all: Vec<serde_json::Value> = serde_json::from_str(text).unwrap();
        all.iter().map(|it| it["key"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!((web.0, ids(&web.1)), (Some(0), ids(&of_etcd[1].1)));
    let (code, text) = list(&["web", "--server", &server, "--output", "table"], &etcd.url());
    assert!(code == Some(0) && text.contains("10.0.0.2:80"), "{text}");
    assert_eq!(list(&["nobody", "--server", &server], &etcd.url()).0, Some(3));
}
