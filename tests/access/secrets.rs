//! No secret is ever shown: not in the log at any level, not in a page, not in an error.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::{Desk, ctl, enable_auth, root};
use crate::support::dig;
use crate::support::etcd::{Etcd, page};
use crate::support::srvd::{Srvd, command};

/// The password of a user of etcd.
const PASSWORD: &str = "pass-Zk4vQ9wL";
/// The token of whoever writes over HTTP.
const TOKEN: &str = "token-hX7mB2nR5tY8uJ3k";
/// What cookies are made with.
const COOKIES: &str = "5ec2e7a0f1b3d4968899aabbccddee0f";

/// Asks for a page with a header.
fn get_with(at: std::net::SocketAddr, header: &str) -> String {
    let mut stream = TcpStream::connect(at).unwrap();
    let request =
        format!("POST /registrations HTTP/1.0\r\n{header}\r\nContent-Length: 2\r\n\r\n{{}}");
    stream.write_all(request.as_bytes()).unwrap();
    let mut reply = String::new();
    let _ = stream.read_to_string(&mut reply);
    reply
}

/// Serves with every kind of secret, has all of them used, and gives all that was said.
fn everything_said(etcd: &Etcd, desk: &Desk, level: &[&str], environment: Option<&str>) -> String {
    let cookies = desk.file("cookies", &format!("{COOKIES}\n"));
    let token = desk.file("token", &format!("{TOKEN}\n"));
    let user = desk.user("keeper", PASSWORD);
    let mut arguments = vec!["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"];
    arguments.extend(["--cookie-secret-file", &cookies, "--http-token-file", &token]);
    arguments.extend(user.iter().map(String::as_str));
    arguments.extend(level);
    let mut command = command(&etcd.url(), &arguments);
    environment.into_iter().for_each(|it| _ = command.env("RUST_LOG", it));
    let mut process = Srvd::spawn(&mut command);
    let at = process.answers_at();
    let (_, line) = process.prints("answering HTTP on ");
    let http = line.strip_prefix("answering HTTP on ").unwrap().parse().unwrap();
    let is_ready = || page(http, "/readyz").is_ok_and(|it| it.contains(" 200 "));
    assert!(crate::support::eventually(is_ready), "{:#?}", process.log().all());
    let mut said = dig(at, "+cookie=0123456789abcdef A web.services.internal");
    assert!(said.contains("10.0.0.1"), "{said}");
    said += &get_with(http, &format!("Authorization: Bearer {TOKEN}"));
    said += &get_with(http, "Authorization: Bearer wrong");
    for path in ["/metrics", "/v1/problems", "/readyz", "/"] {
        said += &page(http, path).unwrap();
    }
    process.signal("TERM");
    process.exits();
    [said, process.out().all().join("\n"), process.log().all().join("\n")].concat()
}

#[test]
fn no_level_of_the_log_shows_a_secret() {
    let (etcd, desk) = (Etcd::start(), Desk::new());
    enable_auth(&etcd);
    root(&etcd, &["user", "add", &format!("keeper:{PASSWORD}")]);
    root(&etcd, &["user", "grant-role", "keeper", "reader"]);
    root(&etcd, &["put", "/services/web/1", "10.0.0.1:80"]);
    let json = ["--log-format", "json", "-vvv"];
    for (level, environment) in [
        (&[][..], None),
        (&["-v"], None),
        (&["-vv"], None),
        (&["-vvv"], None),
        (&json, None),
        (&["--query-log", "1"], Some("trace")),
    ] {
        let said = everything_said(&etcd, &desk, level, environment);
        for secret in [PASSWORD, TOKEN, COOKIES] {
            let shown = said.lines().find(|line| line.contains(secret));
            assert_eq!(shown, None, "at {level:?} {environment:?}");
        }
    }
}

#[test]
fn a_wrong_password_is_not_repeated() {
    let (etcd, desk) = (Etcd::start(), Desk::new());
    enable_auth(&etcd);
    let user = desk.user("reader", PASSWORD);
    let mut arguments = vec!["list", "-vvv"];
    arguments.extend(user.iter().map(String::as_str));
    let output = command(&etcd.url(), &arguments).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(!output.status.success());
    assert!(!String::from_utf8_lossy(&said).contains(PASSWORD));
    ctl(&etcd, &["--user", "root:root", "endpoint", "health"]);
}

#[test]
fn secrets_that_everybody_may_read_are_warned_of_once_each() {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    let (etcd, desk) = (Etcd::start(), Desk::new());
    let token = desk.file("token", &format!("{TOKEN}\n"));
    let cookies = desk.file("cookies", &format!("{COOKIES}\n"));
    let user = desk.user("keeper", PASSWORD);
    for open in ["token", "keeper.password"] {
        std::fs::set_permissions(desk.path(open), Permissions::from_mode(0o644)).unwrap();
    }
    let mut arguments = vec!["serve", "--listen", "127.0.0.1:0", "--http-token-file", &token];
    arguments.extend(["--cookie-secret-file", &cookies]);
    arguments.extend(user.iter().map(String::as_str));
    let process = Srvd::start(&etcd.url(), &arguments);
    process.answers_at();
    let log = process.log();
    assert_eq!(log.count("every user of this machine may read"), 2, "{:#?}", log.all());
    for path in [&token, &user[3]] {
        assert_eq!(log.count(&format!("file {path}: every user of this")), 1, "{:#?}", log.all());
    }
    let join = ["join", "web", "--host", "10.1.2.3", "--port", "80"].map(str::to_owned).to_vec();
    let arguments: Vec<_> = join.iter().chain(&user).map(String::as_str).collect();
    let process = Srvd::start(&etcd.url(), &arguments);
    process.logs("every user of this machine may read");
}
