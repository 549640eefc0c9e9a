//! A bad file changes nothing at all, and says what it is.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use super::watched::{SECRETS, ZONE};
use super::{LOOKS, REFUSED, Scene, USED};
use crate::support::certificates::Authority;
use crate::support::etcd::page;
use crate::support::eventually;
use crate::support::srvd::BINARY;

/// A configuration with a file of every kind.
const EVERYTHING: &str = "nsid = \"one\"
zones = \"zones\"
cookie-secret-file = \"secrets\"
http-token-file = \"token\"
http-cert = \"cert\"
http-key = \"key\"
";

#[test]
fn one_bad_file_leaves_everything_as_it_was() {
    let authority = Authority::new("one");
    let [pair, other] = [authority.server(), authority.server()];
    let good = [
        ("zones/a.test.zone", ZONE),
        ("secrets", SECRETS[0]),
        ("token", "0123456789abcdef"),
        ("cert", &pair.certificate),
        ("key", &pair.key),
    ];
    let scene = Scene::start_with(EVERYTHING, &good);
    let shown = "+nsid A www.a.test";
    let seen = ["(\"one\")", "192.0.2.2\n"];
    scene.sees(shown, &seen);
    let other_zone = ZONE.replace("192.0.2.2", "192.0.2.99");
    let changed = EVERYTHING.replace("\"one\"", "\"two\"");
    for (name, text, faults) in [
        (
            "srvd.toml",
            "nsid = \"two\"\ncolour = 1".to_owned(),
            &["srvd.toml:3: colour: ", "`colour`"][..],
        ),
        ("srvd.toml", format!("{changed}rate-limit ="), &["srvd.toml:8: rate-limit: "]),
        (
            "srvd.toml",
            format!("{changed}workers = 9999"),
            &["srvd.toml:8: workers: 9999 is not within 0 to 1024"],
        ),
        (
            "srvd.toml",
            changed.replace("\"zones\"", "\"none\""),
            &["srvd.toml:3: zones ", "/none: is not a directory"],
        ),
        (
            "srvd.toml",
            changed.replace("\"secrets\"", "\"none\""),
            &["srvd.toml:4: cookie-secret-file ", "No such file"],
        ),
        ("zones/b.test.zone", "@ SOA\n".to_owned(), &["b.test.zone:1: "]),
        ("zones/b.test.zone", "www 60 A 192.0.2.1\n".to_owned(), &["b.test.zone: ", "SOA"]),
        ("zones/a..test.zone", ZONE.to_owned(), &["a..test.zone: "]),
        ("secrets", "12345678".to_owned(), &["secrets: line 1: it has 8 characters; write 32"]),
        ("token", String::new(), &["srvd.toml:5: http-token-file ", "has no token in it"]),
        ("cert", "nonsense".to_owned(), &["srvd.toml:6: http-cert ", "has no certificate in it"]),
        ("key", other.key, &["srvd.toml:7: http-key ", "does not belong to the certificate"]),
    ] {
        // What is good beside it is not used either.
        scene.configure(&changed);
        scene.write("zones/a.test.zone", &other_zone);
        if name == "srvd.toml" {
            scene.configure(&text)
        } else {
            scene.write(name, &text)
        }
        let fault = scene.refuses();
        assert!(faults.iter().all(|part| fault.contains(part)), "{name} {text}: {fault}");
        let output = scene.dig(shown);
        assert!(seen.iter().all(|it| output.contains(it)), "{name} {text}: {output}");
        // As it was.
        scene.configure(EVERYTHING);
        good.iter().for_each(|(name, text)| scene.write(name, text));
        let _ = [
            fs::remove_file(scene.path("zones/b.test.zone")),
            fs::remove_file(scene.path("zones/a..test.zone")),
        ];
        scene.reload();
    }
}

#[test]
fn a_bad_file_that_nobody_touches_is_complained_of_once() {
    let scene = Scene::start("nsid = \"one\"");
    scene.configure("nsid =");
    scene.process.logs("srvd.toml changed), keeping the previous configuration: ");
    std::thread::sleep(LOOKS);
    assert_eq!(scene.process.log().count(REFUSED), 1);
    // Whoever asks by a signal is told again; and once it is good, it is used.
    assert!(scene.refuses().contains("(SIGHUP)"));
    scene.configure("nsid = \"two\"");
    scene.process.logs("srvd.toml changed) zones=");
    scene.sees("+nsid A web.services.internal", &["(\"two\")"]);
    assert_eq!((scene.process.log().count(REFUSED), scene.process.log().count(USED)), (2, 1));
}

#[test]
fn a_configuration_that_goes_is_missed_and_nothing_else_happens() {
    let scene = Scene::start("nsid = \"one\"");
    fs::remove_file(scene.path("srvd.toml")).unwrap();
    let (_, line) = scene.process.logs(REFUSED);
    assert!(line.contains("srvd.toml: No such file"), "{line}");
    scene.sees("+nsid A web.services.internal", &["(\"one\")", "ANSWER: 4"]);
    scene.configure("nsid = \"two\"");
    scene.sees("+nsid A web.services.internal", &["(\"two\")"]);
}

