//! One upstream: how it is asked, and how it has been doing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use super::Asked;
use super::exchange::{over_tcp, over_udp};
use super::message::{Reply, Request};
use super::secure::{Channel, Trust};
use super::server::UpstreamServer;
use crate::lock::Lock;
use crate::metrics::{Distribution, Histogram};

/// How long an upstream that failed comes after those that did not.
const AILING: Duration = Duration::from_secs(30);
/// How long is believed that an upstream knows EDNS, or does not: it may be replaced by
/// another, or a firewall before it mended.
const EDNS_BELIEVED: Duration = Duration::from_secs(300);

/// Questions in a row without an answer after which an upstream counts as dead, and how long that
/// must last: one question may be hard to answer, and a restart takes a second or two.
const DEAD: (u32, Duration) = (3, Duration::from_secs(5));

/// Times of answers in milliseconds: up to 1, 2, 4, … 4096, which is longer than any waits.
type Times = Histogram<0, 14>;

/// A server that answers for names that are not ours.
#[derive(Debug)]
pub(super) struct Upstream {
    /// Where it is, and what is spoken.
    server: UpstreamServer,
    /// The encrypted way there; none where it is asked in plain.
    channel: Option<Arc<Channel>>,
    /// When it failed last.
    failed: Lock<Option<Instant>>,
    /// Whether it knows EDNS, and since when that is known.
    knows_edns: Lock<Option<(bool, Instant)>>,
    /// Whether it asks us what it is asked.
    is_looping: AtomicBool,
    /// Questions in a row that it did not answer, and since when; none once it has.
    silence: Lock<Option<Unanswered>>,
    /// Whether that is so many, for so long, that it counts as dead.
    is_dead: AtomicBool,
    /// How long its answers took.
    times: Times,
}

/// Questions in a row without an answer.
#[derive(Debug, Clone, Copy)]
struct Unanswered {
    /// Since when.
    since: Instant,
    /// How many.
    count: u32,
}

/// The state of an upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamState {
    /// Where it is, and what is spoken.
    pub server: UpstreamServer,
    /// Why there is no encrypted way to it, when that was tried last.
    pub fault: Option<String>,
    /// Whether it asks us what it is asked, and is left out.
    pub is_looping: bool,
    /// Whether it answered when it was asked lately, or was not asked yet.
    pub does_answer: bool,
    /// Whether it failed not long ago, and is asked after the others.
    pub is_ailing: bool,
    /// Whether it is asked by EDNS.
    pub has_edns: bool,
    /// How long its answers took, by the millisecond; the sum is in microseconds.
    pub times: Distribution,
}

impl UpstreamState {
    /// Whether answers are to be had of it.
    #[must_use]
    pub const fn is_used(&self) -> bool {
        self.does_answer && !self.is_looping
    }
}

/// The reason that an upstream gave no answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum UpstreamFault {
    /// There is none that may be asked.
    Nobody,
    /// It said nothing.
    Silent,
    /// It refused, or said that others should be asked.
    Refused,
    /// It could not be talked to, or not be understood.
    Broken,
    /// It could not answer either.
    Code(ResponseCode),
}

impl Upstream {
    /// An upstream that nothing was asked of.
    pub(super) fn new(server: &UpstreamServer, trust: Option<&Trust>) -> Self {
        let trust = trust.filter(|_| server.encryption.is_some());
        Self {
            server: server.clone(),
            channel: trust.map(|trust| Arc::new(Channel::new(server, trust))),
            failed: Lock::default(),
            knows_edns: Lock::default(),
            is_looping: AtomicBool::new(false),
            silence: Lock::default(),
            is_dead: AtomicBool::new(false),
            times: Times::default(),
        }
    }

    /// Where it is, and what is spoken.
    pub(super) const fn server(&self) -> &UpstreamServer {
        &self.server
    }

    /// Whether it is asked on an encrypted way alone.
    pub(super) const fn is_encrypted(&self) -> bool {
        self.server.encryption.is_some()
    }

    /// How it stands.
    pub(super) fn standing(&self) -> UpstreamState {
        UpstreamState {
            server: self.server.clone(),
            fault: self.channel.as_ref().and_then(|it| it.fault()),
            is_looping: self.is_looping(),
            does_answer: !self.is_dead.load(Ordering::Relaxed),
            is_ailing: self.is_ailing(),
            has_edns: self.is_asked_by_edns(),
            times: self.times.read(),
        }
    }

