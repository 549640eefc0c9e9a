//! The choice of services that a page has, and their order.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;

use super::services::{Search, behind};
use crate::events::Events;
use crate::http::server::refusal::Refusal;
use crate::index::{Generation, Service, Zone, ZoneId};
use crate::names::folded;
use crate::registry::{Happening, Host, Instance};

/// The order of services.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Sort {
    /// By zone and name.
    #[default]
    Name,
    /// The most instances first.
    Instances,
    /// The one whose newest instance came last first.
    Newest,
}

/// The filter of services: what their names and instances must have.
pub(super) struct Filter {
    /// A part of the name, in lower case.
    query: String,
    /// A tag of an instance, as a label.
    tag: Option<Vec<u8>>,
    /// The version of an instance.
    version: Option<String>,
    /// Where an instance is.
    host: Option<HostWanted>,
}

/// A host that instances are looked for by.
enum HostWanted {
    /// An address.
    Address(IpAddr),
    /// A host name, in lower case.
    Name(String),
}

/// An order of services: what stands before zone and name, the lowest first.
pub(super) enum SortOrder {
    /// Nothing.
    Name,
    /// How many instances there are less than could be.
    Instances,
    /// How long before the end of time the newest came, by the zone's place and label.
    Newest(HashMap<usize, HashMap<Vec<u8>, u64>>),
}

impl Filter {
    /// What a search says.
    pub(super) fn of(search: &Search) -> Self {
        let host = |text: &String| {
            let address = text.trim_start_matches('[').trim_end_matches(']').parse();
            let name = || text.trim_end_matches('.').to_ascii_lowercase();
            address.map_or_else(|_| HostWanted::Name(name()), HostWanted::Address)
        };
        Self {
            query: search.q.as_deref().unwrap_or_default().to_ascii_lowercase(),
            tag: search.tag.as_ref().map(|tag| folded(tag).collect()),
            version: search.version.clone(),
            host: search.address.as_ref().map(host),
        }
    }

    /// Whether a label of a zone is one of these.
    pub(super) fn takes(&self, zone: &Zone, label: &[u8]) -> bool {
        contains(label, self.query.as_bytes())
            && (self.is_of_names() || zone.named(label).is_some_and(|it| self.takes_service(it)))
    }

    /// Whether names alone decide.
    const fn is_of_names(&self) -> bool {
        self.tag.is_none() && self.version.is_none() && self.host.is_none()
    }

    /// Whether instances of a service are as they must be; not all need be the same ones.
    fn takes_service(&self, service: &Service) -> bool {
        let has_tag = |tag: &Vec<u8>| {
            let is_it = |it: &str| folded(it).eq(tag.iter().copied());
            let has = |it: &Instance| {
                it.details.as_ref().is_some_and(|it| it.tags.iter().any(|tag| is_it(tag)))
            };
            service.with_tag(tag).any(has)
        };
        let has_version = |version: &String| {
            let label: Vec<u8> = folded(version).collect();
            service.with_tag(&label).any(|it| it.version() == Some(version))
        };
        self.tag.as_ref().is_none_or(has_tag)
            && self.version.as_ref().is_none_or(has_version)
            && self.host.as_ref().is_none_or(|host| host.is_of(service))
    }
}

impl HostWanted {
    /// Whether an instance of a service is there.
    fn is_of(&self, service: &Service) -> bool {
        let is_name = |it: &Instance, name: &str| match &it.host {
            Host::Name(host) => host.trim_end_matches('.').eq_ignore_ascii_case(name),
            Host::Address(_) => false,
        };
        match self {
            Self::Address(address) => service.has_address(*address),
            Self::Name(name) => service.instances().any(|it| is_name(it, name)),
        }
    }
}

impl SortOrder {
    /// An order of the services of the zones at some places.
    pub(super) fn new(
        sort: Sort,
        (generation, events): (&Generation, &Events),
        places: &[usize],
    ) -> Self {
        match sort {
            Sort::Name => Self::Name,
            Sort::Instances => Self::Instances,
            Sort::Newest => {
                let zones = places.iter().filter(|at| generation.zones()[**at].is_ready());
                let times = |at: &usize| newest(events, generation.zones()[*at].id());
                Self::Newest(zones.map(|at| (*at, times(at))).collect())
            }
        }
    }

    /// What stands before a label of the zone at a place.
    pub(super) fn of(&self, generation: &Generation, at: usize, label: &[u8]) -> u64 {
        let instances = || generation.zones()[at].named(label).map_or(0, Service::len);
        match self {
            Self::Name => 0,
            Self::Instances => u64::MAX - instances() as u64,
            Self::Newest(times) => {
                let time = times.get(&at).and_then(|times| times.get(label));
                time.copied().unwrap_or(u64::MAX)
            }
        }
    }

    /// The time that it stands for, where it does.
    pub(super) fn time(&self, number: u64) -> Option<SystemTime> {
        let is_time = matches!(self, Self::Newest(_)) && number != u64::MAX;
        is_time.then(|| UNIX_EPOCH + Duration::from_micros(u64::MAX - number))
    }

    /// What a page that ends with a label says of the next.
    pub(super) fn next(&self, number: u64, zone: &Zone, label: &[u8]) -> String {
        let place = format!("{}/{}", zone.settings().title(), String::from_utf8_lossy(label));
        match self {
            Self::Name => place,
            _ => format!("{number}/{place}"),
        }
    }

    /// The place that [`Self::next`] said.
    pub(super) fn place(
        &self,
        generation: &Generation,
        after: &str,
    ) -> Result<(u64, usize, Vec<u8>), Refusal> {
        let (number, rest) = match self {
            Self::Name => (0, after),
            _ => {
                let (number, rest) = after.split_once('/').unwrap_or_default();
                (number.parse().unwrap_or_default(), rest)
            }
        };
        let (at, label) = behind(generation, rest)?;
        Ok((number, at, label.to_ascii_lowercase().into_bytes()))
    }
}

/// When the newest instance of each service of a zone came, as far as that is remembered, as
/// [`SortOrder::Newest`] has it.
fn newest(events: &Events, zone: ZoneId) -> HashMap<Vec<u8>, u64> {
    let mut times = HashMap::new();
    for happened in events.history(zone) {
        let time = happened.at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let number = u64::MAX - time.as_micros() as u64;
        let came = happened.batch.changes.iter().filter_map(|change| change.event());
        for event in came.filter(|it| it.happening == Happening::Online) {
            times.entry(folded(&event.instance.name).collect()).or_insert(number);
        }
    }
    times
}

/// Whether a label has a text somewhere.
fn contains(label: &[u8], text: &[u8]) -> bool {
    text.is_empty() || label.windows(text.len()).any(|window| window == text)
}
