//! The scheme of connection strings: before the first host, and before others if it is the same.

use super::UrlFault;

/// The part before `://`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    /// `http`
    Http,
    /// `https`
    Https,
    /// `etcd+srv`
    Domain,
}

/// Splits the scheme off; without one it is http.
pub(super) fn scheme(text: &str) -> Result<(Scheme, &str), UrlFault> {
    if text.is_empty() {
        return Err(UrlFault::Empty);
    }
    match text.split_once("://") {
        None => Ok((Scheme::Http, text)),
        // It stands before another host than the first.
        Some((before, _)) if before.contains(',') => Ok((Scheme::Http, text)),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => Ok((Scheme::Http, rest)),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => Ok((Scheme::Https, rest)),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("etcd+srv") => {
            Ok((Scheme::Domain, rest))
        }
        Some((scheme, _)) => Err(UrlFault::Scheme(scheme.to_owned())),
    }
}

/// The hosts without the schemes that etcdctl's `--endpoints` has before each of them.
pub(super) fn with_one_scheme(scheme: Scheme, hosts: &str) -> Result<String, UrlFault> {
    let mut parts = hosts.split(',');
    let mut all = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let bare = match part.trim_start().split_once("://") {
            None => part,
            Some((own, bare)) => {
                let is_same = match scheme {
                    Scheme::Http => own.eq_ignore_ascii_case("http"),
                    Scheme::Https => own.eq_ignore_ascii_case("https"),
                    Scheme::Domain => false,
                };
                if !is_same {
                    return Err(UrlFault::OtherScheme(part.trim_start().to_owned()));
                }
                // A url may end in a slash.
                all.truncate(all.trim_end_matches('/').len());
                if all.contains('/') {
                    return Err(UrlFault::HostBehindNamespace(part.trim_start().to_owned()));
                }
                bare
            }
        };
        all = format!("{all},{bare}");
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::super::RegistryUrl;

    #[test]
    fn endpoints_may_be_written_as_for_etcdctl() {
        for (text, expected) in [
            ("http://a:2379,http://b:2380", &["http://a:2379", "http://b:2380"][..]),
            ("a,http://b", &["http://a:2379", "http://b:2379"]),
            ("https://a/, HTTPS://[::1]:1/", &["https://a:2379", "https://[::1]:1"]),
        ] {
            assert_eq!(text.parse::<RegistryUrl>().unwrap().addresses(), expected, "{text}");
            assert_eq!(text.parse::<RegistryUrl>().unwrap().namespace, None, "{text}");
        }
        let url = "http://a,http://b,c/team?prefix=/p".parse::<RegistryUrl>().unwrap();
        assert_eq!((url.endpoints.len(), url.namespace.as_deref()), (3, Some("team")));
    }
}
