//! `srvd::client` as programs use it, against real etcd, with others looking: dig at a server, and
//! `srvd list`.
//!
//! | file | proves |
//! | --- | --- |
//! | `registering` | registered, refused, lost and regained, left, dropped |
//! | `checks` | the health closure takes it out and brings it back |
//! | `looking` | instances of a name, once and as they change, through outages |
//! | `examples` | the programs in `examples/` |
//! | `alone` | what the client brings where there is no server |

mod alone;
mod checks;
mod examples;
mod looking;
mod registering;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use srvd::client::{Client, Registered, RegistrationState, Service};

use crate::support::etcd::Etcd;
use crate::support::registry::Administered;
use crate::support::srvd::Srvd;
use crate::support::{dig, eventually, soon};

/// The key of [`web`].
const KEY: &str = "/services/web/10-1-2-3-8080";

/// The service that tests register.
fn web() -> Service {
    Service::new("web", 8080).host("10.1.2.3").tag("v2").weight(10)
}

/// A client of an etcd, which may be away.
async fn connect(etcd: &Etcd) -> Client {
    Client::connect(etcd.url()).await.unwrap()
}

/// Registers [`web`].
async fn registered(client: &Client) -> Registered {
    soon(client.register(web())).await.unwrap()
}

/// Whether etcd has the key of [`web`].
fn is_there(etcd: &impl Administered) -> bool {
    let output = etcd.ctl(&["--command-timeout=2s", "get", "--keys-only", KEY]);
    String::from_utf8(output.stdout).unwrap().contains(KEY)
}

/// Waits until a registration is in a state.
async fn reaches(held: &mut Registered, wanted: impl Fn(&RegistrationState) -> bool) {
    let reached = async {
        while !wanted(&held.state()) {
            held.changed().await.unwrap();
        }
    };
    soon(reached).await;
}

/// A server of an etcd, which answers from the first list on.
fn serve(etcd: &Etcd) -> (Srvd, SocketAddr) {
    let server = Srvd::start(&etcd.url(), &["serve", "--listen", "127.0.0.1:0"]);
    let at = server.answers_at();
    (server, at)
}

/// Waits until dig at a server prints so for [`web`]'s name; nothing is printed where there is
/// none.
fn dig_prints(at: SocketAddr, wanted: &str) {
    let mut last = String::new();
    let is_so = eventually(|| {
        last = dig(at, "+short SRV _web._tcp.services.internal");
        last.trim() == wanted
    });
    assert!(is_so, "dig should print {wanted:?}, and prints {last:?}");
}

/// The health that a test sets, and a closure reads.
#[derive(Clone, Default)]
struct Health(Arc<Mutex<Option<&'static str>>>);

impl Health {
    /// Sets the reason not to be healthy, or none.
    fn set(&self, ill: Option<&'static str>) {
        *self.0.lock().unwrap() = ill;
    }

    /// [`web`] while it is healthy, checked often.
    fn checks(&self) -> Service {
        let health = self.clone();
        let look = move || {
            let health = health.clone();
            async move { health.0.lock().unwrap().map_or(Ok(()), Err) }
        };
        web().check(look).check_interval(Duration::from_millis(100)).check_failures(2)
    }
}
