//! Zone files: served beside a registry and alone, read again, refused by line.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use hickory_proto::op::ResponseCode;

use super::process;
use super::server::{Server, ask};
use super::writer::Writer;
use crate::support::registry::Registry;
use crate::support::srvd::{Srvd, plain};
use crate::support::{dig, eventually};

/// A zone that is its file alone.
const ALONE: &str = "$TTL 300
@ SOA ns hostmaster 7 7200 900 86400 30
@ NS ns
ns A 192.0.2.1
www CNAME web
web A 192.0.2.2
web TYPE65280 \\# 4 0A000001
*.any TXT \"anything\"
sub NS ns.sub
ns.sub A 192.0.2.3
";

/// What stands beside the registry's names.
const BESIDE: &str = "$TTL 60
@ MX 10 mail
mail A 192.0.2.25
web A 192.0.2.80
";

/// A directory with a zone file of each kind.
fn zones() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("alone.test.zone"), ALONE).unwrap();
    fs::write(directory.path().join("services.internal.zone"), BESIDE).unwrap();
    directory
}

/// A process that serves a directory of zone files.
fn serve(registry: &Registry, zones: &Path) -> (Srvd, SocketAddr) {
    process::serve(&registry.url(), &["--zones", zones.to_str().unwrap()])
}

#[test]
fn every_file_is_a_zone_or_part_of_one() {
    let (registry, directory) = (Registry::embedded(), zones());
    let writer = Writer::new(&registry.url());
    writer.put("/services/web/1", "10.0.0.1:80");
    writer.put("/services/db/1", "10.0.0.2:80");
    let path = directory.path().join("srvd.toml");
    fs::write(&path, format!("registry = {:?}\nzones = \".\"", registry.url())).unwrap();
    let server = Server::with_config(&path).ready();
    let short = |question: &str| server.dig(&format!("+short {question}")).replace('\n', " ");
    assert_eq!(short("www.alone.test A"), "web.alone.test. 192.0.2.2 ");
    assert_eq!(short("x.any.alone.test TXT"), "\"anything\" ");
    assert_eq!(short("web.alone.test TYPE65280"), "\\# 4 0A000001 ");
    let referral = server.dig("+norec a.sub.alone.test A");
    assert!(referral.contains("flags: qr; QUERY: 1, ANSWER: 0, AUTHORITY: 1"), "{referral}");
    assert!(referral.contains("ns.sub.alone.test.\t300\tIN\tA\t192.0.2.3"), "{referral}");
    assert_eq!(server.ask("A b.alone.test").code, ResponseCode::NXDomain);
    assert_eq!(server.ask("A any.alone.test").code, ResponseCode::NoError);
    assert_eq!(short("services.internal MX"), "10 mail.services.internal. ");
    assert_eq!(short("web.services.internal A"), "192.0.2.80 ");
    assert_eq!(short("db.services.internal A"), "10.0.0.2 ");
}

#[test]
fn static_zones_answer_while_the_registry_is_away() {
    let directory = zones();
    let (_process, at) =
        process::serve("http://127.0.0.1:1", &["--zones", directory.path().to_str().unwrap()]);
    assert_eq!(ask(at, "A web.alone.test").answers, ["192.0.2.2"]);
    assert_eq!(ask(at, "A web.services.internal").outcome(), (ResponseCode::ServFail, Some(14)));
}

