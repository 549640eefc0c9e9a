//! The server, built in one place: everything bound, nothing running yet. Tests build the
//! very same on port 0.

mod follower;
mod herald;
mod live;
mod windows;

use std::mem::take;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::{Serve, ZoneSource, indexed};
use crate::error::Failure;
use crate::etcd::{Access, Etcd};
use crate::events::Events;
use crate::http::{AnsweringAddress, Bender, Heavy, Http, Subject};
use crate::index::{Index, Schema, Zone};
use crate::join::registrar::Registrar;
use crate::metrics::OldClients;
use crate::privileges::{self, Account};
use crate::registry::Diagnostic;
use crate::state::{self, Identity};
use crate::systemd::{DnsSockets, Inherited};
use crate::telemetry::say;
use crate::wire::{Counters, Listeners, Strictness};

use self::follower::{FollowedZone, Follower};
use self::live::Mirrors;
use self::windows::OldKeys;

pub use self::live::Reloadable;
pub use self::windows::Windows;

/// A server with its sockets bound.
pub struct App {
    /// What happened to what is answered from, lately.
    events: Arc<Events>,
    /// The sockets.
    listeners: Listeners,
    /// The sockets of HTTP.
    windows: Windows,
    /// What may be replaced while it runs.
    live: Reloadable,
    /// UDP workers; 0 is one per core.
    workers: usize,
    /// What follows each zone.
    followers: Vec<Follower>,
    /// Whom to become before anything is answered.
    account: Option<Account>,
    /// Where bender's interface registers, if there is a zone of services.
    bender: Option<Bender>,
    /// What etcd's v2 API reads and writes, if there is a zone of a registry.
    old: Option<OldKeys>,
    /// How registries let us in.
    access: Access,
}

/// A server before its sockets are bound.
struct Prepared {
    /// What is answered from.
    mirrors: Mirrors,
    /// What happened to it, lately.
    events: Arc<Events>,
    /// What follows each zone.
    followers: Vec<Follower>,
    /// Where bender's interface registers.
    bender: Option<Bender>,
    /// What etcd's v2 API reads and writes.
    old: Option<OldKeys>,
}

impl App {
    /// Prepares a mirror per zone, each with what its snapshot says, and then binds every
    /// listener: whoever can ask is answered from what is known. etcd need not be there.
    ///
    /// # Errors
    /// [`Failure::Failed`]: an address cannot be bound. [`Failure::Usage`]: the directory of
    /// snapshots cannot be made.
    pub fn build(config: Serve) -> Result<Self, Failure> {
        Self::build_on(config, Inherited::default())
    }

    /// The same on sockets that were handed over, in the place of those that are configured.
    ///
    /// # Errors
    /// As [`Self::build`].
    pub fn build_on(mut config: Serve, inherited: Inherited) -> Result<Self, Failure> {
        if let Some(state) = &config.outage.state {
            let fault = |error| state.fault(format_args!("cannot be made: {error}"));
            state::prepare(&state.directory).map_err(fault)?;
            let account = config.limits.run_as.as_ref();
            account.map_or(Ok(()), |it| it.own(&state.directory)).map_err(Failure::failed)?;
        }
        let prepared = Prepared::new(&mut config);
        let Inherited { dns, http, etcd_v2 } = inherited;
        let listeners = listeners(&config, dns)?;
        let windows = Windows::bind(&config.http, [http, etcd_v2])?;
        prepared.with_listeners(config, listeners, windows)
    }

    /// The server around sockets that are bound already, and a directory of snapshots that
    /// is there.
    ///
    /// # Errors
    /// As [`Reloadable::follow`].
    pub fn with_listeners(
        mut config: Serve,
        listeners: Listeners,
        windows: Windows,
    ) -> Result<Self, Failure> {
        Prepared::new(&mut config).with_listeners(config, listeners, windows)
    }