    /// Asks it, with letters in mixed case if they are to be; again without EDNS, if that
    /// may be what it does not understand. How long it took to answer is counted.
    pub(super) async fn ask(&self, asked: &Asked, is_mixed: bool) -> Result<Reply, UpstreamFault> {
        let begun = Instant::now();
        let reply = self.ask_once(asked, is_mixed).await;
        if did_answer(&reply) {
            let took = begun.elapsed();
            let add = |sum: &AtomicU64, more| _ = sum.fetch_add(more, Ordering::Relaxed);
            self.times.count(took.as_millis() as u64, 1, took.as_micros() as u64, add);
        }
        reply
    }

    /// Asks it.
    async fn ask_once(&self, asked: &Asked, is_mixed: bool) -> Result<Reply, UpstreamFault> {
        let has_edns = self.is_asked_by_edns();
        let reply = self.exchange(asked, has_edns, is_mixed).await?;
        if !reply.objects_to_edns() {
            self.learn(has_edns, &reply);
            return understand(reply);
        }
        let plain = self.exchange(asked, false, is_mixed).await?;
        if plain.code != reply.code {
            self.believe(false);
        }
        understand(plain)
    }

    /// Whether it is to be asked by EDNS.
    fn is_asked_by_edns(&self) -> bool {
        self.belief() != Some(false)
    }

    /// Remembers whether it answered.
    pub(super) fn did_answer(&self, did: bool) {
        let now = (!did).then(Instant::now);
        *self.failed.lock() = now;
    }

    /// Notes whether it answered a question that it had its time for, and says when it counts as
    /// dead, and no longer so.
    pub(super) fn note(&self, did: bool, now: Instant) {
        let mut silence = self.silence.lock();
        let unanswered = silence.unwrap_or(Unanswered { since: now, count: 0 });
        let unanswered = Unanswered { count: unanswered.count.saturating_add(1), ..unanswered };
        *silence = (!did).then_some(unanswered);
        drop(silence);
        let is_dead = !did && unanswered.count >= DEAD.0 && now - unanswered.since >= DEAD.1;
        let was_dead = self.is_dead.load(Ordering::Relaxed);
        if did && was_dead || is_dead && !was_dead {
            self.is_dead.store(is_dead, Ordering::Relaxed);
            self.tell(is_dead);
        }
    }

    /// Says that it is dead, or no longer.
    fn tell(&self, is_dead: bool) {
        let address = &self.server;
        match is_dead {
            true => {
                tracing::warn!(upstream = %address, "upstream server {address} does not answer")
            }
            false => tracing::info!(upstream = %address, "upstream server {address} answers again"),
        }
    }

    /// Whether nothing is known of it but that it did not answer.
    pub(super) fn is_silent(&self) -> bool {
        self.failed.lock().is_some() || self.silence.lock().is_some()
    }

    /// Whether it failed not long ago.
    pub(super) fn is_ailing(&self) -> bool {
        let failed = *self.failed.lock();
        failed.is_some_and(|at| at.elapsed() < AILING)
    }

    /// Remembers whether it asks us what it is asked. True if that is news.
    pub(super) fn does_loop(&self, does: bool) -> bool {
        self.is_looping.swap(does, Ordering::Relaxed) != does
    }

    /// Whether it asks us what it is asked.
    pub(super) fn is_looping(&self) -> bool {
        self.is_looping.load(Ordering::Relaxed)
    }

    /// Sends it a question: on the encrypted way and no other where there is one; else over TCP where UDP does not do. Where questions with EDNS get no
    /// reply, one without is sent as well: some servers, and firewalls before them, drop
    /// what they do not know.
    async fn exchange(
        &self,
        asked: &Asked,
        has_edns: bool,
        is_mixed: bool,
    ) -> Result<Reply, UpstreamFault> {
        let request = Request::new(asked, has_edns, is_mixed)?;
        if self.is_encrypted() {
            let channel = self.channel.as_ref().ok_or(UpstreamFault::Broken)?;
            return channel.ask(&request.padded()).await;
        }
        let plain = Request::new(asked, false, is_mixed)?;
        let reply = over_udp(self.server.at, [&request, &request, &plain, &plain]).await?;
        // Who spells the question otherwise may not be the server.
        if !reply.is_truncated && !reply.is_respelt {
            return Ok(reply);
        }
        over_tcp(self.server.at, if reply.asked_by_edns { &request } else { &plain }).await
    }

