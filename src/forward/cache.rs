//! The cache of upstream answers: for their TTL; a moment longer while they are asked for again;
//! and for a day where nobody answers any more (RFC 8767).

use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;
use hickory_proto::serialize::binary::BinEncodable;
use moka::Expiry;
use moka::sync::Cache as Entries;

use super::Asked;
use super::answer::Said;
use crate::authority::{Answer, Reason, RrSet};

/// Answers that are kept. With all of them as large as they may be, and some octets of
/// memory for each on the wire, this is about 100 MiB; usual ones take a twentieth.
const ENTRIES: u64 = 10_000;
/// Octets of an answer that is kept. Larger ones are rare, and asked for again.
const ENTRY_OCTETS: usize = 2048;
/// For how many seconds a failure is (RFC 9520 section 3.2: one at least).
const FAILURE_TTL: u32 = 1;
/// What asks for an answer again before it ends: so much of its TTL is left, a tenth.
const AGEING: u32 = 10;
/// How long after its end an answer is still given while it is asked for again, so that
/// nobody waits for a name that is asked for all the time.
const MOMENT: Duration = Duration::from_secs(1);
/// How long after its end an answer is given where nobody has another (RFC 8767 section 5:
/// one to three days).
const STALE_MAX: Duration = Duration::from_secs(86_400);
/// The TTL that it then has, in seconds (RFC 8767 section 4).
const STALE_TTL: u32 = 30;
/// How long nobody is asked again for a name that had no other answer (RFC 8767 section 5).
const RECHECK: Duration = Duration::from_secs(30);

/// The cache of upstream answers.
#[derive(Debug)]
pub(super) struct Cache {
    /// By question. The least used make room for others.
    entries: Entries<Asked, CachedAnswer>,
}

/// The answer to one question.
#[derive(Debug, Clone)]
struct CachedAnswer {
    /// That.
    said: Said,
    /// When.
    since: Instant,
    /// Until when nobody is asked again, though its time is over; for nobody could say more.
    recheck: Option<Instant>,
    /// Whether it is no answer, but the lack of one.
    is_failure: bool,
}

/// An answer that was kept.
#[derive(Debug, PartialEq)]
pub(super) struct CacheHit {
    /// The answer.
    pub(super) answer: Answer,
    /// Whether upstreams are to be asked for it again.
    pub(super) is_due: bool,
}

/// The expiry of entries.
struct EndOfUse;

impl Cache {
    /// A cache with nothing in it.
    pub(super) fn new() -> Self {
        let entries = Entries::builder().max_capacity(ENTRIES).expire_after(EndOfUse).build();
        Self { entries }
    }

    /// What was said to a question, if it may be given without asking first. Who disables
    /// checking wants to hear it from upstreams.
    pub(super) fn get(&self, asked: &Asked, now: Instant) -> Option<CacheHit> {
        let entry = self.entry(asked)?;
        let has_failed = entry.recheck.is_some_and(|recheck| now < recheck);
        let age = entry.age(now);
        if age <= entry.holds() {
            let is_due = entry.is_ageing(age) && !has_failed;
            return Some(CacheHit { answer: entry.fresh(age), is_due });
        }
        if has_failed {
            return Some(CacheHit { answer: entry.stale(STALE_TTL), is_due: false });
        }
        let is_recent = !entry.is_failure && age <= entry.holds() + MOMENT;
        is_recent.then(|| CacheHit { answer: entry.stale(1), is_due: true })
    }

    /// Keeps what was said to a question.
    pub(super) fn put(&self, asked: &Asked, said: &Said, now: Instant) {
        let octets: usize = said.answer.answers.iter().map(octets).sum();
        if said.ttl > 0 && octets <= ENTRY_OCTETS {
            self.insert(asked, CachedAnswer::new(said.clone(), now));
        } else if !asked.checking_disabled {
            self.entries.invalidate(asked);
        }
    }

    /// What was said to a question that nobody answers now; nobody is asked again for a while.
    pub(super) fn outlived(&self, asked: &Asked, now: Instant) -> Option<Answer> {
        let entry = self.entry(asked)?;
        if entry.is_failure || now >= entry.end() {
            return None;
        }
        let answer = entry.stale(STALE_TTL);
        self.insert(asked, CachedAnswer { recheck: Some(now + RECHECK), ..entry });
        Some(answer)
    }

