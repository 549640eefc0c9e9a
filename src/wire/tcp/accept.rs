//! Connections as they come. Where the system has no descriptor left, the quietest make room,
//! several at once: whoever opens connections faster than they are closed one by one would keep
//! everybody else waiting at the door.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::Connection;
use super::connections::Connections;
use super::turns::Turns;
use crate::wire::Responder;
use crate::wire::full::Queue;

/// How long the connections that were closed have to give their descriptors back.
const CLOSING: Duration = Duration::from_millis(1);
/// How long to wait where none of ours was open, or the system lacks memory.
const PAUSE: Duration = Duration::from_millis(50);

/// The state that connections share.
#[derive(Clone)]
pub(in crate::wire) struct Common {
    /// Answers.
    pub(in crate::wire) responder: Responder,
    /// Who is connected.
    pub(in crate::wire) connections: Arc<Connections>,
    /// Whose turn it is.
    pub(in crate::wire) turns: Arc<Turns>,
    /// Where messages go that can mean much of a zone.
    pub(in crate::wire) patterns: Queue,
    /// Told to stop.
    pub(in crate::wire) shutdown: CancellationToken,
}

/// A descriptor that is given up to accept a connection when there is no other, so that its
/// client is told at once that there is no room.
#[derive(Debug, Default)]
struct Spare(Option<File>);

/// Accepts connections until told to stop.
pub(in crate::wire) async fn serve(listener: TcpListener, common: Common, tasks: TaskTracker) {
    let mut spare = Spare::default();
    spare.refill();
    while let Some(accepted) = common.shutdown.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => {
                let place = common.connections.admit(peer.ip());
                tasks.spawn(Connection::new(stream, peer, &common).serve(place));
            }
            Err(fault) => recover(&fault, &common.connections, &listener, &mut spare).await,
        }
    }
}

/// After a connection that could not be accepted. One that was gone already costs nothing;
/// for lack of descriptors or memory it would fail again at once, so others are closed, and
/// there is a pause. Where none can be, whoever is next is turned away.
async fn recover(
    fault: &io::Error,
    connections: &Connections,
    listener: &TcpListener,
    spare: &mut Spare,
) {
    if matches!(fault.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
        return;
    }
    tracing::debug!("connection not accepted: {fault}");
    if connections.make_room() {
        return sleep(CLOSING).await;
    }
    if spare.turn_away(listener).await {
        connections.turn_away();
    }
    sleep(PAUSE).await;
}

impl Spare {
    /// Takes a descriptor, if there is one.
    fn refill(&mut self) {
        self.0 = self.0.take().or_else(|| File::open("/dev/null").ok());
    }

    /// Accepts a connection in place of this, and closes it; false if that failed as well.
    async fn turn_away(&mut self, listener: &TcpListener) -> bool {
        self.0 = None;
        let accepted = timeout(Duration::ZERO, listener.accept()).await;
        let is_turned_away = matches!(accepted, Ok(Ok(_)));
        drop(accepted);
        self.refill();
        is_turned_away
    }
}
