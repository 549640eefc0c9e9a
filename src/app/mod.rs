//! The server, built in one place: everything bound, nothing running yet. Tests build the
//! very same on port 0.

mod follower;
mod herald;
mod live;
mod serials;
mod windows;
mod writers;
mod zones;

use std::mem::take;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use socket2::Socket;
use tokio_util::sync::CancellationToken;

use crate::config::Serve;
use crate::error::Failure;
use crate::etcd::Access;
use crate::http::{AnsweringAddress, Heavy, Http, Subject};
use crate::index::{Index, Zone};
use crate::metrics::OldClients;
use crate::privileges::{self, Account};
use crate::registry::Diagnostic;
use crate::state;
use crate::systemd::{DnsSockets, Inherited};
use crate::telemetry::say;
use crate::wire::{Counters, Listeners, Strictness};

use self::zones::ZoneSet;

pub use self::live::Reloadable;
pub use self::windows::Windows;
pub use self::zones::ZoneChanges;

/// A server with its sockets bound.
pub struct App {
    /// What is answered from, and what follows it.
    zones: Arc<ZoneSet>,
    /// The sockets.
    listeners: Listeners,
    /// The sockets of HTTP.
    windows: Windows,
    /// What may be replaced while it runs.
    live: Reloadable,
    /// UDP workers; 0 is one per core.
    workers: usize,
    /// Whom to become before anything is answered.
    account: Option<Account>,
    /// How registries let us in.
    access: Access,
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
        let zones = prepared(&mut config);
        let Inherited { dns, dns_tls, dns_https, dns_quic, http, etcd_v2 } = inherited;
        let encrypted = [dns_tls, dns_https, dns_quic];
        let listeners = with_encrypted(listeners(&config, dns)?, &config, encrypted)?;
        let windows = Windows::bind(&config.http, [http, etcd_v2])?;
        Self::with_zones(zones, config, listeners, windows)
    }

    /// The server around sockets that are bound already, and a directory of snapshots that
    /// is there. The addresses of encrypted DNS are bound.
    ///
    /// # Errors
    /// As [`Self::build`], and [`Reloadable::follow`].
    pub fn with_listeners(
        mut config: Serve,
        listeners: Listeners,
        windows: Windows,
    ) -> Result<Self, Failure> {
        let listeners = with_encrypted(listeners, &config, Default::default())?;
        Self::with_zones(prepared(&mut config), config, listeners, windows)
    }

    /// The server around zones and sockets that are bound.
    fn with_zones(
        zones: Arc<ZoneSet>,
        config: Serve,
        listeners: Listeners,
        windows: Windows,
    ) -> Result<Self, Failure> {
        let (account, workers) = (config.limits.run_as.clone(), config.workers);
        let access = config.access.clone();
        let live = Reloadable::new(Arc::clone(&zones), &listeners, &windows);
        live.apply(config).map_err(Failure::failed)?;
        let listeners = listeners.share(workers);
        Ok(Self { zones, listeners, windows, live, workers, account, access })
    }

    /// The addresses that are answered on, UDP and TCP alike.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.addresses()
    }

    /// The addresses that DNS over TLS is answered on.
    #[must_use]
    pub fn tls_addresses(&self) -> Vec<SocketAddr> {
        self.listeners.tls_addresses()
    }

    /// The addresses that DNS over HTTPS is answered on.
    #[must_use]
    pub fn https_addresses(&self) -> Vec<SocketAddr> {
        self.listeners.https_addresses()
    }

    /// The addresses that DNS over QUIC is answered on.
    #[must_use]
    pub fn quic_addresses(&self) -> Vec<SocketAddr> {
        self.listeners.quic_addresses()
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
        let dns_tls = self.tls_addresses().into_iter().map(of("dns-tls"));
        let dns_https = self.https_addresses().into_iter().map(of("dns-https"));
        let dns_quic = self.quic_addresses().into_iter().map(of("dns-quic"));
        dns.chain(dns_tls).chain(dns_https).chain(dns_quic).chain(http).chain(etcd_v2).collect()
    }

    /// Says where what is answered.
    pub fn announce(&self) {
        for address in self.addresses() {
            say(format_args!("answering DNS on {address}, UDP and TCP"));
        }
        for address in self.tls_addresses() {
            say(format_args!("answering DNS over TLS on {address}"));
        }
        for address in self.https_addresses() {
            say(format_args!("answering DNS over HTTPS on {address}"));
        }
        for address in self.quic_addresses() {
            say(format_args!("answering DNS over QUIC on {address}, UDP"));
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
    pub fn index(&self) -> &Arc<Index> {
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
        let (listeners, closing) = (self.answering(), CancellationToken::new());
        self.zones.start(closing.clone());
        let ZoneSet { events, writers, serials, .. } = &*self.zones;
        let minted = Arc::clone(&index);
        let old_clients = self.windows.etcd_v2.as_ref().map(|_| Arc::<OldClients>::default());
        let counts = old_clients.clone();
        let old = counts.and_then(|counts| writers.old(events, &shutdown, counts));
        let subject = Subject {
            index: Arc::clone(&index),
            events: Arc::clone(events),
            counters: self.listeners.counters(),
            draining: shutdown.clone(),
            policies: Arc::clone(&policies),
            listeners: listeners.into(),
            started: SystemTime::now(),
            heavy: Heavy::default(),
            reloads: Arc::clone(self.live.outcomes()),
            bender: Arc::clone(&writers.bender),
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
            never = serials.mint(&minted) => match never {},
        };
        closing.cancel();
        self.zones.ended().await;
        ended
    }
}

/// The zones of a configuration, with what their snapshots say.
fn prepared(config: &mut Serve) -> Arc<ZoneSet> {
    warn_of(&config.cautions(), &config.of_files());
    let zones = ZoneSet::new(config);
    zones.wait(&config.outage);
    let (registry, others) = (take(&mut config.zones), take(&mut config.static_zones));
    zones.apply(registry, others, config.bare_names);
    Arc::new(zones)
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

/// The same with those for encrypted DNS: those that were handed over, else bound ones.
fn with_encrypted(
    listeners: Listeners,
    config: &Serve,
    [tls, https, quic]: [Vec<Socket>; 3],
) -> Result<Listeners, Failure> {
    let encrypted = &config.encrypted;
    let has_any = [&tls, &https, &quic].iter().any(|sockets| !sockets.is_empty());
    if encrypted.certificate.is_none() && has_any {
        return Err(Failure::usage(
            "systemd hands over a socket `dns-tls`, `dns-https` or `dns-quic`, whose clients must be \
             shown a certificate; set tls-cert and tls-key, or remove the socket unit",
        ));
    }
    let listeners = match tls.is_empty() {
        true => listeners.with_tls(&encrypted.tls).map_err(Failure::failed)?,
        false => listeners.with_tls_on(tls).map_err(Failure::failed)?,
    };
    let listeners = match https.is_empty() {
        true => listeners.with_https(&encrypted.https).map_err(Failure::failed)?,
        false => listeners.with_https_on(https).map_err(Failure::failed)?,
    };
    match quic.is_empty() {
        true => listeners.with_quic(&encrypted.quic).map_err(Failure::failed),
        false => listeners.with_quic_on(quic).map_err(Failure::failed),
    }
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
