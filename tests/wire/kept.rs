//! Names that are known to exist because their answer is kept.

use hickory_proto::rr::RecordType;
use srvd::authority::{Resolved, resolve, resolve_kept};
use srvd::index::Node;
use srvd::names::WireName;
use srvd::wire::{Fast, Peer, Policy, View};

use super::example;
use super::messages::{A, CLIENT, Query};
use crate::fixture::{Fixture, settings_of_file};

/// The target of an SRV record.
const TARGET: &str = "10-0-0-1.web.services.internal";

/// What stands at a name: found in the usual way, or by an answer that is kept.
fn node(fixture: &Fixture, name: &str, is_kept: bool) -> String {
    let (generation, name) = (fixture.index.load(), WireName::from_text(name).unwrap());
    let resolved = match is_kept {
        true => resolve_kept(&generation, &name, RecordType::A),
        false => resolve(&generation, &name),
    };
    match resolved {
        Resolved::Existing(_, Node::Address(..)) => "address".to_owned(),
        Resolved::Existing(_, Node::Instance(_)) => "instance".to_owned(),
        Resolved::Existing(_, Node::Static(_)) => "static".to_owned(),
        Resolved::Existing(..) => "another".to_owned(),
        _ => "none".to_owned(),
    }
}

/// What stands at the target, in both ways, after it was asked for.
fn nodes(fixture: &Fixture) -> [String; 2] {
    let (mut reply, query) = ([0; 1232], Query::new(TARGET, A).bytes());
    let (generation, policy) = (fixture.index.load(), Policy::default());
    let view = View { generation: &generation, policy: &policy };
    Fast::default().respond(view, &query, Peer::udp(CLIENT), &mut reply);
    [false, true].map(|is_kept| node(fixture, TARGET, is_kept))
}

#[test]
fn an_answer_tells_that_its_name_exists() {
    let fixture = example();
    assert_eq!(node(&fixture, TARGET, true), "address");
    assert_eq!(nodes(&fixture), ["address", "instance"]);
}

#[test]
fn what_changed_is_looked_for_again() {
    let mut fixture = example();
    nodes(&fixture);
    fixture.put("web/new", "10.0.0.77:80");
    assert_eq!(node(&fixture, TARGET, true), "address");
    nodes(&fixture);
    fixture.delete("web/1");
    assert_eq!(node(&fixture, TARGET, true), node(&fixture, TARGET, false));
}

#[test]
fn an_alias_that_hides_the_service_comes_first() {
    let mut fixture = example();
    nodes(&fixture);
    fixture.put("_backends/web", r#"{"resource":"Backend","app":"other"}"#);
    assert_eq!(nodes(&fixture), ["address", "address"]);
}

#[test]
fn a_record_of_the_zone_file_comes_first() {
    let text = format!("{TARGET}. 5 IN A 10.9.9.9\n");
    let mut fixture = Fixture::unlisted(vec![settings_of_file("services.internal.", &text, false)]);
    fixture.list(1);
    fixture.put("web/1", "10.0.0.1:80");
    assert_eq!(nodes(&fixture), ["static", "static"]);
}

#[test]
fn a_name_of_one_label_is_below_no_service() {
    let mut fixture = Fixture::new(".");
    fixture.put("web/1", "10.0.0.1:80");
    assert_eq!(node(&fixture, "dns", true), node(&fixture, "dns", false));
    assert_eq!(node(&fixture, "web", true), "another");
}
