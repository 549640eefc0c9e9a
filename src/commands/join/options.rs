//! The options of `join`, resolved.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::num::NonZeroU16;
use std::time::Duration;

use super::checks::Checks;
use super::command;
use crate::cli::JoinArgs;
use crate::commands::labels;
use crate::config::check_lease;
use crate::error::Failure;
use crate::join::{Registrant, Terms, default_host};
use crate::names::{self, HEARTBEATS_PER_LEASE, SERVICE_MAX};
use crate::registry::document::Registration as Document;
use crate::registry::{Host, Layout, Proto, RegistryUrl};

/// The shortest heartbeat: more often is load without use, since etcd counts leases in
/// whole seconds.
const HEARTBEAT_MIN: Duration = Duration::from_millis(100);

/// The options of `join`, validated.
#[derive(Debug)]
pub(super) struct Options {
    /// The service's name as it was typed.
    typed_name: String,
    /// Where the instance is.
    pub(super) host: Host,
    /// Whether that is this machine's address, and follows it.
    pub(super) follows_host: bool,
    port: NonZeroU16,
    /// The id, where one was typed.
    id: Option<String>,
    /// The transport.
    pub(super) proto: Proto,
    /// How the registration is held.
    pub(super) terms: Terms,
    /// With COMMAND: between a signal and leaving.
    pub(super) wait: Duration,
    /// With COMMAND: between leaving and the signal.
    pub(super) slack: Duration,
    /// The program to run and its arguments; none without COMMAND.
    pub(super) command: Vec<OsString>,
    /// What is checked, and how.
    pub(super) checks: Option<Checks>,
    /// The document's optional members.
    members: Members,
}

/// The document's optional members, as they were typed.
#[derive(Debug)]
struct Members {
    /// The port's name, and the url's scheme.
    protocol: Option<String>,
    /// The transport.
    proto: Option<Proto>,
    /// SRV priority.
    priority: Option<u16>,
    /// SRV weight.
    weight: Option<u16>,
    /// DNS TTL in seconds.
    dns_ttl: Option<u32>,
    version: Option<String>,
    /// Tags.
    tags: Vec<String>,
    /// Metadata.
    meta: BTreeMap<String, String>,
    text: Option<String>,
}

impl Options {
    /// What the arguments mean. Without `--host` this machine's addresses are looked at;
    /// without `--port` a free one is found for COMMAND.
    ///
    /// # Errors
    /// [`Failure::Usage`]: which argument is wrong, and what to write.
    pub(super) fn new(args: &JoinArgs, registry: &RegistryUrl) -> Result<Self, Failure> {
        let name = args.name.clone().unwrap_or_default();
        labels::name(&name)?;
        args.id.as_deref().map_or(Ok(()), |id| labels::id("--id", id))?;
        check_waits(args)?;
        let checks = Checks::new(args)?;
        let terms = terms(args)?;
        let members = Members::new(args)?;
        let host = host_of(args.host.as_deref(), registry)?;
        let proto = args.proto.unwrap_or_default();
        let port = port_of(args, &host, proto)?;
        Ok(Self {
            typed_name: name,
            host,
            follows_host: args.host.is_none(),
            port,
            id: args.id.clone(),
            proto,
            terms,
            wait: args.wait,
            slack: args.slack,
            command: args.command.clone(),
            checks,
            members,
        })
    }

    /// What is registered, in this part of the keyspace.
    ///
    /// # Errors
    /// [`Failure::Usage`] when `serve` could not read the document.
    pub(super) fn registrant(&self, layout: &Layout) -> Result<Registrant, Failure> {
        self.registrant_at(&self.host, layout)
    }

    /// The same at another host.
    ///
    /// # Errors
    /// [`Failure::Usage`] when `serve` could not read the document.
    pub(super) fn registrant_at(
        &self,
        host: &Host,
        layout: &Layout,
    ) -> Result<Registrant, Failure> {
        Registrant::new(self.document(host), self.id.clone(), layout).map_err(Failure::usage)
    }

    /// The document, at a host.
    fn document(&self, host: &Host) -> Document {
        let members = &self.members;
        Document {
            proto: members.proto.map(|proto| proto.to_string()),
            priority: members.priority,
            weight: members.weight,
            ttl: members.dns_ttl,
            version: members.version.clone(),
            tags: members.tags.clone(),
            meta: members.meta.clone(),
            text: members.text.clone(),
            ..Document::new(&self.typed_name, host, self.port, members.protocol.as_deref())
        }
    }
}

