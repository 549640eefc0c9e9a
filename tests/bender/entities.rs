//! Backends and frontends: made, replaced, removed, and what DNS makes of them.

use serde_json::json;

use super::Server;
use crate::support::etcd::Etcd;
use crate::support::eventually;

#[test]
fn a_backend_comes_and_goes() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    let blue = r#"{"name":"blue","app":"web","version":"1.0.0"}"#;
    let shown = json!({"resource":"Backend","name":"blue","app":"web","version":"1.0.0"});
    server.get("/backends/blue").refuses(404, "NOT_FOUND");
    assert_eq!(server.get("/backends").with(200), json!([]));
    server.send("PUT", "/backends/blue", blue).refuses(404, "NOT_FOUND");
    server.ask("DELETE", "/backends/blue").refuses(404, "NOT_FOUND");
    let made = server.send("POST", "/backends", blue);
    assert_eq!(made.field("Location"), Some("/backends/blue"));
    assert_eq!(made.with(201), shown);
    assert_eq!(server.get("/backends/blue").with(200), shown);
    assert_eq!(server.get("/backends").with(200), json!([shown]));
    let stored = server.key("/services/_backends/blue").unwrap();
    assert_eq!((stored.value.as_str(), stored.lease), (&*shown_line(blue), 0));
    server.send("POST", "/backends", blue).refuses(409, "CONFLICT");
    let green = server.send("PUT", "/backends/blue", r#"{"app":"web","version":"2"}"#).with(200);
    assert_eq!(green, json!({"resource":"Backend","name":"blue","app":"web","version":"2"}));
    assert_eq!(server.get("/backends/blue").with(200), green);
    // The same once more is no change, and is answered all the same.
    server.send("PUT", "/backends/blue", r#"{"app":"web","version":"2"}"#).with(200);
    server.ask("DELETE", "/backends/blue").with(204);
    server.get("/backends/blue").refuses(404, "NOT_FOUND");
    assert_eq!(server.key("/services/_backends/blue"), None);
}

/// The document of what was posted.
fn shown_line(posted: &str) -> String {
    posted.replacen('{', r#"{"resource":"Backend","#, 1)
}

#[test]
fn a_frontend_may_come_before_its_backend() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    let made = server.send("POST", "/frontends", r#"{"name":"www"}"#);
    assert_eq!(made.field("Location"), Some("/frontends/www"));
    assert_eq!(made.with(201), json!({"resource":"Frontend","name":"www"}));
    server.send("POST", "/frontends", r#"{"name":"www"}"#).refuses(409, "CONFLICT");
    assert!(server.dig("SRV _www._tcp.services.internal").is_empty());
    server.send("PUT", "/frontends/www", r#"{"name":"www","backend":"later"}"#).with(200);
    assert!(server.dig("SRV _www._tcp.services.internal").is_empty());
    server.renew("web/1/10.0.0.1/80").with(200);
    server.send("POST", "/backends", r#"{"name":"later","app":"web","version":"1"}"#).with(201);
    assert_eq!(server.dig("A www.services.internal"), ["10.0.0.1"]);
    server.ask("DELETE", "/frontends/www").with(204);
    server.ask("DELETE", "/frontends/www").refuses(404, "NOT_FOUND");
    assert!(server.dig("A www.services.internal").is_empty());
}

#[test]
fn one_put_moves_what_dns_answers() {
    let etcd = Etcd::start();
    let (server, other) = (Server::start(&etcd, &[]), Server::start(&etcd, &[]));
    for (color, version, address) in [("blue", "1", "10.0.0.1"), ("green", "2", "10.0.0.2")] {
        server.renew(&format!("web/{version}/{address}/80")).with(200);
        let backend = json!({"name": color, "app": "web", "version": version});
        server.send("POST", "/backends", &backend.to_string()).with(201);
    }
    server.send("POST", "/frontends", r#"{"name":"www","backend":"blue"}"#).with(201);
    for turn in 0..20 {
        let (color, address) =
            if turn % 2 == 0 { ("green", "10.0.0.2") } else { ("blue", "10.0.0.1") };
        let body = json!({ "backend": color }).to_string();
        server.send("PUT", "/frontends/www", &body).with(200);
        // Here it is true when the reply comes, there a moment later.
        assert_eq!(server.dig("A www.services.internal"), [address], "turn {turn}");
        assert!(eventually(|| other.dig("A www.services.internal") == [address]), "turn {turn}");
        assert_eq!(other.get("/frontends/www").with(200)["backend"], color);
    }
}

#[test]
fn what_others_put_is_shown_and_can_be_repaired() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    server.etcdctl(&["put", "/services/_backends/all", r#"{"resource":"Backend","app":"web"}"#]);
    assert!(eventually(|| server.get("/backends/all").status == 200));
    let all = json!({"resource":"Backend","name":"all","app":"web"});
    assert_eq!(server.get("/backends/all").with(200), all, "without a version all are meant");
    server.etcdctl(&["put", "/services/_frontends/www", "nonsense"]);
    assert!(eventually(|| server.get("/v1/problems").body.as_array().unwrap().len() == 1));
    server.get("/frontends/www").refuses(404, "NOT_FOUND");
    let message = server.send("POST", "/frontends", r#"{"name":"www"}"#).refuses(409, "CONFLICT");
    assert!(message.contains("PUT replaces it"), "{message}");
    server.send("PUT", "/frontends/www", r#"{"backend":"all"}"#).with(200);
    assert_eq!(server.get("/frontends/www").with(200)["backend"], "all");
    assert_eq!(server.get("/v1/problems").with(200), json!([]));
}

#[test]
fn names_are_any_text_and_one_of_them_has_a_label() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd, &[]);
    let made = server.send("POST", "/frontends", r#"{"name":"Größe 100%?"}"#);
    let location = made.field("Location").unwrap().to_owned();
    assert_eq!(location, "/frontends/Gr%C3%B6%C3%9Fe%20100%25%3F");
    made.with(201);
    assert_eq!(server.get(&location).with(200)["name"], "Größe 100%?");
    assert!(server.key("/services/_frontends/Größe 100%?").is_some());
    let message =
        server.send("POST", "/frontends", r#"{"name":"gr--e-100--"}"#).refuses(409, "CONFLICT");
    assert!(message.contains("the same name in DNS"), "{message}");
    server.ask("DELETE", &location).with(204);
    server.send("POST", "/frontends", r#"{"name":"gr--e-100--"}"#).with(201);
}
