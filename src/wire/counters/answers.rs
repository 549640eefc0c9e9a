//! Counters of replies: their topic, code, size and time.
//!
//! Every thread of datagrams has an [`Answers`] of its own, which it alone writes; what is
//! answered slower shares some, with locked instructions. A zone's cells are made when the
//! thread answers it for the first time, and never again.

use std::array;
use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::topic::{Code, Kind, RefusalCause, Topic, Truncation};
use super::{Add, Origin};
use crate::index::ZoneNumber;
use crate::metrics::{Distribution, Histogram};

/// Octets of replies: up to 64, 128 and so on to 65,536.
type Sizes = Histogram<6, 12>;
/// Microseconds that replies took: up to 4, 8 and so on to 4,194,304.
type Times = Histogram<2, 22>;

/// A reply, as far as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replied {
    /// What was asked.
    pub topic: Topic,
    /// Its code.
    pub code: Code,
    /// Its octets.
    pub octets: usize,
    /// Why it asks to come back over TCP, if it does.
    pub truncation: Option<Truncation>,
    /// Why it is a refusal, if it is one.
    pub refusal: Option<RefusalCause>,
}

/// The figures of one thread, or of a slower way to answer. The alignment keeps other threads'
/// numbers out of its cache lines, of which processors fetch two at a time.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Answers {
    /// By zone, once it was asked for.
    zones: [OnceLock<Box<Cells>>; ZoneNumber::COUNT],
    /// How large replies were.
    sizes: Sizes,
    /// How long they took.
    times: Times,
    /// How many ask to come back over TCP, by cause.
    truncated: [AtomicU64; Truncation::ALL.len()],
    /// How many are refusals, by cause.
    refused: [AtomicU64; RefusalCause::ALL.len()],
}

/// The replies of one zone, by type and code; aligned like [`Answers`].
#[derive(Debug)]
#[repr(align(128))]
struct Cells([[AtomicU64; Code::COUNT]; Kind::COUNT]);

/// The number of replies with each code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CodeCounts([u64; Code::COUNT]);

/// The figures of one origin, as they were when they were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Where the queries came from, and how they were answered.
    pub origin: Origin,
    /// Replies by topic and code, where there was any.
    pub replies: BTreeMap<(Topic, Code), u64>,
    /// Octets of replies.
    pub sizes: Distribution,
    /// Microseconds that replies took; the sum is in nanoseconds.
    pub times: Distribution,
    /// Replies that ask to come back over TCP, by [`Truncation`].
    pub truncated: [u64; Truncation::ALL.len()],
    /// Refusals, by [`RefusalCause`].
    pub refused: [u64; RefusalCause::ALL.len()],
}

impl Answers {
    /// Adds how many replies had each code.
    pub(super) fn add_codes(&self, to: &mut CodeCounts) {
        let kinds = self.zones.iter().filter_map(OnceLock::get).flat_map(|cells| &cells.0);
        for codes in kinds {
            let sums = to.0.iter_mut().zip(codes);
            sums.for_each(|(sum, count)| *sum += count.load(Ordering::Relaxed));
        }
    }
}

impl Default for Answers {
    fn default() -> Self {
        Self {
            zones: [const { OnceLock::new() }; ZoneNumber::COUNT],
            sizes: Sizes::default(),
            times: Times::default(),
            truncated: Default::default(),
            refused: Default::default(),
        }
    }
}

impl Answers {
    /// Counts a reply.
    #[inline]
    pub(super) fn reply(&self, replied: &Replied, add: impl Add) {
        let Replied { topic, code, octets, truncation, refusal } = *replied;
        let cells = self.zones[topic.zone.get()].get_or_init(Box::default);
        add(&cells.0[topic.kind.get()][code.get()], 1);
        self.sizes.count(octets as u64, 1, octets as u64, add);
        if let Some(truncation) = truncation {
            add(&self.truncated[truncation as usize], 1);
        }
        if let Some(refusal) = refusal {
            add(&self.refused[refusal as usize], 1);
        }
    }

    /// Counts how long each of so many replies took.
    #[inline]
    pub(super) fn time(&self, replies: usize, each: Duration, add: impl Add) {
        let (replies, nanoseconds) = (replies as u64, each.as_nanos() as u64);
        self.times.count(nanoseconds.div_ceil(1000), replies, replies * nanoseconds, add);
    }

    /// What was counted.
    pub(super) fn read(&self, origin: Origin) -> Answered {
        let mut replies = BTreeMap::new();
        for (number, cells) in (0..).zip(&self.zones) {
            let zone = ZoneNumber::new(number);
            cells.get().into_iter().for_each(|cells| cells.read(zone, &mut replies));
        }
        Answered {
            origin,
            replies,
            sizes: self.sizes.read(),
            times: self.times.read(),
            truncated: array::from_fn(|at| self.truncated[at].load(Ordering::Relaxed)),
            refused: array::from_fn(|at| self.refused[at].load(Ordering::Relaxed)),
        }
    }
}

impl CodeCounts {
    /// How many had a code.
    #[must_use]
    pub const fn of(&self, code: Code) -> u64 {
        self.0[code.get()]
    }

    /// How many there were.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.0.iter().sum()
    }
}

impl Default for Cells {
    fn default() -> Self {
        Self([const { [const { AtomicU64::new(0) }; Code::COUNT] }; Kind::COUNT])
    }
}

impl Cells {
    /// Adds what was counted of a zone to what others counted.
    fn read(&self, zone: ZoneNumber, into: &mut BTreeMap<(Topic, Code), u64>) {
        for (kind, codes) in Kind::all().zip(&self.0) {
            for (code, count) in Code::all().zip(codes) {
                match count.load(Ordering::Relaxed) {
                    0 => {}
                    count => *into.entry((Topic { zone, kind }, code)).or_default() += count,
                }
            }
        }
    }
}

impl AddAssign<&Self> for Answered {
    /// Adds what others counted; the origin stays.
    fn add_assign(&mut self, other: &Self) {
        for (key, count) in &other.replies {
            *self.replies.entry(*key).or_default() += count;
        }
        self.sizes += &other.sizes;
        self.times += &other.times;
        self.truncated.iter_mut().zip(other.truncated).for_each(|(sum, more)| *sum += more);
        self.refused.iter_mut().zip(other.refused).for_each(|(sum, more)| *sum += more);
    }
}
