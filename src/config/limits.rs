//! Access and limits: who may ask, how much, and as whom the server runs.

use std::num::NonZeroU32;

use crate::error::Failure;
use crate::names::{Network, Networks, Span};
use crate::options::{File, Given, LimitArgs};
use crate::privileges::Account;
use crate::wire::{RateLimit, TcpLimits};

/// Access and limits: who may ask, how much, and as whom the server runs.
#[derive(Debug)]
pub struct Limits {
    /// Whom queries are answered; everybody when absent.
    pub allow_query: Option<Networks>,
    /// Whom names outside the zones are looked up for.
    pub allow_recursion: Networks,
    /// Whose PROXY headers are believed, and must come; nobody's when absent.
    pub proxies: Option<Networks>,
    /// How much a network is sent over UDP; without limit when absent.
    pub rate: Option<RateLimit>,
    /// What connections may take.
    pub tcp: TcpLimits,
    /// Whom to become; nobody else when absent.
    pub run_as: Option<Account>,
}

/// What the options and the file say.
pub(super) fn limits(args: &LimitArgs, file: &File) -> Result<Limits, Failure> {
    let allow_query = args.allow_query(file);
    if let Some(empty) = allow_query.as_ref().filter(|given| given.value.is_empty()) {
        let text = "name the networks that are answered, or leave it out for everybody";
        return Err(empty.fault(text));
    }
    let list = |given: Given<Vec<Network>>| Networks::new(&given.value);
    Ok(Limits {
        allow_query: allow_query.map(list),
        allow_recursion: args.allow_recursion(file).map(list).unwrap_or_default(),
        proxies: args.proxy_protocol(file).filter(|it| !it.value.is_empty()).map(list),
        rate: rate(args, file)?,
        tcp: tcp(args, file)?,
        run_as: run_as(args, file)?,
    })
}

/// How much a network is sent.
fn rate(args: &LimitArgs, file: &File) -> Result<Option<RateLimit>, Failure> {
    let default = RateLimit::new(NonZeroU32::MIN);
    let exempt = args.rate_limit_exempt(file);
    let limit = RateLimit {
        slip: args.rate_limit_slip(file)?.unwrap_or(default.slip),
        ipv4_prefix: args.rate_limit_ipv4_prefix(file)?.unwrap_or(default.ipv4_prefix),
        ipv6_prefix: args.rate_limit_ipv6_prefix(file)?.unwrap_or(default.ipv6_prefix),
        exempt: exempt.map_or(default.exempt, |given| Networks::new(&given.value)),
        ..default
    };
    let rate = args.rate_limit(file)?.and_then(NonZeroU32::new);
    Ok(rate.map(|per_second| RateLimit { per_second, ..limit }))
}

/// What connections may take. Who sets the whole alone wants clients to have half of it, as
/// by default.
fn tcp(args: &LimitArgs, file: &File) -> Result<TcpLimits, Failure> {
    let default = TcpLimits::default();
    let all = args.tcp_connections(file)?;
    let most = all.unwrap_or(default.connections);
    let one = args.tcp_connections_per_client(file);
    let one = one.map(|given| given.within(1..=most, "which is `tcp-connections`")).transpose()?;
    let half = all.map_or(default.per_client, |all| all.div_ceil(2));
    Ok(TcpLimits {
        connections: most,
        per_client: one.unwrap_or(half),
        idle: args.tcp_idle(file)?.map_or(default.idle, |Span(idle)| idle),
    })
}

