//! Load over streams, by dnsperf: it is where this bench needs no generator of its own, and what
//! other people measure with.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::rounds::Sample;
use crate::server::Server;

/// Connections.
pub(crate) const CONNECTIONS: &str = "10";
/// Queries under way, over all of them.
pub(crate) const OUTSTANDING: &str = "500";

/// A transport over streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// TCP as it is.
    Tcp,
    /// DNS over TLS.
    Tls,
    /// DNS over HTTPS: HTTP/2, by GET, as dnsperf asks by default.
    Https,
    /// DNS over QUIC, which dnsperf does not speak.
    Quic,
}

impl Transport {
    /// What it is called.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Https => "HTTPS",
            Self::Quic => "QUIC",
        }
    }

    /// What dnsperf calls it.
    fn mode(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tls => "dot",
            Self::Https => "doh",
            Self::Quic => "doq",
        }
    }
}

/// One turn of one server over a transport.
pub(crate) fn turn(
    server: &Server,
    transport: Transport,
    questions: &Path,
    time: Duration,
) -> Sample {
    let before = server.process.nanoseconds();
    let text = dnsperf(server, transport, questions, time);
    let nanoseconds = server.process.nanoseconds() - before;
    let figure = |name: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(name));
        let figure = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        figure.unwrap_or_else(|| panic!("dnsperf does not say {name:?}:\n{text}"))
    };
    let [answered, lost] = ["Queries completed:", "Queries lost:"].map(|name| figure(name) as u64);
    Sample::new(nanoseconds, answered, lost, figure("Run time (s):"))
}

/// Runs dnsperf against a server, and gives what it prints.
fn dnsperf(server: &Server, transport: Transport, questions: &Path, time: Duration) -> String {
    // It takes whole seconds.
    let seconds = time.as_secs().max(1).to_string();
    let at = server.door(transport);
    let (address, port) = (at.ip().to_string(), at.port().to_string());
    let mut command = Command::new("dnsperf");
    command.args(["-m", transport.mode(), "-s", &address, "-p", &port, "-l", &seconds]);
    command.args(["-c", CONNECTIONS, "-q", OUTSTANDING, "-d"]).arg(questions);
    if transport == Transport::Https {
        command.args(["-O", &format!("doh-uri=https://{at}/dns-query")]);
    }
    let output = command.stdin(Stdio::null()).output();
    let output = output.expect("dnsperf is installed (Debian: dnsperf)");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