    /// Remembers for a moment that there is no answer.
    pub(super) fn fail(&self, asked: &Asked, code: ResponseCode, now: Instant) {
        let reason = (code == ResponseCode::ServFail).then_some(Reason::CachedError);
        let said = Said { answer: Answer::foreign(code, reason), ttl: FAILURE_TTL };
        self.insert(asked, CachedAnswer { is_failure: true, ..CachedAnswer::new(said, now) });
    }

    /// What is kept for a question.
    fn entry(&self, asked: &Asked) -> Option<CachedAnswer> {
        if asked.checking_disabled { None } else { self.entries.get(asked) }
    }

    /// Keeps something for a question.
    fn insert(&self, asked: &Asked, entry: CachedAnswer) {
        if !asked.checking_disabled {
            self.entries.insert(asked.clone(), entry);
        }
    }
}

impl CachedAnswer {
    /// What was said just now.
    const fn new(said: Said, now: Instant) -> Self {
        Self { said, since: now, recheck: None, is_failure: false }
    }

    /// How long ago it was said.
    fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }

    /// How long it holds.
    const fn holds(&self) -> Duration {
        Duration::from_secs(self.said.ttl as u64)
    }

    /// When it is of no use even where there is nothing else.
    fn end(&self) -> Instant {
        let stale = if self.is_failure { Duration::ZERO } else { STALE_MAX };
        self.since + self.holds() + stale
    }

    /// Whether it ends soon.
    fn is_ageing(&self, age: Duration) -> bool {
        !self.is_failure && self.holds().saturating_sub(age) < self.holds() / AGEING
    }

    /// The answer with what is left of its TTLs.
    fn fresh(&self, age: Duration) -> Answer {
        let passed = u32::try_from(age.as_secs()).unwrap_or(u32::MAX);
        self.with_ttls(|ttl| ttl.saturating_sub(passed))
    }

    /// The answer after its time, which it says (RFC 8914), with such a TTL.
    fn stale(&self, ttl: u32) -> Answer {
        let reason = match self.said.answer.code {
            ResponseCode::NXDomain => Reason::StaleNxDomain,
            _ => Reason::Stale,
        };
        Answer { reason: Some(reason), ..self.with_ttls(|_| ttl) }
    }

    /// The answer with other TTLs.
    fn with_ttls(&self, ttl: impl Fn(u32) -> u32) -> Answer {
        let mut answer = self.said.answer.clone();
        let sets = answer.answers.iter_mut().chain(&mut answer.authority);
        sets.for_each(|set| set.ttl = ttl(set.ttl));
        answer
    }
}

impl Expiry<Asked, CachedAnswer> for EndOfUse {
    fn expire_after_create(
        &self,
        _: &Asked,
        entry: &CachedAnswer,
        now: Instant,
    ) -> Option<Duration> {
        Some(entry.end().saturating_duration_since(now))
    }

    fn expire_after_update(
        &self,
        _: &Asked,
        entry: &CachedAnswer,
        now: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.end().saturating_duration_since(now))
    }
}

/// Octets of an RRset's data; far too many where it cannot be written.
fn octets(set: &RrSet) -> usize {
    let owner = set.owner.len();
    set.data.iter().map(|data| owner + data.to_bytes().map_or(ENTRY_OCTETS, |it| it.len())).sum()
}

#[cfg(test)]
mod tests {
    use hickory_proto::rr::rdata::{A, TXT};
    use hickory_proto::rr::{Name, RData, Record, RecordType};

    use super::*;
    use crate::forward::chain::single;

    fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    fn asked(text: &str) -> Asked {
        Asked { name: name(text), kind: RecordType::A, checking_disabled: false }
    }

    /// An answer that holds for so long.
    fn said(code: ResponseCode, ttl: u32) -> Said {
        let mut answer = Answer::foreign(code, None);
        let record = Record::from_rdata(name("a.test."), ttl, RData::A(A::new(192, 0, 2, 1)));
        answer.answers.push(single(record));
        Said { answer, ttl }
    }

