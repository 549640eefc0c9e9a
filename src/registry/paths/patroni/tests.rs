//! Members, leaders and groups of Patroni's, as it writes them.

use super::super::tests::{instances, said};
use super::*;

/// As Patroni 4 writes it.
const MEMBER: &str = r#"{"conn_url":"postgres://10.0.0.1:5432/postgres","api_url":"http://10.0.0.1:8008/patroni","state":"running","role":"replica","version":"4.0.4","xlog_location":67393608,"replication_state":"streaming","timeline":2,"tags":{"nofailover":true,"zone":"a","nosync":false}}"#;

fn member(value: &str) -> Instance {
    let mut all = instances("demo/members/pg-1", value);
    all.pop().unwrap()
}

fn tags(instance: &Instance) -> Vec<&str> {
    instance.selectors().collect()
}

fn mark(id: &str, value: &str, is_certain: bool) -> Option<Said> {
    let place = KeyParts { name: "demo", id, is_rooted: false };
    beside(place, value.as_bytes(), is_certain).map(Result::unwrap)
}

fn names(said: Option<Said>) -> Vec<String> {
    let Some(Said::Mark(mark)) = said else { panic!("{said:?}") };
    mark.names.iter().map(|it| it.to_string()).collect()
}

#[test]
fn a_member_as_patroni_writes_it() {
    let mut one = member(MEMBER);
    assert_eq!((&*one.name, one.raw_id(), one.protocol()), ("demo", "pg-1", Some("postgres")));
    assert_eq!((one.location(), scope_of(&one)), ("10.0.0.1:5432".into(), Some("demo")));
    assert_eq!(one.path(), Some(&*path_of("demo", "pg-1")));
    assert_eq!(tags(&one), ["replica", "nofailover"]);
    set_roles(&mut one, &[Role::Standby]);
    assert_eq!(tags(&one), ["replica", "sync_standby", "nofailover"]);
    set_roles(&mut one, &[Role::Leader]);
    assert_eq!(tags(&one), ["primary", "nofailover"]);
    let mut standby = member(&MEMBER.replace("replica", "standby_leader"));
    set_roles(&mut standby, &[Role::Leader]);
    assert_eq!(tags(&standby), ["standby_leader", "nofailover"]);
    let again = MEMBER.replace("67393608", "67393999");
    assert_eq!(member(&again), member(MEMBER), "where the log stands says nothing");
    let shy = MEMBER.replace("nosync", "noloadbalance").replace("false}", "true}");
    assert_eq!(tags(&member(&shy)), ["nofailover", "noloadbalance"]);
}

#[test]
fn what_does_not_run_is_not_there() {
    for state in ["stopped", "starting", "creating replica", "crashed"] {
        let value = MEMBER.replace("running", state);
        assert_eq!(said("demo/members/pg-1", &value), Some(Ok(Said::Nothing)), "{state}");
    }
    assert_eq!(tags(&member(&MEMBER.replace("running", "streaming")))[0], "replica");
}

