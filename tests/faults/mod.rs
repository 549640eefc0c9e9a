//! Every fault of the matrix, one test each, on clusters of their own.
//!
//! # What is wrong
//! While a fault lasts, somebody asks all the time. An answer is right if it is what the
//! registry's state before the fault says, or one of its states since, and never an older
//! one than was shown before. Everything else is wrong: SERVFAIL and silence after the
//! first list, a mixture of states, a reason (RFC 8914) without EDNS. The states are read
//! from etcd's own history, and their answers are computed without srvd's code.
//!
//! # The oracle
//! After the fault etcd is listed, what must be answered is made from nothing, and every
//! service that is there or ever was is asked for over TCP. Answers must not be marked
//! stale any more.
//!
//! # Right again
//! A change is made behind all others; right again is when it is shown. Time counts from
//! the fault where nothing is mended (a killed member stays away), and from the begin of the
//! mending where something is; so it includes etcd's own start and election.
//!
//! | file | faults |
//! | --- | --- |
//! | `members` | etcd absent, members killed or frozen, no quorum |
//! | `network` | black holes, cuts, delays, one direction |
//! | `past` | compaction, a snapshot restored |
//! | `crowds` | many leases lost, flapping, a large registry, a flood |
//! | `documents` | values and keys of no use |
//! | `processes` | srvd frozen, `join` killed, stopped, frozen; the clock moved |
//! | `rest` | nothing is asked, and nothing can be done |
//! | `soak` | all of it at random, for as long as wanted |
//!
//! # Work
//! Each line says what part of a core `serve` and a `join` beside it used over the fault, and how
//! often a second they woke. What wakes too often is a failure of `join`, which has nothing to do,
//! and of both while nothing is asked and nothing changes; CPU time is judged where it can only be
//! a loop without a wait, for it depends on the machine and on what else that does.
//!
//! Each fault prints one line; `tests/faults.sh` makes a table of them.

mod asker;
mod dns;
mod hand;
mod history;
mod model;
mod scene;
mod setup;

mod crowds;
mod documents;
mod members;
mod network;
mod past;
mod processes;
mod rest;
mod soak;