impl Members {
    /// Takes the optional members from the arguments.
    fn new(args: &JoinArgs) -> Result<Self, Failure> {
        let labels = args.tag.iter().map(|tag| ("--tag", tag));
        for (option, text) in labels.chain(args.protocol.iter().map(|it| ("--protocol", it))) {
            labels::length(option, text, SERVICE_MAX)?;
        }
        Ok(Self {
            protocol: args.protocol.clone(),
            proto: args.proto,
            priority: args.priority,
            weight: args.weight,
            dns_ttl: args.dns_ttl.map(dns_ttl).transpose()?,
            version: args.version.clone(),
            tags: args.tag.clone(),
            meta: args.metadata(),
            text: args.text.clone(),
        })
    }
}

/// Waits are about COMMAND. Without one they would silently do nothing.
fn check_waits(args: &JoinArgs) -> Result<(), Failure> {
    for (option, wait) in [("--wait", args.wait), ("--slack", args.slack)] {
        if !wait.is_zero() && args.command.is_empty() {
            return Err(Failure::usage(format!(
                "{option} delays what COMMAND gets; give a COMMAND after --, or leave it out"
            )));
        }
    }
    Ok(())
}

/// Lease and heartbeat.
pub(super) fn terms(args: &JoinArgs) -> Result<Terms, Failure> {
    let ttl = args.ttl;
    check_lease("--ttl", ttl)?;
    let heartbeat = args.heartbeat.unwrap_or(ttl / HEARTBEATS_PER_LEASE);
    let (shown, half) =
        (humantime::format_duration(heartbeat), humantime::format_duration(ttl / 2));
    if heartbeat > ttl / 2 {
        return Err(Failure::usage(format!(
            "--heartbeat {shown} is more than half of --ttl: one late answer would end the \
             registration; use at most {half}, or a longer --ttl"
        )));
    }
    if heartbeat < HEARTBEAT_MIN {
        return Err(Failure::usage(format!("--heartbeat {shown} is less than 100ms; use more")));
    }
    Ok(Terms { ttl, heartbeat, by_force: args.force })
}

/// The DNS TTL in seconds.
fn dns_ttl(ttl: Duration) -> Result<u32, Failure> {
    names::dns_ttl(ttl).map_err(|fault| Failure::usage(format!("--dns-ttl {fault}")))
}

/// The host that was typed, or this machine's.
fn host_of(typed: Option<&str>, registry: &RegistryUrl) -> Result<Host, Failure> {
    match typed {
        Some(text) => {
            Host::parse(text).map_err(|reason| Failure::usage(format!("--host `{text}` {reason}")))
        }
        None => default_host(registry)
            .map_err(|fault| Failure::usage(format!("{fault}; say with --host what to register"))),
    }
}

