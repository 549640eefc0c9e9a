//! A way to etcd that can be cut, silenced, slowed down and led elsewhere.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A TCP proxy in front of one etcd. Its url turns the member list off: what is listed
/// there would be a way around it.
pub(crate) struct Proxy {
    /// Where it listens.
    at: SocketAddr,
    /// What it does.
    gate: Arc<Gate>,
}

/// Where octets go to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the client to etcd.
    ToEtcd,
    /// From etcd to the client.
    FromEtcd,
}

/// What a proxy does, shared with its threads.
struct Gate {
    /// The state.
    state: Mutex<State>,
    /// Told of every change of it.
    changed: Condvar,
}

/// What a proxy does.
struct State {
    /// Where connections are led to.
    target: SocketAddr,
    /// What becomes of octets, in either direction.
    ways: [Way; 2],
    /// Both ends of the connections that were made.
    open: Vec<TcpStream>,
}

/// What becomes of octets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// They are passed on.
    Open,
    /// They are passed on after this time, or twice this time where more come meanwhile.
    Slow(Duration),
    /// Connections are closed, old and new.
    Cut,
    /// Connections stay, new ones are accepted, and nothing comes out of them.
    Silent,
}

impl Proxy {
    /// An open proxy.
    pub(crate) fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let state = State { target, ways: [Way::Open; 2], open: Vec::new() };
        let gate = Arc::new(Gate { state: Mutex::new(state), changed: Condvar::new() });
        let accepting = Arc::clone(&gate);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                accepting.admit(&client);
            }
        });
        Self { at, gate }
    }

    /// Where it listens.
    pub(crate) const fn addr(&self) -> SocketAddr {
        self.at
    }

    /// The url of the registry behind it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}?refresh=false&timeout=1s", self.at)
    }

    /// Closes every connection, and each new one at once.
    pub(crate) fn cut(&self) {
        self.gate.set([Way::Cut; 2]);
    }

    /// Keeps every connection open, and passes nothing on: a black hole without a reset.
    pub(crate) fn silence(&self) {
        self.gate.set([Way::Silent; 2]);
    }

    /// The same in one direction; the other is open.
    pub(crate) fn silence_only(&self, direction: Direction) {
        let mut ways = [Way::Open; 2];
        ways[direction as usize] = Way::Silent;
        self.gate.set(ways);
    }

    /// Passes everything on later, in both directions.
    pub(crate) fn delay(&self, by: Duration) {
        self.gate.set([Way::Slow(by); 2]);
    }

    /// Passes everything on again, held octets too.
    pub(crate) fn open(&self) {
        self.gate.set([Way::Open; 2]);
    }

    /// Leads connections elsewhere from now on.
    pub(crate) fn lead_to(&self, target: SocketAddr) {
        self.gate.lock().target = target;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.gate.set([Way::Cut; 2]);
    }
}

impl Gate {
    /// The state. Nothing that holds it panics half way.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what becomes of octets.
    fn set(&self, ways: [Way; 2]) {
        let mut state = self.lock();
        state.ways = ways;
        if ways.contains(&Way::Cut) {
            for stream in state.open.drain(..) {
                // It may be closed already.
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
        self.changed.notify_all();
    }

    /// Connects a client to the target; one that cannot be is closed.
    fn admit(self: &Arc<Self>, client: &TcpStream) {
        let (target, ways) = {
            let state = self.lock();
            (state.target, state.ways)
        };
        let Ok(server) = TcpStream::connect(target) else { return };
        if ways.contains(&Way::Cut) {
            return;
        }
        let clone = |stream: &TcpStream| stream.try_clone().unwrap();
        self.lock().open.extend([clone(client), clone(&server)]);
        let to_etcd = (clone(client), clone(&server), Direction::ToEtcd);
        for (mut from, mut to, direction) in [to_etcd, (server, clone(client), Direction::FromEtcd)]
        {
            let gate = Arc::clone(self);
            std::thread::spawn(move || gate.copy(&mut from, &mut to, direction));
        }
    }

    /// Passes octets on in one direction, until either end is closed.
    fn copy(&self, from: &mut TcpStream, to: &mut TcpStream, direction: Direction) {
        let _ = to.set_nodelay(true);
        let mut octets = vec![0; 64 << 10];
        loop {
            let read = from.read(&mut octets).unwrap_or(0);
            self.hold(direction);
            if read == 0 || to.write_all(&octets[..read]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    }

    /// Waits for as long as octets of this direction are held.
    fn hold(&self, direction: Direction) {
        let way = |state: &State| state.ways[direction as usize];
        let silent = |state: &mut State| way(state) == Way::Silent;
        let held = self.changed.wait_while(self.lock(), silent);
        let now = way(&held.unwrap_or_else(PoisonError::into_inner));
        if let Way::Slow(by) = now {
            std::thread::sleep(by);
        }
    }
}