#[test]
fn files_are_read_again_whole_or_not_at_all() {
    let (registry, directory) = (Registry::embedded(), zones());
    Writer::new(&registry.url()).put("/services/db/1", "10.0.0.2:80");
    let (process, at) = serve(&registry, directory.path());
    assert!(eventually(|| ask(at, "A db.services.internal").answers == ["10.0.0.2"]));
    let before = dig(at, "+short SRV _db._tcp");
    let file = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
    // One sound file and one that is not: neither is taken.
    file("alone.test.zone", &ALONE.replace("192.0.2.2", "192.0.2.22"));
    file("services.internal.zone", &format!("{BESIDE}broken A 300.1.1.1\n"));
    process.signal("HUP");
    let (_, line) = process.logs("keeping the previous configuration");
    assert!(line.contains("services.internal.zone:5: "), "{line}");
    assert_eq!(ask(at, "A web.alone.test").answers, ["192.0.2.2"]);
    // Mended: both are, and what was made ready of the old ones is forgotten.
    file("services.internal.zone", &format!("{BESIDE}10-0-0-2.db A 192.0.2.9\n"));
    file("new.test.zone", ALONE);
    process.signal("HUP");
    process.logs("configuration reloaded");
    assert!(eventually(|| ask(at, "A web.alone.test").answers == ["192.0.2.22"]));
    assert_eq!(ask(at, "A web.new.test").answers, ["192.0.2.2"]);
    assert_eq!(ask(at, "SRV _db._tcp").additional, ["192.0.2.9"]);
    assert_eq!(dig(at, "+short SRV _db._tcp"), before);
    // What the file says otherwise under the same serial has one of its own.
    assert!(eventually(|| ask(at, "SOA alone.test").serial == Some(8)));
    // A serial that was shown is never taken back.
    file("alone.test.zone", &ALONE.replace("hostmaster 7", "hostmaster 6"));
    process.signal("HUP");
    process.logs("serial went backwards (6 < 7); keeping 7");
    assert!(eventually(|| ask(at, "SOA alone.test").serial == Some(9)));
    file("alone.test.zone", &ALONE.replace("hostmaster 7", "hostmaster 70"));
    process.signal("HUP");
    assert!(eventually(|| ask(at, "SOA alone.test").serial == Some(72)));
    fs::remove_file(directory.path().join("new.test.zone")).unwrap();
    process.signal("HUP");
    assert!(eventually(|| ask(at, "A web.new.test").code == ResponseCode::Refused));
}

#[test]
fn commands_that_read_registries_need_no_file_of_the_server() {
    let (registry, directory) = (Registry::embedded(), tempfile::tempdir().unwrap());
    Writer::new(&registry.url()).put("/services/web/1", "10.0.0.1:80");
    let path = directory.path().join("srvd.toml");
    let text =
        "cookie-secret-file = \"/nonexistent\"\nrun-as = \"nobody-at-all\"\nzones = \"none\"";
    fs::write(&path, format!("registry = {:?}\n{text}", registry.url())).unwrap();
    let list = |command: &str| {
        plain(&[command, "--config", path.to_str().unwrap()]).output().unwrap().status.code()
    };
    assert_eq!((list("list"), list("check")), (Some(0), Some(2)));
}

#[test]
fn what_a_file_hides_is_a_problem() {
    let (registry, directory) = (Registry::embedded(), zones());
    let writer = Writer::new(&registry.url());
    writer.put("/services/web/1", "10.0.0.1:80");
    let zones = directory.path().to_str().unwrap();
    let check = || {
        let args = ["check", "--registry", &registry.url(), "--zones", zones];
        let output = plain(&args).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };
    let (code, text) = check();
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("web.services.internal.: the name is in the registry too"), "{text}");
    writer.delete("/services/web/1");
    let (code, text) = check();
    assert_eq!(code, Some(0), "{text}");
    // A DNAME hides what is below it, also where nothing stands at its own name.
    let beside = directory.path().join("services.internal.zone");
    fs::write(&beside, format!("{BESIDE}_tcp DNAME alone.test.\n")).unwrap();
    writer.put("/services/db/1", "10.0.0.1:80");
    let (code, text) = check();
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("_tcp.services.internal.: the name and all names below"), "{text}");
    fs::write(&beside, BESIDE).unwrap();
    let file = directory.path().join("alone.test.zone");
    fs::write(&file, format!("{ALONE}a 5 A 192.0.2.1\na 6 A 192.0.2.2\n")).unwrap();
    let (code, text) = check();
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("alone.test.zone:12: the A records of `a.alone.test.` have"), "{text}");
    fs::write(&file, "@ A 1.2.3\n").unwrap();
    let (code, text) = check();
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("alone.test.zone:1: "), "{text}");
}
