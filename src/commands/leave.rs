//! `srvd leave`: removes registrations, whoever holds them.
//!
//! A key is deleted as it was seen, by its revision, so that what came meanwhile stays.
//! Its lease is revoked only when no other key hangs on it: programs that put several keys
//! under one lease would lose them all.
//!
//! Other writers spell names and ids as they like, and `list` shows them so. Names are
//! therefore compared as DNS compares them, in label form and without case; an id as it is written, and so too where no such id is there.

use std::net::IpAddr;

use super::labels;
use crate::cli::LeaveArgs;
use crate::config;
use crate::error::Failure;
use crate::etcd::{Error, Etcd, PageSize};
use crate::machine::interface_addresses;
use crate::mirror::ranges_of;
use crate::names::folded;
use crate::registry::{Host, Layout};
use crate::telemetry::{complain, say};

/// How often a key that changes under our hands is looked at again.
const TRIES: usize = 5;

/// A key that is to go.
struct LeaveTarget {
    key: Vec<u8>,
    /// The revision it was seen at.
    revision: i64,
    /// Its lease; 0 for none.
    lease: i64,
    /// How well it fits what was asked for.
    fit: Fit,
}

/// The fit of a key with what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// Its id has the same label form: meant if no id fits better.
    Label,
    /// To the letter, or by its host.
    Exact,
}

/// The owners whose registrations are meant.
enum Whose {
    /// The one with this id.
    Id(String),
    /// Those whose `hostname` is one of these.
    Hosts(Vec<Host>),
}

/// Runs `srvd leave`.
///
/// # Errors
/// [`Failure::Usage`]: the name, the id or the host is none; [`Failure::NotFound`]: nothing
/// matched; [`Failure::Unreachable`]: etcd is away.
pub async fn leave(registry: &config::Registry, args: &LeaveArgs) -> Result<(), Failure> {
    let (layout, etcd) = (registry.url.layout(), Etcd::new(&registry.url, &registry.access));
    let name = &args.name;
    labels::name(name)?;
    let whose = Whose::new(args)?;
    let mut removed = 0;
    for target in best(find(&etcd, &layout, name, &whose).await?) {
        removed += usize::from(remove(&etcd, target).await?);
    }
    if removed == 0 {
        return Err(Failure::NotFound(whose.nothing(name)));
    }
    Ok(())
}

impl Whose {
    /// What the arguments mean.
    fn new(args: &LeaveArgs) -> Result<Self, Failure> {
        match (args.id.clone(), &args.host) {
            (Some(id), _) => labels::id("--id", &id).map(|()| Self::Id(id)),
            (None, Some(host)) => match Host::parse(host) {
                Ok(host) => Ok(Self::Hosts(vec![host])),
                Err(reason) => Err(Failure::usage(format!("--host `{host}` {reason}"))),
            },
            (None, None) => Ok(Self::Hosts(this_machine())),
        }
    }

    /// How well a key of the service and its document fit, if they do.
    fn fit(&self, id: &str, document: &[u8]) -> Option<Fit> {
        match self {
            Self::Id(wanted) if wanted == id => Some(Fit::Exact),
            Self::Id(wanted) => folded(wanted).eq(folded(id)).then_some(Fit::Label),
            Self::Hosts(hosts) => hosts.contains(&hostname(document)?).then_some(Fit::Exact),
        }
    }

    /// That nothing matched, in words.
    fn nothing(&self, name: &str) -> String {
        match self {
            Self::Id(id) => format!("there is no instance {id} of {name}"),
            Self::Hosts(hosts) => {
                let hosts: Vec<_> = hosts.iter().map(ToString::to_string).collect();
                let hosts = hosts.join(", ");
                format!("{name} has no instance at {hosts}; name one with --id or --host")
            }
        }
    }
}

/// The addresses and the name of this machine.
fn this_machine() -> Vec<Host> {
    let text = |address: IpAddr| address.to_string();
    let names = gethostname::gethostname().into_string().into_iter();
    let names = names.chain(["localhost".to_owned()]);
    let all = interface_addresses().into_iter().map(text).chain(names);
    all.filter_map(|host| Host::parse(&host).ok()).collect()
}

/// The keys of a service that fit, all of one moment.
async fn find(
    etcd: &Etcd,
    layout: &Layout,
    name: &str,
    whose: &Whose,
) -> Result<Vec<LeaveTarget>, Error> {
    let ranges = ranges_of(etcd, layout, name).await?.unwrap_or_else(|| vec![layout.range()]);
    let (mut revision, mut targets) = (None, Vec::new());
    for (from, to) in ranges {
        let (mut next, mut size) = (Some(from), PageSize::default());
        while let Some(from) = next {
            let page = etcd.list_page(&(from, to.clone()), revision, &mut size).await?;
            targets.extend(page.pairs.iter().filter_map(|pair| {
                let place = layout.read(pair.key()).ok();
                let place = place.filter(|place| folded(place.name).eq(folded(name)))?;
                let fit = whose.fit(place.id, pair.value())?;
                let (revision, lease) = (pair.mod_revision(), pair.lease());
                Some(LeaveTarget { key: pair.key().to_vec(), revision, lease, fit })
            }));
            (revision, next) = (Some(page.revision), page.next);
        }
    }
    targets.sort_by(|one, other| one.key.cmp(&other.key));
    Ok(targets)
}

/// Those that fit best.
fn best(mut targets: Vec<LeaveTarget>) -> Vec<LeaveTarget> {
    let best = targets.iter().map(|target| target.fit).max();
    targets.retain(|target| Some(target.fit) == best);
    targets
}

/// The `hostname` member of a document.
fn hostname(value: &[u8]) -> Option<Host> {
    let document: serde_json::Value = serde_json::from_slice(value).ok()?;
    Host::parse(document.get("hostname")?.as_str()?).ok()
}

/// Removes one key and says so. Says whether there was anything left to remove.
async fn remove(etcd: &Etcd, mut target: LeaveTarget) -> Result<bool, Failure> {
    let key = String::from_utf8_lossy(&target.key).into_owned();
    for _ in 0..TRIES {
        if etcd.delete_if(&target.key, target.revision).await?.is_some() {
            say(format_args!("removed {key}"));
            end_lease(etcd, &key, target.lease).await?;
            return Ok(true);
        }
        let Some(held) = etcd.get(&key, etcd.timeout()).await? else { return Ok(false) };
        (target.revision, target.lease) = (held.revision, held.lease);
    }
    Err(Failure::failed(format!("{key} changes faster than it can be removed; try again")))
}

/// Revokes the lease of a removed key if no other key hangs on it.
async fn end_lease(etcd: &Etcd, key: &str, lease: i64) -> Result<(), Failure> {
    if lease == 0 {
        return Ok(());
    }
    let remaining = etcd.remaining(lease, etcd.timeout()).await?;
    if remaining.is_some_and(|remaining| remaining.keys.is_empty()) {
        etcd.revoke(lease, etcd.timeout()).await?;
    }
    complain(format_args!(
        "if the program that registered {key} still runs, it will register again; stop it"
    ));
    Ok(())
}
