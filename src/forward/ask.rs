//! One question, asked of one upstream after the other until one answers.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::{sleep, timeout};

use super::answer::{self, Said};
use super::counters::Counters;
use super::flights::Flight;
use super::private;
use super::selection::Selection;
use super::upstream::{Upstream, UpstreamFault, did_answer};
use super::zone::keep_to_own;
use super::{Asked, DEADLINE};
use crate::authority::Answer;

/// How long an upstream may think before the next is asked as well. It is asked again
/// after a third of a second, so a datagram that is lost does not take this long.
const PATIENCE: Duration = Duration::from_millis(700);
/// How long after a server could not be reached it is tried again, while nobody else knows
/// more: servers of this machine are back from a restart within a second.
const AGAIN: Duration = Duration::from_millis(250);
/// How long clients wait for a new answer where there is an old one (RFC 8767 section 5: the
/// client response timer).
const CLIENT_PATIENCE: Duration = Duration::from_millis(1800);

impl Selection {
    /// Asks a question for all that wait for its answer, unless it has to make room.
    pub(super) async fn fly(&self, flight: Flight, counters: &Counters) {
        let asking = async {
            let mut asking = pin!(self.ask(flight.asked(), counters));
            if let Ok(answer) = timeout(CLIENT_PATIENCE, &mut asking).await {
                return answer;
            }
            if let Some(old) = self.cache.outlived(flight.asked(), Instant::now()) {
                counters.stale.add(flight.answer(&old).await);
            }
            asking.await
        };
        let answer = tokio::select! {
            answer = asking => answer,
            () = flight.ended() => return,
        };
        let answered = flight.land(&answer).await;
        counters.stale.add(if answer::is_stale(&answer) { answered } else { 0 });
    }

    /// Answers a question, and keeps the answer.
    async fn ask(&self, asked: &Asked, counters: &Counters) -> Answer {
        counters.asked.add(1);
        match self.race(asked).await {
            Ok(mut said) => {
                keep_to_own(&self.zones, asked, &mut said);
                if !self.rules.keeps_private && self.is_of_strangers(&asked.name) {
                    counters.private.add(private::leave_out(&mut said.answer));
                }
                self.cache.put(asked, &said, Instant::now());
                said.answer
            }
            Err(fault) => {
                counters.failed.add(1);
                self.without(asked, fault)
            }
        }
    }

    /// The answer where no upstream gives one: the one it gave before, or that it gives none.
    fn without(&self, asked: &Asked, fault: UpstreamFault) -> Answer {
        let now = Instant::now();
        self.cache.outlived(asked, now).unwrap_or_else(|| {
            let answer = answer::failure(fault);
            self.cache.fail(asked, answer.code, now);
            answer
        })
    }

    /// Asks the upstreams in turn, each as soon as the one before has failed, or has not
    /// answered for a while; then the first answer is taken.
    async fn race(&self, asked: &Asked) -> Result<Said, UpstreamFault> {
        let is_mixed = self.rules.mixes_case;
        let mut race = Race { asked, is_mixed, running: Vec::new(), fault: UpstreamFault::Nobody };
        match timeout(DEADLINE, race.run(self.in_turn(&asked.name))).await {
            Ok(said) => said,
            Err(_) => {
                race.left_behind();
                race.running.iter().for_each(|it| it.note(false, Instant::now()));
                Err(race.worse(UpstreamFault::Silent))
            }
        }
    }
}

/// Upstreams that were asked the same question.
struct Race<'a> {
    /// The question.
    asked: &'a Asked,
    /// Whether its letters are sent in mixed case.
    is_mixed: bool,
    /// Those that have not answered yet.
    running: Vec<Arc<Upstream>>,
    /// What went wrong so far, by weight.
    fault: UpstreamFault,
}

impl Race<'_> {
    /// Runs until one answers, or none can.
    async fn run(&mut self, upstreams: Vec<Arc<Upstream>>) -> Result<Said, UpstreamFault> {
        let (asked, is_mixed) = (self.asked, self.is_mixed);
        let ask = |upstream: Arc<Upstream>, wait: Option<Duration>| async move {
            if let Some(wait) = wait {
                sleep(wait).await;
            }
            (upstream.ask(asked, is_mixed).await, upstream)
        };
        let mut answers = FuturesUnordered::new();
        let mut next = upstreams.into_iter();
        loop {
            if let Some(upstream) = next.next() {
                self.running.push(Arc::clone(&upstream));
                answers.push(ask(upstream, None));
            } else if answers.is_empty() {
                return Err(self.fault);
            }
            let has_next = next.len() > 0;
            tokio::select! {
                Some((reply, upstream)) = answers.next() => {
                    self.running.retain(|it| !Arc::ptr_eq(it, &upstream));
                    let did = did_answer(&reply);
                    upstream.did_answer(did);
                    upstream.note(did, Instant::now());
                    match reply {
                        Ok(reply) => {
                            self.left_behind();
                            return Ok(answer::read(asked, reply));
                        }
                        Err(fault) => self.fault = self.worse(fault),
                    }
                    // One that cannot be reached may be about to start.
                    if self.fault == UpstreamFault::Silent {
                        self.running.push(Arc::clone(&upstream));
                        answers.push(ask(upstream, Some(AGAIN)));
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
    fn worse(&self, fault: UpstreamFault) -> UpstreamFault {
        if fault.weight() > self.fault.weight() { fault } else { self.fault }
    }
}
