//! Making a connection: TCP, TLS, and the first answer of the member.
//!
//! A connection counts once it was answered on: with a user by logging in, else by a call
//! that needs no permission. So whoever waits for it learns what is wrong with it (the
//! certificate, the password, another protocol), and calls do not find out one by one.

use std::sync::Arc;
use std::time::Duration;

use etcd_client::{Channel, Client, ConnectOptions};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};

use super::Error;
use super::access::Credentials;
use super::transport::reason;

/// How often an open connection is pinged. etcd closes connections that ping more often
/// than every 5 s (`--grpc-keepalive-min-time`).
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// How long an answer to a ping may take.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(5);

/// Connects and logs in. All of it may take `patience`; a name that stands for several
/// addresses gives each of them its share.
pub(super) async fn connect(
    address: &str,
    credentials: &Arc<Credentials>,
    patience: Duration,
) -> Result<Client, Error> {
    let connecting = async {
        let channel = open(address, credentials, patience).await?;
        let entered = match &credentials.user {
            Some((user, password)) => log_in(channel, user, password).await,
            None => greet(channel).await,
        };
        entered.map_err(|error| error.on_first_contact(address, credentials.identity.is_some()))
    };
    timeout(patience, connecting).await.unwrap_or(Err(Error::Silent(patience)))
}

/// Connects without saying who we are, and without asking anything.
pub(super) async fn connect_unknown(
    address: &str,
    credentials: &Arc<Credentials>,
    patience: Duration,
) -> Result<Client, Error> {
    let channel = open(address, credentials, patience).await?;
    Ok(Client::from_channel(channel, Some(options())).await?)
}

/// TCP and TLS. The system's authorities are hundreds of files, so TLS is prepared where
/// it holds nobody up.
async fn open(
    address: &str,
    credentials: &Arc<Credentials>,
    patience: Duration,
) -> Result<Channel, Error> {
    let (place, known) = (address.to_owned(), Arc::clone(credentials));
    let endpoint = spawn_blocking(move || endpoint(&place, &known, patience)).await;
    let endpoint = endpoint.map_err(|error| Error::Ended(error.to_string()))?;
    let channel = async { endpoint?.connect().await }.await;
    channel.map(Channel::Tonic).map_err(|error| reason(address, &error))
}

/// What an endpoint is connected with.
fn endpoint(
    address: &str,
    credentials: &Credentials,
    patience: Duration,
) -> Result<Endpoint, tonic::transport::Error> {
    let endpoint = Endpoint::new(address.to_owned())?
        .connect_timeout(patience)
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        // etcd does not permit pings without a stream.
        .keep_alive_while_idle(false);
    match endpoint.uri().host().filter(|_| address.starts_with("https://")) {
        // In a certificate an IPv6 address has no brackets.
        Some(host) => {
            let tls = tls(credentials).domain_name(host.trim_matches(['[', ']']));
            endpoint.tls_config(tls)
        }
        None => Ok(endpoint),
    }
}

/// What TLS needs to know.
fn tls(credentials: &Credentials) -> ClientTlsConfig {
    let tls = match &credentials.ca {
        Some(ca) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(ca)),
        None => ClientTlsConfig::new().with_native_roots(),
    };
    match &credentials.identity {
        Some((certificate, key)) => tls.identity(Identity::from_pem(certificate, key)),
        None => tls,
    }
}

/// Logs in. A registry whose authentication is off needs no user: work goes on while it is
/// off for a moment, and the first call it refuses logs in again.
async fn log_in(channel: Channel, user: &str, password: &str) -> Result<Client, Error> {
    let options = options();
    let known = options.clone().with_user(user, password);
    match Client::from_channel(channel.clone(), Some(known)).await.map_err(Error::from) {
        Err(Error::NoLogins) => {
            tracing::warn!(
                "the registry has its authentication turned off and is used without a login; turn \
                 it on (etcdctl auth enable), or leave --user `{user}` out"
            );
            Ok(Client::from_channel(channel, Some(options)).await?)
        }
        end => end,
    }
}

/// Asks for the member's state: any answer shows that it speaks with us.
async fn greet(channel: Channel) -> Result<Client, Error> {
    let client = Client::from_channel(channel, Some(options())).await?;
    match client.clone().status().await.map_err(Error::from) {
        Err(error) if !error.is_spoken() => Err(error),
        _ => Ok(client),
    }
}

/// What every client is made with. Logins are renewed by [`super::Etcd`], for streams too.
fn options() -> ConnectOptions {
    // A member cut off from its leader must say so, not stay silent.
    ConnectOptions::new().with_require_leader(true)
}
