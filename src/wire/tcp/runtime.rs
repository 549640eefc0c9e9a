//! A runtime for connections alone: one of them can ask for as much work as it likes, and
//! delays neither datagrams nor the mirror, which live on the runtime of the process.

use std::io;

use socket2::Socket;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle, Runtime};

/// After how many tasks sockets are looked at. A task here has a turn of a millisecond: with the
/// usual 61, a client that connects or asks would be noticed after as many of others' turns.
const TASKS: u32 = 2;

/// The threads of all connections. Dropping it ends them.
pub(in crate::wire) struct TcpRuntime {
    /// There until it is dropped.
    runtime: Option<Runtime>,
    /// How many threads it has.
    threads: usize,
}

impl TcpRuntime {
    /// Starts one thread for two UDP workers, so that connections have half of the
    /// machine at most while there is other work.
    ///
    /// # Errors
    /// [`io::Error`] when the system has no thread left.
    pub(in crate::wire) fn new(workers: usize) -> io::Result<Self> {
        let threads = workers.div_ceil(2);
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(threads).thread_name("tcp").event_interval(TASKS).enable_all();
        let runtime = builder.build()?;
        Ok(Self { runtime: Some(runtime), threads })
    }

    /// How many threads there are.
    pub(in crate::wire) const fn threads(&self) -> usize {
        self.threads
    }

    /// Where tasks are spawned.
    pub(in crate::wire) fn handle(&self) -> &Handle {
        self.runtime.as_ref().expect("it is taken in drop alone").handle()
    }

    /// A bound socket that is polled here.
    ///
    /// # Errors
    /// [`io::Error`] when it cannot be.
    pub(in crate::wire) fn listener(&self, socket: Socket) -> io::Result<TcpListener> {
        let _here = self.handle().enter();
        TcpListener::from_std(socket.into())
    }
}

impl Drop for TcpRuntime {
    /// Waits for nothing, since this may be dropped on a thread that must not wait.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
