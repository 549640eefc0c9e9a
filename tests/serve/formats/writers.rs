//! Writers whose keys say more than NAME/ID, or whose ids say where an instance is: to the
//! letter what each library puts, and what `dig` is answered.

use std::time::Instant;

use super::super::process;
use super::{expect, expect_code, put};
use crate::support::etcd::Etcd;
use crate::support::registry::Administered;
use crate::support::srvd::run;

/// The zones: a name, a prefix and more.
const ZONES: [(&str, &str, &str); 9] = [
    ("services.internal", "/services", ""),
    ("dubbo.test", "/dubbo", "format = \"dubbo\""),
    ("rpcx.test", "rpcx_test", "format = \"rpcx\""),
    ("service.test", "/service", ""),
    ("jupiter.test", "/jupiter", "format = \"jupiter\""),
    ("ego.test", "/ego", ""),
    ("hertz.test", "hertz/registry-etcd", ""),
    ("patroni.test", "/pg", "format = \"patroni\""),
    ("own.test", "/apps", TEMPLATE),
];
/// The template of the zone `own.test`.
const TEMPLATE: &str = r#"template = { key = "/{name}/v1/{id}", host = "/net/ip", port = "/net/port", weight = "/w", tags = "/labels", meta = "/meta" }"#;

/// A provider of dubbo-go, as it escapes the url.
const PROVIDER: &str = "/dubbo/com.foo.Greeter/providers/tri%3A%2F%2F10.1.0.1%3A20000%2Fcom.foo.Greeter%3Fanyhost%3Dtrue%26application%3Dgreet%26group%3Dblue%26interface%3Dcom.foo.Greeter%26methods%3DSayHello%2CSayBye%26version%3D1.0.0%26weight%3D7";