    /// Learns from a reply whether it knows EDNS. One question without it that was answered
    /// first says little of a server that answers others.
    fn learn(&self, has_edns: bool, reply: &Reply) {
        match (has_edns, reply.asked_by_edns) {
            (true, true) if reply.has_edns => self.believe(true),
            (true, false) if self.belief().is_none() => self.believe(false),
            _ => {}
        }
    }

    /// What is believed of it, if anything still is.
    fn belief(&self) -> Option<bool> {
        let belief = *self.knows_edns.lock();
        belief.filter(|(_, since)| since.elapsed() < EDNS_BELIEVED).map(|(knows, _)| knows)
    }

    /// Believes something of it from now on.
    fn believe(&self, knows: bool) {
        let belief = Some((knows, Instant::now()));
        let mut believed = self.knows_edns.lock();
        let before = std::mem::replace(&mut *believed, belief);
        // Once, and not every time that it is found out again.
        if !knows && before.is_none_or(|(knew, _)| knew) {
            let address = &self.server;
            tracing::info!(upstream = %address, "{address} does not support EDNS; querying it without");
        }
    }
}

impl UpstreamFault {
    /// How much it says beside others: a code is the answer to the question, whatever else
    /// went wrong.
    pub(super) const fn weight(self) -> u8 {
        match self {
            Self::Nobody => 0,
            Self::Silent => 1,
            Self::Refused => 2,
            Self::Broken => 3,
            Self::Code(_) => 4,
        }
    }
}

/// Whether an upstream answered, be it that it cannot.
pub(super) const fn did_answer(reply: &Result<Reply, UpstreamFault>) -> bool {
    !matches!(reply, Err(UpstreamFault::Nobody | UpstreamFault::Silent | UpstreamFault::Broken))
}

/// What a reply amounts to. That our question is malformed says nothing of the client's.
fn understand(reply: Reply) -> Result<Reply, UpstreamFault> {
    match reply.code {
        _ if reply.is_truncated => Err(UpstreamFault::Broken),
        ResponseCode::NoError | ResponseCode::NXDomain if !reply.has_question => {
            Err(UpstreamFault::Broken)
        }
        ResponseCode::NoError if is_referral(&reply) => Err(UpstreamFault::Refused),
        ResponseCode::NoError | ResponseCode::NXDomain => Ok(reply),
        ResponseCode::Refused => Err(UpstreamFault::Refused),
        ResponseCode::FormErr | ResponseCode::BADSIG => Err(UpstreamFault::Broken),
        code => Err(UpstreamFault::Code(code)),
    }
}

/// Whether a reply names servers and nothing else: then the one asked does not resolve for
/// us (RFC 2308 section 2.2). One that knows the name first-hand says that there is nothing.
fn is_referral(reply: &Reply) -> bool {
    let has = |kind| reply.authority.iter().any(|record| record.record_type() == kind);
    reply.answers.is_empty()
        && !reply.is_authoritative
        && has(RecordType::NS)
        && !has(RecordType::SOA)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_is_dead_after_some_questions_over_some_time_until_it_answers() {
        let server: std::net::SocketAddr = "192.0.2.1:53".parse().unwrap();
        let (upstream, begun) = (Upstream::new(&server.into(), None), Instant::now());
        let uses = |did, millis| {
            upstream.note(did, begun + Duration::from_millis(millis));
            upstream.standing().is_used()
        };
        // A restart: many questions within a moment.
        assert!((0..100).all(|it| uses(false, it)) && uses(true, 100));
        // A name that is hard to answer, twice.
        assert!(uses(false, 1000) && uses(false, 9000));
        assert!(!uses(false, 9001) && upstream.is_silent());
        assert!(!uses(false, 99_000) && uses(true, 99_001));
        upstream.does_loop(true);
        assert!(!upstream.standing().is_used() && upstream.standing().does_answer);
    }
}
