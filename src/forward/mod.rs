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
//! | `IN_FLIGHT`, `DESCRIPTORS` | questions that upstreams are asked at once |
//! | `WAITERS` | who waits for their answers |
//! | `SHARE`, `JOSTLE` | either of one client, and when it makes room for another |
//! | `DEADLINE`, `CLIENT_PATIENCE` | how long any of them waits, and where there is an old answer |
//! | `PATIENCE`, `WAITS`, `AGAIN` | how long one upstream is waited for before the next is asked as well, and it again |
//! | `ENTRIES`, `ENTRY_OCTETS` | what is cached |
//! | `MOMENT`, `STALE_MAX`, `RECHECK` | how long that is given after its time |
//! | `DATAGRAM` | octets of a reply over UDP |
//! | `FORWARD_ZONES_MAX`, `UPSTREAMS_MAX`, `FILE_OCTETS` | zones, their upstreams, and the files that name them |
//!
//! Of hickory-resolver nothing is used. Its `Resolver` asks for the target of every alias
//! anew, and answers `localhost` and others itself; its pools of name servers take the first
//! SERVFAIL for the answer, wait for ever for a reply with a question where there is none, and
//! never ask without EDNS; its cache gives nothing after its time, and does not say when that
//! is.
//!
//! | RFC | what of it | status |
//! | --- | --- | --- |
//! | 7858, 8484, 8310 | encrypted ways, by [`secure`], and nothing in plain beside them | done |
//! | 1035 s7.1, 7766 | UDP, repeated; TCP where the answer is truncated | done |
//! | 2181 s5 | one TTL per RRset, every datum once | done |
//! | 2181 s5.4.1 | nothing is believed but what answers the question | done |
//! | 2308 s3, s5 | negative answers with their SOA, cached as long as it says | done |
//! | 5452 s5 | equal questions are asked once at a time | done |
//! | 5452 s9 | a port and an id of its own for every question, which must be echoed | done |
//! | 6891 s7 | without EDNS where that is not understood, for five minutes | done |
//! | 6604 | aliases in order, with the code of the last name | done |
//! | 8767 | old answers where there are no others, for a day | done |
//! | 8914 | extended errors 3, 13, 15, 19, 22, 23 | done |
//! | 9520 s3 | failures are cached, for a second | done |
//! | 4035 | DO | not passed on: answers carry no signatures. CD is |

mod answer;
mod ask;
mod cache;
mod chain;
mod counters;
mod exchange;
mod flights;
mod lookup;
mod message;
mod own;
mod private;
mod probes;
mod room;
mod secure;
mod selection;
mod server;
mod source;
mod upstream;
mod waiting;
mod watch;
mod zone;

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use hickory_proto::rr::{Name, RecordType};
use rustls::pki_types::CertificateDer;
use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;

use self::cache::CacheHit;
use self::counters::Counters;
use self::flights::{Done, Flight, InFlight, Joined};
use self::probes::Probes;
use self::selection::Selection;
use self::watch::{Round, Watch};
use self::zone::covering;
use crate::authority::Answer;

pub use self::counters::ForwardCounts;
pub use self::lookup::{LookupFault, name_servers, service_records};
pub use self::own::Own;
pub use self::server::{Encryption, UpstreamServer};
pub use self::source::{Source, SourceFault};
pub use self::upstream::UpstreamState;
pub use self::zone::{FORWARD_ZONES_MAX, ForwardZone, ForwardZoneState, falls_through};

/// How long a question waits in all. Resolvers of clients give up after five seconds, and
/// should hear why before that.
const DEADLINE: Duration = Duration::from_secs(4);
/// How often is looked whether nothing waits any more, before the end.
const IDLE_GLANCE: Duration = Duration::from_millis(10);
/// Upstreams of a zone: more than anybody has, and few enough that all of them are tried.
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

/// The rules of forwarding: how upstreams are asked, and what is done with their replies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Whether private addresses stay in answers.
    pub keeps_private: bool,
    /// Whether letters of names are sent in mixed case, and replies must have the same
    /// (draft-vixie-dnsext-dns0x20).
    pub mixes_case: bool,
    /// Who signs certificates of upstreams that are asked on encrypted ways; the system's
    /// authorities when empty.
    pub authorities: Vec<CertificateDer<'static>>,
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

/// The state that the tasks share.
struct Shared {
    /// The upstreams of the day, and what they said.
    selection: ArcSwap<Selection>,
    /// Who waits.
    flights: Arc<InFlight>,
    /// What shows loops.
    probes: Probes,
    /// What is counted.
    counters: Counters,
    /// Where the upstreams are named.
    turn: Round,
}

