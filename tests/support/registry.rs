//! A registry to test against: a real etcd, or the one embedded in srvd.

use std::net::SocketAddr;
use std::process::{Command, Output};
use std::thread::JoinHandle;

use etcd_client::Client;
use srvd::embedded;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::etcd::{Etcd, etcdctl};
use super::runtime;

/// A registry of its own for one test; gone when it is dropped.
pub(crate) enum Registry {
    /// A real etcd process.
    Real(Etcd),
    /// The registry embedded in srvd, served inside the test process.
    Embedded(Embedded),
}

/// What can be administered with `etcdctl`.
pub(crate) trait Administered {
    /// The URL that clients connect to.
    fn address(&self) -> String;

    /// Runs `etcdctl` against it.
    fn ctl(&self, args: &[&str]) -> Output {
        etcdctl(self.address().trim_start_matches("http://"), args)
            .output()
            .expect("etcdctl is installed (Debian: etcd-client)")
    }
}

impl Administered for Etcd {
    fn address(&self) -> String {
        self.url()
    }
}

impl Administered for Registry {
    fn address(&self) -> String {
        self.url()
    }
}

impl Registry {
    /// Starts a real etcd, whose progress notifications are as frequent as ours.
    pub(crate) fn real() -> Self {
        Self::Real(Etcd::start_with(&["--experimental-watch-progress-notify-interval", "2s"]))
    }

    /// Serves an embedded registry.
    pub(crate) fn embedded() -> Self {
        Self::Embedded(Embedded::start())
    }

    /// The URL that clients connect to.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Real(etcd) => etcd.url(),
            Self::Embedded(embedded) => format!("http://{}", embedded.addr),
        }
    }

    /// The address that clients connect to.
    pub(crate) fn addr(&self) -> SocketAddr {
        match self {
            Self::Real(etcd) => etcd.addr(),
            Self::Embedded(embedded) => embedded.addr,
        }
    }

    /// A new connection.
    pub(crate) async fn client(&self) -> Client {
        Client::connect([self.url()], None).await.unwrap()
    }

    /// Runs `etcdctl` against the registry.
    pub(crate) fn etcdctl(&self, args: &[&str]) -> Output {
        self.etcdctl_command(args).output().expect("etcdctl is installed (Debian: etcd-client)")
    }

    /// `etcdctl` against the registry, not started yet. It is given the address without
    /// `http://`: before 3.5 its `endpoint status` puts a URL where HTTP/2 wants host and
    /// port only, which etcd overlooks and our server cannot.
    pub(crate) fn etcdctl_command(&self, args: &[&str]) -> Command {
        etcdctl(self.url().trim_start_matches("http://"), args)
    }
}

/// The embedded registry on a free port, in a runtime of its own: what a test does to
/// its runtime does not disturb it.
pub(crate) struct Embedded {
    /// Where it listens.
    pub(crate) addr: SocketAddr,
    /// Ends it.
    shutdown: CancellationToken,
    /// The thread that serves it.
    thread: Option<JoinHandle<()>>,
}

impl Embedded {
    /// Serves a registry that holds nothing yet.
    fn start() -> Self {
        let shutdown = CancellationToken::new();
        let (tell, told) = std::sync::mpsc::channel();
        let stopping = shutdown.clone();
        let thread = std::thread::spawn(move || {
            runtime().block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                embedded::serve(listener, stopping).await.unwrap();
            });
        });
        Self { addr: told.recv().unwrap(), shutdown, thread: Some(thread) }
    }

    /// Shuts the registry down, and returns when it has ended.
    pub(crate) fn stop(&mut self) {
        self.shutdown.cancel();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Embedded {
    /// Tells the registry to end; nobody waits for it.
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// Makes of every named case two tests, one against either kind of registry.
macro_rules! on_both {
    ($($case:ident),* $(,)?) => {
        /// The cases against the embedded registry.
        mod embedded {
            $(#[test]
            fn $case() {
                super::$case(&crate::support::registry::Registry::embedded());
            })*
        }
        /// The cases against a real etcd.
        mod real {
            $(#[test]
            fn $case() {
                super::$case(&crate::support::registry::Registry::real());
            })*
        }
    };
}

pub(crate) use on_both;