/// The port that was typed, or a free one for COMMAND.
fn port_of(args: &JoinArgs, host: &Host, proto: Proto) -> Result<NonZeroU16, Failure> {
    match args.port.and_then(NonZeroU16::new) {
        Some(port) => Ok(port),
        None if args.command.is_empty() => {
            Err(Failure::usage("--port is needed, unless a COMMAND after -- gets a free one"))
        }
        None => command::free_port(host, proto)
            .map_err(|error| Failure::failed(format!("no free port was found: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;

    fn options(line: &str) -> Result<Options, Failure> {
        let words = ["srvd", "join"].into_iter().chain(line.split_whitespace());
        let Command::Join(args) = Cli::try_parse_from(words).unwrap().command else { panic!() };
        Options::new(&args, &"http://127.0.0.1".parse().unwrap())
    }

    fn registrant(line: &str) -> Registrant {
        let layout = Layout::new("/services", None).unwrap();
        options(line).unwrap().registrant(&layout).unwrap()
    }

    #[test]
    fn the_documents_are_the_contracts() {
        let plain = registrant("my-service --port 8080 --host 192.168.1.10");
        assert_eq!(plain.key, "/services/my-service/192-168-1-10-8080");
        assert_eq!(
            plain.document,
            r#"{"name":"my-service","port":8080,"hostname":"192.168.1.10","host":"192.168.1.10:8080","url":"http://192.168.1.10:8080"}"#
        );
        let full = registrant(
            "my_service --port 53 --host 2001:db8::1 --id a --protocol dns --proto udp --priority 1 \
             --weight 2 --dns-ttl 1m --version 1.2 --tag a,b --tag c --meta k=v --meta a=b --text hi",
        );
        assert_eq!(full.key, "/services/my-service/a");
        assert_eq!(
            full.document,
            r#"{"name":"my_service","port":53,"hostname":"2001:db8::1","host":"[2001:db8::1]:53","url":"dns://[2001:db8::1]:53","protocol":"dns","proto":"udp","priority":1,"weight":2,"ttl":60,"version":"1.2","tags":["a","b","c"],"meta":{"a":"b","k":"v"},"text":"hi"}"#
        );
    }

    #[test]
    fn every_fault_says_what_to_do() {
        let long = "n".repeat(64);
        for (line, message) in [
            ("web --port 1 --ttl 10s --heartbeat 6s", "--heartbeat 6s is more than half of --ttl"),
            ("web --port 1 --heartbeat 1ms", "--heartbeat 1ms is less than 100ms"),
            ("web --port 1 --ttl 500ms", "--ttl: 500ms is not 1s or more in whole seconds"),
            ("web --port 1 --ttl 86401s", "--ttl: 1day 1s is more than 24h"),
            ("web --port 1 --wait 1s", "--wait delays what COMMAND gets"),
            ("web --port 1 --dns-ttl 86401s", "--dns-ttl 1day 1s is not a whole number"),
            ("web --port 1 --dns-ttl 10ms", "--dns-ttl 10ms is not a whole number"),
            ("web --port 1 --host a$b", "--host `a$b` is neither an address nor a host name"),
            ("web --port 1 --id a/b", "--id `a/b` has a `/`"),
            (&format!("{long} --port 1"), "NAME has 64 octets, at most 62 fit a DNS label"),
            (&format!("web --port 1 --id {long}"), "--id has 64 octets, at most 63"),
            (&format!("web --port 1 --tag {long}"), "--tag has 64 octets, at most 62"),
            (&format!("web --port 1 --protocol {long}"), "--protocol has 64 octets, at most 62"),
            ("web --port 1 --protocol=", "--protocol is empty"),
            ("web --port 1 --check ping", "--check `ping` is none of tcp, http://HOST:PORT/PATH"),
            ("web --port 1 --check exec:", "--check `exec:` is none of"),
            ("web --port 1 --check https://a/", "--check `https://a/`: https is not checked"),
            ("web --port 1 --check tcp --check-interval 1ms", "--check-interval 1ms is not 100ms"),
            ("web --port 1 --check tcp --check-timeout 0s", "--check-timeout 0s is not 100ms to"),
            ("web --port 1 --check tcp --check-failures 0", "--check-failures 0 is not 1 to 1000"),
            ("web --port 1 --check-failures 2", "--check-failures needs a --check"),
        ] {
            let failure = options(line).unwrap_err();
            assert!(failure.to_string().starts_with(message), "{line}: {failure}");
            assert_eq!(failure.code(), 2, "{line}");
        }
    }

    #[test]
    fn what_serve_could_not_read_is_refused() {
        let layout = Layout::new("/services", None).unwrap();
        let failure =
            |line: &str| options(line).unwrap().registrant(&layout).unwrap_err().to_string();
        assert!(
            failure("web --port 1 --host a --protocol a_b").contains("has a scheme that is not")
        );
        let text = format!("web --port 1 --host a --text {}", "x".repeat(70_000));
        assert!(failure(&text).contains("at most 65536 are read"));
    }

    #[test]
    fn three_heartbeats_fit_into_a_lease_unless_others_are_asked_for() {
        let heartbeat = |line: &str| options(line).unwrap().terms.heartbeat;
        assert_eq!(heartbeat("web --port 1"), Duration::from_secs(10) / 3);
        assert_eq!(heartbeat("web --port 1 --ttl 3s"), Duration::from_secs(1));
        assert_eq!(heartbeat("web --port 1 --heartbeat 5s"), Duration::from_secs(5));
    }
}
