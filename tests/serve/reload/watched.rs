//! Files that change are read again, once they are whole.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::Duration;

use super::{REFUSED, Scene, USED};
use crate::support::certificates::Authority;
use crate::support::eventually;

/// A zone that is its file alone.
pub(super) const ZONE: &str =
    "$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.2\n";
/// Secrets of 32 hex digits.
pub(super) const SECRETS: [&str; 2] =
    ["445536bcd2513298075a5d379663c962", "dd3bdf9344b678b185a6f5cb60fca715"];

#[test]
fn configuration_zones_and_secrets_are_followed() {
    let scene = Scene::start_with(
        "zones = \"zones\"\ncookie-secret-file = \"secrets\"",
        &[("zones/a.test.zone", ZONE), ("secrets", SECRETS[0])],
    );
    scene.sees("A www.a.test", &["192.0.2.2"]);
    // Written anew, replaced, added, included, removed.
    scene.write("zones/a.test.zone", &ZONE.replace("192.0.2.2", "192.0.2.22"));
    scene.sees("A www.a.test", &["192.0.2.22"]);
    scene.write("new", &ZONE.replace("192.0.2.2", "192.0.2.222"));
    fs::rename(scene.path("new"), scene.path("zones/a.test.zone")).unwrap();
    scene.sees("A www.a.test", &["192.0.2.222"]);
    fs::create_dir(scene.path("zones/parts")).unwrap();
    scene.write("zones/parts/more", "more A 192.0.2.3\n");
    scene.write("zones/b.test.zone", &format!("{ZONE}$INCLUDE parts/more\n"));
    scene.sees("A more.b.test", &["192.0.2.3"]);
    scene.write("zones/parts/more", "more A 192.0.2.33\n");
    scene.sees("A more.b.test", &["192.0.2.33"]);
    fs::remove_file(scene.path("zones/b.test.zone")).unwrap();
    scene.sees("A more.b.test", &["REFUSED"]);
    // A cookie of the old secret is no good any more.
    let given = scene.dig("+cookie A www.a.test");
    let given = given.lines().find_map(|it| it.strip_prefix("; COOKIE: ")?.split(' ').next());
    let given = format!("+cookie={} A www.a.test", given.unwrap());
    let echoed = scene.dig(&given);
    scene.write("secrets", SECRETS[1]);
    scene.process.logs("secrets changed) zones=");
    assert_ne!(cookie(&scene.dig(&given))[16..], cookie(&echoed)[16..]);
    scene.configure("nsid = \"one\"");
    scene.sees("+nsid A web.services.internal", &["(\"one\")"]);
    scene.sees("A www.a.test", &["REFUSED"]);
}

/// The cookie that dig shows.
fn cookie(output: &str) -> &str {
    output.lines().find_map(|line| line.strip_prefix("; COOKIE: ")).unwrap()
}

#[test]
fn tokens_and_certificates_of_http_are_followed() {
    let authorities = [Authority::new("one"), Authority::new("two")];
    let [one, two] = [&authorities[0], &authorities[1]].map(Authority::server);
    let scene = Scene::start_with(
        "http-token-file = \"token\"\nhttp-cert = \"cert\"\nhttp-key = \"key\"",
        &[
            ("token", "0123456789abcdef"),
            ("cert", &one.certificate),
            ("key", &one.key),
            ("one.pem", &authorities[0].pem),
            ("two.pem", &authorities[1].pem),
        ],
    );
    let (_, line) = scene.process.prints("answering HTTPS on ");
    let at = line.strip_prefix("answering HTTPS on ").unwrap();
    let status = |authority: &str, token: &str| {
        let output = Command::new("curl")
            .args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", "POST", "--cacert"])
            .arg(scene.path(authority))
            .args(["-H", &format!("Authorization: Bearer {token}")])
            .arg(format!("https://{at}/healthz"))
            .output();
        String::from_utf8(output.expect("curl is installed").stdout).unwrap()
    };
    let (old, new) = ("0123456789abcdef", "fedcba9876543210");
    assert_eq!((status("one.pem", old), status("one.pem", new)), ("405".into(), "401".into()));
    scene.write("token", new);
    assert!(eventually(|| status("one.pem", new) == "405"));
    assert_eq!(status("one.pem", old), "401");
    // A key of another certificate changes nothing, and is complained of once.
    scene.write("key", &two.key);
    let (_, line) = scene.process.logs(REFUSED);
    assert!(line.contains("/key changed), keeping"), "{line}");
    assert!(line.contains("srvd.toml:4: http-key "), "{line}");
    assert!(line.contains("does not belong to the certificate of --http-cert"), "{line}");
    assert_eq!(status("one.pem", new), "405");
    scene.write("cert", &two.certificate);
    assert!(eventually(|| status("two.pem", new) == "405"));
    assert_eq!((status("one.pem", new), scene.process.log().count(REFUSED)), ("000".into(), 1));
}

