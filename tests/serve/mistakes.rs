//! Mistakes in the configuration, kind by kind, with what is said to each: where it is, what is
//! wrong, what to do.

use super::process::run;

/// A mistake in a file's text, and what is said after the file's name.
type Mistake = (&'static str, &'static str);

/// Keys that nobody knows.
const KEYS: &[Mistake] = &[
    ("colour = 1", ":1: colour: unknown key `colour`; remove it"),
    ("tcp-idel = \"1s\"", ":1: tcp-idel: unknown key `tcp-idel`; is it `tcp-idle`?"),
    ("\nlisten_address = []", ":2: listen_address: unknown key `listen_address`; "),
    ("http_cert = \"a\"", "unknown key `http_cert`; is it `http-cert`?"),
    ("zone-files = \"z\"", "unknown key `zone-files`; "),
    ("[zone]\nname = \"a\"", "it is one of a list of tables; write [[zone]]"),
    ("[[zones]]\nname = \"a\"", ":1: "),
    ("[[zone]]\nnam = \"a\"", ":2: nam: unknown key `nam`; is it `name`?"),
    ("[[zone]]\nname = \"a\"\nnegative_ttl = \"5s\"", "is it `negative-ttl`?"),
    ("[[zone]]\nprefix = \"/a\"", "missing field `name`"),
    ("workers = 1\nworkers = 2", ":2: workers: duplicate key"),
    ("registry = ", ":1: "),
    ("registry = 'a", ":1: "),
];

/// Values of another type.
const TYPES: &[Mistake] = &[
    (
        "max-stale = 5",
        ":1: max-stale: it is a text; write it in quotes, a duration with its unit: \"5s\"",
    ),
    ("state = true", ":1: state: it is a text; write it in quotes"),
    ("udp-size = \"1232\"", ":1: udp-size: it is a whole number, without quotes"),
    ("workers = 1.5", ":1: workers: it is a whole number, without quotes"),
    ("workers = -1", ":1: workers: "),
    ("chaos = \"yes\"", ":1: chaos: it is true or false, without quotes"),
    ("bare-names = 1", ":1: bare-names: it is true or false, without quotes"),
    ("listen = \"127.0.0.1:53\"", ":1: listen: it is a list; write [\"127.0.0.1:53\"]"),
    ("forward = \"1.1.1.1\"", ":1: forward: it is a list; write [\"1.1.1.1\"]"),
    ("allow-query = \"10.0.0.0/8\"", ":1: allow-query: it is a list; write [\"10.0.0.0/8\"]"),
    (
        "[[zone]]\nname = \"a\"\nttl = 5",
        ":3: ttl: it is a text; write it in quotes, a duration with its unit: \"5s\"",
    ),
    ("[[zone]]\nname = \"a\"\nmax-answers = \"8\"", ":3: max-answers: it is a whole number"),
    (
        "[[zone]]\nname = \"a\"\ntemplate = \"/{name}\"",
        ":3: template: it is a table; write { KEY = VALUE",
    ),
];

/// Addresses.
const ADDRESSES: &[Mistake] = &[
    (
        "listen = [\"53\"]",
        ":1: listen: it is a port alone; write 127.0.0.1:53 for this machine, 0.0.0.0:53 for every address",
    ),
    ("listen = [\":53\"]", "it is a port alone; write 127.0.0.1:53"),
    ("listen = [\"10.0.0.53\"]", ":1: listen: it has no port; write 10.0.0.53:53"),
    ("listen = [\"::\"]", ":1: listen: it has no port; write [::]:53"),
    ("listen = [\"localhost:53\"]", "a host name is no address; write 127.0.0.1:53 or [::1]:53"),
    ("listen = [\"*:53\"]", "write 0.0.0.0:53 for every address, [::]:53 for those of IPv6"),
    (
        "listen = [\"127.0.0.1:53\",\n\"dns.example:53\"]",
        ":2: listen: a host name is no address; write the address of `dns.example`, as 10.0.0.53:53",
    ),
    ("listen = [\"127.0.0.1:99999\"]", "the port 99999 is none; write one from 0 to 65535"),
    ("listen = []", ":1: listen: name at least one address, or leave it out"),
    ("http = \"5380\"", ":1: http: it is a port alone; write 127.0.0.1:5380"),
    ("http = \"none\"", ":1: http: a host name is no address; "),
    ("http = \"localhost\"", "write 127.0.0.1:5380 or [::1]:5380, or off"),
    ("etcd-v2 = \"127.0.0.1\"", ":1: etcd-v2: it has no port; write 127.0.0.1:4001"),
    ("ns-address = [\"ns1\"]", ":1: ns-address: it is no IP address; write it like 192.0.2.1"),
    ("ns-address = [\"0.0.0.0\"]", "ns-address: `0.0.0.0` is no address"),
    ("forward = [\"one\"]", ":1: forward: `one` is neither an"),
    ("allow-query = [\"10.0.0.0/33\"]", ":1: allow-query: "),
    ("reverse = [\"10.0.0.0/8\"]", ":1: reverse: "),
];

