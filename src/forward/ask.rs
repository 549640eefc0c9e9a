//! One question, asked of one upstream after the other until one answers.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::{sleep, timeout};

use super::answer;
use super::counters::Counters;
use super::selection::Selection;
use super::upstream::{Fault, Said, Upstream};
use super::{Asked, DEADLINE};
use crate::authority::Answer;

/// How long an upstream may think before the next is asked as well. hickory sends again
/// after a third of a second, so a datagram that is lost does not take this long.
const PATIENCE: Duration = Duration::from_millis(700);

impl Selection {
    /// Answers a question, and keeps the answer.
    pub(super) async fn ask(&self, asked: &Asked, counters: &Counters) -> Answer {
        counters.asked();
        match self.race(asked).await {
            Ok(said) => {
                self.cache.put(asked, &said);
                answer::answer(said)
            }
            Err(fault) => {
                counters.failed();
                let answer = answer::failure(fault);
                self.cache.fail(asked, answer.code);
                answer
            }
        }
    }

    /// Asks the upstreams in turn, each as soon as the one before has failed, or has not
    /// answered for a while; then the first answer is taken.
    async fn race(&self, asked: &Asked) -> Result<Said, Fault> {
        let mut race = Race { asked, running: Vec::new(), fault: Fault::Nobody };
        match timeout(DEADLINE, race.run(self.in_turn())).await {
            Ok(said) => said,
            Err(_) => {
                race.left_behind();
                Err(race.worse(Fault::Silent))
            }
        }
    }
}

/// Upstreams that were asked the same question.
struct Race<'a> {
    /// The question.
    asked: &'a Asked,
    /// Those that have not answered yet.
    running: Vec<Arc<Upstream>>,
    /// What went wrong so far, by weight.
    fault: Fault,
}

impl Race<'_> {
    /// Runs until one answers, or none can.
    async fn run(&mut self, upstreams: Vec<Arc<Upstream>>) -> Result<Said, Fault> {
        let (asked, mut answers) = (self.asked, FuturesUnordered::new());
        let mut next = upstreams.into_iter();
        loop {
            if let Some(upstream) = next.next() {
                self.running.push(Arc::clone(&upstream));
                answers.push(async move { (upstream.ask(asked).await, upstream) });
            } else if answers.is_empty() {
                return Err(self.fault);
            }
            let has_next = next.len() > 0;
            tokio::select! {
                Some((answer, upstream)) = answers.next() => {
                    self.running.retain(|it| !Arc::ptr_eq(it, &upstream));
                    upstream.did_answer(!matches!(answer, Err(Fault::Silent | Fault::Broken)));
                    match answer {
                        Ok(said) => {
                            self.left_behind();
                            return Ok(said);
                        }
                        Err(fault) => self.fault = self.worse(fault),
                    }
                }
                () = sleep(PATIENCE), if has_next => {}
            }
        }
    }

    /// Those that have not answered by now come last for a while.
    fn left_behind(&self) {
        self.running.iter().for_each(|upstream| upstream.did_answer(false));
    }

    /// A fault, or the one before if that says more.
    fn worse(&self, fault: Fault) -> Fault {
        if fault.weight() > self.fault.weight() { fault } else { self.fault }
    }
}
