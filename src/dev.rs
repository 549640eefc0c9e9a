//! `srvd dev`: the server, with a registry in the same process.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::num::NonZeroU16;

use tokio_util::sync::CancellationToken;

use crate::app::{App, Windows};
use crate::config::{self, Registry, Serve, ZoneConfig};
use crate::embedded;
use crate::error::Failure;
use crate::etcd::{Access, Etcd, SharedClient};
use crate::http::Http;
use crate::index::Schema;
use crate::join::{Registration, Terms};
use crate::names::{DEFAULT_LEASE, HEARTBEATS_PER_LEASE, default_id};
use crate::options::{Common, File, HttpAddress, ServeArgs};
use crate::registry::document::Registration as Document;
use crate::registry::{Endpoint, Host, Layout, RegistryUrl};
use crate::reload::Reload;
use crate::shutdown;
use crate::telemetry::{Log, on_all_cores, say};
use crate::wire::{BindError, Listeners, Strictness};

/// The service that the server registers of itself, so that there is something to find.
const HELLO: &str = "hello";
/// Free ports that are tried in place of a default one that is taken.
const PORT_TRIES: usize = 16;

/// Where etcd's v2 API is answered if nothing says otherwise: etcd's first port for clients,
/// which clients of that time still try.
const ETCD_V2: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 4001);

/// Runs `srvd dev` until told to stop.
///
/// # Errors
/// [`Failure`]: an address that was asked for cannot be bound, or wrong configuration.
pub fn dev(log: &Log, common: &Common, args: &ServeArgs, file: &File) -> Result<(), Failure> {
    let dev = Dev::bind(common, args, file)?;
    dev.app.give_up_privileges()?;
    on_all_cores(log, dev.run())
}

/// A server and its registry, bound, with nothing running yet.
struct Dev {
    /// The server.
    app: App,
    /// What reads its configuration again.
    reload: Reload,
    /// The socket of the registry.
    listener: TcpListener,
    /// Where that is.
    address: SocketAddr,
    /// The registry, as the first zone of services knows it, if there is one.
    services: Option<(RegistryUrl, Layout)>,
}

impl Dev {
    /// Binds everything. Default ports that are taken are replaced; ports that somebody
    /// asked for are not.
    fn bind(common: &Common, args: &ServeArgs, file: &File) -> Result<Self, Failure> {
        let asked = Registry::new(common, file)?;
        let listener = bind_registry(&asked)?;
        let address = listener.local_addr().map_err(Failure::failed)?;
        let adapt = Box::new(move |config: &mut Serve| embed(config, address));
        let (reload, config) = Reload::of(common, args, file, adapt)?;
        if args.state(file).is_some() {
            say(
                "srvd dev: `state` is left aside, a registry in memory has nothing to come back to",
            );
        }
        let services =
            of_services(&config.zones).map(|it| (it.registry.clone(), it.layout.clone()));
        let listeners = bind_dns(&config)?;
        let windows = bind_windows(&config.http)?;
        let app = App::with_listeners(config, listeners, windows)?;
        Ok(Self { app, reload, listener, address, services })
    }

    /// Runs both until told to stop.
    async fn run(self) -> Result<(), Failure> {
        let Self { app, reload, listener, address, services } = self;
        let shutdown = shutdown::on_signals().map_err(Failure::failed)?;
        reload.start(app.live().clone()).map_err(Failure::failed)?;
        let dns = app.addresses();
        // The registry goes last: whoever leaves it in good order still needs it.
        let closing = CancellationToken::new();
        let listener = tokio::net::TcpListener::from_std(listener).map_err(Failure::failed)?;
        let registry = tokio::spawn(embedded::serve(listener, closing.clone()));
        introduce(address, &app, services.is_some());
        let hello = services.map(|(url, layout)| {
            let etcd = Etcd::new(&url, &Access::default());
            tokio::spawn(hello(etcd, layout, dns[0], shutdown.clone()))
        });
        app.run(shutdown).await?;
        if let Some(hello) = hello {
            let _ = hello.await;
        }
        closing.cancel();
        registry.await.map_err(Failure::failed)?.map_err(Failure::failed)
    }
}

/// Has the zones of a configuration read from the registry at an address, in which nothing
/// lasts.
fn embed(config: &mut Serve, address: SocketAddr) {
    config.access = Access::default();
    config.outage.state = None;
    for zone in &mut config.zones {
        let endpoints = vec![endpoint(address)];
        zone.registry = RegistryUrl { endpoints, tls: false, ..zone.registry.clone() };
    }
}

/// The first zone that services can be registered in.
fn of_services(zones: &[ZoneConfig]) -> Option<&ZoneConfig> {
    let reads_ours = |zone: &&ZoneConfig| {
        zone.settings.schema() == Schema::Services && zone.layout.template().is_none()
    };
    zones.iter().find(reads_ours)
}

