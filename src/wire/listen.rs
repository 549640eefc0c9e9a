//! The sockets: bound all at once, or none.

mod encrypted;
mod fault;

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::encrypted::EncryptedListeners;
use self::fault::failure;
use super::counters::Counters;
use super::tcp::{self, Common, Connections, Door, TcpRuntime, Turns};
use super::udp::Workers;
use super::{Policies, Responder};
use crate::index::Index;
use crate::processes::sockets;

pub use self::fault::BindError;

/// Connections that the kernel holds until they are accepted.
const BACKLOG: i32 = 1024;
/// Octets of datagrams that the kernel holds until they are read: some thousand queries,
/// which come while a worker waits for its turn on a busy machine. Linux gives at most
/// `net.core.rmem_max`.
const RECEIVE_BUFFER: usize = 1024 * 1024;
/// Octets of replies that wait for a network card, or for a neighbour that says nothing
/// when asked for its hardware address: forged queries can name hundreds of such, and what
/// is sent to them is held for seconds. Linux gives at most `net.core.wmem_max`.
const SEND_BUFFER: usize = 4 * 1024 * 1024;
/// Octets of a connection that the kernel holds each way, queries that are not read and replies
/// that are not taken, twice as much as this with what it needs itself. Without it Linux lets
/// replies to a client that takes none grow to some MiB, which is memory of ours in a container.
/// A reply that is larger waits in our own buffer, where it is counted.
pub(super) const TCP_BUFFER: usize = 32 * 1024;
/// How long replies in flight may still take once told to stop. Meanwhile nothing new is
/// answered, so it is short.
const DRAIN: Duration = Duration::from_secs(2);
/// How many ports are tried when one is wanted that both UDP and TCP have free.
const PORT_TRIES: usize = 16;

/// The treatment of an address that this machine does not have: an error, or skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// The addresses were configured: each must be bound.
    Explicit,
    /// The addresses are defaults: a family that the machine lacks is skipped.
    Defaults,
}

/// Bound sockets that nothing is read from yet.
#[derive(Debug)]
pub struct Listeners {
    /// A pair for each address.
    pairs: Vec<Pair>,
    /// Those of encrypted DNS.
    encrypted: EncryptedListeners,
    /// What will be counted.
    counters: Arc<Counters>,
}

/// A socket that listens for connections, or for their datagrams.
#[derive(Debug)]
struct Listening {
    /// Its address, with its actual port.
    address: SocketAddr,
    socket: Socket,
}

/// The two sockets of an address.
#[derive(Debug)]
struct Pair {
    /// The address, with its actual port.
    address: SocketAddr,
    /// For connections.
    tcp: Socket,
    /// For datagrams: one, and more that share its port.
    udp: Vec<Socket>,
    /// Whether somebody else has bound both, and keeps them when we end.
    is_kept: bool,
}

impl Listeners {
    /// Binds every address, for UDP and TCP. Port 0 stands for one free port.
    ///
    /// # Errors
    /// [`BindError`]: which address, and what to do. Nothing is bound then.
    pub fn bind(addresses: &[SocketAddr], strictness: Strictness) -> Result<Self, BindError> {
        let mut pairs = Vec::new();
        for address in addresses {
            match Pair::bind(*address) {
                Ok(pair) => pairs.push(pair),
                Err(BindError::NoSuchAddress { source, .. })
                    if strictness == Strictness::Defaults =>
                {
                    tracing::info!(
                        "skipping {address}: no such address on this machine ({source})"
                    );
                }
                Err(fault) => return Err(fault),
            }
        }
        if pairs.is_empty() {
            Err(BindError::None)
        } else {
            Ok(Self { pairs, encrypted: EncryptedListeners::default(), counters: Arc::default() })
        }
    }

