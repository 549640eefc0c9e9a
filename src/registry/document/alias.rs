//! bender's backends and frontends: `{"resource":"Backend","name","app","version"}` and
//! `{"resource":"Frontend","name","backend"}`. The key's NAME beats `name`.

use super::members::Members;
use super::{Fault, Shape, shown};
use crate::names::SERVICE_MAX;
use crate::registry::{Meaning, Resource};

/// What the name of an app or a backend must be.
pub(super) const NAME_WANTED: &str = "a string of 1 to 62 characters, for it becomes a DNS label";

/// Reads the value of an alias of a kind, which its key tells.
///
/// # Errors
/// [`Fault`]: what is wrong with it, and what to do.
pub fn read_alias(resource: Resource, value: &[u8]) -> Result<Meaning, Fault> {
    let Shape::Object(object) = Shape::of(value)? else {
        return Err(Fault::NotJson("an object is wanted".to_owned()));
    };
    let members = Members(&object);
    check_resource(&members, resource)?;
    members.text("name")?;
    meaning(resource, &members)
}

/// What members say that an alias of a kind stands for.
pub(super) fn meaning(resource: Resource, members: &Members<'_>) -> Result<Meaning, Fault> {
    Ok(match resource {
        Resource::Backend => Meaning::Backend {
            app: name(members, "app")?.ok_or_else(|| missing("app", NAME_WANTED))?,
            version: members.version()?,
        },
        Resource::Frontend => Meaning::Frontend { backend: backend(members)? },
    })
}

/// What `resource` must be, in words.
pub(super) const fn wanted(resource: Resource) -> &'static str {
    match resource {
        Resource::Backend => "`Backend`",
        Resource::Frontend => "`Frontend`",
    }
}

/// The document must say what its key says.
fn check_resource(members: &Members<'_>, resource: Resource) -> Result<(), Fault> {
    let wanted = wanted(resource);
    let is_wanted = |value: &serde_json::Value| (value == resource.as_str()).then_some(());
    members.read("resource", wanted, is_wanted)?.ok_or_else(|| missing("resource", wanted))
}

/// The backend that a frontend names; the empty one is none.
fn backend(members: &Members<'_>) -> Result<Option<Box<str>>, Fault> {
    match members.text("backend")? {
        Some("") => Ok(None),
        _ => name(members, "backend"),
    }
}

/// A member that is the name of something that has registrations.
fn name(members: &Members<'_>, member: &'static str) -> Result<Option<Box<str>>, Fault> {
    let Some(text) = members.text(member)? else { return Ok(None) };
    if !(1..=SERVICE_MAX).contains(&text.chars().count()) {
        let found = shown(&format!("{text:?}"));
        return Err(Fault::Member { member, found, wanted: NAME_WANTED });
    }
    Ok(Some(text.into()))
}

/// A member that must be there is not.
fn missing(member: &'static str, wanted: &'static str) -> Fault {
    Fault::Member { member, found: "missing".to_owned(), wanted }
}