/// Whom to become.
fn run_as(args: &LimitArgs, file: &File) -> Result<Option<Account>, Failure> {
    let find = |given: Given<String>| Account::find(&given.value).map_err(|it| given.fault(it));
    args.run_as(file).map(find).transpose()
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::config::Serve;
    use crate::options::Common;

    /// What a file says.
    fn read(text: &str) -> Result<Limits, Failure> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("srvd.toml");
        std::fs::write(&path, text).unwrap();
        let file = File::read(Some(&path))?;
        Ok(Serve::new(&Common::default(), &Default::default(), &file)?.limits)
    }

    /// Whether a list holds an address.
    fn holds(networks: &Networks, address: &str) -> bool {
        networks.contains(address.parse::<IpAddr>().unwrap())
    }

    #[test]
    fn nothing_is_limited_by_default_but_connections_and_recursion() {
        let Limits { allow_query, allow_recursion, proxies, rate, tcp, run_as } = read("").unwrap();
        assert!(allow_query.is_none() && rate.is_none() && run_as.is_none());
        assert!(proxies.is_none() && read("proxy-protocol = []").unwrap().proxies.is_none());
        assert!(holds(&allow_recursion, "10.1.1.1") && !holds(&allow_recursion, "192.0.2.1"));
        assert_eq!((tcp.connections, tcp.per_client, tcp.idle.as_secs()), (900, 450, 10));
        assert!(read("rate-limit = 0\nrate-limit-slip = 1").unwrap().rate.is_none());
    }

    #[test]
    fn what_is_written_is_meant() {
        let text = r#"
            allow-query = ["10.0.0.0/8", "2001:db8::/32"]
            allow-recursion = []
            proxy-protocol = ["10.9.0.0/16"]
            rate-limit = 20
            rate-limit-slip = 0
            rate-limit-ipv6-prefix = 48
            rate-limit-exempt = ["192.0.2.53"]
            tcp-connections = 21
            tcp-idle = "30s"
        "#;
        let Limits { allow_query, allow_recursion, proxies, rate, tcp, .. } = read(text).unwrap();
        assert!(proxies.is_some_and(|it| holds(&it, "10.9.1.1") && !holds(&it, "10.8.1.1")));
        let allow_query = allow_query.unwrap();
        assert!(holds(&allow_query, "2001:db8::1") && !holds(&allow_query, "11.0.0.1"));
        assert!(!holds(&allow_recursion, "127.0.0.1"));
        let rate = rate.unwrap();
        assert_eq!((rate.per_second.get(), rate.slip), (20, 0));
        assert_eq!((rate.ipv4_prefix, rate.ipv6_prefix), (24, 48));
        assert!(holds(&rate.exempt, "192.0.2.53"));
        assert_eq!((tcp.connections, tcp.per_client, tcp.idle.as_secs()), (21, 11, 30));
    }

    #[test]
    fn faults_name_the_key_and_the_bounds() {
        for (text, message) in [
            ("\nallow-query = []", "srvd.toml:2: allow-query: name the networks"),
            ("allow-query = [\"10.0.0.1/8\"]", "write 10.0.0.0/8 for the network, or 10.0.0.1"),
            ("allow-recursion = [\"all\"]", "`all` is no network"),
            (
                "\nproxy-protocol = [\"haproxy\"]",
                "srvd.toml:2: proxy-protocol: `haproxy` is no net",
            ),
            (
                "\n\nrate-limit = 100001",
                "srvd.toml:3: rate-limit: 100001 is not within 0 to 100000",
            ),
            ("rate-limit-slip = 11", "rate-limit-slip: 11 is not within 0 to 10; 0 drops all"),
            ("rate-limit-ipv4-prefix = 33", "rate-limit-ipv4-prefix: 33 is not within 1 to 32"),
            ("rate-limit-ipv6-prefix = 0", "rate-limit-ipv6-prefix: 0 is not within 1 to 128"),
            ("tcp-connections = 0", "tcp-connections: 0 is not within 1 to 10000"),
            ("tcp-connections-per-client = 901", "is not within 1 to 900; which is `tcp-conn"),
            (
                "tcp-idle = \"1ms\"",
                "srvd.toml:1: tcp-idle: 1ms is not within 100ms to 1h; leave it out for 10s",
            ),
            ("run-as = \"nobody-of-that-name\"", "run-as: there is no user `nobody-of-that-name`"),
            ("run-as = \"root:no-group\"", "srvd.toml:1: run-as: there is no group `no-group`"),
        ] {
            let failure = read(text).unwrap_err();
            assert_eq!(failure.code(), 2, "{text}");
            assert!(failure.to_string().contains(message), "{text}: {failure}");
        }
    }
}
