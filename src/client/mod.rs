//! The client: a program registers itself, and looks others up, without a process beside it.
//!
//! ```no_run
//! use srvd::client::{Client, Service};
//!
//! # async fn example() -> Result<(), srvd::client::Error> {
//! let client = Client::connect("http://10.0.0.1:2379,10.0.0.2:2379").await?;
//! let held = client.register(Service::new("web", 8080).tag("v2").weight(10)).await?;
//! for instance in client.lookup("api").await? {
//!     println!("{}", instance.location());
//! }
//! let mut api = client.watch("api");
//! while let Some(instances) = api.next().await {
//!     println!("{} instances", instances.len());
//! }
//! held.leave().await
//! # }
//! ```
//!
//! It speaks with etcd itself, and is what `srvd join`, `srvd lookup` and `srvd watch` are made
//! of: the same documents, the same rules of who owns a key, the same patience with outages.
//!
//! # Promises
//! What is public here follows [Semantic Versioning](https://semver.org), and nothing else of the
//! library does. Structs and enums that may grow are `non_exhaustive`. A release that needs a
//! newer Rust than `rust-version` said, or another major version of tokio or of
//! futures-core's `Stream`, is a breaking one. Texts of errors may change with any release.
//!
//! # Runtime
//! All of it runs on the tokio runtime in which [`ClientBuilder::connect`] was called, of either
//! flavour, with its I/O and time drivers enabled. Logs go to `tracing`, target `srvd`.
//!
//! # Connection
//! The connection string is that of `srvd --registry`:
//! `SCHEME://HOST[:PORT][,HOST[:PORT]…][/NAMESPACE][?prefix=…&timeout=…&refresh=…]`.
//! `etcd+srv://DOMAIN` needs a resolver, which only the feature `server` brings. Errors name
//! things as the options of `srvd` are called; the methods of [`ClientBuilder`] have the same
//! names.
//!
//! | file | holds |
//! | --- | --- |
//! | `connection` | [`ClientBuilder`]: where the registry is, and how we are let in |
//! | `service` | [`Service`]: what is registered |
//! | `check` | the health of it, by an async closure |
//! | `registered` | [`Registered`]: a registration that is held |
//! | `instance` | [`ServiceInstance`]: what is found |
//! | `named` | the instances of one name, of what a registry says |
//! | `watch` | [`ServiceWatch`]: these as they change |
//! | `error` | [`Error`] |

mod check;
mod connection;
mod error;
mod instance;
mod named;
mod registered;
mod service;
mod watch;

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;

use crate::etcd::{Etcd, SharedClient};
use crate::metrics::Told;
use crate::mirror;
use crate::registry::{Publish, Update};

use self::named::Named;

pub use self::connection::ClientBuilder;
pub use self::error::Error;
pub use self::instance::ServiceInstance;
pub use self::registered::{Registered, RegistrationState};
pub use self::service::Service;
pub use self::watch::ServiceWatch;
pub use crate::registry::Proto;

/// A client of one registry. Clones share its connections; it costs nothing while it is not used.
#[derive(Debug, Clone)]
pub struct Client {
    /// The registry.
    etcd: Etcd,
    /// What all registrations of the clones share.
    upkeep: SharedClient,
    /// Where the tasks run.
    runtime: Handle,
}

impl Client {
    /// A client of the registry at a connection string. Nothing is connected until it is used,
    /// so that a registry which is away is no error here.
    ///
    /// # Errors
    /// [`Error::Url`]: what is wrong with the string, and what to write.
    pub async fn connect(url: impl Into<String>) -> Result<Self, Error> {
        ClientBuilder::new(url).connect().await
    }

    /// The same with certificates, or a user and password.
    pub fn builder(url: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(url)
    }

    /// Registers a service and waits until it is in the registry: as long as that is away, or the
    /// service's check does not pass. Whoever does not want to wait spawns it, or uses
    /// `tokio::time::timeout`; when the future is dropped, nothing stays registered.
    ///
    /// # Errors
    /// What does not heal by waiting. [`Error::Service`]: what cannot be registered, and why;
    /// [`Error::Owned`], [`Error::Unleased`]: the key is somebody else's; [`Error::Refused`]: the
    /// registry does not let us in.
    pub async fn register(&self, service: Service) -> Result<Registered, Error> {
        let mut registered = Registered::start(self, service.plan(self.etcd.url())?);
        registered.begun().await?;
        Ok(registered)
    }

    /// The instances that a name stands for now, by priority, then by key: those of the service,
    /// or those that a backend or frontend of this name leads to. Names are compared as DNS does:
    /// in label form and without case. Nobody registered is an empty list.
    ///
    /// It reads the registry, by a few requests for the keys of this name. Whoever asks often
    /// uses [`Self::watch`].
    ///
    /// # Errors
    /// [`Error::Unreachable`]: no member answers; [`Error::Refused`]: the registry does not let
    /// us read.
    pub async fn lookup(&self, name: &str) -> Result<Vec<ServiceInstance>, Error> {
        let (etcd, layout, name) = (self.etcd.clone(), self.etcd.url().layout(), name.to_owned());
        let reading = async move {
            let (mut read, progress) = (Once(Named::new(layout.clone(), &name)), Told::default());
            let listed = mirror::list(&etcd, (layout, Some(&name)), &mut read, &progress).await;
            listed.map(|_| read.0.instances())
        };
        let read = AbortOnDropHandle::new(self.runtime.spawn(reading)).await;
        read.map_err(|_| Error::Ended)?.map_err(Error::from)
    }

    /// The instances of a name, as a stream of complete sets: the first as soon as it is known,
    /// then the set that is true now whenever it changed. Whoever takes them slowly skips those
    /// between.
    ///
    /// Sets and not changes, since a user of instances needs to know which there are: who misses a
    /// change has a wrong set for ever, who misses a set has the next.
    ///
    /// While the registry is away the last set stands, and no item comes; the set itself is empty
    /// only where the registry says that nobody is there. The watch follows all changes below the
    /// registry's prefix, of whatever name.
    pub fn watch(&self, name: &str) -> ServiceWatch {
        ServiceWatch::start(&self.runtime, self.etcd.clone(), name.to_owned())
    }

    /// The registry, as it was written; for logs.
    #[must_use]
    pub fn registry(&self) -> String {
        self.etcd.url().to_string()
    }
}

/// The content of a name, read once.
struct Once(Named);

impl Publish for Once {
    fn publish(&mut self, update: Update) {
        self.0.apply(&update);
    }
}

/// A set of instances, shared.
type Instances = Arc<[ServiceInstance]>;
