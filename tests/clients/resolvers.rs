//! Resolvers in front that ask the zone's own name servers, once they were told where one is:
//! the name and the addresses of the server that is synthesized must lead them there.

use std::process::{Child, Command};

use super::{Scene, is_there, namespace};
use crate::support::{dig, eventually};

/// A resolver that runs until it is dropped.
pub(super) struct Resolver(Child);

impl Resolver {
    /// Starts it in the foreground.
    pub(super) fn start(program: &str, arguments: &[&str]) -> Self {
        Self::spawn(Command::new(program).args(arguments))
    }

    /// Starts what a command says.
    pub(super) fn spawn(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A resolver finds what is registered, and what is registered later.
fn finds_registrations(scene: &Scene, address: &str) {
    let at = address.parse().unwrap();
    scene.put_all(&[("web/1", "10.1.2.3:80")], "A web.services.internal", 1);
    let asks = |question: &str| dig(at, &format!("+short {question}"));
    let finds = |question: &str, answer: &str| {
        assert!(eventually(|| asks(question) == format!("{answer}\n")), "{}", asks(question));
    };
    finds("A web.services.internal", "10.1.2.3");
    finds("SRV _web._tcp.services.internal", "0 1 80 10-1-2-3.web.services.internal.");
    scene.put_all(&[("new/1", "10.1.2.4:80")], "A new.services.internal", 1);
    finds("A new.services.internal", "10.1.2.4");
}

#[test]
fn unbound_primes_its_stub_zone() {
    let Some(scene) = namespace::enter("clients::resolvers::unbound_primes_its_stub_zone") else {
        return;
    };
    if !is_there("unbound", "Debian: unbound") {
        return;
    }
    let config = scene.write(
        "unbound.conf",
        "server:
  interface: 127.0.0.2
  chroot: \"\"
  username: \"\"
  pidfile: \"\"
  use-syslog: no
  do-daemonize: no
  module-config: \"iterator\"
  do-not-query-localhost: no
  local-zone: \"internal.\" nodefault
stub-zone:
  name: services.internal
  stub-addr: 127.0.0.1
  stub-prime: yes
",
    );
    let _resolver = Resolver::start("unbound", &["-d", "-c", &config]);
    finds_registrations(&scene, "127.0.0.2:53");
}

#[test]
fn bind_keeps_a_stub_zone() {
    let Some(scene) = namespace::enter("clients::resolvers::bind_keeps_a_stub_zone") else {
        return;
    };
    if !is_there("named", "Debian: bind9") {
        return;
    }
    let directory = scene.directory.path().to_str().unwrap();
    let config = scene.write(
        "named.conf",
        &format!(
            "options {{ directory \"{directory}\"; listen-on port 5353 {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }}; pid-file none; session-keyfile none; dnssec-validation no; }};
controls {{ }};
zone \"services.internal\" {{ type stub; primaries {{ 127.0.0.1; }}; file \"stub\"; }};
"
        ),
    );
    let _resolver = Resolver::start("named", &["-f", "-c", &config]);
    finds_registrations(&scene, "127.0.0.1:5353");
}
