//! The reloadable parts of a running server: how messages are answered, and the zones.
//!
//! What can fail is done before anything else is: then nothing was replaced.

use std::io;
use std::mem::take;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::rr::RData;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::Windows;
use super::zones::{ZoneChanges, ZoneSet};
use crate::config::{self, Answering, Encrypted, Limits, Serve};
use crate::forward::{ForwardZone, Forwarder, Own, Rules};
use crate::http::{self, Access};
use crate::index::Index;
use crate::lock::Lock;
use crate::metrics::ReloadHistory;
use crate::names::Span;
use crate::privileges;
use crate::wire::{Counters, Limiter, Listeners, Policies, Policy, QueryLog, RateLimit};

/// The reloadable parts. Clones share them.
#[derive(Clone)]
pub struct Reloadable {
    /// What is answered from, and who keeps it up to date.
    zones: Arc<ZoneSet>,
    /// How messages are answered.
    policies: Arc<Policies>,
    /// Where this server answers.
    own: Own,
    /// Where it answers encrypted DNS: over TLS, over HTTPS, over QUIC.
    encrypted: [Vec<SocketAddr>; 3],
    /// Whom HTTP and etcd's v2 API let in, as far as they are on.
    http: Vec<Arc<Access>>,
    /// Who is asked for names that are not ours. Held while policies are replaced, so that this
    /// happens in turn.
    upstreams: Arc<Lock<Upstreams>>,
    /// Where lost lines of the query log are counted.
    counters: Arc<Counters>,
    /// What came of reading everything again.
    outcomes: Arc<ReloadHistory>,
    /// How long answers go on once the server is told to stop.
    shutdown_delay: Arc<Lock<Duration>>,
}

/// The upstream servers. None are asked before the server runs: the thread
/// that asks must have given up what the process may do.
#[derive(Debug, Default)]
struct Upstreams {
    /// Who they are; nobody when empty.
    zones: Vec<ForwardZone>,
    /// How they are asked.
    rules: Rules,
    /// One of so many queries is logged, which needs a thread as well; none when absent.
    query_log: Option<NonZeroU32>,
    /// Whether the server runs.
    is_running: bool,
}

impl Reloadable {
    /// What a server begins with that answers what mirrors hold: a configuration follows.
    pub(super) fn new(zones: Arc<ZoneSet>, listeners: &Listeners, windows: &Windows) -> Self {
        Self {
            zones,
            policies: Arc::new(Policies::new(Arc::default())),
            own: Own::new(listeners.addresses()),
            encrypted: [
                listeners.tls_addresses(),
                listeners.https_addresses(),
                listeners.quic_addresses(),
            ],
            http: windows.all().map(|http| Arc::clone(http.access())).collect(),
            upstreams: Arc::default(),
            counters: listeners.counters(),
            outcomes: Arc::default(),
            shutdown_delay: Arc::default(),
        }
    }

    /// What is answered from.
    #[must_use]
    pub fn index(&self) -> &Arc<Index> {
        &self.zones.index
    }

    /// How messages are answered.
    #[must_use]
    pub const fn policies(&self) -> &Arc<Policies> {
        &self.policies
    }

    /// What came of reading everything again.
    #[must_use]
    pub const fn outcomes(&self) -> &Arc<ReloadHistory> {
        &self.outcomes
    }

    /// What is cancelled once answers are to end: so long after the server is told to stop.
    pub(super) fn ending(&self, shutdown: CancellationToken) -> CancellationToken {
        let (ending, delay) = (CancellationToken::new(), Arc::clone(&self.shutdown_delay));
        let ended = ending.clone();
        tokio::spawn(async move {
            shutdown.cancelled().await;
            let delay = *delay.lock();
            if !delay.is_zero() {
                tracing::info!("answering for another {}; not ready from now on", Span(delay));
                sleep(delay).await;
            }
            ended.cancel();
        });
        ending
    }

    /// Begins to ask others for names that are not ours, which needs a thread.
    ///
    /// # Errors
    /// The system has no thread left.
    pub(super) fn start(&self) -> io::Result<()> {
        let mut upstreams = self.upstreams.lock();
        upstreams.is_running = true;
        let forwarder = self.forwarder((&upstreams.zones, &upstreams.rules), None)?;
        let query_log = self.query_log(upstreams.query_log, None)?;
        let policy = Policy::clone(&self.policies.load());
        self.policies.replace(Policy { forwarder, query_log, ..policy });
        Ok(())
    }

    /// Does as another configuration says from now on. Gives which zones are others.
    ///
    /// # Errors
    /// The system has no thread left; then nothing is changed.
    pub fn follow(&self, mut config: Serve) -> io::Result<ZoneChanges> {
        let (zones, others) = (take(&mut config.zones), take(&mut config.static_zones));
        let bare_names = config.bare_names;
        self.apply(config)?;
        let changes = self.zones.apply(zones, others, bare_names);
        for kept in &changes.kept {
            tracing::warn!(zone = kept.zone, "{kept}");
        }
        Ok(changes)
    }

