//! The sources themselves: who may import whom, and where unsafe code stands.
//!
//! The invariants and the table of rooms stand in `src/lib.rs`; this suite reads every file of
//! a room, fails on a path that the room must not know, and compares what it imports with
//! the table.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::sources;

/// A room's name, and the paths it must never mention.
type Rule = (&'static [&'static str], &'static [&'static str]);

/// Every room under `src/`, as a folder or a file.
const ROOMS: &[&str] = &[
    "app",
    "authority",
    "backoff",
    "certificates",
    "cli",
    "client",
    "commands",
    "config",
    "connections",
    "dev",
    "docs",
    "embedded",
    "error",
    "etcd",
    "etcd_v2",
    "events",
    "files",
    "forward",
    "http",
    "index",
    "join",
    "lock",
    "machine",
    "main",
    "metrics",
    "mirror",
    "names",
    "options",
    "privileges",
    "probe",
    "processes",
    "registry",
    "reload",
    "remote",
    "shutdown",
    "state",
    "systemd",
    "telemetry",
    "wire",
    "zonefile",
];

/// What the pure rooms must not know.
const RULES: &[Rule] = &[
    (
        &["names", "metrics", "registry", "index", "authority"],
        &[
            "tokio",
            "etcd_client",
            "tonic",
            "hickory_server",
            "hickory_net",
            "std::net::Udp",
            "std::net::Tcp",
            "std::fs",
        ],
    ),
    (
        // They return what is to be logged, and are told what time it is.
        &["names", "registry", "index", "authority"],
        &["tracing", "Instant::now", "SystemTime::now"],
    ),
    (&["names"], &["crate::registry", "crate::index", "crate::authority"]),
    (&["metrics", "files"], &["crate::registry", "crate::index", "crate::etcd", "crate::http"]),
    (&["cli", "options"], &["crate::config", "crate::http", "crate::etcd", "crate::app"]),
    (
        &["config"],
        &["crate::reload", "crate::app", "crate::commands", "crate::join", "crate::http"],
    ),
    (&["http"], &["crate::cli", "crate::config", "crate::app", "crate::reload", "crate::commands"]),
    (
        &["etcd_v2"],
        &["crate::index", "crate::mirror", "crate::join", "crate::config", "crate::registry"],
    ),
    (&["reload"], &["crate::http"]),
    (&["commands"], &["crate::http", "crate::wire"]),
    (
        &["registry"],
        &["crate::index", "crate::authority", "crate::mirror", "crate::etcd", "crate::wire"],
    ),
    (&["index"], &["crate::authority", "crate::mirror", "crate::etcd", "crate::wire"]),
    (&["authority"], &["crate::mirror", "crate::etcd", "crate::wire"]),
    (&["wire"], &["crate::mirror", "crate::etcd", "crate::join"]),
    (
        &["mirror"],
        &["crate::index", "crate::authority", "crate::wire", "crate::join", "crate::state"],
    ),
    (
        &["state"],
        &["crate::mirror", "crate::etcd", "crate::authority", "crate::wire", "crate::join"],
    ),
    (
        &["events"],
        &[
            "crate::mirror",
            "crate::etcd",
            "crate::authority",
            "crate::wire",
            "crate::state",
            "crate::join",
            "crate::http",
        ],
    ),
    (
        &["join"],
        &[
            "crate::index",
            "crate::authority",
            "crate::wire",
            "crate::cli",
            "crate::config",
            "crate::commands",
            "crate::http",
        ],
    ),
    (
        // What a program links, and nothing that it would not want to.
        &["client"],
        &["crate::index", "crate::authority", "crate::wire", "crate::forward", "crate::http"],
    ),
    (&["probe"], &["crate::etcd", "crate::registry", "crate::commands", "crate::http"]),
    (
        &["forward"],
        &[
            "crate::index",
            "crate::wire",
            "crate::mirror",
            "crate::etcd",
            "crate::join",
            "hickory_server",
        ],
    ),
];

