//! Templates: what they make of keys, and those that cannot be used.

use super::super::process;
use super::put;
use super::writers::{OWN, config, put_all};
use crate::support::etcd::Etcd;
use crate::support::srvd::run;

#[test]
fn check_shows_what_a_template_makes_of_a_key() {
    let (etcd, directory) = (Etcd::start(), tempfile::tempdir().unwrap());
    let path = config(&etcd, directory.path());
    let check = || {
        let output = run(&etcd.url(), &["check", "--config", &path]);
        let [out, err] = [output.stdout, output.stderr].map(|it| String::from_utf8(it).unwrap());
        (output.status.code(), out, err)
    };
    let (code, out, err) = check();
    assert_eq!(code, Some(0), "{out} {err}");
    let none = "template of zone own.test: `/{name}/v1/{id}` reads keys like /apps/NAME/v1/ID; there is none yet";
    assert!(err.contains(none), "{err}");
    put(&etcd, OWN[1].0, OWN[1].1);
    let (code, out, _) = check();
    assert_eq!(code, Some(1));
    let line = "own.test /apps/web: none of 1 keys is of the template `/{name}/v1/{id}`, which reads keys like `/apps/NAME/v1/ID`; correct `key` of the template, or `prefix`, which stands before it\n";
    assert!(out.ends_with(line), "{out}");
    put_all(&etcd);
    let (_, out, err) = check();
    let made = "reads /apps/web/v1/a-1: name web, id a-1, at 10.7.0.1:8080";
    assert!(err.contains(made), "{err}");
    assert_eq!(out.lines().count(), 1, "{out}");
    let stray =
        "own.test /apps/web: a key there is not of the template `/{name}/v1/{id}`; move them";
    assert!(out.starts_with(stray), "{out}");
}

#[test]
fn a_template_over_the_whole_keyspace_leaves_others_alone() {
    let (etcd, directory) = (Etcd::start(), tempfile::tempdir().unwrap());
    let path = directory.path().join("srvd.toml");
    let file = "[[zone]]\nname = \"all.test\"\nprefix = \"\"\ntemplate = { key = \"/apps/{name}/{id}\", host = \"\" }\n";
    std::fs::write(&path, file).unwrap();
    put(&etcd, "/other/a/b", "x");
    let check = || {
        let output = run(&etcd.url(), &["check", "--config", path.to_str().unwrap()]);
        String::from_utf8(output.stdout).unwrap()
    };
    let text = check();
    assert!(text.starts_with("all.test /other: none of 1 keys is of the template"), "{text}");
    put(&etcd, "/apps/web/1", "10.0.0.1:80");
    assert_eq!(check(), "");
}

#[test]
fn a_template_that_cannot_be_used_is_refused_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("srvd.toml");
    for (more, part) in [
        ("template = { key = \"/{name}\" }", "template: host is nowhere; write {host} into"),
        ("template = { key = \"/{nam}\", host = \"\" }", "template: key: `{nam}` is unknown"),
        ("template = { kee = \"/{name}\" }", "unknown key `kee`"),
        (
            "format = \"dubbo\"\ntemplate = { key = \"/{name}\", host = \"\" }",
            "format: a zone with a template has none; leave one out",
        ),
        ("schema = \"skydns\"\nformat = \"dubbo\"", "format or template: a zone of schema skydns"),
        ("format = \"zookeeper\"", "format: unknown variant `zookeeper`, expected one of `auto`"),
    ] {
        std::fs::write(&path, format!("[[zone]]\nname = \"a.test\"\n{more}\n")).unwrap();
        let output = process::run(&["check", "--config", path.to_str().unwrap()]);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{more}: {text}");
        assert!(text.contains(part), "{more}: {text}");
    }
}
