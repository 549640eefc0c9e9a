//! The forms of values, as help texts and man pages explain them.

/// The form of each kind of value, by the name that stands for it behind an option.
pub(super) const FORMS: &[(&str, &str)] = &[
    ("ADDRESS", "IP:PORT, as 0.0.0.0:53 or [::]:53; port 0 is a free one"),
    ("ADDRESS|off", "IP:PORT, as 127.0.0.1:5380, or `off`"),
    ("BITS", "length of a network prefix, as 24"),
    ("BOOL", "true or false"),
    ("CHECK", "tcp, http://HOST:PORT/PATH or exec:COMMAND"),
    ("COMMAND", "a program and its arguments"),
    ("DIRECTORY", "path of a directory"),
    ("DURATION", "10s, 500ms, 2h, \"1m 30s\""),
    ("FILE", "path of a file"),
    ("HOST", "an IP address or a host name"),
    ("ID", "the last part of the key, as 10-1-2-3-8080"),
    ("IP", "an IP address, as 10.0.0.53 or 2001:db8::53"),
    ("K=V", "a name, `=`, and the rest as its value"),
    ("N", "a whole number"),
    ("NAME", "a name"),
    ("NETWORK", "10.0.0.0/8, fd00::/8, or one address"),
    ("OCTETS", "a number of octets"),
    ("PORT", "1 to 65535"),
    ("SERVER|FILE", "an address, as 1.1.1.1 or [2001:db8::1]:5353, or a resolv.conf file"),
    ("TEXT", "any text"),
    ("tcp|udp", "tcp or udp"),
    ("TYPE", "a type of DNS records, as SRV or TYPE65"),
    ("SHELL", "bash, elvish, fish, powershell or zsh"),
    ("SERVER_URL", "http[s]://HOST[:PORT]"),
    ("URL", "http[s]://HOST[:PORT][,HOST[:PORT]...][/NAMESPACE][?prefix=...]"),
    ("USER", "USER or USER:GROUP"),
    ("ZONE", "a domain name, as 10.in-addr.arpa"),
];

/// The name of an argument's values: none where it takes none, or says itself which there are.
pub(super) fn value_name(argument: &clap::Arg) -> Option<&str> {
    let has_choice = argument.get_possible_values().iter().any(|it| !it.is_hide_set());
    let is_free = argument.get_action().takes_values() && !has_choice;
    argument.get_value_names().filter(|_| is_free)?.first().map(|name| name.as_str())
}

/// The form that a name of values stands for.
pub(super) fn form(name: &str) -> Option<&'static str> {
    FORMS.iter().find(|(known, _)| *known == name).map(|(_, form)| *form)
}
