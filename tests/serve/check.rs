//! `srvd check`: every kind of problem has its line, and a server knows the same ones.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use super::process::run;
use super::server::Server;
use super::writer::Writer;
use crate::support::certificates::Authority;
use crate::support::etcd::Etcd;
use crate::support::free_addr;
use crate::support::registry::Registry;
use crate::support::srvd::plain;

/// Runs `srvd check` on a registry.
fn check(url: &str, arguments: &[&str]) -> Output {
    run(&[&["check", "--registry", url], arguments].concat())
}

/// The lines of standard output.
fn lines(output: &Output) -> Vec<String> {
    String::from_utf8(output.stdout.clone()).unwrap().lines().map(str::to_owned).collect()
}

/// Standard error.
fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A configuration file, and the directory that it is alone in.
fn configured(text: &str) -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("srvd.toml");
    std::fs::write(&path, text).unwrap();
    (directory, path.to_str().unwrap().to_owned())
}

/// What is put, and the lines that it leads to, in the order of lines.
fn kinds() -> (Vec<(&'static [u8], String)>, Vec<String>) {
    let long = "v".repeat(255);
    let good = || "10.0.0.1:80".to_owned();
    let tagged = r#"{"host":"10.0.0.1:80","tags":["1","10.0.0.1","free"],"version":""#;
    let frontend = |backend: &str| format!(r#"{{"resource":"Frontend","backend":"{backend}"}}"#);
    let backend = |app: &str| format!(r#"{{"resource":"Backend","app":"{app}"}}"#);
    let keys: Vec<(&[u8], String)> = vec![
        (b"/services/web/good", good()),
        (b"/services/web/json", r#"{"port":"#.to_owned()),
        (b"/services/web/number", r#"{"host":"a.b:1","weight":"; x"}"#.to_owned()),
        (b"/services/\x1b\xff/1", good()),
        (b"/services/shallow", good()),
        (b"/services/web/too/deep", good()),
        (b"/services/web/too/deeper", good()),
        (b"/services/my-service/2", good()),
        (b"/services/my_service/1", good()),
        (b"/services/ids/a-b", good()),
        (b"/services/ids/a_b", good()),
        (b"/services/hidden/10-0-0-1", good()),
        (b"/services/meta/1", format!(r#"{{"host":"a.b:1","meta":{{"k":"{long}","s":"v"}}}}"#)),
        (b"/services/dns-sd/B", r#"{"host":"10.0.0.1:1","proto":"udp"}"#.to_owned()),
        (b"/services/tags/1", tagged.to_owned() + &long[..63] + r#""}"#),
        (b"/services/_frontends/web", frontend("web")),
        (b"/services/_backends/web", backend("ids")),
        (b"/services/_backends/B", backend("ids")),
        (b"/services/_backends/b", backend("web")),
        (b"/services/_backends/bad", r#"{"resource":"Backend","app":7}"#.to_owned()),
        (b"/services/_backends/early", backend("comes-later")),
    ];
    let lines = [
        r"/services/\x1b\xff/1: the key is not UTF-8; write it with ASCII letters, digits and `-`",
        "/services/_backends/b: an alias of its kind before it has the same name in DNS: this one is not answered; rename one of them",
        "/services/_backends/bad: member `app` is 7; it must be a string",
        "/services/_backends/web: a frontend of the same name hides it there; rename one of them",
        "/services/dns-sd: DNS-SD has a meaning of its own for its name under `_udp` (RFC 6763 section 9): it has no SRV record there; rename it, or use `_tcp`",
        "/services/dns-sd/B: DNS-SD has a meaning of its own for its id there (RFC 6763 section 11): it is not announced; give it another id",
        "/services/hidden/10-0-0-1: its id is hidden by the address 10.0.0.1, whose name is the same: only A or AAAA is answered there; give it another id",
        "/services/ids/a_b: the id `a-b` is the same name in DNS: both instances are answered there; give one of them another id",
        "/services/meta/1: `k` and its value have 257 octets, at most 255 fit a string of TXT: they are left out there; shorten them",
        "/services/my_service: `my-service` is the same name in DNS: both services are answered together; rename one of them",
        "/services/shallow: a key there is not of the form NAME/ID; move them, or give the zone another prefix",
        "/services/tags/1: its version has 63 characters, at most 62 fit a DNS label after `_`: it has no name there; shorten it",
        "/services/tags/1: the tag or version `10.0.0.1` is hidden by the address 10.0.0.1, whose name is the same; rename one of them",
        "/services/tags/1: the tag or version `1` is hidden by an id, whose name is the same; rename one of them",
        "/services/web: 2 keys there are not of the form NAME/ID; move them, or give the zone another prefix",
        "/services/web: the Frontend `web` hides the service of the same name; rename one of them, unless that is meant",
        "/services/web/json: the value is not JSON: EOF while parsing a value at line 1 column 8; write one object, or HOST:PORT",
        r#"/services/web/number: member `weight` is "; x"; it must be a number from 0 to 65535"#,
    ];
    (keys, lines.map(|line| format!("services.internal {line}")).into())
}

#[test]
fn every_kind_of_problem_has_its_line() {
    let registry = Registry::real();
    let writer = Writer::new(&registry.url());
    let (keys, expected) = kinds();
    for (key, value) in &keys {
        writer.put(*key, value.as_str());
    }
    let output = check(&registry.url(), &[]);
    assert_eq!(lines(&output), expected);
    assert_eq!(output.status.code(), Some(1));
    let text = said(&output);
    assert!(text.starts_with("configuration: no problems, 1 zone to check\n"), "{text}");
    assert!(text.ends_with("18 problems in 21 keys of zone services.internal\n"), "{text}");
    assert!(!text.contains("not served"), "problems are not logged as well: {text}");

    let output = check(&registry.url(), &["--output", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let objects: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let part = |object: &Value, member: &str| object[member].as_str().unwrap().to_owned();
    let line = |object: &Value| {
        let [zone, key] = ["zone", "key"].map(|member| part(object, member));
        format!("{zone} {key}: {}; {}", part(object, "problem"), part(object, "remedy"))
    };
    assert_eq!(objects.iter().map(line).collect::<Vec<_>>(), expected);
    assert!(objects.iter().all(|object| object.as_object().unwrap().len() == 4));
}

/// The lines of what a server that runs knows, as `check` writes them.
fn known(server: &Server) -> Vec<String> {
    let mut findings: Vec<_> = server.zone().problems().collect();
    findings.sort_unstable();
    findings.iter().map(|finding| format!("services.internal {finding}")).collect()
}

#[test]
fn a_server_knows_the_same_problems_as_they_come_and_go() {
    let registry = Registry::real();
    let writer = Writer::new(&registry.url());
    let server = Server::start(&registry.url()).ready();
    assert_eq!(known(&server), [""; 0]);
    let (keys, expected) = kinds();
    for (key, value) in &keys {
        writer.put(*key, value.as_str());
    }
    assert!(crate::support::eventually(|| known(&server) == expected), "{:#?}", known(&server));
    assert_eq!(known(&server), lines(&check(&registry.url(), &[])));
    // Half of them are mended, one way or another.
    writer.put("/services/web/json", "10.0.0.1:80");
    for key in [
        "/services/web/too/deep",
        "/services/shallow",
        "/services/_backends/B",
        "/services/tags/1",
        "/services/dns-sd/B",
    ] {
        writer.delete(key);
    }
    for key in ["/services/my_service/1", "/services/_frontends/web", "/services/ids/a-b"] {
        writer.delete(key);
    }
    writer.put("/services/meta/1", "a.b:1");
    let left = [
        r"/services/\x1b\xff/1: ",
        "/services/_backends/bad: member",
        "/services/hidden/10-0-0-1: its id",
        "/services/web: a key there is",
        "/services/web: the Backend `web` hides",
        "/services/web/number: member",
    ];
    let is_left = |all: &[String]| {
        let mut pairs = all.iter().zip(left);
        all.len() == left.len() && pairs.all(|(line, part)| line.contains(part))
    };
    assert!(crate::support::eventually(|| is_left(&known(&server))), "{:#?}", known(&server));
    assert_eq!(known(&server), lines(&check(&registry.url(), &[])));
}

#[test]
fn what_is_left_out_of_dns_is_named() {
    let registry = Registry::real();
    let writer = Writer::new(&registry.url());
    let apex = ["a", "b", "c"].map(|letter| letter.repeat(55)).join(".");
    let name = "n".repeat(60);
    writer.put(format!("/services/{name}/{}", "i".repeat(30)), "10.0.0.100:80");
    writer.put(format!("/services/{name}/short"), "far.example:81");
    writer.put(format!("/services/{}/1", "s".repeat(20)), "http://[2001:db8:1:2:3:4:5:6]:80");
    let crowd: Vec<_> = super::writer::instances("crowd", 5_000);
    writer.put_all(&crowd);
    let (_directory, file) =
        configured(&format!("registry = {:?}\n[[zone]]\nname = {apex:?}", registry.url()));
    let output = run(&["check", "--config", &file]);
    let found = lines(&output);
    let parts = [
        ("/services/crowd: ", "its A records take about 80000 octets, more than a message has"),
        ("/services/crowd: ", "its SRV records take about 10"),
        ("/services/crowd: ", "it has 5000 SRV records at one name: behind BIND 9.18.28"),
        ("/iiiiiiiiiiiiiiiiiiiiiiiiiiiiii: ", "the name of its id would have 261 octets"),
    ];
    for (key, part) in parts {
        let has = |line: &String| line.contains(key) && line.contains(part);
        assert!(found.iter().any(has), "no {part} in {found:#?}");
    }
    assert_eq!((found.len(), output.status.code()), (4, Some(1)), "{found:#?}");
    // What is left out breaks nothing.
    let server = Server::with_config(Path::new(&file)).ready();
    let reply = server.ask(&format!("SRV _{name}._tcp.{apex}"));
    assert_eq!(reply.answers.len(), 2, "{reply:?}");
    let reply = server.ask(&format!("SRV _crowd._tcp.{apex}"));
    assert!(reply.truncated);
}

#[test]
fn more_records_than_resolvers_take_are_named() {
    let registry = Registry::real();
    let writer = Writer::new(&registry.url());
    writer.put_all(&super::writer::instances("crowd", 101));
    writer.put_all(&super::writer::instances("few", 100));
    writer.put_all(
        &(0..99)
            .map(|n| (format!("/services/kind-{n}/1"), "10.0.0.1:80".into()))
            .collect::<Vec<_>>(),
    );
    writer.put_all(
        &(0..101)
            .map(|n| (format!("/skydns/test/sky/web/{n}"), format!(r#"{{"host":"10.0.0.{n}"}}"#)))
            .collect::<Vec<_>>(),
    );
    let found = |most: &str| {
        let (_directory, file) = configured(&format!(
            "registry = {:?}\n[[zone]]\nname = \"services.internal\"\n{most}\n[[zone]]\nname = \"sky.test\"\nschema = \"skydns\"\n{most}",
            registry.url()
        ));
        lines(&run(&["check", "--config", &file]))
    };
    let all = found("");
    for part in [
        "/services/crowd: it has 101 SRV records at one name: behind BIND 9.18.28 or later",
        "_services._dns-sd._udp.services.internal: it has 101 PTR records",
        "/skydns/test/sky/web: it has 101 A or SRV records",
    ] {
        assert!(all.iter().any(|line| line.contains(part)), "no {part} in {all:#?}");
    }
    assert!(all.len() == 3 && all[0].ends_with("or raise max-records-per-type there"), "{all:#?}");
    assert_eq!(found("max-answers = 100"), Vec::<String>::new());
    assert_eq!(found("max-answers = 101").len(), 3);
}

#[test]
fn sound_registries_are_0() {
    for registry in [Registry::real(), Registry::embedded()] {
        let output = check(&registry.url(), &[]);
        assert_eq!((output.status.code(), lines(&output)), (Some(0), vec![]), "{output:?}");
        assert!(said(&output).ends_with("no problems: no key yet of zone services.internal\n"));
        Writer::new(&registry.url()).put("/services/web/1", "10.0.0.1:80");
        let variables = plain(&["check"]).env("SRVD_REGISTRY", registry.url()).output().unwrap();
        assert_eq!(variables.status.code(), Some(0), "{variables:?}");
        let text = said(&variables);
        assert!(text.ends_with("no problems: 1 key of zone services.internal\n"), "{text}");
        let output = check(&registry.url(), &["--output", "json"]);
        assert_eq!(lines(&output), ["[]"]);
    }
}

#[test]
fn a_prefix_without_a_key_is_a_problem_where_there_are_others() {
    let registry = Registry::real();
    let writer = Writer::new(&registry.url());
    writer.put("/skydns/internal/sky/web/1", r#"{"host":"10.0.0.1"}"#);
    let (_directory, file) = configured(&format!(
        "registry = {:?}\n[[zone]]\nname = \"sky.internal\"\nschema = \"skydns\"\n\
         prefix = \"/skydns/internal/sky\"\n[[zone]]\nname = \"b\"\nprefix = \"/srv\"",
        registry.url()
    ));
    let output = run(&["check", "--config", &file]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let nearest = "there is no key under it, and the nearest is `/skydns/internal/sky/web/1`";
    let expected = [
        format!(
            "sky.internal /skydns/internal/sky/internal/sky/: {nearest}; is `prefix` what stands \
             before the labels of the zone, without these?"
        ),
        format!("b /srv/: {nearest}; is `prefix`, and `namespace`, what stands before NAME/ID?"),
    ];
    assert_eq!(lines(&output), expected);
}

#[test]
fn wrong_configuration_is_2_before_anything_is_asked() {
    let nowhere = "http://127.0.0.1:1?timeout=1s";
    let (_directory, file) =
        configured(&format!("registry = {nowhere:?}\n[[zone]]\nname = \"a\"\nttl = \"soon\""));
    let output = run(&["check", "--config", &file]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let text = said(&output);
    let parts = [file.as_str(), ":4: ttl: ", "`soon`"];
    assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    assert!(!text.contains("cannot be reached"), "{text}");

    let (directory, file) = configured(&format!("registry = {nowhere:?}\nzones = \".\""));
    std::fs::write(directory.path().join("other.test.zone"), "$TTL 5\n@ NS ns\n").unwrap();
    let output = run(&["check", "--config", &file]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let text = said(&output);
    assert!(text.contains("other.test.zone: there is no SOA record"), "{text}");
}

#[test]
fn no_registry_is_4_and_the_others_are_checked() {
    let output = check("http://127.0.0.1:1?timeout=1s", &[]);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let text = said(&output);
    assert!(text.starts_with("configuration: no problems, 1 zone"), "{text}");
    assert!(
        text.contains("srvd: zone services.internal: the registry cannot be reached"),
        "{text}"
    );

    let etcd = Etcd::start();
    Writer::new(&etcd.url()).put("/services/web/1", "of no use");
    let (_directory, file) = configured(&format!(
        "registry = {:?}\n[[zone]]\nname = \"away\"\nregistry = \"http://127.0.0.1:1?timeout=1s\"\n[[zone]]\nname = \"here\"",
        etcd.url()
    ));
    let output = run(&["check", "--config", &file]);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let found = lines(&output);
    assert!(found.len() == 1 && found[0].starts_with("here /services/web/1: "), "{found:?}");
}

#[test]
fn certificates_tokens_and_files_of_others_are_looked_into() {
    let (etcd, authority) = (Etcd::start(), Authority::new("one"));
    let (pair, expired) = (authority.server(), authority.expired_server());
    let (directory, path) = configured(&format!(
        "registry = {:?}\nhttp-cert = \"cert\"\nhttp-key = \"key\"\nhttp-token-file = \"token\"\n\
         forward = [\"./resolv.conf\"]",
        etcd.url()
    ));
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    let check = || run(&["check", "--config", &path]);
    write("cert", &pair.certificate);
    write("key", &pair.key);
    write("token", "0123456789abcdef");
    write("resolv.conf", "nameserver 192.0.2.1\n");
    let output = check();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(said(&output).contains("configuration: no problems, 1 zone to check"), "{output:?}");
    // What works now and will not for long, or not yet, is a problem.
    write("cert", &expired.certificate);
    write("key", &expired.key);
    write("resolv.conf", "");
    let output = check();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let [cert, forward] = &lines(&output)[..] else { panic!("{output:?}") };
    assert!(
        cert.starts_with("configuration ") && cert.contains("srvd.toml:2: http-cert "),
        "{cert}"
    );
    assert!(cert.contains("has expired at 2021-01-01T"), "{cert}");
    assert!(forward.contains("resolv.conf: it names no nameserver"), "{forward}");
    // What cannot be used is none to start with.
    for (name, text, message) in [
        ("key", &pair.key[..], "does not belong to the certificate of --http-cert"),
        ("token", "", "has no token in it"),
    ] {
        write("cert", &expired.certificate);
        write("key", &expired.key);
        write(name, text);
        let output = check();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(said(&output).contains(message), "{output:?}");
    }
}

#[test]
fn offline_reads_the_configuration_and_its_files_alone() {
    let away = format!("http://{}", free_addr());
    let alone = check(&away, &["--offline"]);
    assert_eq!((alone.status.code(), lines(&alone)), (Some(0), Vec::new()), "{alone:?}");
    assert_eq!(check(&away, &[]).status.code(), Some(4));
    let (_directory, wrong) = configured("max-stale = 5");
    assert_eq!(check(&away, &["--offline", "--config", &wrong]).status.code(), Some(2));
}

#[test]
fn what_another_account_cannot_read_is_a_problem() {
    let away = format!("http://{}", free_addr());
    let (directory, path) = configured("run-as = \"nobody\"\nhttp-token-file = \"token\"");
    let file = |name: &str| directory.path().join(name);
    let mode = |path: &std::path::Path, mode| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    std::fs::write(file("token"), "0123456789abcdef").unwrap();
    mode(directory.path(), 0o755);
    mode(&file("token"), 0o600);
    let checked = || check(&away, &["--offline", "--config", &path]);
    let output = checked();
    let found = lines(&output);
    assert!(output.status.code() == Some(1) && found.len() == 1, "{output:?}");
    let place = format!("configuration {path}:2: http-token-file {}", file("token").display());
    assert!(found[0].starts_with(&place), "{found:?}");
    assert!(found[0].contains("`run-as` nobody cannot read it"), "{found:?}");
    mode(&file("token"), 0o644);
    let output = checked();
    assert_eq!((output.status.code(), lines(&output)), (Some(0), Vec::new()), "{output:?}");
}
