//! Settings of a zone: what the configuration and the zone file say of it.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};

use hickory_proto::rr::Name;
use hickory_proto::rr::rdata::SOA;

use super::own::{Own, OwnName};
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
    /// Its names that zones stand on, and the apexes of all zones; known once all zones are.
    own: OnceLock<Own>,
    /// TTL of dynamic records in seconds, where their document sets none.
    pub ttl: u32,
    /// How many A, AAAA, SRV or PTR records of registrations an answer has at most; 0 for all.
    pub max_answers: u16,
    /// Which of more records than that, or than there is room for, are drawn.
    pub answers_order: AnswersOrder,
    /// The records of the zone file beside SOA and NS, if it has any.
    tree: Option<Tree>,
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
            own: OnceLock::new(),
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

    /// The same of a zone whose names come from elsewhere.
    #[must_use]
    pub fn of_schema(self, schema: Schema) -> Self {
        Self { schema, ..self }
    }

    /// The same of a zone whose file has these records.
    #[must_use]
    pub fn holding(self, tree: Tree, cautions: Vec<Diagnostic>) -> Self {
        Self { tree: Some(tree).filter(|tree| !tree.is_bare()), cautions, ..self }
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

    /// Takes the place of earlier settings. Secondaries would take what is before the serial
    /// that was shown for old (RFC 1982 section 3.2): then that one is kept.
    pub(super) fn succeed(&mut self, earlier: &Self) -> Option<SerialKept> {
        let (kept, new) = (earlier.soa.serial, self.soa.serial);
        let is_before = (new.wrapping_sub(kept) as i32) < 0;
        is_before.then(|| {
            self.soa.serial = kept;
            SerialKept { zone: self.title(), new, kept }
        })
    }

    /// The records of the zone file, if it has any beside SOA and NS.
    #[must_use]
    pub const fn tree(&self) -> Option<&Tree> {
        self.tree.as_ref()
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

    /// Where the name server is, if it is the one that is made up.
    pub(super) fn servers(&self) -> &[IpAddr] {
        &self.servers
    }

    /// Keeps which of its names zones stand on, and which zones there are.
    pub(super) fn own(&self, names: Vec<OwnName>, apexes: Arc<[WireName]>) {
        // Where the same settings are in two indices, the first says.
        let _ = self.own.set(Own { names: names.into(), apexes });
    }

    /// Whether a name is in a zone of ours.
    pub(super) fn is_ours(&self, name: &WireName) -> bool {
        let is_below = |apex: &WireName| {
            let skipped = name.labels().checked_sub(apex.labels());
            skipped.is_some_and(|skipped| name.suffix(skipped) == apex.as_wire())
        };
        self.own.get().is_some_and(|own| own.apexes.iter().any(is_below))
    }

    /// Its names that zones stand on.
    pub(super) fn own_names(&self) -> &[OwnName] {
        self.own.get().map_or(&[], |own| &own.names)
    }
}
