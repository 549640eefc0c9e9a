//! `/v1/zones/{zone}/records`: the records of a zone's file, and the SOA and NS records of its
//! apex, as they are served.

use axum::extract::State;
use axum::response::Response;
use hickory_proto::rr::rdata::NS;
use hickory_proto::rr::{Name, RData, RecordType};
use serde::Serialize;
use utoipa::ToSchema;

use super::entries::PageSearch;
use super::paging::{Placed, first};
use super::zones;
use crate::authority::{asked, mnemonic, written_data};
use crate::http::Subject;
use crate::http::server::extract::{Parameters, Segments};
use crate::http::server::refusal::Refusal;
use crate::index::{Generation, Site};
use crate::names::written;

/// Records of an RRset that are shown; DNS has the others.
const DATA_SHOWN: usize = 100;

/// A page of RRsets, by name and type.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Records {
    /// The zone, without its last dot.
    zone: String,
    /// How many RRsets there are, on all pages.
    total: usize,
    /// The RRsets.
    records: Vec<RecordsOfType>,
    /// What `after` is to be for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// The records of one name and type.
#[derive(Debug, Serialize, ToSchema)]
struct RecordsOfType {
    /// Their name, absolute.
    name: String,
    /// Their type.
    r#type: String,
    /// Their TTL in seconds.
    ttl: u32,
    /// Their data as zone files write them, the first hundred.
    data: Vec<String>,
    /// How many there are beside those.
    more: usize,
}

/// An RRset of a zone, wherever it stands.
struct FoundRecords<'z> {
    /// Its name.
    name: &'z Name,
    /// Its type.
    kind: RecordType,
    /// Its TTL.
    ttl: u32,
    /// Its data.
    data: std::borrow::Cow<'z, [RData]>,
}

/// The place of an RRset among others: by name from the apex down, then by type.
type RecordPlace = (Vec<u8>, u16);

/// The records of a zone's file.
#[utoipa::path(get, path = "/v1/zones/{zone}/records", tag = "registry",
    params(("zone" = String, Path, description = "The zone"), PageSearch), responses(
    (status = 200, body = Records), (status = 400, body = Refusal), (status = 404, body = Refusal),
))]
pub(super) async fn list(
    State(subject): State<Subject>,
    Segments(zone): Segments<String>,
    Parameters(search): Parameters<PageSearch>,
) -> Result<Response, Refusal> {
    search.page(&subject, zone, found).await
}

/// A page of the records that are searched for.
fn found(
    generation: &Generation,
    zone: &str,
    (search, limit): (&PageSearch, usize),
) -> Result<Records, Refusal> {
    let at = zones::named(generation, zone)?;
    let query = search.q.as_deref().unwrap_or_default().to_ascii_lowercase();
    let after = search.after.as_deref().map(place_of).transpose()?;
    let mut total = 0;
    let wanted = sets(generation, at).filter(|it| it.has(&query)).inspect(|_| total += 1);
    let placed = wanted.map(|it| Placed(it.place(), it));
    let is_behind = |place: &RecordPlace| after.as_ref().is_none_or(|after| place > after);
    let (page, has_more) = first(placed.filter(|it| is_behind(&it.0)), limit);
    let next = page.last().filter(|_| has_more).map(|it| it.1.next());
    let zone = generation.zones()[at].settings().title();
    let records = page.iter().map(|it| it.1.shown()).collect();
    Ok(Records { zone, total, records, next })
}

/// The RRsets of the zone at a place: SOA and NS as they are served, and what its file has.
fn sets(generation: &Generation, at: usize) -> impl Iterator<Item = FoundRecords<'_>> {
    let settings = generation.zones()[at].settings();
    let mut soa = settings.soa.clone();
    soa.serial = generation.serial(Site::Zone(at));
    let ns: Vec<_> = settings.ns.iter().map(|name| RData::NS(NS(name.clone()))).collect();
    let apex = settings.apex();
    let of_apex = [
        FoundRecords {
            name: apex,
            kind: RecordType::SOA,
            ttl: settings.soa_ttl,
            data: vec![RData::SOA(soa)].into(),
        },
        FoundRecords { name: apex, kind: RecordType::NS, ttl: settings.ns_ttl, data: ns.into() },
    ];
    let owners = settings.tree().into_iter().flat_map(|tree| tree.owners());
    let of_file = owners.flat_map(|owner| owner.sets().iter().map(move |set| (owner.name(), set)));
    let is_apex =
        move |name: &Name, kind| matches!(kind, RecordType::SOA | RecordType::NS) && name == apex;
    let of_file = of_file.filter(move |(name, set)| !is_apex(name, set.kind));
    let of_file = of_file.map(|(name, set)| FoundRecords {
        name,
        kind: set.kind,
        ttl: set.ttl,
        data: set.data.as_slice().into(),
    });
    of_apex.into_iter().filter(|it| !it.data.is_empty()).chain(of_file)
}

/// The place that `next` of a page says.
fn place_of(after: &str) -> Result<RecordPlace, Refusal> {
    let fault = || Refusal::invalid("`after` is no `next` of a page; leave it out to begin anew");
    let (kind, name) = after.split_once(' ').ok_or_else(fault)?;
    let (name, kind) = asked(name, Some(kind)).map_err(|_| fault())?;
    Ok((path(&name), u16::from(kind)))
}

/// The labels of a name in lower case, the last first, which puts names in order.
fn path(name: &Name) -> Vec<u8> {
    let labels: Vec<_> = name.iter().rev().map(<[u8]>::to_ascii_lowercase).collect();
    labels.join(&0)
}

impl FoundRecords<'_> {
    /// What puts it in order.
    fn place(&self) -> RecordPlace {
        (path(self.name), u16::from(self.kind))
    }

    /// What a page that ends with it says of the next.
    fn next(&self) -> String {
        format!("{} {}", mnemonic(self.kind), written(self.name.iter()))
    }

    /// Whether it has a text somewhere in name, type or data, given in lower case.
    fn has(&self, text: &str) -> bool {
        let contains = |it: String| it.to_ascii_lowercase().contains(text);
        text.is_empty()
            || contains(written(self.name.iter()))
            || mnemonic(self.kind).eq_ignore_ascii_case(text)
            || self.data.iter().any(|it| contains(written_data(u16::from(self.kind), it)))
    }

    /// What is shown of it.
    fn shown(&self) -> RecordsOfType {
        let data = self.data.iter().take(DATA_SHOWN);
        let data: Vec<_> = data.map(|it| written_data(u16::from(self.kind), it)).collect();
        RecordsOfType {
            name: written(self.name.iter()),
            r#type: mnemonic(self.kind),
            ttl: self.ttl,
            more: self.data.len() - data.len(),
            data,
        }
    }
}