    /// The addresses that are answered on, UDP and TCP alike.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.addresses()
    }

    /// The address that HTTP is answered on, unless it is off.
    #[must_use]
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.windows.http.as_ref().map(Http::address)
    }

    /// Where what is answered.
    fn answering(&self) -> Vec<AnsweringAddress> {
        let scheme = if self.windows.speaks_tls() { "https" } else { "http" };
        let of = |protocol| move |address| AnsweringAddress { protocol, address };
        let dns = self.addresses().into_iter().map(of("dns"));
        let http = self.http_address().map(of(scheme));
        let etcd_v2 = self.windows.etcd_v2.as_ref().map(Http::address).map(of("etcd-v2"));
        dns.chain(http).chain(etcd_v2).collect()
    }

    /// Says where what is answered.
    pub fn announce(&self) {
        for address in self.addresses() {
            say(format_args!("answering DNS on {address}, UDP and TCP"));
        }
        if let Some(address) = self.http_address() {
            let scheme = if self.windows.speaks_tls() { "HTTPS" } else { "HTTP" };
            say(format_args!("answering {scheme} on {address}"));
        }
        if let Some(old) = &self.windows.etcd_v2 {
            say(format_args!("answering etcd's v2 API on {}", old.address()));
        }
    }

    /// Gives up what the process may do beside answering. To be called while it has one
    /// thread, before there is a runtime.
    ///
    /// # Errors
    /// [`Failure::Failed`]: what cannot be given up, and what to do.
    pub fn give_up_privileges(&self) -> Result<(), Failure> {
        privileges::give_up(self.account.as_ref()).map_err(Failure::failed)?;
        if privileges::is_root() {
            tracing::info!(
                "running as root with all capabilities dropped; set `run-as` to use another user"
            );
        }
        Ok(())
    }

    /// What is answered from.
    #[must_use]
    pub const fn index(&self) -> &Arc<Index> {
        self.live.index()
    }

    /// What may be replaced while it runs.
    #[must_use]
    pub const fn live(&self) -> &Reloadable {
        &self.live
    }

    /// What is counted, to be read at any time.
    #[must_use]
    pub fn counters(&self) -> Arc<Counters> {
        self.listeners.counters()
    }

    /// Answers until told to stop, then drains, and writes what snapshots lack.
    ///
    /// # Errors
    /// [`Failure::Failed`]: the runtime cannot take a socket, or a thread cannot be started.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), Failure> {
        self.live.start().map_err(Failure::failed)?;
        let names = |zone: &Arc<Zone>| zone.settings().title();
        let zones = self.index().load().zones().iter().map(names).collect::<Vec<_>>().join(", ");
        tracing::info!(version = env!("CARGO_PKG_VERSION"), zones, "answering");
        let (index, policies) = (self.index(), self.live.policies());
        let (index, policies) = (Arc::clone(index), Arc::clone(policies));
        let zones = index.load().zones().to_vec();
        let (listeners, closing) = (self.answering(), CancellationToken::new());
        let mut followers = JoinSet::new();
        for (follower, zone) in self.followers.into_iter().zip(zones) {
            followers.spawn(follower.run(zone, closing.clone()));
        }
        let old_clients = self.windows.etcd_v2.as_ref().map(|_| Arc::<OldClients>::default());
        let counts = old_clients.clone().unwrap_or_default();
        let old = self.old.map(|old| old.subject(&self.events, &shutdown, counts));
        let subject = Subject {
            index: Arc::clone(&index),
            events: self.events,
            counters: self.listeners.counters(),
            draining: shutdown.clone(),
            policies: Arc::clone(&policies),
            listeners: listeners.into(),
            started: SystemTime::now(),
            heavy: Heavy::default(),
            reloads: Arc::clone(self.live.outcomes()),
            bender: self.bender,
            access: self.windows.all().next().map(|it| Arc::clone(it.access())),
            registry: self.access,
            old_clients,
        };
        let telling = herald::tell(subject.clone());
        let http = self.windows.serve(subject, old);
        let ending = self.live.ending(shutdown);
        let served = self.listeners.serve(index, policies, self.workers, ending);
        let ended = tokio::select! {
            served = served => served.map_err(Failure::failed),
            Err(error) = http => Err(Failure::failed(error)),
            never = telling => match never {},
        };
        closing.cancel();
        while followers.join_next().await.is_some() {}
        ended
    }
}

