//! `srvd list` and `srvd lookup`.

use serde_json::Value;

use super::source::{Found, Source, counted};
use super::{leases, print};
use crate::authority::{self, Draw};
use crate::cli::{ListArgs, LookupArgs, LookupOutput, Output};
use crate::error::Failure;
use crate::names::shown;

/// The columns of instances.
const HEADINGS: [&str; 10] =
    ["NAME", "ID", "HOST", "PRIORITY", "WEIGHT", "VERSION", "TAGS", "LEASE", "ZONE", "KEY"];

/// What stands in a cell where there is nothing to say.
const NOTHING: &str = "–";

/// Prints all services with their number of instances, or the instances of one.
///
/// # Errors
/// [`Failure::NotFound`] when a named service has no instance; [`Failure::Unreachable`]
/// when nobody answers.
pub async fn list(mut source: Source, args: &ListArgs) -> Result<(), Failure> {
    let form = print::form(args.output);
    let Some(name) = &args.name else {
        let counts = source.services().await?;
        return match form {
            Output::Json => print::object(&counted(&counts)),
            Output::Table => {
                let row = |((name, zone), count): ((String, String), usize)| {
                    [name, count.to_string(), zone]
                };
                print::table(["NAME", "INSTANCES", "ZONE"], counts.into_iter().map(row))
            }
        };
    };
    let mut found = source.instances(name).await?;
    if found.instances.is_empty() {
        return Err(nothing(name, &found));
    }
    source.add_leases(&mut found).await;
    match form {
        Output::Json => print::object(&Value::Array(found.instances)),
        Output::Table => rows(&source, &found.instances),
    }
}

/// Prints one instance, picked as DNS would.
///
/// # Errors
/// As [`list`].
pub async fn lookup(mut source: Source, args: &LookupArgs) -> Result<(), Failure> {
    let mut found = source.instances(&args.name).await?;
    if found.instances.is_empty() {
        return Err(nothing(&args.name, &found));
    }
    let all = std::mem::take(&mut found.instances).into_iter();
    let candidates = all.filter(|it| !it["port"].is_null());
    let number = |it: &Value, key: &str| it[key].as_u64().unwrap_or_default();
    let rank = |it: &Value| (number(it, "priority") as u16, number(it, "weight"));
    let picked = authority::pick_by(candidates, rank, &mut Draw::new());
    found.instances.push(picked.ok_or_else(|| without_port(&args.name))?);
    let form = print::form(args.output);
    if form == LookupOutput::Address {
        return print::line(&text(&found.instances[0], "host"));
    }
    source.add_leases(&mut found).await;
    match form {
        LookupOutput::Json => print::object(&found.instances[0]),
        _ => rows(&source, &found.instances),
    }
}

/// Instances as a table.
fn rows(source: &Source, instances: &[Value]) -> Result<(), Failure> {
    let is_known = matches!(source, Source::Registry(_));
    let or_nothing = |text: String| if text.is_empty() { NOTHING.to_owned() } else { text };
    let row = |it: &Value| {
        let [name, id, host, priority, weight, version, zone, key] =
            ["name", "id", "host", "priority", "weight", "version", "zone", "key"]
                .map(|member| text(it, member));
        let (version, tags) = (or_nothing(version), or_nothing(tags(it)));
        let lease = leases::words(it, is_known);
        [name, id, host, priority, weight, version, tags, lease, zone, key]
    };
    print::table(HEADINGS, instances.iter().map(row))
}

/// A member in words.
fn text(instance: &Value, member: &str) -> String {
    match &instance[member] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// The tags of an instance.
fn tags(instance: &Value) -> String {
    let tags = instance["tags"].as_array().into_iter().flatten();
    tags.filter_map(Value::as_str).collect::<Vec<_>>().join(",")
}

/// There is no such service; maybe another was meant.
fn nothing(name: &str, found: &Found) -> Failure {
    let hint = match &found.near {
        Some(near) => format!("there is `{near}`"),
        None => "`srvd list` shows what is".to_owned(),
    };
    Failure::NotFound(format!("no instance of `{}` is registered; {hint}", shown(name)))
}

/// There are instances that nobody can connect to.
fn without_port(name: &str) -> Failure {
    let name = shown(name);
    Failure::NotFound(format!("no instance of `{name}` has a port; `srvd list {name}` shows them"))
}
