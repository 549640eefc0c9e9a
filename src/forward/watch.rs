//! The upstreams: those that the configuration names, and those in its
//! resolv.conf files, which are read again and again.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::server::UpstreamServer;
use super::source::read_file;
use super::zone::ForwardZone;
use super::{Own, Rules, Shared, Source, UPSTREAMS_MAX};
use crate::files::{Followed, LOOK_EVERY};
use crate::lock::Lock;

/// After how many looks upstreams that loop, or do not answer, are probed again.
const PROBE_AGAIN: u64 = 15;
/// After how many looks all are: every five minutes, since probes reach the servers of the root.
const PROBE_ALL: u64 = 150;

/// The watch of the files that name upstreams.
pub(super) struct Watch {
    /// Of each zone, in order.
    zones: Vec<ForwardZone<WatchedSource>>,
    /// What is never asked.
    own: Own,
    /// Servers of which was said that they are ours, or too many.
    told: HashSet<String>,
}

/// A source, and what it named last.
struct WatchedSource {
    /// The file; none where the address was configured.
    file: Option<PathBuf>,
    servers: Followed<Vec<UpstreamServer>>,
}

impl Watch {
    /// Watches sources; nothing is looked at yet.
    pub(super) fn new(zones: Vec<ForwardZone>, own: Own) -> Self {
        let watched = |zone: &ForwardZone| {
            zone.map(zone.upstreams.iter().cloned().map(WatchedSource::new).collect())
        };
        Self { zones: zones.iter().map(watched).collect(), own, told: HashSet::new() }
    }

    /// The upstreams there are to be now: each once for a zone, none of them ours.
    pub(super) fn look(&mut self) -> Vec<ForwardZone<UpstreamServer>> {
        (0..self.zones.len()).map(|zone| self.look_at(zone)).collect()
    }

    /// The same of one zone.
    fn look_at(&mut self, zone: usize) -> ForwardZone<UpstreamServer> {
        let mut all = Vec::new();
        for at in 0..self.zones[zone].upstreams.len() {
            let source = &mut self.zones[zone].upstreams[at];
            source.look();
            for server in source.servers.value.clone() {
                if !all.contains(&server) && self.may_be_asked(&server, all.len()) {
                    all.push(server);
                }
            }
        }
        self.zones[zone].map(all)
    }

    /// Whether an upstream is none of ours, and not one too many; said once if it is.
    fn may_be_asked(&mut self, server: &UpstreamServer, before: usize) -> bool {
        let own = self.own.at(server.at);
        if own.is_none() && before < UPSTREAMS_MAX {
            return true;
        }
        if self.told.insert(server.to_string()) {
            match own {
                Some(own) => {
                    tracing::warn!("upstream server {server} skipped: it is this server ({own})")
                }
                None => tracing::warn!(
                    "upstream server {server} skipped: limit of {UPSTREAMS_MAX} reached"
                ),
            }
        }
        false
    }
}

impl WatchedSource {
    /// A source at which nobody has looked yet.
    fn new(source: Source) -> Self {
        let server = source.server();
        match source {
            Source::File(path) => Self { file: Some(path), servers: Followed::default() },
            _ => Self { file: None, servers: Followed::new(server.into_iter().collect()) },
        }
    }

    /// Reads the file again. If it cannot be used, what it named before stays, and the
    /// reason is said once.
    fn look(&mut self) {
        let Some(file) = &self.file else { return };
        let read = read_file(file).map(|all| all.into_iter().map(UpstreamServer::from).collect());
        let read = read.map_err(|fault| format!("{}: {fault}", file.display()));
        let remedy = |still: &Vec<_>| format!("keeping its earlier servers ({})", still.len());
        self.servers.take(read, Duration::ZERO, remedy);
    }
}

/// The newest sources: they may be replaced while others are looked at.
#[derive(Default)]
pub(super) struct Round {
    /// How often they were replaced, and those that nobody has taken up yet.
    newest: Lock<(u64, Option<Watch>)>,
    /// Tells whoever follows.
    replaced: Notify,
}

impl Round {
    /// Puts sources in the place of others, and their upstreams to use.
    pub(super) fn replace(&self, mut watch: Watch, rules: Rules, shared: &Shared) {
        let found = watch.look();
        let mut newest = self.newest.lock();
        *newest = (newest.0 + 1, Some(watch));
        shared.select(&found, rules);
        self.replaced.notify_one();
    }

