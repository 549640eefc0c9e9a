//! The rule that leads from a name to its records, in words.

use crate::authority::{Position, Resolved};
use crate::index::{Branch, Cut, Lead, Node, Owner, Site, Zone};
use crate::names::{WireName, written, written_label};
use crate::registry::{Alias, Meaning, Proto, document};

/// The rule by which a name was found, or by which it was looked for.
pub(super) fn of(resolved: &Resolved<'_>, name: &WireName) -> String {
    match resolved {
        Resolved::Foreign => "the name is below the apex of no zone".to_owned(),
        Resolved::NotReady => "the zone with the longest apex above the name".to_owned(),
        Resolved::Missing(position) => within(position, "no such name"),
        Resolved::Existing(position, node) => within(position, &at(position, *node, name)),
    }
}

/// The rule, with what it means that the name has no zone of its own.
fn within(position: &Position<'_>, rule: &str) -> String {
    match position.site {
        Site::Zone(_) => rule.to_owned(),
        Site::Bare(..) => {
            format!("a bare name, answered from the first zone with services: {rule}")
        }
    }
}

/// The rule of what stands at a name.
fn at(position: &Position<'_>, node: Node<'_>, name: &WireName) -> String {
    let label = |at: usize| shown(name.label(at));
    let port = |at: usize| shown(name.label(at).strip_prefix(b"_").unwrap_or_default());
    let what = instances(position, name);
    match node {
        Node::Apex(_) => "the apex of the zone".to_owned(),
        Node::Empty => "nothing stands at the name itself, but something below it".to_owned(),
        Node::Static(owner) if position.zone.serves_at(name) && owner.has_services() => {
            "what says where the name server that is made up answers encrypted DNS".to_owned()
        }
        Node::Static(_) if position.zone.serves_at(name) => {
            "the name server that is made up, with this server's addresses".to_owned()
        }
        Node::Static(owner) => of_file(owner, name),
        Node::Cut(cut) => of_cut(cut),
        Node::SkyDns(branch) => of_branch(branch).to_owned(),
        Node::Service(_) => format!("S.Z: {what}"),
        Node::Transport(_, proto) => format!("_S._P.Z: {what} with a {proto} port"),
        Node::Port(_, proto) => {
            format!("_N._P.S.Z: {what} whose {proto} port is named `{}`", port(0))
        }
        Node::Address(_, address) => format!("ADDR.S.Z: {what} at {address}"),
        Node::Instance(_) => format!("I.S.Z: {what} with the id `{}`", label(0)),
        Node::Tag(_) => format!("T.S.Z: {what} with the tag or version `{}`", label(0)),
        Node::TagPort(_, proto) => {
            let (tag, port) = (label(2), port(0));
            format!(
                "_N._P.T.S.Z: {what} with the tag or version `{tag}` whose {proto} port is named `{port}`"
            )
        }
        Node::Announced(..) => {
            format!("I._S._P.Z: {what} with the id `{}`, as DNS-SD names it (RFC 6763)", label(0))
        }
        Node::Subtype(..) => {
            let tag = port(0);
            format!(
                "_T._sub._S._P.Z: {what} with the tag `{tag}`, as DNS-SD names them (RFC 6763 section 7.1)"
            )
        }
        Node::Reverse(address) => {
            format!("every name of the address {address} in the zones with services")
        }
        Node::ServiceTypes => "the kinds of services there are (RFC 6763 section 9)".to_owned(),
        Node::BrowsingDomain => "where to browse for services (RFC 6763 section 11)".to_owned(),
    }
}

/// The rule of what the zone file cuts off.
fn of_cut(cut: Cut<'_>) -> String {
    match cut {
        Cut::Delegation(owner) => {
            let name = written(owner.name().iter());
            format!("the zone file leaves all from {name} on to other servers (NS)")
        }
        Cut::Redirection(owner) => {
            let name = written(owner.name().iter());
            format!("the zone file leads all below {name} elsewhere (DNAME)")
        }
    }
}

/// The rule of the zone file's records.
fn of_file(owner: &Owner, name: &WireName) -> String {
    let is_own = WireName::from_labels(owner.name().iter()).is_ok_and(|it| it == *name);
    match is_own {
        true => "records of the zone file at this name".to_owned(),
        false => {
            let wildcard = written(owner.name().iter());
            format!("the zone file's wildcard {wildcard} stands for this name")
        }
    }
}

/// The rule of a SkyDNS zone.
const fn of_branch(branch: Branch<'_>) -> &'static str {
    match branch.by {
        Lead::Apex(_) => "the apex of a SkyDNS zone: the entries below `dns/apex`",
        Lead::Own => "SkyDNS: the entries at this name's key and below it",
        Lead::Wildcard(_) => "SkyDNS: entries below a stored `*`, which stands for this name",
        Lead::Pattern => "SkyDNS: `*` and `any` in the question stand for any label",
    }
}

/// Whose instances a name leads to.
fn instances(position: &Position<'_>, name: &WireName) -> String {
    let Some(label) = service_label(position, name) else { return "instances".to_owned() };
    alias(position.zone, label).map_or_else(
        || format!("instances of `{}`", shown(label)),
        |alias| format!("instances of {alias}"),
    )
}

/// What an alias at a label stands for, in words, if there is one.
pub(super) fn alias(zone: &Zone, label: &[u8]) -> Option<String> {
    let words: Vec<_> = zone.aliases_at(label).map(in_words).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// An alias in words.
fn in_words(alias: &Alias) -> String {
    let (resource, name) = (alias.resource().as_str(), document::shown(&alias.name));
    let shown = document::shown;
    match &alias.meaning {
        Meaning::Frontend { backend: Some(backend) } => {
            format!("the {resource} `{name}`, which leads to the Backend `{}`", shown(backend))
        }
        Meaning::Frontend { backend: None } => {
            format!("the {resource} `{name}`, which leads to no Backend yet")
        }
        Meaning::Backend { app, version: Some(version) } => {
            let (app, version) = (shown(app), shown(version));
            format!("the {resource} `{name}`, which is version `{version}` of `{app}`")
        }
        Meaning::Backend { app, version: None } => {
            format!("the {resource} `{name}`, which is all of `{}`", shown(app))
        }
    }
}

/// The label of the service that a name of a zone with services is about.
pub(super) fn service_label<'n>(position: &Position<'_>, name: &'n WireName) -> Option<&'n [u8]> {
    let below = position.below;
    let bare = |label: &'n [u8]| label.strip_prefix(b"_");
    if let Site::Bare(..) = position.site {
        return bare(name.label(below.checked_sub(1)?));
    }
    let top = name.label(below.checked_sub(1)?);
    match Proto::from_label(top) {
        Some(_) => bare(name.label(below.checked_sub(2)?)).filter(|label| *label != b"dns-sd"),
        None => Some(top),
    }
}

/// A label, as it can be asked for.
pub(super) fn shown(label: &[u8]) -> String {
    written_label(label)
}
