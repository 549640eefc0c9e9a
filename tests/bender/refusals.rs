//! Bad input to every path of bender's interface: status, code and message, and nothing
//! written.

use super::{Server, ask, exchange};
use crate::support::etcd::Etcd;

/// The field of a body of JSON.
const JSON: &str = "Content-Type: application/json\r\n";
/// What a frontend and a backend may be posted as.
const FRONTEND: &str = r#"{"name":"f"}"#;

/// Everything below any prefix, with its revision.
fn all(etcd: &Etcd) -> String {
    String::from_utf8(etcd.etcdctl(&["get", "", "--from-key", "-w", "json"]).stdout).unwrap()
}

/// A request: method, path, fields, body; then status, code and a part of the message.
type Row<'a> = (&'a str, &'a str, &'a str, &'a str, u16, &'a str, &'a str);

/// Makes each request, and looks that nothing was written.
fn hold(server: &Server, etcd: &Etcd, rows: &[Row<'_>]) {
    let before = all(etcd);
    for (method, path, fields, body, status, code, part) in rows {
        let reply = ask(server.http, method, path, fields, body);
        let shown = format!("{method} {path} {body}");
        assert_eq!((reply.status, reply.body["code"].as_str()), (*status, Some(*code)), "{shown}");
        let message = reply.body["message"].as_str().unwrap();
        assert!(message.contains(part), "{shown}: {message}");
        assert_eq!(all(etcd), before, "{shown}");
    }
}

#[test]
fn registrations() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    server.renew("web/1/10.0.0.1/80").with(200);
    let long = "a".repeat(63);
    let of_path = |place: &str| format!("/registrations/{place}");
    let long_app = of_path(&format!("{long}/1/10.0.0.1/80"));
    let long_version = of_path(&format!("web/{long}/10.0.0.1/80"));
    let long_host = of_path(&format!("web/1/{}/80", "a.".repeat(140)));
    let invalid: Vec<_> = [
        ("web/1/10.0.0.1/0", "`port`"),
        ("web/1/10.0.0.1/65536", "`port`"),
        ("web/1/10.0.0.1/-1", "`port`"),
        ("web/1/10.0.0.1/http", "`port`"),
        ("web/1/10.0.0.256/80", "host `10.0.0.256`"),
        ("web/1/0.0.0.0/80", "unspecified"),
        ("web/1/a!b/80", "host `a!b`"),
        ("web/1/fe80::1%25eth0/80", "scope id"),
        ("web/1/10.0.0.1%2F/80", "host `10.0.0.1/`"),
        ("web/1/%2500/80", "host `%00`"),
        ("web/1/%FF/80", "UTF-8"),
    ]
    .map(|(place, part)| (of_path(place), part))
    .into();
    let mut rows: Vec<Row<'_>> = invalid
        .iter()
        .map(|(path, part)| ("POST", &**path, "", "", 400, "INVALID", *part))
        .collect();
    rows.extend([
        ("POST", &*long_app, "", "", 400, "INVALID", "`app`"),
        ("POST", &long_version, "", "", 400, "INVALID", "`version`"),
        ("POST", &long_host, "", "", 400, "INVALID", "host"),
        ("POST", "/registrations", JSON, "", 400, "INVALID", ""),
        ("POST", "/registrations", JSON, "{", 400, "INVALID", ""),
        ("POST", "/registrations", JSON, "[]", 400, "INVALID", ""),
        ("POST", "/registrations", JSON, "\"web\"", 400, "INVALID", ""),
        ("POST", "/registrations", JSON, "{}", 400, "INVALID", "`app` is missing"),
        (
            "POST",
            "/registrations",
            JSON,
            r#"{"app":"web"}"#,
            400,
            "INVALID",
            "`version` is missing",
        ),
        (
            "POST",
            "/registrations",
            JSON,
            r#"{"app":"web","version":1}"#,
            400,
            "INVALID",
            "`version` is 1",
        ),
        (
            "POST",
            "/registrations",
            JSON,
            r#"{"app":"web","version":"1"}"#,
            400,
            "INVALID",
            "`host` is missing",
        ),
        (
            "POST",
            "/registrations",
            JSON,
            r#"{"app":"web","version":"1","host":"a"}"#,
            400,
            "INVALID",
            "`port` is missing",
        ),
        (
            "POST",
            "/registrations",
            JSON,
            r#"{"app":"web","version":"1","host":"a","port":1.5}"#,
            400,
            "INVALID",
            "`port` is 1.5",
        ),
        (
            "POST",
            "/registrations",
            JSON,
            r#"{"app":"web","version":"1","host":"a","port":"0x50"}"#,
            400,
            "INVALID",
            "`port`",
        ),
        ("POST", "/registrations", "", FRONTEND, 415, "UNSUPPORTED_MEDIA_TYPE", "application/json"),
        (
            "POST",
            "/registrations",
            "Content-Type: text/plain\r\n",
            FRONTEND,
            415,
            "UNSUPPORTED_MEDIA_TYPE",
            "",
        ),
        ("PUT", "/registrations", JSON, "{}", 405, "METHOD_NOT_ALLOWED", "PUT"),
        ("PUT", "/registrations/web/1/10.0.0.1/80", JSON, "{}", 405, "METHOD_NOT_ALLOWED", ""),
        ("DELETE", "/registrations/web/2/10.0.0.1/80", "", "", 404, "NOT_FOUND", "version"),
        ("DELETE", "/registrations/web/1/10.0.0.9/80", "", "", 404, "NOT_FOUND", ""),
        ("DELETE", "/registrations/web/1/10.0.0.1/x", "", "", 400, "INVALID", "`port`"),
        ("DELETE", "/registrations/web", "", "", 405, "METHOD_NOT_ALLOWED", ""),
        ("POST", "/registrations/web/1", "", "", 405, "METHOD_NOT_ALLOWED", ""),
        ("POST", "/registrations/web", JSON, "{}", 405, "METHOD_NOT_ALLOWED", ""),
        ("GET", "/registrations/web/1/10.0.0.1", "", "", 404, "NOT_FOUND", ""),
        ("POST", "/registrations/web/1/10.0.0.1/80/more", "", "", 404, "NOT_FOUND", ""),
        ("POST", "/registrations//1/10.0.0.1/80", "", "", 400, "INVALID", "`app`"),
        (
            "GET",
            "/registrations/web/1/10.0.0.9/80",
            "",
            "",
            404,
            "NOT_FOUND",
            "no such registration",
        ),
    ]);
    hold(&server, &etcd, &rows);
    let large = format!(r#"{{"app":"web","more":"{}"}}"#, "x".repeat(70_000));
    hold(&server, &etcd, &[("POST", "/registrations", JSON, &large, 413, "TOO_LARGE", "")]);
    server.renew("web/1/10.0.0.1/80").with(200);
}

#[test]
fn backends_and_frontends() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    server.send("POST", "/frontends", FRONTEND).with(201);
    let long = "n".repeat(63);
    let long_name = format!(r#"{{"name":"{long}","app":"a","version":"1"}}"#);
    let long_app = format!(r#"{{"name":"b","app":"{long}","version":"1"}}"#);
    let long_path = format!("/backends/{long}");
    let full = r#"{"name":"b","app":"a","version":"1"}"#;
    hold(
        &server,
        &etcd,
        &[
            (
                "POST",
                "/backends",
                JSON,
                r#"{"app":"a","version":"1"}"#,
                400,
                "INVALID",
                "`name` is missing",
            ),
            (
                "POST",
                "/backends",
                JSON,
                r#"{"name":"","app":"a","version":"1"}"#,
                400,
                "INVALID",
                "`name`",
            ),
            (
                "POST",
                "/backends",
                JSON,
                r#"{"name":7,"app":"a","version":"1"}"#,
                400,
                "INVALID",
                "`name` is 7",
            ),
            (
                "POST",
                "/backends",
                JSON,
                r#"{"name":"a/b","app":"a","version":"1"}"#,
                400,
                "INVALID",
                "without `/`",
            ),
            (
                "POST",
                "/backends",
                JSON,
                r#"{"name":"b","version":"1"}"#,
                400,
                "INVALID",
                "`app` is missing",
            ),
            (
                "POST",
                "/backends",
                JSON,
                r#"{"name":"b","app":"a"}"#,
                400,
                "INVALID",
                "`version` is missing",
            ),
            (
                "POST",
                "/backends",
                JSON,
                r#"{"name":"b","app":"a","version":""}"#,
                400,
                "INVALID",
                "`version`",
            ),
            (
                "POST",
                "/backends",
                JSON,
                r#"{"resource":"Frontend","name":"b","app":"a","version":"1"}"#,
                400,
                "INVALID",
                "`resource`",
            ),
            ("POST", "/backends", JSON, &long_name, 400, "INVALID", "`name`"),
            ("POST", "/backends", JSON, &long_app, 400, "INVALID", "`app`"),
            ("POST", "/backends", JSON, "null", 400, "INVALID", ""),
            ("POST", "/backends", "", full, 415, "UNSUPPORTED_MEDIA_TYPE", ""),
            ("PUT", "/backends/x", "", full, 415, "UNSUPPORTED_MEDIA_TYPE", ""),
            ("PUT", "/backends/x", JSON, full, 400, "INVALID", "the name in the path"),
            ("PUT", "/backends/x", JSON, r#"{"app":"a"}"#, 400, "INVALID", "`version` is missing"),
            (
                "PUT",
                "/backends/x",
                JSON,
                r#"{"app":"a","version":"1"}"#,
                404,
                "NOT_FOUND",
                "_backends/x",
            ),
            (
                "PUT",
                "/backends/a%2Fb",
                JSON,
                r#"{"app":"a","version":"1"}"#,
                400,
                "INVALID",
                "without `/`",
            ),
            (
                "PUT",
                &long_path,
                JSON,
                r#"{"app":"a","version":"1"}"#,
                400,
                "INVALID",
                "62 characters",
            ),
            ("PUT", "/backends/%FF", JSON, r#"{"app":"a","version":"1"}"#, 400, "INVALID", "UTF-8"),
            ("DELETE", "/backends/a%2Fb", "", "", 404, "NOT_FOUND", "a/b"),
            ("DELETE", &long_path, "", "", 404, "NOT_FOUND", ""),
            ("DELETE", "/backends/%FF", "", "", 400, "INVALID", "UTF-8"),
            ("GET", "/backends/f", "", "", 404, "NOT_FOUND", "Backend"),
            ("GET", "/backends/%252e", "", "", 404, "NOT_FOUND", "`%2e`"),
            ("DELETE", "/backends", "", "", 405, "METHOD_NOT_ALLOWED", ""),
            ("PATCH", "/backends/x", JSON, "{}", 405, "METHOD_NOT_ALLOWED", "PATCH"),
            ("POST", "/backends/x", JSON, full, 405, "METHOD_NOT_ALLOWED", ""),
            ("POST", "/frontends", JSON, FRONTEND, 409, "CONFLICT", "_frontends/f"),
            (
                "POST",
                "/frontends",
                JSON,
                r#"{"name":"g","backend":7}"#,
                400,
                "INVALID",
                "`backend` is 7",
            ),
            (
                "POST",
                "/frontends",
                JSON,
                r#"{"name":"g","backend":["a"]}"#,
                400,
                "INVALID",
                "`backend`",
            ),
            ("PUT", "/frontends/f", JSON, r#"{"backend":{}}"#, 400, "INVALID", "`backend`"),
            ("PUT", "/frontends/f", JSON, "{", 400, "INVALID", ""),
            ("PUT", "/frontends/f", JSON, "{}", 400, "INVALID", "`backend` is missing"),
            ("PUT", "/frontends/g", JSON, r#"{"backend":null}"#, 404, "NOT_FOUND", ""),
            ("DELETE", "/frontends/g", "", "", 404, "NOT_FOUND", ""),
            ("GET", "/frontends/f/g", "", "", 404, "NOT_FOUND", ""),
        ],
    );
}

#[test]
fn writes_of_strangers_change_nothing() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    let strange = format!("{JSON}Origin: http://evil.example\r\n");
    hold(
        &server,
        &etcd,
        &[
            ("POST", "/frontends", &strange, FRONTEND, 403, "FORBIDDEN", "other sites"),
            ("POST", "/registrations/web/1/10.0.0.1/80", &strange, "", 403, "FORBIDDEN", ""),
        ],
    );
    let rebound = "POST /registrations/web/1/10.0.0.1/80 HTTP/1.1\r\nHost: evil.example\r\n\
                   Connection: close\r\n\r\n";
    exchange(server.http, rebound.as_bytes()).refuses(421, "MISDIRECTED");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("tokens");
    std::fs::write(&file, "0123456789abcdef\n").unwrap();
    let guarded = Server::start(&etcd, &["--http-token-file", file.to_str().unwrap()]);
    let right = format!("{JSON}Authorization: Bearer 0123456789abcdef\r\n");
    let wrong = format!("{JSON}Authorization: Bearer 0123456789abcdeg\r\n");
    hold(
        &guarded,
        &etcd,
        &[
            ("POST", "/registrations/web/1/10.0.0.1/80", "", "", 401, "UNAUTHORIZED", "token"),
            ("POST", "/frontends", &wrong, FRONTEND, 401, "UNAUTHORIZED", "token"),
            ("DELETE", "/frontends/f", "", "", 401, "UNAUTHORIZED", "token"),
        ],
    );
    ask(guarded.http, "POST", "/frontends", &right, FRONTEND).with(201);
    guarded.get("/frontends/f").with(200);
}
