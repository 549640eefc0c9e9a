//! Leases of what is shown: how long a key stays unless it is renewed.
//!
//! In the one JSON object, `lease` is `{"left","granted"}` in seconds; null where a key has a lease
//! that was not asked for; absent where it has none, and the key stays until it is deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::iter;
use serde_json::{Value, json};

use crate::etcd::Etcd;
use crate::names::Span;

/// Instances whose leases are asked for: more than anybody reads, and 100 ms of questions.
const INSTANCES_MAX: usize = 1_000;
/// Keys that are looked at in one transaction: etcd takes 128 operations.
const KEYS_AT_ONCE: usize = 100;
/// Questions after leases under way at once.
const AT_ONCE: usize = 16;

/// Adds to instances of a registry how long their keys stay. Where that cannot be asked, nothing
/// is said of it: it is not what was asked for.
pub(super) async fn add(etcd: &Etcd, mut instances: Vec<&mut Value>) {
    let rest = instances.split_off(instances.len().min(INSTANCES_MAX));
    rest.into_iter().for_each(|it| it["lease"] = Value::Null);
    for chunk in instances.chunks_mut(KEYS_AT_ONCE) {
        let leases = leases_of(etcd, chunk).await;
        let mut times = BTreeMap::new();
        let distinct: BTreeSet<_> =
            leases.iter().flatten().copied().filter(|lease| *lease != 0).collect();
        let asked = iter(distinct).map(async |lease| (lease, etcd.left_of(lease).await));
        let mut asked = std::pin::pin!(asked.buffer_unordered(AT_ONCE));
        while let Some((lease, left)) = asked.next().await {
            times.insert(lease, left.ok());
        }
        for (instance, lease) in chunk.iter_mut().zip(leases) {
            match lease {
                Some(0) => {}
                lease => instance["lease"] = lease.and_then(|it| member(*times.get(&it)?)).into(),
            }
        }
    }
}

/// The leases of some keys; 0 for none, nothing where it could not be asked.
async fn leases_of(etcd: &Etcd, instances: &[&mut Value]) -> Vec<Option<i64>> {
    let key = |it: &&mut Value| it["key"].as_str().unwrap_or_default().as_bytes().to_vec();
    let range = |key: Vec<u8>| (key.clone(), [&key[..], b"\0"].concat());
    let ranges: Vec<_> = instances.iter().map(|it| range(key(it))).collect();
    match etcd.first_keys(&ranges).await {
        Ok((_, firsts)) => firsts.iter().map(|it| Some(it.as_ref()?.lease)).collect(),
        Err(error) => {
            tracing::debug!("leases are not shown: {error}");
            vec![None; instances.len()]
        }
    }
}

/// The member of what is left of a lease; one that is over has nothing left.
fn member(left: Option<Option<(Duration, Duration)>>) -> Option<Value> {
    let (left, granted) = left?.unwrap_or_default();
    Some(json!({ "left": left.as_secs(), "granted": granted.as_secs() }))
}

/// A lease of which no more is known.
const LEASED: &str = "leased";

/// A lease in words. A server says with `leased` whether there is one.
pub(super) fn words(instance: &Value, is_known: bool) -> String {
    match instance.get("lease") {
        Some(Value::Object(lease)) => {
            Span(Duration::from_secs(lease["left"].as_u64().unwrap_or_default())).to_string()
        }
        Some(_) => LEASED.to_owned(),
        None if instance["leased"] == true => LEASED.to_owned(),
        None if is_known || instance["leased"] == false => "stays until deleted".to_owned(),
        None => "–".to_owned(),
    }
}