/// What libraries put.
const KEYS: [(&str, &str); 36] = [
    // dubbo-go by application.
    (
        "/services/greeter/10.0.0.1:20000",
        "{\"ID\":\"10.0.0.1:20000\",\"ServiceName\":\"greeter\",\"Host\":\"10.0.0.1\",\"Port\":20000,\"Enable\":true,\"Healthy\":true,\"Metadata\":{\"dubbo.metadata.revision\":\"1\",\"region\":\"a\"},\"ServiceMetadata\":null,\"Address\":\"10.0.0.1:20000\",\"GroupName\":\"\",\"Weight\":10,\"Tag\":\"gray\"}\n",
    ),
    (
        "/services/greeter/10.0.0.2:20000",
        r#"{"ID":"10.0.0.2:20000","ServiceName":"greeter","Host":"10.0.0.2","Port":20000,"Enable":true,"Healthy":false,"Metadata":{},"Address":"10.0.0.2:20000","Tag":""}"#,
    ),
    // registrator, a port of UDP.
    ("/services/dns/node1:dns:53:udp", "10.0.0.3:53"),
    // A Go struct without names of its own.
    ("/services/plain/1", r#"{"IP":"10.0.0.4","Port":80}"#),
    // dubbo-go by interface, with the keys that mark directories.
    ("/dubbo/com.foo.Greeter", ""),
    ("/dubbo/com.foo.Greeter/providers", ""),
    (PROVIDER, ""),
    ("/dubbo/com.foo.Greeter/consumers", ""),
    (
        "/dubbo/com.foo.Greeter/consumers/consumer%3A%2F%2F10.1.0.9%2Fcom.foo.Greeter%3Fside%3Dconsumer",
        "",
    ),
    // rpcx, with the keys that mark directories.
    ("rpcx_test", "rpcx_path"),
    ("rpcx_test/Arith", "Arith"),
    ("rpcx_test/Arith/tcp@10.2.0.1:8972", ""),
    ("rpcx_test/Arith/tcp@10.2.0.2:8972", "calls=0.00&group=blue&weight=10"),
    ("rpcx_test/Arith/tcp@10.2.0.3:8972", "group=blue&state=inactive"),
    ("rpcx_test/Fast/quic@10.2.0.4:8972", ""),
    // GoFrame.
    (
        "/service/default/default/hello.svc/v1.2/10.3.0.1:8000,10.3.0.2:8000",
        r#"{"insecure":true,"protocol":"http"}"#,
    ),
    // Patroni, below the same prefix.
    (
        "/service/demo/members/pg-1",
        r#"{"conn_url":"postgres://10.4.0.1:5432/postgres","api_url":"http://10.4.0.1:8008/patroni","state":"running","role":"primary","version":"4.0.4","xlog_location":67393608,"timeline":1}"#,
    ),
    (
        "/service/demo/members/pg-2",
        r#"{"conn_url":"postgres://10.4.0.2:5432/postgres","api_url":"http://10.4.0.2:8008/patroni","state":"running","role":"replica","version":"4.0.4","xlog_location":67393608,"replication_state":"streaming","timeline":1}"#,
    ),
    (
        "/service/demo/members/pg-3",
        r#"{"conn_url":"postgres://10.4.0.3:5432/postgres","api_url":"http://10.4.0.3:8008/patroni","state":"running","role":"replica","tags":{"nofailover":true,"noloadbalance":true}}"#,
    ),
    ("/service/demo/leader", "pg-1"),
    ("/service/demo/sync", r#"{"leader":"pg-1","sync_standby":"pg-2"}"#),
    ("/service/demo/initialize", "7301234567890123456"),
    ("/service/demo/config", r#"{"ttl":30,"loop_wait":10,"retry_timeout":10}"#),
    (
        "/service/demo/history",
        r#"[[1,67393608,"no recovery target specified","2026-01-01T00:00:00+00:00","pg-1"]]"#,
    ),
    // Patroni with Citus: a coordinator and a worker.
    (
        "/pg/citus/0/members/coord-1",
        r#"{"conn_url":"postgres://10.8.0.1:5432/postgres","api_url":"http://10.8.0.1:8008/patroni","state":"running","role":"primary","version":"4.0.4"}"#,
    ),
    (
        "/pg/citus/0/members/coord-2",
        r#"{"conn_url":"postgres://10.8.0.2:5432/postgres","api_url":"http://10.8.0.2:8008/patroni","state":"running","role":"replica","version":"4.0.4"}"#,
    ),
    ("/pg/citus/0/leader", "coord-1"),
    ("/pg/citus/0/initialize", "7301234567890123456"),
    ("/pg/citus/0/sync", r#"{"leader":"coord-1","sync_standby":"coord-2"}"#),
    (
        "/pg/citus/1/members/work1-1",
        r#"{"conn_url":"postgres://10.8.1.1:5432/postgres","api_url":"http://10.8.1.1:8008/patroni","state":"running","role":"primary","version":"4.0.4"}"#,
    ),
    ("/pg/citus/1/leader", "work1-1"),
    ("/pg/citus/1/config", r#"{"ttl":30}"#),
    ("/pg/citus/1/status", r#"{"optime":67393608}"#),
    // jupiter and ego.
    (
        "/jupiter/main/providers/grpc://10.5.0.1:9091",
        r#"{"name":"main","appId":"","scheme":"grpc","address":"10.5.0.1:9091","weight":100,"enable":true,"healthy":true,"metadata":{"appHost":"h"},"region":"","zone":"","kind":1,"deployment":"","group":"","services":{}}"#,
    ),
    (
        "/ego/main/providers/http://10.5.0.2:9001",
        r#"{"name":"main","scheme":"http","address":"10.5.0.2:9001","weight":100,"enable":true,"healthy":true,"metadata":{}}"#,
    ),
    // Hertz.
    (
        "hertz/registry-etcd/hello/10.6.0.1:8888",
        r#"{"network":"tcp","address":"10.6.0.1:8888","weight":20,"tags":{"idc":"north"}}"#,
    ),
];

/// Questions in a zone, and answers.
const ASKED: [(&str, &str, &[&str]); 38] = [
    ("services.internal", "SRV _greeter._tcp.Z", &["0 10 20000 10-0-0-1.greeter.Z."]),
    ("services.internal", "SRV gray.greeter.Z", &["0 10 20000 10-0-0-1.greeter.Z."]),
    ("services.internal", "SRV _greeter._gray.Z", &["0 10 20000 10-0-0-1.greeter.Z."]),
    ("services.internal", "TXT 10-0-0-1-20000.greeter.Z", &["\"region=a\" \"tag=gray\""]),
    ("services.internal", "SRV _dns._udp.Z", &["0 1 53 10-0-0-3.dns.Z."]),
    ("services.internal", "SRV _dns._tcp.Z", &[]),
    ("services.internal", "SRV _plain._tcp.Z", &["0 1 80 10-0-0-4.plain.Z."]),
    ("dubbo.test", "SRV _com-foo-Greeter._tcp.Z", &["0 7 20000 10-1-0-1.com-foo-Greeter.Z."]),
    ("dubbo.test", "SRV _com.foo.Greeter._tcp.Z", &["0 7 20000 10-1-0-1.com-foo-Greeter.Z."]),
    ("dubbo.test", "SRV _tri._tcp.com-foo-Greeter.Z", &["0 7 20000 10-1-0-1.com-foo-Greeter.Z."]),
    ("dubbo.test", "A 1-0-0.com-foo-Greeter.Z", &["10.1.0.1"]),
    ("dubbo.test", "A blue.com.foo.Greeter.Z", &["10.1.0.1"]),
    (
        "rpcx.test",
        "SRV _Arith._tcp.Z",
        &["0 1 8972 10-2-0-1.Arith.Z.", "0 10 8972 10-2-0-2.Arith.Z."],
    ),
    (
        "rpcx.test",
        "SRV _tcp._tcp.Arith.Z",
        &["0 1 8972 10-2-0-1.Arith.Z.", "0 10 8972 10-2-0-2.Arith.Z."],
    ),
    ("rpcx.test", "A blue.arith.Z", &["10.2.0.2"]),
    ("rpcx.test", "SRV _quic._udp.Fast.Z", &["0 1 8972 10-2-0-4.Fast.Z."]),
    (
        "service.test",
        "SRV _hello-svc._tcp.Z",
        &["0 1 8000 10-3-0-1.hello-svc.Z.", "0 1 8000 10-3-0-2.hello-svc.Z."],
    ),
    (
        "service.test",
        "SRV _http._tcp.v1-2.hello-svc.Z",
        &["0 1 8000 10-3-0-1.hello-svc.Z.", "0 1 8000 10-3-0-2.hello-svc.Z."],
    ),
    ("service.test", "A hello.svc.Z", &["10.3.0.1", "10.3.0.2"]),
    ("service.test", "A demo.Z", &["10.4.0.1", "10.4.0.2", "10.4.0.3"]),
    ("service.test", "A primary.demo.Z", &["10.4.0.1"]),
    ("service.test", "A replica.demo.Z", &["10.4.0.2"]),
    ("service.test", "A sync-standby.demo.Z", &["10.4.0.2"]),
    ("service.test", "A sync_standby.demo.Z", &["10.4.0.2"]),
    ("service.test", "A nofailover.demo.Z", &["10.4.0.3"]),
    ("service.test", "A pg-3.demo.Z", &["10.4.0.3"]),
    ("service.test", "SRV _postgres._tcp.primary.demo.Z", &["0 1 5432 10-4-0-1.demo.Z."]),
    ("patroni.test", "A primary.citus.Z", &["10.8.0.1"]),
    ("patroni.test", "A sync_standby.citus.Z", &["10.8.0.2"]),
    ("patroni.test", "A primary.citus-1.Z", &["10.8.1.1"]),
    ("patroni.test", "TXT work1-1.citus-1.Z", &["\"group=1\" \"role=primary\" \"tag=primary\""]),
    ("jupiter.test", "SRV _grpc._tcp.main.Z", &["0 100 9091 10-5-0-1.main.Z."]),
    ("jupiter.test", "TXT 10-5-0-1-9091.main.Z", &["\"appHost=h\""]),
    ("ego.test", "SRV _main._tcp.Z", &["0 100 9001 10-5-0-2.main.Z."]),
    ("hertz.test", "SRV _hello._tcp.Z", &["0 20 8888 10-6-0-1.hello.Z."]),
    ("hertz.test", "TXT 10-6-0-1-8888.hello.Z", &["\"idc=north\""]),
    ("own.test", "SRV _web._tcp.Z", &["0 7 8080 10-7-0-1.web.Z."]),
    ("own.test", "TXT blue.web.Z", &[]),
];

/// A document of the template's program, and a key that is none of its.
pub(super) const OWN: [(&str, &str); 2] = [
    (
        "/apps/web/v1/a-1",
        r#"{"net":{"ip":"10.7.0.1","port":8080},"w":7,"labels":["blue"],"meta":{"k":"v"}}"#,
    ),
    ("/apps/web/v2/a-1", "other"),
];

/// The configuration file of all zones.
pub(super) fn config(etcd: &Etcd, directory: &std::path::Path) -> String {
    let mut file = format!("registry = {:?}\n", etcd.url());
    for (name, prefix, more) in ZONES {
        file += &format!("[[zone]]\nname = {name:?}\nprefix = {prefix:?}\n{more}\n");
    }
    let path = directory.join("srvd.toml");
    std::fs::write(&path, file).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Puts all there is.
pub(super) fn put_all(etcd: &Etcd) {
    KEYS.iter().chain(&OWN).for_each(|(key, value)| put(etcd, key, value));
}

#[test]
fn every_writer_in_the_first_list_and_after_a_restart_without_etcd() {
    let (mut etcd, directory) = (Etcd::start(), tempfile::tempdir().unwrap());
    put_all(&etcd);
    let path = config(&etcd, directory.path());
    let state = directory.path().join("kept");
    let more = ["--listen", "127.0.0.1:0", "--state", state.to_str().unwrap()];
    let arguments = [&["serve", "--config", &path][..], &more].concat();
    let mut server = process::start(&arguments);
    let at = server.answers_at();
    for (zone, question, answers) in ASKED {
        expect(at, question, zone, answers);
    }
    assert_eq!(server.log().count("not served"), 0, "{:#?}", server.log().all());
    server.signal("TERM");
    assert_eq!(server.exits(), 0);
    etcd.kill9();
    let server = process::start(&arguments);
    let at = server.answers_at();
    for (zone, question, answers) in ASKED {
        expect(at, question, zone, answers);
    }
}

#[test]
fn every_writer_as_it_registers_and_leaves() {
    let (etcd, directory) = (Etcd::start(), tempfile::tempdir().unwrap());
    let path = config(&etcd, directory.path());
    let server = process::start(&["serve", "--config", &path, "--listen", "127.0.0.1:0"]);
    let at = server.answers_at();
    expect_code(at, "SOA own.test", "NOERROR");
    put_all(&etcd);
    for (zone, question, answers) in ASKED {
        expect(at, question, zone, answers);
    }
    assert!(etcd.ctl(&["del", "--from-key", ""]).status.success());
    for (zone, question, answers) in ASKED.iter().filter(|(.., answers)| !answers.is_empty()) {
        expect(at, question, zone, &[]);
        let _ = answers;
    }
    assert_eq!(server.log().count("not served"), 0, "{:#?}", server.log().all());
}

#[test]
fn the_primary_moves_with_the_leaders_key() {
    let (etcd, directory) = (Etcd::start(), tempfile::tempdir().unwrap());
    put_all(&etcd);
    let path = config(&etcd, directory.path());
    let server = process::start(&["serve", "--config", &path, "--listen", "127.0.0.1:0"]);
    let at = server.answers_at();
    let zone = "service.test";
    expect(at, "A primary.demo.Z", zone, &["10.4.0.1"]);
    let began = Instant::now();
    put(&etcd, "/service/demo/leader", "pg-2");
    expect(at, "A primary.demo.Z", zone, &["10.4.0.2"]);
    println!("the primary moved within {:?}", began.elapsed());
    expect(at, "A replica.demo.Z", zone, &["10.4.0.1"]);
    expect(at, "A sync-standby.demo.Z", zone, &[]);
    assert!(etcd.ctl(&["del", "/service/demo/leader"]).status.success());
    expect(at, "A primary.demo.Z", zone, &[]);
    expect(at, "A replica.demo.Z", zone, &["10.4.0.1", "10.4.0.2"]);
    put(&etcd, "/service/demo/leader", "pg-3");
    expect(at, "A primary.demo.Z", zone, &["10.4.0.3"]);
}

/// Keys that are told apart by nothing but what they spell beside name and id: the same
/// provider with other parameters, the same place in another namespace, and by a template.
const SAME: [(&str, &str, &str); 6] = [
    ("dubbo.test", "/dubbo/a.B/providers/tri%3A%2F%2F10.1.1.1%3A1%2Fa.B%3Fpid%3D1", ""),
    ("dubbo.test", "/dubbo/a.B/providers/tri%3A%2F%2F10.1.1.1%3A1%2Fa.B%3Fpid%3D2", ""),
    ("service.test", "/service/a/one/web/v1/10.1.1.1:1", "{}"),
    ("service.test", "/service/a/two/web/v1/10.1.1.1:1", "{}"),
    ("any.test", "/any/one/web/10.1.1.1:1", ""),
    ("any.test", "/any/two/web/10.1.1.1:1", ""),
];

#[test]
fn keys_of_one_name_and_id_come_and_go_each_alone() {
    let (etcd, directory) = (Etcd::start(), tempfile::tempdir().unwrap());
    let path = config(&etcd, directory.path());
    let more = "[[zone]]\nname = \"any.test\"\nprefix = \"/any\"\ntemplate = { key = \"/*/{name}/{host}\" }\n";
    let file = std::fs::read_to_string(&path).unwrap() + more;
    std::fs::write(&path, file).unwrap();
    SAME.iter().for_each(|(_, key, value)| put(&etcd, key, value));
    let arguments =
        ["serve", "--config", &path, "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"];
    let server = process::start(&arguments);
    let at = server.answers_at();
    let questions =
        [("dubbo.test", "A a.b.Z"), ("service.test", "A web.Z"), ("any.test", "A web.Z")];
    questions.iter().for_each(|(zone, question)| expect(at, question, zone, &["10.1.1.1"]));
    for at_one in [0, 2, 4] {
        assert!(etcd.ctl(&["del", SAME[at_one].1]).status.success());
    }
    // Behind what was deleted, in each zone.
    for (prefix, zone) in [("dubbo", "dubbo.test"), ("service/a/b", "service.test")] {
        let key = match prefix {
            "dubbo" => "/dubbo/last/providers/tri%3A%2F%2F10.1.1.9%3A1%2Flast".to_owned(),
            _ => format!("/{prefix}/last/v1/10.1.1.9:1"),
        };
        put(&etcd, &key, "");
        expect(at, "A last.Z", zone, &["10.1.1.9"]);
    }
    put(&etcd, "/any/b/last/10.1.1.9:1", "");
    expect(at, "A last.Z", "any.test", &["10.1.1.9"]);
    questions.iter().for_each(|(zone, question)| expect(at, question, zone, &["10.1.1.1"]));
    for at_other in [1, 3, 5] {
        assert!(etcd.ctl(&["del", SAME[at_other].1]).status.success());
    }
    questions.iter().for_each(|(zone, question)| expect(at, question, zone, &[]));
}

/// Hostile keys and values of every writer, and what is said of each.
const HOSTILE: [(&str, &str, &str); 20] = [
    ("/dubbo/a/providers/tri%3A%2F%2F10.0.0.1%zz", "", "bad percent escape; write %25"),
    ("/dubbo/a/providers/tri%3A%2F%2F10.0.0.1%3A99999", "", "port `99999` is not a number"),
    ("/service/a/b/c/d/10.0.0.1:80,", "", "host `` is empty"),
    ("/service/a/b/c/d/10.0.0.1:80", "[]", "the value is not JSON: invalid type"),
    ("/service/x/members/y", r#"{"conn_url":"#, "the value is not JSON: EOF"),
    ("/service/x/members/z", r#"{"conn_url":[]}"#, "member `conn_url` is []; it must be a str"),
    ("/jupiter/a/providers/x://b:1", r#"{"address":7,"scheme":"x"}"#, "member `address` is 7"),
    ("rpcx_test/a/tcp@b:1", "weight=heavy", "`weight` is heavy; it must be a number from 0"),
    ("rpcx_test/a/tcp@:1", "", "host `` is empty"),
    ("/services/a/1", r#"{"ServiceName":"a","Enable":[]}"#, "member `enable` is []; it must be"),
    ("/apps/a/v1/1", r#"{"net":[]}"#, "`/net/ip` is missing; it must be a string HOST"),
    ("/apps/a/v1/2", r#"{"net":{"ip":"a"},"labels":{}}"#, "`/labels` is {}; it must be an array"),
    // Ids that Patroni has as well, and keys like a writer's in a zone of its own.
    ("/services/web/config", r#"{"host":"10.0.0.1:99999"}"#, "port `99999` is not a number from"),
    ("/services/web/status", "word", "the value is neither a JSON object with"),
    ("/pg/x/members/y", "word", "the value is not JSON: expected value"),
    ("/pg/x/leader", "{}", "`leader` is {}; it must be the name of a member"),
    ("/pg/x/1/sync", "word", "`sync` is word; it must be an object with `leader`"),
    ("/jupiter/a/providers/word", "", "the key's `word` is no url of an instance, such as grpc"),
    ("/dubbo/a/providers/word", "", "the key's `word` is no url of a provider, such as tri"),
    ("/services/a/2", DEEP, "the value is not JSON: recursion limit exceeded"),
];
/// A document that is deep.
const DEEP: &str = concat!(
    r#"{"host":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["#,
    r#"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["#
);

/// Keys of others that look a little like a writer's, in zones of no one writer: they are ignored,
/// or counted.
const FOREIGN: [(&str, &str); 6] = [
    ("/services/pg/config", r#"{"ttl":30,"postgresql":{"use_slots":true}}"#),
    ("/services/pg/failover", "{}"),
    ("/services/team/members/ann", r#"{"since":2020}"#),
    ("/services/team/members/bob", "10.0.0.1:80"),
    ("/services/app/7/leader", "{}"),
    ("/services/app/providers/list", "word"),
];

#[test]
fn each_hostile_key_is_one_problem_and_harms_nobody() {
    let (etcd, directory) = (Etcd::start(), tempfile::tempdir().unwrap());
    put_all(&etcd);
    FOREIGN.iter().for_each(|(key, value)| put(&etcd, key, value));
    HOSTILE.iter().for_each(|(key, value, _)| put(&etcd, key, value));
    let tags = vec!["\"t\""; 5_000].join(",");
    let huge = format!(r#"{{"net":{{"ip":"a"}},"labels":[{tags}]}}"#);
    put(&etcd, "/apps/a/v1/3", &huge);
    let path = config(&etcd, directory.path());
    let server = process::start(&["serve", "--config", &path, "--listen", "127.0.0.1:0"]);
    let at = server.answers_at();
    for (zone, question, answers) in ASKED {
        expect(at, question, zone, answers);
    }
    let output = run(&etcd.url(), &["check", "--config", &path]);
    let text = String::from_utf8(output.stdout).unwrap();
    let huge = ("/apps/a/v1/3", "", "`/labels` is [\"t\",\"t\"");
    for (key, _, reason) in HOSTILE.iter().chain([&huge]) {
        let lines: Vec<_> = text.lines().filter(|it| it.contains(&format!(" {key}: "))).collect();
        let [line] = &lines[..] else { panic!("{key}: {lines:#?} in {text}") };
        assert!(line.contains(reason) && line.contains("; "), "{line}");
    }
    for (key, _) in FOREIGN {
        assert!(!text.contains(key), "{key}: {text}");
    }
}
