//! The document that describes it all holds for what is answered.

use std::net::SocketAddr;

use serde_json::Value;

use super::{get, json, ready};
use crate::serve::writer::{Writer, instances};
use crate::support::etcd::Etcd;

/// The schema that a reference leads to, or the schema itself.
fn resolved<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    match schema.get("$ref").and_then(Value::as_str) {
        Some(path) => resolved(document, document.pointer(&path[1..]).unwrap()),
        None => schema,
    }
}

/// Whether a value is of one of a schema's types.
fn has_type(schema: &Value, value: &Value) -> bool {
    let is = |kind: &Value| match kind.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("a type that this suite does not know: {other}"),
    };
    match &schema["type"] {
        Value::Null => true,
        Value::Array(kinds) => kinds.iter().any(is),
        kind => is(kind),
    }
}

/// What in a value is not as a schema says; `at` is where that is.
fn faults(document: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let schema = resolved(document, schema);
    if let Some(choices) = schema.get("oneOf").and_then(Value::as_array) {
        let fits = |it: &&Value| faults(document, it, value, at).is_empty();
        let count = choices.iter().filter(fits).count();
        return if count == 1 {
            vec![]
        } else {
            vec![format!("{at}: {count} choices fit {value}")]
        };
    }
    if !has_type(schema, value) {
        return vec![format!("{at}: {} is wanted, not {value}", schema["type"])];
    }
    let mut found = Vec::new();
    if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
        let each = values.iter().enumerate();
        found.extend(each.flat_map(|(n, it)| faults(document, items, it, &format!("{at}/{n}"))));
    }
    let Some(object) = value.as_object() else { return found };
    for name in schema["required"].as_array().into_iter().flatten() {
        if !object.contains_key(name.as_str().unwrap()) {
            found.push(format!("{at}: {name} is missing"));
        }
    }
    for (name, value) in object {
        let place = format!("{at}/{name}");
        match (schema["properties"].get(name), &schema["additionalProperties"]) {
            (Some(member), _) => found.extend(faults(document, member, value, &place)),
            (None, others) if others.is_object() => {
                found.extend(faults(document, others, value, &place));
            }
            (None, _) => found.push(format!("{place} is not in the document")),
        }
    }
    found
}

/// Asks a path, and holds the answer to the schema of its status.
fn hold(document: &Value, at: SocketAddr, (template, path): (&str, &str)) {
    let (status, value) = json(at, path);
    let place = format!("/paths/{}/get/responses/{status}", template.replace('/', "~1"));
    let reply = document.pointer(&place).unwrap_or_else(|| panic!("{path}: no {place}"));
    let schema = &reply["content"]["application/json"]["schema"];
    assert!(schema.is_object(), "{path}: {reply}");
    let found = faults(document, schema, &value, "");
    assert!(found.is_empty(), "{path}: {found:#?} of {value}");
}

