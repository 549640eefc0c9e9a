//! srvd: a DNS-SRV discovery server.
//!
//! Services register themselves in etcd; srvd mirrors those registrations into an index
//! in memory, and answers DNS from it.
//!
//! ```text
//!   etcd ─→ mirror ─→ registry ─→ index ─→ authority ─→ wire ─→ socket      the data path
//!              ↑                     ├─→ events ─→ http             what changed, for those who follow
//!              └────── state ←───────┘                 last known good, on disk
//!                                      (a query walks it backwards, and never past index)
//!
//!   join ─→ lease ─→ etcd                                           the registration path
//!     ↑
//!   http                                                who registers by POST
//! ```
//!
//! # Rooms, in reading order
//!
//! | room | what it is for | knows |
//! | --- | --- | --- |
//! | [`names`] | label rules, limits, defaults, each with its reason | nothing |
//! | [`metrics`] | what is counted and timed, for any to read; freshness among it | nothing |
//! | [`registry`] | what is true: instances, keys, documents, problems; pure values | `names`, `metrics` |
//! | [`index`] | registry → index: immutable generations, and the one swap; pure | `registry` |
//! | [`authority`] | index → answer: the rules of RFC 1034 and friends; pure | `index` |
//! | [`forward`] | names that are not ours → answer: asks other servers | `authority`, moka |
//! | [`wire`] | answer → bytes: sockets and their threads, ready-made answers, size limits | `authority`, `forward`, hickory-server |
//! | [`etcd`] | the etcd client behind our own types | etcd-client |
//! | [`embedded`] | the registry of `srvd dev`: an etcd in memory, for development and tests | etcd-client's messages, tonic |
//! | [`mirror`] | etcd → registry: list, watch, list again; the only lasting reader | `etcd` |
//! | [`state`] | what a zone held, on disk, for a restart while etcd is away | `index` |
//! | [`events`] | what changed, in order, for those who follow | `index` |
//! | [`join`] | join → lease → etcd: the only writer | `etcd` |
//! | [`commands`] | `list`, `lookup`, `watch`, `check`: they ask the registry itself | `mirror`, `index` |
//! | [`http`] | the operator's window: health, readiness, figures, bender's interface | `index`, `events`, `join`, axum |
//! | [`cli`], [`config`], [`zonefile`] | what was typed, what it means | |
//! | [`reload`] | when files are read again, and that all of it is used or nothing | `config`, `app` |
//! | [`files`] | files that options name: opened without waiting, PEM, whether they changed | nothing |
//! | [`systemd`] | what systemd is told | |
//! | [`machine`] | which addresses this machine has | |
//! | [`privileges`] | what the process may do, and what it gives up | |
//! | [`app`], [`dev`] | everything put together, bound, run | all of them |
//!
//! # Invariants
//!
//! `tests/house.rs` reads the sources and holds those that imports can show; the others
//! have tests of their own.
//!
//! 1. *Pure core.* `names`, `registry`, `index` and `authority` never import tokio,
//!    etcd-client or hickory-server. A query never waits for I/O.
//! 2. *One room each.* `etcd` alone knows etcd-client and tonic (`embedded` serves what they
//!    ask); `wire` alone knows hickory-server; only `mirror` and the `commands` behind it read
//!    the registry, only `join` writes it.
//! 3. *Generations.* What a generation says never changes once it is published; the switch
//!    is one store; a query reads one generation from start to end.
//! 4. *Whole or not at all.* A list becomes true when its last page is here, an event when
//!    its revision is complete.
//! 5. *An update costs what changed*, O(changes · log n), whether 100 or 1,000,000
//!    instances are registered.
//! 6. *A bad key or value harms itself alone*, and says why.
//! 7. *Nothing is removed because etcd is away.* The last generation is answered for ever,
//!    or as long as `max-stale` says; after a restart, the one that `state` kept. What a
//!    collapse takes away is held for a while before it is believed.
//! 8. *Everything from outside is bounded* by a named constant: packets, connections,
//!    documents, pages, batches, queues, loops.
//! 9. *One truth.* Octets of the fast path come from encoding the `authority`'s answer once;
//!    they are kept with the service that they were made of, and are gone with its next
//!    change. A differential test holds the fast path to the full one.
//! 10. *One file has unsafe code*, `wire/udp/batch/linux.rs`: batches of datagrams have no
//!     safe wrapper.

pub mod app;
pub mod authority;
pub mod backoff;
pub mod cli;
pub mod commands;
pub mod config;
pub mod dev;
pub mod docs;
pub mod embedded;
pub mod error;
pub mod etcd;
pub mod events;
pub mod files;
pub mod forward;
pub mod http;
pub mod index;
pub mod join;
pub mod machine;
pub mod metrics;
pub mod mirror;
pub mod names;
pub mod privileges;
pub mod registry;
pub mod reload;
pub mod shutdown;
pub mod state;
pub mod systemd;
pub mod telemetry;
pub mod wire;
pub mod zonefile;