    /// Answers on sockets that somebody else has bound and keeps, one for datagrams and one that
    /// listens for each address. How large their buffers are is theirs to say.
    ///
    /// # Errors
    /// [`io::Error`] of the system.
    pub fn on(sockets: impl IntoIterator<Item = (Socket, Socket)>) -> io::Result<Self> {
        let pairs = sockets.into_iter().map(|(udp, tcp)| Pair::kept(udp, tcp));
        let pairs = pairs.collect::<io::Result<_>>()?;
        Ok(Self { pairs, encrypted: EncryptedListeners::default(), counters: Arc::default() })
    }

    /// Binds, for each address, a UDP socket for each worker; 0 stands for one per core.
    /// [`serve`](Self::serve) does so itself, but may then not be allowed to any more.
    #[must_use]
    pub fn share(mut self, workers: usize) -> Self {
        let workers = count(workers);
        self.pairs.iter_mut().for_each(|pair| pair.share(workers));
        self
    }

    /// The addresses, with actual ports.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.pairs.iter().map(|pair| pair.address).collect()
    }

    /// What is counted, to be read while [`serve`](Self::serve) runs and after it.
    #[must_use]
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// Answers until told to stop; then finishes what is in flight. `workers` UDP sockets
    /// share each address; 0 stands for one per core.
    ///
    /// # Errors
    /// [`io::Error`] when the runtime cannot take a socket, or a thread cannot be started.
    pub async fn serve(
        self,
        index: Arc<Index>,
        policies: Arc<Policies>,
        workers: usize,
        shutdown: CancellationToken,
    ) -> io::Result<()> {
        let workers = count(workers);
        let Self { pairs, encrypted, counters } = self.share(workers);
        let connections = Connections::new(Arc::clone(&policies), Arc::clone(&counters));
        let connections = Arc::new(connections);
        let responder =
            Responder::with(index, Arc::clone(&policies)).counting(Arc::clone(&counters));
        let responder = responder.until(shutdown.clone());
        let tasks = TaskTracker::new();
        let mut threads = Workers::new(responder.clone(), tasks.clone(), workers)?;
        let apart = TcpRuntime::new(workers)?;
        let turns = Turns::new(apart.threads());
        let patterns = threads.patterns().clone();
        let common = Common { responder, connections, turns, patterns, shutdown: shutdown.clone() };
        for pair in pairs {
            threads.start(pair.address.ip(), pair.udp, pair.is_kept)?;
            let listener = apart.listener(pair.tcp)?;
            let accept = tcp::serve(listener, Door::Plain, common.clone(), tasks.clone());
            tasks.spawn_on(accept, apart.handle());
        }
        encrypted.serve(&apart, &common, &tasks)?;
        tasks.close();
        shutdown.cancelled().await;
        drop((threads, common));
        // What is not done by then is ended with its runtime: a client that takes its
        // replies slowly must not keep a restart waiting.
        let _ = timeout(DRAIN, async {
            tasks.wait().await;
            let forwarder = policies.load().forwarder.clone();
            if let Some(forwarder) = forwarder {
                forwarder.idle().await;
            }
        })
        .await;
        tracing::info!("ended; {}", counters.total());
        Ok(())
    }
}

impl Listening {
    /// Binds an address.
    fn bind(address: SocketAddr) -> Result<Self, BindError> {
        let socket =
            bind_tcp(address).map_err(|fault| failure(address, sockets::Protocol::Tcp, fault))?;
        let bound = socket.local_addr().ok().and_then(|bound| bound.as_socket());
        Ok(Self { address: bound.unwrap_or(address), socket })
    }

    /// Binds an address for datagrams, which no other process can share.
    fn bind_datagrams(address: SocketAddr) -> Result<Self, BindError> {
        let socket = bind_udp(address, false)
            .map_err(|fault| failure(address, sockets::Protocol::Udp, fault))?;
        let bound = socket.local_addr().ok().and_then(|bound| bound.as_socket());
        Ok(Self { address: bound.unwrap_or(address), socket })
    }

    /// Takes a socket for datagrams that was bound.
    fn kept_datagrams(socket: Socket) -> io::Result<Self> {
        let address = socket.local_addr()?.as_socket().ok_or(io::ErrorKind::InvalidInput)?;
        Ok(Self { address, socket })
    }

