//! Inputs to begin with: what usual clients and writers say.

use std::time::SystemTime;

use srvd::state::{Stamp, write};

use super::checks::document::question;
use super::checks::packet::FILE;
use super::checks::snapshot::bound;
use crate::fixture::Fixture;

/// Names and types of usual questions, and of those that need the full path.
const QUESTIONS: [(&str, u16); 14] = [
    ("_web._tcp.services.internal", 33),
    ("_web._tcp", 33),
    ("_http._tcp.web.services.internal", 33),
    ("web.services.internal", 1),
    ("WEB.Services.Internal", 28),
    ("1.web.services.internal", 16),
    ("10-0-0-1.web.services.internal", 1),
    ("services.internal", 6),
    ("services.internal", 255),
    ("_crowd._tcp.services.internal", 33),
    ("large.services.internal", 1),
    ("no.such.services.internal", 1),
    ("example.com", 65),
    ("_shop._tcp.services.internal", 33),
];
/// OPT records: none, a usual one, DO, NSID and a cookie, version 1, a keepalive cut short.
const OPTS: [&[u8]; 6] = [
    &[],
    &[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0],
    &[0, 0, 41, 2, 0, 0, 0, 0x80, 0, 0, 0],
    &[0, 0, 41, 16, 0, 0, 0, 0, 0, 0, 16, 0, 3, 0, 0, 0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8],
    &[0, 0, 41, 4, 208, 0, 1, 0, 0, 0, 0],
    &[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 5, 0, 11, 0, 2, 1],
];
/// PROXY headers: of IPv4, of IPv6 with a part behind it, LOCAL, without a family, of a later version.
const HEADERS: [&[u8]; 5] = [
    b"\r\n\r\n\0\r\nQUIT\n\x21\x12\0\x0c\xc0\0\x02\x07\x7f\0\0\x01\x0f\xa0\0\x35",
    b"\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x29\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x0f\xa0\0\x35\xe0\0\x02ab",
    b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0",
    b"\r\n\r\n\0\r\nQUIT\n\x21\0\0\x03abc",
    b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0c\xc0\0\x02\x07\x7f\0\0\x01\x0f\xa0\0\x35",
];
/// Values that writers write.
const DOCUMENTS: [&str; 12] = [
    "10.0.0.1:8080",
    "http://[2001:db8::1]:8080",
    r#"{"name":"my-service","port":8080,"hostname":"192.168.1.10","host":"192.168.1.10:8080","url":"http://192.168.1.10:8080"}"#,
    r#"{"host":"h.example","port":"53","proto":"udp","priority":1,"weight":7,"ttl":60,"tags":["a"],"meta":{"k":"v"},"text":"t"}"#,
    r#"{"Op":0,"Addr":"10.0.0.1:8080","Metadata":null}"#,
    r#"{"id":"k","name":"s","version":"1.2","metadata":{},"endpoints":["http://10.0.0.1:8000?isSecure=false","grpc://10.0.0.1:9000"]}"#,
    r#"{"network":"tcp","address":"10.0.0.1:8888","weight":10,"tags":{}}"#,
    r#"{"name":"s","version":"1","metadata":{},"nodes":[{"id":"n","address":"10.0.0.1:1","metadata":{}}]}"#,
    r#"{"resource":"Registration","app":"s","version":"1","host":"10.0.0.1","port":80}"#,
    r#"{"resource":"Backend","name":"b","app":"s","version":"1"}"#,
    r#"{"resource":"Frontend","name":"f","backend":"b"}"#,
    r#"{"host":"10.0.0.1","mail":true,"targetstrip":1,"group":"g","text":""}"#,
];
/// Zone files: all that ours does, and what else can be written.
const FILES: [&str; 6] = [
    FILE,
    "$ORIGIN static.test.\n@ 1h30m IN SOA ns ( hostmaster ; comment\n 1 1d 2h 3w 5 )\n IN NS ns\nns 60 A 10.0.0.1\n",
    "@ 60 SOA . . 0 0 0 0 0\n@ NS .\nt TXT \"a b\" c \"\\\"\" \\065\nc CAA 0 issue \"x\"\n",
    "@ 60 SOA . . 0 0 0 0 0\nt TYPE1 \\# 4 0a000001\nu CLASS1 TYPE65280 \\# 0\nl LOC 1 N 1 E 1m\n",
    "@ 60 SOA . . 0 0 0 0 0\ns SVCB 1 . alpn=h2 port=53\nh HTTPS 0 x\nn NAPTR 1 1 \"u\" \"s\" \"\" .\n",
    "$INCLUDE other.zone\n$TTL 0\n@ NS ns\nd DNAME e\nf.d A 10.0.0.1\n",
];
/// Requests of etcd's v2 API.
const OLD_REQUESTS: [&str; 10] = [
    "GET /v2/keys",
    "GET /v2/keys/services/web?recursive=true&sorted=true&quorum=true",
    "GET /v2/keys/services/web/1?wait=true&waitIndex=7&recursive=1&stream=t",
    "PUT /v2/keys/services/web/1\nvalue=10.0.0.1%3A80&ttl=10",
    "PUT /v2/keys/services/web/1?prevExist=true\nrefresh=true&ttl=10",
    "PUT /v2/keys/services/web/1?prevIndex=7&prevValue=a+b\nvalue=c&noValueOnSuccess=true",
    "PUT /v2/keys/services/web?dir=true&ttl=\n",
    "POST /v2/keys/services/_queue/\nvalue=%C3%A4",
    "DELETE /v2/keys//services/./a%20b/../web?recursive=true&dir=true",
    "PUT /v2/keys/services/%2e%2e/%ff?ttl=-1&value=%zz\nttl=9000000001",
];
/// Templates, each with a key and a value.
const TEMPLATES: [&str; 6] = [
    "/{name}/v1/{id}\n- - /net/ip /net/port - - - /w /labels /meta\nweb/v1/a-1\n{\"net\":{\"ip\":\"10.7.0.1\",\"port\":8080},\"w\":7,\"labels\":[\"blue\"],\"meta\":{\"k\":\"v\"}}",
    "/*/{name}/{host}\n\none/web/10.1.1.1:1\n",
    "/{name}/{host}:{port}\n- - - - /p /v\nweb/10.0.0.1:80\n{\"p\":\"http\",\"v\":\"1.0\"}",
    "/{id}\n/a~1b/0 - \n1\n{\"a/b\":[\"web\"],\"\":\"10.0.0.1:80\"}",
    "{name}\n- - /h\nweb\n10.0.0.1:80",
    "/{name}/{name}\n- - x\n\u{e4}/web\n[]",
];
/// How many inputs of choices there are, and octets in each.
const CHOICES: (u64, usize) = (12, 160);