#[test]
fn keys_beside_the_members() {
    assert_eq!(names(mark("leader", "pg-1", false)), ["pg-1"]);
    assert_eq!(names(mark("leader", "10.0.0.1", true)), ["10.0.0.1"]);
    assert_eq!(mark("leader", "10.0.0.1:80", false), None);
    assert_eq!(mark("leader", r#"{"host":"10.0.0.1:80"}"#, false), None);
    let sync = r#"{"leader":"pg-1","sync_standby":"pg-2, pg-3","quorum":1}"#;
    assert_eq!(names(mark("sync", sync, false)), ["pg-2", "pg-3"]);
    let none = r#"{"leader":null,"sync_standby":null}"#;
    assert!(names(mark("sync", none, false)).is_empty());
    assert_eq!(mark("sync", "10.0.0.1:80", false), None);
    for (id, value) in [
        ("initialize", "7301234567890123456"),
        ("config", r#"{"ttl":30,"loop_wait":10,"postgresql":{"use_pg_rewind":true}}"#),
        (
            "history",
            r#"[[1,67393608,"no recovery target specified","2026-01-01T00:00:00+00:00","pg-1"]]"#,
        ),
        ("status", r#"{"optime":67393608,"retain_slots":["pg_1"]}"#),
        ("failover", r#"{"leader":"pg-1","member":"pg-2"}"#),
    ] {
        assert_eq!(mark(id, value, false), Some(Said::Nothing), "{id}");
    }
    assert_eq!(mark("config", "10.0.0.1:80", false), None);
    assert_eq!(said("demo/optime/leader", "67393608"), Some(Ok(Said::Nothing)));
}

#[test]
fn a_broken_document_at_such_an_id_is_not_patronis() {
    for (id, value) in [
        ("config", r#"{"host":"10.0.0.1:99999"}"#),
        ("config", r#"{"host":"10.0.0.1:80""#),
        ("status", "10.0.0.1:80:90"),
        ("failsafe", "word"),
        ("failover", ""),
        ("history", "[2001:db8::1]:x"),
        ("initialize", "10.0.0.1:x"),
    ] {
        assert_eq!(mark(id, value, false), None, "{id} {value}");
        assert_eq!(mark(id, value, true), Some(Said::Nothing), "{id} {value}");
    }
    let long = format!("[[1,1,\"{}\"]]", "x".repeat(VALUE_MAX));
    assert_eq!(mark("history", &long, false), Some(Said::Nothing));
    assert_eq!(mark("initialize", "", false), Some(Said::Nothing));
}

#[test]
fn a_citus_cluster_is_one_service_for_each_group() {
    let group = |group: &str| {
        let all = instances(&format!("demo/{group}/members/pg-1"), MEMBER);
        let [one] = &all[..] else { panic!("one") };
        assert_eq!(scope_of(one), Some(&*format!("demo/{group}")));
        assert!(one.details.as_ref().unwrap().meta.iter().any(|it| it == ("group", group)));
        one.name.to_string()
    };
    assert_eq!([group("0"), group("1"), group("12")], ["demo", "demo-1", "demo-12"]);
    let Some(Ok(Said::Mark(mark))) = said("demo/12/leader", "pg-1") else { panic!("a mark") };
    assert_eq!((&*mark.scope, mark.role), ("demo/12", Role::Leader));
    assert_eq!(said("demo/1/config", "{"), Some(Ok(Said::Nothing)));
    assert_eq!(said("demo/1/optime/leader", "7"), Some(Ok(Said::Nothing)));
    for path in ["demo/01/leader", "demo/x/leader", "demo/1/other", "demo/x/members/pg-1"] {
        assert_eq!(said(path, MEMBER), None, "{path}");
    }
}

#[test]
fn in_a_zone_of_patronis_what_is_like_its_keys_and_broken_is_a_problem() {
    let layout = crate::registry::Layout::new("/s", None).unwrap();
    let of = |only, path: &str, value: &str| {
        let layout = layout.clone().of_writer(only);
        let read = super::super::read(&layout, format!("/s/{path}").as_bytes(), value.as_bytes());
        read.map(|it| it.unwrap_err().to_string())
    };
    let place = |id| KeyParts { name: "demo", id, is_rooted: false };
    for (id, value, message) in [
        ("leader", "{}", "`leader` is {}; it must be the name of a member"),
        ("sync", "word", "`sync` is word; it must be an object with `leader` and"),
    ] {
        let fault = beside(place(id), value.as_bytes(), true).unwrap().unwrap_err().to_string();
        assert!(fault.starts_with(message), "{fault}");
        let grouped = of(Some(crate::registry::Writer::Patroni), &format!("demo/1/{id}"), value);
        assert!(grouped.unwrap().starts_with(message));
        assert_eq!(of(None, &format!("demo/1/{id}"), value), None);
    }
    let broken = of(Some(crate::registry::Writer::Patroni), "demo/members/pg-1", "word");
    assert!(broken.unwrap().starts_with("the value is not JSON"));
    assert_eq!(of(None, "demo/members/pg-1", r#"{"foo":"bar"}"#), None);
}

#[test]
fn what_cannot_be_used_says_why() {
    for (value, message) in [
        (r#"{"conn_url":"#, "the value is not JSON"),
        (r#"{"api_url":"x"}"#, "member `conn_url` is missing; it must be a url postgres://"),
        (r#"{"conn_url":7}"#, "member `conn_url` is 7; it must be a string"),
        (r#"{"conn_url":"postgres://:1/"}"#, "member `conn_url`: host `` is empty"),
        (r#"{"conn_url":"postgres://a:1/","tags":[]}"#, "member `tags` is []; it must be an"),
        (r#"{"state":7,"conn_url":""}"#, "member `state` is 7; it must be a string"),
    ] {
        let fault = said("demo/members/pg-1", value).unwrap().unwrap_err();
        assert!(fault.starts_with(message), "{value}: {fault}");
    }
}
