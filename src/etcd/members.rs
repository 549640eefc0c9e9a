//! The member list: endpoints that joined the cluster later are used too.

use std::convert::Infallible;
use std::time::Duration;

use etcd_client::Client;

use super::connect::connect_unknown;
use super::{Error, Etcd};
use crate::backoff::drawn;
use crate::registry::Endpoint;

/// Members that are taken over: more than any cluster has.
const MEMBERS_MAX: usize = 32;
/// How soon a member list that could not be read is asked for again: the registry may have
/// come only just, and the one endpoint that is known may go.
const REFRESH_RETRY: Duration = Duration::from_secs(5);

/// The first releases of 3.4 and 3.5 whose answer to a progress request never overtakes
/// events (etcd pull request 15237); all later lines have it.
const ORDERED_PROGRESS: [(u64, u64, u64); 2] = [(3, 4, 25), (3, 5, 8)];

impl Etcd {
    /// Whether an endpoint's report of progress proves that every event before it has been
    /// seen. Where we may not ask, it does not.
    ///
    /// # Errors
    /// [`Error`]: it did not answer.
    pub async fn orders_progress(&self, address: &str) -> Result<bool, Error> {
        let status = |mut client: Client| async move { client.status().await };
        match self.call_at(address, self.timeout(), status).await {
            Ok(status) => Ok(orders_progress(status.version())),
            // Later releases may keep the state to those who administer.
            Err(error) if error.is_refusal() => {
                tracing::debug!("the member's release is not known: {error}");
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Reads the member list for as long as the future is polled, as often as the
    /// connection string says.
    pub(super) async fn follow_members(&self) -> Infallible {
        let Some(interval) = self.shared.url.refresh else { return std::future::pending().await };
        loop {
            let wait = match self.refresh_members().await {
                Ok(()) => interval,
                // Later releases want a login for it, or a role: what is configured goes on.
                Err(error) if error.is_refusal() => {
                    tracing::debug!("the member list may not be read: {error}");
                    interval
                }
                Err(error) => {
                    tracing::debug!("the member list was not read: {error}");
                    interval.min(REFRESH_RETRY)
                }
            };
            // Up to a tenth more, so that a fleet does not ask in step.
            tokio::time::sleep(drawn(wait, 1.0, 1.1)).await;
        }
    }

    /// Reads the member list once. A listed address is used only if it may be
    /// ([`Self::may_use`]) and answers, without credentials, from the same cluster;
    /// configured ones always stay.
    async fn refresh_members(&self) -> Result<(), Error> {
        let list = |mut client: Client| async move { client.member_list().await };
        let response = self.call(self.timeout(), list).await?;
        let cluster = response.header().map_or(0, |header| header.cluster_id());
        let known = self.shared.endpoints.addresses();
        let mut usable = Vec::new();
        let urls = response.members().iter().flat_map(|member| member.client_urls());
        for address in urls.filter_map(|url| self.may_use(url)).take(MEMBERS_MAX) {
            if known.contains(&address) || self.is_of_cluster(&address, cluster).await {
                usable.push(address);
            }
        }
        self.shared.endpoints.replace_listed(usable);
        Ok(())
    }

    /// The address of a listed url, if it may be used: never plain text where the
    /// connection string says https, never this machine unless the string says so.
    fn may_use(&self, url: &str) -> Option<String> {
        let configured = &self.shared.url;
        let scheme = if configured.tls { "https" } else { "http" };
        let place = url.strip_prefix(scheme)?.strip_prefix("://")?.trim_end_matches('/');
        let endpoint: Endpoint = place.parse().ok()?;
        let local = is_local(&endpoint);
        let allowed = !local || configured.endpoints.iter().any(is_local);
        allowed.then(|| format!("{scheme}://{endpoint}"))
    }

    /// Whether an address answers as a member of a cluster. It gets no credentials.
    async fn is_of_cluster(&self, address: &str, cluster: u64) -> bool {
        let ask = async {
            let credentials = self.shared.access.now();
            let client = connect_unknown(address, &credentials, self.timeout()).await;
            let mut client = client.ok()?;
            let status = client.status().await.ok()?;
            status.header().map(|header| header.cluster_id())
        };
        let answer = tokio::time::timeout(self.timeout(), ask).await;
        answer.ok().flatten() == Some(cluster)
    }
}

/// Whether an endpoint is on this machine, or nowhere (etcd lists `0.0.0.0` when it was
/// told to advertise that).
fn is_local(endpoint: &Endpoint) -> bool {
    let host = endpoint.host.trim_matches(['[', ']']);
    match host.parse::<std::net::IpAddr>() {
        Ok(address) => address.is_loopback() || address.is_unspecified(),
        Err(_) => host == "localhost",
    }
}

/// Whether a version's progress reports are ordered.
fn orders_progress(version: &str) -> bool {
    let numbers = version.split('-').next().unwrap_or_default();
    let mut numbers = numbers.split('.').map(|number| number.parse::<u64>().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    let version = (next(), next(), next());
    let line = ORDERED_PROGRESS.iter().find(|first| (first.0, first.1) == (version.0, version.1));
    line.map_or(version > ORDERED_PROGRESS[1], |first| version >= *first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::etcd::Access;

    #[test]
    fn progress_is_trusted_from_the_releases_that_mended_it() {
        for (version, ordered) in [
            ("3.3.27", false),
            ("3.4.23", false),
            ("3.4.25", true),
            ("3.5.7", false),
            ("3.5.8", true),
            ("3.6.0-rc.1", true),
            ("nonsense", false),
        ] {
            assert_eq!(orders_progress(version), ordered, "{version}");
        }
    }

    #[test]
    fn listed_addresses_never_weaken_the_connection() {
        let etcd = |url: &str| Etcd::new(&url.parse().unwrap(), &Access::default());
        let remote = etcd("https://10.0.0.1");
        assert_eq!(
            remote.may_use("https://10.0.0.2:2379/").as_deref(),
            Some("https://10.0.0.2:2379")
        );
        assert_eq!(remote.may_use("http://10.0.0.2:2379"), None);
        assert_eq!(remote.may_use("https://127.0.0.1:2379"), None);
        assert_eq!(remote.may_use("https://0.0.0.0:2379"), None);
        assert_eq!(
            etcd("127.0.0.1").may_use("http://localhost:3"),
            Some("http://localhost:3".into())
        );
    }
}
