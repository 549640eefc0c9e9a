//! Patroni: `SCOPE/members/NAME`, `SCOPE/leader` and `SCOPE/sync` below `/service`; of a Citus
//! cluster, `SCOPE/GROUP/members/NAME` and so on, group 0 being the coordinator.
//!
//! A member is `{"conn_url":"postgres://10.0.0.1:5432/postgres","api_url":…,"state":"running",
//! "role":"replica","tags":{"nofailover":true},…}`; the leader's key holds its name, and the sync
//! key `{"leader":"a","sync_standby":"b,c"}`. The service is SCOPE, and of the workers of a Citus
//! cluster SCOPE-GROUP: programs connect to the coordinator, as to a cluster of any other kind.
//! Which member is what, is told by tags:
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
//! (`config`, `history`, `status`, …) are Patroni's own, where their value is not a broken
//! document of an instance that has such an id.

use serde_json::{Map, Value};

use super::{KeyPath, Reading, Said};
use crate::names::{ID_MAX, VALUE_MAX};
use crate::registry::document::{self, Document, Fault, Members};
use crate::registry::{Instance, KeyParts};

/// What stands between a scope and a member.
const MEMBERS: &str = "members";
/// What every member's document has, or one that was cut.
const MEMBER_HAS: [&str; 2] = ["\"conn_url\"", "\"api_url\""];
/// The group that programs connect to.
const COORDINATOR: &str = "0";
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
/// What a leader's key must hold.
const LEADER_WANTED: &str = "the name of a member";
/// What a sync key must hold.
const SYNC_WANTED: &str = "an object with `leader` and `sync_standby`";
/// Octets of a value that are looked at to show it; fewer are shown.
const SHOWN: usize = 400;
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

/// Reads a member, or a key beside the members of a Citus cluster's group.
pub(super) fn read(path: KeyPath<'_>, value: &[u8]) -> Option<Reading> {
    let segments = path.segments().map(|[scope, folder, name]| (scope, None, folder, name));
    let grouped = || path.segments().map(|[scope, group, of, name]| (scope, Some(group), of, name));
    let (scope, group, folder, name) = segments.or_else(grouped)?;
    if group.is_some_and(|group| !is_group(group)) {
        return None;
    }
    match (folder, name) {
        ("optime", "leader") => Some(Ok(Said::Nothing)),
        (MEMBERS, name) => {
            let is_one = path.is_certain || MEMBER_HAS.iter().any(|it| has(value, it));
            is_one.then(|| member(path, (scope, group, name), value))
        }
        (folder, id) if group.is_none() && is_group(folder) => {
            let name = &path.text[..path.text.len() - id.len() - 1];
            let place = KeyParts { name, id, is_rooted: path.is_rooted };
            beside_members(place, value, path.is_certain)
        }
        _ => None,
    }
}

/// Whether a segment is the number of a Citus cluster's group.
fn is_group(segment: &str) -> bool {
    segment.bytes().all(|it| it.is_ascii_digit()) && (segment == "0" || !segment.starts_with('0'))
}

/// Whether a value has a text in it.
fn has(value: &[u8], text: &str) -> bool {
    let looked_at = &value[..value.len().min(VALUE_MAX)];
    looked_at.windows(text.len()).any(|it| it == text.as_bytes())
}

/// A member, unless it does not run.
fn member(
    path: KeyPath<'_>,
    (scope, group, name): (&str, Option<&str>, &str),
    value: &[u8],
) -> Reading {
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
    let of_group = group.map(|group| ("group".into(), group.into()));
    document.details.meta = role.into_iter().chain(of_group).chain(tags).collect();
    let workers = group.filter(|group| *group != COORDINATOR);
    let service = workers.map_or_else(|| scope.to_owned(), |group| format!("{scope}-{group}"));
    let mut instance = path.instance(&service, name, document)?;
    set_roles(&mut instance, &[]);
    Ok(Said::one(instance))
}

/// A value of a tag as text.
fn word(value: &Value) -> Box<str> {
    value.as_str().map_or_else(|| document::shown(&value.to_string()).into(), Into::into)
}

/// Reads a key NAME/ID that may stand beside members. What could as well be an instance
/// (`SCOPE/leader` at an address), or be meant to be one, is Patroni's only in a zone of Patroni's.
pub(super) fn beside(place: KeyParts<'_>, value: &[u8], is_certain: bool) -> Option<Reading> {
    if is_certain {
        return beside_members(place, value, true);
    }
    let is_own = match place.id {
        "leader" => !has(value, ":") && document::read(value).is_err(),
        "sync" => true,
        id => OTHERS.contains(&id) && is_others(id, value),
    };
    if is_own { beside_members(place, value, false) } else { None }
}

/// Whether the value at a key of [`OTHERS`] is Patroni's, and no broken document of an instance.
fn is_others(id: &str, value: &[u8]) -> bool {
    let text = value.trim_ascii();
    match id {
        "initialize" => text.iter().all(u8::is_ascii_digit),
        "history" => text.starts_with(b"[[") || text == b"[]",
        _ => {
            let is_unknown =
                || matches!(document::read(value), Err(Fault::Unknown | Fault::TooLarge { .. }));
            text.starts_with(b"{") && is_unknown()
        }
    }
}

/// Reads a key beside the members: who leads, who is waited for, or nothing that is of use
/// here. In a zone of Patroni's, what is neither is at fault.
fn beside_members(place: KeyParts<'_>, value: &[u8], is_certain: bool) -> Option<Reading> {
    let (role, names, wanted) = match place.id {
        "leader" => (Role::Leader, leader(value), LEADER_WANTED),
        "sync" => (Role::Standby, standbys(value), SYNC_WANTED),
        id => return OTHERS.contains(&id).then_some(Ok(Said::Nothing)),
    };
    let (scope, is_rooted) = (place.name.into(), place.is_rooted);
    match names {
        Some(names) => Some(Ok(Said::Mark(Mark { scope, is_rooted, role, names }))),
        None if is_certain => {
            let found = String::from_utf8_lossy(&value[..value.len().min(SHOWN)]);
            Some(Err(Fault::at(place.id, &found, wanted).into()))
        }
        None => None,
    }
}

/// The name in a leader's key, if it is one.
fn leader(value: &[u8]) -> Option<Box<[Box<str>]>> {
    let name = std::str::from_utf8(value).ok()?.trim();
    let is_name = !name.is_empty() && !name.starts_with('{') && name.len() <= ID_MAX;
    is_name.then(|| [name.into()].into())
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
mod tests;