impl Prepared {
    /// Takes the zones of a configuration, and reads what their snapshots say.
    fn new(config: &mut Serve) -> Self {
        warn_of(&config.cautions(), &config.of_files());
        let (zones, static_zones) = (take(&mut config.zones), take(&mut config.static_zones));
        let (index, sources) = indexed(zones, static_zones, config.bare_names);
        let sources = connected(sources, &index, &config.access);
        let bender = bender(&sources, &index, config.http.registration_ttl);
        let old = OldKeys::of(&sources);
        let state = config.outage.state.as_ref().map(|it| &*it.directory);
        let (events, mirrors) = (Arc::new(Events::new(Arc::clone(&index))), Mirrors::of(index));
        mirrors.apply(&config.outage);
        let follower = |(at, source)| Follower::new(source, &mirrors, &events, state, at);
        let mut followers: Vec<_> = sources.into_iter().enumerate().map(follower).collect();
        followers.iter_mut().for_each(Follower::restore);
        Self { mirrors, events, followers, bender, old }
    }

    /// The server around sockets that are bound.
    fn with_listeners(
        self,
        config: Serve,
        listeners: Listeners,
        windows: Windows,
    ) -> Result<App, Failure> {
        let Self { mirrors, events, followers, bender, old } = self;
        let (account, workers) = (config.limits.run_as.clone(), config.workers);
        let access = config.access.clone();
        let live = Reloadable::new(mirrors, &listeners, &windows);
        live.apply(config).map_err(Failure::failed)?;
        let listeners = listeners.share(workers);
        Ok(App {
            events,
            listeners,
            windows,
            live,
            workers,
            followers,
            account,
            bender,
            old,
            access,
        })
    }
}

/// The registry zones' sources, each with a client; zones of one registry share its connection.
fn connected(sources: Vec<ZoneSource>, index: &Index, access: &Access) -> Vec<FollowedZone> {
    let mut connected: Vec<FollowedZone> = Vec::new();
    let generation = index.load();
    for (ZoneSource { registry, layout }, zone) in sources.into_iter().zip(generation.zones()) {
        let (settings, shared) =
            (zone.settings(), connected.iter().find(|it| *it.etcd.url() == registry));
        let (apex, schema) = (settings.apex().to_ascii(), settings.schema());
        let identity = Identity::new(&apex, &registry, &layout, schema.as_str());
        let etcd = shared.map_or_else(|| Etcd::new(&registry, access), |it| it.etcd.clone());
        connected.push(FollowedZone { etcd, layout, identity });
    }
    connected
}

/// Where bender's interface registers: in the first zone of services that reads what it writes.
fn bender(sources: &[FollowedZone], index: &Index, ttl: Duration) -> Option<Bender> {
    let reads_ours = |zone: &Arc<Zone>| {
        let settings = zone.settings();
        settings.schema() == Schema::Services && settings.layout().template().is_none()
    };
    let zone = index.load().zones().iter().position(reads_ours)?;
    let FollowedZone { etcd, layout, .. } = sources.get(zone)?;
    Some(Bender { registrar: Registrar::new(etcd.clone(), layout.clone(), ttl), zone })
}

/// The sockets for DNS: those that were handed over, else bound ones.
fn listeners(config: &Serve, inherited: Vec<DnsSockets>) -> Result<Listeners, Failure> {
    if inherited.is_empty() {
        let bound = Listeners::bind(&config.listen.addresses, strictness(config));
        return bound.map_err(Failure::failed);
    }
    let sockets = inherited.into_iter().map(|DnsSockets { udp, tcp }| (udp, tcp));
    let listeners = Listeners::on(sockets).map_err(Failure::failed)?;
    let answered = listeners.addresses();
    for address in config.listen.addresses.iter().filter(|it| !answered.contains(it)) {
        if config.listen.is_explicit {
            tracing::warn!(
                "not answering on {address} of `listen`: systemd hands over other sockets; add it to \
                 the socket unit, or take it out of `listen`"
            );
        }
    }
    Ok(listeners)
}

/// Whether each address must be bound.
const fn strictness(config: &Serve) -> Strictness {
    if config.listen.is_explicit { Strictness::Explicit } else { Strictness::Defaults }
}

/// Says what in zone files is served otherwise than it is written, which certificates are
/// over, or will be soon, and which secrets everybody may read.
pub fn warn_of(cautions: &[(String, Diagnostic)], of_files: &[Diagnostic]) {
    of_files.iter().for_each(|finding| tracing::warn!("{finding}"));
    for (zone, caution) in cautions {
        tracing::warn!(zone, "zone file {caution}");
    }
}
