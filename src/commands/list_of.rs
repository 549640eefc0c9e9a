//! `srvd list --server`: what a running server has, page by page.

use std::collections::BTreeMap;

use serde_json::Value;

use super::list::{HEADINGS, counted};
use super::print;
use crate::cli::Output;
use crate::error::Failure;
use crate::names::percent_encoded;
use crate::remote::ServerUrl;

/// What is asked for at once: the most that a page has.
const PAGE: &str = "limit=1000";
/// Pages that are read: a server has no more instances than this many pages hold.
const PAGES_MAX: usize = 100_000;

/// Prints all services of a server with their number of instances, or the instances of one.
///
/// # Errors
/// [`Failure::NotFound`] when a named service has no instance; [`Failure::Unreachable`] when no
/// server answers.
pub async fn list_of(
    server: &ServerUrl,
    name: Option<&str>,
    output: Option<Output>,
) -> Result<(), Failure> {
    let form = print::form(output);
    let Some(name) = name else {
        return counted(counts(&pages(server, "/v1/services", "services").await?), form);
    };
    let path = format!("/v1/services/{}", percent_encoded(name));
    let instances = pages(server, &path, "instances").await?;
    match form {
        Output::Json => print::object(&Value::Array(instances)),
        Output::Table => print::table(HEADINGS, instances.iter().map(row)),
    }
}

/// The values of a list, of all pages.
async fn pages(server: &ServerUrl, path: &str, list: &str) -> Result<Vec<Value>, Failure> {
    let (mut all, mut after) = (Vec::new(), String::new());
    for _ in 0..PAGES_MAX {
        let mut page = server.get(&format!("{path}?{PAGE}{after}")).await?;
        if let Value::Array(values) = page[list].take() {
            all.extend(values);
        }
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={}", percent_encoded(next));
    }
    Ok(all)
}

/// How many instances each service has, in all zones together.
fn counts(services: &[Value]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::<String, usize>::new();
    for service in services.iter().filter(|it| it["alias"].is_null()) {
        let name = service["name"].as_str().unwrap_or_default();
        let count = service["instances"].as_u64().unwrap_or_default();
        *counts.entry(name.to_owned()).or_default() += count as usize;
    }
    counts
}

/// The row of an instance.
fn row(instance: &Value) -> [String; 6] {
    let text = |key: &str| match &instance[key] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let host = if instance["host"].is_null() { text("hostname") } else { text("host") };
    [text("name"), text("id"), host, text("priority"), text("weight"), text("key")]
}