/// Paths that one room alone may mention, beside the tests inside it.
const OWNED: &[(&str, &[&str])] = &[
    ("etcd_client", &["embedded", "etcd", "telemetry"]),
    ("tonic", &["embedded", "etcd", "telemetry"]),
    ("hickory_server", &["wire", "telemetry"]),
    ("moka", &["forward"]),
    ("axum", &["embedded", "etcd_v2", "http"]),
    ("crate::etcd_v2", &["app", "etcd_v2"]),
    ("prometheus_client", &["http"]),
    ("crate::embedded", &["dev", "mirror"]),
    ("crate::mirror", &["app", "client", "commands", "mirror"]),
    ("crate::join", &["app", "client", "commands", "dev", "http", "join", "probe"]),
    ("crate::state", &["app", "state"]),
    // What is printed: escaped there, whoever wrote it.
    ("println", &[]),
    ("eprintln", &["wire"]),
    ("print", &["commands"]),
    ("eprint", &[]),
    ("io::stdout", &["commands", "docs", "telemetry"]),
    ("io::stderr", &["telemetry"]),
    // What is opened: no pipe is waited for. (The spare descriptor of `wire` is /dev/null.)
    ("File::open", &["state", "wire"]),
    // What is written to disk.
    ("postcard", &["state"]),
    ("sync_all", &["state"]),
    ("fs::rename", &["state"]),
    // What writes the registry.
    ("grant", &["embedded", "etcd", "etcd_v2", "join"]),
    ("claim", &["etcd", "join"]),
    ("revoke", &["commands", "embedded", "etcd", "etcd_v2", "join"]),
    ("delete_if", &["commands", "etcd", "join"]),
    ("keep_alive", &["embedded", "etcd", "join"]),
    ("transact", &["etcd", "etcd_v2"]),
];

/// The source files of a room.
fn files(room: &str) -> Vec<PathBuf> {
    let source = sources::folder();
    let single = source.join(format!("{room}.rs"));
    let mut found: Vec<_> = single.exists().then_some(single).into_iter().collect();
    found.extend(sources::below(&source.join(room)));
    assert!(!found.is_empty(), "the room {room} is gone; mend the lists of this suite");
    found
}

/// The lines of a file that are code, with their numbers.
fn code(path: &Path) -> Vec<(usize, String)> {
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim().to_owned()));
    lines.filter(|(_, line)| !line.starts_with("//")).collect()
}

/// Whether a line of code mentions a path, as a whole word.
fn mentions(line: &str, path: &str) -> bool {
    let word = |character: char| character.is_alphanumeric() || character == '_';
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + path.len()..].chars().next();
        // `std::net::Udp` stands for all that begin so.
        let open_end = path.starts_with("std::net") || path.ends_with('{');
        !before.is_some_and(word) && (open_end || !after.is_some_and(word))
    })
}

/// The rooms that a room imports, outside its tests.
fn imports(room: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in files(room).iter().filter(|file| !file.ends_with("tests.rs")) {
        let lines = code(file).into_iter().map(|(_, line)| line);
        for line in lines.take_while(|line| !line.starts_with("#[cfg(") || !line.contains("test")) {
            let paths = line.match_indices("crate::").map(|(at, found)| &line[at + found.len()..]);
            found.extend(paths.map(|path| {
                path.chars().take_while(|it| it.is_alphanumeric() || *it == '_').collect()
            }));
        }
    }
    found.remove(room);
    found
}

/// The table of `src/lib.rs`: each room, whether it is a small one, and those that it knows.
fn table() -> Vec<(String, bool, BTreeSet<String>)> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs"));
    let (mut rows, mut is_small) = (Vec::new(), false);
    for line in text.unwrap().lines().filter_map(|line| line.strip_prefix("//! | ")) {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        match cells[0].strip_prefix("[`").and_then(|room| room.strip_suffix("`]")) {
            Some(room) => {
                let known = cells[2].split(',').map(|it| it.trim().trim_matches('`').to_owned());
                rows.push((room.to_owned(), is_small, known.filter(|it| !it.is_empty()).collect()));
            }
            None if cells[0].ends_with("room") => is_small = cells[0].starts_with("small"),
            None => (),
        }
    }
    rows
}