    /// Uses what was found, unless the sources where it was found were replaced meanwhile.
    fn select(&self, edition: u64, found: &[ForwardZone<UpstreamServer>], shared: &Shared) {
        let newest = self.newest.lock();
        if newest.0 == edition {
            shared.select(found, shared.selection.load().rules.clone());
        }
    }

    /// The sources that took the place of others, and which edition they are.
    fn take(&self) -> Option<(u64, Watch)> {
        let mut newest = self.newest.lock();
        newest.1.take().map(|watch| (newest.0, watch))
    }
}

/// Keeps the upstreams up to date, and probes them: at once, after a change, and now and
/// then. Files are read away from the forwarder's thread, which a hanging one must not hold.
pub(super) async fn follow(mut watch: Watch, shared: Arc<Shared>) {
    let (mut looks, mut edition) = (0_u64, 0);
    loop {
        if let Some(next) = shared.turn.take() {
            ((edition, watch), looks) = (next, 0);
        }
        let selection = shared.selection.load_full();
        let due = selection.upstreams.iter().filter(|upstream| {
            looks.is_multiple_of(PROBE_ALL)
                || looks.is_multiple_of(PROBE_AGAIN)
                    && (upstream.is_looping() || upstream.is_silent())
        });
        join_all(due.map(|it| shared.probes.probe(it, selection.zones_of(it)))).await;
        if timeout(LOOK_EVERY, shared.turn.replaced.notified()).await.is_ok() {
            continue;
        }
        let look = move || {
            let found = watch.look();
            (watch, found)
        };
        let Ok((again, found)) = spawn_blocking(look).await else { return };
        watch = again;
        let is_same = selection.is_of(&found);
        looks = if is_same { looks + 1 } else { 0 };
        if !is_same {
            shared.turn.select(edition, &found, &shared);
        }
    }
}

/// Logs which upstreams are asked.
pub(super) fn tell(zones: &[ForwardZone<UpstreamServer>]) {
    for zone in zones {
        let names: Vec<_> = zone.upstreams.iter().map(ToString::to_string).collect();
        let what = match zone.name.is_root() {
            true => "out-of-zone names".to_owned(),
            false => format!("names of {}", zone.title()),
        };
        match names.as_slice() {
            [] => tracing::warn!("no usable upstream server: {what} get SERVFAIL"),
            names => tracing::info!("forwarding {what} to {}", names.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    /// Addresses of port 53.
    fn addresses(texts: &[&str]) -> Vec<UpstreamServer> {
        texts.iter().map(|text| SocketAddr::new(text.parse().unwrap(), 53).into()).collect()
    }

    #[test]
    fn what_a_file_named_stays_until_it_names_others() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("resolv.conf");
        let write = |text: &str| std::fs::write(&path, text).unwrap();
        let first = Source::Address("192.0.2.1:53".parse().unwrap());
        let zone = ForwardZone::root(vec![first, Source::File(path.clone())]);
        let mut watch = Watch::new(vec![zone], Own::default());
        let mut look = || watch.look().remove(0).upstreams;
        assert_eq!(look(), addresses(&["192.0.2.1"]));
        write("nameserver 192.0.2.2\nnameserver 192.0.2.1\n");
        assert_eq!(look(), addresses(&["192.0.2.1", "192.0.2.2"]));
        for text in ["", "nameserver nonsense\n"] {
            write(text);
            assert_eq!(look(), addresses(&["192.0.2.1", "192.0.2.2"]));
        }
        std::fs::remove_file(&path).unwrap();
        assert_eq!(look(), addresses(&["192.0.2.1", "192.0.2.2"]));
        write("nameserver 192.0.2.3\n");
        assert_eq!(look(), addresses(&["192.0.2.1", "192.0.2.3"]));
    }

    #[test]
    fn what_is_ours_or_too_many_is_left_out() {
        let sources = (1..=20).map(|it| Source::Address(([192, 0, 2, it], 53).into()));
        let own = Own::new(vec!["192.0.2.1:53".parse().unwrap()]);
        let mut watch = Watch::new(vec![ForwardZone::root(sources.collect())], own);
        assert_eq!(
            watch.look()[0].upstreams,
            addresses(&[
                "192.0.2.2",
                "192.0.2.3",
                "192.0.2.4",
                "192.0.2.5",
                "192.0.2.6",
                "192.0.2.7",
                "192.0.2.8",
                "192.0.2.9"
            ])
        );
        assert_eq!(watch.told.len(), 12);
    }
}
