//! Loops: an upstream that asks us what we ask it would answer nothing, and keep us busy.
//! Each is asked for a name that nobody else can know; if somebody then asks us for that
//! name, the upstream is left out until it no longer does so.
//!
//! The names stand right below the zone that it is asked for. Of the root that is since
//! resolvers answer for special names such as `invalid.` themselves, and would hide the loop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use hickory_proto::rr::{Name, RecordType};
use tokio::time::timeout;

use super::Asked;
use super::upstream::{Upstream, did_answer};
use crate::lock::Lock;

/// How long a probe may take to come back.
const WAIT: Duration = Duration::from_secs(2);
/// The type that is asked for: one that nobody asks for.
const KIND: RecordType = RecordType::HINFO;

/// The probes that are out.
#[derive(Debug, Default)]
pub(super) struct Probes {
    /// Each with whether it came back. The lock is held for a look at the list, and only
    /// where the type is that of a probe.
    out: Lock<Vec<(Name, Arc<AtomicBool>)>>,
}

impl Probes {
    /// Whether a question is one of ours.
    pub(super) fn came_back(&self, asked: &Asked) -> bool {
        if asked.kind != KIND {
            return false;
        }
        let out = self.out.lock();
        let probe = out.iter().find(|(name, _)| *name == asked.name);
        probe.inspect(|(_, seen)| seen.store(true, Ordering::Relaxed)).is_some()
    }

    /// Probes an upstream of some zones, and says whether it answers, and where its questions
    /// lead.
    pub(super) async fn probe(&self, upstream: &Upstream, zones: Vec<Name>) {
        let leads = zones.iter().map(|zone| self.leads_here(upstream, zone));
        let does_loop = join_all(leads).await.contains(&true);
        tell(upstream, does_loop);
    }

    /// Whether a question for a name of a zone comes back.
    async fn leads_here(&self, upstream: &Upstream, zone: &Name) -> bool {
        let seen = Arc::new(AtomicBool::new(false));
        let name = random_name(zone);
        self.out.lock().push((name.clone(), Arc::clone(&seen)));
        let asked = Asked { name, kind: KIND, checking_disabled: false };
        let reply = timeout(WAIT, upstream.ask(&asked, false)).await;
        upstream.note(reply.is_ok_and(|it| did_answer(&it)), Instant::now());
        self.out.lock().retain(|(name, _)| *name != asked.name);
        seen.load(Ordering::Relaxed)
    }
}

/// Remembers whether an upstream leads back here, and logs the change.
fn tell(upstream: &Upstream, does_loop: bool) {
    let address = upstream.server();
    match (upstream.does_loop(does_loop), does_loop) {
        (true, true) => tracing::error!(
            upstream = %address,
            "forwarding loop: {address} forwards to this server what this server forwards to it; \
             not using {address}, will retry; let it use other servers, or take it out of `forward`"
        ),
        (true, false) => {
            tracing::info!(upstream = %address, "forwarding loop is gone; using the server again")
        }
        (false, _) => {}
    }
}

/// A name that nobody can foresee, two labels below a zone; right below the root where a zone's
/// name is so long that they do not fit.
fn random_name(zone: &Name) -> Name {
    let label = || format!("{:016x}", fastrand::u64(..));
    let labels = [label(), label()];
    let name = Name::from_labels(labels.iter().map(String::as_bytes)).expect("two short labels");
    name.clone().append_domain(zone).unwrap_or(name)
}
