//! Any datagram, to a server with something of every kind.

use std::cell::RefCell;
use std::sync::Arc;

use srvd::wire::{Cookies, HEADER_MAX, HeaderFault, Policy, ProxyHeader};

use super::paths::Paths;
use super::zonefile;
use crate::fixture::{Fixture, settings};

/// Registrations of every kind, in the first zone.
const REGISTERED: [(&str, &str); 16] = [
    ("web/1", r#"{"host":"10.0.0.1:80","protocol":"http","version":"1","tags":["blue"]}"#),
    ("web/2", r#"{"host":"10.0.0.2:80","protocol":"http","weight":7,"text":"words"}"#),
    ("web/3", r#"{"host":"[2001:db8::1]:80","priority":1,"weight":0,"meta":{"k":"v"}}"#),
    ("Web/4", r#"{"host":"10.0.0.1:81","ttl":60,"proto":"udp"}"#),
    ("db/1", "far.example.com:5432"),
    ("db/2", "10-0-0-1.web.services.internal:5432"),
    ("db/3", "10.0.0.3:5432"),
    ("portless/1", "10.0.0.9"),
    ("several/1", r#"{"endpoints":["http://10.0.0.4:80","grpc://10.0.0.5:90","x://far.example"]}"#),
    ("_backends/blue", r#"{"resource":"Backend","app":"web","version":"1"}"#),
    ("_backends/none", r#"{"resource":"Backend","app":"nothing"}"#),
    ("_frontends/shop", r#"{"resource":"Frontend","backend":"blue"}"#),
    ("_frontends/portless", r#"{"resource":"Frontend","backend":"blue"}"#),
    ("bad/1", "no document"),
    ("a_b.c/i.d", "10.0.0.8:1"),
    ("x/10-0-0-7", "10.0.0.8:1"),
];

/// The file of a zone with aliases, wildcards, delegations, redirections, and all in between.
pub(crate) const FILE: &str = "$TTL 60
@ SOA ns hostmaster 1 2 3 4 5
@ NS ns
ns A 10.0.0.53
ns AAAA 2001:db8::53
WWW CNAME web
web A 10.0.0.1
web A 10.0.0.2
a CNAME b
b CNAME c.deep
c.deep CNAME no.such
out CNAME www.example.com.
loop CNAME pool
pool CNAME loop
into CNAME _web._tcp.services.internal.
* TXT \"any\"
*.wild A 10.0.0.9
x.y.wild A 10.0.0.8
_sip._udp SRV 1 2 5060 web
mail MX 10 web
mail MX 20 mail.example.com.
sub NS ns.sub
sub NS ns.other.test.
ns.sub A 10.0.0.54
sub DS 1 8 2 00
moved DNAME web.services.internal.
new TYPE65280 \\# 3 010203
";

thread_local! {
    /// The server, which keeps its ready-made answers from one input to the next, with each of
    /// the policies.
    static PATHS: RefCell<[Paths; 3]> = RefCell::new(paths());
}

/// Asks one datagram, by the policy that its id chooses; behind a PROXY header, if it has one.
pub(crate) fn check(octets: &[u8]) {
    let octets = &octets[header(octets)..];
    PATHS.with_borrow_mut(|paths| {
        let choice = usize::from(octets.get(1).copied().unwrap_or_default());
        paths[choice % 3].check(octets);
    });
}

/// Octets of the PROXY header that a datagram begins with, if it does: it says the same whatever comes
/// behind it, and nothing where it is cut.
fn header(octets: &[u8]) -> usize {
    let Ok(header) = ProxyHeader::read(octets) else { return 0 };
    assert!(header.octets <= octets.len().min(HEADER_MAX));
    assert_eq!(ProxyHeader::read(&octets[..header.octets]), Ok(header));
    let cut = (octets[0] ^ octets[octets.len() - 1]) as usize % header.octets;
    let read = ProxyHeader::read(&octets[..cut]);
    assert_eq!(read, Err(if cut == 0 { HeaderFault::Missing } else { HeaderFault::Cut }));
    assert!(header.client.is_none_or(|it| it.ip() == it.ip().to_canonical()));
    header.octets
}

/// The server with nothing configured, with all that can be told, and wary of forged sources.
fn paths() -> [Paths; 3] {
    let index = world().index;
    let cookies = || Some(Cookies::by_clock([7; 16], &[[8; 16]], || 1_000_000_000));
    let (nsid, chaos) = (Some(b"one"[..].into()), Some(b"one"[..].into()));
    let telling = Policy { cookies: cookies(), nsid, chaos, ..Policy::default() };
    let wary = Policy { cookies: cookies(), strict_amplification: true, ..Policy::default() };
    [Policy::default(), telling, wary].map(|policy| Paths::with(&index, Arc::new(policy)))
}

/// Zones of which one stands in another, all listed.
fn world() -> Fixture {
    let zones = ["services.internal.", "web.services.internal.", "other.test."].map(settings);
    let file = zonefile::read(FILE.as_bytes()).expect("it is one");
    let zones: Vec<_> = zones.into_iter().chain(zonefile::serving(file)).collect();
    let count = zones.len();
    let mut fixture = Fixture::unlisted(zones);
    for at in 0..count {
        fixture.turn_to(at);
        fixture.list(7);
    }
    fixture.turn_to(2);
    fixture.put_all([("10-0-0-1/z", "10.7.7.7:5"), ("web/1", "[2001:db8::7]:5")]);
    fixture.turn_to(0);
    fixture.put_all(REGISTERED);
    // More than a datagram takes, with glue and without.
    let crowd = (0..60).map(|n| (format!("crowd/{n}"), format!("10.1.0.{n}:{}", 1000 + n)));
    fixture.put_all(crowd);
    let large = (0..300).map(|n| (format!("large/{n}"), format!("10.2.0.{}:{n}", n % 7)));
    fixture.put_all(large.skip(1));
    fixture
}
