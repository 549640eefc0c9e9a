//! Somebody who asks all the time, a bounded number of times a second, and keeps what was
//! said: not each answer, but each change of it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::dns::{Question, Said, Udp};

/// The pause between two questions: some hundred a second, no load.
const PAUSE: Duration = Duration::from_millis(3);
/// Times that are kept of the latest answers.
const TIMES_KEPT: usize = 100_000;

/// The same answer, once or again and again.
#[derive(Debug, Clone)]
pub(super) struct Run {
    /// What was said.
    pub(super) said: Said,
    /// How often.
    pub(super) count: u64,
}

/// What was said since it was last taken.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Changes of what was said, by question.
    pub(super) runs: BTreeMap<Question, Vec<Run>>,
    /// How long answers took.
    times: Vec<Duration>,
    /// Answers that were marked stale.
    pub(super) stale: u64,
    /// Reasons without EDNS, which nobody may give.
    pub(super) unasked_reasons: u64,
}

/// A thread that asks.
pub(super) struct Asker {
    /// What it shares with us.
    shared: Arc<Shared>,
    /// Ends when told to.
    thread: Option<JoinHandle<()>>,
}

/// What the thread shares with us.
#[derive(Default)]
struct Shared {
    /// Ends it.
    is_over: AtomicBool,
    /// Whether silence is no wonder: the server is frozen.
    is_silence_excused: AtomicBool,
    /// Whether nothing is asked for the moment.
    is_resting: AtomicBool,
    /// What was said.
    heard: Mutex<Heard>,
}

impl Asker {
    /// Begins to ask a server these questions in turns, with EDNS and without.
    pub(super) fn start(server: SocketAddr, questions: Vec<Question>) -> Self {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = Some(std::thread::spawn(move || theirs.ask(server, &questions)));
        Self { shared, thread }
    }

    /// Whether silence is counted from now on.
    pub(super) fn excuse_silence(&self, is_excused: bool) {
        self.shared.is_silence_excused.store(is_excused, Ordering::SeqCst);
    }

    /// Whether nothing is asked from now on: what the server does then, it does by itself.
    pub(super) fn rest(&self, is_resting: bool) {
        self.shared.is_resting.store(is_resting, Ordering::SeqCst);
    }

    /// The time that 99 of 100 answers since the last look stayed within.
    pub(super) fn p99(&self) -> Duration {
        let mut times = std::mem::take(&mut self.shared.lock().times);
        times.sort_unstable();
        times.get(times.len() * 99 / 100).copied().unwrap_or_default()
    }

    /// What was said since the last time.
    pub(super) fn take(&self) -> Heard {
        std::mem::take(&mut self.shared.lock())
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(std::thread::panicking() || matches!(ended, Some(Ok(()))), "the asker panicked");
    }
}

impl Shared {
    /// What was said. Nothing that holds it panics half way.
    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks until told to stop.
    fn ask(&self, server: SocketAddr, questions: &[Question]) {
        let client = Udp::new(server);
        for (n, question) in questions.iter().cycle().enumerate() {
            if self.is_over.load(Ordering::SeqCst) {
                break;
            }
            if self.is_resting.load(Ordering::SeqCst) {
                std::thread::sleep(PAUSE);
                continue;
            }
            // Every third time without, and each question in both ways.
            let has_edns = !(n + n / questions.len()).is_multiple_of(3);
            let was_excused = self.is_silence_excused.load(Ordering::SeqCst);
            let asked = Instant::now();
            let reply = client.ask(question, has_edns);
            let is_excused = was_excused || self.is_silence_excused.load(Ordering::SeqCst);
            if reply.said != Said::Silence || !is_excused {
                let is_unasked = !has_edns && reply.reason.is_some();
                self.note(question, reply.said, asked.elapsed());
                let mut heard = self.lock();
                heard.stale += u64::from(matches!(reply.reason, Some(3 | 19)));
                heard.unasked_reasons += u64::from(is_unasked);
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Keeps an answer.
    fn note(&self, question: &Question, said: Said, took: Duration) {
        let mut heard = self.lock();
        if heard.times.len() < TIMES_KEPT {
            heard.times.push(took);
        }
        let runs = heard.runs.entry(question.clone()).or_default();
        match runs.last_mut() {
            Some(last) if last.said == said => last.count += 1,
            _ => runs.push(Run { said, count: 1 }),
        }
    }
}
