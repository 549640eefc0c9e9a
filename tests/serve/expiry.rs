//! Old answers end where somebody wants them to.

use hickory_proto::op::ResponseCode;

use super::server::Server;
use super::writer::{Writer, instances};
use crate::support::etcd::Etcd;
use crate::support::eventually;

#[test]
fn past_max_stale_nothing_is_answered_until_etcd_is_back() {
    let mut etcd = Etcd::start();
    Writer::new(&etcd.url()).put_all(&instances("web", 3));
    let text = format!("registry = {:?}\nmax-stale = \"3s\"", etcd.url());
    let server = Server::with_file(&text).ready();
    server.wait_for("A web.services.internal", &["10.0.0.0", "10.0.0.1", "10.0.0.2"]);
    etcd.kill9();
    let questions = [
        "A web.services.internal",
        "SRV _web._tcp",
        "A nothing.services.internal",
        "SOA services.internal",
        "SOA _tcp",
    ];
    let refused = (ResponseCode::ServFail, Some(14));
    assert!(eventually(|| questions.iter().all(|it| server.ask(it).outcome() == refused)));
    for form in ["+tcp", "+notcp", "+noedns", "+tcp +noedns", "+nsid"] {
        let text = server.dig(&format!("{form} A web.services.internal"));
        assert!(text.contains("status: SERVFAIL"), "{form}: {text}");
        let says_why = text.contains("EDE: 14 (Not Ready)");
        assert_eq!(says_why, !form.contains("noedns"), "{form}: {text}");
    }
    assert_eq!(server.ask("A example.com").code, ResponseCode::Refused);
    etcd.restart();
    let is_back =
        || server.ask("A web.services.internal").outcome() == (ResponseCode::NoError, None);
    assert!(eventually(is_back));
    assert_eq!(server.ask("A web.services.internal").answers.len(), 3);
}

/// A registry that is there and has nothing to say is asked often enough.
#[test]
fn a_quiet_registry_is_not_taken_for_a_silent_one() {
    let etcd = Etcd::start();
    Writer::new(&etcd.url()).put("/services/web/1", "10.0.0.1:80");
    let text = format!("registry = {:?}\nmax-stale = \"5s\"", etcd.url());
    let server = Server::with_file(&text).ready();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(11);
    while std::time::Instant::now() < until {
        assert_eq!(server.ask("A web.services.internal").answers, ["10.0.0.1"]);
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}
