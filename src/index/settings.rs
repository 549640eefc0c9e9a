//! Settings of a zone: what the configuration and the zone file say of it.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};

use hickory_proto::rr::rdata::SOA;
use hickory_proto::rr::{Name, RData};

use super::kept::{BY_KIND, KeptAnswers};
use super::{StartOfAuthority, Tree, ZoneNumber};
use crate::names::{NameTooLong, WireName, written};
use crate::registry::{Diagnostic, Layout};

/// The source of a zone's names, beside its zone file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Schema {
    /// Registrations, `PREFIX/NAME/ID`.
    #[default]
    Services,
    /// SkyDNS's tree of labels.
    SkyDns,
    /// Nowhere: the zone is its file.
    Static,
}

impl Schema {
    /// The schema as the configuration spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Services => "services",
            Self::SkyDns => "skydns",
            Self::Static => "static",
        }
    }
}

/// The choice of records where there are more than an answer has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AnswersOrder {
    /// Others for each query.
    #[default]
    Fresh,
    /// The same for a client each time, until the service changes.
    Stable,
}

/// A serial of a zone file that is not used, since one after it was shown already.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("zone file serial went backwards ({new} < {kept}); keeping {kept}")]
pub struct SerialKept {
    /// The zone, without its last dot.
    pub zone: String,
    /// What the file says.
    pub new: u32,
    /// What goes on being shown.
    pub kept: u32,
}

/// The settings of a zone, by the configuration and its zone file. They stay the same until
/// these are read again.
#[derive(Debug)]
pub struct Settings {
    apex: Name,
    /// The apex in wire form.
    wire: WireName,
    /// The start of authority. Its MINIMUM is the negative TTL, its serial the part
    /// that the zone file gives.
    pub soa: SOA,
    /// TTL of the SOA record in seconds.
    pub soa_ttl: u32,
    /// The name servers.
    pub ns: Vec<Name>,
    /// TTL of the NS records in seconds.
    pub ns_ttl: u32,
    /// Where the name server is, if it is the one that is made up.
    servers: Box<[IpAddr]>,
    /// What says where that answers encrypted DNS: SVCB records.
    designations: Box<[RData]>,
    /// TTL of dynamic records in seconds, where their document sets none.
    pub ttl: u32,
    /// How many A, AAAA, SRV or PTR records of registrations an answer has at most; 0 for all.
    pub max_answers: u16,
    /// Which of more records than that, or than there is room for, are drawn.
    pub answers_order: AnswersOrder,
    /// The records of the zone file beside SOA and NS, if it has any.
    tree: Option<Arc<Tree>>,
    /// What in the zone file is served otherwise than it is written.
    cautions: Vec<Diagnostic>,
    /// Where its names come from.
    schema: Schema,
    /// Whether reverse zones name the addresses of its registrations.
    names_addresses: bool,
    /// Whether its own names are those of addresses.
    is_reverse: bool,
    /// Where the zone's keys stand, to name them by.
    layout: Layout,
    /// Under which number its queries are counted, from before it is published.
    number: AtomicU8,
    /// The SOA record of negative answers in wire form, once it was asked for.
    ready: OnceLock<StartOfAuthority>,
    /// The answers for SOA and NS of the apex.
    kept: OnceLock<KeptAnswers>,
}

impl Settings {
    /// The settings of a zone that nothing is stale in.
    ///
    /// # Errors
    /// [`NameTooLong`] when the apex is no name that fits the wire.
    pub fn new(
        apex: Name,
        (soa, soa_ttl): (SOA, u32),
        (ns, ns_ttl): (Vec<Name>, u32),
        ttl: u32,
    ) -> Result<Self, NameTooLong> {
        let wire = WireName::from_labels(apex.iter())?;
        let (layout, ready) = (Layout::default(), OnceLock::new());
        let (schema, tree, cautions, max_answers) = (Schema::default(), None, Vec::new(), 0);
        Ok(Self {
            apex,
            wire,
            soa,
            soa_ttl,
            ns,
            ns_ttl,
            servers: Box::default(),
            designations: Box::default(),
            ttl,
            max_answers,
            answers_order: AnswersOrder::default(),
            tree,
            cautions,
            schema,
            names_addresses: false,
            is_reverse: false,
            layout,
            number: AtomicU8::new(ZoneNumber::OTHER.get() as u8),
            ready,
            kept: OnceLock::new(),
        })
    }

    /// The same of a zone whose keys stand elsewhere than below the default prefix.
    #[must_use]
    pub fn reading(self, layout: Layout) -> Self {
        Self { layout, ..self }
    }

    /// The same of a zone whose name server, if it is made up, has these addresses.
    #[must_use]
    pub fn served_at(self, addresses: &[IpAddr]) -> Self {
        Self { servers: addresses.into(), ..self }
    }

    /// The same of a zone whose name server, if it is made up, answers encrypted DNS as these SVCB
    /// records say.
    #[must_use]
    pub fn designating(self, designations: Box<[RData]>) -> Self {
        Self { designations, ..self }
    }

    /// The same of a zone whose names come from elsewhere.
    #[must_use]
    pub fn of_schema(self, schema: Schema) -> Self {
        Self { schema, ..self }
    }

    /// The same of a zone whose file has these records.
    #[must_use]
    pub fn holding(self, tree: Tree, cautions: Vec<Diagnostic>) -> Self {
        let tree = Some(tree).filter(|tree| !tree.is_bare());
        Self { tree: tree.map(Arc::new), cautions, ..self }
    }