/// Connection strings.
const REGISTRIES: &[Mistake] = &[
    ("registry = \"\"", ":1: registry: `` is empty; write http://HOST:PORT"),
    ("registry = \"etcd://a\"", "has the scheme `etcd`; write http:// or https://"),
    (
        "registry = \"http://a,https://b\"",
        "has another scheme before `https://b`; write the same before all hosts",
    ),
    (
        "registry = \"http://u:p@a\"",
        "has a user or password in it; give them with --user and --password-file",
    ),
    ("registry = \"http://a:x\"", "has the port `x`; a port is a number from 1 to 65535"),
    ("registry = \"http://a,,b\"", "names an empty host"),
    ("registry = \"http://a?prefx=/b\"", "has the unknown option `prefx`; known are prefix"),
    (
        "registry = \"http://a?timeout=3\"",
        "has timeout=`3`; write a duration from 100ms to 60s, like 3s",
    ),
    ("user = \"dns\"", ":1: user: --user and --password-file go together"),
    ("ca = \"/dev/null\"", ":1: ca /dev/null: has no certificate in it; write PEM"),
];

/// Durations, sizes, names, files.
const VALUES: &[Mistake] = &[
    ("max-stale = \"5\"", ":1: max-stale: `5` is no duration; write it like 30s"),
    ("hold-collapse = \"soon\"", "`soon` is no duration; write it like 30s"),
    (
        "hold-collapse = \"2h\"",
        ":1: hold-collapse: 2h is not within 0s to 1h; 0s turns the guard off",
    ),
    ("shutdown-delay = \"10m\"", ":1: shutdown-delay: 10m is not within 0s to 5m"),
    ("max-stale = \"0s\"", ":1: max-stale: 0s is too short, at least 1s"),
    (
        "registration-ttl = \"500ms\"",
        ":1: registration-ttl: 500ms is not 1s or more in whole seconds",
    ),
    ("registration-ttl = \"25h\"", ":1: registration-ttl: 1day 1h is more than 24h"),
    ("udp-size = 99999", ":1: udp-size: 99999 is not within 512 to 4096"),
    ("workers = 5000", ":1: workers: 5000 is not within 0 to 1024; 0 is one per core"),
    ("log-format = \"xml\"", ":1: log-format: unknown variant `xml`"),
    ("run-as = \"no-such-user\"", ":1: run-as: there is no user `no-such-user`"),
    ("zones = \"/nowhere\"", ":1: zones /nowhere: is not a directory"),
    ("http-token-file = \"/nowhere\"", ":1: http-token-file /nowhere: No such file"),
    ("http-cert = \"/nowhere\"", "--http-cert and --http-key go together"),
    (
        "[[zone]]\nname = \"a..b\"",
        ":2: name: `a..b` is no zone name; write it like services.internal",
    ),
    ("[[zone]]\nname = \"a\"\nttl = \"500ms\"", ":3: ttl: `500ms`: a TTL is whole seconds"),
    (
        "[[zone]]\nname = \"a\"\nschema = \"sky\"",
        ":3: schema: unknown variant `sky`, expected `services` or `skydns`",
    ),
    (
        "[[zone]]\nname = \"a\"\n[[zone]]\nname = \"A.\"",
        ":4: [[zone]] name: `a.` is listed twice; leave one out",
    ),
    ("[[zone]]\nname = \"a\"\nprefix = \"/a//b\"", "has an empty path segment"),
];

/// Every kind.
const KINDS: [(&str, &[Mistake]); 5] = [
    ("keys", KEYS),
    ("types", TYPES),
    ("addresses", ADDRESSES),
    ("registries", REGISTRIES),
    ("values", VALUES),
];

#[test]
fn every_mistake_in_the_file_is_told_with_its_place_and_remedy() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("srvd.toml");
    let path = path.to_str().unwrap();
    let mut wrong = Vec::new();
    for (kind, (text, message)) in
        KINDS.iter().flat_map(|(kind, all)| all.iter().map(move |it| (kind, it)))
    {
        std::fs::write(path, text).unwrap();
        let output = run(&["check", "--offline", "--config", path]);
        let said = String::from_utf8(output.stderr).unwrap();
        let is_one_line = said.trim_end().lines().count() == 1;
        if output.status.code() != Some(2) || !said.contains(message) || !is_one_line {
            wrong.push(format!("{kind}: {text:?} must say {message:?}: {said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_mistake_of_a_flag_is_told_with_its_remedy() {
    for (arguments, message) in [
        (&["--listen", "53"][..], "it is a port alone; write 127.0.0.1:53 for this machine"),
        (&["--listen", ":53"], "it is a port alone; write 127.0.0.1:53"),
        (&["--listen", "::1"], "it has no port; write [::1]:53"),
        (&["--listen", "localhost:53"], "a host name is no address; write 127.0.0.1:53"),
        (
            &["--http", "5380"],
            "write 127.0.0.1:5380 for this machine, 0.0.0.0:5380 for every address, or off",
        ),
        (
            &["--http", "localhost:80"],
            "a host name is no address; write 127.0.0.1:80 or [::1]:80, or off",
        ),
        (&["--etcd-v2", "4001"], "it is a port alone; write 127.0.0.1:4001"),
        (&["--lisen", "127.0.0.1:53"], "a similar argument exists: '--listen'"),
        (&["--max-stale", "5"], "invalid value '5' for '--max-stale <DURATION>'"),
        (&["--registry", "http://a,https://b"], "has another scheme before `https://b`"),
    ] {
        let output = run(&[&["serve"], arguments].concat());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && said.contains(message), "{arguments:?}: {said}");
    }
}
