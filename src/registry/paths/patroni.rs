//! Patroni: `SCOPE/members/NAME`, `SCOPE/leader` and `SCOPE/sync` below `/service`.
//!
//! A member is `{"conn_url":"postgres://10.0.0.1:5432/postgres","api_url":…,"state":"running",
//! "role":"replica","tags":{"nofailover":true},…}`; the leader's key holds its name, and the sync
//! key `{"leader":"a","sync_standby":"b,c"}`. The service is SCOPE. Which member is what, is
//! told by tags:
//!
//! | tag | member |
//! | --- | --- |
//! | `primary` | the one that the leader's key names, whatever its own document says yet |
//! | `standby_leader` | the same in a cluster that follows another, as its own document says |
//! | `replica` | any other, without `noloadbalance` |
//! | `sync_standby` | one that the sync key names, and that is a `replica` |
//! | `nofailover`, `noloadbalance` | those that say so |
//!
//! What does not run (`state`) is not there. Where the log stands is written every few seconds,
//! and is left out, so that nothing changes while nothing does. Other keys beside these
//! (`config`, `history`, `status`, …) are Patroni's own.

use serde_json::{Map, Value};

use super::{KeyPath, Reading, Said};
use crate::names::ID_MAX;
use crate::registry::document::{self, Document, Fault, Members};
use crate::registry::{Instance, KeyParts};

/// What stands between a scope and a member.
const MEMBERS: &str = "members";
/// Keys of a scope that concern nobody here.
const OTHERS: [&str; 6] = ["config", "failover", "failsafe", "history", "initialize", "status"];
/// States of a member that takes connections.
const RUNNING: [&str; 3] = ["running", "streaming", "in archive recovery"];
/// The role of the one that takes writes.
const PRIMARY: &str = "primary";
/// The role of one that leads a cluster which follows another, in its own document too.
const STANDBY_LEADER: &str = "standby_leader";
/// The role of a member that follows.
const REPLICA: &str = "replica";
/// The role of one that the leader waits for.
const SYNC_STANDBY: &str = "sync_standby";
/// A member that must not become the leader.
const NO_FAILOVER: &str = "nofailover";
/// A member that must not be read from.
const NO_LOAD_BALANCE: &str = "noloadbalance";
/// Members of a sync key that are read: more than any cluster has.
const STANDBYS_MAX: usize = 64;

/// The role that a key gives to members beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::registry) struct Mark {
    /// What the keys of its members begin with below the base.
    pub(in crate::registry) scope: Box<str>,
    /// Whether a slash stands before it although the prefix is empty.
    pub(in crate::registry) is_rooted: bool,
    /// Which role it gives.
    pub(in crate::registry) role: Role,
    /// To whom.
    pub(in crate::registry) names: Box<[Box<str>]>,
}

/// A role that a key gives to members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::registry) enum Role {
    /// `SCOPE/leader`
    Leader,
    /// `SCOPE/sync`
    Standby,
}

/// Reads a member, or a key of Patroni's of which nothing is read.
pub(super) fn read(path: KeyPath<'_>, value: &[u8]) -> Option<Reading> {
    let [scope, folder, name] = path.segments()?;
    if (folder, name) == ("optime", "leader") {
        return Some(Ok(Said::Nothing));
    }
    let is_one = folder == MEMBERS && value.trim_ascii_start().starts_with(b"{");
    is_one.then(|| member(path, [scope, name], value))
}

/// A member, unless it does not run.
fn member(path: KeyPath<'_>, [scope, name]: [&str; 2], value: &[u8]) -> Reading {
    let text = document::text_of(value)?;
    let object: Map<String, Value> =
        serde_json::from_str(text).map_err(|it| Fault::NotJson(it.to_string()))?;
    let members = Members::of(&object);
    let state = members.text("state")?;
    if state.is_some_and(|state| !RUNNING.contains(&state)) {
        return Ok(Said::Nothing);
    }
    let missing = Fault::Missing { member: "conn_url", wanted: "a url postgres://HOST:PORT/…" };
    let url = members.text("conn_url")?.ok_or(missing)?;
    let (scheme, (host, port)) = document::url(url).map_err(document::within("conn_url"))?;
    let mut document = Document::at(host, port);
    document.details.protocol = scheme.map(Into::into);
    let role = members.text("role")?.map(|role| ("role".into(), role.into()));
    let tags = members.read("tags", "an object", Value::as_object)?;
    let tags = tags.into_iter().flatten().map(|(name, value)| (name.as_str().into(), word(value)));
    document.details.meta = role.into_iter().chain(tags).collect();
    let mut instance = path.instance(scope, name, document)?;
    set_roles(&mut instance, &[]);
    Ok(Said::one(instance))
}

