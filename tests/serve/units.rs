//! The units in `deploy/`: what systemd's own tools say of them, and their secrets.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::srvd::{BINARY, Srvd, plain};

/// The units, by file.
const UNITS: [&str; 4] = ["srvd.service", "srvd-join@.service", "srvd.socket", "srvd-http.socket"];
/// The most that `systemd-analyze security` may say of a service's exposure, in tenths: 20 of 100
/// is its "OK".
const EXPOSURE_MAX: &str = "20";

/// A unit's text.
fn unit(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name);
    fs::read_to_string(path).unwrap()
}

/// The units with the program under test in the place of the installed one.
fn installed(directory: &Path) -> Vec<PathBuf> {
    let install = |name: &&str| {
        let path = directory.join(name.replace('@', "@web"));
        fs::write(&path, unit(name).replace("/usr/local/bin/srvd", BINARY)).unwrap();
        path
    };
    UNITS.iter().map(install).collect()
}

/// Runs `systemd-analyze`; none where it is not installed.
fn analyze(arguments: &[&str]) -> Option<(bool, String)> {
    let Ok(output) = Command::new("systemd-analyze").args(arguments).output() else {
        println!("systemd-analyze is not installed: its check is left out");
        return None;
    };
    let said = [output.stdout, output.stderr].concat();
    Some((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
}

#[test]
fn systemd_finds_no_fault_with_the_units() {
    let directory = tempfile::tempdir().unwrap();
    let units = installed(directory.path());
    let paths: Vec<_> = units.iter().map(|it| it.to_str().unwrap()).collect();
    let Some((is_sound, said)) = analyze(&[&["verify", "--man=no"], &paths[..]].concat()) else {
        return;
    };
    // What it says of other units of this machine is theirs.
    let ours = said.lines().find(|line| line.contains("srvd"));
    assert!(ours.is_none() && (is_sound || !said.contains("srvd")), "{said}");
    for service in &paths[..2] {
        let arguments =
            ["security", "--offline=true", "--no-pager", "--threshold", EXPOSURE_MAX, service];
        let Some((is_safe, said)) = analyze(&arguments) else { return };
        assert!(is_safe || said.contains("unrecognized option"), "{said}");
    }
}

/// What the unit shows, with `%d` as systemd would set it.
#[test]
fn secrets_come_by_load_credential() {
    let text = unit("srvd.service");
    let shown = |setting: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("# {setting}=")));
        line.unwrap_or_else(|| panic!("the unit shows no {setting}=")).to_owned()
    };
    let (loaded, environment) = (shown("LoadCredential"), shown("Environment"));
    let (name, _) = loaded.split_once(':').unwrap();
    assert!(environment.contains(&format!("%d/{name}")), "{environment}");
    let credentials = tempfile::tempdir().unwrap();
    let serve = ["serve", "--registry", "http://127.0.0.1:1", "--listen", "127.0.0.1:0"];
    let start = || {
        let mut command = plain(&serve);
        command.env("CREDENTIALS_DIRECTORY", credentials.path());
        for pair in environment.split_whitespace() {
            let (variable, value) = pair.split_once('=').unwrap();
            command.env(variable, value.replace("%d", credentials.path().to_str().unwrap()));
        }
        command
    };
    let without = start().output().unwrap();
    let told = String::from_utf8_lossy(&without.stderr).into_owned();
    assert!(without.status.code() == Some(2) && told.contains("password-file"), "{told}");
    let file = credentials.path().join(name);
    fs::write(&file, "secret\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
    let server = Srvd::spawn(&mut start());
    server.answers_at();
    assert_eq!(server.log().count("every user of this machine"), 0, "{:?}", server.log().all());
}

/// What the unit's comment says of others: each is an option that names a file.
#[test]
fn every_secret_has_a_variable() {
    let help = plain(&["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for option in ["HTTP_TOKEN_FILE", "HTTP_KEY", "COOKIE_SECRET_FILE", "CERT", "KEY"] {
        assert!(help.contains(&format!("SRVD_{option}")), "SRVD_{option} is not in: {help}");
    }
}
