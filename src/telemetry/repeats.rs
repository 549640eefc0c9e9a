//! Lines that repeat: so many of one place in the sources within a time, then their number.
//!
//! One bad deployment writes thousands of documents that cannot be used, and each is worth
//! a line; all of them together hide everything else and fill disks. So the first ones of
//! a place are written, and of the others the last, with how many there were. Places are
//! those of the program's text, so there are few. What is asked for by name, the query log
//! and all that `-v` adds, is written whole.
//!
//! Of the crates that do this, `tracing-throttle` tells lines apart by their words, so that a
//! thousand keys would be a thousand lines, and the others are not kept.

use std::collections::HashMap;
use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::sleep;
use tracing::callsite::Identifier;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use crate::lock::Lock;

/// What is logged of queries, which has a limit of its own.
const QUERIES: &str = "srvd::query";
/// Lines of one place that are written within a window.
const LINES_MAX: u64 = 20;
/// How long a window is.
const WINDOW: Duration = Duration::from_secs(10);
/// How often it is looked whether a window has ended, while lines are left out.
const GLANCE: Duration = Duration::from_millis(500);
/// Octets that are shown of the last line that was left out.
const TEXT_MAX: usize = 300;

/// Leaves lines out. Clones share what they know.
#[derive(Debug, Clone, Default)]
pub(super) struct Repeats(Arc<Shared>);

/// The state that clones share.
#[derive(Debug, Default)]
struct Shared {
    /// The places. The lock is held for a look, and for writing one line down.
    places: Lock<Places>,
    /// Told when lines begin to be left out.
    begun: Notify,
}

/// The places that lines came from.
#[derive(Debug, Default)]
struct Places(HashMap<Identifier, CallSite>);

/// A place in the sources, within its window.
#[derive(Debug)]
struct CallSite {
    /// When the window began.
    since: Instant,
    /// Lines of it, those that were left out included.
    lines: u64,
    /// The level of its lines.
    level: Level,
    /// The last line that was left out.
    last: String,
}

/// The lines that were left out of one call site.
#[derive(Debug, PartialEq, Eq)]
struct LeftOut {
    /// How many lines.
    lines: u64,
    /// Their level.
    level: Level,
    /// The last of them.
    last: String,
}

impl Repeats {
    /// Says what was left out, whenever a window ends, for as long as it is polled.
    pub(super) async fn tell(self) -> std::convert::Infallible {
        loop {
            self.0.begun.notified().await;
            while self.is_leaving_out() {
                sleep(GLANCE).await;
                self.say(Instant::now());
            }
        }
    }

    /// Says what was left out of windows that are still open, too.
    pub(super) fn tell_all(&self) {
        self.say(Instant::now() + WINDOW);
    }

    /// Whether anything was left out that was not told yet.
    fn is_leaving_out(&self) -> bool {
        self.0.places.lock().0.values().any(|place| place.lines > LINES_MAX)
    }

    /// Says what was left out of windows that have ended by then.
    fn say(&self, now: Instant) {
        let left_out = self.0.places.lock().end(now);
        for LeftOut { lines, level, last } in left_out {
            match level {
                Level::ERROR => {
                    tracing::error!(lines, "similar lines suppressed: {last}")
                }
                Level::WARN => tracing::warn!(lines, "similar lines suppressed: {last}"),
                _ => tracing::info!(lines, "similar lines suppressed: {last}"),
            }
        }
    }
}

/// A layer, and no filter of one: those lose track of events that they turn away so late.
impl<S: Subscriber> Layer<S> for Repeats {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let metadata = event.metadata();
        let is_ours = metadata.module_path() == Some(module_path!());
        if *metadata.level() > Level::INFO || metadata.target() == QUERIES || is_ours {
            return true;
        }
        let (place, level) = (metadata.callsite(), *metadata.level());
        match self.0.places.lock().pass(place, level, Instant::now(), || words(event)) {
            Passed::Written => true,
            Passed::LeftOut { is_first } => {
                if is_first {
                    self.0.begun.notify_one();
                }
                false
            }
        }
    }
}

/// The fate of a line.
#[derive(Debug, PartialEq, Eq)]
enum Passed {
    /// It is written.
    Written,
    /// It is left out.
    LeftOut {
        /// Whether it is the first of its window.
        is_first: bool,
    },
}

