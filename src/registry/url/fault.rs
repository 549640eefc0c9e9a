//! The faults of connection strings.

use super::{ENDPOINTS_MAX, Endpoint};
use crate::registry::PrefixFault;

/// The reason why a connection string cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlFault {
    /// Nothing there.
    #[error("is empty; write http://HOST:PORT")]
    Empty,
    /// A scheme that etcd does not speak.
    #[error("has the scheme `{0}`; write http:// or https://, or etcd+srv://DOMAIN")]
    Scheme(String),
    /// Something that is no domain where one is to be asked for its members.
    #[error("has the domain `{0}`; write one, without a port: etcd+srv://example.com")]
    Domain(String),
    /// A name server that is no address.
    #[error("has resolver=`{0}`; write the address and port of a name server, like 10.0.0.53:53")]
    Resolver(String),
    /// A name server where nobody is asked.
    #[error("has a resolver, which only etcd+srv:// asks; leave it out")]
    ResolverUnused,
    /// A user or password inside: it would show in process lists and logs.
    #[error("has a user or password in it; give them with --user and --password-file")]
    Credentials,
    /// No host between two commas, or at all.
    #[error("names an empty host; write HOST or HOST:PORT between the commas")]
    EmptyHost,
    /// A host that is none.
    #[error("has the host `{host}`, which {reason}")]
    Host {
        /// The text.
        host: String,
        /// What it is instead.
        reason: &'static str,
    },
    /// A port out of range.
    #[error("has the port `{0}`; a port is a number from 1 to 65535")]
    Port(String),
    /// One endpoint twice.
    #[error("names the endpoint `{0}` twice; leave one out")]
    Twice(Endpoint),
    /// More endpoints than any cluster has.
    #[error("names {0} endpoints, at most {ENDPOINTS_MAX} are used; leave some out")]
    TooMany(usize),
    /// Another scheme before one of the other hosts.
    #[error("has another scheme before `{0}`; write the same before all hosts, or once")]
    OtherScheme(String),
    /// A host where the namespace is.
    #[error("has `{0}` behind the namespace; write all hosts before the first `/`")]
    HostBehindNamespace(String),
    /// An option nobody knows.
    #[error(
        "has the unknown option `{0}`; known are prefix, timeout and refresh, and resolver with etcd+srv"
    )]
    UnknownOption(String),
    /// An option given twice.
    #[error("has the option `{0}` twice; leave one out")]
    OptionTwice(String),
    /// An option without a value.
    #[error("has the option `{0}` without a value; write {0}=VALUE")]
    NoValue(String),
    /// A duration that is none, or out of range.
    #[error("has {option}=`{value}`; {wanted}")]
    Duration {
        /// Which option.
        option: &'static str,
        /// What stands there.
        value: String,
        /// What may stand there.
        wanted: &'static str,
    },
    /// An escape that is none.
    #[error("has a bad percent escape in `{0}`; write %25 for a percent sign")]
    Escape(String),
    /// A fragment, which means nothing here.
    #[error("has a `#`; write %23 if it belongs to the namespace or prefix")]
    Fragment,
    /// A namespace or prefix that cannot stand in a key.
    #[error(transparent)]
    Prefix(#[from] PrefixFault),
}
