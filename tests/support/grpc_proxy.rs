//! `etcd grpc-proxy`: etcd's own proxy, which answers no request for progress and may hide
//! all keys but those of a namespace.

use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use super::etcd::binary;
use super::{eventually, free_addr};

/// A proxy in front of members; gone when it is dropped.
pub(crate) struct GrpcProxy {
    /// The process; none while it is stopped.
    child: Option<Child>,
    /// What is in front of whom.
    arguments: Vec<String>,
    /// Where it listens.
    at: SocketAddr,
}

impl GrpcProxy {
    /// A proxy in front of members, with further arguments of its own, that says of itself
    /// nothing: who asks it for members is told theirs.
    pub(crate) fn start(members: &[String], extra: &[&str]) -> Self {
        let at = free_addr();
        let listen = at.to_string();
        let (members, of_metrics) = (members.join(","), format!("http://{}", free_addr()));
        let own = ["grpc-proxy", "start", "--endpoints", &members, "--listen-addr", &listen];
        let own = own.into_iter().chain(["--advertise-client-url", "", "--metrics-addr"]);
        let own = own.chain([of_metrics.as_str()]).chain(extra.iter().copied());
        let arguments = own.map(str::to_owned).collect();
        let mut proxy = Self { child: None, arguments, at };
        proxy.restart();
        proxy
    }

    /// The url of the registry behind it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.at)
    }

    /// Ends it at once.
    pub(crate) fn kill9(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it, again if it runs, and waits until it listens.
    pub(crate) fn restart(&mut self) {
        self.kill9();
        let mut command = Command::new(binary());
        command.args(&self.arguments).stdin(Stdio::null());
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.child = Some(child.expect("etcd is installed (Debian: etcd-server)"));
        assert!(eventually(|| TcpStream::connect(self.at).is_ok()), "the proxy does not listen");
    }
}

impl Drop for GrpcProxy {
    fn drop(&mut self) {
        self.kill9();
    }
}