impl Places {
    /// Takes in a line of a place. A window that has ended with nothing left out begins anew;
    /// one with something goes on until that is said.
    fn pass(
        &mut self,
        place: Identifier,
        level: Level,
        now: Instant,
        words: impl FnOnce() -> String,
    ) -> Passed {
        let fresh = || CallSite { since: now, lines: 0, level, last: String::new() };
        let place = self.0.entry(place).or_insert_with(fresh);
        if place.lines <= LINES_MAX && now.duration_since(place.since) >= WINDOW {
            *place = fresh();
        }
        place.lines += 1;
        if place.lines <= LINES_MAX {
            return Passed::Written;
        }
        place.last = words();
        Passed::LeftOut { is_first: place.lines == LINES_MAX + 1 }
    }

    /// Ends windows that something was left out of. Gives what.
    fn end(&mut self, now: Instant) -> Vec<LeftOut> {
        let is_over = |place: &CallSite| {
            place.lines > LINES_MAX && now.saturating_duration_since(place.since) >= WINDOW
        };
        let over = self.0.extract_if(|_, place| is_over(place));
        let left_out = |(_, place): (_, CallSite)| LeftOut {
            lines: place.lines - LINES_MAX,
            level: place.level,
            last: place.last,
        };
        over.map(left_out).collect()
    }
}

/// The words of a line: its message and then its other fields, cut where they are long.
fn words(event: &Event<'_>) -> String {
    let mut words = Words::default();
    event.record(&mut words);
    let mut text = words.message + &words.fields;
    if text.len() > TEXT_MAX {
        let end = (0..=TEXT_MAX).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or_default());
        text.push('…');
    }
    text
}

/// The text of a line.
#[derive(Debug, Default)]
struct Words {
    message: String,
    /// Each field.
    fields: String,
}

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // A string takes all that is written.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::{fmt as lines, registry};

    use super::*;

    /// What is written while something is done, and then told.
    fn written(work: impl FnOnce()) -> Vec<String> {
        let kept = Arc::<Lock<Vec<u8>>>::default();
        let repeats = Repeats::default();
        let layer = lines::layer().with_writer(Kept(Arc::clone(&kept))).with_ansi(false);
        let subscriber = registry().with(repeats.clone()).with(layer.without_time());
        tracing::subscriber::with_default(subscriber, || {
            work();
            repeats.tell_all();
        });
        let octets = kept.lock().clone();
        String::from_utf8(octets).unwrap().lines().map(str::to_owned).collect()
    }

    /// Keeps what is written.
    #[derive(Clone)]
    struct Kept(Arc<Lock<Vec<u8>>>);

    impl std::io::Write for Kept {
        fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
            self.0.lock().extend_from_slice(octets);
            Ok(octets.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl<'a> lines::MakeWriter<'a> for Kept {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    #[test]
    fn the_first_lines_of_a_place_are_written_and_the_others_counted() {
        let lines = written(|| {
            for number in 0..5000 {
                tracing::warn!(number, "not served");
                tracing::debug!(number, "asked for");
                tracing::info!(target: "srvd::query", number, "query");
                if number % 1000 == 0 {
                    tracing::info!("seldom");
                }
            }
        });
        let count = |part: &str| lines.iter().filter(|line| line.contains(part)).count();
        assert_eq!((count("asked for"), count(": query"), count("seldom")), (5000, 5000, 5));
        assert_eq!((count("WARN"), count("similar lines suppressed")), (21, 1));
        let last = lines.last().unwrap();
        let expected = "similar lines suppressed: not served number=4999 lines=4980";
        assert!(last.contains(expected) && last.contains("WARN"), "{last}");
    }

    #[test]
    fn a_window_that_ends_begins_anew() {
        let (mut places, now) = (Places::default(), Instant::now());
        let place = || {
            let metadata = tracing::callsite! {
                name: "place", kind: tracing::metadata::Kind::EVENT, fields: message
            };
            tracing::Callsite::metadata(metadata).callsite()
        };
        let place = place();
        let pass = |places: &mut Places, seconds| {
            let at = now + Duration::from_secs(seconds);
            places.pass(place.clone(), Level::WARN, at, || "words".to_owned())
        };
        for _ in 0..LINES_MAX {
            assert_eq!(pass(&mut places, 0), Passed::Written);
        }
        assert_eq!(pass(&mut places, 9), Passed::LeftOut { is_first: true });
        assert_eq!(pass(&mut places, 11), Passed::LeftOut { is_first: false });
        assert_eq!(places.end(now + Duration::from_secs(9)), []);
        let left_out = places.end(now + Duration::from_secs(11));
        let expected = LeftOut { lines: 2, level: Level::WARN, last: "words".to_owned() };
        assert_eq!(left_out, [expected]);
        assert_eq!(pass(&mut places, 11), Passed::Written);
        for _ in 1..LINES_MAX {
            assert_eq!(pass(&mut places, 12), Passed::Written);
        }
        assert_eq!(pass(&mut places, 21), Passed::Written);
    }
}
