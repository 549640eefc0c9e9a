//! Who is asked: NSD with a zone, or a server that says what a test wants.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{dig, eventually, free_addr, nsd_config};
use crate::wire::messages::wire_name;

/// The zone that others serve.
pub(super) const ZONE: &str = r#"$ORIGIN others.test.
$TTL 60
@       SOA ns hostmaster 7 3600 600 86400 30
        NS  ns
ns      A   192.0.2.53
www     A   192.0.2.1
www     A   192.0.2.2
www6    AAAA 2001:db8::1
one     CNAME two
two     CNAME www
lost    CNAME nothing
empty   CNAME text
text    TXT "some words" "and more"
odd     TYPE65280 \# 4 0a000001
mail    MX 10 www
_x._tcp SRV 1 2 80 www
_x._tcp SRV 1 2 81 two
moment  1 A 192.0.2.9
"#;

/// A server that runs as a process, killed when dropped.
pub(crate) struct Nsd {
    pub(crate) at: SocketAddr,
    child: Child,
    _directory: tempfile::TempDir,
}

impl Nsd {
    /// Serves [`ZONE`], with a name that has so many addresses as do not fit UDP.
    pub(crate) fn start() -> Self {
        let (directory, at) = (tempfile::tempdir().unwrap(), free_addr());
        let big: String =
            (0..1000).map(|it| format!("big A 10.1.{}.{}\n", it / 250, it % 250)).collect();
        std::fs::write(directory.path().join("zone"), format!("{ZONE}{big}")).unwrap();
        let file = directory.path().join("nsd.conf");
        let zone = "zone:\n  name: others.test\n  zonefile: zone\n";
        let config = nsd_config(at, [directory.path(); 2], "verbosity: 0", zone);
        std::fs::write(&file, config).unwrap();
        let mut nsd = Command::new("nsd");
        let child = nsd.args(["-d", "-c"]).arg(&file).stderr(Stdio::null()).spawn();
        let child = child.expect("nsd is installed (Debian: nsd)");
        assert!(
            eventually(|| dig(at, "SOA others.test").contains("NOERROR")),
            "nsd does not answer"
        );
        Self { at, child, _directory: directory }
    }
}

impl Drop for Nsd {
    fn drop(&mut self) {
        // It ends its children when it is told to end; killed, it would not.
        crate::support::signal(self.child.id(), "TERM");
        let _ = self.child.wait();
    }
}

/// A server over UDP that says what a test wants; it ends with the process.
pub(crate) struct Wayward {
    pub(crate) at: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Wayward {
    /// One whose replies to a query are what `say` makes of it.
    pub(crate) fn start(say: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> Self {
        Self::start_on(UdpSocket::bind("127.0.0.1:0").unwrap(), say)
    }

    /// The same with a socket that is bound already.
    pub(crate) fn start_on(
        socket: UdpSocket,
        say: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static,
    ) -> Self {
        let (at, asked) = (socket.local_addr().unwrap(), Arc::<AtomicUsize>::default());
        let counter = Arc::clone(&asked);
        std::thread::spawn(move || {
            let mut query = [0; 1500];
            while let Ok((octets, client)) = socket.recv_from(&mut query) {
                // Probes of loops are no questions of a test.
                if kind(&query[..octets]) != Some(13) {
                    counter.fetch_add(1, Ordering::Relaxed);
                    for reply in say(&query[..octets]) {
                        let _ = socket.send_to(&reply, client);
                    }
                }
            }
        });
        Self { at, asked }
    }

    /// One that says over TCP what `say_whole` makes of a query: octets with their length.
    pub(crate) fn start_both(
        say: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static,
        say_whole: impl Fn(&[u8]) -> Vec<u8> + Send + 'static,
    ) -> Self {
        let at = free_addr();
        let (listener, socket) = (TcpListener::bind(at).unwrap(), UdpSocket::bind(at).unwrap());
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let (mut length, mut query) = ([0; 2], Vec::new());
                let _ = stream.read_exact(&mut length);
                query.resize(u16::from_be_bytes(length).into(), 0);
                if stream.read_exact(&mut query).is_ok() {
                    let _ = stream.write_all(&say_whole(&query));
                }
            }
        });
        Self::start_on(socket, say)
    }

    /// One that says nothing.
    pub(crate) fn silent() -> Self {
        Self::start(|_| Vec::new())
    }

    /// One that says nothing but a code.
    pub(crate) fn code(code: u8) -> Self {
        Self::start(move |query| vec![blank(query, code)])
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

/// A reply without records: RA set, TC clear.
pub(crate) fn blank(query: &[u8], code: u8) -> Vec<u8> {
    let end = question(query);
    let mut reply = query[..end].to_vec();
    (reply[2], reply[3]) = (0x80 | query[2], 0x80 | code);
    reply[6..12].fill(0);
    reply
}

/// A reply with one address, 192.0.2.77, for a minute.
pub(crate) fn address(query: &[u8]) -> Vec<u8> {
    let mut reply = blank(query, 0);
    reply[7] = 1;
    reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 77]);
    reply
}

/// A reply with some answers: owner, type, TTL, data.
pub(crate) fn answers(query: &[u8], records: &[(&str, u16, u32, Vec<u8>)]) -> Vec<u8> {
    let mut reply = blank(query, 0);
    reply[7] = records.len() as u8;
    records.iter().for_each(|(owner, kind, ttl, data)| {
        reply.extend(wire_name(owner));
        reply.extend(kind.to_be_bytes());
        reply.extend([0, 1]);
        reply.extend(ttl.to_be_bytes());
        reply.extend((data.len() as u16).to_be_bytes());
        reply.extend(data);
    });
    reply
}

/// The same with a code.
pub(crate) fn coded(mut reply: Vec<u8>, code: u8) -> Vec<u8> {
    reply[3] |= code;
    reply
}

/// A message as it goes over TCP.
pub(crate) fn framed(reply: Vec<u8>) -> Vec<u8> {
    [&(reply.len() as u16).to_be_bytes()[..], &reply].concat()
}

/// A reply cut.
pub(crate) fn truncated(query: &[u8]) -> Vec<u8> {
    let mut reply = blank(query, 0);
    reply[2] |= 2;
    reply
}

/// The first label that is asked for.
pub(crate) fn first_label(query: &[u8]) -> String {
    let label = &query[13..][..usize::from(query[12])];
    String::from_utf8(label.to_ascii_lowercase()).unwrap()
}

/// Whether a query has an OPT record.
pub(crate) fn has_edns(query: &[u8]) -> bool {
    query[11] > 0
}

/// Where the question ends.
fn question(query: &[u8]) -> usize {
    let mut at = 12;
    while query[at] > 0 {
        at += 1 + usize::from(query[at]);
    }
    at + 5
}

/// The type that is asked for.
pub(crate) fn kind(query: &[u8]) -> Option<u8> {
    query.get(question(query) - 3).copied()
}
