//! The query log: one of so many queries, as a structured event of the target `srvd::query`.
//!
//! Which ones are logged is drawn, so that nothing that comes in turns hides behind their
//! number. Whoever answers hands the line to a thread and goes on: when its queue is full,
//! because nobody reads the log fast enough, the line is lost and counted.

use std::io;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::Builder;
use std::time::Duration;

use hickory_proto::rr::RecordType;

use super::Counters;
use super::Replied;
use crate::authority::mnemonic;
use crate::names::WireName;
use crate::wire::{HEADER, Peer};

/// Lines that may wait to be written: some milliseconds' worth at any rate that a log can
/// take, and less than 400 KiB.
const QUEUE: usize = 1024;

/// Takes lines of the query log. Its thread ends with the last of its clones.
#[derive(Debug, Clone)]
pub struct QueryLog {
    /// One of so many queries is logged.
    every: NonZeroU32,
    /// Where lines go.
    sender: SyncSender<LogLine>,
    /// Where lost lines are counted.
    counters: Arc<Counters>,
}

/// One query and its reply.
#[derive(Debug)]
struct LogLine {
    /// The client.
    from: Peer,
    /// The question's name and type, if there was one.
    question: Option<(Box<WireName>, RecordType)>,
    /// What was replied.
    replied: Replied,
    /// How long it took.
    took: Duration,
}

impl QueryLog {
    /// A log of one of so many queries, whose lost lines are counted.
    ///
    /// # Errors
    /// [`io::Error`] when the system has no thread left.
    pub fn start(every: NonZeroU32, counters: Arc<Counters>) -> io::Result<Self> {
        let (sender, receiver) = sync_channel::<LogLine>(QUEUE);
        let write = move || receiver.iter().for_each(|line| line.write());
        Builder::new().name("query-log".to_owned()).spawn(write)?;
        Ok(Self { every, sender, counters })
    }

    /// One of so many queries is logged.
    #[must_use]
    pub const fn every(&self) -> NonZeroU32 {
        self.every
    }

    /// Logs a query by its reply, if its number is drawn. How long it took is only asked then.
    pub(in crate::wire) fn offer(
        &self,
        from: Peer,
        reply: &[u8],
        replied: &Replied,
        took: impl FnOnce() -> Duration,
    ) {
        if fastrand::u32(..self.every.get()) > 0 {
            return;
        }
        let question = question(reply);
        let line = LogLine { from, question, replied: *replied, took: took() };
        if self.sender.try_send(line).is_err() {
            self.counters.lose_line();
        }
    }
}

impl LogLine {
    /// Writes it. Names are in the written form of escapes, and quoted: whatever a client
    /// asks for is one word of one line.
    fn write(&self) {
        let (name, kind) = match &self.question {
            Some((name, kind)) => (name.to_string(), mnemonic(*kind)),
            None => Default::default(),
        };
        tracing::info!(
            target: "srvd::query",
            client = %self.from.address,
            proto = self.from.transport.as_str(),
            name,
            "type" = kind,
            rcode = self.replied.code.as_str(),
            octets = self.replied.octets,
            micros = self.took.as_micros() as u64,
            "query"
        );
    }
}

/// The question of a reply, if it has one.
fn question(reply: &[u8]) -> Option<(Box<WireName>, RecordType)> {
    let (header, rest) = reply.split_first_chunk::<HEADER>()?;
    let mut name = Box::new(WireName::root());
    let end = name.read(rest).filter(|_| header[4..6] == [0, 1])?;
    let kind = rest.get(end..)?.first_chunk::<2>()?;
    Some((name, RecordType::from(u16::from_be_bytes(*kind))))
}
