//! `srvd list` and `srvd lookup`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Found, print, read};
use crate::authority::{self, Draw};
use crate::cli::{ListArgs, LookupArgs, LookupOutput, Output};
use crate::config::Serve;
use crate::error::Failure;
use crate::names::label;
use crate::registry::Instance;

/// Prints all services with their number of instances, or the instances of one.
///
/// # Errors
/// [`Failure::NotFound`] when a named service has no instance; [`Failure::Unreachable`]
/// when the registry is away.
pub async fn list(config: &Serve, args: &ListArgs) -> Result<(), Failure> {
    let found = read(config, args.name.as_deref()).await?;
    let Some(name) = &args.name else { return services(&found, print::form(args.output)) };
    if found.is_empty() {
        return Err(nothing(name));
    }
    match print::form(args.output) {
        Output::Json => {
            print::line(&Value::from_iter(found.iter().map(Found::to_json)).to_string())
        }
        Output::Table => rows(&found),
    }
}

/// Prints one instance, picked as DNS would.
///
/// # Errors
/// As [`list`].
pub async fn lookup(config: &Serve, args: &LookupArgs) -> Result<(), Failure> {
    let found = read(config, Some(&args.name)).await?;
    let candidates = found.iter().map(|found| &*found.instance).filter(|it| it.port.is_some());
    let picked =
        authority::pick(candidates, &mut Draw::new()).ok_or_else(|| nothing(&args.name))?;
    let is_picked = |found: &&Found| std::ptr::eq(&raw const *found.instance, picked);
    let picked = found.iter().find(is_picked).ok_or_else(|| nothing(&args.name))?;
    match print::form(args.output) {
        LookupOutput::Json => print::line(&picked.to_json().to_string()),
        LookupOutput::Address => print::line(&picked.instance.location()),
        LookupOutput::Table => rows(std::slice::from_ref(picked)),
    }
}

/// The services and how many instances each has, counted as DNS sees them: by label.
fn services(found: &[Found], form: Output) -> Result<(), Failure> {
    let mut counts = BTreeMap::<String, usize>::new();
    for found in found {
        *counts.entry(label(&found.instance.name).to_ascii_lowercase()).or_default() += 1;
    }
    if form == Output::Json {
        let objects =
            counts.iter().map(|(name, count)| json!({ "name": name, "instances": count }));
        return print::line(&Value::from_iter(objects).to_string());
    }
    print::table(
        ["NAME", "INSTANCES"],
        counts.into_iter().map(|(name, count)| [name, count.to_string()]),
    )
}

/// Instances as a table.
fn rows(found: &[Found]) -> Result<(), Failure> {
    let row = |found: &Found| {
        let Instance { name, id, priority, weight, .. } = &*found.instance;
        let place = found.instance.location();
        [
            name.to_string(),
            id.to_string(),
            place,
            priority.to_string(),
            weight.to_string(),
            found.key.clone(),
        ]
    };
    print::table(["NAME", "ID", "HOST", "PRIORITY", "WEIGHT", "KEY"], found.iter().map(row))
}

/// There is no such service.
fn nothing(name: &str) -> Failure {
    Failure::NotFound(format!("no instance of `{name}` is registered; `srvd list` shows what is"))
}