/// Binds the registry's address; a default one that is taken is replaced by a free port.
fn bind_registry(asked: &Registry) -> Result<TcpListener, Failure> {
    if asked.url.tls {
        return Err(Failure::usage(
            "the embedded registry speaks no TLS; write --registry http://…",
        ));
    }
    let Some(Endpoint { host, port }) = asked.url.endpoints.first() else {
        return Err(Failure::usage(
            "the embedded registry listens at an address; write --registry http://HOST:PORT",
        ));
    };
    let place = format!("{host}:{port}");
    let bound = match TcpListener::bind(&place) {
        Err(_) if !asked.is_explicit => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)),
        bound => bound,
    };
    let fault = |error| {
        Failure::failed(format!(
            "the embedded registry cannot listen on {place}: {error}; leave --registry out for a free port"
        ))
    };
    let listener = bound.map_err(fault)?;
    listener.set_nonblocking(true).map_err(Failure::failed)?;
    Ok(listener)
}

/// Binds the DNS addresses; default ones that are taken are replaced by a free port.
fn bind_dns(config: &Serve) -> Result<Listeners, Failure> {
    if config.listen.is_explicit {
        return Listeners::bind(&config.listen.addresses, Strictness::Explicit)
            .map_err(Failure::failed);
    }
    let mut bound = Listeners::bind(&config.listen.addresses, Strictness::Defaults);
    for _ in 0..PORT_TRIES {
        if !matches!(bound, Err(BindError::InUse { .. })) {
            break;
        }
        bound = free_port().and_then(|port| Listeners::bind(&port, Strictness::Defaults));
    }
    bound.map_err(Failure::failed)
}

/// Binds the addresses of HTTP; that of etcd's v2 API by default if it is free.
fn bind_windows(config: &config::Http) -> Result<Windows, Failure> {
    let etcd_v2 = match config.etcd_v2 {
        Some(address) => Some(Http::bind_etcd_v2(address).map_err(Failure::failed)?),
        None => Http::bind_etcd_v2(ETCD_V2.into()).ok(),
    };
    Ok(Windows { http: bind_http(config)?, etcd_v2 })
}

/// Binds the address of HTTP, unless it is off; a default one that is taken is replaced by
/// a free port.
fn bind_http(config: &config::Http) -> Result<Option<Http>, Failure> {
    let HttpAddress::On(address) = config.at else { return Ok(None) };
    let bound = match Http::bind(address) {
        Err(error) if error.is_in_use() && !config.is_explicit => {
            Http::bind((Ipv4Addr::LOCALHOST, 0).into())
        }
        bound => bound,
    };
    bound.map(Some).map_err(Failure::failed)
}

/// Both loopback addresses with a port that was free a moment ago.
fn free_port() -> Result<[SocketAddr; 2], BindError> {
    let probe = Listeners::bind(&[(Ipv4Addr::LOCALHOST, 0).into()], Strictness::Explicit)?;
    let port = probe.addresses()[0].port();
    Ok([(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()])
}

/// An address as an endpoint of a registry.
fn endpoint(address: SocketAddr) -> Endpoint {
    let host = match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    };
    Endpoint { host, port: address.port() }
}

/// Registers this server under the name it greets with.
async fn hello(etcd: Etcd, layout: Layout, dns: SocketAddr, shutdown: CancellationToken) {
    let (address, port) = (dns.ip(), dns.port());
    let reachable = if address.is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { address };
    let port = NonZeroU16::new(port).expect("a bound socket has a port");
    let document = Document::new(HELLO, &Host::Address(reachable), port, None);
    let key = layout.key(HELLO, &default_id(&document.hostname, Some(document.port.get())));
    let heartbeat = DEFAULT_LEASE / HEARTBEATS_PER_LEASE;
    let terms = Terms { ttl: DEFAULT_LEASE, heartbeat, by_force: false };
    let registration = Registration::new(SharedClient::new(etcd), key, document.to_line(), terms);
    if let Err(fault) = registration.hold(|_| (), shutdown).await {
        tracing::warn!("`{HELLO}` is not registered: {fault}");
    }
}

/// Says what runs where, and what to try, with this program as it was called. Where there is
/// no zone of services there is nothing to join.
fn introduce(registry: SocketAddr, app: &App, has_services: bool) {
    let dns = app.addresses()[0];
    let (at, port) = (dns.ip(), dns.port());
    let srvd = std::env::args().next().unwrap_or_else(|| "srvd".to_owned());
    say("srvd dev: everything is kept in memory and is gone when this ends");
    say(format_args!("registry (etcd v3 API): http://{registry}"));
    app.announce();
    say("try, in another terminal:");
    say(format_args!("  export SRVD_REGISTRY=http://{registry}"));
    if has_services {
        say(format_args!("  dig @{at} -p {port} SRV _{HELLO}._tcp"));
        say(format_args!("  {srvd} join my-service --port 8080 --host 10.1.2.3"));
        say(format_args!("  dig @{at} -p {port} SRV _my-service._tcp"));
    }
    say(format_args!("  {srvd} list"));
}