#[test]
fn what_is_answered_is_what_is_described() {
    let etcd = Etcd::start();
    let writer = Writer::new(&etcd.url());
    writer.put_all(&instances("web", 12));
    writer.put("/services/full/1", r#"{"endpoints":["http://10.0.0.1:80","grpc://10.0.0.1:90"],"version":"1","metadata":{"a":"b"}}"#);
    writer.put("/services/full/2", r#"{"hostname":"db.example","port":5432,"protocol":"x","ttl":9,"priority":1,"weight":0,"version":"2","tags":["t"],"meta":{"k":"v"},"text":"t"}"#);
    writer.put("/services/full/3", "10.0.0.9");
    writer.put("/services/bad/1", "nonsense");
    writer.put("/services/_backends/b", r#"{"resource":"Backend","app":"web","version":"1"}"#);
    writer.put("/services/_frontends/f", r#"{"resource":"Frontend","backend":"b"}"#);
    writer.put("/services/_frontends/lost", r#"{"resource":"Frontend","backend":"gone"}"#);
    let (_serving, at) = ready(&etcd.url(), &[]);
    writer.put("/services/new/1", "10.0.0.8:1");
    let (_, document) = json(at, "/v1/openapi.json");
    assert!(document["openapi"].as_str().unwrap().starts_with("3."));
    for asked in [
        ("/v1/services", "/v1/services"),
        ("/v1/services", "/v1/services?limit=2"),
        ("/v1/services", "/v1/services?limit=0"),
        ("/v1/services", "/v1/services?zone=other"),
        ("/v1/services/{name}", "/v1/services/web?limit=5"),
        ("/v1/services/{name}", "/v1/services/full"),
        ("/v1/services/{name}", "/v1/services/new"),
        ("/v1/services/{name}", "/v1/services/f"),
        ("/v1/services/{name}", "/v1/services/nothing"),
        ("/v1/services/{name}", "/v1/services/%ff"),
        ("/v1/problems", "/v1/problems"),
        ("/v1/problems", "/v1/problems?limit=0"),
        ("/v1/problems", "/v1/problems?zone=other"),
        ("/v1/services", "/v1/services?sort=newest&version=1"),
        ("/v1/services", "/v1/services?sort=instances&limit=1"),
        ("/v1/services", "/v1/services?sort=size"),
        ("/v1/services/{name}", "/v1/services/b?own=true"),
        ("/v1/services/{name}", "/v1/services/lost"),
        ("/v1/status", "/v1/status"),
        ("/v1/server", "/v1/server"),
        ("/v1/zones", "/v1/zones"),
        ("/v1/zones", "/v1/zones?limit=0"),
        ("/v1/zones/{zone}/records", "/v1/zones/services.internal/records"),
        ("/v1/zones/{zone}/records", "/v1/zones/other/records"),
        ("/v1/zones/{zone}/entries", "/v1/zones/services.internal/entries"),
        ("/v1/changes", "/v1/changes"),
        ("/v1/changes", "/v1/changes?event=alias"),
        ("/v1/changes", "/v1/changes?event=none"),
        ("/v1/events", "/v1/events?since=x"),
        ("/v1/events", "/v1/events?zone=other"),
        ("/v1/explain", "/v1/explain?name=_web._tcp"),
        ("/v1/explain", "/v1/explain?name=nothing.services.internal"),
        ("/v1/explain", "/v1/explain?name=elsewhere&type=aaaa"),
        ("/v1/explain", "/v1/explain"),
    ] {
        hold(&document, at, asked);
    }
}

/// Every path that is answered is described, and every one that is described is answered.
#[test]
fn every_path_is_described() {
    let etcd = Etcd::start();
    let (_serving, at) = ready(&etcd.url(), &[]);
    let (_, document) = json(at, "/v1/openapi.json");
    let described: Vec<_> =
        document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    for path in [
        "/healthz",
        "/readyz",
        "/metrics",
        "/v1/services",
        "/v1/services/{name}",
        "/v1/problems",
        "/v1/events",
        "/v1/status",
        "/v1/explain",
        "/v1/changes",
        "/v1/server",
        "/v1/zones",
        "/v1/zones/{zone}/entries",
        "/v1/zones/{zone}/records",
    ] {
        assert!(described.contains(&path), "{path} is not in {described:?}");
    }
    let plain = described.iter().filter(|it| !it.contains('{') && **it != "/v1/events");
    for path in plain.filter(|it| document["paths"][**it].get("get").is_some()) {
        let (status, body) = get(at, path);
        assert!(
            !status.contains("405") && !body.contains("there is nothing at"),
            "{path}: {status}"
        );
    }
}

#[test]
fn the_check_finds_what_it_looks_for() {
    let document = serde_json::json!({ "s": { "type": "object", "required": ["a"],
        "properties": { "a": { "type": ["integer", "null"] } }, "additionalProperties": false } });
    let schema = serde_json::json!({ "type": "array", "items": { "$ref": "#/s" } });
    let count =
        |text: &str| faults(&document, &schema, &serde_json::from_str(text).unwrap(), "").len();
    let counts =
        ["[]", r#"[{"a":1},{"a":null}]"#, r#"[{"a":"1"}]"#, "[{}]", r#"[{"a":1,"b":2}]"#, "{}"];
    assert_eq!(counts.map(count), [0, 0, 1, 1, 1, 1]);
}
