//! Explanations that a server gives, in the words of `srvd explain`.

use serde_json::Value;

/// An explanation as lines: one fact each.
pub(super) fn words(explained: &Value) -> Vec<String> {
    let text = |key: &str| explained[key].as_str().unwrap_or_default();
    let error = &explained["extended_error"];
    let error = error.as_u64().map(|it| format!(", extended error {it}")).unwrap_or_default();
    let mut lines = vec![
        format!("{} {}", text("name"), text("type")),
        format!("zone:   {}", explained["zone"].as_str().unwrap_or("none of ours")),
        format!("rule:   {}", text("rule")),
        format!("code:   {}{error}", text("rcode")),
    ];
    if let Some(why) = explained["why"].as_str() {
        lines.push(format!("why:    {why}"));
    }
    if let Some(name) = explained["leaves"].as_str() {
        lines.push(format!("leaves: for {name}, which is in no zone of ours"));
    }
    lines.extend(texts(&explained["notes"]).map(|note| format!("note:   {note}")));
    for (heading, member) in
        [("answer", "answers"), ("authority", "authority"), ("additional", "additional")]
    {
        lines.extend(list(heading, texts(&explained[member])));
    }
    lines.extend(more(&explained["more"]));
    let documents = explained["documents"].as_array().into_iter().flatten();
    lines.extend(list("keys", documents.filter_map(|it| it["key"].as_str())));
    lines.extend(more(&explained["more_documents"]));
    lines
}

/// The texts of an array.
fn texts(array: &Value) -> impl Iterator<Item = &str> {
    array.as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// Lines under a heading; nothing where there are none.
fn list<'l>(heading: &str, lines: impl Iterator<Item = &'l str>) -> Vec<String> {
    let mut all: Vec<_> = lines.map(|line| format!("  {line}")).collect();
    if !all.is_empty() {
        all.insert(0, format!("{heading}:"));
    }
    all
}

/// How many there are beside those that are shown.
fn more(count: &Value) -> Option<String> {
    count.as_u64().filter(|it| *it > 0).map(|it| format!("  and {it} more"))
}
