//! The member list: endpoints that joined the cluster later are used too, if they show the
//! same keys as those that are configured.

use std::collections::HashMap;
use std::convert::Infallible;
use std::time::Duration;

use etcd_client::Client;

use super::connect::connect_unknown;
use super::sameness::{MemberView, Sameness};
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

/// The reason why a listed member is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doubt {
    /// It would have to be told the password without TLS.
    PlainText,
    /// It answers for another cluster, or not at all.
    OtherCluster,
    /// It shows other keys.
    OtherKeys,
    /// There are no keys to compare.
    NoKeys,
    /// It did not say what it shows.
    NoAnswer,
}

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
    /// connection string says. Members that show the same keys of a range are used.
    pub(super) async fn follow_members(&self, range: &(Vec<u8>, Vec<u8>)) -> Infallible {
        let Some(interval) = self.shared.url.refresh else { return std::future::pending().await };
        let mut doubts = HashMap::new();
        loop {
            let wait = match self.refresh_members(range, &mut doubts).await {
                Ok(()) => interval,
                // Later releases want a login for it, or a role: what is configured goes on.
                Err(error) if error.is_refusal() => {
                    tracing::debug!("the members cannot be told: {error}");
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
    /// ([`Self::may_use`]) and shows the keys that we see; configured ones always stay. Says
    /// of others why not, once for each.
    async fn refresh_members(
        &self,
        range: &(Vec<u8>, Vec<u8>),
        doubts: &mut HashMap<String, Doubt>,
    ) -> Result<(), Error> {
        let list = |mut client: Client| async move { client.member_list().await };
        let response = self.call(self.timeout(), list).await?;
        let cluster = response.header().map_or(0, |header| header.cluster_id());
        let urls = response.members().iter().flat_map(|member| member.client_urls());
        let allowed = urls.filter_map(|url| self.may_use(url)).take(MEMBERS_MAX);
        let endpoints = &self.shared.endpoints;
        let listed: Vec<_> = allowed.filter(|it| !endpoints.is_configured(it)).collect();
        let mut usable = Vec::new();
        if !listed.is_empty() {
            let ours = self.view(range).await?;
            for address in listed {
                match self.judge(&address, cluster, (range, &ours)).await {
                    None => usable.push(address),
                    Some(doubt) => doubt.tell_once(&address, range, doubts),
                }
            }
        }
        endpoints.replace_listed(usable);
        Ok(())
    }

    /// Why a listed member is not used, if it is not. One that is used goes on being used
    /// until it shows something else.
    async fn judge(
        &self,
        address: &str,
        cluster: u64,
        (range, ours): (&(Vec<u8>, Vec<u8>), &MemberView),
    ) -> Option<Doubt> {
        if self.shared.access.user().is_some() && !self.speaks_tls() {
            return Some(Doubt::PlainText);
        }
        let is_known = self.shared.endpoints.addresses().iter().any(|it| it == address);
        if !is_known && !self.is_of_cluster(address, cluster).await {
            return Some(Doubt::OtherCluster);
        }
        match self.compare(address, range, ours).await {
            Sameness::Same => None,
            Sameness::Other => Some(Doubt::OtherKeys),
            Sameness::Unknown if is_known => None,
            Sameness::Unknown if ours.is_empty() => Some(Doubt::NoKeys),
            Sameness::Unknown => Some(Doubt::NoAnswer),
        }
    }

    /// The address of a listed url, if it may be used: never plain text where the
    /// connection string says https, never this machine unless the string says so.
    fn may_use(&self, url: &str) -> Option<String> {
        let scheme = if self.speaks_tls() { "https" } else { "http" };
        let place = url.strip_prefix(scheme)?.strip_prefix("://")?.trim_end_matches('/');
        let endpoint: Endpoint = place.parse().ok()?;
        let local = is_local(&endpoint);
        let configured = self.shared.endpoints.configured();
        let allowed =
            !local || configured.iter().filter_map(|it| endpoint_of(it)).any(|it| is_local(&it));
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

impl Doubt {
    /// Says why a member is not used, unless that was said before.
    fn tell_once(
        self,
        address: &str,
        (from, _): &(Vec<u8>, Vec<u8>),
        told: &mut HashMap<String, Self>,
    ) {
        if told.len() >= MEMBERS_MAX && !told.contains_key(address) {
            told.clear();
        }
        if told.insert(address.to_owned(), self) == Some(self) {
            return;
        }
        let (why, keys) = (self.why(), String::from_utf8_lossy(from));
        match self {
            Self::NoAnswer | Self::OtherCluster => {
                tracing::debug!("{address}: listed member not used, {why} (`{keys}`)");
            }
            Self::NoKeys | Self::PlainText => {
                tracing::info!("{address}: listed member not used, {why} (`{keys}`)");
            }
            Self::OtherKeys => {
                tracing::warn!("{address}: listed member not used, {why} (`{keys}`)");
            }
        }
    }

    /// The reason, and what to do.
    const fn why(self) -> &'static str {
        match self {
            Self::PlainText => {
                "no password is sent there without TLS; write https://, or all endpoints in \
                 --registry"
            }
            Self::OtherCluster => "it does not answer as a member of this cluster",
            Self::OtherKeys => {
                "it does not show the keys that --registry shows, as behind a proxy with a \
                 namespace; refresh=false in --registry asks for no members"
            }
            Self::NoKeys => "there is no key yet by which it could be told to show the same",
            Self::NoAnswer => "it does not answer",
        }
    }
}

/// The endpoint of an address.
fn endpoint_of(address: &str) -> Option<Endpoint> {
    address.split_once("://")?.1.parse().ok()
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
