//! A way to etcd that can be cut, silenced and led elsewhere.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// A TCP proxy in front of one etcd. Its url turns the member list off: what is listed
/// there would be a way around it.
pub(super) struct Proxy {
    /// Where it listens.
    at: SocketAddr,
    /// What it does.
    gate: Arc<Gate>,
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
    /// What becomes of octets.
    way: Way,
    /// Both ends of the connections that were made.
    open: Vec<TcpStream>,
}

/// What becomes of octets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// They are passed on.
    Open,
    /// Connections are closed, old and new.
    Cut,
    /// Connections stay, and nothing comes out of them.
    Silent,
}

impl Proxy {
    /// An open proxy.
    pub(super) fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let state = State { target, way: Way::Open, open: Vec::new() };
        let gate = Arc::new(Gate { state: Mutex::new(state), changed: Condvar::new() });
        let accepting = Arc::clone(&gate);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                accepting.admit(&client);
            }
        });
        Self { at, gate }
    }

    /// The url of the registry behind it.
    pub(super) fn url(&self) -> String {
        format!("http://{}?refresh=false&timeout=1s", self.at)
    }

    /// Closes every connection, and each new one at once.
    pub(super) fn cut(&self) {
        self.gate.set(Way::Cut);
    }

    /// Keeps every connection open, and passes nothing on.
    pub(super) fn silence(&self) {
        self.gate.set(Way::Silent);
    }

    /// Passes everything on again, held octets too.
    pub(super) fn open(&self) {
        self.gate.set(Way::Open);
    }

    /// Leads connections elsewhere from now on.
    pub(super) fn lead_to(&self, target: SocketAddr) {
        self.gate.lock().target = target;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.gate.set(Way::Cut);
    }
}

impl Gate {
    /// The state. Nothing that holds it panics half way.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what becomes of octets.
    fn set(&self, way: Way) {
        let mut state = self.lock();
        state.way = way;
        if way == Way::Cut {
            for stream in state.open.drain(..) {
                // It may be closed already.
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
        self.changed.notify_all();
    }

    /// Connects a client to the target; one that cannot be is closed.
    fn admit(self: &Arc<Self>, client: &TcpStream) {
        let (target, way) = {
            let state = self.lock();
            (state.target, state.way)
        };
        let Ok(server) = TcpStream::connect(target) else { return };
        if way == Way::Cut {
            return;
        }
        let clone = |stream: &TcpStream| stream.try_clone().unwrap();
        self.lock().open.extend([clone(client), clone(&server)]);
        for (mut from, mut to) in [(clone(client), clone(&server)), (server, clone(client))] {
            let gate = Arc::clone(self);
            std::thread::spawn(move || gate.copy(&mut from, &mut to));
        }
    }

    /// Passes octets on in one direction, until either end is closed.
    fn copy(&self, from: &mut TcpStream, to: &mut TcpStream) {
        let _ = to.set_nodelay(true);
        let mut octets = vec![0; 64 << 10];
        loop {
            let read = from.read(&mut octets).unwrap_or(0);
            let silent = |state: &mut State| state.way == Way::Silent;
            drop(self.changed.wait_while(self.lock(), silent));
            if read == 0 || to.write_all(&octets[..read]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    }
}
