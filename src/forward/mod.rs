//! FOREIGN NAME → ANSWER: names in no zone of ours, asked of other servers.
//!
//! ```text
//!   wire ─→ cache ─┬──────────────────────────────────────────────────→ answer ─→ wire
//!                  └─→ room ─→ flights ─→ upstream, the next, … ─→ cache ─↑
//!                                            ↑            ↑
//!                                          watch        probes
//!                                      (resolv.conf)    (loops)
//! ```
//!
//! It has a thread of its own: whoever hands a question over never waits, and gets the
//! answer by a call, at once where it is cached or cannot be had.
//!
//! | bound | what it holds |
//! | --- | --- |
//! | `IN_FLIGHT`, `SHARE`, `DESCRIPTORS` | questions that wait for upstreams, in all and of one client |
//! | `WAITERS` | those of them that wait for the answer to an equal one |
//! | `DEADLINE` | how long any of them waits |
//! | `PATIENCE` | how long one upstream is waited for before the next is asked as well |
//! | `ENTRIES`, `ENTRY_OCTETS` | what is cached |
//! | `UPSTREAMS_MAX`, `FILE_OCTETS` | upstreams, and the files that name them |
//!
//! Of hickory-resolver this takes the pool of name servers, one pool for each upstream, and
//! the cache. Not its `Resolver`: that asks for the target of every alias anew, answers
//! `localhost` and others itself, and knows a negative answer at the end of aliases only
//! without them. Nor one pool for all upstreams: it takes the first SERVFAIL or REFUSED for
//! the answer, and gives up with the first two servers that say nothing.
//!
//! | RFC | what of it | status |
//! | --- | --- | --- |
//! | 1035 s7.1, 7766 | UDP, repeated; TCP where the answer is truncated | done |
//! | 2181 s5.2 | one TTL per RRset | done |
//! | 2308 s3, s5 | negative answers with their SOA, cached as long as it says | done |
//! | 5452 s5 | equal questions are asked once at a time | done |
//! | 5452 s9 | a port and an id of its own for every question, which must be echoed | done |
//! | 6604 | aliases in order, with the code of the last name | done |
//! | 8914 | extended errors 13, 22, 23 | done |
//! | 9520 s3 | failures are cached, for a second | done |
//! | 4035 | DO | not passed on: answers carry no signatures. CD is |

mod answer;
mod ask;
mod cache;
mod counters;
mod flights;
mod own;
mod probes;
mod room;
mod selection;
mod source;
mod upstream;
mod watch;

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use hickory_proto::rr::{Name, RecordType};
use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;

use self::counters::Counters;
use self::flights::{Asker, Joined};
use self::probes::Probes;
use self::room::Room;
use self::selection::Selection;
use self::watch::{Turn, Watch};
use crate::authority::Answer;

pub use self::counters::Counts;
pub use self::own::Own;
pub use self::source::{Source, SourceFault};

/// How long a question waits in all. Resolvers of clients give up after five seconds, and
/// should hear why before that.
const DEADLINE: Duration = Duration::from_secs(4);
/// How often is looked whether nothing waits any more, before the end.
const IDLE_GLANCE: Duration = Duration::from_millis(10);
/// Upstreams in all: more than anybody has, and few enough that all of them are tried.
pub const UPSTREAMS_MAX: usize = 8;

/// A question for others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Asked {
    /// The name.
    pub name: Name,
    /// The type.
    pub kind: RecordType,
    /// Whether the client wants what fails validation, too (CD).
    pub checking_disabled: bool,
}

/// Asks upstreams. Dropping it ends its thread.
pub struct Forwarder {
    /// What its tasks share.
    shared: Arc<Shared>,
    /// What is never asked.
    own: Own,
    /// Its thread; there until it is dropped.
    runtime: Option<Runtime>,
}

/// What the tasks share.
struct Shared {
    /// The upstreams of the day, and what they said.
    selection: ArcSwap<Selection>,
    /// Who waits.
    room: Arc<Room>,
    /// What shows loops.
    probes: Probes,
    /// What is counted.
    counters: Counters,
    /// Where the upstreams are named.
    turn: Turn,
}

impl Forwarder {
    /// Starts a thread that asks what `sources` name, but never what is `own`.
    ///
    /// # Errors
    /// [`io::Error`] when the system has no thread left.
    pub fn start(sources: Vec<Source>, own: Own) -> io::Result<Self> {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).thread_name("forward").enable_all().build()?;
        let mut watch = Watch::new(sources, own.clone());
        let addresses = watch.look();
        watch::tell(&addresses);
        let shared = Arc::new(Shared {
            selection: ArcSwap::from_pointee(Selection::new(&addresses, &[])),
            room: Arc::new(Room::new()),
            probes: Probes::default(),
            counters: Counters::default(),
            turn: Turn::default(),
        });
        runtime.spawn(watch::follow(watch, Arc::clone(&shared)));
        Ok(Self { shared, own, runtime: Some(runtime) })
    }

    /// Asks what other sources name, from the next question on. Questions that wait are still
    /// answered by whom they were asked; upstreams that stay keep their connections. It reads
    /// files.
    pub fn replace(&self, sources: Vec<Source>) {
        let Self { shared, own, .. } = self;
        shared.turn.replace(Watch::new(sources, own.clone()), shared);
    }

    /// Answers a client's question by `done`, which is called once, here or on the thread of
    /// the forwarder. It must not wait. `client` is who the question counts for.
    pub fn ask(&self, client: IpAddr, asked: Asked, done: impl FnOnce(Answer) + Send + 'static) {
        let Shared { selection, room, probes, counters, .. } = &*self.shared;
        if probes.came_back(&asked) {
            return done(answer::looped());
        }
        let selection = selection.load_full();
        if let Some(answer) = selection.cache.get(&asked) {
            counters.cached();
            return done(answer);
        }
        let Some(place) = room.enter(client) else {
            counters.no_room();
            return done(answer::no_room());
        };
        match selection.flights.join(&asked, Asker { done: Box::new(done), place }) {
            Joined::First(flight) => {
                let shared = Arc::clone(&self.shared);
                self.runtime().handle().spawn(async move {
                    flight.land(&selection.ask(&asked, &shared.counters).await);
                });
            }
            Joined::Waits => counters.merged(),
            Joined::Crowded(asker) => {
                counters.no_room();
                (asker.done)(answer::no_room());
            }
        }
    }

    /// Waits until every question that was taken has its answer.
    pub async fn idle(&self) {
        while self.shared.room.len() > 0 {
            sleep(IDLE_GLANCE).await;
        }
    }

    /// What was counted.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.counters.counts(self.shared.room.len())
    }

    /// The upstreams, and whether each is asked.
    #[must_use]
    pub fn upstreams(&self) -> Vec<(SocketAddr, bool)> {
        let selection = self.shared.selection.load();
        let all = selection.upstreams.iter();
        all.map(|upstream| (upstream.address(), !upstream.is_looping())).collect()
    }

    /// Its thread.
    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("it is taken in drop alone")
    }
}

impl Shared {
    /// Asks other upstreams from now on, and says so.
    fn select(&self, addresses: &[SocketAddr]) {
        watch::tell(addresses);
        let before = self.selection.load();
        self.selection.store(Arc::new(Selection::new(addresses, &before.upstreams)));
    }
}

impl Drop for Forwarder {
    /// Waits for nothing, since this may be dropped on a thread that must not wait.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Forwarder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Forwarder").field("upstreams", &self.upstreams()).finish_non_exhaustive()
    }
}