/// The seeds of a check.
pub(crate) fn of(check: &str) -> Vec<Vec<u8>> {
    match check {
        "packet" => {
            let packets = QUESTIONS.iter().zip(OPTS.iter().cycle()).map(packet);
            let behind = HEADERS.iter().zip(QUESTIONS.iter().zip(OPTS.iter().cycle()));
            let behind = behind.map(|(header, it)| [*header, &packet(it)].concat());
            packets.chain(behind).collect()
        }
        "document" => DOCUMENTS.iter().map(|it| it.as_bytes().to_vec()).collect(),
        "old_request" => OLD_REQUESTS.iter().map(|it| it.as_bytes().to_vec()).collect(),
        "template" => TEMPLATES.iter().map(|it| it.as_bytes().to_vec()).collect(),
        "zonefile" => FILES.iter().map(|it| it.as_bytes().to_vec()).collect(),
        "snapshot" => (0..=DOCUMENTS.len()).step_by(2).map(snapshot).collect(),
        _ => (0..CHOICES.0).map(choices).collect(),
    }
}

/// A question with an OPT record.
fn packet(((name, kind), opt): (&(&str, u16), &&[u8])) -> Vec<u8> {
    let mut octets = question(name, *kind);
    octets[11] = u8::from(!opt.is_empty());
    octets.extend(*opt);
    octets
}

/// Octets that choose something.
fn choices(seed: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    std::iter::repeat_with(|| random.u8(..)).take(CHOICES.1).collect()
}

/// The snapshot of a zone, as its check wants it: its number of records first, and nothing
/// behind them.
fn snapshot(documents: usize) -> Vec<u8> {
    /// Octets behind the records.
    const TRAIL: usize = 48;
    let mut fixture = Fixture::new("z.");
    let some = DOCUMENTS[..documents].iter().enumerate();
    fixture.put_all(some.map(|(at, value)| (format!("s{}/{at}", at % 3), value)));
    fixture.put("_frontends/f", DOCUMENTS[10]);
    let mut octets = Vec::new();
    let stamp = Stamp { cluster: 9, confirmed: SystemTime::UNIX_EPOCH };
    write(&mut octets, &bound().0, &fixture.index.load().zones()[0], stamp).unwrap();
    let trail = octets.split_off(octets.len() - TRAIL);
    [&trail[7..8], &octets].concat()
}