/// Where a room mentions a path.
fn offences(room: &str, path: &str) -> Vec<String> {
    let mut found = Vec::new();
    for file in files(room) {
        for (number, line) in code(&file) {
            if mentions(&line, path) {
                found.push(format!("{}:{number}: {line}", file.display()));
            }
        }
    }
    found
}

#[test]
fn rooms_know_only_what_they_may() {
    for (rooms, paths) in RULES {
        for (room, path) in rooms.iter().flat_map(|room| paths.iter().map(move |path| (room, path)))
        {
            let found = offences(room, path);
            assert!(found.is_empty(), "{room} must not know {path}:\n{}", found.join("\n"));
        }
    }
}

/// That no room knows one below it in the table, means that no rooms know each other in a circle.
#[test]
fn the_table_of_rooms_is_what_they_import() {
    let mut above = BTreeSet::new();
    for (room, is_small, known) in table() {
        let small = table().into_iter().filter(|(_, is_small, _)| *is_small).map(|(it, ..)| it);
        let small: BTreeSet<_> = small.filter(|_| !is_small).collect();
        let imported = imports(&room);
        let below: Vec<_> = imported.difference(&above).collect();
        assert!(below.is_empty(), "{room} imports {below:?}, below it in the table of src/lib.rs");
        let imported: BTreeSet<_> = imported.difference(&small).cloned().collect();
        assert_eq!(imported, known, "what {room} imports, and what src/lib.rs says");
        above.insert(room);
    }
    let rooms = ROOMS.iter().filter(|room| **room != "main");
    assert_eq!(above, rooms.map(|room| (*room).to_owned()).collect(), "the rooms of the table");
}

#[test]
fn owned_paths_stay_in_their_rooms() {
    for (path, owners) in OWNED {
        for room in ROOMS.iter().filter(|room| !owners.contains(room)) {
            let found = offences(room, path);
            assert!(found.is_empty(), "only {owners:?} may know {path}:\n{}", found.join("\n"));
        }
    }
}

#[test]
fn no_import_hides_in_a_group() {
    for room in ROOMS.iter().filter(|room| **room != "main") {
        let found = offences(room, "use crate::{");
        assert!(
            found.is_empty(),
            "one `use` a room, so that this suite sees it:\n{}",
            found.join("\n")
        );
    }
}

/// What a feature leaves out is a room, or the one file that asks name servers for etcd's members.
#[test]
fn features_choose_among_modules_only() {
    for path in sources::below(&sources::folder()) {
        let lines = code(&path);
        let at = lines.windows(2).filter(|pair| pair[0].1.contains("feature = \""));
        for [(number, _), (_, next)] in at.map(|pair| [&pair[0], &pair[1]]) {
            let is_module = next.contains("mod ") || next.starts_with("#[path");
            let may = path.ends_with("src/lib.rs") || path.ends_with("etcd/discovery/mod.rs");
            assert!(may && is_module, "{}:{number}: a feature", path.display());
        }
    }
}

/// Batches of datagrams have no safe wrapper; all else has one.
#[test]
fn one_file_alone_has_unsafe_code() {
    let mut all = sources::below(&sources::folder());
    all.retain(|path| code(path).iter().any(|(_, line)| mentions(line, "unsafe")));
    let [one] = &all[..] else { panic!("one file may have unsafe code: {all:?}") };
    assert!(one.ends_with("src/wire/udp/batch/linux.rs"), "{one:?}");
}

#[test]
fn every_room_is_under_the_rules() {
    for entry in fs::read_dir(sources::folder()).unwrap() {
        let path = entry.unwrap().path();
        let room = path.file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(
            room == "lib" || ROOMS.contains(&room.as_str()),
            "a new room, {room}: say what it may know"
        );
    }
}

#[test]
fn the_check_finds_what_it_looks_for() {
    assert!(mentions("use tokio::net::UdpSocket;", "tokio"));
    assert!(mentions("    tonic::Status::new()", "tonic"));
    assert!(!mentions("use tokio_util::x;", "tokio"));
    assert!(mentions("std::net::UdpSocket", "std::net::Udp"));
    assert!(!offences("etcd", "etcd_client").is_empty());
}
