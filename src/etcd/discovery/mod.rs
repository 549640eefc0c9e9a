//! Members that DNS names: `etcd+srv://DOMAIN`.
//!
//! `_etcd-client-ssl._tcp.DOMAIN` has the members that speak TLS, and only where it has none,
//! `_etcd-client._tcp.DOMAIN` those that do not; a look-up that fails is no reason to go without
//! TLS, and neither is one that has no such members any more. They are looked up when the first
//! call needs one, as often as the member list is read, and when a call reached none of them. What
//! was found before stays in use until there is something else.
//!
//! The records themselves are asked for by the server's own means (`records`). A program that uses
//! the client alone has none of these (`unasked`).

#[cfg(feature = "server")]
mod records;
#[cfg(not(feature = "server"))]
#[path = "unasked.rs"]
mod records;

use std::convert::Infallible;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{Error, Etcd};
use crate::backoff::drawn;
use crate::lock::Lock;
use crate::names::{DEFAULT_REFRESH, Span};
use crate::registry::{Endpoint, MemberDomain, RegistryUrl};

pub use self::records::FINDS_MEMBERS;

/// The services that members are found by: with TLS, and without.
const SERVICES: [(&str, &str); 2] =
    [("https", "_etcd-client-ssl._tcp"), ("http", "_etcd-client._tcp")];
/// Members that are taken: more than any cluster has.
const MEMBERS_MAX: usize = 32;
/// How old an answer may be before calls that reach nobody ask again. Many calls fail at once,
/// and name servers are others'.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// The look-ups of a domain's members.
#[derive(Debug)]
pub(super) struct Discovery {
    /// The domain.
    domain: MemberDomain,
    /// Given to the one who asks.
    turn: Semaphore,
    /// How it was asked last.
    last: Lock<Option<(Instant, Result<(), Error>)>>,
}

impl Discovery {
    /// The one of a url, if its members are to be found.
    pub(super) fn of(url: &RegistryUrl) -> Option<Self> {
        let domain = url.domain.clone()?;
        Some(Self { domain, turn: Semaphore::new(1), last: Lock::default() })
    }

    /// What became of the last look-up, if that is not older.
    fn recent(&self, age: Duration) -> Option<Result<(), Error>> {
        let last = self.last.lock();
        let (at, outcome) = last.as_ref()?;
        (at.elapsed() < age).then(|| outcome.clone())
    }

    /// The members' addresses.
    async fn members(&self, had_tls: bool) -> Result<Vec<String>, String> {
        for (scheme, service) in SERVICES {
            let members = self.of_service(scheme, service).await?;
            if !members.is_empty() || had_tls {
                return Ok(members);
            }
        }
        Ok(Vec::new())
    }

    /// The addresses of one service.
    async fn of_service(&self, scheme: &str, service: &str) -> Result<Vec<String>, String> {
        let found = records::targets(&self.domain, service).await?;
        let address = |target: String| {
            let endpoint: Endpoint = target.parse().ok()?;
            Some(format!("{scheme}://{endpoint}"))
        };
        let mut addresses = Vec::new();
        for address in found.into_iter().filter_map(address).take(MEMBERS_MAX) {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        Ok(addresses)
    }

    /// Nobody was found.
    fn nobody(&self) -> Error {
        let [(_, with), (_, without)] = SERVICES;
        let domain = &self.domain.name;
        Error::Unreachable(format!(
            "DNS names no member: neither {with}.{domain} nor {without}.{domain} has SRV records; \
             add them there, or name the members in --registry"
        ))
    }

    /// A look-up failed.
    fn failed(&self, fault: &str) -> Error {
        let remedy = match self.domain.resolver {
            Some(_) => "check `resolver` in --registry",
            None => "check nameserver in /etc/resolv.conf, or name one: ?resolver=ADDRESS:PORT",
        };
        let domain = &self.domain.name;
        Error::Unreachable(format!("the members of {domain} are not found: {fault}; {remedy}"))
    }
}

impl Etcd {
    /// The addresses to be tried, in order. Where DNS is to name them and has not, it is asked.
    pub(super) async fn in_order(&self) -> Result<Vec<String>, Error> {
        let known = self.shared.endpoints.in_order();
        if !known.is_empty() {
            return Ok(known);
        }
        self.discover(ASK_AGAIN).await?;
        Ok(self.shared.endpoints.in_order())
    }

    /// The addresses that DNS names and that were not tried, after none of those that were
    /// could be reached.
    pub(super) async fn found_since(&self, tried: &[(String, Error)]) -> Vec<String> {
        if let Err(error) = self.discover(ASK_AGAIN).await {
            tracing::debug!("the members were not looked up again: {error}");
        }
        let is_new = |address: &String| tried.iter().all(|(it, _)| it != address);
        self.shared.endpoints.in_order().into_iter().filter(is_new).collect()
    }

    /// Looks the members up again and again, where DNS names them.
    pub(super) async fn follow_discovery(&self) -> Infallible {
        if self.shared.discovery.is_none() {
            return std::future::pending().await;
        }
        let interval = self.shared.url.refresh.unwrap_or(DEFAULT_REFRESH);
        loop {
            // Up to a tenth more, so that a fleet does not ask in step.
            tokio::time::sleep(drawn(interval, 1.0, 1.1)).await;
            if let Err(error) = self.discover(Duration::ZERO).await {
                tracing::warn!("keeping the members that were found before: {error}");
            }
        }
    }

    /// Looks the members up, unless that was done a moment ago.
    async fn discover(&self, age: Duration) -> Result<(), Error> {
        let Some(discovery) = &self.shared.discovery else { return Ok(()) };
        let _turn = discovery.turn.acquire().await.expect("it is never closed");
        if let Some(outcome) = discovery.recent(age) {
            return outcome;
        }
        let outcome = self.look_up(discovery).await;
        *discovery.last.lock() = Some((Instant::now(), outcome.clone()));
        outcome
    }

    /// Looks the members up. What is found is used from now on.
    async fn look_up(&self, discovery: &Discovery) -> Result<(), Error> {
        let (patience, had_tls) = (self.timeout(), self.speaks_tls());
        let found = match timeout(patience, discovery.members(had_tls)).await {
            Ok(found) => found.map_err(|fault| discovery.failed(&fault))?,
            Err(_) => {
                let fault = format!("no answer within {}", Span(patience));
                return Err(discovery.failed(&fault));
            }
        };
        if found.is_empty() {
            return Err(discovery.nobody());
        }
        if self.shared.access.user().is_some() && found.iter().any(|it| it.starts_with("http:")) {
            return Err(Error::Misfit(format!(
                "DNS names members of {} without TLS alone, and no password is sent to these; add \
                 {} records, or name the members in --registry",
                discovery.domain.name, SERVICES[0].1
            )));
        }
        if self.shared.endpoints.replace_configured(&found) {
            tracing::info!("members found by DNS: {}", found.join(", "));
        }
        Ok(())
    }

    /// Whether members are spoken to by TLS: as the connection string says, or DNS.
    pub(super) fn speaks_tls(&self) -> bool {
        let configured = self.shared.endpoints.configured();
        self.shared.url.tls || configured.first().is_some_and(|it| it.starts_with("https:"))
    }
}
