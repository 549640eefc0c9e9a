//! `srvd status`: what a running server says of itself.

use std::time::Duration;

use humantime::format_duration;
use serde_json::Value;

use super::print;
use crate::cli::{Output, StatusArgs};
use crate::config::server;
use crate::error::Failure;
use crate::options::{Common, File};

/// The exit code of a server that is not ready.
const NOT_READY: u8 = 1;

/// Prints what `/v1/status` says. Gives 0 where the server is ready, else 1.
///
/// # Errors
/// [`Failure::Unreachable`] where no server answers.
pub async fn status(args: &StatusArgs, common: &Common, file: &File) -> Result<u8, Failure> {
    let server = server(args.server.as_ref(), common, file)?;
    let status = server.get("/v1/status").await?;
    match print::form(args.output) {
        Output::Json => print::object(&status)?,
        Output::Table => {
            print::lines(summary(&server.to_string(), &status))?;
            print::table(HEADINGS, zones(&status).map(row))?;
            print::lines(findings(&status))?;
        }
    }
    Ok(if status["ready"] == true { 0 } else { NOT_READY })
}

/// The columns of zones.
const HEADINGS: [&str; 8] =
    ["ZONE", "STATE", "SERVICES", "INSTANCES", "PROBLEMS", "HELD", "SERIAL", "CONFIRMED"];

/// The lines about the server itself.
fn summary(server: &str, status: &Value) -> Vec<String> {
    let state = match (status["ready"] == true, status["draining"] == true) {
        (_, true) => "draining",
        (true, _) => "ready",
        _ => "not ready",
    };
    let text = |key: &str| status[key].as_str().unwrap_or("unknown").to_owned();
    let up = format_duration(Duration::from_secs(number(&status["uptime"])));
    let lines = [format!("{server}: {state}"), format!("version {}, up {up}", text("version"))];
    let reload = &status["reload"];
    let word = if reload["fault"].is_null() { "reloaded" } else { "not reloaded" };
    let reloaded = reload["at"].as_str().map(|at| format!("configuration {word} at {at}"));
    lines.into_iter().chain(reloaded).collect()
}

/// The zones of a status.
fn zones(status: &Value) -> impl Iterator<Item = &Value> {
    status["zones"].as_array().into_iter().flatten()
}

/// The row of a zone.
fn row(zone: &Value) -> [String; 8] {
    let count = |key: &str| number(&zone[key]).to_string();
    let text = |key: &str| zone[key].as_str().unwrap_or_default().to_owned();
    let age = zone["age"].as_f64().map(|age| Duration::from_secs(age as u64));
    let confirmed =
        age.map_or_else(|| "–".to_owned(), |age| format!("{} ago", format_duration(age)));
    let instances = number(&zone["instances"]) + number(&zone["entries"]);
    [
        text("zone"),
        text("standing"),
        count("services"),
        instances.to_string(),
        count("problems"),
        count("held"),
        count("serial"),
        confirmed,
    ]
}

/// What is not as usual, in the server's words.
fn findings(status: &Value) -> impl Iterator<Item = String> {
    let findings = status["findings"].as_array().into_iter().flatten();
    findings.filter_map(|finding| {
        let text = finding["text"].as_str()?;
        Some(match finding["zone"].as_str() {
            Some(zone) => format!("{zone}: {text}"),
            None => text.to_owned(),
        })
    })
}

/// A number of a status.
fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}
