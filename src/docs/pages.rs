//! The parts of help texts and man pages that no option declares.

use clap::Arg;

/// A page: what is said of one command beside its options.
#[derive(Debug)]
pub(super) struct Page {
    /// The command, or `srvd` for all of them.
    pub(super) name: &'static str,
    /// Options that do not matter to it: headings, or ids.
    hidden: &'static [&'static str],
    /// A line about options that are not shown.
    pub(super) hint: Option<&'static str>,
    /// What to do, and the line that does it.
    pub(super) examples: &'static [(&'static str, &'static str)],
    /// Exit codes beside those of every command.
    pub(super) exits: &'static [(&'static str, &'static str)],
    /// Files that it reads or writes.
    pub(super) files: &'static [(&'static str, &'static str)],
}

/// Exit codes of every command.
pub(super) const EXITS: &[(&str, &str)] = &[
    ("0", "done"),
    ("1", "failed"),
    ("2", "wrong usage or configuration"),
    ("4", "the registry cannot be reached"),
];

/// Options that reach a registry or read a configuration.
const REGISTRY: &[&str] =
    &["registry", "config", "ca", "cert", "key", "user", "password_file", "log_format", "verbose"];
/// Options of `serve` that change neither what is in a zone nor what is said of it.
const SERVING: &[&str] = &[
    "Limits",
    "HTTP",
    "Answering",
    "listen",
    "workers",
    "watch_files",
    "state",
    "max_stale",
    "hold_collapse",
    "shutdown_delay",
    "forward_ca",
    "forward_private",
    "forward_0x20",
];
/// Where the configuration usually is.
const CONFIG: (&str, &str) = ("/etc/srvd/srvd.toml", "the configuration, where --config names it");

/// A page that hides nothing, and has no codes or files of its own.
const PLAIN: Page =
    Page { name: "", hidden: &[], hint: None, examples: &[], exits: &[], files: &[CONFIG] };

/// A page of a command that reads what `srvd serve` would, and serves nothing.
const READER: Page = Page {
    hidden: SERVING,
    hint: Some("All options of `srvd serve` are accepted."),
    files: &[CONFIG, ("DIRECTORY/APEX.zone", "zone files, in the directory of --zones")],
    ..PLAIN
};

