//! srvd: a DNS-SRV discovery server, and the client of its registry.
//!
//! **For programs there is one public module, [`client`]**, which follows Semantic Versioning. All
//! other modules are the server's insides: public for its own tests and binary, shown here for
//! those who read or change it, and changed by any release.
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
//! A room knows none that stands below it here, and the last column names all that it knows but
//! those of the first table, which any may know.
//!
//! | small room | what it is for | knows |
//! | --- | --- | --- |
//! | [`names`] | label rules, networks, limits, defaults, each with its reason | |
//! | [`connections`] | a server's open connections, by client, and which is closed for another | |
//! | [`lock`] | a mutex that a panic does not poison | |
//! | [`metrics`] | what is counted and timed, and how the server and its zones are, for any to read | `lock` |
//! | [`backoff`] | waits that grow, with jitter | |
//! | [`error`] | how a command ends, and its exit code | |
//! | [`certificates`] | when certificates end | |
//! | [`files`] | files that options name: opened without waiting, PEM, tokens, whether they changed | `error` |
//! | [`machine`] | this machine's addresses | |
//! | [`privileges`] | what the process may do, and what it gives up | |
//! | [`processes`] | this machine's processes, and the sockets that they hold | |
//! | [`remote`] | a running server, asked over its HTTP API; pages of programs | `error` |
//! | [`shutdown`] | the signals that end the process | |
//! | [`systemd`] | what systemd is told, and the sockets that it hands over | |
//! | [`telemetry`] | log lines, and the runtimes that write them | `names`, `lock`, `error` |
//!
//! | room | what it is for | knows |
//! | --- | --- | --- |
//! | [`registry`] | what is true: instances, keys, documents, problems; pure values | |
//! | [`zonefile`] | master files, as they are written and checked | |
//! | [`index`] | registry → index: immutable generations, and the one swap; pure | `registry` |
//! | [`authority`] | index → answer: the rules of RFC 1034 and friends; pure | `registry`, `index` |
//! | [`forward`] | out-of-zone names → answer: asks upstreams | `authority` |
//! | [`wire`] | answer → bytes: sockets and their threads, ready-made answers, size limits | `index`, `authority`, `forward` |
//! | [`etcd`] | the etcd client behind our own types | `registry`, `forward` |
//! | [`embedded`] | etcd's API over a store in memory | |
//! | [`mirror`] | etcd → registry: list, watch, list again; the only lasting reader | `registry`, `etcd` |
//! | [`state`] | what a zone held, on disk, for a restart while etcd is away | `registry`, `index` |
//! | [`events`] | what changed, in order, for those who follow | `registry`, `index` |
//! | [`join`] | registration → lease → etcd: the only lasting writer | `registry`, `etcd` |
//! | [`client`] | what a program links: it registers itself, and looks others up | `registry`, `etcd`, `mirror`, `join` |
//! | [`probe`] | one look at an instance by tcp, http or a command, and the processes about it | `join` |
//! | [`http`] | the operator's window: health, readiness, metrics, API, bender's interface | `registry`, `index`, `authority`, `forward`, `wire`, `etcd`, `events`, `join` |
//! | [`etcd_v2`] | etcd's v2 keys API over the registry, for old clients | `etcd`, `events`, `http` |
//! | [`options`] | options, each declared once: flag, variable and key of the file | `registry`, `forward`, `wire` |
//! | [`cli`] | what was typed | `registry`, `options` |
//! | [`config`] | what the options mean together | `registry`, `zonefile`, `index`, `forward`, `wire`, `etcd`, `options` |
//! | [`app`] | the server put together, bound, run | `registry`, `index`, `forward`, `wire`, `etcd`, `mirror`, `state`, `events`, `join`, `http`, `etcd_v2`, `options`, `config` |
//! | [`reload`] | when files are read again, and that all of it is used or nothing | `etcd`, `options`, `config`, `app` |
//! | [`commands`] | the programs that a person runs | `registry`, `index`, `authority`, `forward`, `etcd`, `mirror`, `join`, `probe`, `options`, `cli`, `config`, `app`, `reload` |
//! | [`dev`] | the server with a registry in the same process | `registry`, `index`, `wire`, `etcd`, `embedded`, `join`, `http`, `options`, `config`, `app`, `reload` |
//! | [`docs`] | help texts, man pages and completions | `cli` |
//!
//! # Features
//!
//! `server` has all rooms, and is on by default. Without it there are those that stand above
//! `join` in the tables and know nothing of DNS messages, sockets and terminals: what a program
//! links that registers itself and looks others up. No other line but these of modules, and the
//! look-up of etcd's members by DNS ([`etcd`]), depends on a feature. `client` has the room of that
//! name, and needs no `server`.
//!
//! # Invariants
//!
//! `tests/house.rs` reads the sources and holds those that imports can show; the others
//! have tests of their own.
//!
//! 1. *Pure core.* `names`, `registry`, `index` and `authority` never import tokio,
//!    etcd-client or hickory-server; they log nothing and read no clock. A query never waits
//!    for I/O.
//! 2. *One room each.* `etcd` alone knows etcd-client and tonic (`embedded` serves what they
//!    ask); `wire` alone knows hickory-server; only `mirror` and the `commands` behind it read
//!    the registry, only `join` writes it; `etcd_v2` does both when a client asks; `client` does
//!    both by these two.
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

#[cfg(feature = "server")]
pub mod app;
#[cfg(feature = "server")]
pub mod authority;
pub mod backoff;
#[cfg(feature = "server")]
pub mod certificates;
#[cfg(feature = "server")]
pub mod cli;
#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "server")]
pub mod commands;
#[cfg(feature = "server")]
pub mod config;
#[cfg(feature = "server")]
pub mod connections;
#[cfg(feature = "server")]
pub mod dev;
#[cfg(feature = "server")]
pub mod docs;
#[cfg(feature = "server")]
pub mod embedded;
pub mod error;
pub mod etcd;
#[cfg(feature = "server")]
pub mod etcd_v2;
#[cfg(feature = "server")]
pub mod events;
pub mod files;
#[cfg(feature = "server")]
pub mod forward;
#[cfg(feature = "server")]
pub mod http;
#[cfg(feature = "server")]
pub mod index;
pub mod join;
pub mod lock;
pub mod machine;
pub mod metrics;
pub mod mirror;
pub mod names;
#[cfg(feature = "server")]
pub mod options;
#[cfg(feature = "server")]
pub mod privileges;
#[cfg(feature = "server")]
pub mod probe;
#[cfg(feature = "server")]
pub mod processes;
pub mod registry;
#[cfg(feature = "server")]
pub mod reload;
#[cfg(feature = "server")]
pub mod remote;
#[cfg(feature = "server")]
pub mod shutdown;
#[cfg(feature = "server")]
pub mod state;
#[cfg(feature = "server")]
pub mod systemd;
#[cfg(feature = "server")]
pub mod telemetry;
#[cfg(feature = "server")]
pub mod wire;
#[cfg(feature = "server")]
pub mod zonefile;
