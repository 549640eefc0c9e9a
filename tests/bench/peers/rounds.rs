//! Servers in turns, and medians.

use std::time::Duration;

use crate::generator::saturate;
use crate::process::Modes;
use crate::questions::Questions;
use crate::server::Server;
use crate::statistics::median;

/// How long each server is asked before the first round, where little is asked for.
const WARM: Duration = Duration::from_millis(300);

/// The unit of [`Modes`], a second.
const HUNDREDTHS: f64 = 100.0;
/// How often a second the kernel's clock looks (CONFIG_HZ of Debian).
const TICKS: f64 = 250.0;

/// How often each server is asked, and how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rounds {
    /// How often.
    count: usize,
    /// How long.
    pub(crate) time: Duration,
    /// How long before the first round, which does not count.
    warm: Duration,
}

/// One turn of one server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// Microseconds of CPU per answered query.
    pub(crate) cpu: f64,
    /// What the kernel's clock counted meanwhile.
    pub(crate) modes: Modes,
    /// Thousands of answered queries a second.
    pub(crate) rate: f64,
    /// How many cores its process kept busy.
    pub(crate) busy: f64,
    /// Queries in a thousand that were not answered.
    pub(crate) lost: f64,
}

/// All turns of one server.
#[derive(Debug, Clone)]
pub(crate) struct Figures(pub(crate) Vec<Sample>);

impl Rounds {
    /// As many as a run takes.
    pub(crate) const fn new(quick: bool) -> Self {
        let (count, seconds) = if quick { (2, 1) } else { (5, 2) };
        Self { count, time: Duration::from_secs(seconds), warm: WARM }
    }

    /// Shorter ones, where there is much to measure.
    pub(crate) const fn short(quick: bool) -> Self {
        let (count, time) = if quick { (3, 100) } else { (5, 200) };
        let warm = Duration::from_millis(100);
        Self { count, time: Duration::from_millis(time), warm }
    }

    /// The same after a longer beginning: what is asked of a large index is not in any
    /// cache, nor ready-made, before it was asked for once.
    pub(crate) const fn warmed(self, warm: Duration) -> Self {
        Self { warm, ..self }
    }

    /// Gives everyone a turn in every round, A B A B, after a short one that does not
    /// count; then the turns of each.
    pub(crate) fn interleave<C, T>(
        self,
        contestants: &mut [C],
        mut turn: impl FnMut(&mut C, Duration) -> T,
    ) -> Vec<Vec<T>> {
        contestants.iter_mut().for_each(|contestant| _ = turn(contestant, self.warm));
        let mut all: Vec<_> = contestants.iter().map(|_| Vec::new()).collect();
        for _ in 0..self.count {
            for (contestant, turns) in contestants.iter_mut().zip(&mut all) {
                turns.push(turn(contestant, self.time));
            }
        }
        all
    }

    /// Saturates everyone in turns.
    pub(crate) fn saturate(self, mut contestants: Vec<(&Server, &Questions)>) -> Vec<Figures> {
        let turns = self.interleave(&mut contestants, |(server, questions), time| {
            Sample::take(server, questions, time)
        });
        turns.into_iter().map(Figures).collect()
    }
}

impl Sample {
    /// Saturates a server.
    pub(crate) fn take(server: &Server, questions: &Questions, time: Duration) -> Self {
        let (before, modes) = (server.process.nanoseconds(), server.process.modes());
        let outcome = saturate(server.at, server.kind.is_echo(), questions, time);
        let nanoseconds = server.process.nanoseconds() - before;
        let Modes { user, system } = server.process.modes();
        let modes = Modes { user: user - modes.user, system: system - modes.system };
        Self { modes, ..Self::new(nanoseconds, outcome.answered, outcome.lost, outcome.seconds) }
    }

    /// What a number of answers cost and took.
    pub(crate) fn new(nanoseconds: u64, answered: u64, lost: u64, seconds: f64) -> Self {
        assert!(answered > 0, "a server answered nothing");
        let (cpu, answered) = (nanoseconds as f64 / 1_000.0, answered as f64);
        Self {
            cpu: cpu / answered,
            modes: Modes::default(),
            rate: answered / seconds / 1_000.0,
            busy: cpu / seconds / 1e6,
            lost: lost as f64 / (answered + lost as f64) * 1_000.0,
        }
    }
}

impl Figures {
    /// The median of something.
    pub(crate) fn median(&self, of: impl Fn(&Sample) -> f64) -> f64 {
        median(self.0.iter().map(of).collect())
    }

    /// Microseconds of CPU per query.
    pub(crate) fn cpu(&self) -> f64 {
        self.median(|sample| sample.cpu)
    }

    /// Microseconds of CPU per query in user mode, and by how much they may err (one standard
    /// deviation): the part of all turns in which the kernel's clock found the process there.
    pub(crate) fn user(&self) -> (f64, f64) {
        let sum = |of: fn(&Modes) -> u64| self.0.iter().map(|it| of(&it.modes)).sum::<u64>() as f64;
        let all = sum(|it| it.user + it.system).max(1.0);
        let part = sum(|it| it.user) / all;
        let ticks = all / HUNDREDTHS * TICKS;
        (part * self.cpu(), (part * (1.0 - part) / ticks).sqrt() * self.cpu())
    }

    /// How much of something there is for one of another's, round by round.
    pub(crate) fn ratio(&self, to: &Self, of: impl Fn(&Sample) -> f64) -> f64 {
        median(self.0.iter().zip(&to.0).map(|(one, other)| of(one) / of(other)).collect())
    }

    /// CPU per query for one of another's.
    pub(crate) fn cpu_ratio(&self, to: &Self) -> f64 {
        self.ratio(to, |sample| sample.cpu)
    }
}
