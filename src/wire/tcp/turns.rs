//! Turns at answering over TCP: one connection for each thread at a time, and client
//! networks after each other, however many connections each has.

use std::sync::Arc;

use tokio::sync::oneshot::{Sender, channel};

use crate::lock::Lock;
use crate::names::Share;
use crate::wire::fair::Fair;

/// Connections that may wait for their turn: more than there are at once, since those that end
/// meanwhile are only noticed when it is their turn.
const WAITING_MAX: usize = 16_384;

/// The turns of all connections.
#[derive(Debug)]
pub(in crate::wire) struct Turns {
    /// The lock is held for a look at it, never over an await.
    state: Lock<TurnState>,
}

/// The state of turns: how many are free, and who waits for one.
#[derive(Debug)]
struct TurnState {
    /// How many turns nobody has.
    free: usize,
    /// Who waits.
    waiting: Fair<Sender<Turn>>,
}

/// The turn of a connection, which passes to the next when this is dropped.
#[derive(Debug)]
pub(in crate::wire) struct Turn {
    /// Among which; none once it is passed on.
    turns: Option<Arc<Turns>>,
}

impl Turns {
    /// So many turns at once.
    pub(in crate::wire) fn new(at_once: usize) -> Arc<Self> {
        let state = TurnState { free: at_once.max(1), waiting: Fair::new(WAITING_MAX) };
        Arc::new(Self { state: Lock::new(state) })
    }

    /// Waits for the turn of a connection; none where too many wait, most of them of its network.
    pub(in crate::wire) async fn next(self: &Arc<Self>, share: Share) -> Option<Turn> {
        let (sender, receiver) = channel();
        {
            let mut state = self.state.lock();
            if state.free > 0 {
                state.free -= 1;
                return Some(Turn { turns: Some(Arc::clone(self)) });
            }
            // Whoever is lost for it is told by the end of their channel.
            let _ = state.waiting.offer(share, sender);
        }
        receiver.await.ok()
    }

    /// Gives a turn to the next of those that still wait, or to nobody.
    fn pass_on(self: Arc<Self>) {
        let mut turn = Turn { turns: Some(Arc::clone(&self)) };
        while let Some(next) = self.next_waiting() {
            match next.send(turn) {
                Ok(()) => return,
                Err(refused) => turn = refused,
            }
        }
        turn.turns = None;
    }

    /// Who is next; where nobody is, the turn is free.
    fn next_waiting(&self) -> Option<Sender<Turn>> {
        let mut state = self.state.lock();
        let next = state.waiting.take();
        state.free += usize::from(next.is_none());
        next
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(turns) = self.turns.take() {
            turns.pass_on();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use tokio::sync::mpsc::unbounded_channel;

    use super::*;

    /// The network of a number.
    fn network(number: u8) -> Share {
        Share::of(IpAddr::from([192, 0, number, 1]))
    }

    #[tokio::test]
    async fn a_network_of_many_connections_has_one_turn_of_two() {
        let turns = Turns::new(1);
        let first = turns.next(network(9)).await.unwrap();
        let (sender, mut had) = unbounded_channel();
        let many = (0..10).map(|at| (1, at)).chain([(2, 0), (2, 1)]);
        for (number, at) in many {
            let (turns, sender) = (Arc::clone(&turns), sender.clone());
            tokio::spawn(async move {
                let turn = turns.next(network(number)).await;
                sender.send((number, at)).unwrap();
                drop(turn);
            });
            tokio::task::yield_now().await;
        }
        drop((first, sender));
        let mut order = Vec::new();
        while let Some(it) = had.recv().await {
            order.push(it);
        }
        assert_eq!(order[..5], [(1, 0), (2, 0), (1, 1), (2, 1), (1, 2)]);
        assert_eq!(order.len(), 12);
        assert_eq!(turns.state.lock().free, 1);
    }

    #[tokio::test]
    async fn who_ended_meanwhile_keeps_nobody_waiting() {
        let turns = Turns::new(2);
        let held = (turns.next(network(1)).await, turns.next(network(1)).await);
        let wait = |number| {
            let turns = Arc::clone(&turns);
            tokio::spawn(async move { turns.next(network(number)).await.is_some() })
        };
        let (gone, stays): (Vec<_>, _) = ((0..50).map(|_| wait(1)).collect(), wait(2));
        tokio::task::yield_now().await;
        gone.iter().for_each(tokio::task::JoinHandle::abort);
        for it in gone {
            assert!(it.await.unwrap_err().is_cancelled());
        }
        drop(held);
        assert!(stays.await.unwrap());
        assert_eq!(turns.state.lock().free, 2);
    }
}
