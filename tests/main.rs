//! The suites of srvd: one line says what each of them proves.
#![allow(clippy::unwrap_used, reason = "a test says what it needs by failing there")]

/// What the suites share: real etcd processes, and patience with deadlines.
mod support;

/// The documents: links lead somewhere, commands run, tables name what there is.
mod documents;
/// The sources: who may import whom.
mod house;
/// The sources: how docs begin.
mod words;

/// Who comes first: weights over many draws.
mod draws;
/// Zones and registrations in process, without etcd.
mod fixture;

/// The real etcd that other suites lean on obeys its controls.
mod etcd_process;

/// The embedded registry and the real etcd answer alike, request by request.
mod registry_api;

/// The rules of the RFCs: golden files under `rfc/`.
mod rfc;

/// Why a name is answered as it is.
mod explain;

/// Octets in, octets out: sockets, `dig`, limits.
mod wire;

/// What fuzzers found worth keeping, once more: any octets, by every way in.
mod fuzz;

/// The moving guides, followed: old data, the guides' configurations, old names.
mod moving;

/// Names of others: asked of other servers, whatever state these are in.
mod forward;

/// The data path end to end, and every failure on it: etcd → mirror → index → DNS.
mod serve;

/// Being let into etcd: TLS, certificates and passwords that change, roles, members.
mod access;

/// Zones of the schema that SkyDNS and CoreDNS read.
mod skydns;

/// What operators ask over HTTP: health, readiness, figures.
mod http;

/// The page at `/` in a browser: seen, clicked, typed into, on a desk and in a hand.
mod page;

/// bender's interface: clients that renew by POST, over HTTP, in etcd and in DNS.
mod bender;

/// etcd's v2 API for old clients: over HTTP, in etcd and in DNS.
mod etcd_v2;

/// `srvd join` and `srvd leave` against real etcd: whatever happens, what runs is registered.
mod join;

/// `srvd::client` against real etcd: programs that register themselves and find others.
mod client;

/// Zones by chance: srvd, NSD and Knot answer alike, or there is a reason.
mod differential;

/// Programs that people ask DNS with: libraries, tools, proxies, as they are.
mod clients;

/// etcd, the network and processes at their worst: no wrong answer, and right again soon.
mod faults;

/// What is installed: the tarball, packages, the image, each in a root of its own.
mod packages;