/// A value of a tag as text.
fn word(value: &Value) -> Box<str> {
    value.as_str().map_or_else(|| document::shown(&value.to_string()).into(), Into::into)
}

/// Reads a key beside the members: who leads, who is waited for, or nothing that is of use
/// here. What could as well be an instance (`SCOPE/leader` at an address) is Patroni's only in a
/// zone of Patroni's.
pub(super) fn beside(place: KeyParts<'_>, value: &[u8], is_certain: bool) -> Option<Said> {
    let mark = |role, names| {
        Said::Mark(Mark { scope: place.name.into(), is_rooted: place.is_rooted, role, names })
    };
    match place.id {
        "leader" => {
            let name = std::str::from_utf8(value).ok()?.trim();
            let is_name = !name.is_empty() && !name.starts_with('{') && name.len() <= ID_MAX;
            let is_one = is_certain || !name.contains(':') && document::read(value).is_err();
            (is_name && is_one).then(|| mark(Role::Leader, [name.into()].into()))
        }
        "sync" => standbys(value).map(|names| mark(Role::Standby, names)),
        id if OTHERS.contains(&id) => {
            (is_certain || document::read(value).is_err()).then_some(Said::Nothing)
        }
        _ => None,
    }
}

/// The names in a sync key, if it is one.
fn standbys(value: &[u8]) -> Option<Box<[Box<str>]>> {
    let object: Map<String, Value> = serde_json::from_str(document::text_of(value).ok()?).ok()?;
    object.get("leader")?;
    let names = object.get("sync_standby")?.as_str().unwrap_or_default();
    let names = names.split(',').map(str::trim).filter(|it| !it.is_empty());
    Some(names.take(STANDBYS_MAX).map(Into::into).collect())
}

/// The scope of a member, if an instance is one.
pub(in crate::registry) fn scope_of(instance: &Instance) -> Option<&str> {
    let folder = instance.path()?.strip_suffix(instance.raw_id())?;
    folder.strip_suffix('/')?.strip_suffix(MEMBERS)?.strip_suffix('/')
}

/// The path of a member below the base.
pub(in crate::registry) fn path_of(scope: &str, name: &str) -> String {
    format!("{scope}/{MEMBERS}/{name}")
}

/// Gives a member the tags of its roles.
pub(in crate::registry) fn set_roles(member: &mut Instance, roles: &[Role]) {
    let details = member.details.get_or_insert_default();
    let says = |tag: &str| details.meta.iter().any(|pair| pair == (tag, "true"));
    let is_leader = roles.contains(&Role::Leader);
    let is_replica = !is_leader && !says(NO_LOAD_BALANCE);
    let is_standby = details.meta.iter().any(|pair| pair == ("role", STANDBY_LEADER));
    let tags = [
        (PRIMARY, is_leader && !is_standby),
        (STANDBY_LEADER, is_leader && is_standby),
        (REPLICA, is_replica),
        (SYNC_STANDBY, is_replica && roles.contains(&Role::Standby)),
        (NO_FAILOVER, says(NO_FAILOVER)),
        (NO_LOAD_BALANCE, says(NO_LOAD_BALANCE)),
    ];
    let tags = tags.into_iter().filter(|(_, has)| *has).map(|(tag, _)| tag.into());
    details.tags = tags.collect();
}

#[cfg(test)]
mod tests {
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
        beside(place, value.as_bytes(), is_certain)
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
    fn what_cannot_be_used_says_why() {
        for (value, message) in [
            ("{", "the value is not JSON"),
            ("{}", "member `conn_url` is missing; it must be a url postgres://HOST:PORT/"),
            (r#"{"conn_url":7}"#, "member `conn_url` is 7; it must be a string"),
            (r#"{"conn_url":"postgres://:1/"}"#, "member `conn_url`: host `` is empty"),
            (r#"{"conn_url":"postgres://a:1/","tags":[]}"#, "member `tags` is []; it must be an"),
            (r#"{"state":7}"#, "member `state` is 7; it must be a string"),
        ] {
            let fault = said("demo/members/pg-1", value).unwrap().unwrap_err();
            assert!(fault.starts_with(message), "{value}: {fault}");
        }
    }
}