    /// What is kept so many milliseconds after it was said: TTL, reason, whether it is due.
    fn after(cache: &Cache, start: Instant, millis: u64) -> Option<(u32, Option<u16>, bool)> {
        let kept = cache.get(&asked("A.TEST."), start + Duration::from_millis(millis))?;
        let reason = kept.answer.reason.map(Reason::info_code);
        Some((kept.answer.answers[0].ttl, reason, kept.is_due))
    }

    #[test]
    fn an_answer_is_counted_down_asked_again_and_outlives_its_end_for_a_moment() {
        for (code, stale) in [(ResponseCode::NoError, 3), (ResponseCode::NXDomain, 19)] {
            let (cache, start) = (Cache::new(), Instant::now());
            cache.put(&asked("a.test."), &said(code, 20), start);
            let after = |millis| after(&cache, start, millis);
            assert_eq!(after(0), Some((20, None, false)));
            assert_eq!(after(7_500), Some((13, None, false)));
            assert_eq!(after(18_100), Some((2, None, true)));
            assert_eq!(after(20_100), Some((1, Some(stale), true)));
            assert_eq!(after(21_100), None);
        }
    }

    #[test]
    fn rfc8767_an_old_answer_is_given_where_there_is_no_other() {
        let (cache, start) = (Cache::new(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        cache.put(&asked("a.test."), &said(ResponseCode::NoError, 20), start);
        let answer = cache.outlived(&asked("a.test."), at(1000)).unwrap();
        assert_eq!((answer.answers[0].ttl, answer.reason), (STALE_TTL, Some(Reason::Stale)));
        // Nobody is asked for a while.
        assert_eq!(after(&cache, start, 1_029_000), Some((STALE_TTL, Some(3), false)));
        assert_eq!(after(&cache, start, 1_031_000), None);
        assert!(cache.outlived(&asked("a.test."), at(86_400)).is_some());
        assert!(cache.outlived(&asked("a.test."), at(86_421)).is_none());
        cache.put(&asked("a.test."), &said(ResponseCode::NoError, 20), at(2000));
        assert_eq!(after(&cache, start, 2_000_000), Some((20, None, false)));
        // What changes with every answer is not what it was.
        cache.put(&asked("a.test."), &said(ResponseCode::NoError, 0), at(2001));
        assert!(cache.outlived(&asked("a.test."), at(2001)).is_none());
    }

    #[test]
    fn what_fails_before_its_end_is_not_asked_for_again_at_once() {
        let (cache, start) = (Cache::new(), Instant::now());
        cache.put(&asked("a.test."), &said(ResponseCode::NoError, 100), start);
        cache.outlived(&asked("a.test."), start + Duration::from_secs(91));
        assert_eq!(after(&cache, start, 92_000), Some((8, None, false)));
        assert_eq!(after(&cache, start, 101_000), Some((STALE_TTL, Some(3), false)));
        assert_eq!(after(&cache, start, 122_000), None);
    }

    #[test]
    fn what_is_large_or_unchecked_or_of_no_time_is_not_kept() {
        let (cache, now) = (Cache::new(), Instant::now());
        let mut large = said(ResponseCode::NoError, 60);
        cache.put(&Asked { checking_disabled: true, ..asked("a.test.") }, &large, now);
        cache.put(&asked("b.test."), &said(ResponseCode::NoError, 0), now);
        let text = TXT::new(vec!["x".repeat(250); 10]);
        large.answer.answers[0].data.push(RData::TXT(text));
        cache.put(&asked("c.test."), &large, now);
        for name in ["a.test.", "b.test.", "c.test."] {
            assert_eq!(cache.get(&asked(name), now), None);
        }
    }

    #[test]
    fn a_failure_says_that_it_is_kept() {
        let (cache, now) = (Cache::new(), Instant::now());
        cache.fail(&asked("a.test."), ResponseCode::ServFail, now);
        cache.fail(&asked("b.test."), ResponseCode::NotImp, now);
        let get = |name| cache.get(&asked(name), now).map(|it| (it.answer.code, it.answer.reason));
        assert_eq!(get("a.test."), Some((ResponseCode::ServFail, Some(Reason::CachedError))));
        assert_eq!(get("b.test."), Some((ResponseCode::NotImp, None)));
        assert_eq!(cache.get(&asked("a.test."), now + Duration::from_millis(1100)), None);
        assert_eq!(cache.outlived(&asked("a.test."), now), None);
    }
}