#[test]
fn a_volume_of_kubernetes_is_followed_when_its_link_is_swapped() {
    let scene = Scene::start_linked("zones = \"zones\"\nnsid = \"one\"", |directory| {
        fs::create_dir(directory.join("zones")).unwrap();
        fs::write(directory.join("zones/a.test.zone"), ZONE).unwrap();
    });
    scene.sees("+nsid A www.a.test", &["192.0.2.2", "(\"one\")"]);
    let second = scene.path("..2026_02");
    fs::create_dir_all(second.join("zones")).unwrap();
    fs::write(second.join("zones/a.test.zone"), ZONE.replace("192.0.2.2", "192.0.2.9")).unwrap();
    let text = scene.configuration("zones = \"zones\"\nnsid = \"two\"");
    fs::write(second.join("srvd.toml"), text).unwrap();
    symlink("..2026_02", scene.path("..new")).unwrap();
    fs::rename(scene.path("..new"), scene.path("..data")).unwrap();
    scene.sees("+nsid A www.a.test", &["192.0.2.9", "(\"two\")"]);
    assert_eq!(scene.process.log().count(USED), 1, "both were read at once");
}

#[test]
fn a_file_that_is_still_written_is_waited_for() {
    let scene = Scene::start("");
    let text = "nsid = \"whole\"";
    // For longer than two looks take it grows, and no part of it is used.
    for written in 0..60 {
        scene.configure(&format!("nsid = \"part\"\n{}{text}", "# more\n".repeat(written)));
        assert!(!scene.dig("+nsid A web.services.internal").contains("part"));
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(scene.process.log().count(USED), 0);
    scene.configure(text);
    scene.sees("+nsid A web.services.internal", &["(\"whole\")"]);
}

#[test]
fn who_wants_signals_alone_has_them() {
    let scene = Scene::start("watch-files = false");
    scene.configure("watch-files = false\nnsid = \"one\"");
    std::thread::sleep(super::LOOKS);
    assert!(!scene.dig("+nsid A web.services.internal").contains("(\"one\")"));
    // It may be changed, too.
    scene.configure("nsid = \"two\"");
    scene.reload();
    scene.sees("+nsid A web.services.internal", &["(\"two\")"]);
    scene.configure("nsid = \"three\"");
    scene.sees("+nsid A web.services.internal", &["(\"three\")"]);
}

#[test]
fn zone_files_that_are_as_they_were_are_not_read_again() {
    const ZONES: usize = 50;
    let scene = Scene::start_in("zones = \"zones\"\nwatch-files = false", |directory| {
        fs::create_dir(directory.join("zones")).unwrap();
        for n in 0..ZONES {
            fs::write(directory.join(format!("zones/z{n}.test.zone")), ZONE).unwrap();
        }
    });
    // A file is known once it has not changed for a while before it was read.
    std::thread::sleep(Duration::from_secs(3));
    scene.reload();
    scene.reload();
    scene.process.logs("zone_files_read=0");
    scene.write("zones/z7.test.zone", &ZONE.replace("192.0.2.2", "192.0.2.22"));
    fs::remove_file(scene.path("zones/z8.test.zone")).unwrap();
    scene.reload();
    scene.process.logs("zone_files_read=1");
    scene.sees("A www.z7.test", &["192.0.2.22"]);
    scene.sees("A www.z8.test", &["REFUSED"]);
    scene.sees("A www.z9.test", &["192.0.2.2"]);
}