    /// Takes a socket that was bound.
    fn kept(socket: Socket) -> io::Result<Self> {
        let address = socket.local_addr()?.as_socket().ok_or(io::ErrorKind::InvalidInput)?;
        let _ = socket.set_recv_buffer_size(TCP_BUFFER);
        let _ = socket.set_send_buffer_size(TCP_BUFFER);
        socket.set_nonblocking(true)?;
        Ok(Self { address, socket })
    }
}

impl Pair {
    /// Binds an address.
    fn bind(address: SocketAddr) -> Result<Self, BindError> {
        let mut tries = if address.port() == 0 { PORT_TRIES } else { 1 };
        loop {
            tries -= 1;
            match Self::bind_once(address) {
                Err(BindError::InUse { .. }) if tries > 0 => {}
                bound => return bound,
            }
        }
    }

    /// Binds TCP, then UDP on the same port. TCP comes first and alone: UDP sockets that
    /// share their port would not notice a second srvd, which would get half the queries.
    fn bind_once(address: SocketAddr) -> Result<Self, BindError> {
        let Listening { address: bound, socket: tcp } = Listening::bind(address)?;
        let address = SocketAddr::new(address.ip(), bound.port());
        let udp = bind_udp(address, true)
            .map_err(|fault| failure(address, sockets::Protocol::Udp, fault))?;
        Ok(Self { address, tcp, udp: vec![udp], is_kept: false })
    }

    /// Takes sockets that were bound.
    fn kept(udp: Socket, tcp: Socket) -> io::Result<Self> {
        let address = udp.local_addr()?.as_socket().ok_or(io::ErrorKind::InvalidInput)?;
        let Listening { socket: tcp, .. } = Listening::kept(tcp)?;
        Ok(Self { address, tcp, udp: vec![udp], is_kept: true })
    }

    /// Binds UDP sockets that share the first one's port, until there are so many. One that is
    /// kept for the next process is shared itself: what waits in a socket of our own is lost with
    /// us, and the kernel deals clients out anew whenever the number of sockets changes.
    fn share(&mut self, workers: usize) {
        while self.udp.len() < workers {
            let another = match self.is_kept {
                true => self.udp[0].try_clone(),
                false => bind_udp(self.address, true),
            };
            match another {
                Ok(socket) => self.udp.push(socket),
                Err(fault) => {
                    tracing::warn!(address = %self.address, "fewer UDP workers: {fault}");
                    break;
                }
            }
        }
    }
}

/// How many workers there are: those asked for, or one per core.
fn count(workers: usize) -> usize {
    NonZeroUsize::new(workers)
        .or_else(|| std::thread::available_parallelism().ok())
        .map_or(1, NonZeroUsize::get)
}

/// A listening TCP socket. SO_REUSEADDR lets it be bound while connections of an earlier
/// process linger in TIME_WAIT; it does not let two processes listen.
fn bind_tcp(address: SocketAddr) -> io::Result<Socket> {
    let socket = open(address, Type::STREAM, Protocol::TCP)?;
    socket.set_reuse_address(true)?;
    // Connections have what their listener has. More of it is no reason not to answer.
    let _ = socket.set_recv_buffer_size(TCP_BUFFER);
    let _ = socket.set_send_buffer_size(TCP_BUFFER);
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// A UDP socket, whose port others of this process may share.
fn bind_udp(address: SocketAddr, is_shared: bool) -> io::Result<Socket> {
    let socket = open(address, Type::DGRAM, Protocol::UDP)?;
    socket.set_reuse_port(is_shared)?;
    // Less of it is no reason not to answer.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
    let _ = socket.set_send_buffer_size(SEND_BUFFER);
    socket.bind(&address.into())?;
    Ok(socket)
}

/// A socket of an address's family. IPv6 sockets are for IPv6 alone, so that `[::]` and
/// `0.0.0.0` can both be listened on.
fn open(address: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}
