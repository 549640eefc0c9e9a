//! DNS over TLS: many questions on one connection, each under a random id of its own, whose
//! answers come in any order.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::{IDLE, SecureQuery};

/// How long the octets of a question may take to be taken.
const WRITE: Duration = Duration::from_secs(2);
/// How long nothing at all may come while answers are waited for: then the connection is dead.
const STALLED: Duration = Duration::from_secs(5);
/// How long an answer is waited for. Nobody waits as long for it.
const LOST: Duration = Duration::from_secs(8);
/// How often is looked for what takes too long.
const GLANCE: Duration = Duration::from_secs(1);

/// Questions that have no answer yet.
#[derive(Default)]
struct AwaitedReplies {
    /// By their ids.
    queries: HashMap<u16, (Instant, SecureQuery)>,
}

/// Carries questions until there are none for a while, or the connection ends.
pub(super) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    queries: &mut mpsc::Receiver<SecureQuery>,
) {
    let (mut reader, mut writer) = split(stream);
    let (mut awaited, mut octets) = (AwaitedReplies::default(), Vec::new());
    let (mut used, mut heard) = (Instant::now(), Instant::now());
    let mut glance = interval(GLANCE);
    glance.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            query = queries.recv() => {
                let Some(query) = query else { return };
                used = Instant::now();
                heard = if awaited.queries.is_empty() { used } else { heard };
                let frame = awaited.send(query, used);
                let written = async {
                    writer.write_all(&frame).await?;
                    writer.flush().await
                };
                if !matches!(timeout(WRITE, written).await, Ok(Ok(()))) {
                    return;
                }
            }
            read = reader.read_buf(&mut octets) => {
                if !matches!(read, Ok(1..)) {
                    return;
                }
                heard = Instant::now();
                while let Some(reply) = take_message(&mut octets) {
                    awaited.answer(reply);
                }
            }
            _ = glance.tick() => {
                awaited.forget(Instant::now());
                let is_idle = awaited.queries.is_empty();
                if is_idle && used.elapsed() >= IDLE || !is_idle && heard.elapsed() >= STALLED {
                    return;
                }
            }
        }
    }
}

impl AwaitedReplies {
    /// A question as it is sent, under an id that no other has.
    fn send(&mut self, mut query: SecureQuery, now: Instant) -> Vec<u8> {
        let mut id = fastrand::u16(..);
        // There are far fewer questions at once than ids.
        while self.queries.contains_key(&id) {
            id = fastrand::u16(..);
        }
        query.octets[..2].copy_from_slice(&id.to_be_bytes());
        // A question is far shorter than its length can say.
        let length = (query.octets.len() as u16).to_be_bytes();
        let frame = [&length[..], &query.octets].concat();
        self.queries.insert(id, (now, query));
        frame
    }

    /// Hands a reply to who asked; one that nobody waits for is dropped.
    fn answer(&mut self, reply: Vec<u8>) {
        let Some(id) = reply.first_chunk().map(|id| u16::from_be_bytes(*id)) else { return };
        if let Some((_, query)) = self.queries.remove(&id) {
            let _ = query.reply.send(Ok(reply));
        }
    }

    /// Gives up what nobody waits for any more.
    fn forget(&mut self, now: Instant) {
        self.queries.retain(|_, (sent, _)| now.duration_since(*sent) < LOST);
    }
}

/// Takes a whole message out of what came, without its length.
fn take_message(octets: &mut Vec<u8>) -> Option<Vec<u8>> {
    let length: usize = u16::from_be_bytes(*octets.first_chunk()?).into();
    if octets.len() < 2 + length {
        return None;
    }
    let rest = octets.split_off(2 + length);
    let mut message = std::mem::replace(octets, rest);
    message.drain(..2);
    Some(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_in_any_pieces() {
        let mut octets = Vec::new();
        for piece in [&[0][..], &[3, 1, 2]] {
            octets.extend(piece);
            assert_eq!(take_message(&mut octets), None);
        }
        octets.extend([3, 0, 0, 0, 1, 9]);
        let messages = std::iter::from_fn(|| take_message(&mut octets)).collect::<Vec<_>>();
        assert_eq!(messages, [vec![1, 2, 3], vec![], vec![9]]);
        assert!(octets.is_empty());
    }
}
