//! The identity of a snapshot: which zone of which registry it is of.

use serde::{Deserialize, Serialize};

use crate::registry::{Layout, RegistryUrl};

/// The identity that a snapshot is bound to: it is used for nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The zone's apex, lower case, without its last dot.
    pub zone: String,
    /// The configured endpoints with their scheme, sorted; a url has no secrets in it.
    pub registry: String,
    /// What all keys begin with: prefix and namespace.
    pub keys: String,
    /// How keys and values are read.
    pub schema: String,
}

impl Identity {
    /// The identity of a zone as it is configured.
    #[must_use]
    pub fn new(zone: &str, registry: &RegistryUrl, layout: &Layout, schema: &str) -> Self {
        let mut addresses = registry.addresses();
        addresses.sort_unstable();
        // Which members DNS names does not matter: it is their domain's registry.
        addresses.extend(registry.domain.is_some().then(|| registry.to_string()));
        Self {
            zone: zone.trim_end_matches('.').to_ascii_lowercase(),
            registry: addresses.join(",").to_ascii_lowercase(),
            keys: layout.range().0.escape_ascii().to_string(),
            schema: schema.to_owned(),
        }
    }

    /// What differs first: its name, here and there.
    pub(super) fn difference(&self, other: &Self) -> Option<(&'static str, String, String)> {
        let pairs = [
            ("zone", &self.zone, &other.zone),
            ("registry", &self.registry, &other.registry),
            ("prefix and namespace", &self.keys, &other.keys),
            ("schema", &self.schema, &other.schema),
        ];
        let differs = pairs.into_iter().find(|(_, own, other)| own != other)?;
        Some((differs.0, differs.1.clone(), differs.2.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(url: &str) -> Identity {
        let url: RegistryUrl = url.parse().unwrap();
        Identity::new("Services.Internal.", &url, &url.layout(), "services")
    }

    #[test]
    fn the_order_of_endpoints_and_options_do_not_matter() {
        let one = identity("http://b,A:2379/shop?timeout=1s");
        assert_eq!(one, identity("a,b:2379/shop?refresh=false"));
        assert_eq!(
            (one.zone.as_str(), one.keys.as_str()),
            ("services.internal", "/services/shop/")
        );
    }

    #[test]
    fn what_differs_is_named() {
        let one = identity("http://a/shop");
        let of = |url: &str| one.difference(&identity(url)).map(|(what, ..)| what);
        assert_eq!(of("http://a/shop"), None);
        assert_eq!(of("http://b/shop"), Some("registry"));
        assert_eq!(of("http://a"), Some("prefix and namespace"));
        assert_eq!(of("http://a/shop?prefix=/other"), Some("prefix and namespace"));
        let (_, own, other) = one.difference(&identity("https://a/shop")).unwrap();
        assert_eq!((own.as_str(), other.as_str()), ("http://a:2379", "https://a:2379"));
    }
}
