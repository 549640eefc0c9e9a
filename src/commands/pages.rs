//! Lists of a running server, page by page.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::error::Failure;
use crate::names::percent_encoded;
use crate::remote::ServerUrl;
use crate::telemetry::progress;

/// What is asked for at once: the most that a page has.
const PAGE: &str = "limit=1000";
/// Pages that are read: a server has no more instances than this many pages hold.
const PAGES_MAX: usize = 100_000;

/// The values of a list, of all pages, of one zone or of all of them.
pub(super) async fn pages(
    server: &ServerUrl,
    path: &str,
    list: &str,
    zone: Option<&str>,
) -> Result<Vec<Value>, Failure> {
    let zone = zone.map(|zone| format!("&zone={}", percent_encoded(zone))).unwrap_or_default();
    let seen = AtomicUsize::default();
    let reading = async {
        let (mut all, mut after) = (Vec::new(), String::new());
        for _ in 0..PAGES_MAX {
            let path = format!("{path}?{PAGE}{zone}{after}");
            let mut page = server.get_patiently(&path).await?;
            if let Value::Array(values) = page[list].take() {
                all.extend(values);
            }
            seen.store(all.len(), Ordering::Relaxed);
            let Some(next) = page["next"].as_str() else { break };
            after = format!("&after={}", percent_encoded(next));
        }
        Ok(all)
    };
    let words = || format!("{server}: {} {list} read", seen.load(Ordering::Relaxed));
    progress(words, reading).await
}
