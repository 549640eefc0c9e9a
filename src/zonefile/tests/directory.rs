//! Files of a directory, and files that files include.

use std::fs;

use super::*;

/// A directory of files.
fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = directory.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    directory
}

/// Reads the file of a zone in a directory.
fn read(directory: &Path, apex: &Name) -> Result<Option<ZoneFile>, ZoneFault> {
    super::super::read(&apexes(directory)?, apex)
}

/// Reads `a.example.` from a directory of files.
fn read_of(files: &[(&str, &str)]) -> Result<ZoneFile, String> {
    let directory = directory(files);
    let read = read(directory.path(), &name("a.example."));
    // Messages without where the directory is.
    let own = fs::canonicalize(directory.path()).unwrap();
    let read = read.map_err(|fault| {
        let fault = fault.to_string().replace(own.to_str().unwrap(), "DIR");
        fault.replace(directory.path().to_str().unwrap(), "DIR")
    });
    Ok(read?.unwrap())
}

/// Why such files are refused.
fn refused(files: &[(&str, &str)]) -> String {
    read_of(files).unwrap_err()
}

#[test]
fn a_file_is_that_of_the_zone_of_its_name() {
    let directory = directory(&[("A.example.ZONE", SOA)]);
    let found = read(directory.path(), &name("a.EXAMPLE.")).unwrap().unwrap();
    assert_eq!(found.soa().unwrap().record.ttl, 60);
    assert!(found.path.ends_with("A.example.ZONE"));
    assert!(read(directory.path(), &name("b.example.")).unwrap().is_none());
}

#[test]
fn files_say_which_zones_there_are() {
    let files =
        ["b.Example.zone", "10.in-addr.arpa.ZONE", "root.zone", "README", ".x.zone", "a.zone~"];
    let directory = directory(&files.map(|file| (file, "")));
    fs::create_dir(directory.path().join("c.zone")).unwrap();
    let found = apexes(directory.path()).unwrap();
    let names: Vec<_> = found.iter().map(|(apex, _)| apex.to_string()).collect();
    assert_eq!(names, [".", "10.in-addr.arpa.", "b.example."]);
    assert!(found[2].1.ends_with("b.Example.zone"));
    assert!(read(directory.path(), &name("B.example.")).unwrap().is_some());
    assert!(read(directory.path(), &name("c.")).unwrap().is_none());
}

#[test]
fn files_that_name_no_zone_or_one_twice_are_refused() {
    for file in ["a..b.zone", "\u{e9}.zone", "..zone.zone"] {
        let directory = directory(&[(file, "")]);
        let found = apexes(directory.path());
        // What begins with a dot is hidden.
        if file.starts_with('.') {
            assert!(found.unwrap().is_empty());
            continue;
        }
        let fault = found.unwrap_err().to_string();
        assert!(fault.contains(&format!("{file}: `")), "{fault}");
        assert!(
            fault.ends_with("is no domain name; name the file APEX.zone, as in example.org.zone")
        );
    }
    let fault = refused(&[("a.example.zone", ""), ("A.EXAMPLE.zone", "")]);
    assert!(fault.contains("is a file of the same zone; remove one of them"), "{fault}");
    let fault = apexes(Path::new("/nonexistent/zones")).unwrap_err().to_string();
    assert!(fault.starts_with("zone file /nonexistent/zones: cannot be read: "), "{fault}");
}

#[test]
fn what_is_included_keeps_to_itself() {
    let file = read_of(&[
        (
            "a.example.zone",
            "$TTL 5\nx A 10.0.0.1\n$INCLUDE sub/one.txt\n  A 10.0.0.2\n\
             $INCLUDE \"sub/one.txt\" other\ny A 10.0.0.3\n",
        ),
        ("sub/one.txt", "h A 10.0.1.1\n$INCLUDE two.txt\n$ORIGIN deep\n$TTL 7\ng TXT one\n"),
        ("sub/two.txt", "; nothing\ni A 10.0.1.2"),
    ])
    .unwrap();
    let shown: Vec<_> = file
        .records
        .iter()
        .map(|it| {
            let file = it.file.file_name().unwrap().to_str().unwrap();
            format!("{file}:{} {} {}", it.line, it.record.name, it.record.ttl)
        })
        .collect();
    let expected = [
        "a.example.zone:2 x.a.example. 5",
        "one.txt:1 h.a.example. 5",
        "two.txt:2 i.a.example. 5",
        "one.txt:5 g.deep.a.example. 7",
        "a.example.zone:4 x.a.example. 5",
        "one.txt:1 h.other.a.example. 5",
        "two.txt:2 i.other.a.example. 5",
        "one.txt:5 g.deep.other.a.example. 7",
        "a.example.zone:6 y.a.example. 5",
    ];
    assert_eq!(shown, expected);
}

#[test]
fn what_may_not_be_included_is_refused() {
    let zone = "a.example.zone";
    assert_eq!(
        refused(&[(zone, "\n$INCLUDE /etc/hostname\n")]),
        "zone file DIR/a.example.zone:2: /etc/hostname is not below the directory of the zone \
         files; move it there"
    );
    let fault = refused(&[(zone, "$INCLUDE ../../../../../../../../../etc/hostname")]);
    assert!(fault.contains("is not below the directory"), "{fault}");
    let fault = refused(&[(zone, "$INCLUDE a.example.zone\n")]);
    assert!(fault.ends_with("8 deep; a file may not include itself"), "{fault}");
    let fault = refused(&[(zone, "$INCLUDE sub\n"), ("sub/x", "")]);
    assert!(fault.ends_with("sub cannot be included: it is no regular file"), "{fault}");
    let fault = refused(&[(zone, "$INCLUDE x\n"), ("x", "\n\nx 5 A 1\n")]);
    assert!(fault.starts_with("zone file DIR/x:3: "), "{fault}");
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_directory_is_not_followed() {
    let directory = directory(&[("a.example.zone", "$INCLUDE link\n")]);
    std::os::unix::fs::symlink("/etc/hostname", directory.path().join("link")).unwrap();
    let fault = read(directory.path(), &name("a.example.")).unwrap_err().to_string();
    assert!(fault.contains("is not below the directory"), "{fault}");
}

#[test]
fn all_files_of_a_zone_share_one_limit() {
    let half = "\n".repeat(9 << 20);
    let fault = refused(&[("a.example.zone", &format!("$INCLUDE x\n{half}")), ("x", &half)]);
    assert!(fault.contains(":1: the zone's files are larger than 16777216 octets"), "{fault}");
}