    /// The same but for the zones, which are there before anything is bound at the start: what
    /// snapshots say is judged by the rest.
    ///
    /// # Errors
    /// The system has no thread left; then nothing is changed.
    pub(super) fn apply(&self, config: Serve) -> io::Result<()> {
        let Serve { answering, limits, encrypted, forward, forward_rules, outage, http, .. } =
            config;
        *self.shutdown_delay.lock() = config.shutdown_delay;
        let serial_interval = answering.serial_interval;
        let connections = limits.tcp.connections;
        self.answer((answering, limits, encrypted), (forward, forward_rules))?;
        privileges::make_room(connections);
        let rules = http_rules(http);
        self.http.iter().for_each(|access| access.replace(rules.clone()));
        self.zones.wait(&outage);
        self.zones.serials.replace(serial_interval);
        Ok(())
    }

    /// Answers by other rules from now on. Networks keep what they were sent lately; others are
    /// asked by whoever asked them before.
    fn answer(
        &self,
        (answering, limits, encrypted): (Answering, Limits, Encrypted),
        (zones, rules): (Vec<ForwardZone>, Rules),
    ) -> io::Result<()> {
        let (mut upstreams, earlier) = (self.upstreams.lock(), self.policies.load());
        // What may fail and changes nothing comes first: a forwarder that is there asks others
        // from the moment it is told to.
        let query_log = match answering.query_log {
            every if upstreams.is_running => self.query_log(every, earlier.query_log.as_ref())?,
            _ => None,
        };
        let forwarder = match earlier.forwarder.clone() {
            same if (&upstreams.zones, &upstreams.rules) == (&zones, &rules) => same,
            same if !upstreams.is_running => same,
            other => self.forwarder((&zones, &rules), other)?,
        };
        (upstreams.zones, upstreams.rules) = (zones, rules);
        upstreams.query_log = answering.query_log;
        let designations = self.designations(&encrypted);
        let policy = policy(answering, limits, encrypted, &earlier);
        self.policies.replace(Policy { forwarder, query_log, designations, ..policy });
        Ok(())
    }

    /// Where encrypted DNS is answered, by the name that its certificate is for.
    fn designations(&self, encrypted: &Encrypted) -> Arc<[RData]> {
        let [tls, https, quic] = &self.encrypted;
        let name = encrypted.certificate.as_deref().and_then(config::designated_name);
        let listen = [tls.as_slice(), https, quic];
        let found = name.map(|it| config::designations(&it, listen, &encrypted.reached));
        found.unwrap_or_default().into()
    }

    /// Has others asked what `zones` name, by whoever asked others before.
    fn forwarder(
        &self,
        (zones, rules): (&[ForwardZone], &Rules),
        earlier: Option<Arc<Forwarder>>,
    ) -> io::Result<Option<Arc<Forwarder>>> {
        if zones.is_empty() {
            return Ok(None);
        }
        if let Some(forwarder) = earlier {
            forwarder.replace(zones.to_vec(), rules.clone());
            return Ok(Some(forwarder));
        }
        let forwarder = Forwarder::start(zones.to_vec(), rules.clone(), self.own.clone())?;
        Ok(Some(Arc::new(forwarder)))
    }

    /// Logs one of so many queries, by whoever logged as many before.
    fn query_log(
        &self,
        every: Option<NonZeroU32>,
        earlier: Option<&QueryLog>,
    ) -> io::Result<Option<QueryLog>> {
        match (every, earlier) {
            (Some(every), Some(log)) if log.every() == every => Ok(Some(log.clone())),
            (Some(every), _) => QueryLog::start(every, Arc::clone(&self.counters)).map(Some),
            (None, _) => Ok(None),
        }
    }
}

/// Whom HTTP lets in, as a configuration says.
fn http_rules(config: config::Http) -> http::Rules {
    let config::Http { tokens, certificate, hosts, .. } = config;
    http::Rules { tokens, certificate, hosts }
}

/// How messages are answered while nobody else is asked; limits go on from an earlier policy.
/// On a socket that was handed over there must be a certificate, also where none is named now.
fn policy(answering: Answering, limits: Limits, encrypted: Encrypted, earlier: &Policy) -> Policy {
    let Answering { cookies, udp_size, strict_amplification, nsid, chaos, .. } = answering;
    let Limits { allow_query, allow_recursion, proxies, rate, tcp, run_as: _ } = limits;
    let octets = |text: String| text.into_bytes().into();
    let limiter = |rate: RateLimit| match &earlier.rate_limit {
        Some(limiter) => limiter.with(rate),
        None => Limiter::new(rate),
    };
    Policy {
        allow_query,
        allow_recursion,
        certificate: encrypted.certificate.or_else(|| earlier.certificate.clone()),
        chaos: chaos.map(octets),
        cookies,
        designations: Arc::default(),
        forwarder: None,
        nsid: nsid.map(octets),
        proxies,
        query_log: None,
        rate_limit: rate.map(limiter),
        strict_amplification,
        tcp,
        udp_size,
    }
}