/// The page of each command.
pub(super) const PAGES: &[Page] = &[
    Page {
        name: "srvd",
        examples: &[
            ("try it: a server with a registry in memory", "srvd dev"),
            ("serve zones from etcd", "srvd serve --registry http://10.0.0.1:2379"),
            ("register what listens on port 8080", "srvd join web --port 8080"),
            ("find it", "dig @127.0.0.1 -p 5300 SRV _web._tcp"),
        ],
        exits: &[("3", "nothing was found")],
        ..PLAIN
    },
    Page {
        name: "serve",
        examples: &[
            (
                "on port 53, with snapshots for a restart while etcd is away",
                "srvd serve --registry http://10.0.0.1:2379 --listen 0.0.0.0:53 --state /var/lib/srvd",
            ),
            ("by a configuration file", "srvd serve --config /etc/srvd/srvd.toml"),
            ("as a client's only name server", "srvd serve --forward /etc/resolv.conf"),
        ],
        files: &[
            CONFIG,
            ("DIRECTORY/APEX.zone", "zone files, in the directory of --zones"),
            ("DIRECTORY/APEX.snapshot", "snapshots, in the directory of --state"),
        ],
        ..PLAIN
    },
    Page {
        name: "dev",
        hidden: &["ca", "cert", "key", "user", "password_file", "state"],
        examples: &[
            ("on the default ports, or free ones where these are taken", "srvd dev"),
            ("with zone files", "srvd dev --zones ./zones"),
        ],
        ..PLAIN
    },
    Page {
        name: "join",
        examples: &[
            ("register what listens on port 8080", "srvd join web --port 8080"),
            ("run a program on a free port, and register it", "srvd join web -- ./web"),
            (
                "only while it answers",
                "srvd join web --check 'http://$HOST:$PORT/healthz' -- ./web",
            ),
            ("many registrations", "srvd join --from services.json --check tcp"),
        ],
        exits: &[("N", "the exit code of COMMAND, with COMMAND")],
        ..PLAIN
    },
    Page {
        name: "leave",
        examples: &[
            ("remove all of this host's registrations of a service", "srvd leave web"),
            ("remove one", "srvd leave web --id 10-1-2-3-8080"),
        ],
        exits: &[("3", "nothing was found")],
        ..PLAIN
    },
    Page {
        name: "status",
        hidden: &["registry", "ca", "cert", "key", "user", "password_file"],
        examples: &[
            ("the server on this machine", "srvd status"),
            ("another", "srvd status --server http://10.0.0.53:5380"),
            ("as a health check", "srvd status > /dev/null"),
        ],
        exits: &[("1", "it is not ready"), ("4", "it cannot be reached")],
        ..PLAIN
    },
    Page {
        name: "list",
        examples: &[
            ("all services", "srvd list"),
            ("the instances of one, as JSON", "srvd list web --output json"),
            ("of a running server, without etcd", "srvd list --server http://127.0.0.1:5380"),
        ],
        exits: &[("3", "nothing was found")],
        ..PLAIN
    },
    Page {
        name: "lookup",
        examples: &[
            ("an address to connect to", "srvd lookup web --output address"),
            ("the whole document", "srvd lookup web --output json"),
        ],
        exits: &[("3", "nothing was found")],
        ..PLAIN
    },
    Page {
        name: "watch",
        examples: &[
            ("what comes and goes", "srvd watch"),
            ("the same of one service, an object a line", "srvd watch web --output json"),
        ],
        ..PLAIN
    },
    Page {
        name: "check",
        examples: &[
            ("a configuration and all it leads to", "srvd check --config /etc/srvd/srvd.toml"),
            ("the configuration alone", "srvd check --offline --config /etc/srvd/srvd.toml"),
            ("for programs", "srvd check --output json"),
        ],
        exits: &[("1", "there are problems")],
        ..READER
    },
    Page {
        name: "explain",
        examples: &[
            ("why a name does not exist", "srvd explain web.services.internal"),
            ("another type", "srvd explain web.services.internal TXT"),
        ],
        exits: &[("3", "the name does not exist, or is in no zone")],
        ..READER
    },
    Page {
        name: "completions",
        hidden: REGISTRY,
        examples: &[
            ("of bash", "srvd completions bash > /etc/bash_completion.d/srvd"),
            ("of zsh", "srvd completions zsh > ~/.zfunc/_srvd"),
        ],
        files: &[],
        ..PLAIN
    },
    Page {
        name: "man",
        hidden: REGISTRY,
        examples: &[
            ("for everybody", "srvd man /usr/local/share/man/man1"),
            ("read one", "srvd man . && man ./srvd-join.1"),
        ],
        files: &[("DIRECTORY/srvd*.1, DIRECTORY/srvd.toml.5", "the pages")],
        ..PLAIN
    },
];

impl Page {
    /// Whether an option does not matter to the command.
    pub(super) fn hides(&self, argument: &Arg) -> bool {
        let heading = argument.get_help_heading().unwrap_or_default();
        let id = argument.get_id().as_str();
        self.hidden.iter().any(|hidden| *hidden == heading || *hidden == id)
    }

    /// What `srvd help` calls it.
    pub(super) fn topic(&self) -> &'static str {
        if self.name == "srvd" { "COMMAND" } else { self.name }
    }

    /// Its exit codes, in order.
    pub(super) fn codes(&self) -> Vec<(&'static str, &'static str)> {
        let is_own = |code: &str| self.exits.iter().any(|(own, _)| *own == code);
        let common = EXITS.iter().filter(|(code, _)| !is_own(code));
        let mut codes: Vec<_> = self.exits.iter().chain(common).copied().collect();
        codes.sort_unstable();
        codes
    }
}