impl Forwarder {
    /// Starts a thread that asks what `zones` name, by some rules, but never what is `own`.
    ///
    /// # Errors
    /// [`io::Error`] when the system has no thread left.
    pub fn start(zones: Vec<ForwardZone>, rules: Rules, own: Own) -> io::Result<Self> {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).thread_name("forward").enable_all().build()?;
        let mut watch = Watch::new(zones, own.clone());
        let found = watch.look();
        watch::tell(&found);
        let shared = Arc::new(Shared {
            selection: ArcSwap::from_pointee(Selection::new(&found, rules)),
            flights: Arc::new(InFlight::new()),
            probes: Probes::default(),
            counters: Counters::default(),
            turn: Round::default(),
        });
        runtime.spawn(watch::follow(watch, Arc::clone(&shared)));
        Ok(Self { shared, own, runtime: Some(runtime) })
    }

    /// Asks what other zones name, by other rules, from the next question on. Questions that
    /// wait are still answered by whom they were asked. It reads files.
    pub fn replace(&self, zones: Vec<ForwardZone>, rules: Rules) {
        let Self { shared, own, .. } = self;
        shared.turn.replace(Watch::new(zones, own.clone()), rules, shared);
    }

    /// Answers a client's question by `done`, which is called once, here or on the thread of
    /// the forwarder. It must not wait. `client` is who the question counts for.
    pub fn ask(&self, client: IpAddr, asked: Asked, done: impl FnOnce(Answer) + Send + 'static) {
        let Shared { selection, probes, counters, .. } = &*self.shared;
        if probes.came_back(&asked) {
            return done(answer::looped());
        }
        let selection = selection.load_full();
        let Some(CacheHit { answer, is_due }) = selection.cache.get(&asked, Instant::now()) else {
            return self.wait(client, asked, selection, Box::new(done));
        };
        counters.cached.add(1);
        counters.stale.add(u64::from(answer::is_stale(&answer)));
        done(answer);
        if is_due {
            self.refresh(client, asked, selection);
        }
    }

    /// Waits until every question that was taken has its answer.
    pub async fn idle(&self) {
        while self.shared.flights.waiting() > 0 {
            sleep(IDLE_GLANCE).await;
        }
    }

    /// What was counted.
    #[must_use]
    pub fn counts(&self) -> ForwardCounts {
        self.shared.counters.counts(self.shared.flights.waiting())
    }

    /// The upstreams, each once.
    #[must_use]
    pub fn upstreams(&self) -> Vec<UpstreamState> {
        let selection = self.shared.selection.load();
        selection.upstreams.iter().map(|upstream| upstream.standing()).collect()
    }

    /// The zones that are forwarded.
    #[must_use]
    pub fn zones(&self) -> Vec<ForwardZoneState> {
        self.shared.selection.load().zones.iter().map(ForwardZone::standing).collect()
    }

    /// Whether somebody is to be asked for a name.
    #[must_use]
    pub fn covers(&self, name: &Name) -> bool {
        covering(&self.shared.selection.load().zones, name).is_some()
    }

    /// Whether others are asked for names of zones of ours that do not exist there.
    #[must_use]
    pub fn has_fallthrough(&self) -> bool {
        self.shared.selection.load().falls_through
    }

    /// Whether others are asked for a name that a zone of ours has not.
    #[must_use]
    pub fn falls_through(&self, name: &Name) -> bool {
        falls_through(&self.shared.selection.load().zones, name)
    }

    /// Who is asked for a name; nobody where it is refused.
    #[must_use]
    pub fn zone_of(&self, name: &Name) -> Option<ForwardZoneState> {
        covering(&self.shared.selection.load().zones, name).map(ForwardZone::standing)
    }

    /// Has a question asked, and the asker wait.
    fn wait(&self, client: IpAddr, asked: Asked, selection: Arc<Selection>, done: Done) {
        let Shared { flights, counters, .. } = &*self.shared;
        let (joined, mut refused) = flights.join((selection.edition, asked), client, done);
        match joined {
            Joined::First(flight) => self.launch(flight, selection),
            Joined::Waits => counters.merged.add(1),
            Joined::Crowded(done) => refused.push(done),
        }
        for done in refused {
            counters.no_room.add(1);
            done(answer::no_room());
        }
    }

    /// Has a question asked again that was answered already.
    fn refresh(&self, client: IpAddr, asked: Asked, selection: Arc<Selection>) {
        if let Some(flight) = self.shared.flights.refresh(&(selection.edition, asked), client) {
            self.shared.counters.refreshed.add(1);
            self.launch(flight, selection);
        }
    }

    /// Asks a question on the forwarder's thread.
    fn launch(&self, flight: Flight, selection: Arc<Selection>) {
        let shared = Arc::clone(&self.shared);
        let runtime = self.runtime.as_ref().expect("it is taken in drop alone");
        runtime.spawn(async move { selection.fly(flight, &shared.counters).await });
    }
}

impl Shared {
    /// Asks other upstreams from now on, by some rules, and says so.
    fn select(&self, zones: &[ForwardZone<UpstreamServer>], rules: Rules) {
        watch::tell(zones);
        let next = self.selection.load().next(zones, rules);
        self.selection.store(Arc::new(next));
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self { keeps_private: true, mixes_case: false, authorities: Vec::new() }
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