#[test]
fn a_secret_that_the_new_user_may_not_read_is_named_until_it_may() {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return println!("left out: this needs root, which becomes another user here");
    }
    let may = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    let text = |nsid: &str| {
        format!("run-as = \"nobody\"\ncookie-secret-file = \"secrets\"\nnsid = \"{nsid}\"")
    };
    let scene = Scene::start_in(&text("one"), |directory| {
        fs::write(directory.join("secrets"), SECRETS[0]).unwrap();
        may(directory, 0o755);
        may(&directory.join("secrets"), 0o600);
    });
    scene.configure(&text("two"));
    let fault = scene.refuses();
    assert!(fault.contains("srvd.toml:3: cookie-secret-file "), "{fault}");
    assert!(fault.contains("Permission denied"), "{fault}");
    scene.sees("+nsid +cookie A web.services.internal", &["(\"one\")", "(good)", "ANSWER: 4"]);
    // That it may be read now is a change, although nothing was written.
    may(&scene.path("secrets"), 0o644);
    scene.sees("+nsid +cookie A web.services.internal", &["(\"two\")", "(good)"]);
}

#[test]
fn outcomes_are_shown_over_http() {
    let scene = Scene::start("nsid = \"one\"\nwatch-files = false");
    let (_, line) = scene.process.prints("answering HTTP on ");
    let at = line.strip_prefix("answering HTTP on ").unwrap().parse().unwrap();
    let shows = |path: &str, part: &str| page(at, path).unwrap().contains(part);
    assert!(shows("/v1/status", "\"reload\":null"));
    assert!(shows("/metrics", "srvd_reloads_total{result=\"used\"} 0\n"));
    scene.reload();
    assert!(eventually(|| shows("/metrics", "srvd_reloads_total{result=\"used\"} 1\n")));
    scene.configure("nsid = \"\"");
    scene.refuses();
    assert!(eventually(|| shows("/metrics", "srvd_reloads_total{result=\"refused\"} 1\n")));
    assert!(shows("/v1/status", "\"cause\":\"SIGHUP\",\"fault\":\""));
    assert!(shows("/v1/status", "srvd.toml:2: nsid: it has 0 octets"));
}

/// The script by which the shipped unit reloads, for the files of a scene.
fn reload_of_unit(scene: &Scene) -> std::process::Output {
    let unit = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/srvd.service");
    let unit = fs::read_to_string(unit).unwrap();
    let script = unit.lines().find_map(|line| line.strip_prefix("ExecReload=/bin/sh -c '"));
    let script = script.unwrap().trim_end_matches('\'');
    let script = script.replace("/usr/local/bin/srvd", BINARY);
    let script = script.replace("/etc/srvd/srvd.toml", scene.path("srvd.toml").to_str().unwrap());
    let mut shell = std::process::Command::new("/bin/sh");
    shell.args(["-c", &script]).env("MAINPID", scene.process.pid().to_string()).output().unwrap()
}

#[test]
fn the_unit_reloads_what_is_sound_and_fails_where_it_would_be_refused() {
    let scene = Scene::start("watch-files = false");
    let before = scene.process.log().count(USED);
    let output = reload_of_unit(&scene);
    assert!(output.status.success(), "{output:?}");
    assert!(eventually(|| scene.process.log().count(USED) > before));
    scene.configure("watch-files = false\nmax-stale = 5");
    let output = reload_of_unit(&scene);
    assert!(!output.status.success(), "{output:?}");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("max-stale: it is a text"), "{told}");
    std::thread::sleep(LOOKS / 5);
    assert_eq!(scene.process.log().count(REFUSED), 0, "nobody asked the server");
}

#[test]
fn what_is_not_used_either_is_named_with_the_fault() {
    let main = "[[zone]]\nname = \"services.internal\"\n";
    let b = "[[zone]]\nname = \"b.test\"\nprefix = \"/b\"\n";
    let scene = Scene::start_with(
        &format!("nsid = \"one\"\nzones = \"zones\"\nwatch-files = false\n{main}{b}"),
        &[("zones/a.test.zone", ZONE)],
    );
    scene.write("zones/a.test.zone", &ZONE.replace("192.0.2.2", "192.0.2.22"));
    scene.configure(&format!(
        "nsid = \"two\"\nzones = \"zones\"\nwatch-files = false\nmax-stale = \"0s\"\n{main}\
         [[zone]]\nname = \"c.test\"\nprefix = \"/c\"\n[[zone]]\nname = \"b.test\"\nttl = \"9s\"",
    ));
    let line = scene.refuses();
    for part in [
        "srvd.toml:5: max-stale: 0s is too short",
        "; not used either: ",
        "`nsid`",
        "[[zone]] c.test (added)",
        "[[zone]] b.test: ",
        "a.test.zone changed",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert!(!line.contains("`max-stale`"), "{line}");
    // A zone that cannot be is named with its place.
    scene.configure(&format!("{b}[[zone]]\nname = \"d.test\"\nprefix = \"/a//b\"\n"));
    let line = scene.refuses();
    assert!(line.contains("srvd.toml:6: [[zone]] `d.test.`: prefix"), "{line}");
    assert!(line.contains("[[zone]] d.test (added)"), "{line}");
}