    /// The same of a zone whose addresses have names in reverse zones.
    #[must_use]
    pub fn naming_addresses(self, names_addresses: bool) -> Self {
        Self { names_addresses, ..self }
    }

    /// The same of a reverse zone: beside what it has otherwise, every address that is
    /// registered in the other zones has its names there.
    #[must_use]
    pub fn reversing(self) -> Self {
        Self { is_reverse: true, ..self }
    }

    /// Whether its addresses have names in reverse zones.
    #[must_use]
    pub const fn names_its_addresses(&self) -> bool {
        self.names_addresses
    }

    /// Whether its names are those of addresses.
    #[must_use]
    pub const fn is_reverse(&self) -> bool {
        self.is_reverse
    }

    /// What in the zone file is served otherwise than it is written.
    #[must_use]
    pub fn cautions(&self) -> &[Diagnostic] {
        &self.cautions
    }

    /// The same of which no answer was made.
    pub(super) fn unused(&self) -> Self {
        let tree = self.tree().map(|tree| Arc::new(tree.unused()));
        Self { tree, ..self.copied() }
    }

    /// The same once more, by the same records.
    #[must_use]
    pub fn copied(&self) -> Self {
        Self {
            apex: self.apex.clone(),
            wire: self.wire,
            soa: self.soa.clone(),
            ns: self.ns.clone(),
            servers: self.servers.clone(),
            designations: self.designations.clone(),
            tree: self.tree.clone(),
            cautions: self.cautions.clone(),
            layout: self.layout.clone(),
            number: AtomicU8::new(self.number.load(Ordering::Relaxed)),
            ready: OnceLock::new(),
            kept: OnceLock::new(),
            ..*self
        }
    }

    /// Whether others say the same.
    pub(super) fn says_the_same_as(&self, other: &Self) -> bool {
        let answers = |it: &Self| (it.max_answers, it.answers_order, it.names_addresses);
        answers(self) == answers(other)
            && (&self.soa, &self.layout) == (&other.soa, &other.layout)
            && self.cautions == other.cautions
            && self.says_the_same_of_the_zone_as(other)
    }

    /// Whether others make the same records of the same registrations, whatever of these an
    /// answer has, and under whatever serial.
    pub(super) fn says_the_same_of_the_zone_as(&self, other: &Self) -> bool {
        let times = |it: &Self| [it.soa_ttl, it.ns_ttl, it.ttl];
        let kinds = |it: &Self| (it.schema, it.is_reverse);
        self.apex.eq_case(&other.apex)
            && (times(self), kinds(self)) == (times(other), kinds(other))
            && (unnumbered(&self.soa), &self.ns) == (unnumbered(&other.soa), &other.ns)
            && self.servers == other.servers
            && self.designations == other.designations
            && self.has_records_of(other)
    }

    /// Whether its file has the same records as another's.
    fn has_records_of(&self, other: &Self) -> bool {
        match (&self.tree, &other.tree) {
            (Some(own), Some(others)) => Arc::ptr_eq(own, others) || own == others,
            (own, others) => own.is_none() && others.is_none(),
        }
    }

    /// The records of the zone file, if it has any beside SOA and NS.
    #[must_use]
    pub fn tree(&self) -> Option<&Tree> {
        self.tree.as_deref()
    }

    /// How many A, AAAA, SRV or PTR records of registrations an answer has at most.
    #[must_use]
    pub const fn most_answers(&self) -> usize {
        if self.max_answers == 0 { usize::MAX } else { self.max_answers as usize }
    }

    /// Where its names come from.
    #[must_use]
    pub const fn schema(&self) -> Schema {
        self.schema
    }

    /// Where the zone's keys stand.
    #[must_use]
    pub const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The apex, as it was configured.
    #[must_use]
    pub const fn apex(&self) -> &Name {
        &self.apex
    }

    /// The apex as people write it: without its last dot, the root as nothing.
    #[must_use]
    pub fn title(&self) -> String {
        let mut title = written(self.apex.iter());
        title.pop();
        title
    }

    /// The apex in lower-cased wire form.
    #[must_use]
    pub const fn wire(&self) -> &WireName {
        &self.wire
    }

    /// Under which number its queries are counted. One relaxed load.
    #[must_use]
    pub fn counted_as(&self) -> ZoneNumber {
        ZoneNumber::new(self.number.load(Ordering::Relaxed))
    }

    /// Counts its queries under a number.
    pub(super) fn count_as(&self, number: ZoneNumber) {
        self.number.store(number.get() as u8, Ordering::Relaxed);
    }

    /// The place of the SOA record of negative answers in wire form.
    #[must_use]
    pub const fn ready(&self) -> &OnceLock<StartOfAuthority> {
        &self.ready
    }

    /// The answers for SOA and NS of the apex, and of the bare names.
    pub(super) fn kept(&self) -> &KeptAnswers {
        self.kept.get_or_init(|| KeptAnswers::with(2 * BY_KIND))
    }

    /// Where the name server is, if it is the one that is made up.
    pub(super) fn servers(&self) -> &[IpAddr] {
        &self.servers
    }

    /// What says where that answers encrypted DNS.
    pub(super) fn designations(&self) -> &[RData] {
        &self.designations
    }
}

/// What an SOA record says beside its serial.
fn unnumbered(soa: &SOA) -> (&Name, &Name, [i32; 3], u32) {
    (&soa.mname, &soa.rname, [soa.refresh, soa.retry, soa.expire], soa.minimum)
}
